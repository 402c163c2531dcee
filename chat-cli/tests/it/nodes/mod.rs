//! Several servers that share one roster: people at any of them are in one room, and a server, or Redis, may fail.

mod crowds;
mod failing;
mod forks;
mod guessing;
mod misfortunes;
mod networks;
mod redis;
mod refusing;
mod stalls;
mod starting;
mod stopping;
