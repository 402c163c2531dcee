//! What operators do with the real program: configuring it, looking inside and renewing its certificate, copying its
//! accounts and moving them to another database.
#![allow(clippy::unwrap_used, reason = "all of this is tests; clippy takes helpers for something else")]

#[path = "../common/mod.rs"]
mod common;
mod configuration;
mod databases;
mod harness;
mod inside;
