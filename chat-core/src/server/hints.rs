//! Hints that this node has for the others: how attempts have ended here.

use std::collections::VecDeque;

use crate::id::NodeId;
use crate::journal::{GivenHint, Hint};

/// The hints that wait for the journal. While the journal is away there are none: they would be old when it is back, and
/// hardly anybody can log in meanwhile.
#[derive(Debug, Default)]
pub(super) struct Hints {
    waiting: VecDeque<Hint>,
    /// Whether a call is in flight. Hints that come meanwhile go with the next.
    in_flight: bool,
}

/// The most hints that wait. A call takes milliseconds, and a server checks some hundreds of passwords in a second. A wrong
/// invitation code needs no check, but slows down its source like a wrong password. Beyond that, the node drops the oldest.
const MAX_WAITING: usize = 256;

impl Hints {
    /// Adds a hint.
    pub(super) fn push(&mut self, hint: Hint) {
        if self.waiting.len() >= MAX_WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back(hint);
    }

    /// Drops the hints that wait.
    pub(super) fn drop_waiting(&mut self) {
        self.waiting.clear();
    }

    /// The hints for the next call, from this node. `None` while there are none, or a call is in flight.
    pub(super) fn send(&mut self, node: NodeId) -> Option<Vec<Vec<u8>>> {
        if self.in_flight || self.waiting.is_empty() {
            return None;
        }
        self.in_flight = true;
        Some(self.waiting.drain(..).map(|hint| GivenHint { node, hint }.encode()).collect())
    }

    /// The call is done. If it has failed, its hints are lost, which does no harm.
    pub(super) fn sent(&mut self) {
        self.in_flight = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::NetworkPseudonym;

    fn hint(number: u128) -> Hint {
        Hint::Taken { source: NetworkPseudonym::new(number.to_be_bytes()) }
    }

    #[test]
    fn one_call_is_in_flight_and_the_oldest_hints_of_too_many_are_dropped() {
        let node = NodeId::new(1);
        let given = |numbers: std::ops::Range<u128>| -> Vec<Vec<u8>> {
            numbers.map(|number| GivenHint { node, hint: hint(number) }.encode()).collect()
        };
        let mut hints = Hints::default();
        assert_eq!(hints.send(node), None);
        hints.push(hint(0));
        assert_eq!(hints.send(node), Some(given(0..1)));
        (1..=1_000).for_each(|number| hints.push(hint(number)));
        assert_eq!(hints.send(node), None, "one is in flight");
        hints.sent();
        assert_eq!(hints.send(node), Some(given(745..1_001)));
        hints.sent();
        hints.push(hint(1));
        hints.drop_waiting();
        assert_eq!(hints.send(node), None);
    }
}
