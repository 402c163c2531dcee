//! Settings and limits of the peer machine, each with its reason.

use std::time::Duration;

use super::SettingError;
use crate::wire::datagram::MAX_FRAMES;

/// Settings that an application may choose. Change the fields of [`PeerConfig::default`]; [`PeerConfig::check`] finds
/// settings that cannot work.
///
/// All other values are constants of the peer machine, because both ends of a link rely on them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PeerConfig {
    /// The time without an ack after which a link gives up the messages that wait for one. At least a second: an ack may be
    /// delayed, and a probe that asks for it may take so long to leave.
    ///
    /// Longer than the server takes to declare a dead session lost (25 s of silence and 15 s of grace), so that users
    /// see the more precise reason.
    pub link_timeout: Duration,
    /// The time without an ack after which a peer is reported as unresponsive: long before its messages time out. At least a
    /// second, for the same reason.
    pub unresponsive_after: Duration,
    /// The bytes of message bodies that one peer may have in flight or waiting for our application. Less than 64 KiB
    /// counts as 64 KiB.
    pub window: u64,
    /// The messages per second that one peer may send us on average; 0 means no limit. A peer that sends faster is
    /// granted room later.
    pub rate: u32,
    /// The messages that one peer may send us at once before `rate` applies. Must be above zero unless `rate` is 0.
    pub burst: u32,
}

impl Default for PeerConfig {
    fn default() -> Self {
        Self {
            link_timeout: Duration::from_secs(45),
            unresponsive_after: Duration::from_secs(3),
            window: INITIAL_ROOM,
            rate: 50,
            burst: 500,
        }
    }
}

impl PeerConfig {
    /// Checks that a session can work with these settings. With less time than an ack may take, messages would fail, and
    /// peers would be unresponsive, although nothing was lost. With a burst of zero, no message would ever pass the rate
    /// limit.
    ///
    /// # Errors
    /// The first setting that is wrong.
    pub fn check(&self) -> Result<(), SettingError> {
        for (setting, value) in [("link_timeout", self.link_timeout), ("unresponsive_after", self.unresponsive_after)] {
            SettingError::require_above_zero(setting, &value)?;
            if value < LEAST_PATIENCE {
                return Err(SettingError::TooShort { setting, value, least: LEAST_PATIENCE });
            }
        }
        if self.rate == 0 { Ok(()) } else { SettingError::require_above_zero("burst", &self.burst) }
    }
}

/// The shortest time that may count as silence of a peer: the longest ack delay ends within it, and on paths below some 400 ms
/// the first probe leaves.
const LEAST_PATIENCE: Duration = MAX_PROBE_TIMEOUT;

const _: () = assert!(MAX_ACK_DELAY.as_millis() < LEAST_PATIENCE.as_millis());

/// The body bytes that a sender may send before the first ack grants more: four of the longest texts.
pub(super) const INITIAL_ROOM: u64 = 64 * 1024;

/// The most unresolved messages that one link queues, transmitted or not. The receiver relies on this limit.
pub(super) const MAX_QUEUED: usize = 1024;

/// The most body bytes that one link queues: 64 of the longest texts.
pub(super) const MAX_QUEUED_BYTES: usize = 1024 * 1024;

/// The most body bytes that all links together queue: 64 full queues. A body with many recipients counts once.
pub(super) const MAX_QUEUED_BYTES_TOTAL: usize = 64 * 1024 * 1024;

/// The most memory of received messages that wait for earlier messages or for the application, over all peers: the
/// whole window of about 500 peers. While it is used up, datagrams with messages are dropped as if the network had lost
/// them.
pub(super) const MAX_BUFFERED_TOTAL: u64 = 32 * 1024 * 1024;

/// The memory that a received message takes besides its body while it is buffered.
pub(super) const MESSAGE_OVERHEAD: u64 = 256;

/// The time for which an ack is delayed, so that it can travel with other frames or acknowledge more packets.
pub(super) const ACK_DELAY: Duration = Duration::from_millis(20);

/// The packets after which an ack leaves immediately. An ack for each packet costs 40 % of the throughput, an ack for
/// every eighth 2 %.
pub(super) const ACK_EVERY: u32 = 8;

/// The number of recipients above which the acks of a message are spread over time, so that they do not all arrive
/// together.
pub(super) const ACK_SPREAD_ABOVE: usize = 32;

/// The time by which each recipient extends the spread of acks.
pub(super) const ACK_SPREAD_PER_RECIPIENT: Duration = Duration::from_micros(10);

/// The longest time over which the acks of a lone message are spread.
pub(super) const MAX_ACK_SPREAD: Duration = Duration::from_millis(250);

/// While messages to a large group follow each other, the acks are spread over this many gaps between them. A receiver draws
/// a random part of the spread, which is half of it on average: the time in which [`ACK_EVERY`] messages follow.
pub(super) const ACK_SPREAD_GAPS: u32 = 2 * ACK_EVERY;

/// The longest time over which the acks of messages that follow each other are spread, and the longest ack delay that a peer
/// may request. Half of [`MAX_PROBE_TIMEOUT`], so that an ack arrives before a probe asks for it on every path with a round
/// trip below 500 ms. Twice as much would give another tenth of the throughput with 10,000 recipients, and would find a dead
/// path a second later.
pub(super) const MAX_ACK_DELAY: Duration = Duration::from_millis(500);

/// The longest time between two probes, so that messages flow soon after a partition ends.
pub(super) const MAX_PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// The time for which datagrams of a session that left the roster are still processed: they may have been in flight.
pub(super) const LINGER: Duration = Duration::from_secs(3);

/// The bound of packet numbers, message numbers and byte counts. No honest peer reaches it by counting, and sums of
/// numbers below it do not overflow.
pub(super) const MAX_NUMBER: u64 = 1 << 62;

/// The bytes of a datagram that are reserved besides a whole body: room for an ack of the usual size.
pub(super) const RESERVED_FOR_ACK: usize = 67;

/// The longest body that travels unfragmented in a datagram of full size.
pub(super) const MAX_WHOLE_BODY: usize = MAX_FRAMES - RESERVED_FOR_ACK;

/// The shortest fragment worth writing, unless it completes its message.
pub(super) const MIN_FRAGMENT: usize = 64;

/// The difference between a sender's time and ours above which the time of arrival is shown instead.
pub(super) const CLOCK_TOLERANCE: Duration = Duration::from_secs(120);
