//! The round-trip time of a link, after RFC 9002 section 5.

use std::time::Duration;

use super::config::PROBE_MOST;

/// An estimate from the samples so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rtt {
    smoothed: Duration,
    variation: Duration,
    least: Option<Duration>,
    latest: Duration,
}

/// Before the first sample: a slow office network, so that the first probe does not come too soon on a good one.
const INITIAL: Duration = Duration::from_millis(50);

/// What no clock resolves.
const GRANULARITY: Duration = Duration::from_millis(1);

impl Rtt {
    pub(super) const fn new() -> Self {
        Self { smoothed: INITIAL, variation: Duration::from_millis(25), least: None, latest: INITIAL }
    }

    /// Takes a sample; `delay` is how long the other side says that its ack waited.
    pub(super) fn sample(&mut self, sample: Duration, delay: Duration) {
        self.latest = sample;
        let Some(least) = self.least else {
            *self = Self { smoothed: sample, variation: sample / 2, least: Some(sample), latest: sample };
            return;
        };
        let least = least.min(sample);
        self.least = Some(least);
        // A delay that would make the path faster than ever seen is not believed.
        let adjusted = if sample >= least + delay { sample - delay } else { sample };
        self.variation = (self.variation * 3 + self.smoothed.abs_diff(adjusted)) / 4;
        self.smoothed = (self.smoothed * 7 + adjusted) / 8;
    }

    /// After how long a packet sent before one that arrived counts as lost.
    pub(super) fn loss_delay(&self) -> Duration {
        (self.smoothed.max(self.latest) * 9 / 8).max(GRANULARITY)
    }

    /// How long to wait for an ack before probing for the `count`th time, given how long acks may wait.
    pub(super) fn probe_timeout(&self, ack_delay: Duration, count: u32) -> Duration {
        let once = self.smoothed + (self.variation * 4).max(GRANULARITY) + ack_delay;
        // The cap must not make probes come before an answer can: links slower than it exist. One strange sample does
        // not raise it.
        let soonest = self.least.unwrap_or_default() * 5 / 4 + ack_delay;
        once.saturating_mul(1 << count.min(16)).min(PROBE_MOST.max(soonest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn samples_move_the_estimate_as_in_the_rfc() {
        let mut rtt = Rtt::new();
        rtt.sample(ms(100), ms(90));
        assert_eq!((rtt.smoothed, rtt.variation), (ms(100), ms(50)), "the first sample counts whole");
        rtt.sample(ms(140), ms(20));
        assert_eq!(rtt.smoothed, Duration::from_micros(102_500));
        assert_eq!(rtt.variation, Duration::from_micros(42_500));
        rtt.sample(ms(100), ms(50));
        assert_eq!(rtt.least, Some(ms(100)), "a delay that is not plausible is not subtracted");
    }

    #[test]
    fn probes_back_off_up_to_their_cap() {
        let rtt = Rtt::new();
        assert_eq!(rtt.probe_timeout(ms(20), 0), ms(170));
        assert_eq!(rtt.probe_timeout(ms(20), 1), ms(340));
        assert_eq!(rtt.probe_timeout(ms(20), 9), ms(1000));
        let mut slow = Rtt::new();
        slow.sample(ms(1600), ms(0));
        assert_eq!(slow.probe_timeout(ms(20), 0), slow.probe_timeout(ms(20), 9));
    }

    #[test]
    fn a_peer_that_stood_still_for_a_while_does_not_make_probes_seldom() {
        let mut rtt = Rtt::new();
        rtt.sample(ms(20), ms(0));
        rtt.sample(ms(10_000), ms(0));
        assert!(rtt.probe_timeout(ms(20), 0) <= PROBE_MOST, "{:?}", rtt.probe_timeout(ms(20), 0));
    }
}
