//! The real programs as child processes: servers and clients on 127.0.0.1, each story on SQLite and on MySQL, but
//! those about the network between the clients, to which the database is nothing, on SQLite alone.
//!
//! Clients are driven as a script would drive them: lines into a pipe, JSON events out of one. Nothing waits for a
//! fixed time to pass; where a story watches that something does *not* happen, the time is a named constant.

#![allow(clippy::unwrap_used, reason = "all of this is tests; clippy takes helpers for something else")]

// The harness.
mod client;
mod database;
mod event;
mod impairment;
mod process;
mod reader;
mod router;
mod screen;
mod server;
mod tap;
mod tidings;

// The stories.
mod accounts;
mod attack;
mod certificate;
mod endings;
mod faults;
mod flood;
mod network;
mod outage;
mod people;
mod quitting;
mod restart;
mod roaming;
mod scripts;
mod secrecy;
mod suspension;
mod terminal;
mod texts;
mod unread;
