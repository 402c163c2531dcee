//! The two programs `chat-server` and `chat-client`: thin, line-oriented, scriptable. The only crate that knows all of
//! chat-core, chat-net and chat-store.
//!
//! Standard output is the conversation, standard error is diagnostics, exit codes are documented in `--help`. Arguments
//! are read in two stages: what was typed, each value checked by itself (`args`), and what it means together (`Task`).
//! What can go wrong with one line of input is an [`input_error::InputError`] and never ends the program; what ends it is
//! an [`error::CliError`], which knows its exit code.
//!
//! The programs are for Unix: they live by its signals, file modes and terminals. The libraries are not bound to it.

pub mod address;
pub mod client;
mod clock;
pub mod config;
pub mod error;
pub mod folder;
pub mod input_error;
pub mod invitation;
pub mod number;
pub mod secret;
pub mod server;
pub mod signals;
pub mod table;
pub mod terminal;

use std::process::ExitCode;

use clap::Parser;
use env_logger::Env;

use crate::error::{CliError, finish};

/// All of `chat-server`.
pub fn chat_server() -> ExitCode {
    log_to_stderr("warn");
    let args = server::args::ServerArgs::try_parse().map_err(CliError::from);
    finish(args.and_then(server::args::ServerArgs::task).and_then(server::run))
}

/// All of `chat-client`.
pub fn chat_client() -> ExitCode {
    // What it warns of people see as notices and outcomes; in between, it would tear the line that is being typed.
    log_to_stderr("warn,chat_net::udp=error");
    let args = client::args::ClientArgs::try_parse().map_err(client::args::not_arguments);
    finish(args.and_then(client::args::ClientArgs::task).and_then(client::run))
}

/// What is for developers and operators, as `RUST_LOG` says, or else `usual`.
fn log_to_stderr(usual: &str) {
    env_logger::Builder::from_env(Env::default().default_filter_or(usual)).init();
}
