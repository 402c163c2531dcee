//! Signs of life of the other nodes: which of them to declare lost.

use std::collections::BTreeMap;

use crate::id::NodeId;

/// A node is lost after as many rounds without a sign of life, each of which this node has passed itself. A journal that
/// stalls, or this node, stops the count. With a second between rounds this is longer than a pause of a virtual machine.
const LOST_AFTER: u32 = 6;

/// What the rounds so far have shown of each other node.
#[derive(Debug, Default)]
pub(super) struct Lives {
    nodes: BTreeMap<NodeId, Seen>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    count: u64,
    rounds: u32,
    /// Whether it has given a sign of life since the first round.
    has_lived: bool,
}

impl Lives {
    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.nodes.clear();
    }

    /// Counts a round. `nodes` are the others that are not lost, and `counts` their signs of life. Returns those that are
    /// lost.
    pub(super) fn round(&mut self, nodes: impl IntoIterator<Item = NodeId>, counts: &[(NodeId, u64)]) -> Vec<NodeId> {
        let counts: BTreeMap<NodeId, u64> = counts.iter().copied().collect();
        let mut seen = BTreeMap::new();
        for node in nodes {
            let count = counts.get(&node).copied().unwrap_or(0);
            let (rounds, has_lived) = match self.nodes.get(&node) {
                Some(before) if before.count == count => (before.rounds.saturating_add(1), before.has_lived),
                before => (0, before.is_some()),
            };
            seen.insert(node, Seen { count, rounds, has_lived });
        }
        self.nodes = seen;
        self.nodes.iter().filter(|(_, seen)| seen.rounds >= LOST_AFTER).map(|(node, _)| *node).collect()
    }

    /// The nodes that have given a sign of life between the rounds.
    pub(super) fn alive(&self) -> impl Iterator<Item = NodeId> {
        self.nodes.iter().filter(|(_, seen)| seen.has_lived).map(|(node, _)| *node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_lost_after_six_rounds_without_a_sign_of_life() {
        let (a, b, mut lives) = (NodeId::new(1), NodeId::new(2), Lives::default());
        for round in 0..20 {
            let lost = lives.round([a, b], &[(a, round), (b, round.min(9))]);
            assert_eq!(lost, if round < 15 { vec![] } else { vec![b] }, "{round}");
        }
        assert_eq!(lives.round([a, b], &[(a, 20), (b, 10)]), [], "it is back");
        assert_eq!(lives.alive().collect::<Vec<_>>(), [a, b]);
        lives.clear();
        lives.round([a, b], &[(a, 20), (b, 10)]);
        lives.round([a, b], &[(a, 21), (b, 10)]);
        assert_eq!(lives.alive().collect::<Vec<_>>(), [a], "one that has stopped before the first round");
        lives.clear();
        assert!((0..6).all(|_| lives.round([a], &[]).is_empty()));
        assert_eq!(lives.round([a], &[]), [a], "a node that never gave one");
    }
}
