//! `chat-server` under another name, for the tests of `presence`: a test gets to know the programs of its own package only.

use std::process::ExitCode;

fn main() -> ExitCode {
    chat_cli::chat_server()
}
