//! The relay of a simulated server, and which of its connections relays for which session.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::id::{ConnId, SessionId};
use crate::relay::{Relay, RelayConfig, RelayCounts};
use crate::time::Mono;
use crate::wire::control::Request;
use crate::wire::relay::{DatagramFrame, Parcels};

/// The relay machine, wired as by a real driver.
#[derive(Debug)]
pub(super) struct ServerRelay {
    relay: Relay<ConnId>,
    sessions: BTreeMap<ConnId, SessionId>,
}

/// What the server writes at once.
const FRAME: usize = 16 * 1024;

impl ServerRelay {
    pub(super) fn new(config: RelayConfig) -> Self {
        Self { relay: Relay::new(config), sessions: BTreeMap::new() }
    }

    /// Relays for the session of a connection from now on.
    pub(super) fn admit(&mut self, conn: ConnId, session: SessionId) {
        self.relay.admit(session, conn);
        self.sessions.insert(conn, session);
    }

    /// A connection has ended.
    pub(super) fn gone(&mut self, conn: ConnId) {
        if let Some(session) = self.sessions.remove(&conn) {
            self.relay.gone(session, &conn);
        }
    }

    /// Whether the frame of a connection is the relay's.
    pub(super) fn takes(&self, conn: ConnId, payload: &[u8]) -> bool {
        Parcels::are_in(payload) && self.sessions.contains_key(&conn)
    }

    /// Passes the parcels of a frame on, and gives what is to be written to `write`.
    pub(super) fn pass(&mut self, now: Mono, conn: ConnId, payload: &[u8], mut write: impl FnMut(ConnId, Bytes)) {
        let (Some(from), Ok(Request::Relay(parcels))) = (self.sessions.get(&conn), Request::decode(payload)) else {
            panic!("a client sends frames that its server cannot read");
        };
        let mut ready = Vec::new();
        self.relay.tick(now);
        self.relay.receive(now, *from, parcels.iter(), &mut ready);
        for session in ready {
            let mut frame = DatagramFrame::new();
            let mut more = true;
            while more {
                more = self.relay.drain(now, session, FRAME, &mut frame);
                if let Some((bytes, to)) = frame.take().zip(self.relay.connection(session)) {
                    write(*to, bytes);
                }
            }
        }
    }

    pub(super) fn counts(&self) -> RelayCounts {
        self.relay.counts()
    }
}
