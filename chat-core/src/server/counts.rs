//! What came of attempts to log in, counted since the start. Only the machine knows, as a driver sees bytes.

use crate::wire::control::WelcomeKind;
use crate::wire::rejection::Rejection;

/// Totals since the machine began. Each answer to a client is counted once, in one of them; `caught_up` is a part of one.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Sessions that began with a password, registrations included.
    pub entered: u64,
    /// Sessions that went on by ticket, as they were.
    pub continued: u64,
    /// Of these, how many were sent what they had missed, and not a whole copy of the roster.
    pub caught_up: u64,
    /// Sessions that began by ticket, because the ticket's own had ended.
    pub fresh: u64,
    /// Refused for an unknown user or a wrong password.
    pub wrong_credentials: u64,
    /// Refused because an operator disabled the account.
    pub disabled: u64,
    /// Refused because the name to be registered is taken.
    pub name_taken: u64,
    /// Refused because the server does not register.
    pub registration_closed: u64,
    /// Refused because registration needs an invitation code, and another or none was shown.
    pub not_invited: u64,
    /// Told to come back because too many accounts are being made, in all or from an address.
    pub registrations: u64,
    /// Refused because there are as many accounts as there may be.
    pub accounts_full: u64,
    /// Told to come back because too many passwords are being checked.
    pub busy: u64,
    /// Told to come back after failures.
    pub throttled: u64,
    /// Refused because the accounts could not be asked.
    pub storage_unavailable: u64,
    /// Tickets that cannot be used, or whose session a newer one has replaced.
    pub ticket_refused: u64,
    /// Connections refused because there are too many, in all or from their address.
    pub full: u64,
    /// Connections that took too long to log in.
    pub too_late: u64,
    /// Connections that sent more than they may.
    pub too_many_requests: u64,
    /// Everything else that was refused: names, passwords and addresses that break a rule, frames that make no sense.
    pub other: u64,
}

impl Counts {
    /// A session was welcomed.
    pub(super) fn welcomed(&mut self, kind: WelcomeKind) {
        *match kind {
            WelcomeKind::LoggedIn => &mut self.entered,
            WelcomeKind::Continued => &mut self.continued,
            WelcomeKind::Fresh => &mut self.fresh,
        } += 1;
    }

    /// A client was told that something is not done.
    pub(super) fn rejected(&mut self, why: Rejection) {
        *match why {
            Rejection::WrongCredentials => &mut self.wrong_credentials,
            Rejection::Disabled => &mut self.disabled,
            Rejection::NameTaken => &mut self.name_taken,
            Rejection::RegistrationClosed => &mut self.registration_closed,
            Rejection::NotInvited => &mut self.not_invited,
            Rejection::TooManyRegistrations { .. } => &mut self.registrations,
            Rejection::AccountsFull => &mut self.accounts_full,
            Rejection::Busy { .. } => &mut self.busy,
            Rejection::SlowDown { .. } => &mut self.throttled,
            Rejection::StorageUnavailable => &mut self.storage_unavailable,
            Rejection::TicketRefused | Rejection::Superseded => &mut self.ticket_refused,
            Rejection::Full => &mut self.full,
            Rejection::LoginTimeout => &mut self.too_late,
            Rejection::TooManyRequests => &mut self.too_many_requests,
            _ => &mut self.other,
        } += 1;
    }
}
