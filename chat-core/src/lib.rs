//! The rules of chat as state machines without I/O: a presence server, its client, and peers that send each other
//! sealed messages with one outcome for each recipient.
//!
//! The crate also contains the values (user names, texts, passwords), the wire formats, and the port for accounts, the
//! trait [`accounts::Accounts`].
//!
//! **What it is not.** It opens no socket, reads no clock, starts no task, and draws no randomness. Its caller, the
//! driver, provides all of these. `chat-net` drives these machines on tokio: begin there if you want a server, a bot or
//! a client. Use this crate directly to test a program against the real machines on the simulator, or to [write a
//! driver](#write-your-own-driver) for another runtime.
//!
//! Two peer machines on a simulated network that loses a third of all datagrams (feature `sim`):
//!
//! ```
//! use std::time::Duration;
//! use chat_core::message::Recipient;
//! use chat_core::peer::{Output, PeerConfig};
//! use chat_core::sim::{Group, Profile};
//!
//! let bad = Profile { loss: 0.33, ..Profile::GOOD };
//! let mut group = Group::new(2, bad, &PeerConfig::default(), 1); // The last argument is the seed.
//! group.send_text(0, Recipient::Everyone, "大家好");
//! assert!(group.run_until_idle(Duration::from_secs(60)), "outcomes are missing");
//! assert!(group.take_outputs(1).iter().any(|output| matches!(output, Output::Deliver(_))));
//! ```
//!
//! # The delivery contract
//!
//! While both sessions live, a message is given to the receiving application at most once, in its sender's order, and
//! exactly once if its outcome is [`Delivered`](message::Outcome::Delivered). Every message has exactly one outcome per
//! recipient, which never changes. If the outcome is [`Failed`](message::Outcome::Failed), the receiving application
//! certainly did not accept the message. If it is [`Unconfirmed`](message::Outcome::Unconfirmed), the application may
//! or may not have accepted it. `docs/DELIVERY.md` in the repository names the test that proves each sentence.
//!
//! # Bounds
//!
//! Every queue, buffer, wait and retry has a named limit, and no input can make a machine grow without one. A message
//! has 1 to 16,384 bytes. A link queues at most 1,024 messages or 1 MiB for its peer, and buffers at most
//! [`PeerConfig::window`](peer::PeerConfig::window) for a slow application. Messages without an ack are given up after
//! [`PeerConfig::link_timeout`](peer::PeerConfig::link_timeout), 45 s. The limits of the server are in
//! [`ServerConfig`](server::ServerConfig).
//!
//! # Threat model
//!
//! Anybody may send a machine any bytes at any time: no input is fatal, a datagram that cannot be decrypted is neither
//! processed nor answered, and an address that has not proven that it receives there gets three datagrams with messages
//! at most. Nobody between the peers can read or alter messages. The server cannot either, as long as it publishes the keys that it
//! received. A member may be hostile: its cost to others is bounded. The driver is trusted, and so is its randomness.
//! `SECURITY.md` in the repository states what each party can do.
//!
//! # Modules
//!
//! A module imports only from its own row and the rows above. The machines do not import each other. The test
//! `module_rows` enforces both.
//!
//! | row | modules | contents |
//! | --- | --- | --- |
//! | support | `device_name error_chain named precis` | helpers that know nothing of chat: reserved file names, error texts, Unicode profiles |
//! | values | `time name text away password invitation id key generator extras source` | parsed once at the edge, with private fields, and never checked again |
//! | facts | `presence roster message` | who is online and what changed, what was said and its outcomes |
//! | ports | `accounts journal` | the traits, implementations in memory, and the contract suites (feature `testing`) |
//! | wire | `wire/{frame,hello,rejection,control,datagram,relay}` | the wire formats: one encoder and one decoder for both ends, with golden bytes |
//! | seal | `seal/{keys,replay}` | keys derived from the roster, AES-256-GCM, the replay window |
//! | parts | `memory places rate_limit setting timers` | what several machines are built from, and what a driver counts by network |
//! | machines | `server client peer relay` | the rules, as state machines without I/O |
//! | simulator | `sim` | seeded network, clocks and generator for machines in any number, and fuzz targets (feature `sim`) |
//!
//! # Machines
//!
//! Three of the machines, `server`, `client` and `peer`, follow the sans-IO pattern with the same interface:
//!
//! - `handle(now, input, out)` processes one input: a command, a frame, the result of a job, or a tick. It appends
//!   outputs to `out`.
//! - `deadline()` returns when the driver must send a tick if no other input comes first.
//! - The peer machine also has `receive` for datagrams from the socket and `transmit`, which fills a slab with
//!   datagrams to send.
//!
//! For each event, the driver reads both clocks once, passes one input, and performs all outputs in order before the
//! next input. Then it sleeps until the deadline. A machine never blocks: slow work leaves as a job, and its result
//! returns as an input. No input is fatal, however wrong it is.
//!
//! The fourth machine, [`relay::Relay`], has only a few inputs, and a method for each.
//!
//! # Write your own driver
//!
//! A driver repeats one turn. For the peer machine it has four steps:
//!
//! 1. Pass everything that the socket has received to [`Peer::receive`](peer::Peer::receive).
//! 2. Pass [`Input::Tick`](peer::Input::Tick) if the [deadline](peer::Peer::deadline) has come.
//! 3. Perform the outputs in order. A message goes to the application, and its acceptance back into the machine.
//! 4. Call [`Peer::transmit`](peer::Peer::transmit) while the socket takes datagrams. A datagram that the socket does
//!    not take stays in the slab, byte for byte, because its packet number is used.
//!
//! Then it sleeps until a datagram arrives, the application has a command, or the deadline comes. This driver has
//! memory instead of sockets and a clock that it sets itself, and is complete otherwise:
//!
//! ```
//! use std::net::SocketAddr;
//! use std::sync::Arc;
//!
//! use chat_core::extras::Extras;
//! use chat_core::key::KeyPair;
//! use chat_core::message::{Content, Message, Outcome, Recipient, Report};
//! use chat_core::peer::{
//!     Datagram, Delivered, Input, Loopback, Output, Peer, PeerConfig, Reported, Slab, Transmit,
//! };
//! use chat_core::roster::{Entry, LinkVersions};
//! use chat_core::sim::SeededGenerator;
//! use chat_core::time::{Mono, Now, Timestamp};
//! use chat_core::wire::datagram::VERSION;
//!
//! struct Driver {
//!     peer: Peer,
//!     address: SocketAddr,
//!     slab: Slab,
//!     outputs: Vec<Output>,
//!     messages: Vec<Message>,
//!     reports: Vec<Report>,
//! }
//!
//! /// The datagrams on their way: from, to, bytes.
//! type Wire = Vec<(SocketAddr, SocketAddr, Vec<u8>)>;
//!
//! impl Driver {
//!     fn turn(&mut self, now: Now, wire: &mut Wire) {
//!         let mut arrived: Wire = wire.extract_if(.., |(_, to, _)| *to == self.address).collect();
//!         let batch = arrived.iter_mut().map(|(from, _, bytes)| Datagram::new(*from, bytes));
//!         self.peer.receive(now, batch, &mut self.outputs);
//!         if self.peer.deadline().is_some_and(|deadline| deadline <= now.mono) {
//!             self.peer.handle(now, Input::Tick, &mut self.outputs);
//!         }
//!         for output in std::mem::take(&mut self.outputs) {
//!             match output {
//!                 Output::Deliver(delivery) => {
//!                     self.messages.extend(delivery.iter().map(Delivered::to_message));
//!                     self.peer.handle(now, Input::AcceptUpTo(delivery.last_token()), &mut self.outputs);
//!                 }
//!                 Output::Report(reports) => self.reports.extend(reports.iter().map(Reported::to_report)),
//!                 _ => {} // Answers to commands, summaries, and notices about peers.
//!             }
//!         }
//!         loop {
//!             let transmit = self.peer.transmit(now, &mut self.slab);
//!             wire.extend(self.slab.iter().map(|(to, bytes)| (self.address, to, bytes.to_vec())));
//!             self.slab.remove(usize::MAX); // A socket may take fewer.
//!             if transmit == Transmit::Done {
//!                 return;
//!             }
//!         }
//!     }
//! }
//!
//! /// A session, and the entry that the others add to their rosters. Every session needs a new key pair.
//! fn begin(user: &str, address: &str, seed: u64) -> (Driver, Entry) {
//!     let mut generator = SeededGenerator::new(seed); // A real driver passes the random generator of its system.
//!     let keys = Arc::new(KeyPair::generate(&mut generator));
//!     let (user, address): (_, SocketAddr) = (user.parse().unwrap(), address.parse().unwrap());
//!     let (since, versions) = (Timestamp::from_millis(0), LinkVersions { low: VERSION, high: VERSION });
//!     let entry =
//!         Entry { user, key: keys.public(), addresses: vec![address], since, versions, extras: Extras::default() };
//!     let (user, config) = (entry.user.clone(), PeerConfig::default());
//!     let peer = Peer::new(keys, user, Loopback::Allowed, config, Box::new(generator));
//!     let (slab, outputs) = (Slab::new(8), Vec::new());
//!     (Driver { peer, address, slab, outputs, messages: Vec::new(), reports: Vec::new() }, entry)
//! }
//!
//! let (mut alice, alice_entry) = begin("alice", "127.0.0.1:1111", 1);
//! let (mut bob, bob_entry) = begin("bob", "127.0.0.1:2222", 2);
//! let mut now = Now { mono: Mono::ZERO, wall: Timestamp::from_millis(1_795_408_080_000) };
//! alice.peer.handle(now, Input::Roster(vec![bob_entry]), &mut alice.outputs);
//! bob.peer.handle(now, Input::Roster(vec![alice_entry]), &mut bob.outputs);
//!
//! let (to, content) = (Recipient::Everyone, Content::try_from("大家好").unwrap());
//! alice.peer.handle(now, Input::Send { tag: 1, to, content, sent_at: now.wall }, &mut alice.outputs);
//! let mut wire = Wire::new();
//! while alice.peer.pending_outcomes() > 0 {
//!     alice.turn(now, &mut wire);
//!     bob.turn(now, &mut wire);
//!     if wire.is_empty() {
//!         // Nothing to do until the earlier deadline. A real driver sleeps here, and reads both clocks afterwards.
//!         let deadlines = [alice.peer.deadline(), bob.peer.deadline()];
//!         let next = deadlines.into_iter().flatten().min().expect("a pending outcome has a deadline");
//!         now = Now { mono: next.max(now.mono), wall: now.wall + now.mono.until(next) };
//!     }
//! }
//! assert_eq!(bob.messages[0].content, Content::try_from("大家好").unwrap());
//! assert_eq!(alice.reports[0].outcome, Outcome::Delivered);
//! ```
//!
//! The drivers of the server and the client have the same shape, with frames instead of datagrams.
//! `examples/minimal_server` in the repository drives the server machine in about a hundred lines. The drivers of
//! `chat-net` add what a real network needs: TLS, bounded send queues, and system calls for many datagrams.
//! `sim::World` drives these three machines in virtual time (feature `sim`).

// An exhaustive type needs a reason in its documentation.
#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

pub mod device_name;
pub mod error_chain;
mod named;
mod precis;

pub mod away;
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
pub mod journal;

pub mod wire;

pub mod seal;

mod memory;
pub mod places;
pub mod rate_limit;
mod setting;
mod timers;

pub mod client;
pub mod peer;
pub mod relay;
pub mod server;

#[cfg(feature = "sim")]
pub mod sim;

/// Compiles and runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
