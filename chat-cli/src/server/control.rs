//! The way from the operator's commands to the running server: a Unix-domain socket in the data folder.
//!
//! One word as a line goes in, one JSON value comes out, and the connection ends. Only the user who runs the server (and
//! root) gets an answer: by the socket's mode, and by asking the system who is at the other end.

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

use super::inside::{Inside, Online, Status};
use crate::error::CliError;
use crate::folder::DataFolder;

/// The socket's name in the data folder.
const SOCKET: &str = "control.socket";

/// How many are answered at once: operators are few, and a roster of ten thousand is 1 MB while it is written.
const PLACES: usize = 4;

/// How long a connection may take: a command waits at most that long for a server that hangs.
const TIME: Duration = Duration::from_secs(10);

/// The most bytes of a question.
const QUESTION: u64 = 32;

/// The most bytes of an answer: the roster of a few hundred thousand.
const ANSWER: u64 = 64 * 1024 * 1024;

/// The pause after an accept that failed for want of descriptors.
const PAUSE: Duration = Duration::from_millis(200);

/// What can be asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Question {
    Status,
    Online,
}

impl Question {
    const fn word(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Online => "online",
        }
    }

    fn of(line: &str) -> Option<Self> {
        [Self::Status, Self::Online].into_iter().find(|question| line == question.word())
    }
}

/// Makes the socket; one that a server before left behind is replaced. The folder must be locked by this server.
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

/// Removes the socket, so that nobody asks a server that has ended.
pub(super) fn remove(folder: &DataFolder) {
    // A socket that stays says "connection refused", which is understood as well.
    drop(fs::remove_file(folder.join(SOCKET)));
}

/// Answers until it is dropped.
pub(super) async fn answer_all(listener: UnixListener, inside: Inside) {
    let places = Arc::new(Semaphore::new(PLACES));
    loop {
        let place = Arc::clone(&places).acquire_owned().await.expect("the semaphore is never closed");
        match listener.accept().await {
            Ok((stream, _)) => {
                let inside = inside.clone();
                tokio::spawn(async move {
                    // Late or broken: there is nobody to be told.
                    drop(timeout(TIME, answer(stream, &inside)).await);
                    drop(place);
                });
            }
            Err(_) => sleep(PAUSE).await,
        }
    }
}

async fn answer(mut stream: UnixStream, inside: &Inside) -> io::Result<()> {
    let asks = stream.peer_cred()?.uid();
    if asks != rustix::process::geteuid().as_raw() && asks != ROOT {
        return Ok(());
    }
    let (read, _) = stream.split();
    let mut question = String::new();
    read.take(QUESTION).read_to_string(&mut question).await?;
    let answer = match Question::of(question.trim_end()) {
        Some(Question::Status) => json(&inside.status()),
        Some(Question::Online) => {
            let roster = inside.monitor.roster().await.unwrap_or_default();
            json(&roster.into_iter().map(Online::from).collect::<Vec<_>>())
        }
        // Of another version of this program, which will say so.
        None => Vec::new(),
    };
    stream.write_all(&answer).await
}

const ROOT: u32 = 0;

fn json(answer: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(answer).expect("names and numbers are JSON")
}

/// Asks the server of this folder how it is.
///
/// # Errors
/// None runs, or it does not answer.
pub(super) async fn status(folder: &Path) -> Result<Status, CliError> {
    ask(folder, Question::Status).await
}

/// Asks the server of this folder who is online.
///
/// # Errors
/// None runs, or it does not answer.
pub(super) async fn online(folder: &Path) -> Result<Vec<Online>, CliError> {
    ask(folder, Question::Online).await
}

async fn ask<T: DeserializeOwned>(folder: &Path, question: Question) -> Result<T, CliError> {
    let shown = folder.display();
    let talk = async {
        let mut stream = UnixStream::connect(folder.join(SOCKET)).await?;
        stream.write_all(question.word().as_bytes()).await?;
        stream.shutdown().await?;
        let mut answer = Vec::new();
        stream.take(ANSWER).read_to_end(&mut answer).await?;
        io::Result::Ok(answer)
    };
    let answer = match timeout(TIME, talk).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
            return Err(CliError::not_there(format_args!("no server runs with the data folder {shown}"))
                .hint("name the folder of the server you mean with --data-dir DIR"));
        }
        Ok(Err(error)) if error.kind() == ErrorKind::PermissionDenied => {
            return Err(CliError::not_there(format_args!("the server of {shown} is another user's"))
                .hint("ask as the user who runs it, or as root"));
        }
        Ok(Err(error)) => {
            return Err(CliError::not_there(format_args!("the server of {shown} cannot be asked: {error}")));
        }
        Err(_) => {
            let seconds = TIME.as_secs();
            return Err(CliError::not_there(format_args!("the server of {shown} does not answer within {seconds} s")));
        }
    };
    serde_json::from_slice(&answer).map_err(|_| {
        CliError::not_there(format_args!("the server of {shown} gives an answer that this program does not know"))
            .hint("use the chat-server of the same version, as the user who runs it")
    })
}
