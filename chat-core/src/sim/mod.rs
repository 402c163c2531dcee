//! Seeded randomness, a simulated network and virtual time for machines (feature `sim`).
//!
//! A run is a function of its seed. Nothing here reads a clock or opens a socket.
//!
//! [`World`] has machines of all three kinds, wired as a real driver does it, with everything that goes wrong between
//! them. [`Group`] has peer machines only, and is quicker where presence does not matter. Both keep a [`Ledger`], which
//! knows the delivery contract. [`each_seed`] runs a story with many seeds and names the one that failed.

pub mod fuzz;

mod application;
mod clock;
mod generator;
mod group;
mod ledger;
mod network;
mod profile;
mod seeds;
mod world;

use crate::time::Timestamp;

pub use application::Application;
pub use clock::Clock;
pub use generator::SeededGenerator;
pub use group::Group;
pub use ledger::{Ledger, Totals};
pub use network::{Network, SimDatagram};
pub use profile::{Bursts, Profile, Rate};
pub use seeds::{SEED_VARIABLE, announce, each_seed};
pub use world::{
    AddressChange, ConnectionFault, Crash, Direction, ProgramEvent, ServerId, Suspension, TimedEvent, UserId, World,
    WorldConfig,
};

/// The wall clock at the start of every simulation.
const START: Timestamp = Timestamp::from_millis(1_795_408_080_000);
