//! Integration tests of `chat-server` and `chat-client`: the real programs as child processes.
//!
//! - [`harness`] starts the programs. Each runs in a temporary folder with an environment of its own.
//! - [`arguments`] covers options, help, exit codes and error messages.
//! - [`error_codes`] covers errors before the conversation, in JSON.
//! - [`files`] covers the files and variables that the programs read, as other systems and editors leave them.
//! - [`generated`] covers completion scripts and manual pages.
//! - [`languages`] covers the languages of the programs, and [`sentences`] all their sentences.
//! - [`threads`] covers threads that the system refuses or that panic.
//! - [`windows`] covers what only the programs for Windows do.
//! - [`operators`] covers configuration, databases, and the view into a running server.
//! - [`conversation`] covers servers and clients that talk to each other.
//! - [`nodes`] covers servers that share one roster.
//!
//! A test waits for events and conditions. A test that has to wait for a fixed time, because it asserts the absence of
//! an event or suspends a program, names that time.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "Clippy does not recognise helper functions as test code")]

mod arguments;
mod conversation;
mod error_codes;
mod files;
mod generated;
mod harness;
mod languages;
mod nodes;
mod operators;
mod sentences;
mod threads;
mod windows;
