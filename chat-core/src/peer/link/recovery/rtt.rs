//! The round-trip time of a link (RFC 9002 section 5).

use std::time::Duration;

use super::Medium;
use crate::peer::config::{MAX_ACK_DELAY, MAX_PROBE_TIMEOUT};

/// The estimate after the samples so far.
#[derive(Clone, Copy, Debug)]
pub(in crate::peer::link) struct Rtt {
    smoothed: Duration,
    variation: Duration,
    min: Option<Duration>,
    /// The shortest sample without the time for which the peer says that it delayed the ack. A peer that lies about that
    /// makes only our longest timeouts shorter.
    fastest: Duration,
    latest: Duration,
    medium: Medium,
}

/// The estimate before the first sample: a slow office network, so that the first probe is not early on a good one.
const INITIAL: Duration = Duration::from_millis(50);

/// The shortest time that timers are assumed to measure (RFC 9002 section 6.1.2).
pub(super) const GRANULARITY: Duration = Duration::from_millis(1);

impl Rtt {
    pub(super) const fn new(medium: Medium) -> Self {
        let variation = Duration::from_millis(25);
        Self { smoothed: INITIAL, variation, min: None, fastest: Duration::MAX, latest: INITIAL, medium }
    }

    /// Adds a sample. `ack_delay` is the time by which the peer states that it delayed the ack.
    pub(in crate::peer::link) fn sample(&mut self, sample: Duration, ack_delay: Duration) {
        self.latest = sample;
        self.fastest = self.fastest.min(sample.saturating_sub(ack_delay));
        let Some(min) = self.min else {
            // Otherwise, the first round trip in a large group would include the time over which its acks are spread. There is
            // no minimum yet to judge the delay by. Therefore no more is subtracted than a peer may delay an ack, the
            // variation covers the whole sample, and the minimum stays a time that only we have measured.
            let first = sample.saturating_sub(ack_delay.min(MAX_ACK_DELAY)).max(GRANULARITY.min(sample));
            *self = Self { smoothed: first, variation: sample / 2, min: Some(sample), ..*self };
            return;
        };
        let min = min.min(sample);
        self.min = Some(min);
        // A delay that would make the path faster than its minimum is not subtracted.
        let adjusted = if sample >= min + ack_delay { sample - ack_delay } else { sample };
        self.variation = (self.variation * 3 + self.smoothed.abs_diff(adjusted)) / 4;
        self.smoothed = (self.smoothed * 7 + adjusted) / 8;
    }

    /// Returns the estimate, if there was a sample.
    pub(in crate::peer::link) fn estimate(&self) -> Option<Duration> {
        self.min.map(|_| self.smoothed)
    }

    /// Returns the time after which a packet counts as lost if a later one has arrived.
    pub(super) fn loss_delay(&self) -> Duration {
        (self.smoothed.max(self.latest) * 9 / 8).max(self.medium.least_loss_delay())
    }

    /// Returns the time to wait for an ack before a probe, after `count` consecutive probes. `ack_delay` is the longest
    /// time for which the peer may delay the ack.
    pub(in crate::peer::link) fn probe_timeout(&self, ack_delay: Duration, count: u32) -> Duration {
        let first = self.smoothed + (self.variation * 4).max(GRANULARITY) + ack_delay;
        let first = first.max(self.medium.least_probe_timeout());
        // On a link slower than the maximum, a probe must not precede the ack. The fastest round trip decides, because a
        // single extreme sample does not raise it, not even the first one.
        let fastest = if self.min.is_some() { self.fastest } else { Duration::ZERO };
        let earliest_ack = fastest * 5 / 4 + ack_delay;
        first.saturating_mul(1 << count.min(16)).min(MAX_PROBE_TIMEOUT.max(earliest_ack))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn samples_move_the_estimate_as_rfc_9002_states() {
        let mut rtt = Rtt::new(Medium::Datagrams);
        assert_eq!(rtt.estimate(), None, "the initial estimate is no measurement");
        rtt.sample(ms(190), ms(90));
        assert_eq!(rtt.estimate(), Some(ms(100)), "the first sample does not include the ack delay");
        assert_eq!((rtt.smoothed, rtt.variation), (ms(100), ms(95)), "the first sample replaces the initial estimate");
        rtt.sample(ms(140), ms(0));
        assert_eq!((rtt.smoothed, rtt.variation), (ms(105), Duration::from_micros(81_250)));
        rtt.sample(ms(180), ms(20));
        assert_eq!(rtt.smoothed, Duration::from_micros(111_875), "a plausible delay is subtracted");
        rtt.sample(ms(100), ms(50));
        assert_eq!(rtt.min, Some(ms(100)), "an implausible delay is not subtracted");
    }

    #[test]
    fn a_peer_that_lies_about_its_delay_does_not_make_the_path_look_instant() {
        let mut rtt = Rtt::new(Medium::Datagrams);
        rtt.sample(ms(300), Duration::from_secs(4_000));
        assert_eq!((rtt.smoothed, rtt.min), (ms(1), Some(ms(300))));
        (0..20).for_each(|_| rtt.sample(ms(300), Duration::from_secs(4_000)));
        assert!(rtt.smoothed > ms(270), "{:?}", rtt.smoothed);
        let mut fast = Rtt::new(Medium::Datagrams);
        fast.sample(Duration::from_micros(300), ms(5));
        assert_eq!(fast.estimate(), Some(Duration::from_micros(300)), "shorter than a timer measures");
    }

    #[test]
    fn the_probe_timeout_doubles_up_to_its_maximum() {
        let rtt = Rtt::new(Medium::Datagrams);
        assert_eq!(rtt.probe_timeout(ms(20), 0), ms(170));
        assert_eq!(rtt.probe_timeout(ms(20), 1), ms(340));
        assert_eq!(rtt.probe_timeout(ms(20), 9), ms(1000));
        let mut slow = Rtt::new(Medium::Datagrams);
        slow.sample(ms(1600), ms(0));
        assert_eq!(slow.probe_timeout(ms(20), 0), slow.probe_timeout(ms(20), 9));
    }

    #[test]
    fn over_the_relay_probes_and_losses_wait_for_the_retransmissions_of_tcp() {
        let mut rtt = Rtt::new(Medium::Relay);
        assert_eq!(rtt.probe_timeout(ms(20), 0), ms(500));
        rtt.sample(ms(10), ms(0));
        assert_eq!((rtt.probe_timeout(ms(20), 0), rtt.loss_delay()), (ms(500), ms(200)));
        assert_eq!((rtt.probe_timeout(ms(20), 1), rtt.probe_timeout(ms(20), 9)), (ms(1000), ms(1000)));
    }

    #[test]
    fn one_extreme_sample_does_not_make_probes_rare() {
        let mut rtt = Rtt::new(Medium::Datagrams);
        rtt.sample(ms(20), ms(0));
        rtt.sample(ms(10_000), ms(0));
        assert!(rtt.probe_timeout(ms(20), 0) <= MAX_PROBE_TIMEOUT, "{:?}", rtt.probe_timeout(ms(20), 0));
        // An ack whose first copies were lost says how long ago the packet arrived.
        let mut rtt = Rtt::new(Medium::Relay);
        rtt.sample(ms(8_000), ms(7_900));
        assert!(rtt.probe_timeout(ms(20), 0) <= MAX_PROBE_TIMEOUT, "{:?}", rtt.probe_timeout(ms(20), 0));
    }
}
