//! A change of the password: the server may take its time, and messages come and go meanwhile.

use std::fmt;
use std::future::{Future, pending};
use std::pin::Pin;

use chat_core::client::PasswordChangeError;
use chat_core::password::Password;
use chat_net::client::{ChangePasswordError, Client};

use super::notice::Notice;
use crate::input_error::InputError;

/// What the server says to it.
type Answer = Result<(), ChangePasswordError>;

/// The change that is under way, if there is one.
#[derive(Default)]
pub(super) struct PasswordChange(Option<Pin<Box<dyn Future<Output = Answer> + Send>>>);

impl PasswordChange {
    /// Asks the server.
    ///
    /// # Errors
    /// The one before is not answered yet.
    pub(super) fn begin(&mut self, client: Client, old: Password, new: Password) -> Answer {
        if self.is_under_way() {
            return Err(PasswordChangeError::InProgress.into());
        }
        self.0 = Some(Box::pin(async move { client.change_password(old, new).await }));
        Ok(())
    }

    /// Whether the server has not answered yet.
    pub(super) const fn is_under_way(&self) -> bool {
        self.0.is_some()
    }

    /// The answer, once it is there; never if there is nothing to be answered. Cancel safe.
    pub(super) async fn answered(&mut self) -> Answer {
        let Some(asked) = &mut self.0 else { return pending().await };
        let answer = asked.await;
        self.0 = None;
        answer
    }
}

impl fmt::Debug for PasswordChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordChange").field("is_under_way", &self.is_under_way()).finish()
    }
}

/// What people are told of an answer.
pub(super) fn outcome(answer: Answer) -> Result<Notice, InputError> {
    match answer {
        Ok(()) => Ok(Notice::PasswordChanged),
        Err(error @ ChangePasswordError::Failed(PasswordChangeError::Unanswered)) => {
            Err(InputError::PasswordUncertain(error.to_string()))
        }
        Err(error) => Err(InputError::PasswordNotChanged(error.to_string())),
    }
}
