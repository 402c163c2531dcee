//! Unanswered registrations: the server may have created the account before the connection ended. The client repeats the
//! registration until it knows, and recognises its own account by the password.

use super::Client;
use super::io::Output;
use super::requests;
use super::retry::Failure;
use super::state::{Authentication, State};
use crate::time::{Mono, Now};
use crate::wire::control::Purpose;
use crate::wire::rejection::Rejection;

/// The client's knowledge of the result of its registration.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Registration {
    /// The client knows whether the account exists: it has sent no registration, or the server answered each one.
    Answered,
    /// A connection ended without the answer, for the first time at `since`. The account may exist.
    Unanswered { since: Mono },
    /// The repeated registration was rejected. The client tries to log in, which works if the account is its own.
    Rejected { since: Mono, why: Rejection },
}

impl Registration {
    /// When a connection first ended without the answer, if one did.
    pub(super) fn unanswered_since(self) -> Option<Mono> {
        match self {
            Self::Answered => None,
            Self::Unanswered { since } | Self::Rejected { since, .. } => Some(since),
        }
    }
}

impl Client {
    /// Updates the state of the registration, before the client drops the connection because of `failure`.
    pub(super) fn note_unanswered_registration(&mut self, now: Mono, failure: Failure) {
        let is_silent = matches!(failure, Failure::Disconnected | Failure::ReplyTimedOut);
        let was_sent = matches!(self.state, State::LoggingIn { .. });
        let Some(Authentication::Password { credentials, registration }) = self.state.authentication_mut() else {
            return;
        };
        match registration.unanswered_since() {
            Some(since) => *registration = Registration::Unanswered { since },
            None if credentials.purpose == Purpose::Register && was_sent && is_silent => {
                *registration = Registration::Unanswered { since: now };
            }
            None => {}
        }
    }

    /// The server rejected the login. If that was a repeated registration, the client tries to log in with its password.
    pub(super) fn handle_rejection(
        &mut self,
        now: Now,
        rejection: Rejection,
        out: &mut Vec<Output>,
    ) -> Result<(), Failure> {
        let State::LoggingIn { auth, next_keys, request_sent, deadline, .. } = &mut self.state else { return Ok(()) };
        let Authentication::Password { credentials, registration } = auth else {
            return Err(Failure::Rejected(rejection));
        };
        match *registration {
            Registration::Unanswered { since } if is_about_new_accounts(rejection) => {
                *registration = Registration::Rejected { since, why: rejection };
                let request = requests::login(
                    credentials,
                    Purpose::Login,
                    &self.offer,
                    next_keys.public(),
                    self.config.link_features,
                );
                out.push(Output::Send(request));
                *request_sent = now;
                *deadline = now.mono + self.config.reply_timeout;
                Ok(())
            }
            // The account is not the client's own, so the rejection of the registration stands.
            Registration::Rejected { why, .. } if rejection == Rejection::WrongCredentials => {
                Err(Failure::Rejected(why))
            }
            _ => Err(Failure::Rejected(rejection)),
        }
    }
}

/// Whether the server may reject a repeated registration for this reason although the first one created the account.
const fn is_about_new_accounts(rejection: Rejection) -> bool {
    matches!(
        rejection,
        Rejection::NameTaken
            | Rejection::RegistrationClosed
            | Rejection::TooManyRegistrations { .. }
            | Rejection::NotInvited
            | Rejection::AccountsFull
    )
}
