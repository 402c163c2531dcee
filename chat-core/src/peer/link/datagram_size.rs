//! The size of a link's datagrams.
//!
//! Some networks silently drop full datagrams, for example where a tunnel or a line has a smaller MTU than its
//! neighbours. The sign of such a black hole (compare RFC 8899) is that large datagrams are lost repeatedly while smaller
//! ones that were sent later arrive. The link then sends smaller datagrams, and probes a larger size from time to time.

use std::time::Duration;

use crate::time::Mono;
use crate::wire::datagram::MAX_DATAGRAM;

/// The sizes in use: full, within one or two tunnels, and what every IPv4 network carries (RFC 791: 576 bytes with the
/// headers of IP and UDP).
const SIZES: [usize; 3] = [MAX_DATAGRAM, 1_000, 548];

/// The consecutive separate losses that reduce the size: fewer may be chance.
const MAX_FAILURES: u32 = 3;

/// The time after which a larger size is probed again: networks change when people move, and a probe costs one datagram.
const PROBE_INTERVAL: Duration = Duration::from_secs(60);

/// The current datagram size, and the losses that suggest a smaller one.
#[derive(Debug)]
pub(super) struct DatagramSize {
    /// The index in [`SIZES`].
    index: usize,
    /// Consecutive losses of datagrams that the next smaller size would make shorter.
    failures: u32,
    /// The length of the shortest of these datagrams.
    shortest: usize,
    /// The time at which the last of them was sent.
    failed_at: Mono,
    /// The time at which the last acknowledged datagram of at least that length was sent.
    passed_at: Mono,
    probe_at: Mono,
}

impl DatagramSize {
    /// Starts with the largest size.
    pub(super) const fn new() -> Self {
        let (failed_at, passed_at, probe_at) = (Mono::ZERO, Mono::ZERO, Mono::ZERO);
        Self { index: 0, failures: 0, shortest: 0, failed_at, passed_at, probe_at }
    }

    /// Records that a probe of the next larger size was sent.
    pub(super) fn on_probe_sent(&mut self, now: Mono) {
        self.probe_at = now + PROBE_INTERVAL;
    }

    /// Records that a datagram of `len` bytes, sent at `sent_at`, arrived. It proves its size.
    pub(super) fn on_acked(&mut self, now: Mono, sent_at: Mono, len: usize) {
        let proven = SIZES.iter().position(|size| *size <= len).unwrap_or(self.index);
        if proven < self.index {
            *self = Self { index: proven, passed_at: sent_at, probe_at: now, ..Self::new() };
        } else if self.is_large(len) && len >= self.shortest {
            self.failures = 0;
            self.shortest = 0;
            self.passed_at = self.passed_at.max(sent_at);
        }
    }

    /// Records that a datagram of `len` bytes, sent at `sent_at`, was lost. Losses of datagrams sent less than `apart`
    /// after each other count as one. Returns whether the size was reduced.
    pub(super) fn on_lost(&mut self, now: Mono, sent_at: Mono, len: usize, apart: Duration) -> bool {
        let is_separate = self.failures == 0 || sent_at >= self.failed_at + apart;
        let counts = sent_at > self.passed_at && is_separate;
        if !self.is_large(len) || len > self.current() || !counts {
            return false;
        }
        self.shortest = if self.failures == 0 { len } else { self.shortest.min(len) };
        self.failures += 1;
        self.failed_at = sent_at;
        if self.failures < MAX_FAILURES {
            return false;
        }
        *self = Self { index: self.index + 1, probe_at: now + PROBE_INTERVAL, ..Self::new() };
        true
    }

    /// Returns the largest datagram that may be sent, in bytes.
    pub(super) const fn current(&self) -> usize {
        SIZES[self.index]
    }

    /// Returns the next larger size if it is time to probe it.
    pub(super) fn next_probe(&self, now: Mono) -> Option<usize> {
        self.index.checked_sub(1).filter(|_| self.probe_at <= now).map(|larger| SIZES[larger])
    }

    /// Whether a datagram of `len` bytes exceeds the next smaller size. At the smallest size, none does.
    fn is_large(&self, len: usize) -> bool {
        SIZES.get(self.index + 1).is_some_and(|smaller| len > *smaller)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APART: Duration = Duration::from_millis(20);

    fn at(millis: u64) -> Mono {
        Mono::at(Duration::from_millis(millis))
    }

    /// Loses separate datagrams of `len` bytes until the size is reduced. Returns their number, or 0 if it is not reduced.
    fn lose(size: &mut DatagramSize, from: u64, len: usize) -> u64 {
        let mut rounds = 1..=10;
        let last = rounds.find(|n| size.on_lost(at(from + n * 100), at(from + n * 50), len, APART));
        last.unwrap_or_default()
    }

    #[test]
    fn repeated_losses_reduce_the_size_down_to_the_smallest() {
        let mut size = DatagramSize::new();
        assert_eq!(lose(&mut size, 0, 1_200), 3);
        assert_eq!(size.current(), 1_000);
        assert_eq!(lose(&mut size, 1_000, 548), 0, "losses of small datagrams do not count");
        assert_eq!(lose(&mut size, 2_000, 1_200), 0, "losses of datagrams larger than the current size do not count");
        assert_eq!(lose(&mut size, 3_000, 900), 3);
        assert_eq!(size.current(), 548);
        assert_eq!(lose(&mut size, 4_000, 548), 0, "there is no smaller size");
    }

    #[test]
    fn a_burst_of_losses_and_losses_between_arrivals_do_not_reduce_the_size() {
        let mut size = DatagramSize::new();
        for number in 0..50 {
            assert!(!size.on_lost(at(9), at(number % 10), 1_200, APART), "all losses belong to one burst");
        }
        let mut size = DatagramSize::new();
        for round in 1..50 {
            assert!(!size.on_lost(at(round * 1_000), at(round * 1_000), 1_200, APART));
            assert!(!size.on_lost(at(round * 1_000), at(round * 1_000 + 100), 1_200, APART));
            size.on_acked(at(round * 1_000 + 300), at(round * 1_000 + 200), 1_200);
            assert!(
                !size.on_lost(at(round * 1_000), at(round * 1_000 + 150), 1_200, APART),
                "it was sent before the datagram that arrived"
            );
        }
        assert_eq!(size.current(), 1_200);
    }

    #[test]
    fn the_arrival_of_shorter_datagrams_does_not_reset_the_losses_of_longer_ones() {
        let mut size = DatagramSize::new();
        for round in 0..2 {
            assert!(!size.on_lost(at(round * 100), at(round * 100 + 1), 1_200, APART));
            size.on_acked(at(round * 100 + 50), at(round * 100 + 40), 1_050);
        }
        assert!(size.on_lost(at(200), at(201), 1_200, APART));
    }

    #[test]
    fn a_larger_size_is_probed_later_and_any_arrival_proves_it() {
        let mut size = DatagramSize::new();
        assert_eq!(size.next_probe(at(1_000_000)), None);
        lose(&mut size, 0, 1_200);
        lose(&mut size, 1_000, 1_000);
        assert_eq!((size.current(), size.next_probe(at(2_000))), (548, None));
        assert_eq!(size.next_probe(at(70_000)), Some(1_000));
        size.on_probe_sent(at(70_000));
        assert_eq!(size.next_probe(at(70_001)), None);
        size.on_acked(at(70_002), at(70_001), 1_000);
        assert_eq!(
            (size.current(), size.next_probe(at(70_002))),
            (1_000, Some(1_200)),
            "the next larger size is probed immediately"
        );
        size.on_acked(at(70_003), at(60), 1_200);
        assert_eq!((size.current(), size.next_probe(at(900_000))), (1_200, None), "a late ack proves the size too");
    }
}
