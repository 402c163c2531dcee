//! A table of peers, by session id and by index.
//!
//! A received datagram names a session id. Everything that the machine starts itself, such as timers and transmissions,
//! uses the index and needs no search.

use std::collections::BTreeMap;

use crate::id::SessionId;

/// The position of a peer in a [`PeerTable`]. It is reused after the peer is removed.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct PeerIndex(usize);

#[derive(Debug)]
pub(super) struct PeerTable<T> {
    peers: Vec<Option<T>>,
    free: Vec<PeerIndex>,
    by_session: BTreeMap<SessionId, PeerIndex>,
}

impl PeerIndex {
    /// The position in the table.
    pub(super) const fn get(self) -> usize {
        self.0
    }

    /// The index of the first peer, for tests.
    #[cfg(test)]
    pub(super) const FIRST: Self = Self(0);

    /// The index of the second peer, for tests.
    #[cfg(test)]
    pub(super) const SECOND: Self = Self(1);
}

impl<T> Default for PeerTable<T> {
    fn default() -> Self {
        Self { peers: Vec::new(), free: Vec::new(), by_session: BTreeMap::new() }
    }
}

impl<T> PeerTable<T> {
    /// Inserts or replaces the peer with this session id.
    pub(super) fn insert(&mut self, session: SessionId, peer: T) {
        let index = match self.index(&session).or_else(|| self.free.pop()) {
            Some(index) => index,
            None => {
                self.peers.push(None);
                PeerIndex(self.peers.len() - 1)
            }
        };
        self.peers[index.0] = Some(peer);
        self.by_session.insert(session, index);
    }

    pub(super) fn remove(&mut self, session: &SessionId) -> Option<T> {
        let index = self.by_session.remove(session)?;
        self.free.push(index);
        self.peers[index.0].take()
    }

    pub(super) fn get_mut(&mut self, index: PeerIndex) -> Option<&mut T> {
        self.peers.get_mut(index.0)?.as_mut()
    }

    /// Iterates over all peers in the order of their indices.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (PeerIndex, &mut T)> {
        let indexed = self.peers.iter_mut().enumerate();
        indexed.filter_map(|(index, peer)| peer.as_mut().map(|peer| (PeerIndex(index), peer)))
    }

    pub(super) fn get(&self, index: PeerIndex) -> Option<&T> {
        self.peers.get(index.0)?.as_ref()
    }

    /// Iterates over all peers in the order of their indices.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.peers.iter().flatten()
    }

    /// Returns the index of the peer with this session id.
    pub(super) fn index(&self, session: &SessionId) -> Option<PeerIndex> {
        self.by_session.get(session).copied()
    }

    /// Returns all indices in use, in the order of the session ids.
    pub(super) fn indices(&self) -> Vec<PeerIndex> {
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
    fn an_index_is_reused_after_its_peer_was_removed() {
        let mut table = PeerTable::default();
        table.insert(A, "a");
        table.insert(B, "b");
        let (a, b) = (table.index(&A).unwrap(), table.index(&B).unwrap());
        assert_eq!((a, b), (PeerIndex::FIRST, PeerIndex::SECOND));
        assert_eq!(table.remove(&A), Some("a"));
        assert_eq!((table.index(&A), table.get(a)), (None, None));
        assert_eq!(table.remove(&A), None);
        table.insert(C, "c");
        assert_eq!((table.index(&C), table.get(a), table.get(b)), (Some(a), Some(&"c"), Some(&"b")));
        assert_eq!(table.iter().copied().collect::<Vec<_>>(), ["c", "b"]);
        table.insert(C, "new");
        assert_eq!((table.get_mut(a).copied(), table.indices().len()), (Some("new"), 2));
    }
}
