//! Tests of server and client over real sockets on loopback. Each starts a server on a free port and the clients that
//! it needs. Timeouts are short, and tests wait for events, not for time to pass.

#![allow(clippy::unwrap_used, reason = "clippy does not recognise test helpers as tests")]

mod away;
mod chat;
mod client;
mod forwarder;
mod harness;
mod hostile;
mod login;
mod office;
mod other_server;
mod outage;
mod peers;
mod raw;
mod reach;
mod relay;
mod relaying;
mod server;
mod trust;
