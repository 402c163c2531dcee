//! What the machine counts: the logins that it grants and the requests that it rejects. A driver sees only bytes and
//! cannot count these.

use std::ops::{Index, IndexMut};

use crate::named::named;
use crate::wire::control::WelcomeKind;
use crate::wire::rejection::Rejection;

named! {
    /// One kind of answer that the machine counts. Names are those of JSON keys and metric labels.
    pub enum Count {
        /// Sessions begun with a password, registrations included.
        Password = "password",
        /// Sessions continued with a ticket.
        Resumed = "resumed",
        /// Fresh sessions: begun with a ticket whose own session had ended.
        Fresh = "fresh",
        /// Continued sessions that received a delta instead of a snapshot. They are also counted as `Resumed`.
        CaughtUp = "caught_up",
        /// Rejected for an unknown user name or a wrong password.
        WrongCredentials = "wrong_credentials",
        /// Rejected because an operator disabled the account.
        Disabled = "disabled",
        /// Registrations of a user name that is taken.
        NameTaken = "name_taken",
        /// Registrations while registration is closed.
        RegistrationClosed = "registration_closed",
        /// Registrations without the invitation code.
        NotInvited = "not_invited",
        /// Registrations beyond the rate limit of the server or of a source.
        Registrations = "registrations",
        /// Registrations beyond the number of accounts that the storage allows.
        AccountsFull = "accounts_full",
        /// Rejected because too many password checks are in progress.
        Busy = "busy",
        /// Rejected by the throttle after failed attempts, or because of the session rates.
        Throttled = "throttled",
        /// Rejected because the accounts were unavailable.
        StorageUnavailable = "storage_unavailable",
        /// Tickets that are invalid, expired or void, or whose session a newer login has replaced.
        TicketRefused = "ticket_refused",
        /// Connections beyond the limit of the server or of a source.
        Full = "full",
        /// Connections that exceeded the time limit for a login.
        TooLate = "too_late",
        /// Connections that exceeded the rate limit for frames.
        TooManyRequests = "too_many_requests",
        /// All other rejections: invalid names, passwords and addresses, and malformed frames.
        Other = "other",
    }
}

impl Count {
    /// The ways to log in. Their sum is the number of logins.
    pub const LOGINS: &'static [Self] = &[Self::Password, Self::Resumed, Self::Fresh];

    /// The reasons for a rejection: all counts from `WrongCredentials` on. Their sum is the number of rejections.
    pub const REJECTIONS: &'static [Self] = Self::ALL.split_at(Self::WrongCredentials as usize).1;
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
pub struct Counts([u64; Count::ALL.len()]);

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
        let lists = [Count::LOGINS, &[Count::CaughtUp], Count::REJECTIONS].concat();
        assert!(lists.iter().enumerate().all(|(place, count)| *count as usize == place), "{lists:?}");
        let names: std::collections::BTreeSet<_> = lists.iter().map(|count| count.name()).collect();
        assert_eq!((lists.len(), names.len()), (Count::ALL.len(), Count::ALL.len()));
    }
}
