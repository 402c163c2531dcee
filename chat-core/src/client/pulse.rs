//! The heartbeat of one connection: when it is due, and when the server counts as gone.

use std::collections::VecDeque;
use std::time::Duration;

use crate::time::{Mono, Now};
use crate::wire::control::Timings;

/// The quickest heartbeat that a server can ask for: 100 a second cost little, and 0 would never let us rest.
const QUICKEST: Duration = Duration::from_millis(10);

/// The slowest one: a server that asks for less is still noticed to be gone.
const SLOWEST: Duration = Duration::from_mins(5);

/// How many heartbeats may be unanswered; the connection counts as broken long before, at the usual times after 2.
const UNANSWERED: usize = 8;

/// Heartbeats sent, and signs of life received.
#[derive(Debug)]
pub(super) struct Pulse {
    every: Duration,
    silence: Duration,
    next: Mono,
    broken_at: Mono,
    number: u32,
    unanswered: VecDeque<(u32, Now)>,
}

impl Pulse {
    /// Begins with a heartbeat that is due at once, for the estimate of the server's clock.
    pub(super) fn new(timings: Timings, now: Mono) -> Self {
        let every = Duration::from_millis(timings.heartbeat_ms.into()).clamp(QUICKEST, SLOWEST);
        // A server that breaks off before the second heartbeat would break every connection.
        let silence = Duration::from_millis(timings.silence_ms.into()).clamp(2 * every, 4 * SLOWEST);
        Self { every, silence, next: now, broken_at: now + silence, number: 0, unanswered: VecDeque::new() }
    }

    /// Whether a heartbeat is due.
    pub(super) fn is_due(&self, now: Mono) -> bool {
        self.next <= now
    }

    /// Whether the server has been silent for too long.
    pub(super) fn is_broken(&self, now: Mono) -> bool {
        self.broken_at <= now
    }

    /// The next of the two.
    pub(super) fn deadline(&self) -> Mono {
        self.next.min(self.broken_at)
    }

    /// Counts a heartbeat, which is sent now.
    pub(super) fn beat(&mut self, now: Now) -> u32 {
        self.number = self.number.wrapping_add(1);
        self.next = now.mono + self.every;
        if self.unanswered.len() == UNANSWERED {
            self.unanswered.pop_front();
        }
        self.unanswered.push_back((self.number, now));
        self.number
    }

    /// Something came from the server.
    pub(super) fn heard(&mut self, now: Mono) {
        self.broken_at = now + self.silence;
    }

    /// A heartbeat was answered: when it was sent, if it was one of ours.
    pub(super) fn answered(&mut self, number: u32) -> Option<Now> {
        let place = self.unanswered.iter().position(|(sent, _)| *sent == number)?;
        self.unanswered.remove(place).map(|(_, at)| at)
    }

    /// After a delay of our own: a heartbeat is due at once, and there is time for its answer until `until`.
    pub(super) fn forgive(&mut self, now: Mono, until: Mono) {
        self.next = now;
        self.broken_at = self.broken_at.max(until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn at(millis: u64) -> Now {
        Now { mono: Mono::at(Duration::from_millis(millis)), wall: Timestamp::from_millis(millis) }
    }

    fn pulse(heartbeat_ms: u32, silence_ms: u32) -> Pulse {
        Pulse::new(Timings { heartbeat_ms, silence_ms, grace_ms: 0 }, at(0).mono)
    }

    #[test]
    fn a_heartbeat_is_due_at_once_and_then_regularly() {
        let mut pulse = pulse(10_000, 25_000);
        assert!(pulse.is_due(at(0).mono));
        assert_eq!(pulse.beat(at(0)), 1);
        assert_eq!((pulse.is_due(at(9_999).mono), pulse.is_due(at(10_000).mono)), (false, true));
        assert_eq!(pulse.deadline(), at(10_000).mono);
    }

    #[test]
    fn silence_counts_from_the_last_sign_of_life() {
        let mut pulse = pulse(10_000, 25_000);
        pulse.heard(at(3_000).mono);
        assert_eq!((pulse.is_broken(at(27_999).mono), pulse.is_broken(at(28_000).mono)), (false, true));
    }

    #[test]
    fn an_answer_counts_once_and_only_to_a_heartbeat_of_ours() {
        let mut pulse = pulse(10_000, 25_000);
        let number = pulse.beat(at(7));
        assert_eq!(pulse.answered(number + 1), None);
        assert_eq!(pulse.answered(number), Some(at(7)));
        assert_eq!(pulse.answered(number), None);
    }

    #[test]
    fn absurd_limits_neither_spin_nor_wait_for_ever_nor_fill_memory() {
        let mut quick = pulse(0, 0);
        for n in 0..100 {
            quick.beat(at(n));
        }
        assert_eq!(quick.unanswered.len(), UNANSWERED);
        assert_eq!(quick.next, at(109).mono);
        assert_eq!(quick.broken_at, at(20).mono);
        assert_eq!(pulse(u32::MAX, u32::MAX).broken_at, Mono::ZERO + 4 * SLOWEST);
    }
}
