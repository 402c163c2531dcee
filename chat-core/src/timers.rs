//! Timers: at most one deadline for each key.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use crate::time::Mono;

/// Deadlines by key. Of equal deadlines the smaller key comes first.
///
/// Setting a timer again leaves its old deadline in the heap until it comes up or until too many are stale, so that
/// timers that are set again and again neither allocate nor reorder much.
#[derive(Debug)]
pub(crate) struct Timers<K> {
    /// The deadlines that are set, and stale ones. The first is never stale.
    heap: BinaryHeap<Reverse<(Mono, K)>>,
    set: BTreeMap<K, Mono>,
}

/// How many stale deadlines the heap may hold beyond one for each that is set, so that small heaps are not cleaned often.
const SPARE: usize = 64;

impl<K> Default for Timers<K> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), set: BTreeMap::new() }
    }
}

impl<K: Copy + Ord> Timers<K> {
    /// Sets the deadline of `key`, in place of an earlier one.
    pub(crate) fn set(&mut self, key: K, at: Mono) {
        if self.set.insert(key, at) != Some(at) {
            self.heap.push(Reverse((at, key)));
            self.clean();
        }
    }

    /// Removes the deadline of `key`, if there is one.
    pub(crate) fn cancel(&mut self, key: K) {
        if self.set.remove(&key).is_some() {
            self.clean();
        }
    }

    /// Removes the earliest deadline and returns its key, if the deadline has come.
    pub(crate) fn pop(&mut self, now: Mono) -> Option<K> {
        let Reverse((_, key)) = *self.heap.peek().filter(|Reverse((at, _))| *at <= now)?;
        self.cancel(key);
        Some(key)
    }

    /// The earliest deadline.
    pub(crate) fn next(&self) -> Option<Mono> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    /// The number of deadlines that are set.
    pub(crate) fn len(&self) -> usize {
        self.set.len()
    }

    /// Removes all deadlines.
    pub(crate) fn clear(&mut self) {
        self.heap.clear();
        self.set.clear();
    }

    /// Removes stale deadlines if there are many, and those at the front in any case.
    fn clean(&mut self) {
        let set = &self.set;
        let is_set = |(at, key): &(Mono, K)| set.get(key) == Some(at);
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

    #[test]
    fn deadlines_come_up_once_and_in_order() {
        let mut timers = Timers::default();
        timers.set("poll", at(9));
        timers.set("seen", at(2));
        timers.set("silence", at(3));
        timers.set("poll", at(1));
        timers.cancel("silence");
        assert_eq!((timers.next(), timers.len()), (Some(at(1)), 2));
        assert_eq!(timers.pop(at(0)), None);
        assert_eq!([timers.pop(at(2)), timers.pop(at(2)), timers.pop(at(2))], [Some("poll"), Some("seen"), None]);
        assert_eq!((timers.next(), timers.len(), timers.heap.len()), (None, 0, 0));
    }

    #[test]
    fn the_next_deadline_is_never_a_stale_one() {
        let mut timers = Timers::default();
        assert_eq!(timers.next(), None);
        timers.set('a', at(5));
        timers.set('b', at(7));
        assert_eq!(timers.next(), Some(at(5)));
        timers.set('a', at(9));
        assert_eq!(timers.next(), Some(at(7)));
        timers.set('a', at(5));
        timers.cancel('a');
        assert_eq!(timers.next(), Some(at(7)));
        timers.set('a', at(5));
        assert_eq!(timers.pop(at(5)), Some('a'));
        assert_eq!(timers.pop(at(100)), Some('b'), "the deadlines set before for 'a' are gone");
        assert_eq!(timers.pop(at(100)), None);
    }

    #[test]
    fn equal_deadlines_come_up_in_the_order_of_their_keys() {
        let mut timers = Timers::default();
        for key in [3, 1, 2] {
            timers.set(key, at(5));
        }
        assert_eq!([timers.pop(at(5)), timers.pop(at(5)), timers.pop(at(5))], [Some(1), Some(2), Some(3)]);
    }

    #[test]
    fn setting_a_timer_again_and_again_keeps_the_heap_small() {
        let mut timers = Timers::default();
        for round in 0..10_000 {
            timers.set('a', at(100_000 - round));
            timers.set('b', at(round));
        }
        assert!(timers.heap.len() <= 2 * 2 + SPARE + 1, "{}", timers.heap.len());
        assert_eq!((timers.next(), timers.len()), (Some(at(9_999)), 2));
    }
}
