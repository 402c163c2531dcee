//! A map that forgets: bounded in size and age.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::time::Mono;

/// Values that are remembered for a time after they were last renewed. When the map is full, the oldest is forgotten
/// early.
#[derive(Debug)]
pub(crate) struct Memory<K, V> {
    life: Duration,
    most: usize,
    values: BTreeMap<K, (Mono, V)>,
    order: BTreeSet<(Mono, K)>,
    forgotten: Mono,
}

impl<K: Clone + Ord, V: Default> Memory<K, V> {
    /// Remembers at most `most` values, each for `life`.
    pub(crate) fn new(life: Duration, most: usize) -> Self {
        Self { life, most, values: BTreeMap::new(), order: BTreeSet::new(), forgotten: Mono::ZERO }
    }

    /// Renews the value of `key`, or inserts the default if there was none.
    pub(crate) fn renew(&mut self, now: Mono, key: K) -> &mut V {
        while let Some((end, old)) = self.order.first()
            && *end <= now
        {
            let old = old.clone();
            self.remove(&old);
        }
        if self.values.len() >= self.most
            && !self.values.contains_key(&key)
            && let Some((end, oldest)) = self.order.first().cloned()
        {
            self.forgotten = end;
            self.remove(&oldest);
        }
        let end = now + self.life;
        let (renewed, value) = self.values.entry(key.clone()).or_insert_with(|| (end, V::default()));
        self.order.remove(&(*renewed, key.clone()));
        *renewed = end;
        self.order.insert((end, key));
        value
    }

    /// The value of `key`, if it is remembered.
    pub(crate) fn get(&self, now: Mono, key: &K) -> Option<&V> {
        self.values.get(key).filter(|(end, _)| now < *end).map(|(_, value)| value)
    }

    /// The value of `key`, if it is remembered. Does not renew it.
    pub(crate) fn get_mut(&mut self, now: Mono, key: &K) -> Option<&mut V> {
        self.values.get_mut(key).filter(|(end, _)| now < *end).map(|(_, value)| value)
    }

    /// Forgets `key`.
    pub(crate) fn remove(&mut self, key: &K) {
        if let Some((end, _)) = self.values.remove(key) {
            self.order.remove(&(end, key.clone()));
        }
    }

    /// Whether the last value that was forgotten for lack of space would still be remembered at `now`.
    pub(crate) fn has_gaps(&self, now: Mono) -> bool {
        now < self.forgotten
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Mono {
        Mono::at(Duration::from_secs(seconds))
    }

    #[test]
    fn values_are_forgotten_a_life_after_they_were_renewed() {
        let mut memory: Memory<&str, u32> = Memory::new(Duration::from_secs(10), 5);
        *memory.renew(at(0), "a") += 1;
        *memory.renew(at(4), "a") += 1;
        assert_eq!(memory.get(at(13), &"a"), Some(&2));
        assert_eq!(memory.get(at(14), &"a"), None);
        assert_eq!(*memory.renew(at(14), "a"), 0, "a default value again");
        assert!(!memory.has_gaps(at(14)));
    }

    #[test]
    fn a_full_memory_forgets_the_oldest_and_knows_for_how_long_it_has_a_gap() {
        let mut memory: Memory<u32, ()> = Memory::new(Duration::from_secs(10), 2);
        for (second, key) in [(0, 1), (1, 2), (2, 1), (3, 3)] {
            memory.renew(at(second), key);
        }
        assert_eq!([1, 2, 3].map(|key| memory.get(at(3), &key).is_some()), [true, false, true]);
        assert!(memory.has_gaps(at(10)));
        assert!(!memory.has_gaps(at(11)));
        assert_eq!((memory.values.len(), memory.order.len()), (2, 2));
    }
}
