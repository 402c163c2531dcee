//! A password change that is in progress while the conversation continues.

use std::fmt;
use std::future::{Future, pending};
use std::pin::Pin;

use chat_core::password::Password;
use chat_net::client::{ChangePasswordError, ClientHandle};

use crate::input_error::InputError;
use crate::view::Notice;

/// The server's answer.
type Answer = Result<(), ChangePasswordError>;

/// The password change in progress, if any.
#[derive(Default)]
pub(super) struct PasswordChange(Option<Pin<Box<dyn Future<Output = Answer> + Send>>>);

impl PasswordChange {
    /// Begins a request. [`Self::answer`] sends it.
    ///
    /// # Errors
    /// The server has not answered the previous request yet.
    pub(super) fn begin(&mut self, client: ClientHandle, old: Password, new: Password) -> Answer {
        if self.is_pending() {
            return Err(ChangePasswordError::InProgress);
        }
        self.0 = Some(Box::pin(async move { client.change_password(old, new).await }));
        Ok(())
    }

    /// Whether a request waits for the server's answer.
    pub(super) const fn is_pending(&self) -> bool {
        self.0.is_some()
    }

    /// Waits for the answer; forever if no request is pending.
    ///
    /// Cancel safety: this method is cancel safe.
    pub(super) async fn answer(&mut self) -> Answer {
        let Some(request) = &mut self.0 else { return pending().await };
        let answer = request.await;
        self.0 = None;
        answer
    }
}

impl fmt::Debug for PasswordChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordChange").field("is_pending", &self.is_pending()).finish()
    }
}

/// The notice or the error by which the user learns the answer.
pub(super) fn describe(answer: Answer) -> Result<Notice, InputError> {
    match answer {
        Ok(()) => Ok(Notice::PasswordChanged),
        Err(ChangePasswordError::Unanswered) => Err(InputError::PasswordUncertain),
        Err(error) => Err(InputError::PasswordNotChanged(error)),
    }
}
