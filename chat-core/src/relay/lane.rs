//! What waits for one recipient.

use std::collections::VecDeque;

use crate::id::SessionId;
use crate::time::Mono;

/// Datagrams of at most this length are acks and pings. Of one sender, they are dropped last.
pub const SMALL: usize = 64;

/// The memory that a datagram costs besides its bytes: its allocation, and its place in a queue that has grown.
const DATAGRAM: usize = 64;

/// The memory that each sender in a lane costs: its place, and the first places of its queue.
const SENDER: usize = 192;

/// The datagrams of all senders that wait for one recipient. An empty one has no memory.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// Those of which something waits.
    senders: Vec<Sender>,
    /// Whose turn it is.
    turn: usize,
    /// What they cost together.
    cost: usize,
}

/// What waits of one sender, in the order in which it was sent.
#[derive(Debug)]
struct Sender {
    id: SessionId,
    datagrams: VecDeque<Waiting>,
    /// How many of them are not [`SMALL`].
    large: usize,
    cost: usize,
}

#[derive(Debug)]
struct Waiting {
    since: Mono,
    datagram: Box<[u8]>,
}

impl Waiting {
    fn is_large(&self) -> bool {
        self.datagram.len() > SMALL
    }
}

impl Lane {
    pub(super) fn is_empty(&self) -> bool {
        self.senders.is_empty()
    }

    /// The number of datagrams.
    pub(super) fn len(&self) -> usize {
        self.senders.iter().map(|sender| sender.datagrams.len()).sum()
    }

    /// The bytes of memory. Zero if the lane is empty.
    pub(super) fn cost(&self) -> usize {
        self.cost
    }

    /// The time of the oldest datagram. `None` if the lane is empty.
    pub(super) fn since(&self) -> Option<Mono> {
        self.senders.iter().filter_map(|sender| sender.datagrams.front()).map(|oldest| oldest.since).min()
    }

    /// Returns the memory of a lane that has become empty.
    pub(super) fn free_if_empty(&mut self) {
        if self.is_empty() {
            *self = Self::default();
        }
    }

    /// Adds a datagram.
    pub(super) fn push(&mut self, now: Mono, from: SessionId, datagram: &[u8]) {
        let place = self.senders.iter().position(|sender| sender.id == from).unwrap_or_else(|| {
            self.cost += SENDER;
            self.senders.push(Sender { id: from, datagrams: VecDeque::new(), large: 0, cost: SENDER });
            self.senders.len() - 1
        });
        let sender = &mut self.senders[place];
        sender.cost += cost(datagram);
        let waiting = Waiting { since: now, datagram: datagram.into() };
        sender.large += usize::from(waiting.is_large());
        sender.datagrams.push_back(waiting);
        self.cost += cost(datagram);
    }

    /// Takes the oldest datagram of the sender whose turn it is.
    pub(super) fn pop(&mut self) -> Option<Box<[u8]>> {
        let senders = self.senders.len();
        let taken = self.remove(self.turn, 0)?;
        // If the sender has nothing left, another one has its place, and the turn.
        self.turn += usize::from(self.senders.len() == senders);
        self.end_round();
        Some(taken)
    }

    /// Drops the oldest datagram of the sender that has most here, or its oldest small one if it has no others. `false` if
    /// the lane is empty.
    pub(super) fn drop_one(&mut self) -> bool {
        let heaviest = (0..self.senders.len()).max_by_key(|place| self.senders[*place].cost);
        let Some(place) = heaviest else { return false };
        let Sender { datagrams, large, .. } = &self.senders[place];
        let oldest = if *large > 0 { datagrams.iter().position(Waiting::is_large) } else { Some(0) };
        let dropped = oldest.and_then(|oldest| self.remove(place, oldest));
        self.end_round();
        dropped.is_some()
    }

    fn end_round(&mut self) {
        if self.turn >= self.senders.len() {
            self.turn = 0;
        }
    }

    /// Removes one datagram, and its sender if that was the last one.
    fn remove(&mut self, place: usize, datagram: usize) -> Option<Box<[u8]>> {
        let sender = self.senders.get_mut(place)?;
        let removed = sender.datagrams.remove(datagram)?;
        sender.large -= usize::from(removed.is_large());
        let Waiting { datagram: removed, .. } = removed;
        sender.cost -= cost(&removed);
        self.cost -= cost(&removed);
        if sender.datagrams.is_empty() {
            self.cost -= SENDER;
            self.senders.swap_remove(place);
        }
        Some(removed)
    }
}

fn cost(datagram: &[u8]) -> usize {
    DATAGRAM + datagram.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const A: SessionId = SessionId::new(1);
    const B: SessionId = SessionId::new(2);

    fn all(lane: &mut Lane) -> Vec<u8> {
        std::iter::from_fn(|| lane.pop()).map(|datagram| datagram[0]).collect()
    }

    #[test]
    fn senders_take_turns_and_each_keeps_its_order() {
        let mut lane = Lane::default();
        for number in [1, 2, 3] {
            lane.push(Mono::ZERO, A, &[number]);
        }
        for number in [11, 12] {
            lane.push(Mono::ZERO, B, &[number]);
        }
        lane.push(Mono::ZERO, SessionId::new(3), &[21]);
        assert_eq!((lane.len(), lane.cost()), (6, 3 * SENDER + 6 * (DATAGRAM + 1)));
        assert_eq!(all(&mut lane), [1, 11, 21, 2, 12, 3]);
        assert_eq!((lane.len(), lane.cost(), lane.is_empty()), (0, 0, true));
    }

    #[test]
    fn a_lane_waits_since_its_oldest_datagram_came() {
        let at = |millis| Mono::at(std::time::Duration::from_millis(millis));
        let mut lane = Lane::default();
        assert_eq!(lane.since(), None);
        for (millis, from) in [(3, B), (5, A), (7, B)] {
            lane.push(at(millis), from, &[0]);
        }
        for millis in [3, 5, 7] {
            assert_eq!(lane.since(), Some(at(millis)));
            assert!(lane.pop().is_some());
        }
        assert_eq!(lane.since(), None);
    }

    #[test]
    fn the_sender_with_most_loses_its_oldest_and_small_ones_last() {
        let mut lane = Lane::default();
        lane.push(Mono::ZERO, A, &[1; SMALL]);
        lane.push(Mono::ZERO, A, &[2; SMALL + 1]);
        lane.push(Mono::ZERO, A, &[3; 1_200]);
        lane.push(Mono::ZERO, B, &[11; 1_200]);
        assert!(lane.drop_one());
        assert!(lane.drop_one(), "A has still more");
        assert_eq!(lane.senders[0].datagrams.iter().map(|waiting| waiting.datagram[0]).collect::<Vec<_>>(), [1]);
        assert!(lane.drop_one(), "B has more now");
        assert!(lane.drop_one(), "the small one is the last");
        assert!(!lane.drop_one() && lane.is_empty());
        assert_eq!(lane.cost(), 0);
    }

    #[test]
    fn a_flooding_sender_displaces_nothing_of_others() {
        let mut lane = Lane::default();
        for number in 0..10 {
            lane.push(Mono::ZERO, B, &[number; 300]);
        }
        for number in 0..1_000 {
            lane.push(Mono::ZERO, A, &[100; 1_200]);
            while lane.cost() > 64 * 1024 {
                assert!(lane.drop_one(), "{number}");
            }
        }
        let of_b: Vec<u8> = all(&mut lane).into_iter().filter(|number| *number < 100).collect();
        assert_eq!(of_b, (0..10).collect::<Vec<u8>>());
    }

    proptest! {
        #[test]
        fn the_cost_is_that_of_what_waits(
            steps in proptest::collection::vec((0..4_u8, 0..5_u64, 1..200_usize), 0..250),
        ) {
            let mut lane = Lane::default();
            let mut order = [0_u8; 5];
            let mut seen = [0_u8; 5];
            for (step, sender, len) in steps {
                match step {
                    0 | 1 => {
                        let at = sender as usize;
                        order[at] = order[at].wrapping_add(1);
                        let mut datagram = vec![order[at]; len.max(2)];
                        datagram[1] = at as u8;
                        lane.push(Mono::ZERO, SessionId::new(sender), &datagram);
                    }
                    2 => {
                        if let Some(datagram) = lane.pop() {
                            let at = datagram[1] as usize;
                            prop_assert!(datagram[0] > seen[at], "the order of each sender stays");
                            seen[at] = datagram[0];
                        }
                    }
                    _ => {
                        let had_some = !lane.is_empty();
                        prop_assert_eq!(lane.drop_one(), had_some);
                    }
                }
                let costs = lane.senders.iter().map(|sender| {
                    SENDER + sender.datagrams.iter().map(|waiting| cost(&waiting.datagram)).sum::<usize>()
                });
                prop_assert_eq!(lane.cost(), costs.sum::<usize>());
                prop_assert!(lane.senders.iter().all(|sender| !sender.datagrams.is_empty()));
                prop_assert!(lane.turn == 0 || lane.turn < lane.senders.len());
            }
        }
    }
}
