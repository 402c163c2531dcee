//! The times and bounds of the peer machine, each with its reason.

use std::time::Duration;

use crate::wire::datagram::MAX_FRAMES;

/// What may be chosen; everything else is a constant of this file, because both ends rely on it.
#[derive(Clone, Debug)]
pub struct PeerConfig {
    /// A link on which nothing was heard for so long while an outcome is open is given up. Longer than the server takes
    /// to declare a dead peer lost (25 s of silence and 15 s of grace), so that people learn the better reason.
    pub link_timeout: Duration,
    /// After so long without an answer people are told that this peer does not answer: long before the outcome.
    pub silent_after: Duration,
    /// How many bytes of message bodies one peer may have on the way or waiting for our application.
    pub window: u64,
    /// How many messages per second one peer may send us on average; who sends more is given no more room.
    pub rate: u32,
    /// How many messages one peer may send us at once before `rate` counts.
    pub burst: u32,
}

impl Default for PeerConfig {
    fn default() -> Self {
        Self {
            link_timeout: Duration::from_secs(45),
            silent_after: Duration::from_secs(3),
            window: FIRST_ROOM,
            rate: 50,
            burst: 500,
        }
    }
}

/// The bytes of bodies that a sender may send before it has heard of any room: four of the longest texts.
pub(super) const FIRST_ROOM: u64 = 64 * 1024;

/// The messages that wait for one peer, sent or not, until they are settled. A receiver relies on it.
pub(super) const MAX_QUEUED: usize = 1024;

/// The bytes that wait for one peer.
pub(super) const MAX_QUEUED_BYTES: usize = 1024 * 1024;

/// The bytes that wait for all peers, a body that goes to many counted once.
pub(super) const MAX_QUEUED_IN_ALL: usize = 64 * 1024 * 1024;

/// The bytes received from all peers that wait for gaps to close or for the application. Beyond it datagrams with
/// messages are dropped as if the network had lost them.
pub(super) const MAX_RECEIVED_IN_ALL: u64 = 32 * 1024 * 1024;

/// How long an ack may wait for company.
pub(super) const ACK_DELAY: Duration = Duration::from_millis(20);

/// How many packets may arrive before an ack must leave: an ack for each costs 40 % of the throughput, for 8 only 2 %.
pub(super) const ACK_EVERY: u32 = 8;

/// Above so many recipients the acks of a message are spread, so that they do not all arrive at once.
pub(super) const SPREAD_ABOVE: usize = 32;

/// What each recipient adds to the time over which acks are spread.
pub(super) const SPREAD_PER_RECIPIENT: Duration = Duration::from_micros(10);

/// The longest time over which acks are spread, and that a peer may be asked to wait.
pub(super) const SPREAD_MOST: Duration = Duration::from_millis(250);

/// While an outcome is open probes are at most so far apart, so that messages flow soon after a partition ends.
pub(super) const PROBE_MOST: Duration = Duration::from_secs(1);

/// For how long a link still receives what was on the way when its peer left.
pub(super) const LINGER: Duration = Duration::from_secs(3);

/// Packet and message numbers, and counts of bytes, from here on are lies: nobody gets there by counting, and sums of
/// smaller ones do not overflow.
pub(super) const MOST_NUMBER: u64 = 1 << 62;

/// The notes of links that were put away, so that no number is used twice. Who needs more takes a fresh session.
pub(super) const MAX_NOTES: usize = 65_536;

/// What a received message costs beside its bytes while it is kept.
pub(super) const OVERHEAD: u64 = 256;

/// What a datagram keeps free beside a whole body: room for an ack of usual size.
pub(super) const BESIDE: usize = 67;

/// A body up to this size travels whole in a full datagram.
pub(super) const WHOLE: usize = MAX_FRAMES - BESIDE;

/// The least part of a longer body that is worth a place in a datagram.
pub(super) const LEAST_PIECE: usize = 64;

/// A sender's time further off than this is shown as the time of arrival.
pub(super) const CLOCK_TOLERANCE: Duration = Duration::from_secs(120);
