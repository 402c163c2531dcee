//! Which packets are on the way, which are lost, and how many more may leave: RFC 9002 sections 6 and 7.

use std::collections::VecDeque;
use std::time::Duration;

use arrayvec::ArrayVec;

use super::config::{ACK_DELAY, MAX_QUEUED};
use super::rtt::Rtt;
use crate::time::Mono;
use crate::wire::Malformed;
use crate::wire::datagram::{Ack, MAX_DATAGRAM};

/// A packet that must be acknowledged.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) number: u64,
    pub(super) at: Mono,
    pub(super) size: usize,
    pub(super) items: ArrayVec<Item, MAX_ITEMS>,
}

/// The most runs of items that one packet carries; a datagram that would need more is closed before.
pub(super) const MAX_ITEMS: usize = 6;

/// What a packet carried that has to travel again if it is lost.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Item {
    /// Whole messages with numbers in a row.
    Whole { first: u64, last: u64 },
    /// A part of a message.
    Piece { number: u64, offset: u16, len: u16 },
    /// The notice that messages were given up.
    Skip,
    /// The refusals up to this message number.
    Refusals { up_to: u64 },
    /// The notice that what had arrived is gone.
    Missing,
}

#[derive(Debug)]
pub(super) struct Recovery {
    pub(super) rtt: Rtt,
    on_the_way: VecDeque<Sent>,
    bytes: usize,
    largest_acked: Option<u64>,
    /// When the latest packet that was acknowledged was sent.
    acked_at: Option<Mono>,
    /// Since when, by their times of sending, all packets were lost.
    losing_since: Option<Mono>,
    loss_at: Option<Mono>,
    window: usize,
    threshold: usize,
    /// Losses of packets sent before this belong to a congestion event that was answered already.
    recovering_since: Option<Mono>,
}

/// RFC 9002 section 6.1.1.
const REORDERING: u64 = 3;

/// RFC 9002 section 7.2.
const FIRST_WINDOW: usize = 10 * MAX_DATAGRAM;

/// RFC 9002 section 7.2.
const LEAST_WINDOW: usize = 2 * MAX_DATAGRAM;

/// RFC 9002 section 7.6.1: how many probe timeouts of losses alone mean that the path has changed.
const PERSISTENT: u32 = 3;

/// Beyond the room that any peer grants by default more window would be of no use.
const MOST_WINDOW: usize = 16 * 1024 * 1024;

/// More packets than the messages that may wait for one peer need, each in a packet of its own. A peer that never
/// acknowledges makes us keep no more than this for it.
const CROWD: usize = 2 * MAX_QUEUED;

impl Recovery {
    pub(super) const fn new() -> Self {
        Self {
            rtt: Rtt::new(),
            on_the_way: VecDeque::new(),
            bytes: 0,
            largest_acked: None,
            acked_at: None,
            losing_since: None,
            loss_at: None,
            window: FIRST_WINDOW,
            threshold: usize::MAX,
            recovering_since: None,
        }
    }

    /// Whether another full datagram may leave.
    pub(super) const fn has_window(&self) -> bool {
        self.bytes + MAX_DATAGRAM <= self.window
    }

    /// Whether another full datagram may leave after the next.
    pub(super) const fn has_window_for_more(&self) -> bool {
        self.bytes + 2 * MAX_DATAGRAM <= self.window
    }

    /// Whether no packet waits for its ack.
    pub(super) fn is_quiet(&self) -> bool {
        self.on_the_way.is_empty()
    }

    /// Gives back memory that is not in use.
    pub(super) fn shrink(&mut self) {
        self.on_the_way.shrink_to_fit();
    }

    /// Whether so many packets wait for their acks that those which need not be tracked are not.
    pub(super) fn is_crowded(&self) -> bool {
        self.on_the_way.len() >= CROWD
    }

    /// The oldest packet that waits for its ack.
    pub(super) fn oldest(&self) -> Option<&Sent> {
        self.on_the_way.front()
    }

    /// When packets may have to be declared lost.
    pub(super) const fn loss_deadline(&self) -> Option<Mono> {
        self.loss_at
    }

    pub(super) fn on_sent(&mut self, sent: Sent) {
        self.bytes += sent.size;
        self.on_the_way.push_back(sent);
    }

    /// Takes an ack in: `acked` gets the packets that it acknowledges for the first time, and `lost` those that count as
    /// lost by it.
    pub(super) fn on_ack(
        &mut self,
        now: Mono,
        ack: &Ack,
        mut acked: impl FnMut(&Sent),
        lost: impl FnMut(Sent),
    ) -> Result<(), Malformed> {
        let runs = ack.runs()?;
        let was_limited = self.bytes * 2 >= self.window;
        let mut bytes = 0;
        let (mut latest, mut newest) = (None, None);
        for (low, high) in runs {
            let from = self.on_the_way.partition_point(|sent| sent.number < low);
            let to = self.on_the_way.partition_point(|sent| sent.number <= high);
            for sent in self.on_the_way.drain(from..to) {
                bytes += sent.size;
                newest = newest.max(Some(sent.at));
                acked(&sent);
                if sent.number == ack.largest {
                    latest = Some(sent.at);
                }
                if was_limited && self.recovering_since.is_none_or(|since| sent.at > since) {
                    self.window +=
                        if self.window < self.threshold { sent.size } else { MAX_DATAGRAM * sent.size / self.window };
                }
            }
        }
        self.bytes -= bytes;
        self.window = self.window.min(MOST_WINDOW);
        let acked_before = self.acked_at;
        if let Some(at) = latest {
            self.rtt.sample(now.since(at), Duration::from_micros(ack.delay_us.into()));
        }
        if bytes > 0 {
            self.largest_acked = self.largest_acked.max(Some(ack.largest));
        }
        self.detect_losses(now, lost);
        if newest.is_some() {
            self.acked_at = acked_before.max(newest);
            self.losing_since = None;
        }
        Ok(())
    }

    /// Declares lost what is overdue.
    pub(super) fn detect_losses(&mut self, now: Mono, mut lost: impl FnMut(Sent)) {
        self.loss_at = None;
        let Some(largest) = self.largest_acked else { return };
        let delay = self.rtt.loss_delay();
        let mut last_lost: Option<Mono> = None;
        let mut index = 0;
        while let Some(sent) = self.on_the_way.get(index).filter(|sent| sent.number < largest) {
            if largest - sent.number >= REORDERING || sent.at + delay <= now {
                let sent = self.on_the_way.remove(index).expect("the index was just looked up");
                self.bytes -= sent.size;
                // Packets are lost in the order in which they were sent; an acknowledged one in between ends the row.
                if self.acked_at.is_none_or(|acked| sent.at > acked) {
                    self.losing_since.get_or_insert(sent.at);
                }
                last_lost = Some(sent.at);
                lost(sent);
            } else {
                let due = sent.at + delay;
                self.loss_at = Some(self.loss_at.map_or(due, |at| at.min(due)));
                index += 1;
            }
        }
        if let Some(at) = last_lost
            && self.recovering_since.is_none_or(|since| at > since)
        {
            self.recovering_since = Some(now);
            self.window = (self.window / 2).max(LEAST_WINDOW);
            self.threshold = self.window;
        }
        if let (Some(since), Some(at)) = (self.losing_since, last_lost)
            && at.since(since) >= self.rtt.probe_timeout(ACK_DELAY, 0) * PERSISTENT
        {
            self.window = LEAST_WINDOW;
            self.recovering_since = None;
            self.losing_since = None;
        }
    }

    /// Forgets what is on the way: it was given up.
    pub(super) fn clear(&mut self) {
        self.on_the_way.clear();
        self.bytes = 0;
        self.loss_at = None;
    }

    /// Moves what is on the way, because we were not running ourselves: the time asleep is no round trip.
    pub(super) fn shift(&mut self, by: Duration) {
        self.on_the_way.iter_mut().for_each(|sent| sent.at = sent.at + by);
        // These are compared with the times of what is on the way.
        for time in [&mut self.loss_at, &mut self.recovering_since, &mut self.acked_at, &mut self.losing_since] {
            *time = time.map(|at| at + by);
        }
    }

    /// Starts the estimates anew for another path.
    pub(super) fn restart(&mut self) {
        self.rtt = Rtt::new();
        self.window = FIRST_WINDOW;
        self.threshold = usize::MAX;
        self.recovering_since = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::datagram::Range;

    fn at(millis: u64) -> Mono {
        Mono::at(Duration::from_millis(millis))
    }

    fn sent(number: u64, millis: u64) -> Sent {
        let items = [Item::Whole { first: number, last: number }].into_iter().collect();
        Sent { number, at: at(millis), size: 100, items }
    }

    fn ack(largest: u64, ranges: &[(u64, u64)]) -> Ack {
        let ranges = ranges.iter().map(|&(length, gap)| Range { length, gap }).collect();
        Ack { largest, ranges, ..Ack::default() }
    }

    fn acked_and_lost(recovery: &mut Recovery, millis: u64, ack: &Ack) -> (Vec<u64>, Vec<u64>) {
        let (mut acked, mut lost) = (Vec::new(), Vec::new());
        recovery.on_ack(at(millis), ack, |sent| acked.push(sent.number), |sent| lost.push(sent.number)).unwrap();
        (acked, lost)
    }

    #[test]
    fn a_packet_is_lost_when_three_later_ones_arrived() {
        let mut recovery = Recovery::new();
        (0..5).for_each(|number| recovery.on_sent(sent(number, 0)));
        assert_eq!(acked_and_lost(&mut recovery, 10, &ack(2, &[(2, 0)])), (vec![1, 2], vec![]));
        assert_eq!(acked_and_lost(&mut recovery, 11, &ack(3, &[(3, 0)])), (vec![3], vec![0]));
        assert_eq!(recovery.bytes, 100);
    }

    #[test]
    fn a_packet_is_lost_when_it_is_overdue() {
        let mut recovery = Recovery::new();
        (0..2).for_each(|number| recovery.on_sent(sent(number, 0)));
        assert_eq!(acked_and_lost(&mut recovery, 80, &ack(1, &[(1, 0)])), (vec![1], vec![]));
        assert_eq!(recovery.loss_deadline(), Some(at(90)));
        let mut lost = Vec::new();
        recovery.detect_losses(at(89), |sent| lost.push(sent.number));
        assert!(lost.is_empty());
        recovery.detect_losses(at(90), |sent| lost.push(sent.number));
        assert_eq!(lost, [0]);
        assert!(recovery.is_quiet());
    }

    #[test]
    fn the_window_halves_once_per_congestion_event_and_has_a_floor() {
        let mut recovery = Recovery::new();
        (0..40).for_each(|number| recovery.on_sent(sent(number, 0)));
        acked_and_lost(&mut recovery, 10, &ack(20, &[(1, 0)]));
        let halved = recovery.window;
        assert!(halved <= FIRST_WINDOW / 2 + 100, "{halved}");
        acked_and_lost(&mut recovery, 11, &ack(39, &[(1, 0)]));
        assert_eq!(recovery.window, halved, "all were sent before the first loss was noticed");
        for round in 0..10 {
            let number = 100 + round * 10;
            (number..number + 5).for_each(|number| recovery.on_sent(sent(number, 1000 * (round + 1))));
            acked_and_lost(&mut recovery, 1000 * (round + 1) + 10, &ack(number + 4, &[(1, 0)]));
        }
        assert_eq!(recovery.window, LEAST_WINDOW);
    }

    #[test]
    fn the_window_grows_only_when_it_is_used() {
        let mut recovery = Recovery::new();
        recovery.on_sent(sent(0, 0));
        acked_and_lost(&mut recovery, 10, &ack(0, &[(1, 0)]));
        assert_eq!(recovery.window, FIRST_WINDOW);
        (1..=100).for_each(|number| recovery.on_sent(sent(number, 20)));
        acked_and_lost(&mut recovery, 30, &ack(100, &[(100, 0)]));
        assert_eq!(recovery.window, FIRST_WINDOW + 10_000);
    }

    #[test]
    fn when_everything_was_lost_for_long_the_window_starts_from_its_floor() {
        for (apart, collapses) in [(100, true), (5, false)] {
            let mut recovery = Recovery::new();
            recovery.on_sent(sent(0, 0));
            acked_and_lost(&mut recovery, 10, &ack(0, &[(1, 0)]));
            (1..20).for_each(|number| recovery.on_sent(sent(number, 20 + number * apart)));
            acked_and_lost(&mut recovery, 30 + 19 * apart, &ack(19, &[(1, 0)]));
            assert_eq!(recovery.window == LEAST_WINDOW, collapses, "{apart} ms apart: {}", recovery.window);
        }
    }

    #[test]
    fn time_asleep_is_no_persistent_congestion() {
        let mut recovery = Recovery::new();
        recovery.on_sent(sent(0, 0));
        acked_and_lost(&mut recovery, 10, &ack(0, &[(1, 0)]));
        (1..=6).for_each(|number| recovery.on_sent(sent(number, 20 + number)));
        // The first is overdue before we fall asleep, the others once we are awake.
        recovery.largest_acked = Some(6);
        recovery.on_the_way.retain(|sent| sent.number < 3);
        let mut lost = Vec::new();
        recovery.detect_losses(at(21 + 12), |sent| lost.push(sent.number));
        assert_eq!(lost, [1, 2]);
        recovery.on_sent(sent(7, 40));
        recovery.on_sent(sent(8, 40));
        recovery.shift(Duration::from_secs(60));
        recovery.largest_acked = Some(20);
        recovery.detect_losses(at(60_060), |sent| lost.push(sent.number));
        assert_eq!(lost, [1, 2, 7, 8]);
        assert!(recovery.window > LEAST_WINDOW, "{}", recovery.window);
    }

    #[test]
    fn one_that_arrived_in_between_is_no_persistent_congestion() {
        let mut recovery = Recovery::new();
        recovery.on_sent(sent(0, 0));
        acked_and_lost(&mut recovery, 10, &ack(0, &[(1, 0)]));
        (1..=2).for_each(|number| recovery.on_sent(sent(number, 20 + number * 100)));
        assert_eq!(acked_and_lost(&mut recovery, 235, &ack(2, &[(1, 0)])), (vec![2], vec![1]));
        recovery.on_sent(sent(3, 320));
        (4..20).for_each(|number| recovery.on_sent(sent(number, 330 + number)));
        assert_eq!(acked_and_lost(&mut recovery, 350, &ack(10, &[(1, 0)])).1, [3, 4, 5, 6, 7, 8]);
        assert!(recovery.window > LEAST_WINDOW);
    }

    #[test]
    fn who_never_acknowledges_makes_a_crowd_and_no_more() {
        let mut recovery = Recovery::new();
        let mut number = 0;
        while !recovery.is_crowded() {
            recovery.on_sent(sent(number, 0));
            number += 1;
        }
        assert_eq!(number, CROWD as u64);
    }

    #[test]
    fn an_ack_seen_twice_changes_nothing() {
        let mut recovery = Recovery::new();
        (0..2).for_each(|number| recovery.on_sent(sent(number, 0)));
        let ack = ack(1, &[(2, 0)]);
        assert_eq!(acked_and_lost(&mut recovery, 5, &ack).0, [0, 1]);
        assert_eq!(acked_and_lost(&mut recovery, 6, &ack), (vec![], vec![]));
    }
}
