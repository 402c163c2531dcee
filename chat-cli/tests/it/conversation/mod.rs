//! Servers and clients that talk to each other.
//!
//! Clients run as in a script: lines into a pipe, JSON events out of another. Most tests run on SQLite and on MySQL.
//! Tests of the network between clients, which the database cannot affect, run on SQLite only.

mod accounts;
mod addresses;
mod away;
mod backpressure;
mod certificate;
mod faults;
mod flood;
mod forgery;
mod group_bot;
mod network;
mod outage;
mod presence;
mod quitting;
mod reconnecting;
mod relay;
mod restart;
mod roaming;
mod scripts;
mod secrecy;
mod signals;
mod staying;
mod suspension;
mod terminal;
mod texts;
mod tickets;
