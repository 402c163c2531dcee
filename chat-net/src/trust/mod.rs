//! Trust: how a client decides that it talks to the right server.

mod authorities;
mod known_servers;

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

pub use authorities::AuthoritiesError;
pub use known_servers::{KnownServers, KnownServersError};

use crate::address::ServerAddress;
use crate::identity::Fingerprint;

/// How a client decides whether to trust a server. Before the decision, the TLS handshake proves that the server holds
/// the private key of its certificate. The client sends nothing else before the decision.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Trust {
    /// Trusts only the server with this fingerprint.
    Fingerprint(Fingerprint),
    /// Trusts known servers, as long as each shows the fingerprint that was remembered for it.
    Known {
        /// The file of known servers.
        store: KnownServers,
        /// What to do about a server that is not in it.
        unknown: UnknownServer,
    },
    /// Trusts servers whose certificate is valid for their host name and issued by an authority in this PEM file.
    Ca(PathBuf),
}

/// What to do about a server that is not among the known servers.
#[derive(Clone)]
#[non_exhaustive]
pub enum UnknownServer {
    /// Ask the user. If the answer is [`Answer::Accept`], remember the server.
    Ask(Arc<dyn AskUser>),
    /// Accept and remember it (trust on first use). An attacker who intercepts the first connection goes unnoticed.
    AcceptNew,
    /// Refuse it: the client does not connect.
    Refuse,
}

impl fmt::Debug for UnknownServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ask(_) => "Ask",
            Self::AcceptNew => "AcceptNew",
            Self::Refuse => "Refuse",
        })
    }
}

/// Asks the user about an unknown server. No connection is open meanwhile, so the user may take any time.
pub trait AskUser: Send + Sync {
    /// Asks whether `server`, which shows `fingerprint`, is the right one.
    fn ask<'a>(
        &'a self,
        server: &'a ServerAddress,
        fingerprint: Fingerprint,
    ) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;
}

/// The user's answer about an unknown server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Answer {
    /// It is the right server: remember it and connect.
    Accept,
    /// It is not, or the user does not know.
    Refuse,
}
