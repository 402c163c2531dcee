//! How relayed datagrams leave a client: from the peer machine into the connection to the server.
//!
//! One frame waits in the connection at a time, so that a heartbeat never stands behind more than that.

use std::convert::Infallible;
use std::sync::Arc;

use chat_core::id::SessionId;
use chat_core::peer::{Peer, Slab, Transmit};
use chat_core::time::Now;
use chat_core::wire::relay::{Parcel, ParcelFrame};
use tokio::sync::Notify;
use zeroize::Zeroizing;

use crate::connection::{Bypass, Handle};
use crate::send_queue::Relayed;

/// The most datagrams in one frame: 16 KiB of the longest, which the kernel holds in front of a heartbeat anyway.
const FRAME: usize = 13;

/// A client's connection to the server.
pub(crate) type ClientConnection = Handle<Infallible, FramePlace>;

/// Wakes the peer driver when the connection has written a relayed frame.
#[derive(Debug, Default)]
pub(crate) struct FramePlace {
    freed: Notify,
}

/// The driver takes what a client receives, because it owns both machines.
impl Bypass for FramePlace {
    fn take(&self, frame: Zeroizing<Vec<u8>>) -> Option<Zeroizing<Vec<u8>>> {
        Some(frame)
    }

    fn written(&self, _: Relayed) {
        self.freed.notify_one();
    }
}

/// The way of relayed datagrams out of one session, over one connection.
#[derive(Debug)]
pub(crate) struct RelayLine {
    connection: Arc<ClientConnection>,
    slab: Slab<SessionId>,
    frame: ParcelFrame,
}

impl RelayLine {
    pub(crate) fn new(connection: Arc<ClientConnection>) -> Self {
        Self { connection, slab: Slab::new(FRAME), frame: ParcelFrame::new() }
    }

    /// Lets the machine seal what goes to the relay, as far as the terms of the server permit and the connection takes it.
    pub(crate) fn transmit(&mut self, peer: &mut Peer, now: Now) {
        let queue = &self.connection.queue;
        if !queue.takes_relayed() {
            // With a full slab, so that the machine learns that its links wait.
            peer.transmit_relayed(now, &mut Slab::new(0));
            return;
        }
        let more = peer.transmit_relayed(now, &mut self.slab);
        for (to, datagram) in self.slab.iter() {
            if !self.frame.push(Parcel { to, datagram }) {
                log::debug!("a parcel does not fit its frame, and counts as lost");
            }
        }
        self.slab.remove(usize::MAX);
        if let Some(frame) = self.frame.take() {
            queue.set_relayed(frame, now.mono, more == Transmit::More);
        }
    }

    /// Whether the connection takes another frame.
    pub(crate) fn is_free(&self) -> bool {
        self.connection.queue.takes_relayed()
    }

    /// Resolves when a frame was written. Cancel safe.
    pub(crate) async fn freed(&self) {
        self.connection.bypass.freed.notified().await;
    }
}
