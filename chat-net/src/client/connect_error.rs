//! Why a client could not connect or log in. Each message is a sentence for users that names the cause and, where there
//! is one, the remedy.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use rustls::CertificateError;

use super::login_failure::LoginFailure;
use super::setting_error::ClientSettingError;
use super::wire_types::{ServerRejection, VersionMismatch};
use crate::address::ServerAddress;
use crate::bind::udp_cause;
use crate::identity::{CertificateProblem, Fingerprint};
use crate::trust::{AuthoritiesError, KnownServersError};

/// Why [`connect`](super::connect), [`ClientBuilder::login`](super::ClientBuilder::login) or
/// [`ClientBuilder::register`](super::ClientBuilder::register) failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// A setting is impossible. Nothing was sent.
    #[error(transparent)]
    Setting(#[from] ClientSettingError),
    /// The host name does not exist, or the name service does not answer.
    #[error("the host of {server} cannot be found: {source}; check its spelling and the network")]
    Resolve {
        /// The address of the server.
        server: ServerAddress,
        /// The system's error.
        source: io::Error,
    },
    /// No TCP connection: nothing accepts connections at the address, or the network does not lead there.
    #[error("nothing answers at {server}: {}; is the server running and the address right?", plain(.source))]
    Unreachable {
        /// The address of the server.
        server: ServerAddress,
        /// The system's error.
        source: io::Error,
    },
    /// The server did not answer within the connect timeout.
    #[error("{server} does not answer; is the server running, the address right, and no firewall in between?")]
    TimedOut {
        /// The address of the server.
        server: ServerAddress,
    },
    /// What listens at the address does not speak the protocol.
    #[error("what listens at {server} is not a chat server: {what}; check the port")]
    NotChat {
        /// The address of the server.
        server: ServerAddress,
        /// What it did wrong.
        what: &'static str,
    },
    /// The TLS handshake failed.
    #[error("the TLS handshake with {server} failed: {source}")]
    Tls {
        /// The address of the server.
        server: ServerAddress,
        /// What failed.
        source: TlsError,
    },
    /// The client trusts authorities, and the server's certificate does not pass their check.
    #[error("the certificate of {server} cannot be trusted: it {problem}; nothing was sent to the server")]
    Certificate {
        /// The address of the server.
        server: ServerAddress,
        /// Why the certificate is refused.
        #[source]
        problem: CertificateProblem,
    },
    /// The client trusts authorities, and no certificate can be for this host.
    #[error("the host of {server} is neither a DNS name nor an IP address, so no authority can certify it")]
    NotCertifiable {
        /// The address of the server.
        server: ServerAddress,
    },
    /// The file of certificate authorities cannot be used.
    #[error("the certificate authorities in {} cannot be used: {source}", .path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: AuthoritiesError,
    },
    /// The server is unknown, and the user or the settings did not accept it.
    #[error(
        "{server} is not known here; its fingerprint is {shown}; compare it with the one that the operator gives you"
    )]
    Untrusted {
        /// The address of the server.
        server: ServerAddress,
        /// The fingerprint that the server shows.
        shown: Fingerprint,
    },
    /// The server's key is not the one that is known. Either the operator has changed it, or somebody intercepts the
    /// connection.
    #[error(
        "the key of {server} has changed: its fingerprint was {known} and is now {shown}; nothing was sent to the server"
    )]
    FingerprintChanged {
        /// The address of the server.
        server: ServerAddress,
        /// The known fingerprint.
        known: Fingerprint,
        /// The fingerprint that the server shows.
        shown: Fingerprint,
    },
    /// Two servers that should share a roster have different keys: their known fingerprints differ, or one shows another
    /// fingerprint than the known one of the other.
    #[error(transparent)]
    DifferentKeys(#[from] Box<DifferentKeys>),
    /// The server does not have the fingerprint that the user named.
    #[error("{server} does not have the fingerprint {wanted}; its fingerprint is {shown}; nothing was sent to it")]
    WrongFingerprint {
        /// The address of the server.
        server: ServerAddress,
        /// The fingerprint that the user named.
        wanted: Fingerprint,
        /// The fingerprint that the server shows.
        shown: Fingerprint,
    },
    /// The file of known servers cannot be used.
    #[error(transparent)]
    KnownServers(#[from] KnownServersError),
    /// The programs of client and server speak different versions. One of them needs an update.
    #[error(transparent)]
    NoCommonVersion(VersionMismatch),
    /// The server rejected the login.
    #[error(transparent)]
    Rejected(ServerRejection),
    /// The login ended without a rejection: the server did not answer, or the connection or the session ended before
    /// the roster was complete.
    #[error("the login at {server} failed: {source}; try again")]
    LoginFailed {
        /// The address of the server.
        server: ServerAddress,
        /// What happened.
        source: LoginFailure,
    },
    /// The connection ended before the server answered the registration. Further attempts could not find out whether
    /// the account exists.
    #[error(
        "{server} did not answer the registration, so the account may exist; try to log in before you register again"
    )]
    RegistrationUnanswered {
        /// The address of the server.
        server: ServerAddress,
    },
    /// The server registered the account, and the connection broke before the login was complete.
    #[error("the account is registered, but the connection to {server} broke before the login was complete; log in")]
    OnlyRegistered {
        /// The address of the server.
        server: ServerAddress,
    },
    /// The UDP socket cannot be bound.
    #[error("messages cannot be received at {address} (UDP): {}", udp_cause(.source))]
    Udp {
        /// The address from [`ClientOptions::udp`](super::ClientOptions::udp).
        address: SocketAddr,
        /// The system's error.
        source: io::Error,
    },
    /// The client's task ended unexpectedly, which is a bug.
    #[error("the client stopped because of an internal error; please report it")]
    Internal,
}

/// Two servers that should share a roster, and their different keys.
#[derive(Clone, Debug, thiserror::Error)]
#[error(
    "{server} has the fingerprint {known}, and {other} has {shown}; servers that share a roster have one key; nothing was sent to them"
)]
#[expect(
    clippy::exhaustive_structs,
    reason = "programs that probe servers themselves make one; nothing else says what differs"
)]
pub struct DifferentKeys {
    /// The address of a server whose fingerprint is known.
    pub server: ServerAddress,
    /// Its fingerprint.
    pub known: Fingerprint,
    /// The address of the other server.
    pub other: ServerAddress,
    /// The fingerprint that is known of the other server, or that it shows.
    pub shown: Fingerprint,
}

/// Why a TLS handshake failed. Its [source](std::error::Error::source) is the error of the TLS library.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", tls_cause(.0))]
pub struct TlsError(#[source] rustls::Error);

impl TlsError {
    pub(super) const fn new(source: rustls::Error) -> Self {
        Self(source)
    }
}

/// Describes a failed handshake for users. The TLS library's own text is for developers.
const fn tls_cause(error: &rustls::Error) -> &'static str {
    match error {
        rustls::Error::AlertReceived(_) => {
            "the server refused it; check the port, and that both programs are up to date"
        }
        rustls::Error::InvalidCertificate(CertificateError::BadSignature) => {
            "the server did not prove that it has the key of its certificate"
        }
        rustls::Error::InvalidCertificate(_) => {
            "the server's certificate cannot be read; it must be an X.509 certificate of version 3"
        }
        _ => "the server, or something in between, breaks the rules of TLS 1.3; check the port",
    }
}

/// Describes a connection error without the error number in the system's text.
fn plain(error: &io::Error) -> String {
    use io::ErrorKind::{ConnectionRefused, ConnectionReset, HostUnreachable, NetworkUnreachable, TimedOut};
    match error.kind() {
        ConnectionRefused => "connection refused".to_owned(),
        ConnectionReset => "the connection was reset".to_owned(),
        HostUnreachable => "the host cannot be reached".to_owned(),
        NetworkUnreachable => "the network cannot be reached".to_owned(),
        TimedOut => "no answer".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_sentences_for_users() {
        let server: ServerAddress = "127.0.0.1:7777".parse().unwrap();
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(
            ConnectError::Unreachable { server: server.clone(), source: refused }.to_string(),
            "nothing answers at 127.0.0.1:7777: connection refused; is the server running and the address right?"
        );
        let in_use = io::Error::from(io::ErrorKind::AddrInUse);
        assert_eq!(
            ConnectError::Udp { address: "[::]:40001".parse().unwrap(), source: in_use }.to_string(),
            "messages cannot be received at [::]:40001 (UDP): another program uses this port; choose another one, or 0 for any"
        );
        let [known, shown] = [1, 2].map(|byte| Fingerprint::new([byte; 32]));
        let changed = ConnectError::FingerprintChanged { server, known, shown }.to_string();
        assert!(changed.contains(&known.to_string()) && changed.contains(&shown.to_string()));
    }
}
