//! Why a server cannot start.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::panic::resume_unwind;

use chat_core::relay::RelaySettingError;
use chat_core::server::SettingError;
use tokio::task::JoinError;

use super::ServeError;
use crate::data_folder::DataFolderError;
use crate::identity::IdentityError;

/// Why [`ServerBuilder`](super::ServerBuilder) made no server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A setting cannot work. The error names it.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// A limit of the relay cannot work. The error names it.
    #[error("relay: {0}")]
    Relay(#[from] RelaySettingError),
    /// The name of a server that shares its roster is too long, is empty, or has other characters than it may have.
    #[error("the name of a server that shares its roster has 1 to 64 ASCII letters, digits or signs, without spaces")]
    NodeName,
    /// Neither a data folder nor an identity was given, so the server has no keys.
    #[error("the server has no keys; name a folder with data_dir, or pass an identity")]
    NoIdentity,
    /// Both a data folder and an identity were given. Each has keys.
    #[error("both data_dir and identity are set, and each has keys; set one of them")]
    TwoIdentities,
    /// The data folder cannot be used, or another server uses it.
    #[error(transparent)]
    DataFolder(#[from] DataFolderError),
    /// The identity cannot be loaded from the data folder, or created there.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The address to listen on cannot be parsed, or its host has no address.
    #[error("the address to listen on cannot be found: {0}; write IP:PORT or HOST:PORT, for example 0.0.0.0:7777")]
    Resolve(#[source] io::Error),
    /// The server cannot listen at the address.
    #[error("cannot listen on {address}: {source}; choose an address of this machine and a port that is free")]
    Listen {
        /// The address. If a name has several, the last one that was tried.
        address: SocketAddr,
        /// The system's error.
        source: io::Error,
    },
    /// The listener that was passed does not tell its address.
    #[error("the listener does not tell its address: {0}")]
    Listener(#[source] io::Error),
    /// The presence log cannot be opened, or its thread cannot be started.
    #[error(transparent)]
    PresenceLog(#[from] ServeError),
    /// The runtime shut down while the server was built.
    #[error("the program is ending")]
    Stopping(#[source] Box<dyn Error + Send + Sync>),
}

/// Why a blocking task has no result: the runtime shuts down. A panic of the task goes on in the caller.
pub(super) fn cancelled(error: JoinError) -> Box<dyn Error + Send + Sync> {
    error.try_into_panic().map_or_else(Into::into, |panic| resume_unwind(panic))
}
