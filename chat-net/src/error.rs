//! Why a server does not start, or cannot go on, in sentences for its operator.

use std::io;
use std::path::PathBuf;

/// Why a server does not start, or cannot go on. The operator can correct each cause.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The presence log cannot be opened.
    #[error("the presence log {} cannot be opened; name a file that you may write to: {source}", .path.display())]
    PresenceLog {
        /// The log's file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The system refuses the thread that writes the presence log.
    #[error("cannot start the thread that writes the presence log: {0}")]
    PresenceLogThread(#[source] io::Error),
    /// Another server, of a later version, has written to the roster what this version does not know.
    #[error(
        "the roster that the servers share has an entry of a later version of this program; update this server too"
    )]
    Incompatible,
}
