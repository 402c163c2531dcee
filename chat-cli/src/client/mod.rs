//! `chat-client`: sends lines to everyone or to one user, and shows what happens.
//!
//! ```text
//! console (editor | line_reader) -> line | json_line -> conversation -> chat-net
//!                                                        |       <- events
//!                                                       ui
//!                                                        |
//!                       renderer (text | json) -> screen (-> prompt)
//! ```

mod args;
pub mod command;
pub mod connect;
pub mod console;
pub mod conversation;
mod crowd;
pub mod desktop;
mod editor;
mod ignored;
pub mod input;
pub mod json;
pub mod json_line;
mod last_message;
pub mod line;
mod line_buffer;
pub mod line_reader;
mod mention;
pub mod named_servers;
pub mod outcomes;
mod own_rows;
mod password_change;
mod printable;
pub mod prompt;
mod raw_mode;
mod reach;
pub mod renderer;
mod rows;
pub mod screen;
mod settings;
mod start;
pub mod task;
pub mod text;
pub mod ui;

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use chat_net::address::ServerAddress;
use chat_net::trust::KnownServers;

use self::console::Console;
use self::conversation::Conversation;
use self::renderer::Renderer;
use self::task::{ClientTask, JoinOptions};
use self::ui::Ui;
use crate::error::{self, CliError, Exit};
use crate::format::Format;
use crate::signals::StopSignals;
use crate::terminal::{self, TerminalGuard};
use crate::texts::{Sentence, Texts};
use crate::threads;

/// The threads for tasks: one moves messages while the other connects to the server. More would find nothing to do.
const WORKERS: usize = 2;

/// Runs a task to its end.
///
/// # Errors
/// The task failed. The error contains a sentence for the user and the exit code.
pub fn run(task: ClientTask, texts: &Texts) -> Result<Exit, CliError> {
    match task {
        ClientTask::Forget { server, known_servers } => forget(server, known_servers, texts),
        ClientTask::Generate(command) => command.run(args::described(&Texts::default())),
        ClientTask::Join(options) => {
            let format = options.format;
            let reporting = texts.clone();
            let runtime = threads::start_runtime(WORKERS, move |error| report(error, format, &reporting))?;
            let _guard = TerminalGuard::new();
            let result = runtime.block_on(converse(*options, texts));
            // A thread may still wait for a line that is never typed.
            runtime.shutdown_background();
            result
        }
    }
}

/// Shows an error that ends the program: a sentence on standard error, and in JSON also an event on standard output.
/// Returns how the program ends.
pub fn report(error: &CliError, format: Format, texts: &Texts) -> Exit {
    if format == Format::Json
        && let Some((code, sentence)) = error.for_scripts(texts)
    {
        let mut line = String::new();
        json::render_error(code, &sentence, &mut line);
        let mut out = io::stdout();
        // If standard output is closed, the exit code and standard error have to suffice.
        drop(out.write_all(line.as_bytes()).and_then(|()| out.flush()));
    }
    error::report(error, texts)
}

async fn converse(options: JoinOptions, texts: &Texts) -> Result<Exit, CliError> {
    // Without a terminal, no terminal can be closed, and `nohup` expects SIGHUP to stay ignored.
    let mut signals = if terminal::is_interactive() { StopSignals::with_hang_up()? } else { StopSignals::new()? };
    let (input, end_of_input, reach) = (options.input, options.end_of_input, options.reach);
    let history = options.history.clone();
    let renderer = Renderer::new(options.format, options.appearance, texts.clone());
    let (client, events) = tokio::select! {
        connected = connect::connect(options, texts) => connected?,
        () = signals.next() => {
            if terminal::is_interactive() {
                start::end_question();
            }
            return Err(CliError::interrupted());
        }
    };
    let mut console = match Console::open(input, texts, client.watch_roster(), history.as_deref()) {
        Ok(console) => console,
        Err(error) => {
            client.leave().await;
            return Err(error);
        }
    };
    let ui = Ui::new(renderer, &console);
    if let Some(advice) = console.advice.take() {
        ui.advise(&advice).await;
    }
    let conversation = Conversation::new(client, events, ui, input, end_of_input, reach);
    let interrupted = Arc::clone(&console.interrupted);
    let stop = async move {
        tokio::select! {
            () = signals.next() => {}
            () = interrupted.notified() => {}
        }
    };
    let result = conversation.run(&mut console.input, stop).await;
    console.close().await;
    result
}

fn forget(server: ServerAddress, known_servers: PathBuf, texts: &Texts) -> Result<Exit, CliError> {
    let known = KnownServers::open(known_servers)
        .and_then(|store| store.forget(&server))
        .map_err(|error| CliError::failed(Sentence::about(error)))?;
    if !known {
        return Err(CliError::failed(move |texts: &Texts| texts.say().forget_unknown(server.to_string())));
    }
    let mut out = io::stdout();
    writeln!(out, "{}", texts.say().forget_done(server.to_string()))
        .and_then(|()| out.flush())
        .map_err(|error| CliError::output(&error))?;
    Ok(Exit::Fine)
}
