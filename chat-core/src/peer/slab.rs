//! The buffer of sealed datagrams between the machine and the socket.

use std::net::SocketAddr;

use crate::wire::datagram::MAX_DATAGRAM;

/// A bounded queue of sealed datagrams in contiguous slots.
///
/// Datagrams that the socket does not take stay unchanged: their packet numbers are used, so they must not be sealed
/// again.
///
/// `D` is what names a destination: an address, or for the relay a session.
#[derive(Debug)]
pub struct Slab<D = SocketAddr> {
    /// The slots allocated so far: the largest number that was ever filled at once.
    bytes: Vec<[u8; MAX_DATAGRAM]>,
    filled: Vec<Filled<D>>,
    /// The number of removed datagrams at the front of `filled`.
    removed: usize,
    slots: usize,
}

#[derive(Clone, Copy, Debug)]
struct Filled<D> {
    to: D,
    len: usize,
}

/// Consecutive datagrams to one address, all of full length except the last. A socket with generic segmentation offload
/// sends them with one system call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Train<'a, D = SocketAddr> {
    /// The destination.
    pub to: D,
    /// The datagrams, without gaps.
    pub bytes: &'a [u8],
    /// The number of datagrams.
    pub datagrams: usize,
}

impl<D: Copy + PartialEq> Slab<D> {
    /// Creates a slab of `slots` datagrams. A slot is allocated when it is first filled, and kept.
    pub fn new(slots: usize) -> Self {
        Self { bytes: Vec::new(), filled: Vec::with_capacity(slots), removed: 0, slots }
    }

    /// Removes the first `count` datagrams, because the socket took them or dropped them.
    pub fn remove(&mut self, count: usize) {
        self.removed += count;
        if self.removed >= self.filled.len() {
            self.removed = 0;
            self.filled.clear();
        }
    }

    /// Iterates over the datagrams in the order in which they were sealed.
    pub fn iter(&self) -> impl Iterator<Item = (D, &[u8])> {
        self.trains(1).map(|train| (train.to, train.bytes))
    }

    /// Iterates over the datagrams in the order in which they were sealed, in trains of at most `longest` datagrams.
    pub fn trains(&self, longest: usize) -> impl Iterator<Item = Train<'_, D>> {
        let mut next = self.removed;
        std::iter::from_fn(move || {
            let first = self.filled.get(next)?;
            let rest = &self.filled[next + 1..];
            let full = std::iter::once(first).chain(rest).take(longest.max(1) - 1);
            let joined = full.zip(rest).take_while(|(one, next)| one.len == MAX_DATAGRAM && next.to == first.to);
            let datagrams = 1 + joined.count();
            let last = next + datagrams - 1;
            let slots = self.bytes[next..=last].as_flattened();
            next = last + 1;
            let len = (datagrams - 1) * MAX_DATAGRAM + self.filled[last].len;
            Some(Train { to: first.to, bytes: &slots[..len], datagrams })
        })
    }

    /// Returns the number of datagrams.
    pub const fn len(&self) -> usize {
        self.filled.len() - self.removed
    }

    /// Whether there are no datagrams.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether no slot is free. Slots become free when all datagrams are removed.
    pub const fn is_full(&self) -> bool {
        self.filled.len() >= self.slots
    }

    /// Lets `write` fill the next slot. `write` returns the destination and the length, or `None` if it left the slot
    /// empty. Returns whether the slot was filled.
    pub(super) fn push(&mut self, write: impl FnOnce(&mut [u8; MAX_DATAGRAM]) -> Option<(D, usize)>) -> bool {
        let index = self.filled.len();
        if index == self.bytes.len() {
            self.bytes.push([0; MAX_DATAGRAM]);
        }
        let filled = write(&mut self.bytes[index]).map(|(to, len)| Filled { to, len });
        self.filled.extend(filled);
        filled.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, last], 9))
    }

    #[test]
    fn remaining_datagrams_stay_in_order() {
        let to = address(1);
        let mut slab = Slab::new(3);
        for byte in 1..=3 {
            assert!(!slab.is_full());
            assert!(slab.push(|slot| {
                slot[0] = byte;
                Some((to, 1))
            }));
        }
        assert!(slab.is_full());
        slab.remove(2);
        assert_eq!(slab.iter().collect::<Vec<_>>(), [(to, &[3][..])]);
        assert_eq!(slab.len(), 1);
        slab.remove(9);
        assert!(slab.is_empty() && !slab.is_full());
        assert!(!slab.push(|_| None));
        assert!(slab.is_empty());
    }

    #[test]
    fn a_train_ends_with_a_shorter_datagram_or_another_address() {
        let mut slab = Slab::new(9);
        for (to, len) in [(1, 7), (1, 1200), (1, 1200), (1, 9), (1, 1200), (2, 1200), (2, 1200), (2, 1200), (2, 5)] {
            assert!(slab.push(|_| Some((address(to), len))));
        }
        let lens = |longest| slab.trains(longest).map(|train| (train.datagrams, train.bytes.len())).collect::<Vec<_>>();
        assert_eq!(lens(50), [(1, 7), (3, 2409), (1, 1200), (4, 3605)]);
        assert_eq!(lens(2), [(1, 7), (2, 2400), (1, 9), (1, 1200), (2, 2400), (2, 1205)]);
        assert_eq!(lens(1).len(), 9);
    }
}
