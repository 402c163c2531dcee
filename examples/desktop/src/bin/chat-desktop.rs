//! The program `chat-desktop`.

use std::process::ExitCode;

fn main() -> ExitCode {
    chat_desktop::chat_desktop()
}
