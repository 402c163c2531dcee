//! What is known of one client from outside of its task: who it is, what it has, what it sees.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use chat_core::roster::Entry;
use serde::{Deserialize, Serialize};

use super::net;
use super::view::{Looking, View};

/// An account, and what it takes to use it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) password: String,
    /// The last ticket that was given to it, or none.
    pub(crate) ticket: Vec<u8>,
}

/// One client.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) index: usize,
    /// Which decides where it connects from: its number among all crowds that are there.
    pub(crate) place: usize,
    /// When the kernel got the bytes that were read last, if it was asked.
    pub(crate) arrived: Arc<AtomicU64>,
    state: Mutex<State>,
}

/// What changes about a client.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) person: Person,
    /// Its own entry, as the server told it.
    pub(crate) entry: Option<Entry>,
    pub(crate) is_online: bool,
    pub(crate) view: View,
    /// When it was last let in.
    pub(crate) admitted: Option<Instant>,
    /// When it last asked for something that changes the roster.
    pub(crate) asked: Option<Moment>,
    /// When its view reached what everybody waits for.
    pub(crate) reached: Option<Moment>,
}

/// A time on two clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) at: Instant,
    /// On the clock of arrivals: of what was read, the time of its arrival, if it was noted.
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
