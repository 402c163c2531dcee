//! The stable codes, for scripts, of errors that end `chat-client` before its conversation begins, and of those that end
//! the commands of `chat-server`.

use chat_net::client::{ConnectError, RejectionKind};
use clap::ValueEnum;

/// Why the conversation did not begin, or a command failed. The names of the codes are those of the variants, in kebab case; they are stable,
/// and docs/JSON.md documents them.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum ErrorCode {
    /// The server has reached its limit of accounts.
    AccountsFull,
    /// Other clients could not use any address that this client offers.
    AddressesRefused,
    /// The file of certificate authorities cannot be used.
    AuthoritiesUnusable,
    /// Too many password checks are waiting.
    Busy,
    /// The server's certificate does not pass the check of `--ca`.
    CertificateRefused,
    /// The account is disabled.
    Disabled,
    /// Any other error.
    Failed,
    /// The server has reached its limit of sessions or connections.
    Full,
    /// No certificate can be for the host of the server.
    HostNotCertifiable,
    /// The host name of the server has no address.
    HostNotFound,
    /// Client and server have no protocol version in common.
    Incompatible,
    /// A bug.
    Internal,
    /// A signal or Ctrl-C ended the program.
    Interrupted,
    /// The file of known servers cannot be used.
    KnownServersUnusable,
    /// The login ended without an answer.
    LoginFailed,
    /// The user name breaks a rule of the server.
    NameRefused,
    /// The user name is taken.
    NameTaken,
    /// No server runs with the data folder, so that an operator's command gets no answer.
    NoServer,
    /// The program that listens at the address is not a chat server.
    NotChat,
    /// Registration needs the invitation code.
    NotInvited,
    /// The account is registered, and the connection broke before the login was complete.
    OnlyRegistered,
    /// The password breaks a rule of the server.
    PasswordRefused,
    /// Registration is closed.
    RegistrationClosed,
    /// The server did not answer the registration, so the account may exist.
    RegistrationUnanswered,
    /// The server rejected the request for a reason that no user can correct.
    RequestRefused,
    /// The server's key has changed.
    ServerKeyChanged,
    /// The server cannot reach its accounts.
    StorageUnavailable,
    /// The system refuses a thread or another resource.
    SystemRefused,
    /// Too many failed attempts.
    Throttled,
    /// The server does not answer.
    TimedOut,
    /// The TLS handshake failed.
    TlsFailed,
    /// The login took longer than the server allows.
    TooLate,
    /// Too many accounts were registered.
    TooManyRegistrations,
    /// Too many requests.
    TooManyRequests,
    /// The UDP address cannot be used.
    UdpUnusable,
    /// The server is unknown, and neither the user nor an option trusts it.
    UnknownServer,
    /// Nothing listens at the address of the server.
    Unreachable,
    /// An argument, an environment variable, a file that they name, or the password is wrong or missing.
    WrongArguments,
    /// The user name or the password is wrong.
    WrongCredentials,
    /// The server does not have the fingerprint that was named.
    WrongFingerprint,
}

impl ErrorCode {
    /// The code as scripts see it.
    pub fn name(self) -> String {
        self.to_possible_value().expect("no variant is hidden").get_name().to_owned()
    }
}

impl From<&ConnectError> for ErrorCode {
    fn from(error: &ConnectError) -> Self {
        match error {
            ConnectError::Resolve { .. } => Self::HostNotFound,
            ConnectError::Unreachable { .. } => Self::Unreachable,
            ConnectError::TimedOut { .. } => Self::TimedOut,
            ConnectError::NotChat { .. } => Self::NotChat,
            ConnectError::Tls { .. } => Self::TlsFailed,
            ConnectError::Certificate { .. } => Self::CertificateRefused,
            ConnectError::NotCertifiable { .. } => Self::HostNotCertifiable,
            ConnectError::Authorities { .. } => Self::AuthoritiesUnusable,
            ConnectError::Untrusted { .. } => Self::UnknownServer,
            ConnectError::FingerprintChanged { .. } | ConnectError::DifferentKeys(_) => Self::ServerKeyChanged,
            ConnectError::WrongFingerprint { .. } => Self::WrongFingerprint,
            ConnectError::KnownServers(_) => Self::KnownServersUnusable,
            ConnectError::NoCommonVersion(_) => Self::Incompatible,
            ConnectError::Rejected(rejection) => rejection.kind().into(),
            ConnectError::RegistrationUnanswered { .. } => Self::RegistrationUnanswered,
            ConnectError::OnlyRegistered { .. } => Self::OnlyRegistered,
            ConnectError::LoginFailed { .. } => Self::LoginFailed,
            ConnectError::Udp { .. } => Self::UdpUnusable,
            ConnectError::Setting(_) => Self::WrongArguments,
            ConnectError::Internal => Self::Internal,
            // A kind that is newer than this program.
            _ => Self::Failed,
        }
    }
}

impl From<RejectionKind> for ErrorCode {
    fn from(rejection: RejectionKind) -> Self {
        match rejection {
            RejectionKind::Name => Self::NameRefused,
            RejectionKind::Password => Self::PasswordRefused,
            RejectionKind::NameTaken => Self::NameTaken,
            RejectionKind::WrongCredentials => Self::WrongCredentials,
            RejectionKind::Disabled => Self::Disabled,
            RejectionKind::RegistrationClosed => Self::RegistrationClosed,
            RejectionKind::Busy => Self::Busy,
            RejectionKind::SlowDown => Self::Throttled,
            RejectionKind::StorageUnavailable => Self::StorageUnavailable,
            RejectionKind::Addresses => Self::AddressesRefused,
            RejectionKind::TooManyRequests => Self::TooManyRequests,
            RejectionKind::Full => Self::Full,
            RejectionKind::LoginTimeout => Self::TooLate,
            RejectionKind::TooManyRegistrations => Self::TooManyRegistrations,
            RejectionKind::NotInvited => Self::NotInvited,
            RejectionKind::AccountsFull => Self::AccountsFull,
            // For a login with a new key and a password, the others mean a bug in one of the programs.
            _ => Self::RequestRefused,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_documentation_lists_exactly_these_codes() {
        let document = include_str!("../../docs/JSON.md");
        let (_, section) = document.split_once("#### Errors before the conversation\n").unwrap();
        let section = section.split("\n#").next().unwrap();
        // The first row is the heading.
        let row = |line: &str| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned());
        let documented: Vec<String> = section.lines().filter_map(row).skip(1).collect();
        let codes: BTreeSet<String> = ErrorCode::value_variants().iter().map(|code| code.name()).collect();
        assert_eq!(documented, codes.into_iter().collect::<Vec<_>>(), "each once, in alphabetical order");
    }
}
