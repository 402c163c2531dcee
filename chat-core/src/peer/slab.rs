//! Where sealed datagrams wait for the socket: slots in a row that are used again and again.

use std::net::SocketAddr;

use crate::wire::datagram::MAX_DATAGRAM;

/// A bounded row of sealed datagrams, first in, first out. What the socket does not take stays byte for byte, because
/// a packet number is spent once its datagram is sealed.
#[derive(Debug)]
pub struct Slab {
    /// As many slots as were ever filled at once.
    bytes: Vec<[u8; MAX_DATAGRAM]>,
    filled: Vec<Filled>,
    /// How many of `filled` are gone.
    gone: usize,
    slots: usize,
}

#[derive(Clone, Copy, Debug)]
struct Filled {
    to: SocketAddr,
    len: usize,
}

/// Datagrams to one address that stand in a row, all but the last of them of full length: what a system that cuts
/// packets up itself takes as one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Train<'a> {
    /// Where they go.
    pub to: SocketAddr,
    /// All of them, one behind the other.
    pub bytes: &'a [u8],
    /// How many they are.
    pub datagrams: usize,
}

impl Slab {
    /// A slab of `slots` datagrams; their memory is taken when they are first used and kept.
    pub fn new(slots: usize) -> Self {
        Self { bytes: Vec::new(), filled: Vec::with_capacity(slots), gone: 0, slots }
    }

    /// The datagrams that wait, in the order in which they were sealed.
    pub fn iter(&self) -> impl Iterator<Item = (SocketAddr, &[u8])> {
        self.trains(1).map(|train| (train.to, train.bytes))
    }

    /// The datagrams that wait, in the order in which they were sealed, in trains of at most `longest`.
    pub fn trains(&self, longest: usize) -> impl Iterator<Item = Train<'_>> {
        let mut next = self.gone;
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

    /// Removes the first `count`: the socket took them, or they are dropped.
    pub fn remove(&mut self, count: usize) {
        self.gone += count;
        if self.gone >= self.filled.len() {
            self.gone = 0;
            self.filled.clear();
        }
    }

    /// How many datagrams wait.
    pub const fn len(&self) -> usize {
        self.filled.len() - self.gone
    }

    /// Whether none waits.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether no slot is left; slots are free again when all datagrams are gone.
    pub const fn is_full(&self) -> bool {
        self.filled.len() >= self.slots
    }

    /// Lets `fill` write one datagram; if it gives its address and length the slot is filled.
    pub(super) fn push(&mut self, fill: impl FnOnce(&mut [u8; MAX_DATAGRAM]) -> Option<(SocketAddr, usize)>) -> bool {
        let index = self.filled.len();
        if index == self.bytes.len() {
            self.bytes.push([0; MAX_DATAGRAM]);
        }
        let filled = fill(&mut self.bytes[index]).map(|(to, len)| Filled { to, len });
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
    fn what_is_not_taken_stays_in_order() {
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
    fn full_datagrams_to_one_address_make_a_train_and_a_shorter_one_ends_it() {
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
