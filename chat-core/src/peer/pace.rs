//! How fast one peer may send us messages.

use std::time::Duration;

use crate::time::Mono;

/// A bucket that leaks at a steady rate, as a virtual time (the generic cell rate algorithm, ITU-T I.371).
#[derive(Clone, Debug)]
pub(super) struct Pace {
    /// What each message adds; zero for no limit.
    each: Duration,
    /// How far the virtual time may run ahead.
    ahead: Duration,
    virtual_time: Mono,
}

impl Pace {
    /// `rate` messages per second on average and `burst` at once; a rate of 0 means no limit.
    pub(super) fn new(rate: u32, burst: u32) -> Self {
        let each = if rate == 0 { Duration::ZERO } else { Duration::from_secs(1) / rate };
        Self { each, ahead: each * burst, virtual_time: Mono::ZERO }
    }

    /// Counts one message.
    pub(super) fn count(&mut self, now: Mono) {
        self.virtual_time = self.virtual_time.max(now) + self.each;
    }

    /// From when on more may come.
    pub(super) fn free_at(&self) -> Mono {
        self.virtual_time.before(self.ahead)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_free_and_then_the_rate_counts() {
        let mut pace = Pace::new(50, 500);
        let now = Mono::at(Duration::from_secs(9));
        (0..500).for_each(|_| pace.count(now));
        assert_eq!(pace.free_at(), now);
        pace.count(now);
        assert_eq!(pace.free_at(), now + Duration::from_millis(20));
    }

    #[test]
    fn no_rate_is_no_limit() {
        let mut pace = Pace::new(0, 0);
        (0..1_000_000).for_each(|_| pace.count(Mono::ZERO));
        assert_eq!(pace.free_at(), Mono::ZERO);
    }
}
