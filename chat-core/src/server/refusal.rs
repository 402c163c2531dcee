//! How a server refuses to welcome a guest: with a rejection, or without an answer.

use crate::wire::control::Purpose;
use crate::wire::rejection::Rejection;

/// Why a guest is not welcomed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Refusal {
    /// The guest reads the rejection, and may try again on the same connection.
    Rejected(Rejection),
    /// The rejection might be wrong, or it would say too much. The connection ends, and the rejection is only counted. The
    /// client does not know the result, so it repeats its request.
    Unanswered(Rejection),
}

impl Refusal {
    /// Refuses the session after the accounts have done as the guest asked. If it has registered, the account exists. A
    /// rejection would say that it does not, and the client would take the name as taken by somebody else. A client without
    /// an answer repeats the registration, recognises its account by the password, and reads the rejection of that login.
    pub(super) const fn of_session(purpose: Purpose, why: Rejection) -> Self {
        match purpose {
            Purpose::Login => Self::Rejected(why),
            Purpose::Register => Self::Unanswered(why),
        }
    }
}

impl From<Rejection> for Refusal {
    fn from(why: Rejection) -> Self {
        Self::Rejected(why)
    }
}
