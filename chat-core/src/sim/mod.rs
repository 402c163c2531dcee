//! A simulator for machines: seeded randomness, a simulated network and virtual time (feature `sim`).
//!
//! A run is a function of its seed. Nothing here reads a clock or opens a socket.
//!
//! [`World`] runs server, client and peer machines, wired as by a real driver, and injects faults. [`Group`] runs peer
//! machines only, and is faster where presence does not matter. Both record messages and outcomes in a [`Ledger`], which
//! checks the delivery contract. [`each_seed`] runs a test with many seeds and reports the one that failed.

pub mod fuzz;

mod application;
mod clock;
mod generator;
mod group;
mod ledger;
mod network;
mod outputs;
mod profile;
mod relayed;
mod seeds;
mod world;

use crate::time::Timestamp;

pub use application::Application;
pub use clock::Clock;
pub use generator::SeededGenerator;
pub use group::Group;
pub use ledger::{Ledger, Totals};
pub use network::{Network, SimDatagram};
pub use outputs::{outcomes, reports, texts};
pub use profile::{Bursts, Profile, Rate};
pub use relayed::RelayLine;
pub use seeds::{SEED_VARIABLE, announce, each_seed};
pub use world::{
    AddressChange, ConnectionFault, Crash, Direction, ProgramEvent, ServerId, Suspension, TimedEvent, UserId, World,
    WorldConfig,
};

/// The wall clock time at which every simulation starts.
const START: Timestamp = Timestamp::from_millis(1_795_408_080_000);
