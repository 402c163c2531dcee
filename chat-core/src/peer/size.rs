//! How long the datagrams of a link may be: shorter where full ones vanish although small ones pass.
//!
//! Some networks swallow full datagrams without a word: a tunnel, or a line set to less than its neighbours. What tells
//! it is that long ones are lost again and again while shorter ones, sent later, arrive.

use std::time::Duration;

use crate::time::Mono;
use crate::wire::datagram::MAX_DATAGRAM;

/// The lengths that are tried: full, within a tunnel or two, and what every IPv4 network has to carry (RFC 791: 576 bytes
/// with the headers of IP and UDP).
const STEPS: [usize; 3] = [MAX_DATAGRAM, 1_000, 548];

/// So many losses in a row, apart from each other, are no accident any more.
const FAILURES: u32 = 3;

/// When a longer datagram is tried again: networks change when people move, and a trial costs one datagram.
const RETRY: Duration = Duration::from_secs(60);

/// How long datagrams may be now, and what speaks against it.
#[derive(Debug)]
pub(super) struct Size {
    /// The index of [`STEPS`].
    step: usize,
    /// Losses in a row of datagrams that would be shorter with the next step, and the shortest of them.
    failures: u32,
    shortest: usize,
    /// When the last one that counted as a failure was sent, and the last one as long that arrived.
    failed_at: Mono,
    passed_at: Mono,
    retry_at: Mono,
}

impl Size {
    /// The longest there are.
    pub(super) const fn new() -> Self {
        let (failed_at, passed_at, retry_at) = (Mono::ZERO, Mono::ZERO, Mono::ZERO);
        Self { step: 0, failures: 0, shortest: 0, failed_at, passed_at, retry_at }
    }

    /// How many bytes a datagram may have now.
    pub(super) const fn full(&self) -> usize {
        STEPS[self.step]
    }

    /// The length that should be tried again now, if there is one.
    pub(super) fn trial(&self, now: Mono) -> Option<usize> {
        self.step.checked_sub(1).filter(|_| self.retry_at <= now).map(|longer| STEPS[longer])
    }

    /// Notes that a trial was sent.
    pub(super) fn tried(&mut self, now: Mono) {
        self.retry_at = now + RETRY;
    }

    /// Notes that a datagram of this length, sent at `at`, arrived.
    pub(super) fn on_acked(&mut self, now: Mono, at: Mono, size: usize) {
        let proven = STEPS.iter().position(|step| *step <= size).unwrap_or(self.step);
        if proven < self.step {
            *self = Self { step: proven, passed_at: at, retry_at: now, ..Self::new() };
        } else if self.is_long(size) && size >= self.shortest {
            self.failures = 0;
            self.shortest = 0;
            self.passed_at = self.passed_at.max(at);
        }
    }

    /// Notes that a datagram of this length, sent at `at`, was lost; gives whether datagrams are shorter from now on.
    /// Losses less than `apart` from each other are one.
    pub(super) fn on_lost(&mut self, now: Mono, at: Mono, size: usize, apart: Duration) -> bool {
        let is_news = at > self.passed_at && (self.failures == 0 || at >= self.failed_at + apart);
        if !self.is_long(size) || size > self.full() || !is_news {
            return false;
        }
        self.shortest = if self.failures == 0 { size } else { self.shortest.min(size) };
        self.failures += 1;
        self.failed_at = at;
        if self.failures < FAILURES {
            return false;
        }
        *self = Self { step: self.step + 1, retry_at: now + RETRY, ..Self::new() };
        true
    }

    /// Whether it would have to be shorter with the next step; with the last none would.
    fn is_long(&self, size: usize) -> bool {
        STEPS.get(self.step + 1).is_some_and(|shorter| size > *shorter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APART: Duration = Duration::from_millis(20);

    fn at(millis: u64) -> Mono {
        Mono::at(Duration::from_millis(millis))
    }

    /// Loses datagrams of this length, well apart, until the size is another; gives how many.
    fn lose(size: &mut Size, from: u64, len: usize) -> u64 {
        let mut moments = 1..=10;
        let last = moments.find(|n| size.on_lost(at(from + n * 100), at(from + n * 50), len, APART));
        last.unwrap_or_default()
    }

    #[test]
    fn full_datagrams_that_are_lost_again_and_again_make_it_smaller_down_to_the_least() {
        let mut size = Size::new();
        assert_eq!(lose(&mut size, 0, 1_200), 3);
        assert_eq!(size.full(), 1_000);
        assert_eq!(lose(&mut size, 1_000, 548), 0, "small ones do not count");
        assert_eq!(lose(&mut size, 2_000, 1_200), 0, "nor do those from before");
        assert_eq!(lose(&mut size, 3_000, 900), 3);
        assert_eq!(size.full(), 548);
        assert_eq!(lose(&mut size, 4_000, 548), 0, "there is nothing below");
    }

    #[test]
    fn losses_at_once_and_losses_between_arrivals_are_accidents() {
        let mut size = Size::new();
        for number in 0..50 {
            assert!(!size.on_lost(at(9), at(number % 10), 1_200, APART), "all of one burst");
        }
        let mut size = Size::new();
        for round in 1..50 {
            assert!(!size.on_lost(at(round * 1_000), at(round * 1_000), 1_200, APART));
            assert!(!size.on_lost(at(round * 1_000), at(round * 1_000 + 100), 1_200, APART));
            size.on_acked(at(round * 1_000 + 300), at(round * 1_000 + 200), 1_200);
            assert!(!size.on_lost(at(round * 1_000), at(round * 1_000 + 150), 1_200, APART), "sent before it");
        }
        assert_eq!(size.full(), 1_200);
    }

    #[test]
    fn shorter_ones_that_arrive_prove_nothing_for_those_that_do_not() {
        let mut size = Size::new();
        for round in 0..2 {
            assert!(!size.on_lost(at(round * 100), at(round * 100 + 1), 1_200, APART));
            size.on_acked(at(round * 100 + 50), at(round * 100 + 40), 1_050);
        }
        assert!(size.on_lost(at(200), at(201), 1_200, APART));
    }

    #[test]
    fn a_longer_one_is_tried_again_later_and_every_arrival_counts() {
        let mut size = Size::new();
        assert_eq!(size.trial(at(1_000_000)), None);
        lose(&mut size, 0, 1_200);
        lose(&mut size, 1_000, 1_000);
        assert_eq!((size.full(), size.trial(at(2_000))), (548, None));
        assert_eq!(size.trial(at(70_000)), Some(1_000));
        size.tried(at(70_000));
        assert_eq!(size.trial(at(70_001)), None);
        size.on_acked(at(70_002), at(70_001), 1_000);
        assert_eq!((size.full(), size.trial(at(70_002))), (1_000, Some(1_200)), "then the next at once");
        size.on_acked(at(70_003), at(60), 1_200);
        assert_eq!((size.full(), size.trial(at(900_000))), (1_200, None), "a late ack proves it as well");
    }
}
