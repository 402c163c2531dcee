//! What the machine counts: the logins that it grants and the requests that it rejects. A driver sees only bytes and
//! cannot count these.

use std::ops::{Index, IndexMut};

use crate::wire::control::WelcomeKind;
use crate::wire::rejection::Rejection;

/// One kind of answer that the machine counts. Declared here alone: metrics and JSON take its [`name`](Self::name).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Count {
    /// Sessions begun with a password, registrations included.
    Password,
    /// Sessions continued with a ticket.
    Resumed,
    /// Fresh sessions: begun with a ticket whose own session had ended.
    Fresh,
    /// Continued sessions that received a delta instead of a snapshot. They are also counted as `Resumed`.
    CaughtUp,
    /// Rejected for an unknown user name or a wrong password.
    WrongCredentials,
    /// Rejected because an operator disabled the account.
    Disabled,
    /// Registrations of a user name that is taken.
    NameTaken,
    /// Registrations while registration is closed.
    RegistrationClosed,
    /// Registrations without the invitation code.
    NotInvited,
    /// Registrations beyond the rate limit of the server or of a source.
    Registrations,
    /// Registrations beyond the number of accounts that the storage allows.
    AccountsFull,
    /// Rejected because too many password checks are in progress.
    Busy,
    /// Rejected by the throttle after failed attempts.
    Throttled,
    /// Rejected because the accounts were unavailable.
    StorageUnavailable,
    /// Tickets that are void, or whose session a newer login replaced.
    TicketRefused,
    /// Connections beyond the limit of the server or of a source.
    Full,
    /// Connections that exceeded the time limit for a login.
    TooLate,
    /// Connections that exceeded the rate limit for frames.
    TooManyRequests,
    /// All other rejections: invalid names, passwords and addresses, and malformed frames.
    Other,
}

impl Count {
    /// The ways to log in. Their sum is the number of logins.
    pub const LOGINS: [Self; 3] = [Self::Password, Self::Resumed, Self::Fresh];

    /// The reasons for a rejection. Their sum is the number of rejections.
    pub const REJECTIONS: [Self; LEN - Self::WrongCredentials as usize] = [
        Self::WrongCredentials,
        Self::Disabled,
        Self::NameTaken,
        Self::RegistrationClosed,
        Self::NotInvited,
        Self::Registrations,
        Self::AccountsFull,
        Self::Busy,
        Self::Throttled,
        Self::StorageUnavailable,
        Self::TicketRefused,
        Self::Full,
        Self::TooLate,
        Self::TooManyRequests,
        Self::Other,
    ];

    /// The name in metrics and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Resumed => "resumed",
            Self::Fresh => "fresh",
            Self::CaughtUp => "caught_up",
            Self::WrongCredentials => "wrong_credentials",
            Self::Disabled => "disabled",
            Self::NameTaken => "name_taken",
            Self::RegistrationClosed => "registration_closed",
            Self::NotInvited => "not_invited",
            Self::Registrations => "registrations",
            Self::AccountsFull => "accounts_full",
            Self::Busy => "busy",
            Self::Throttled => "throttled",
            Self::StorageUnavailable => "storage_unavailable",
            Self::TicketRefused => "ticket_refused",
            Self::Full => "full",
            Self::TooLate => "too_late",
            Self::TooManyRequests => "too_many_requests",
            Self::Other => "other",
        }
    }
}

impl From<WelcomeKind> for Count {
    fn from(kind: WelcomeKind) -> Self {
        match kind {
            WelcomeKind::LoggedIn => Self::Password,
            WelcomeKind::Continued => Self::Resumed,
            WelcomeKind::Fresh => Self::Fresh,
        }
    }
}

impl From<Rejection> for Count {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::WrongCredentials => Self::WrongCredentials,
            Rejection::Disabled => Self::Disabled,
            Rejection::NameTaken => Self::NameTaken,
            Rejection::RegistrationClosed => Self::RegistrationClosed,
            Rejection::NotInvited => Self::NotInvited,
            Rejection::TooManyRegistrations { .. } => Self::Registrations,
            Rejection::AccountsFull => Self::AccountsFull,
            Rejection::Busy { .. } => Self::Busy,
            Rejection::SlowDown { .. } => Self::Throttled,
            Rejection::StorageUnavailable => Self::StorageUnavailable,
            Rejection::TicketRefused | Rejection::Superseded => Self::TicketRefused,
            Rejection::Full => Self::Full,
            Rejection::LoginTimeout => Self::TooLate,
            Rejection::TooManyRequests => Self::TooManyRequests,
            _ => Self::Other,
        }
    }
}

/// Totals since the machine began, indexed by [`Count`].
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts([u64; LEN]);

const LEN: usize = Count::Other as usize + 1;

impl Counts {
    pub(super) fn add(&mut self, count: impl Into<Count>) {
        self[count.into()] += 1;
    }
}

impl Index<Count> for Counts {
    type Output = u64;

    fn index(&self, count: Count) -> &u64 {
        &self.0[count as usize]
    }
}

impl IndexMut<Count> for Counts {
    fn index_mut(&mut self, count: Count) -> &mut u64 {
        &mut self.0[count as usize]
    }
}

/// Adds up the numbers of each count.
impl FromIterator<(Count, u64)> for Counts {
    fn from_iter<I: IntoIterator<Item = (Count, u64)>>(numbers: I) -> Self {
        let mut counts = Self::default();
        numbers.into_iter().for_each(|(count, number)| counts[count] += number);
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_count_is_in_one_list_under_its_own_name() {
        let lists = [&Count::LOGINS[..], &[Count::CaughtUp], &Count::REJECTIONS].concat();
        assert!(lists.iter().enumerate().all(|(place, count)| *count as usize == place), "{lists:?}");
        let names: std::collections::BTreeSet<_> = lists.iter().map(|count| count.name()).collect();
        assert_eq!((lists.len(), names.len()), (LEN, LEN));
    }
}
