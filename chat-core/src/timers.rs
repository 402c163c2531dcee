//! Timers: at most one deadline for each key.

use std::cmp::Reverse;
use std::collections::binary_heap::PeekMut;
use std::collections::{BTreeMap, BinaryHeap};

use crate::time::Mono;

/// Deadlines by key. Among equal deadlines, the smaller key comes first.
///
/// Most timers are postponed again and again and never expire. Postponing one changes only its deadline in the table.
/// Its place in the heap stays, and moves to the new deadline when it reaches the front.
#[derive(Debug)]
pub(crate) struct Timers<K> {
    /// Places, some of them stale. The first belongs to the earliest deadline.
    heap: BinaryHeap<Reverse<(Mono, K)>>,
    table: BTreeMap<K, Deadline>,
}

#[derive(Clone, Copy, Debug)]
struct Deadline {
    at: Mono,
    /// The place in the heap, at or before the deadline.
    queued: Mono,
}

/// The heap may hold one stale place for each deadline and this many more, so that small heaps are not cleaned often.
const SPARE: usize = 64;

impl<K> Default for Timers<K> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), table: BTreeMap::new() }
    }
}

impl<K: Copy + Ord> Timers<K> {
    /// Sets the deadline of `key`, in place of an earlier one.
    pub(crate) fn set(&mut self, key: K, at: Mono) {
        match self.table.get_mut(&key) {
            Some(deadline) if deadline.queued <= at => deadline.at = at,
            _ => {
                self.table.insert(key, Deadline { at, queued: at });
                self.heap.push(Reverse((at, key)));
            }
        }
        self.clean();
    }

    /// Removes the deadline of `key`, if there is one.
    pub(crate) fn cancel(&mut self, key: K) {
        if self.table.remove(&key).is_some() {
            self.clean();
        }
    }

    /// Removes the earliest deadline and returns its key, if the deadline has come.
    pub(crate) fn pop(&mut self, now: Mono) -> Option<K> {
        let Reverse((_, key)) = *self.heap.peek().filter(|Reverse((at, _))| *at <= now)?;
        self.cancel(key);
        Some(key)
    }

    /// The deadline of `key`, if it is set.
    pub(crate) fn get(&self, key: K) -> Option<Mono> {
        self.table.get(&key).map(|deadline| deadline.at)
    }

    /// The earliest deadline.
    pub(crate) fn next(&self) -> Option<Mono> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    /// The number of deadlines that are set.
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// Removes all deadlines.
    pub(crate) fn clear(&mut self) {
        self.heap.clear();
        self.table.clear();
    }

    /// Removes stale places if there are many. Then moves or removes the places at the front until the first one belongs
    /// to a deadline.
    fn clean(&mut self) {
        let Self { heap, table } = self;
        if heap.len() > 2 * table.len() + SPARE {
            heap.retain(|Reverse((place, key))| table.get(key).is_some_and(|deadline| deadline.queued == *place));
        }
        while let Some(mut first) = heap.peek_mut() {
            let Reverse((place, key)) = *first;
            match table.get_mut(&key) {
                Some(deadline) if deadline.queued == place && deadline.at == place => return,
                Some(deadline) if deadline.queued == place => {
                    deadline.queued = deadline.at;
                    *first = Reverse((deadline.at, key));
                }
                Some(_) | None => {
                    PeekMut::pop(first);
                }
            }
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
    fn deadlines_expire_once_and_in_order() {
        let mut timers = Timers::default();
        timers.set("poll", at(9));
        timers.set("seen", at(2));
        timers.set("silence", at(3));
        timers.set("poll", at(1));
        timers.cancel("silence");
        assert_eq!((timers.next(), timers.len()), (Some(at(1)), 2));
        assert_eq!((timers.get("seen"), timers.get("silence")), (Some(at(2)), None));
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
    fn equal_deadlines_expire_in_the_order_of_their_keys() {
        let mut timers = Timers::default();
        for key in [3, 1, 2] {
            timers.set(key, at(5));
        }
        assert_eq!([timers.pop(at(5)), timers.pop(at(5)), timers.pop(at(5))], [Some(1), Some(2), Some(3)]);
    }

    #[test]
    fn a_postponed_timer_keeps_its_place_until_the_place_reaches_the_front() {
        let mut timers = Timers::default();
        timers.set('a', at(5));
        timers.set('b', at(6));
        for round in 7..10_000 {
            timers.set('b', at(round));
        }
        assert_eq!((timers.heap.len(), timers.table[&'b'].queued), (2, at(6)));
        assert_eq!(
            (timers.pop(at(5)), timers.next(), timers.table[&'b'].queued),
            (Some('a'), Some(at(9_999)), at(9_999))
        );
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

    proptest::proptest! {
        #[test]
        fn timers_agree_with_a_plain_table(
            steps in proptest::collection::vec((0_u8..6, 0_u64..20, 0_u8..3), 0..200),
        ) {
            let (mut timers, mut plain) = (Timers::default(), BTreeMap::new());
            for (key, time, what) in steps {
                match what {
                    0 => {
                        timers.set(key, at(time));
                        plain.insert(key, at(time));
                    }
                    1 => {
                        timers.cancel(key);
                        plain.remove(&key);
                    }
                    _ => {
                        let first = plain.iter().map(|(key, at)| (*at, *key)).min().filter(|(due, _)| *due <= at(time));
                        plain.retain(|key, _| Some(*key) != first.map(|(_, key)| key));
                        proptest::prop_assert_eq!(timers.pop(at(time)), first.map(|(_, key)| key));
                    }
                }
                proptest::prop_assert_eq!((timers.next(), timers.len()), (plain.values().min().copied(), plain.len()));
            }
        }
    }
}
