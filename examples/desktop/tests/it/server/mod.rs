//! The window of a server.

mod real;
mod screens;
mod stage;
