//! The state of one client that is shared between its task and the scenario.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use chat_core::roster::Entry;
use serde::{Deserialize, Serialize};

use super::net;
use super::view::{Looking, View};

/// An account and its credentials.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) password: String,
    /// The latest ticket; empty if there is none.
    pub(crate) ticket: Vec<u8>,
}

/// One client.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) index: usize,
    /// The client's number among the clients of all crowds, which determines its source address.
    pub(crate) place: usize,
    /// When the kernel received the most recently read bytes, if the [`Net`](net::Net) records arrivals.
    pub(crate) arrived: Arc<AtomicU64>,
    state: Mutex<State>,
}

/// The mutable part of a client's state.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) person: Person,
    /// The client's own entry, from its welcome.
    pub(crate) entry: Option<Entry>,
    pub(crate) is_online: bool,
    pub(crate) view: View,
    /// When the client last logged in.
    pub(crate) admitted: Option<Instant>,
    /// When the client last sent a request that changes the roster.
    pub(crate) asked: Option<Moment>,
    /// When the client's view reached the target.
    pub(crate) reached: Option<Moment>,
}

/// A point in time on two clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) at: Instant,
    /// Nanoseconds on the clock of [`net::wall`]. For received data the kernel's time of arrival, if it is recorded.
    pub(crate) wall: u64,
}

impl Moment {
    pub(crate) fn now() -> Self {
        Self { at: Instant::now(), wall: net::wall() }
    }
}

impl Member {
    pub(crate) fn new(index: usize, place: usize, person: Person, looking: Looking) -> Arc<Self> {
        let state = State {
            person,
            entry: None,
            is_online: false,
            view: View::new(looking),
            admitted: None,
            asked: None,
            reached: None,
        };
        Arc::new(Self { index, place, arrived: Arc::default(), state: Mutex::new(state) })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
