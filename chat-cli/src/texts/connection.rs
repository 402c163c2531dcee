//! Errors of the connection, of the login and of the session, as sentences.

use std::io::{self, ErrorKind};
use std::time::Duration;

use chat_core::message::{FailReason, UnconfirmedReason};
use chat_core::name::NameError;
use chat_core::password::PasswordError;
use chat_net::client::{
    ChangePasswordError, ConnectError, DifferentKeys, EndReason, LoginFailure, RejectionKind, SendError,
    ServerRejection, SetAwayError, VersionMismatch,
};
use chat_net::identity::CertificateProblem;
use chat_net::trust::{AuthoritiesError, KnownServersError};

use super::{Localised, Texts};

impl Localised for ServerRejection {
    fn text(&self, texts: &Texts) -> String {
        let t = texts.say();
        let seconds = self.retry_after().map_or(1, seconds);
        match self.kind() {
            RejectionKind::Name | RejectionKind::Password => broken_rule(self, texts),
            RejectionKind::NameTaken => t.rejection_name_taken(),
            RejectionKind::WrongCredentials => t.rejection_wrong_credentials(),
            RejectionKind::Disabled => t.rejection_disabled(),
            RejectionKind::RegistrationClosed => t.rejection_registration_closed(),
            RejectionKind::Busy => t.rejection_busy(seconds),
            RejectionKind::SlowDown => t.rejection_slow_down(seconds),
            RejectionKind::StorageUnavailable => t.rejection_storage_unavailable(),
            RejectionKind::Addresses => t.rejection_addresses(),
            RejectionKind::KeyInUse => t.rejection_key_in_use(),
            RejectionKind::TicketRefused => t.rejection_ticket_refused(),
            RejectionKind::Superseded => t.rejection_superseded(),
            RejectionKind::UnexpectedRequest => t.rejection_unexpected_request(),
            RejectionKind::Malformed => t.rejection_malformed(),
            RejectionKind::TooManyRequests => t.rejection_too_many_requests(),
            RejectionKind::Full => t.rejection_full(),
            RejectionKind::LoginTimeout => t.rejection_login_timeout(),
            RejectionKind::TooManyRegistrations if seconds <= 120 => {
                t.rejection_too_many_registrations_seconds(seconds)
            }
            RejectionKind::TooManyRegistrations => t.rejection_too_many_registrations_minutes(seconds.div_ceil(60)),
            RejectionKind::NotInvited => t.rejection_not_invited(),
            RejectionKind::AccountsFull => t.rejection_accounts_full(),
            // A kind that is newer than this program.
            _ => self.to_string(),
        }
    }
}

/// The sentence about a name or password that breaks a rule of the server. The library passes on only the English
/// sentence, by which this function finds the rule.
fn broken_rule(rejection: &ServerRejection, texts: &Texts) -> String {
    use NameError::{Direction, Marks, MixedScripts, Reserved};
    let english = rejection.to_string();
    let names = [NameError::Empty, NameError::TooLong, MixedScripts, Reserved, Direction, Marks];
    let passwords = [PasswordError::Empty, PasswordError::TooShort, PasswordError::TooLong, PasswordError::Char];
    let name = names.into_iter().find(|rule| rule.to_string() == english).map(|rule| rule.text(texts));
    let password = passwords.into_iter().find(|rule| rule.to_string() == english).map(|rule| rule.text(texts));
    name.or(password).unwrap_or(english)
}

/// Whole seconds, at least one.
fn seconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).div_ceil(1_000).max(1)
}

impl Localised for SetAwayError {
    fn text(&self, texts: &Texts) -> String {
        let t = texts.say();
        match self {
            Self::Unsupported => t.away_unsupported(),
            Self::Offline => t.client_offline(),
            _ => self.to_string(),
        }
    }
}

impl Localised for VersionMismatch {
    fn text(&self, texts: &Texts) -> String {
        let (t, ours, theirs) = (texts.say(), self.ours(), self.theirs());
        if ours.end() < theirs.start() {
            t.versions_update_this(*ours.start(), *ours.end(), *theirs.start(), *theirs.end())
        } else {
            t.versions_update_other(*ours.start(), *ours.end(), *theirs.start(), *theirs.end())
        }
    }
}

impl Localised for ConnectError {
    fn text(&self, texts: &Texts) -> String {
        let t = texts.say();
        match self {
            Self::Resolve { server, source } => t.connect_resolve(server.to_string(), source.to_string()),
            Self::Unreachable { server, source } => {
                t.connect_unreachable(server.to_string(), why_unreachable(texts, source))
            }
            Self::TimedOut { server } => t.connect_timed_out(server.to_string()),
            Self::NotChat { server, what } => t.connect_not_chat(server.to_string(), what),
            // The library describes the errors of TLS in English only.
            Self::Tls { server, source } => t.connect_tls(server.to_string(), source.to_string()),
            Self::Certificate { server, problem } => t.connect_certificate(server.to_string(), problem.text(texts)),
            Self::NotCertifiable { server } => t.connect_not_certifiable(server.to_string()),
            Self::Authorities { path, source } => t.connect_authorities(path.display().to_string(), source.text(texts)),
            Self::Untrusted { server, shown } => t.connect_untrusted(server.to_string(), shown.to_string()),
            Self::FingerprintChanged { server, known, shown } => {
                t.connect_fingerprint_changed(server.to_string(), known.to_string(), shown.to_string())
            }
            Self::DifferentKeys(keys) => {
                let DifferentKeys { server, known, other, shown } = &**keys;
                t.connect_different_keys(server.to_string(), known.to_string(), other.to_string(), shown.to_string())
            }
            Self::WrongFingerprint { server, wanted, shown } => {
                t.connect_wrong_fingerprint(server.to_string(), wanted.to_string(), shown.to_string())
            }
            Self::KnownServers(error) => error.text(texts),
            Self::NoCommonVersion(error) => error.text(texts),
            Self::Rejected(rejection) => rejection.text(texts),
            Self::LoginFailed { server, source } => t.connect_login_failed(server.to_string(), source.text(texts)),
            Self::RegistrationUnanswered { server } => t.connect_registration_unanswered(server.to_string()),
            Self::OnlyRegistered { server } => t.connect_only_registered(server.to_string()),
            Self::Udp { address, source } => t.connect_udp(address.to_string(), why_no_udp(texts, source)),
            Self::Internal => t.client_internal(),
            // A setting that only a bug makes impossible, and kinds that are newer than this program.
            _ => self.to_string(),
        }
    }
}

fn why_unreachable(texts: &Texts, error: &io::Error) -> String {
    let t = texts.say();
    match error.kind() {
        ErrorKind::ConnectionRefused => t.unreachable_refused(),
        ErrorKind::ConnectionReset => t.unreachable_reset(),
        ErrorKind::HostUnreachable => t.unreachable_host(),
        ErrorKind::NetworkUnreachable => t.unreachable_network(),
        ErrorKind::TimedOut => t.unreachable_timed_out(),
        _ => error.to_string(),
    }
}

impl Localised for LoginFailure {
    fn text(&self, texts: &Texts) -> String {
        let t = texts.say();
        match self {
            Self::Disconnected => t.login_disconnected(),
            Self::ConnectTimedOut => t.login_connect_timed_out(),
            Self::Unanswered => t.login_reply_timed_out(),
            Self::RosterIncomplete => t.login_roster_incomplete(),
            Self::ServerStopping => t.login_server_stopping(),
            Self::TooSlow => t.login_too_slow(),
            Self::Ended(reason) => reason.text(texts),
            // A kind that is newer than this program.
            _ => self.to_string(),
        }
    }
}

impl Localised for AuthoritiesError {
    fn text(&self, texts: &Texts) -> String {
        let t = texts.say();
        match self {
            Self::Read(source) => t.authorities_unreadable(source.to_string()),
            Self::NotPem(_) => t.authorities_not_pem(),
            Self::NotX509(_) => t.authorities_not_x509(),
            Self::Empty => t.authorities_empty(),
            _ => self.to_string(),
        }
    }
}

fn why_no_udp(texts: &Texts, error: &io::Error) -> String {
    let t = texts.say();
    match error.kind() {
        ErrorKind::AddrInUse => t.udp_in_use(),
        ErrorKind::AddrNotAvailable => t.udp_not_available(),
        ErrorKind::PermissionDenied => t.udp_permission(),
        _ => error.to_string(),
    }
}

impl Localised for CertificateProblem {
    fn text(&self, texts: &Texts) -> String {
        let t = texts.say();
        match self {
            Self::UnknownAuthority => t.certificate_unknown_authority(),
            Self::OtherAuthority => t.certificate_other_authority(),
            Self::IsAuthority => t.certificate_is_authority(),
            Self::NoHost => t.certificate_no_host(),
            Self::OtherHost { host, names } if names.is_empty() => t.certificate_not_for_host(host),
            Self::OtherHost { host, names } => t.certificate_other_host(texts.list(names), host),
            Self::NotYetValid { from, now } => t.certificate_not_yet_valid(from.to_string(), now.to_string()),
            Self::Expired { until, now } => t.certificate_expired(until.to_string(), now.to_string()),
            Self::NotForServers => t.certificate_not_for_servers(),
            Self::Algorithm => t.certificate_algorithm(),
            Self::Malformed => t.certificate_malformed(),
            _ => self.to_string(),
        }
    }
}

impl Localised for KnownServersError {
    fn text(&self, texts: &Texts) -> String {
        let t = texts.say();
        match self {
            Self::Read { path, source } => t.known_servers_read(path.display().to_string(), source.to_string()),
            Self::Write { path, source } => t.known_servers_write(path.display().to_string(), source.to_string()),
            Self::Line { path, line } => t.known_servers_line(*line, path.display().to_string()),
            _ => self.to_string(),
        }
    }
}

impl Localised for EndReason {
    fn text(&self, texts: &Texts) -> String {
        let t = texts.say();
        match self {
            Self::Replaced => t.ended_replaced(),
            Self::Kicked => t.ended_kicked(),
            Self::Rejected(rejection) => t.end_rejected(rejection.text(texts)),
            Self::NoCommonVersion(error) => error.text(texts),
            Self::NotChat(what) => t.end_not_chat(what),
            Self::Internal => t.client_internal(),
            _ => self.to_string(),
        }
    }
}

impl Localised for ChangePasswordError {
    fn text(&self, texts: &Texts) -> String {
        let t = texts.say();
        match self {
            Self::Rejected(rejection) if rejection.kind() == RejectionKind::WrongCredentials => {
                t.password_change_wrong()
            }
            Self::Rejected(rejection) => rejection.text(texts),
            Self::NotConnected => t.password_change_not_connected(),
            Self::InProgress => t.password_change_in_progress(),
            Self::Unanswered => t.password_change_unanswered(),
            Self::Offline => t.client_offline(),
            _ => self.to_string(),
        }
    }
}

impl Localised for SendError {
    fn text(&self, texts: &Texts) -> String {
        let t = texts.say();
        match self {
            Self::Text(error) => error.text(texts),
            Self::UnknownRecipient(user) => t.window_user_absent(user.as_str()),
            Self::ToOneself => t.input_to_oneself(),
            Self::QueueFull | Self::OutcomesUnread => t.input_queue_full(),
            Self::Offline => t.input_session_over(),
            _ => self.to_string(),
        }
    }
}

/// Why a recipient certainly did not receive a message.
impl Localised for FailReason {
    fn text(&self, texts: &Texts) -> String {
        let t = texts.say();
        match self {
            Self::QueueFull => t.reason_queue_full(),
            Self::Left => t.reason_left(),
            Self::Lost => t.reason_lost(),
            Self::Replaced => t.reason_replaced(),
            Self::TimedOut => t.reason_timed_out(),
            Self::Leaving => t.reason_leaving(),
            Self::Refused => t.reason_refused(),
            Self::Misbehaved => t.reason_misbehaved(),
            Self::Incompatible => t.reason_incompatible(),
            Self::NoAddress => t.reason_no_address(),
            Self::TooManySessions => t.reason_too_many_sessions(),
            _ => self.as_str().to_owned(),
        }
    }
}

/// Why nobody knows whether a recipient received a message.
impl Localised for UnconfirmedReason {
    fn text(&self, texts: &Texts) -> String {
        let t = texts.say();
        match self {
            Self::Left => t.reason_left(),
            Self::Lost => t.reason_lost(),
            Self::Replaced => t.reason_replaced(),
            Self::TimedOut => t.reason_timed_out(),
            Self::Leaving => t.reason_leaving(),
            Self::Misbehaved => t.reason_misbehaved(),
            _ => self.as_str().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Display;

    use chat_core::time::Timestamp;
    use chat_net::address::ServerAddress;
    use chat_net::identity::Fingerprint;

    use super::*;

    /// In English, the programs and the libraries say the same.
    fn assert_same(errors: &[impl Localised + Display]) {
        let english = Texts::default();
        for error in errors {
            assert_eq!(error.text(&english), error.to_string());
        }
    }

    fn versions() -> [VersionMismatch; 2] {
        [(1, 2), (2, 1)].map(|(ours, theirs)| VersionMismatch::new(ours..=ours, theirs..=theirs).unwrap())
    }

    #[test]
    fn english_rejections_are_those_of_the_library() {
        let kinds = [
            RejectionKind::Name,
            RejectionKind::Password,
            RejectionKind::NameTaken,
            RejectionKind::WrongCredentials,
            RejectionKind::Disabled,
            RejectionKind::RegistrationClosed,
            RejectionKind::Busy,
            RejectionKind::SlowDown,
            RejectionKind::StorageUnavailable,
            RejectionKind::Addresses,
            RejectionKind::KeyInUse,
            RejectionKind::TicketRefused,
            RejectionKind::Superseded,
            RejectionKind::UnexpectedRequest,
            RejectionKind::Malformed,
            RejectionKind::TooManyRequests,
            RejectionKind::Full,
            RejectionKind::LoginTimeout,
            RejectionKind::TooManyRegistrations,
            RejectionKind::NotInvited,
            RejectionKind::AccountsFull,
        ];
        let times = [Duration::from_millis(1_250), Duration::from_secs(121)];
        assert_same(&times.map(|time| kinds.map(|kind| ServerRejection::new(kind, Some(time)))).concat());
    }

    #[test]
    fn english_connect_errors_are_those_of_the_library() {
        let server: ServerAddress = "lab:7777".parse().unwrap();
        let [known, shown] = [1, 2].map(|byte| Fingerprint::new([byte; 32]));
        let (wanted, path) = (known, std::path::PathBuf::from("file"));
        let mut errors = vec![
            ConnectError::Resolve { server: server.clone(), source: ErrorKind::NotFound.into() },
            ConnectError::TimedOut { server: server.clone() },
            ConnectError::NotChat { server: server.clone(), what: "it says hello" },
            ConnectError::Certificate { server: server.clone(), problem: CertificateProblem::NoHost },
            ConnectError::NotCertifiable { server: server.clone() },
            ConnectError::Untrusted { server: server.clone(), shown },
            ConnectError::FingerprintChanged { server: server.clone(), known, shown },
            Box::new(DifferentKeys { server: server.clone(), known, other: "ship".parse().unwrap(), shown }).into(),
            ConnectError::WrongFingerprint { server: server.clone(), wanted, shown },
            KnownServersError::Read { path: path.clone(), source: ErrorKind::NotFound.into() }.into(),
            KnownServersError::Write { path: path.clone(), source: ErrorKind::NotFound.into() }.into(),
            KnownServersError::Line { path, line: 7 }.into(),
            ConnectError::Rejected(ServerRejection::new(RejectionKind::Full, None)),
            ConnectError::RegistrationUnanswered { server: server.clone() },
            ConnectError::OnlyRegistered { server: server.clone() },
            ConnectError::Internal,
        ];
        errors.extend(versions().map(ConnectError::NoCommonVersion));
        for kind in [
            ErrorKind::ConnectionRefused,
            ErrorKind::ConnectionReset,
            ErrorKind::HostUnreachable,
            ErrorKind::NetworkUnreachable,
            ErrorKind::TimedOut,
            ErrorKind::BrokenPipe,
        ] {
            errors.push(ConnectError::Unreachable { server: server.clone(), source: kind.into() });
        }
        for kind in
            [ErrorKind::AddrInUse, ErrorKind::AddrNotAvailable, ErrorKind::PermissionDenied, ErrorKind::OutOfMemory]
        {
            errors.push(ConnectError::Udp { address: "[::]:1".parse().unwrap(), source: kind.into() });
        }
        for source in [
            LoginFailure::Disconnected,
            LoginFailure::ConnectTimedOut,
            LoginFailure::Unanswered,
            LoginFailure::RosterIncomplete,
            LoginFailure::ServerStopping,
            LoginFailure::TooSlow,
            LoginFailure::Ended(EndReason::Replaced),
        ] {
            errors.push(ConnectError::LoginFailed { server: server.clone(), source });
        }
        for source in [
            AuthoritiesError::Read(ErrorKind::NotFound.into()),
            AuthoritiesError::NotPem("cause".into()),
            AuthoritiesError::NotX509("cause".into()),
            AuthoritiesError::Empty,
        ] {
            errors.push(ConnectError::Authorities { path: "file".into(), source });
        }
        assert_same(&errors);
    }

    #[test]
    fn english_certificate_problems_are_those_of_the_library() {
        let (time, host) = (Timestamp::from_millis(1_795_408_080_000), "lab".to_owned());
        assert_same(&[
            CertificateProblem::UnknownAuthority,
            CertificateProblem::OtherAuthority,
            CertificateProblem::IsAuthority,
            CertificateProblem::NoHost,
            CertificateProblem::OtherHost { host: host.clone(), names: Vec::new() },
            CertificateProblem::OtherHost { host, names: vec!["a".to_owned(), "b".to_owned()] },
            CertificateProblem::NotYetValid { from: time, now: time },
            CertificateProblem::Expired { until: time, now: time },
            CertificateProblem::NotForServers,
            CertificateProblem::Algorithm,
            CertificateProblem::Malformed,
        ]);
    }

    #[test]
    fn english_ends_and_password_changes_are_those_of_the_libraries() {
        assert_same(&[
            EndReason::Replaced,
            EndReason::Kicked,
            EndReason::Rejected(ServerRejection::new(RejectionKind::Full, None)),
            EndReason::NotChat("it says hello"),
            EndReason::NoCommonVersion(versions()[0]),
            EndReason::Internal,
        ]);
        assert_same(&[
            ChangePasswordError::Rejected(ServerRejection::new(RejectionKind::StorageUnavailable, None)),
            ChangePasswordError::NotConnected,
            ChangePasswordError::InProgress,
            ChangePasswordError::Unanswered,
            ChangePasswordError::Offline,
        ]);
    }
}
