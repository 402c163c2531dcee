//! What operators do with `chat-server`: configure it, observe it, renew its certificate, and back up and move its
//! accounts.

mod configuration;
mod databases;
mod effective;
mod handshakes;
mod import;
mod inviting;
mod languages;
mod limits;
mod names;
mod presence_log;
mod purge;
mod reading;
mod refusals;
mod running_server;
mod secrets;
mod service;
