//! The packets received on a link, and the time at which their ack is due.

use std::time::Duration;

use crate::peer::config::{ACK_EVERY, MAX_NUMBER};
use crate::seal::ReplayWindow;
use crate::time::Mono;
use crate::wire::datagram::{Ack, MAX_RANGES, Range};

#[derive(Debug)]
pub(super) struct ReceivedPackets {
    window: ReplayWindow,
    /// The lowest number that this link may acknowledge. Lower numbers belong to an earlier link: they count as received,
    /// although some may not have been.
    floor: u64,
    /// The time at which the packet with the highest number arrived.
    largest_at: Mono,
    /// Ack-eliciting packets since the last ack.
    unacked: u32,
    ack_due: Option<Mono>,
}

/// Whether a packet requests an ack, and for how long the ack may be delayed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum AckRequest {
    None,
    Within(Duration),
}

impl ReceivedPackets {
    /// Starts with no packets. Numbers below `next` count as received.
    pub(super) const fn starting_at(next: u64) -> Self {
        Self { window: ReplayWindow::starting_at(next), floor: next, largest_at: Mono::ZERO, unacked: 0, ack_due: None }
    }

    /// Records a packet whose content was processed, and schedules its ack.
    pub(super) fn insert(&mut self, now: Mono, number: u64, request: AckRequest) {
        let is_in_order = number == self.window.next() || self.window.next() == self.floor;
        if number >= self.window.next() {
            self.largest_at = now;
        }
        self.window.insert(number);
        if let AckRequest::Within(delay) = request {
            self.unacked += 1;
            let is_immediate = !is_in_order || self.unacked >= ACK_EVERY;
            self.schedule_ack(if is_immediate { now } else { now + delay });
        }
    }

    /// Records a packet whose content was rejected, so that it is not opened again.
    pub(super) fn mark_seen(&mut self, number: u64) {
        self.window.insert(number);
    }

    /// Schedules an ack at `at`, or earlier if one is scheduled already.
    pub(super) fn schedule_ack(&mut self, at: Mono) {
        self.ack_due = Some(self.ack_due.map_or(at, |due| due.min(at)));
    }

    /// Returns the packet part of an ack if any packet was received, and cancels the scheduled ack.
    pub(super) fn take_ack(&mut self, now: Mono) -> Option<Ack> {
        self.ack_due = None;
        self.unacked = 0;
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

    /// Whether a packet with this number may be new.
    pub(super) const fn is_new(&self, number: u64) -> bool {
        number < MAX_NUMBER && !self.window.contains(number)
    }

    /// Returns one more than the highest packet number received.
    pub(super) const fn next(&self) -> u64 {
        self.window.next()
    }

    /// Returns the time at which the packet with the highest number arrived.
    pub(super) const fn largest_at(&self) -> Mono {
        self.largest_at
    }

    /// Returns the time for which an ack is scheduled.
    pub(super) const fn ack_due(&self) -> Option<Mono> {
        self.ack_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATER: AckRequest = AckRequest::Within(Duration::from_millis(20));

    fn at(millis: u64) -> Mono {
        Mono::at(Duration::from_millis(millis))
    }

    #[test]
    fn an_ack_is_delayed_while_packets_arrive_in_order_and_due_immediately_after_a_gap() {
        let mut received = ReceivedPackets::starting_at(0);
        received.insert(at(0), 0, LATER);
        assert_eq!(received.ack_due(), Some(at(20)));
        received.insert(at(5), 1, LATER);
        assert_eq!(received.ack_due(), Some(at(20)));
        received.insert(at(6), 3, LATER);
        assert_eq!(received.ack_due(), Some(at(6)));
        let ack = received.take_ack(at(7)).unwrap();
        assert_eq!((ack.largest, ack.delay_us), (3, 1000));
        assert_eq!(ack.runs().unwrap().as_slice(), [(3, 3), (0, 1)]);
        assert_eq!(received.ack_due(), None);
    }

    #[test]
    fn the_eighth_packet_makes_an_ack_due_immediately() {
        let mut received = ReceivedPackets::starting_at(0);
        (0..7).for_each(|number| received.insert(at(1), number, LATER));
        assert_eq!(received.ack_due(), Some(at(21)));
        received.insert(at(2), 7, LATER);
        assert_eq!(received.ack_due(), Some(at(2)));
    }

    #[test]
    fn a_packet_without_request_schedules_no_ack() {
        let mut received = ReceivedPackets::starting_at(0);
        received.insert(at(0), 0, AckRequest::None);
        assert_eq!(received.ack_due(), None);
        assert_eq!(received.take_ack(at(0)).unwrap().largest, 0);
    }

    #[test]
    fn a_resumed_link_acknowledges_only_packets_that_it_received_itself() {
        let mut received = ReceivedPackets::starting_at(50);
        assert!(received.take_ack(at(0)).is_none());
        assert!(!received.is_new(49) && received.is_new(50));
        received.insert(at(0), 60, LATER);
        assert_eq!(received.ack_due(), Some(at(20)), "a gap before the first packet is not known to be one");
        assert_eq!(received.take_ack(at(0)).unwrap().runs().unwrap().as_slice(), [(60, 60)]);
    }
}
