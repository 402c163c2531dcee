//! `chat-server` under another name, for the tests of `presence`: Cargo gives a test only the paths of the executables
//! of its own package.

use std::process::ExitCode;

fn main() -> ExitCode {
    chat_cli::chat_server()
}
