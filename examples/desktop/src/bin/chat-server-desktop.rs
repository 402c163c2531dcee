//! The program `chat-server-desktop`.

use std::process::ExitCode;

fn main() -> ExitCode {
    chat_desktop::chat_server_desktop()
}
