//! Why a Redis server cannot be used, as the operator has to know it.

use std::error::Error as StdError;
use std::io;
use std::path::PathBuf;

use redis::{ErrorKind, ServerErrorKind};

/// Why a Redis server cannot keep the roster of several servers: when it is opened, or later as the cause of a
/// [`JournalError::Away`](chat_core::journal::JournalError::Away). No text contains the password.
///
/// `server` is the host and port.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RedisError {
    /// The host has no address.
    #[error("the host '{host}' of the Redis server is unknown; check the host in the URL")]
    UnknownHost {
        /// The host in the URL.
        host: String,
        /// The error of the resolver.
        source: io::Error,
    },
    /// Nothing answers at the address.
    #[error("the Redis server at {server} does not answer; check that it runs and that its address is right")]
    Unreachable {
        /// The address in the URL.
        server: String,
        /// The error of the system.
        source: io::Error,
    },
    /// The server has not answered in time. What was asked of it may still take effect.
    #[error("the Redis server at {server} has not answered for {seconds} s")]
    Silent {
        /// The address in the URL.
        server: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The server accepts connections, and has not answered the beginning of TLS in time.
    #[error(
        "the Redis server at {server} has not answered the beginning of TLS for {seconds} s; if this goes on, check that \
         this port of it is the one for TLS"
    )]
    SilentTls {
        /// The address in the URL.
        server: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The connection ended.
    #[error("the connection to the Redis server at {server} broke")]
    Broken {
        /// The address in the URL.
        server: String,
        /// The error of the system.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// What answers is no Redis server.
    #[error("what answers at {server} is no Redis server; check the host, the port, and whether it requires rediss://")]
    NotRedis {
        /// The address in the URL.
        server: String,
        /// What is wrong with its answer.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The file of certificate authorities cannot be used.
    #[error("the file {} of certificate authorities cannot be used; check the path after ca= in the URL", path.display())]
    CaFile {
        /// The path in the URL.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// No trusted connection could be made.
    #[error(
        "cannot make a secure connection to the Redis server at {server}; check its port for TLS, its certificate, and the \
         file that ca=FILE in the URL names"
    )]
    Tls {
        /// The address in the URL.
        server: String,
        /// The error of TLS.
        source: io::Error,
    },
    /// The server refuses the user name or the password, or requires them.
    #[error(
        "the Redis server at {server} refuses the login; check the user name and the password in the URL, and that their \
         special characters are percent-encoded"
    )]
    Login {
        /// The address in the URL.
        server: String,
        /// The server's answer.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The user lacks a right.
    #[error(
        "the Redis server at {server} does not give its user all rights that a roster needs; see the ACL rule in the manual"
    )]
    Rights {
        /// The address in the URL.
        server: String,
        /// The server's answer, which may name the command.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The key of the hints cannot be used, although the other keys can.
    #[error(
        "the Redis server at {server} does not let its user read and write the key '{key}' as a stream; allow that in the \
         ACL rule, or delete the key if it holds something else"
    )]
    Hints {
        /// The address in the URL.
        server: String,
        /// The key.
        key: String,
        /// The server's answer.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The server is too old.
    #[error("the Redis server at {server} has version {version}, and a roster needs 6.2 or newer")]
    Version {
        /// The address in the URL.
        server: String,
        /// Its version.
        version: String,
    },
    /// The servers that share this roster have another ticket key.
    #[error(
        "the servers that share the roster '{room}' have another ticket.key; copy theirs to this server, or give this \
         group of servers another ?room= in the URL"
    )]
    OtherKeys {
        /// The room in the URL.
        room: String,
    },
    /// Another version of this program keeps the roster in another form.
    #[error(
        "another version of this program keeps the roster '{room}' in another form ({format}); update all servers that \
         share it"
    )]
    Format {
        /// The room in the URL.
        room: String,
        /// The name of the form.
        format: String,
    },
    /// The server has no memory left.
    #[error("the Redis server at {server} has reached its limit of memory; raise its maxmemory, or free memory")]
    Full {
        /// The address in the URL.
        server: String,
        /// The server's answer.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The server is a replica, which accepts no changes.
    #[error("the Redis server at {server} is a replica and accepts no changes; name the primary in the URL")]
    ReadOnly {
        /// The address in the URL.
        server: String,
        /// The server's answer.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The server is a node of a cluster, and the roster belongs to another node.
    #[error(
        "the Redis server at {server} is a node of a cluster, and the roster belongs to another one; name that one"
    )]
    Cluster {
        /// The address in the URL.
        server: String,
        /// The server's answer, which names the other node.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The server refuses for another reason, which it states.
    #[error("the Redis server at {server} refuses: {answer}")]
    Refused {
        /// The address in the URL.
        server: String,
        /// The server's answer.
        answer: String,
    },
    /// The server has something that this program did not write.
    #[error("the roster '{room}' on the Redis server has something that this program did not write: {what}")]
    Damaged {
        /// The room in the URL.
        room: String,
        /// What is wrong.
        what: &'static str,
    },
}

impl RedisError {
    /// The error behind a driver's error.
    pub(super) fn new(server: &str, error: redis::RedisError) -> Self {
        let server = server.to_owned();
        let (kind, text, is_of_cluster) = (error.kind(), text(&error), error.is_cluster_error());
        // An error inside a script may have its code in the middle of the text.
        let mentions = |code: &str| text.split([' ', '-', ':']).any(|word| word == code);
        let lacks_right = text.contains("can't run this command or subcommand")
            || text.contains("no permissions")
            || text.contains("can't access at least one of the keys");
        let source = Answer(text.clone()).into();
        match kind {
            ErrorKind::AuthenticationFailed => Self::Login { server, source },
            _ if mentions("NOAUTH") || mentions("WRONGPASS") => Self::Login { server, source },
            ErrorKind::Server(ServerErrorKind::NoPerm) => Self::Rights { server, source },
            _ if mentions("NOPERM") || lacks_right => Self::Rights { server, source },
            _ if mentions("OOM") => Self::Full { server, source },
            _ if mentions("READONLY") => Self::ReadOnly { server, source },
            _ if is_of_cluster => Self::Cluster { server, source },
            ErrorKind::Parse | ErrorKind::UnexpectedReturnType => Self::NotRedis { server, source: error.into() },
            ErrorKind::Io | ErrorKind::Client => Self::Broken { server, source: error.into() },
            _ => Self::Refused { server, answer: text },
        }
    }

    /// The error of a command on the key of the hints alone.
    pub(super) fn at_hints(self, key: &str) -> Self {
        let key = key.to_owned();
        match self {
            Self::Rights { server, source } => Self::Hints { server, key, source },
            Self::Refused { server, answer } if answer.starts_with("WRONGTYPE") => {
                Self::Hints { server, key, source: Answer(answer).into() }
            }
            other => other,
        }
    }

    /// Whether the reason may pass without any change to the configuration: the server does not run, is still starting, or
    /// does not answer.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Silent { .. } | Self::SilentTls { .. } | Self::Broken { .. } => true,
            // It reads its file, or runs somebody's script.
            Self::Refused { answer, .. } => answer.starts_with("LOADING") || answer.starts_with("BUSY"),
            _ => false,
        }
    }

    /// Whether what was asked of the server may still take effect, or its connections cannot be used any more.
    pub(super) fn breaks_connections(&self) -> bool {
        matches!(self, Self::Silent { .. } | Self::Broken { .. } | Self::NotRedis { .. } | Self::ReadOnly { .. })
    }
}

/// The answer of a server.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Answer(String);

/// The words of the server, or of the driver. Of several answers, the first that is an error.
fn text(error: &redis::RedisError) -> String {
    let errors = error.clone().into_server_errors();
    match errors.as_deref().and_then(<[_]>::first) {
        Some((_, error)) => format!("{} {}", error.code(), error.details().unwrap_or_default()),
        None => error.to_string(),
    }
}
