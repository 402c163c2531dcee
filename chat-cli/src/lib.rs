//! The programs `chat-server` and `chat-client`, line-oriented and scriptable. They combine chat-core, chat-net and
//! chat-store.
//!
//! The library exposes the two programs, [`chat_server`] and [`chat_client`], and what the windows need: the notices of a
//! session ([`view`]), its sentences ([`texts`]), its settings and files ([`desktop`]), a server with a window
//! ([`server_desktop`]), and its errors. For chat inside your own program use chat-net and chat-store.
//!
//! Standard output carries the conversation, standard error carries diagnostics, and `--help` documents the exit codes.
//! Arguments are read in three stages: clap parses each value on its own (`args`), `config::merge` combines
//! arguments and environment with the configuration file (`settings`), and `task` decides what they mean together.
//!
//! An error in one line of input never ends the program (`input_error`). An error that ends it is an
//! [`error::CliError`], which knows its exit code, and its code for scripts (`error_code`).
//!
//! A program starts all of its threads at its beginning, and a panic in any of them ends it.
//!
//! `platform` has what differs between operating systems.

#![expect(unreachable_pub, reason = "the modules are private, and `pub` marks what a module offers to the others")]

mod address;
mod client;
mod clock;
mod config;
mod database_url;
mod early;
mod environment;
pub mod error;
mod error_code;
mod fingerprint;
mod folder;
mod format;
mod generate;
#[cfg(test)]
mod help;
mod input_error;
mod invitation;
mod isolate;
mod log_file;
mod number;
mod panic;
mod path;
mod platform;
mod private_file;
mod progress;
mod secret;
mod server;
mod signals;
mod table;
mod terminal;
mod text_file;
pub mod texts;
mod threads;
pub mod view;

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use env_logger::DEFAULT_FILTER_ENV;

use crate::client::task::ClientTask;
use crate::platform::process;
use crate::server::task::ServerTask;
use crate::texts::Texts;

pub use crate::client::desktop;
pub use crate::server::desktop as server_desktop;

/// Runs `chat-server` with the arguments and environment of this process.
pub fn chat_server() -> ExitCode {
    begin("warn");
    let args: Vec<OsString> = env::args_os().collect();
    let texts = Texts::new(early::language(&args, None));
    let result = ServerTask::from_args(&args, &texts).and_then(|task| server::run(task, &texts));
    result.unwrap_or_else(|error| server::report(&error, early::format_argument(&args), &texts)).into()
}

/// Runs `chat-client` with the arguments and environment of this process.
pub fn chat_client() -> ExitCode {
    // The user sees UDP problems as notices and outcomes. A warning in between would break up the line that is being
    // typed.
    begin("warn,chat_net::udp=error");
    let args: Vec<OsString> = env::args_os().collect();
    let file = folder::config("chat-client");
    let texts = Texts::new(early::language(&args, file.as_deref()));
    let (format, result) = match ClientTask::from_args(&args, &texts) {
        Ok(task) => (task.format(), client::run(task, &texts)),
        Err(error) => (early::format(&args, file.as_deref()), Err(error)),
    };
    result.unwrap_or_else(|error| client::report(&error, format, &texts)).into()
}

/// Makes every panic end the program, and turns core dumps off, before anything secret is in memory. Then logs to standard
/// error, at the levels that `RUST_LOG` sets, or else at `default`.
pub(crate) fn begin(default: &str) {
    begin_to(default, None);
}

/// As [`begin`], with a log that goes to `target`, or to standard error if there is none.
pub(crate) fn begin_to(default: &str, target: Option<env_logger::Target>) {
    panic::end_program_on_panic();
    let core_dumps = process::disable_core_dumps();
    let mut builder = env_logger::Builder::from_default_env();
    if let Some(target) = target {
        builder.target(target);
    }
    if !environment::is_set(DEFAULT_FILTER_ENV) {
        builder.parse_filters(default);
    }
    builder.init();
    if let Err(error) = core_dumps {
        log::warn!("core dumps cannot be turned off, so a crash can write secrets to disk: {error}");
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    /// The parts that graphical programs on other systems can share with these programs.
    const SHARED: [&str; 22] = [
        "address.rs",
        "client/command.rs",
        "client/crowd.rs",
        "client/ignored.rs",
        "client/json.rs",
        "client/json_line.rs",
        "client/last_message.rs",
        "client/line.rs",
        "client/mention.rs",
        "client/named_servers.rs",
        "client/outcomes.rs",
        "client/settings.rs",
        "client/text",
        "client/text.rs",
        "config.rs",
        "error.rs",
        "error_code.rs",
        "input_error.rs",
        "number.rs",
        "text_file.rs",
        "texts",
        "view",
    ];

    /// The names of what depends on the system or on a terminal.
    const SYSTEM: [&str; 9] = [
        "crate::terminal",
        "crate::signals",
        "crate::folder",
        "crate::platform",
        "super::raw_mode",
        "super::prompt",
        "os::unix",
        "os::fd",
        "rustix::",
    ];

    #[test]
    fn shared_parts_depend_on_no_terminal_and_no_system() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut files: Vec<PathBuf> = SHARED.map(|part| source.join(part)).into();
        while let Some(path) = files.pop() {
            if path.is_dir() {
                files.extend(fs::read_dir(path).unwrap().map(|file| file.unwrap().path()));
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            for system in SYSTEM {
                assert!(!text.contains(system), "{} depends on {system}", path.display());
            }
        }
    }
}
