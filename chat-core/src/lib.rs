//! The rules of chat as state machines without I/O. This crate opens no socket, reads no clock, starts no task, and draws
//! no randomness. Its caller, the driver, provides all of these.
//!
//! # Modules
//!
//! A module imports only from its own row and the rows above. The machines do not import each other. The test
//! `module_rows` enforces both.
//!
//! | row | modules | contents |
//! | --- | --- | --- |
//! | support | `error_chain precis` | helpers that know nothing of chat: error texts, Unicode profiles |
//! | values | `time name text password invitation id key generator extras source` | parsed once at the edge, with private fields, and never checked again |
//! | facts | `presence roster message` | who is online and what changed, what was said and its outcomes |
//! | port | `accounts` | the trait, an implementation in memory, and the contract suite (feature `testing`) |
//! | wire | `wire/{frame,hello,rejection,control,datagram}` | the wire formats: one encoder and one decoder for both ends, with golden bytes |
//! | seal | `seal/{keys,replay}` | keys derived from the roster, AES-256-GCM, the replay window |
//! | parts | `memory places rate_limit timers` | what several machines are built from, and what a driver counts by network |
//! | machines | `server client peer` | the rules, as state machines without I/O |
//! | simulator | `sim` | seeded network, clocks and generator for machines in any number, and fuzz targets (feature `sim`) |
//!
//! # Machines
//!
//! All three machines follow the sans-IO pattern and have the same interface:
//!
//! - `handle(now, input, out)` processes one input: a command, a frame, the result of a job, or a tick. It appends
//!   outputs to `out`.
//! - `deadline()` returns when the driver must send a tick if no other input comes first.
//! - The peer machine also has `receive` for datagrams from the socket and `transmit`, which fills a slab with datagrams to
//!   send.
//!
//! For each event, the driver reads both clocks once, passes one input, and performs all outputs in order before the next
//! input. Then it sleeps until the deadline. A machine never blocks: slow work leaves as a job, and its result returns as
//! an input. No input is fatal, however wrong it is.
//!
//! Two peer machines on a simulated network (feature `sim`):
//!
//! ```
//! use std::time::Duration;
//! use chat_core::message::Recipient;
//! use chat_core::peer::{Output, PeerConfig};
//! use chat_core::sim::{Group, Profile};
//!
//! let mut group = Group::new(2, Profile::GOOD, &PeerConfig::default(), 1);
//! group.send_text(0, Recipient::Everyone, "大家好");
//! assert!(group.run_until_idle(Duration::from_secs(1)), "outcomes are missing");
//! assert!(group.take_outputs(1).iter().any(|output| matches!(output, Output::Deliver { .. })));
//! ```

pub mod error_chain;
mod precis;

pub mod extras;
pub mod generator;
pub mod id;
pub mod invitation;
pub mod key;
pub mod name;
pub mod password;
pub mod source;
pub mod text;
pub mod time;

pub mod message;
pub mod presence;
pub mod roster;

pub mod accounts;

pub mod wire;

pub mod seal;

mod memory;
pub mod places;
pub mod rate_limit;
mod timers;

pub mod client;
pub mod peer;
pub mod server;

#[cfg(feature = "sim")]
pub mod sim;

/// Compiles and runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
