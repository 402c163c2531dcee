//! What the relay counts.

use std::ops::Index;

use crate::named::named;

named! {
    /// What became of a parcel. Names are those of metric labels.
    pub enum ParcelResult {
        /// Its datagram was handed to the recipient's connection.
        Passed = "passed",
        /// The recipient is not online with a connection that takes relayed datagrams, or the sender no longer is.
        NoSession = "no_session",
        /// The sender sends faster than its terms allow.
        Rate = "rate",
        /// The recipient does not read fast enough, or what waits for all costs too much memory.
        Lane = "lane",
        /// All senders together send faster than [`RelayConfig::total`](super::RelayConfig::total).
        Total = "total",
        /// The datagram has another session than that of its connection.
        Foreign = "foreign",
        /// The datagram is too short or too long, or has another version.
        Malformed = "malformed",
        /// The driver dropped it, because too many frames waited for the relay.
        Overload = "overload",
    }
}

/// Totals since a relay began. Every parcel is counted once, when it is passed or dropped.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct RelayCounts {
    /// The bytes of all parcels that were received.
    pub received_bytes: u64,
    /// The bytes of all datagrams that were passed.
    pub sent_bytes: u64,
    by_result: [u64; ParcelResult::ALL.len()],
}

/// The number of parcels with this result.
impl Index<ParcelResult> for RelayCounts {
    type Output = u64;

    fn index(&self, result: ParcelResult) -> &u64 {
        &self.by_result[result as usize]
    }
}

impl RelayCounts {
    /// The number of parcels with this result.
    pub const fn parcels(&self, result: ParcelResult) -> u64 {
        self.by_result[result as usize]
    }

    pub(super) fn add(&mut self, result: ParcelResult, parcels: usize) {
        self.by_result[result as usize] += super::to_u64(parcels);
    }
}
