//! The chat server. See `chat-server --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    chat_cli::chat_server()
}
