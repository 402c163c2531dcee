//! How the operator's commands reach the running server.
//!
//! A command sends one line with one word and receives one line with a JSON value. Only the user who runs the server, and
//! the administrators of the machine, receive an answer.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::invite::InvitationFacts;
use super::reload::Reloaded;
use super::running::RunningServer;
use super::status::{OnlineEntry, Status};
use crate::error::CliError;
use crate::error_code::ErrorCode;
use crate::platform::control::{self, Connection, Listener};
use crate::texts::Texts;

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

/// A question of a command to the running server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Query {
    Status,
    Online,
    Reload,
    Invitation,
}

impl Query {
    const fn word(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Online => "online",
            Self::Reload => "reload",
            Self::Invitation => "invitation",
        }
    }

    fn parse(line: &str) -> Option<Self> {
        [Self::Status, Self::Online, Self::Reload, Self::Invitation].into_iter().find(|query| line == query.word())
    }
}

/// Answers queries. Runs until it is dropped.
pub(super) async fn answer_queries(mut listener: Listener, running: RunningServer) {
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let slot = Arc::clone(&slots).acquire_owned().await.expect("the semaphore is never closed");
        match listener.accept().await {
            Ok(connection) => {
                let running = running.clone();
                tokio::spawn(async move {
                    // The command reports a timeout or a broken connection by itself.
                    drop(timeout(TIME_LIMIT, answer(connection, &running)).await);
                    drop(slot);
                });
            }
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn answer(connection: Connection, running: &RunningServer) -> io::Result<()> {
    if !control::may_ask(&connection)? {
        return Ok(());
    }
    let mut connection = BufReader::new(connection);
    let mut query = String::new();
    (&mut connection).take(MAX_QUERY).read_line(&mut query).await?;
    let mut answer = match Query::parse(query.trim_end()) {
        Some(Query::Status) => json(&running.status()),
        Some(Query::Online) => json(&running.online().await),
        // A server that stops has no answer.
        Some(Query::Reload) => running.reload().await.map_or_else(Vec::new, |reloaded| json(&reloaded)),
        // The check above ensures that the invitation code reaches only those who can read the configuration anyway.
        Some(Query::Invitation) => json(&running.invitation()),
        // The query comes from another version of the program, which reports the empty answer as an error.
        None => Vec::new(),
    };
    answer.push(b'\n');
    connection.write_all(&answer).await?;
    connection.flush().await?;
    // A pipe loses what has not been read when its server ends the connection.
    connection.take(MAX_QUERY).read_to_end(&mut Vec::new()).await.map(drop)
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

/// Asks the server that runs with `folder` to reload its certificate and its presence log.
///
/// # Errors
/// No server runs, or it does not answer.
pub(super) async fn reload(folder: &Path) -> Result<Reloaded, CliError> {
    ask(folder, Query::Reload).await
}

/// Asks the server that runs with `folder` for what an invitation says.
///
/// # Errors
/// No server runs, or it does not answer.
pub(super) async fn invitation(folder: &Path) -> Result<InvitationFacts, CliError> {
    ask(folder, Query::Invitation).await
}

async fn ask<T: DeserializeOwned>(folder: &Path, query: Query) -> Result<T, CliError> {
    let exchange = async {
        let mut connection = BufReader::new(control::connect(folder).await?);
        connection.write_all(format!("{}\n", query.word()).as_bytes()).await?;
        connection.shutdown().await?;
        let mut answer = Vec::new();
        connection.take(MAX_ANSWER).read_until(b'\n', &mut answer).await?;
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
