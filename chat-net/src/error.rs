//! What can go wrong, by whose fault; each text is a sentence for people.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use chat_core::wire::hello::NoCommonVersion;
use chat_core::wire::rejection::Rejection;

use crate::address::ServerAddress;
use crate::identity::Fingerprint;
use crate::trust::KnownServersError;

/// Why a server does not start. All of it is the operator's to mend.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The private key does not belong to the certificate, or is of a kind that TLS does not use.
    #[error("the server's certificate and key cannot be used: {0}")]
    Identity(#[source] rustls::Error),
    /// The presence log cannot be opened.
    #[error("the presence log {} cannot be opened; name a file that you may write to: {source}", .path.display())]
    PresenceLog {
        /// Its file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Why a client did not come online.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The user's: no such host, or the name service does not answer.
    #[error("the host of {server} cannot be found: {source}; check its spelling and the network")]
    Resolve {
        /// The server that was asked for.
        server: ServerAddress,
        /// Why.
        source: io::Error,
    },
    /// The operator's or the network's: nothing accepts connections there.
    #[error("nothing answers at {server}: {}; is the server running and the address right?", plain(.source))]
    Unreachable {
        /// The server that was asked for.
        server: ServerAddress,
        /// Why.
        source: io::Error,
    },
    /// The network's: no answer in time.
    #[error("{server} does not answer; is the server running, the address right, and no firewall between?")]
    TimedOut {
        /// The server that was asked for.
        server: ServerAddress,
    },
    /// The user's: something else listens there.
    #[error("what listens at {server} is not a chat server: {what}; check the port")]
    NotChat {
        /// The server that was asked for.
        server: ServerAddress,
        /// What it did.
        what: &'static str,
    },
    /// The connection could not be secured.
    #[error("the connection to {server} could not be secured: {source}")]
    Tls {
        /// The server that was asked for.
        server: ServerAddress,
        /// Why.
        source: rustls::Error,
    },
    /// The file of certificate authorities cannot be used.
    #[error("the certificate authorities in {} cannot be used: {what}", .path.display())]
    Authorities {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The server is not known, and nobody said that it is the right one.
    #[error("{server} is not known here; its fingerprint is {shown}; compare it with what its operator says")]
    Untrusted {
        /// The server that was asked for.
        server: ServerAddress,
        /// Its fingerprint.
        shown: Fingerprint,
    },
    /// The server has another key than before: another server, or somebody in between.
    #[error(
        "{server} has another key than before: its fingerprint was {known} and is now {shown}; nothing was sent to it"
    )]
    FingerprintChanged {
        /// The server that was asked for.
        server: ServerAddress,
        /// The fingerprint it had.
        known: Fingerprint,
        /// The fingerprint it has.
        shown: Fingerprint,
    },
    /// The server has another key than the user named.
    #[error("{server} is not the server with the fingerprint {wanted}: its own is {shown}; nothing was sent to it")]
    WrongFingerprint {
        /// The server that was asked for.
        server: ServerAddress,
        /// The fingerprint that the user named.
        wanted: Fingerprint,
        /// The fingerprint it has.
        shown: Fingerprint,
    },
    /// The file of known servers cannot be used.
    #[error(transparent)]
    KnownServers(#[from] KnownServersError),
    /// One of the two programs has to be updated.
    #[error(transparent)]
    NoCommonVersion(#[from] NoCommonVersion),
    /// The server refuses the log-in, and says why.
    #[error("{0}")]
    Rejected(Rejection),
    /// The log-in ended without an answer.
    #[error("the log-in at {server} failed: {what}; try again")]
    LoginFailed {
        /// The server that was asked for.
        server: ServerAddress,
        /// What happened.
        what: String,
    },
    /// The user's: the address for messages cannot be used.
    #[error("messages cannot be received at {address} (UDP): {}", udp_trouble(.source))]
    Udp {
        /// The address to be bound.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The client's own fault.
    #[error("the client failed inside; this is an error of the program")]
    Internal,
}

/// Why a message was not accepted. Nothing of it was sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The peer machine refuses it.
    #[error(transparent)]
    NotQueued(#[from] chat_core::peer::SendError),
    /// Too many outcomes wait to be read by the application.
    #[error("too many outcomes are unread; read events before sending more")]
    OutcomesUnread,
    /// The client has left or was ended.
    #[error("this client is no longer online")]
    Offline,
}

/// Why a password was not changed, or may not have been.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub enum ChangePasswordError {
    /// The server or the connection.
    #[error(transparent)]
    Failed(#[from] chat_core::client::PasswordChangeError),
    /// The client has left or was ended.
    #[error("this client is no longer online")]
    Offline,
}

/// Why a session is over for good without having been left.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EndReason {
    /// The server ended it.
    #[error(transparent)]
    Ended(#[from] chat_core::wire::control::Ended),
    /// The server refuses to go on with it.
    #[error("the server does not let this session come back: {0}")]
    Rejected(Rejection),
    /// The server was replaced by one of another version.
    #[error(transparent)]
    NoCommonVersion(#[from] NoCommonVersion),
    /// The server was replaced by something else.
    #[error("the server does not speak this protocol: {0}")]
    NotChat(&'static str),
    /// The client's own fault.
    #[error("the client failed inside; this is an error of the program")]
    Internal,
}

/// The words of an error without its number, which helps nobody at a terminal.
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

fn udp_trouble(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "another program uses this port; choose another one, or 0 for any".to_owned(),
        io::ErrorKind::AddrNotAvailable => {
            "this machine does not have that address; choose one of its own, or [::] for all".to_owned()
        }
        io::ErrorKind::PermissionDenied => "ports below 1024 need special rights; choose a higher one".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_sentences_that_can_be_shown() {
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
