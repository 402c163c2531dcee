//! The window through its accessibility tree, without a display, and the whole program against a server.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

mod attention;
mod chat;
mod login;
mod panels;
mod people;
mod program;
mod real;
mod server;
mod set;
mod stage;
mod typing;
