//! The acts that the journal still has when a node loads its slots: what has led to the roster that they describe.

use std::collections::VecDeque;

use crate::id::Position;
use crate::journal::Act;
use crate::time::Timestamp;

/// The latest acts, in order and without a gap.
#[derive(Debug)]
pub(in crate::server) struct Tail {
    last: Position,
    acts: VecDeque<(Timestamp, Act)>,
}

/// The most acts: as many as a journal keeps, some megabytes while the node enters.
const MAX_TAIL: usize = 20_000;

impl Tail {
    /// No acts, and the next read begins with the first that the journal still has.
    pub(in crate::server) fn new() -> Self {
        Self { last: Position::new(0), acts: VecDeque::new() }
    }

    /// The last act that was read. The next read begins behind it.
    pub(in crate::server) fn last(&self) -> Position {
        self.last
    }

    /// Adds the act at `position`. `None` is one that is unknown. What was before it, or before a gap, is of no use.
    pub(in crate::server) fn push(&mut self, position: Position, act: Option<(Timestamp, Act)>) {
        if position != self.last.next() || act.is_none() {
            self.acts.clear();
        }
        self.last = position;
        self.acts.extend(act);
        if self.acts.len() > MAX_TAIL {
            self.acts.pop_front();
        }
    }

    /// The acts with the times at which they were proposed.
    pub(in crate::server) fn into_acts(self) -> Vec<(Timestamp, Act)> {
        self.acts.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::NodeId;

    #[test]
    fn a_tail_has_no_gap_and_is_bounded() {
        let mut tail = Tail::new();
        let mut push = |number: u64, is_known: bool| {
            let (at, heir) = (Timestamp::from_millis(number), NodeId::new(1));
            tail.push(Position::new(number), is_known.then_some((at, Act::Left { heir })));
            tail.acts.iter().map(|(at, _)| at.as_millis()).collect::<Vec<_>>()
        };
        assert_eq!(push(5, true), [5]);
        assert_eq!(push(6, true), [5, 6]);
        assert_eq!(push(8, true), [8], "7 is missing");
        assert_eq!(push(9, true), [8, 9]);
        assert_eq!(push(10, false), [0; 0], "10 is unknown");
        assert_eq!(push(11, true), [11]);
        (12..30_000).for_each(|number| drop(push(number, true)));
        let all = push(30_000, true);
        assert_eq!((all.len(), all.first(), tail.last()), (MAX_TAIL, Some(&10_001), Position::new(30_000)));
    }
}
