//! The rules of chat, without anything that touches the world: no sockets, no clocks, no tasks, no locks, no
//! randomness of its own. What a program needs of those it hands in.
//!
//! A module imports only from rows above its own:
//!
//! ```text
//! 1 values     time  name  text  password  id  key  generator  extras  source  rate_limit  timers
//! 2 facts      presence  roster  message
//! 3 port       accounts
//! 4 wire       frame  hello  rejection  control  datagram
//! 5 seal       keys  replay window
//! 6 machines   server  client  peer
//! 7 proof      sim                        (feature `sim`)
//! ```
//!
//! # Machines
//!
//! The three machines are state machines without I/O ("sans-IO"). They have the same doors: `handle(now, input, out)`
//! for what happens, `deadline()` for when to come back with a tick, and the peer machine also `receive` and
//! `transmit` for datagrams. Their driver reads both clocks once per event, performs every output in order before the
//! next input, and sleeps until the deadline. A machine never blocks: slow work leaves as a job and comes back as an
//! input. Input can be wrong, never fatal. `out` is the driver's, so nothing is lost when it stops reading, and a test
//! compares all of it.
//!
//! Two peers talk, here without a network between them (feature `sim`):
//!
//! ```
//! use std::time::Duration;
//! use chat_core::message::Recipient;
//! use chat_core::peer::{Output, PeerConfig};
//! use chat_core::sim::{Group, Profile};
//!
//! let mut group = Group::new(2, Profile::GOOD, &PeerConfig::default(), 1);
//! group.send_text(0, Recipient::Everyone, "大家好");
//! assert!(group.run_until_idle(Duration::from_secs(1)), "every outcome is told");
//! assert!(group.take_outputs(1).iter().any(|output| matches!(output, Output::Deliver { .. })));
//! ```

pub mod error_chain;
pub mod extras;
pub mod generator;
pub mod id;
pub mod invitation;
pub mod key;
pub mod name;
pub mod password;
mod rate_limit;
pub mod source;
pub mod text;
pub mod time;
mod timers;

pub mod message;
pub mod presence;
pub mod roster;

pub mod accounts;

pub mod wire;

pub mod seal;

pub mod client;
pub mod peer;
pub mod server;

#[cfg(feature = "sim")]
pub mod sim;
