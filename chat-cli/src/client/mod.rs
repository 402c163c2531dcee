//! `chat-client`: talks to everyone, and to each of them alone.
//!
//! ```text
//! keyboard -> line | json_line -> talk -> chat-net
//!                                  |  <- events
//!             form (text | json) <-+
//!               |
//!             screen
//! ```

pub mod args;
pub mod connect;
pub mod fact;
pub mod form;
pub mod json;
pub mod json_line;
pub mod keyboard;
pub mod line;
pub mod lines;
pub mod notice;
mod password_change;
#[cfg(test)]
mod samples;
pub mod screen;
mod settings;
pub mod talk;
pub mod tally;
pub mod text;

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use chat_net::address::ServerAddress;
use chat_net::trust::KnownServers;
use tokio::runtime::Runtime;

use self::args::Task;
use self::form::Form;
use self::keyboard::Console;
use crate::error::{CliError, Exit};
use crate::signals::StopSignals;
use crate::terminal::{self, Restore};

/// Does what the arguments say.
///
/// # Errors
/// A sentence for whoever typed them, with the exit code.
pub fn run(task: Task) -> Result<Exit, CliError> {
    match task {
        Task::Forget { server, known_servers } => forget(&server, known_servers),
        Task::Talk(task) => {
            let runtime =
                Runtime::new().map_err(|error| CliError::not_there(format_args!("no threads can be made: {error}")))?;
            let _restore = Restore::new();
            let result = runtime.block_on(talk(*task));
            // A thread may still wait for a line that nobody will type.
            runtime.shutdown_background();
            result
        }
    }
}

async fn talk(task: args::Talk) -> Result<Exit, CliError> {
    // Without a terminal there is none to be closed, and who wants to outlive one (`nohup`) has none.
    let mut signals = if terminal::is_there() { StopSignals::with_hang_up()? } else { StopSignals::new()? };
    let (format, input) = (task.format, task.input);
    let (client, events) = tokio::select! {
        connected = connect::connect(task) => connected?,
        () = signals.next() => return Err(CliError::interrupted()),
    };
    let mut console = Console::open(input);
    let talk = talk::Talk::new(client, events, &console, Form::of(format), input);
    let interrupted = Arc::clone(&console.interrupted);
    let stop = async move {
        tokio::select! {
            () = signals.next() => {}
            () = interrupted.notified() => {}
        }
    };
    talk.run(&mut console.input, stop).await
}

fn forget(server: &ServerAddress, known_servers: PathBuf) -> Result<Exit, CliError> {
    let known = KnownServers::open(known_servers).and_then(|store| store.forget(server)).map_err(CliError::failed)?;
    if !known {
        return Err(CliError::failed(format_args!("{server} is not known here, so there is nothing to forget")));
    }
    let mut out = io::stdout();
    writeln!(out, "{server} is forgotten; the next connection asks about it again")
        .and_then(|()| out.flush())
        .map_err(|error| CliError::output(&error))?;
    Ok(Exit::Fine)
}
