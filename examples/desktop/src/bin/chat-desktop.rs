//! The program `chat-desktop`.

// No console beside the window. A build for developers has one, for its log.
#![cfg_attr(all(windows, not(debug_assertions)), windows_subsystem = "windows")]

use std::process::ExitCode;

fn main() -> ExitCode {
    chat_desktop::chat_desktop()
}
