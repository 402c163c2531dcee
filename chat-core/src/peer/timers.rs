//! The timers of all peers, one each.
//!
//! [`crate::timers`] looks up keys of any kind in an ordered map. Here, the index of a peer is the index in a table,
//! because a timer is set for every datagram, and setting it must neither search nor allocate.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::table::PeerIndex;
use crate::time::Mono;

/// At most one deadline for each peer.
///
/// Setting a timer again leaves its old deadline in the heap until it reaches the front or too many are stale.
#[derive(Debug, Default)]
pub(super) struct PeerTimers {
    /// The deadlines that are set, and stale ones. The first is never stale.
    heap: BinaryHeap<Reverse<(Mono, PeerIndex)>>,
    /// The deadline that is set for each peer, by index.
    set: Vec<Option<Mono>>,
}

/// The heap may hold one stale deadline for each peer and this many more, so that small heaps are not cleaned often.
const SPARE: usize = 64;

/// The number of peers above which the heap reserves space for all deadlines. A machine with fewer peers saves the
/// kilobyte.
const FEW: usize = 8;

impl PeerTimers {
    /// Sets the deadline of a peer, in place of an earlier one.
    pub(super) fn set(&mut self, index: PeerIndex, at: Mono) {
        if self.set.len() <= index.get() {
            self.set.resize(index.get() + 1, None);
            if self.set.len() >= FEW {
                // Room for all that `clean` leaves, so that setting a timer does not allocate.
                self.heap.reserve((2 * self.set.len() + SPARE + 1).saturating_sub(self.heap.len()));
            }
        }
        if self.set[index.get()].replace(at) != Some(at) {
            self.heap.push(Reverse((at, index)));
            self.clean();
        }
    }

    /// Removes the deadline of a peer, if there is one.
    pub(super) fn cancel(&mut self, index: PeerIndex) {
        if self.set.get_mut(index.get()).and_then(Option::take).is_some() {
            self.clean();
        }
    }

    /// Removes the earliest deadline and returns its peer, if the deadline has come.
    pub(super) fn pop(&mut self, now: Mono) -> Option<PeerIndex> {
        let Reverse((_, index)) = *self.heap.peek().filter(|Reverse((at, _))| *at <= now)?;
        self.cancel(index);
        Some(index)
    }

    /// The earliest deadline.
    pub(super) fn next(&self) -> Option<Mono> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    /// Removes all deadlines.
    pub(super) fn clear(&mut self) {
        self.heap.clear();
        self.set.clear();
    }

    /// Removes stale deadlines if there are many, and those at the front in any case.
    fn clean(&mut self) {
        let set = &self.set;
        let is_set = |(at, index): &(Mono, PeerIndex)| set.get(index.get()) == Some(&Some(*at));
        if self.heap.len() > 2 * set.len() + SPARE {
            self.heap.retain(|Reverse(timer)| is_set(timer));
        }
        while self.heap.peek().is_some_and(|Reverse(timer)| !is_set(timer)) {
            self.heap.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(millis: u64) -> Mono {
        Mono::at(Duration::from_millis(millis))
    }

    const A: PeerIndex = PeerIndex::FIRST;
    const B: PeerIndex = PeerIndex::SECOND;

    #[test]
    fn the_next_deadline_is_never_a_stale_one() {
        let mut timers = PeerTimers::default();
        assert_eq!(timers.next(), None);
        timers.set(A, at(5));
        timers.set(B, at(7));
        assert_eq!(timers.next(), Some(at(5)));
        timers.set(A, at(9));
        assert_eq!(timers.next(), Some(at(7)));
        timers.set(A, at(5));
        timers.cancel(A);
        assert_eq!(timers.next(), Some(at(7)));
        assert_eq!((timers.pop(at(6)), timers.pop(at(7)), timers.pop(at(100))), (None, Some(B), None));
    }

    #[test]
    fn setting_a_timer_again_and_again_keeps_the_heap_small() {
        let mut timers = PeerTimers::default();
        for round in 0..10_000 {
            timers.set(A, at(100_000 - round));
            timers.set(B, at(round));
        }
        assert!(timers.heap.len() <= 2 * 2 + SPARE + 1, "{}", timers.heap.len());
        assert_eq!(timers.next(), Some(at(9_999)));
    }
}
