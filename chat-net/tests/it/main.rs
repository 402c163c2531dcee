//! chat-net over real sockets on the loopback: a server on port 0, as many clients as a story needs, and clients that
//! misbehave. Times are short; nothing waits for time to pass, but for what is to happen.

#![allow(clippy::unwrap_used, reason = "all of this is tests; clippy takes helpers for something else")]

mod chat;
mod harness;
mod hostile;
mod log_in;
mod outage;
mod relay;
mod trust;
