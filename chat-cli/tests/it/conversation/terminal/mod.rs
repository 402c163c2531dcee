//! `chat-client` at a terminal, as people use it.

mod commands;
mod editing;
mod ending;
mod history;
mod job_control;
mod login;
mod own_lines;
mod passwords;
mod people;
mod resizing;
mod screens;
mod starting;
mod without_editor;

use std::process::Command;

use crate::harness::{PASSWORD, Server, Terminal};

/// The questions of `/passwd` with answers that change the password.
const PASSWORD_CHANGE: [(&str, &str); 3] = [
    ("current password: ", PASSWORD),
    ("new password: ", "battery staple"),
    ("repeat new password: ", "battery staple"),
];

/// `chat-client --server ... --user NAME`, as typed at a terminal.
fn command(server: &Server, user: &str) -> Command {
    server.client(user).without_fingerprint().into_interactive()
}

/// A new user at a terminal, logged in.
fn log_in(server: &Server, user: &str) -> Terminal {
    log_in_with(server, user, &[])
}

/// A new user at a terminal, logged in with further arguments.
fn log_in_with(server: &Server, user: &str, args: &[&str]) -> Terminal {
    let mut command = command(server, user);
    command.args(["--register", "--accept-new"]).args(args).env("CHAT_PASSWORD", PASSWORD);
    let mut terminal = Terminal::start(&command);
    terminal.until_output("> ");
    terminal
}

/// Alice and Bob at terminals, who have seen each other.
fn log_in_both(server: &Server) -> [Terminal; 2] {
    let mut terminals = ["alice", "bob"].map(|user| log_in(server, user));
    terminals[0].until_output("is online at");
    terminals
}

/// Waits for the question for a password, and asserts that the terminal has stopped echoing by the time it is shown.
/// Returns the output until then.
#[track_caller]
fn until_hidden_question(terminal: &mut Terminal, question: &str) -> String {
    let shown = terminal.until_output(question);
    assert!(!terminal.is_echoing(), "the terminal echoes the answer to {question:?}");
    shown
}
