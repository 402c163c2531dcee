//! The nodes: the servers that share one journal, as its acts have left them.

use std::collections::BTreeMap;

use crate::id::{NodeId, Position};
use crate::journal::{NodeRow, NodeState};

/// What is known of each node. Empty at a server that is alone.
#[derive(Debug, Default)]
pub(in crate::server) struct Nodes {
    states: BTreeMap<NodeId, (Position, NodeState)>,
}

impl Nodes {
    /// Records what an act, or a slot of the journal, says about a node, unless something later is known.
    pub(super) fn set(&mut self, node: NodeId, position: Position, state: NodeState) {
        if self.position(node) < position {
            self.states.insert(node, (position, state));
        }
    }

    /// The last act that changed the node. 0 if there is none.
    pub(in crate::server) fn position(&self, node: NodeId) -> Position {
        self.states.get(&node).map_or(Position::new(0), |(position, _)| *position)
    }

    /// The nodes that have entered and are not lost.
    pub(in crate::server) fn alive(&self) -> impl Iterator<Item = (NodeId, &NodeRow)> {
        self.states.iter().filter_map(|(node, (_, state))| match state {
            NodeState::Joined(row) => Some((*node, row)),
            NodeState::Lost { .. } => None,
        })
    }

    /// The nodes that are lost.
    pub(in crate::server) fn lost(&self) -> impl Iterator<Item = (NodeId, Position, &NodeState)> {
        let all = self.states.iter().map(|(node, (position, state))| (*node, *position, state));
        all.filter(|(_, _, state)| matches!(state, NodeState::Lost { .. }))
    }

    /// Who the sessions of `node` belong to: the node itself, or the heir that is not lost itself.
    pub(super) fn heir(&self, node: NodeId) -> NodeId {
        let mut heir = node;
        // Heirs of forged acts may form a circle.
        for _ in 0..self.states.len() {
            match self.states.get(&heir) {
                Some((_, NodeState::Lost { heir: next })) => heir = *next,
                _ => break,
            }
        }
        heir
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heir_of_a_lost_heir_inherits_both() {
        let mut nodes = Nodes::default();
        let (node, at) = (NodeId::new, Position::new);
        (1..=3).for_each(|number| nodes.set(node(number), at(number), NodeState::Joined(NodeRow::default())));
        nodes.set(node(1), at(4), NodeState::Lost { heir: node(2) });
        nodes.set(node(1), at(1), NodeState::Joined(NodeRow::default()));
        assert_eq!((nodes.heir(node(1)), nodes.heir(node(3)), nodes.heir(node(9))), (node(2), node(3), node(9)));
        nodes.set(node(2), at(5), NodeState::Lost { heir: node(3) });
        assert_eq!((nodes.heir(node(1)), nodes.heir(node(2))), (node(3), node(3)));
        assert_eq!(nodes.alive().map(|(node, _)| node.get()).collect::<Vec<_>>(), [3]);
        nodes.set(node(3), at(6), NodeState::Lost { heir: node(1) });
        nodes.heir(node(1));
    }
}
