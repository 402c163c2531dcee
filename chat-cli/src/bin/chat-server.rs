//! The presence server: see `chat-server --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    chat_cli::chat_server()
}
