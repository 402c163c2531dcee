//! Which packets of a link arrived, and when their ack is due.

use std::time::Duration;

use super::config::{ACK_EVERY, MOST_NUMBER};
use crate::seal::ReplayWindow;
use crate::time::Mono;
use crate::wire::datagram::{Ack, MAX_RANGES, Range};

#[derive(Debug)]
pub(super) struct Received {
    window: ReplayWindow,
    /// Numbers below this belong to a time of which no more is known than that they are not new.
    floor: u64,
    largest_at: Mono,
    /// Packets since the last ack that ask for one.
    waiting: u32,
    due: Option<Mono>,
}

/// Whether a packet asks for an ack, and how long that may wait.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Wants {
    Nothing,
    AckWithin(Duration),
}

impl Received {
    /// Nothing yet; numbers below `next` count as seen.
    pub(super) const fn starting_at(next: u64) -> Self {
        Self { window: ReplayWindow::starting_at(next), floor: next, largest_at: Mono::ZERO, waiting: 0, due: None }
    }

    /// One more than the highest packet number that arrived.
    pub(super) const fn next(&self) -> u64 {
        self.window.next()
    }

    /// When the packet with the highest number arrived.
    pub(super) const fn largest_at(&self) -> Mono {
        self.largest_at
    }

    /// Whether `number` may be new.
    pub(super) const fn is_new(&self, number: u64) -> bool {
        number < MOST_NUMBER && !self.window.contains(number)
    }

    /// Enters a packet whose content is not believed, so that it is not opened again.
    pub(super) fn burn(&mut self, number: u64) {
        self.window.insert(number);
    }

    /// Enters a packet that has opened.
    pub(super) fn enter(&mut self, now: Mono, number: u64, wants: Wants) {
        let in_order = number == self.window.next() || self.window.next() == self.floor;
        if number >= self.window.next() {
            self.largest_at = now;
        }
        self.window.insert(number);
        if let Wants::AckWithin(delay) = wants {
            self.waiting += 1;
            let at_once = !in_order || self.waiting >= ACK_EVERY;
            self.ask(if at_once { now } else { now + delay });
        }
    }

    /// Asks for an ack at `at` or earlier, because there is something to tell.
    pub(super) fn ask(&mut self, at: Mono) {
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    /// When the next ack is due.
    pub(super) const fn due(&self) -> Option<Mono> {
        self.due
    }

    /// The packet side of an ack, if anything has arrived. From now on nothing is due.
    pub(super) fn ack(&mut self, now: Mono) -> Option<Ack> {
        self.due = None;
        self.waiting = 0;
        let mut ack = Ack::default();
        let mut below = None;
        for (low, high) in self.window.runs(self.floor).take(MAX_RANGES) {
            match below {
                None => ack.largest = high,
                Some(below) => ack.ranges.last_mut().expect("there is a run above").gap = below - high - 1,
            }
            ack.ranges.push(Range { length: high - low + 1, gap: 0 });
            below = Some(low);
        }
        ack.delay_us = u32::try_from(now.since(self.largest_at).as_micros()).unwrap_or(u32::MAX);
        below.map(|_| ack)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATER: Wants = Wants::AckWithin(Duration::from_millis(20));

    fn at(millis: u64) -> Mono {
        Mono::at(Duration::from_millis(millis))
    }

    #[test]
    fn an_ack_waits_a_while_in_order_and_leaves_at_once_on_a_gap() {
        let mut received = Received::starting_at(0);
        received.enter(at(0), 0, LATER);
        assert_eq!(received.due(), Some(at(20)));
        received.enter(at(5), 1, LATER);
        assert_eq!(received.due(), Some(at(20)));
        received.enter(at(6), 3, LATER);
        assert_eq!(received.due(), Some(at(6)));
        let ack = received.ack(at(7)).unwrap();
        assert_eq!((ack.largest, ack.delay_us), (3, 1000));
        assert_eq!(ack.runs().unwrap().as_slice(), [(3, 3), (0, 1)]);
        assert_eq!(received.due(), None);
    }

    #[test]
    fn every_eighth_packet_is_acked_at_once() {
        let mut received = Received::starting_at(0);
        (0..7).for_each(|number| received.enter(at(1), number, LATER));
        assert_eq!(received.due(), Some(at(21)));
        received.enter(at(2), 7, LATER);
        assert_eq!(received.due(), Some(at(2)));
    }

    #[test]
    fn acks_are_not_acked() {
        let mut received = Received::starting_at(0);
        received.enter(at(0), 0, Wants::Nothing);
        assert_eq!(received.due(), None);
        assert_eq!(received.ack(at(0)).unwrap().largest, 0);
    }

    #[test]
    fn a_resumed_link_acks_only_what_it_saw_itself() {
        let mut received = Received::starting_at(50);
        assert!(received.ack(at(0)).is_none());
        assert!(!received.is_new(49) && received.is_new(50));
        received.enter(at(0), 60, LATER);
        assert_eq!(received.due(), Some(at(20)), "nothing is known of what came before");
        assert_eq!(received.ack(at(0)).unwrap().runs().unwrap().as_slice(), [(60, 60)]);
    }
}
