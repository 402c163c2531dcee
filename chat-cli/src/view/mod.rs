//! The model of what a user sees: one type for everything that happens, which every user interface of the client
//! renders.
//!
//! JSON is the serialisation of the model, and `client::text` renders it as text. The model depends on no terminal and
//! no operating system, so a graphical user interface can use it unchanged.

mod event;
mod link;
mod notice;
mod outcome;
#[cfg(test)]
pub(crate) mod samples;
mod serialize;

pub(crate) use self::event::{OnlineUser, SentMessage, ViewEvent};
pub(crate) use self::link::{Link, LinkTrouble};
pub use self::notice::{Notice, RecipientPresence};
pub(crate) use self::outcome::{MessageOutcome, UserOutcome};
