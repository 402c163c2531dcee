//! Decides whether the client retries or ends after a failure.

use std::time::Duration;

use super::io::{Event, LoginFailure};
use super::local_roster::FirstSnapshot;
use crate::wire::control::Ended;
use crate::wire::hello::NoCommonVersion;
use crate::wire::rejection::Rejection;

/// What went wrong with a connection.
#[derive(Clone, Copy, Debug)]
pub(super) enum Failure {
    /// The driver reported that connecting failed or that the connection broke.
    Disconnected,
    /// Connecting took too long.
    ConnectTimedOut,
    /// The server did not reply in time, or was silent for too long.
    ReplyTimedOut,
    /// The server violated the protocol.
    Protocol(&'static str),
    /// Client and server have no protocol version in common.
    NoCommonVersion(NoCommonVersion),
    /// The server rejected a request.
    Rejected(Rejection),
    /// The server ended the session or the connection.
    Ended(Ended),
}

/// What the client does after a failure.
#[derive(Debug)]
pub(super) enum Disposition {
    /// Ends the machine and reports this event.
    End(Event),
    /// Reconnects after a delay that the client chooses.
    Retry,
    /// Reconnects after the retry time that the server named.
    RetryAfter(Duration),
    /// Connects to another server at once.
    Elsewhere,
}

/// Decides for a client that has no session yet. A user waits for the result, so the client retries only a server that
/// names a retry time within `patience`: it is busy, or it slows down the client's source, which others may share.
pub(super) fn before_session(failure: Failure, patience: Duration) -> Disposition {
    if let Failure::Rejected(rejection @ (Rejection::Busy { .. } | Rejection::SlowDown { .. })) = failure
        && let Some(after) = rejection.retry_after().filter(|after| *after <= patience)
    {
        return Disposition::RetryAfter(after);
    }
    Disposition::End(match failure {
        Failure::Disconnected => Event::Failed(LoginFailure::Disconnected),
        Failure::ConnectTimedOut => Event::Failed(LoginFailure::ConnectTimedOut),
        Failure::ReplyTimedOut => Event::Failed(LoginFailure::ReplyTimedOut),
        Failure::Protocol(violation) => Event::Protocol(violation),
        Failure::NoCommonVersion(versions) => Event::NoCommonVersion(versions),
        Failure::Rejected(rejection) => Event::Rejected(rejection),
        Failure::Ended(ended) => Event::Ended(ended),
    })
}

/// Decides for a client with an unanswered registration. The client retries until it knows whether the account exists,
/// or until `patience` is over.
pub(super) fn with_unanswered_registration(failure: Failure, patience: Duration) -> Disposition {
    let retry_after = match failure {
        Failure::Protocol(violation) => return Disposition::End(Event::Protocol(violation)),
        Failure::NoCommonVersion(versions) => return Disposition::End(Event::NoCommonVersion(versions)),
        Failure::Rejected(rejection) if !is_temporary(rejection) => {
            return Disposition::End(Event::Rejected(rejection));
        }
        Failure::Rejected(rejection) => rejection.retry_after(),
        Failure::Disconnected | Failure::ConnectTimedOut | Failure::ReplyTimedOut | Failure::Ended(_) => None,
    };
    if patience.is_zero() || retry_after.is_some_and(|after| after > patience) {
        return Disposition::End(Event::Failed(LoginFailure::RegistrationUnanswered));
    }
    retry_after.map_or(Disposition::Retry, Disposition::RetryAfter)
}

/// Whether the same request may succeed on a later connection.
const fn is_temporary(rejection: Rejection) -> bool {
    matches!(
        rejection,
        Rejection::Busy { .. }
            | Rejection::SlowDown { .. }
            | Rejection::StorageUnavailable
            | Rejection::TooManyRequests
            | Rejection::Full
            | Rejection::LoginTimeout
    )
}

/// Decides for a client that has a ticket.
pub(super) fn with_session(failure: Failure, first_snapshot: FirstSnapshot) -> Disposition {
    match failure {
        Failure::NoCommonVersion(versions) => Disposition::End(Event::NoCommonVersion(versions)),
        // A server that violates the protocol before its first snapshot is probably no chat server, and a user waits
        // for the first roster.
        Failure::Protocol(violation) if first_snapshot == FirstSnapshot::Missing => {
            Disposition::End(Event::Protocol(violation))
        }
        Failure::Ended(ended @ (Ended::Replaced | Ended::Kicked)) => Disposition::End(Event::Ended(ended)),
        Failure::Rejected(rejection) => after_rejection(rejection),
        Failure::Disconnected
        | Failure::ConnectTimedOut
        | Failure::ReplyTimedOut
        | Failure::Protocol(_)
        | Failure::Ended(Ended::TooSlow | Ended::Stopping) => Disposition::Retry,
    }
}

fn after_rejection(rejection: Rejection) -> Disposition {
    match rejection {
        Rejection::Busy { .. } | Rejection::SlowDown { .. } => {
            rejection.retry_after().map_or(Disposition::Retry, Disposition::RetryAfter)
        }
        Rejection::Superseded => Disposition::End(Event::Ended(Ended::Replaced)),
        // A temporary condition of the server, or a mistake of the client on this connection only.
        Rejection::StorageUnavailable
        | Rejection::KeyInUse
        | Rejection::UnexpectedRequest
        | Rejection::Malformed
        | Rejection::TooManyRequests
        | Rejection::Full
        | Rejection::LoginTimeout => Disposition::Retry,
        // The same ticket and the same addresses would be rejected again.
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
        | Rejection::AccountsFull => Disposition::End(Event::Rejected(rejection)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::NameError;
    use crate::password::PasswordError;
    use crate::wire::hello::Hello;

    fn decision(failure: Failure, first_snapshot: FirstSnapshot) -> String {
        match with_session(failure, first_snapshot) {
            Disposition::End(event) => format!("{event:?}"),
            Disposition::Retry => "retry".into(),
            Disposition::RetryAfter(delay) => format!("retry after {delay:?}"),
            Disposition::Elsewhere => "elsewhere".into(),
        }
    }

    #[test]
    fn without_patience_every_failure_before_the_first_welcome_ends_the_machine() {
        let versions = NoCommonVersion { ours: Hello::OURS, theirs: Hello::OURS };
        for (failure, expected) in [
            (Failure::Disconnected, "Failed(Disconnected)"),
            (Failure::ConnectTimedOut, "Failed(ConnectTimedOut)"),
            (Failure::ReplyTimedOut, "Failed(ReplyTimedOut)"),
            (Failure::Protocol("x"), "Protocol(\"x\")"),
            (Failure::Rejected(Rejection::busy(Duration::from_secs(1))), "Rejected(Busy { retry_after_ms: 1000 })"),
            (Failure::Rejected(Rejection::WrongCredentials), "Rejected(WrongCredentials)"),
            (Failure::Ended(Ended::Stopping), "Ended(Stopping)"),
        ] {
            assert_eq!(format!("{:?}", before_session(failure, Duration::ZERO)), format!("End({expected})"));
        }
        let decision = before_session(Failure::NoCommonVersion(versions), Duration::ZERO);
        assert!(matches!(decision, Disposition::End(Event::NoCommonVersion(reported)) if reported == versions));
    }

    #[test]
    fn a_server_that_is_busy_or_slows_the_client_down_is_retried_within_the_busy_timeout() {
        let busy = |seconds| Failure::Rejected(Rejection::busy(Duration::from_secs(seconds)));
        let decision = |failure| format!("{:?}", before_session(failure, Duration::from_secs(5)));
        assert_eq!(decision(busy(5)), "RetryAfter(5s)");
        assert_eq!(decision(busy(6)), "End(Rejected(Busy { retry_after_ms: 6000 }))");
        let slow = |seconds| Failure::Rejected(Rejection::slow_down(Duration::from_secs(seconds)));
        assert_eq!(decision(slow(5)), "RetryAfter(5s)");
        assert_eq!(decision(slow(6)), "End(Rejected(SlowDown { retry_after_ms: 6000 }))");
    }

    #[test]
    fn an_unanswered_registration_is_repeated_until_the_client_knows_or_its_patience_is_over() {
        let decision =
            |failure, seconds| format!("{:?}", with_unanswered_registration(failure, Duration::from_secs(seconds)));
        let busy = Failure::Rejected(Rejection::busy(Duration::from_secs(5)));
        let unavailable = Failure::Rejected(Rejection::StorageUnavailable);
        for failure in [Failure::Disconnected, Failure::ConnectTimedOut, Failure::ReplyTimedOut, unavailable] {
            assert_eq!(decision(failure, 1), "Retry");
            assert_eq!(decision(failure, 0), "End(Failed(RegistrationUnanswered))");
        }
        assert_eq!(decision(busy, 5), "RetryAfter(5s)");
        assert_eq!(decision(busy, 4), "End(Failed(RegistrationUnanswered))");
        assert_eq!(decision(Failure::Rejected(Rejection::NameTaken), 9), "End(Rejected(NameTaken))");
        assert_eq!(decision(Failure::Protocol("x"), 9), "End(Protocol(\"x\"))");
    }

    #[test]
    fn each_rejection_of_a_ticket_has_a_disposition() {
        for (rejection, expected) in [
            (Rejection::Name(NameError::Empty), "Rejected(Name(Empty))"),
            (Rejection::Password(PasswordError::Empty), "Rejected(Password(Empty))"),
            (Rejection::NameTaken, "Rejected(NameTaken)"),
            (Rejection::WrongCredentials, "Rejected(WrongCredentials)"),
            (Rejection::Disabled, "Rejected(Disabled)"),
            (Rejection::RegistrationClosed, "Rejected(RegistrationClosed)"),
            (Rejection::busy(Duration::from_secs(3)), "retry after 3s"),
            (Rejection::slow_down(Duration::from_secs(4)), "retry after 4s"),
            (Rejection::StorageUnavailable, "retry"),
            (Rejection::Addresses, "Rejected(Addresses)"),
            (Rejection::KeyInUse, "retry"),
            (Rejection::TicketRefused, "Rejected(TicketRefused)"),
            (Rejection::Superseded, "Ended(Replaced)"),
            (Rejection::UnexpectedRequest, "retry"),
            (Rejection::Malformed, "retry"),
            (Rejection::TooManyRequests, "retry"),
            (Rejection::Full, "retry"),
            (Rejection::LoginTimeout, "retry"),
            (Rejection::NotInvited, "Rejected(NotInvited)"),
            (Rejection::AccountsFull, "Rejected(AccountsFull)"),
            (
                Rejection::too_many_registrations(Duration::from_secs(1)),
                "Rejected(TooManyRegistrations { retry_after_ms: 1000 })",
            ),
        ] {
            assert_eq!(decision(Failure::Rejected(rejection), FirstSnapshot::Received), expected);
            assert_eq!(decision(Failure::Rejected(rejection), FirstSnapshot::Missing), expected);
        }
    }

    #[test]
    fn a_session_ends_only_if_the_server_ends_it_or_violates_the_protocol_before_the_first_snapshot() {
        let versions = NoCommonVersion { ours: Hello::OURS, theirs: Hello::OURS };
        assert!(decision(Failure::NoCommonVersion(versions), FirstSnapshot::Received).starts_with("NoCommonVersion"));
        for (failure, missing, received) in [
            (Failure::Disconnected, "retry", "retry"),
            (Failure::ConnectTimedOut, "retry", "retry"),
            (Failure::ReplyTimedOut, "retry", "retry"),
            (Failure::Protocol("x"), "Protocol(\"x\")", "retry"),
            (Failure::Ended(Ended::Replaced), "Ended(Replaced)", "Ended(Replaced)"),
            (Failure::Ended(Ended::Kicked), "Ended(Kicked)", "Ended(Kicked)"),
            (Failure::Ended(Ended::TooSlow), "retry", "retry"),
            (Failure::Ended(Ended::Stopping), "retry", "retry"),
        ] {
            assert_eq!(decision(failure, FirstSnapshot::Missing), missing);
            assert_eq!(decision(failure, FirstSnapshot::Received), received);
        }
    }
}
