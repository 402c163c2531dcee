//! What the machine keeps for each session: found by its session when a datagram comes, and by its number by whatever
//! the machine sets going itself, which is most of what it does.

use std::collections::BTreeMap;

use crate::id::SessionId;

/// A number for each session, which is free for another one when the session is removed.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Slot(usize);

/// Things by session and by number.
#[derive(Debug)]
pub(super) struct Slots<T> {
    things: Vec<Option<T>>,
    free: Vec<Slot>,
    by_session: BTreeMap<SessionId, Slot>,
}

impl Slot {
    /// The number of the first session, for tests.
    #[cfg(test)]
    pub(super) const FIRST: Self = Self(0);

    /// The number of the second session, for tests.
    #[cfg(test)]
    pub(super) const SECOND: Self = Self(1);
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { things: Vec::new(), free: Vec::new(), by_session: BTreeMap::new() }
    }
}

impl<T> Slots<T> {
    /// The number of a session.
    pub(super) fn slot(&self, session: &SessionId) -> Option<Slot> {
        self.by_session.get(session).copied()
    }

    pub(super) fn get(&self, slot: Slot) -> Option<&T> {
        self.things.get(slot.0)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, slot: Slot) -> Option<&mut T> {
        self.things.get_mut(slot.0)?.as_mut()
    }

    /// Adds what belongs to a session, in place of what did before.
    pub(super) fn insert(&mut self, session: SessionId, thing: T) {
        let slot = match self.slot(&session).or_else(|| self.free.pop()) {
            Some(slot) => slot,
            None => {
                self.things.push(None);
                Slot(self.things.len() - 1)
            }
        };
        self.things[slot.0] = Some(thing);
        self.by_session.insert(session, slot);
    }

    /// Takes away what belongs to a session.
    pub(super) fn remove(&mut self, session: &SessionId) -> Option<T> {
        let slot = self.by_session.remove(session)?;
        self.free.push(slot);
        self.things[slot.0].take()
    }

    /// All of them, in the order of their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.things.iter().flatten()
    }

    /// All of them, in the order of their numbers.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (Slot, &mut T)> {
        let numbered = self.things.iter_mut().enumerate();
        numbered.filter_map(|(index, thing)| thing.as_mut().map(|thing| (Slot(index), thing)))
    }

    /// The numbers that are in use.
    pub(super) fn slots(&self) -> Vec<Slot> {
        self.by_session.values().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: SessionId = SessionId::new(7);
    const B: SessionId = SessionId::new(3);
    const C: SessionId = SessionId::new(9);

    #[test]
    fn a_number_is_used_again_when_its_session_is_gone() {
        let mut slots = Slots::default();
        slots.insert(A, "a");
        slots.insert(B, "b");
        let (a, b) = (slots.slot(&A).unwrap(), slots.slot(&B).unwrap());
        assert_eq!((a, b), (Slot::FIRST, Slot::SECOND));
        assert_eq!(slots.remove(&A), Some("a"));
        assert_eq!((slots.slot(&A), slots.get(a)), (None, None));
        assert_eq!(slots.remove(&A), None);
        slots.insert(C, "c");
        assert_eq!((slots.slot(&C), slots.get(a), slots.get(b)), (Some(a), Some(&"c"), Some(&"b")));
        assert_eq!(slots.iter().copied().collect::<Vec<_>>(), ["c", "b"]);
        slots.insert(C, "new");
        assert_eq!((slots.get_mut(a).copied(), slots.slots().len()), (Some("new"), 2));
    }
}
