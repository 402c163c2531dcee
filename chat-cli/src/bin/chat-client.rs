//! The chat client. See `chat-client --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    chat_cli::chat_client()
}
