//! The timers of all links: one each, set again all the time, without taking memory once as many were set as there are.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::slots::Slot;
use crate::time::Mono;

/// One timer for each session.
#[derive(Debug, Default)]
pub(super) struct Alarms {
    /// Those that are set, and some that were set to another time since. The first is always one that is set.
    heap: BinaryHeap<Reverse<(Mono, Slot)>>,
    /// By the number of the session.
    set: Vec<Option<Mono>>,
}

/// So many timers that are not set any more are kept beyond one for each that is, so that few are not sorted out often.
const SPARE: usize = 64;

impl Alarms {
    /// The next that rings.
    pub(super) fn first(&self) -> Option<(Mono, Slot)> {
        self.heap.peek().map(|Reverse(first)| *first)
    }

    /// Sets the timer of a session, or stops it.
    pub(super) fn set(&mut self, slot: Slot, at: Option<Mono>) {
        if self.set.len() <= slot.index() {
            self.set.resize(slot.index() + 1, None);
        }
        self.set[slot.index()] = at;
        self.heap.extend(at.map(|at| Reverse((at, slot))));
        self.tidy();
    }

    /// Forgets the session.
    pub(super) fn remove(&mut self, slot: Slot) {
        self.set(slot, None);
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.heap.clear();
        self.set.clear();
    }

    fn tidy(&mut self) {
        let set = &self.set;
        let is_set = |(at, slot): &(Mono, Slot)| set.get(slot.index()) == Some(&Some(*at));
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

    const A: Slot = Slot::FIRST;
    const B: Slot = Slot::SECOND;

    #[test]
    fn the_first_is_always_one_that_is_set() {
        let mut alarms = Alarms::default();
        assert_eq!(alarms.first(), None);
        alarms.set(A, Some(at(5)));
        alarms.set(B, Some(at(7)));
        assert_eq!(alarms.first(), Some((at(5), A)));
        alarms.set(A, Some(at(9)));
        assert_eq!(alarms.first(), Some((at(7), B)));
        alarms.set(A, Some(at(5)));
        alarms.set(A, None);
        assert_eq!(alarms.first(), Some((at(7), B)));
        alarms.remove(B);
        assert_eq!(alarms.first(), None);
    }

    #[test]
    fn setting_it_again_and_again_keeps_it_small() {
        let mut alarms = Alarms::default();
        for round in 0..10_000 {
            alarms.set(A, Some(at(100_000 - round)));
            alarms.set(B, Some(at(round)));
        }
        assert!(alarms.heap.len() <= 2 * 2 + SPARE + 1, "{}", alarms.heap.len());
        assert_eq!(alarms.first(), Some((at(9_999), B)));
    }
}
