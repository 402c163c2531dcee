//! Whom a client believes to be the server it was told to connect to.

mod known;

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;

pub use known::{KnownServers, KnownServersError};

use crate::address::ServerAddress;
use crate::identity::Fingerprint;

/// How a client decides. Whatever it is, the server has proved to hold the private key, and nothing was sent to it,
/// before the decision is made.
#[derive(Debug)]
pub enum Trust {
    /// Only the server with this fingerprint.
    Fingerprint(Fingerprint),
    /// The servers met before, each with the fingerprint that it had then.
    Known {
        /// Where they are remembered.
        store: KnownServers,
        /// What about a server that is not there.
        unknown: UnknownServer,
    },
    /// Servers with a certificate for their host name from one of the authorities in this PEM file.
    Ca(PathBuf),
}

/// What to do about a server that is not known.
pub enum UnknownServer {
    /// Ask; a server that is accepted is remembered.
    Ask(Box<dyn AskUser>),
    /// Accept and remember it. Whoever answers the first time is believed.
    AcceptNew,
    /// Refuse it.
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

/// Puts the question to somebody. No connection is held open meanwhile, so it may take its time.
pub trait AskUser: Send + Sync {
    /// Whether `server`, which shows `fingerprint`, is the right one.
    fn ask<'a>(
        &'a self,
        server: &'a ServerAddress,
        fingerprint: Fingerprint,
    ) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;
}

/// The answer to that question.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Answer {
    /// It is: remember it and connect.
    Accept,
    /// It is not, or nobody knows.
    Refuse,
}
