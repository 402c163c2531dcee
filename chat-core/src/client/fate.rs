//! What becomes of a client when something goes wrong: the one place that decides it.

use std::time::Duration;

use super::copy::History;
use super::io::{Event, LoginFailure};
use crate::wire::control::Ended;
use crate::wire::hello::NoCommonVersion;
use crate::wire::rejection::Rejection;

/// What went wrong.
#[derive(Clone, Copy, Debug)]
pub(super) enum Trouble {
    /// The driver says that there is no connection.
    Disconnected,
    /// Connecting took too long.
    ConnectTimedOut,
    /// The server does not answer, or is silent.
    AnswerTimedOut,
    /// The server does not keep to the protocol.
    Protocol(&'static str),
    /// The versions do not meet.
    NoCommonVersion(NoCommonVersion),
    /// The server refuses.
    Rejected(Rejection),
    /// The server ends the session or the connection.
    Ended(Ended),
}

/// What follows for a session.
#[derive(Debug)]
pub(super) enum Fate {
    /// The machine is over, and this is why.
    Over(Event),
    /// It comes back after a pause of its own.
    Again,
    /// It comes back not before the server wants.
    After(Duration),
}

/// What follows before there is a session.
#[derive(Debug)]
pub(super) enum FirstFate {
    /// The machine is over, and this is why.
    Over(Event),
    /// It asks again, not before the server wants.
    After(Duration),
}

/// What becomes of a client that had no welcome yet. People wait for the answer, so nothing is tried again, but if the
/// server asks for that because it is busy, and the wait is within `patience`.
pub(super) fn before_welcome(trouble: Trouble, patience: Duration) -> FirstFate {
    if let Trouble::Rejected(busy @ Rejection::Busy { .. }) = trouble
        && let Some(after) = busy.retry_after().filter(|after| *after <= patience)
    {
        return FirstFate::After(after);
    }
    FirstFate::Over(match trouble {
        Trouble::Disconnected => Event::Failed(LoginFailure::Disconnected),
        Trouble::ConnectTimedOut => Event::Failed(LoginFailure::ConnectTimedOut),
        Trouble::AnswerTimedOut => Event::Failed(LoginFailure::AnswerTimedOut),
        Trouble::Protocol(what) => Event::Protocol(what),
        Trouble::NoCommonVersion(versions) => Event::NoCommonVersion(versions),
        Trouble::Rejected(rejection) => Event::Rejected(rejection),
        Trouble::Ended(ended) => Event::Ended(ended),
    })
}

/// What becomes of a client that has a ticket.
pub(super) fn with_ticket(trouble: Trouble, history: History) -> Fate {
    match trouble {
        Trouble::NoCommonVersion(versions) => Fate::Over(Event::NoCommonVersion(versions)),
        // Whoever never sent a whole roster is no server of ours, and somebody still waits for the first one.
        Trouble::Protocol(what) if history == History::Empty => Fate::Over(Event::Protocol(what)),
        Trouble::Ended(ended @ (Ended::Replaced | Ended::Kicked)) => Fate::Over(Event::Ended(ended)),
        Trouble::Rejected(rejection) => refused(rejection),
        Trouble::Disconnected
        | Trouble::ConnectTimedOut
        | Trouble::AnswerTimedOut
        | Trouble::Protocol(_)
        | Trouble::Ended(Ended::TooSlow | Ended::Stopping) => Fate::Again,
    }
}

/// What a refusal means for somebody who has a ticket.
fn refused(rejection: Rejection) -> Fate {
    match rejection {
        Rejection::Busy { .. } | Rejection::SlowDown { .. } => rejection.retry_after().map_or(Fate::Again, Fate::After),
        Rejection::Superseded => Fate::Over(Event::Ended(Ended::Replaced)),
        // The server's state of this moment, or our mistake of this connection.
        Rejection::StorageUnavailable
        | Rejection::KeyInUse
        | Rejection::UnexpectedRequest
        | Rejection::Malformed
        | Rejection::TooManyRequests
        | Rejection::Full
        | Rejection::LoginTimeout => Fate::Again,
        // The same ticket or the same addresses would be refused again.
        Rejection::TicketRefused
        | Rejection::Addresses
        | Rejection::Disabled
        | Rejection::WrongCredentials
        | Rejection::Name(_)
        | Rejection::Password(_)
        | Rejection::NameTaken
        | Rejection::RegistrationClosed
        | Rejection::TooManyRegistrations { .. }
        | Rejection::NotInvited
        | Rejection::AccountsFull => Fate::Over(Event::Rejected(rejection)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::NameError;
    use crate::password::PasswordError;
    use crate::wire::hello::Hello;

    fn told(trouble: Trouble, history: History) -> String {
        match with_ticket(trouble, history) {
            Fate::Over(event) => format!("{event:?}"),
            Fate::Again => "again".into(),
            Fate::After(pause) => format!("after {pause:?}"),
        }
    }

    #[test]
    fn who_had_no_welcome_is_told_everything() {
        let versions = NoCommonVersion { ours: Hello::OURS, theirs: Hello::OURS };
        for (trouble, expected) in [
            (Trouble::Disconnected, "Failed(Disconnected)"),
            (Trouble::ConnectTimedOut, "Failed(ConnectTimedOut)"),
            (Trouble::AnswerTimedOut, "Failed(AnswerTimedOut)"),
            (Trouble::Protocol("x"), "Protocol(\"x\")"),
            (Trouble::Rejected(Rejection::busy(Duration::from_secs(1))), "Rejected(Busy { retry_after_ms: 1000 })"),
            (Trouble::Rejected(Rejection::WrongCredentials), "Rejected(WrongCredentials)"),
            (Trouble::Ended(Ended::Stopping), "Ended(Stopping)"),
        ] {
            assert_eq!(format!("{:?}", before_welcome(trouble, Duration::ZERO)), format!("Over({expected})"));
        }
        let told = before_welcome(Trouble::NoCommonVersion(versions), Duration::ZERO);
        assert!(matches!(told, FirstFate::Over(Event::NoCommonVersion(told)) if told == versions));
    }

    #[test]
    fn a_server_that_is_busy_is_asked_again_as_long_as_there_is_patience() {
        let busy = |seconds| Trouble::Rejected(Rejection::busy(Duration::from_secs(seconds)));
        let told = |trouble| format!("{:?}", before_welcome(trouble, Duration::from_secs(5)));
        assert_eq!(told(busy(5)), "After(5s)");
        assert_eq!(told(busy(6)), "Over(Rejected(Busy { retry_after_ms: 6000 }))");
        let slow = Trouble::Rejected(Rejection::slow_down(Duration::from_secs(1)));
        assert_eq!(told(slow), "Over(Rejected(SlowDown { retry_after_ms: 1000 }))", "which is the user's own doing");
    }

    #[test]
    fn each_rejection_of_a_ticket_has_its_consequence() {
        for (rejection, expected) in [
            (Rejection::Name(NameError::Empty), "Rejected(Name(Empty))"),
            (Rejection::Password(PasswordError::Empty), "Rejected(Password(Empty))"),
            (Rejection::NameTaken, "Rejected(NameTaken)"),
            (Rejection::WrongCredentials, "Rejected(WrongCredentials)"),
            (Rejection::Disabled, "Rejected(Disabled)"),
            (Rejection::RegistrationClosed, "Rejected(RegistrationClosed)"),
            (Rejection::busy(Duration::from_secs(3)), "after 3s"),
            (Rejection::slow_down(Duration::from_secs(4)), "after 4s"),
            (Rejection::StorageUnavailable, "again"),
            (Rejection::Addresses, "Rejected(Addresses)"),
            (Rejection::KeyInUse, "again"),
            (Rejection::TicketRefused, "Rejected(TicketRefused)"),
            (Rejection::Superseded, "Ended(Replaced)"),
            (Rejection::UnexpectedRequest, "again"),
            (Rejection::Malformed, "again"),
            (Rejection::TooManyRequests, "again"),
            (Rejection::Full, "again"),
            (Rejection::LoginTimeout, "again"),
            (Rejection::NotInvited, "Rejected(NotInvited)"),
            (Rejection::AccountsFull, "Rejected(AccountsFull)"),
            (
                Rejection::too_many_registrations(Duration::from_secs(1)),
                "Rejected(TooManyRegistrations { retry_after_ms: 1000 })",
            ),
        ] {
            assert_eq!(told(Trouble::Rejected(rejection), History::Known), expected);
            assert_eq!(told(Trouble::Rejected(rejection), History::Empty), expected);
        }
    }

    #[test]
    fn a_session_ends_for_good_only_if_the_server_wants_it_or_cannot_be_understood() {
        let versions = NoCommonVersion { ours: Hello::OURS, theirs: Hello::OURS };
        assert!(told(Trouble::NoCommonVersion(versions), History::Known).starts_with("NoCommonVersion"));
        for (trouble, empty, known) in [
            (Trouble::Disconnected, "again", "again"),
            (Trouble::ConnectTimedOut, "again", "again"),
            (Trouble::AnswerTimedOut, "again", "again"),
            (Trouble::Protocol("x"), "Protocol(\"x\")", "again"),
            (Trouble::Ended(Ended::Replaced), "Ended(Replaced)", "Ended(Replaced)"),
            (Trouble::Ended(Ended::Kicked), "Ended(Kicked)", "Ended(Kicked)"),
            (Trouble::Ended(Ended::TooSlow), "again", "again"),
            (Trouble::Ended(Ended::Stopping), "again", "again"),
        ] {
            assert_eq!(told(trouble, History::Empty), empty);
            assert_eq!(told(trouble, History::Known), known);
        }
    }
}
