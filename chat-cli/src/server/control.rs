//! How the operator's commands reach the running server: a Unix-domain socket in the data folder.
//!
//! A command sends one word and receives one JSON value, then the connection ends. Only the user who runs the server,
//! and root, receive an answer: the mode of the socket and a check of the user who asks both ensure it.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::running::RunningServer;
use super::status::{OnlineEntry, Status};
use crate::error::CliError;
use crate::error_code::ErrorCode;
use crate::folder::DataFolder;
use crate::texts::Texts;

/// The name of the socket in the data folder.
const SOCKET: &str = "control.socket";

/// The maximum number of connections served in parallel: operators are few, and each answer with a roster of ten thousand
/// takes 1 MB.
const MAX_CONNECTIONS: usize = 4;

/// The time limit for a connection. A command waits for this time if the server hangs.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// The maximum size of a query in bytes.
const MAX_QUERY: u64 = 32;

/// The maximum size of an answer in bytes: a roster of a few hundred thousand entries.
const MAX_ANSWER: u64 = 64 * 1024 * 1024;

/// The pause after a failure to accept, which usually means that the process has no free file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// What a command can ask the running server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Query {
    Status,
    Online,
}

impl Query {
    const fn word(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Online => "online",
        }
    }

    fn parse(line: &str) -> Option<Self> {
        [Self::Status, Self::Online].into_iter().find(|query| line == query.word())
    }
}

/// Creates the socket, and replaces one that a previous server left behind. The caller holds the lock of the folder.
pub(super) fn listen(folder: &DataFolder) -> io::Result<UnixListener> {
    let path = folder.join(SOCKET);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    fs::set_permissions(&path, Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Removes the socket of a server that ends.
pub(super) fn remove(folder: &DataFolder) {
    // If the socket file stays, it refuses connections, which commands report in the same way.
    drop(fs::remove_file(folder.join(SOCKET)));
}

/// Answers queries. Runs until it is dropped.
pub(super) async fn answer_queries(listener: UnixListener, running: RunningServer) {
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let slot = Arc::clone(&slots).acquire_owned().await.expect("the semaphore is never closed");
        match listener.accept().await {
            Ok((stream, _)) => {
                let running = running.clone();
                tokio::spawn(async move {
                    // The command reports a timeout or a broken connection by itself.
                    drop(timeout(TIME_LIMIT, answer(stream, &running)).await);
                    drop(slot);
                });
            }
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn answer(mut stream: UnixStream, running: &RunningServer) -> io::Result<()> {
    let user = stream.peer_cred()?.uid();
    if user != rustix::process::geteuid().as_raw() && user != ROOT {
        return Ok(());
    }
    let (read, _) = stream.split();
    let mut query = String::new();
    read.take(MAX_QUERY).read_to_string(&mut query).await?;
    let answer = match Query::parse(query.trim_end()) {
        Some(Query::Status) => json(&running.status()),
        Some(Query::Online) => json(&running.online().await),
        // The query comes from another version of the program, which reports the empty answer as an error.
        None => Vec::new(),
    };
    stream.write_all(&answer).await
}

const ROOT: u32 = 0;

/// Whether a command of `user` trusts the server that the user `server` runs. In a folder that everybody can write, any
/// user could answer with a fingerprint of their own. Root trusts every server, because root names the folder.
const fn is_trusted(server: u32, user: u32) -> bool {
    user == ROOT || server == ROOT || server == user
}

fn json(answer: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(answer).expect("names and numbers serialize")
}

/// Asks the server that runs with `folder` for its status.
///
/// # Errors
/// No server runs, or it does not answer.
pub(super) async fn status(folder: &Path) -> Result<Status, CliError> {
    ask(folder, Query::Status).await
}

/// Asks the server that runs with `folder` for the sessions that are online.
///
/// # Errors
/// No server runs, or it does not answer.
pub(super) async fn online(folder: &Path) -> Result<Vec<OnlineEntry>, CliError> {
    ask(folder, Query::Online).await
}

async fn ask<T: DeserializeOwned>(folder: &Path, query: Query) -> Result<T, CliError> {
    let exchange = async {
        let mut stream = UnixStream::connect(folder.join(SOCKET)).await?;
        if !is_trusted(stream.peer_cred()?.uid(), rustix::process::geteuid().as_raw()) {
            return Err(ErrorKind::PermissionDenied.into());
        }
        stream.write_all(query.word().as_bytes()).await?;
        stream.shutdown().await?;
        let mut answer = Vec::new();
        stream.take(MAX_ANSWER).read_to_end(&mut answer).await?;
        io::Result::Ok(answer)
    };
    let folder = folder.display().to_string();
    let answer = match timeout(TIME_LIMIT, exchange).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
            return Err(CliError::not_there(move |texts: &Texts| texts.say().no_server_runs(&folder))
                .code(ErrorCode::NoServer)
                .hint(|texts: &Texts| texts.say().hint_no_server_runs()));
        }
        Ok(Err(error)) if error.kind() == ErrorKind::PermissionDenied => {
            return Err(CliError::not_there(move |texts: &Texts| texts.say().server_of_other_user(&folder))
                .hint(|texts: &Texts| texts.say().hint_server_of_other_user()));
        }
        Ok(Err(error)) => {
            return Err(CliError::not_there(move |texts: &Texts| {
                texts.say().server_unreachable(&folder, error.to_string())
            }));
        }
        Err(_) => {
            let seconds = TIME_LIMIT.as_secs();
            return Err(CliError::not_there(move |texts: &Texts| texts.say().server_silent(&folder, seconds)));
        }
    };
    serde_json::from_slice(&answer).map_err(|_| {
        CliError::not_there(move |texts: &Texts| texts.say().server_not_understood(&folder))
            .hint(|texts: &Texts| texts.say().hint_server_not_understood())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_root_trusts_the_server_of_another_user() {
        for (server, user, trusted) in [(7, 7, true), (ROOT, 7, true), (7, ROOT, true), (8, 7, false)] {
            assert_eq!(is_trusted(server, user), trusted, "{server} {user}");
        }
    }
}
