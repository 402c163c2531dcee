//! The heartbeat of one connection: when the next is due, and when the connection counts as broken.

use std::collections::VecDeque;
use std::time::Duration;

use crate::time::{Mono, Now};
use crate::wire::control::Timings;

/// The shortest interval that a server can ask for. 10 ms: 100 heartbeats a second are cheap, and an interval of 0
/// would never let the client idle.
const MIN_INTERVAL: Duration = Duration::from_millis(10);

/// The longest interval that a server can ask for. 5 minutes: the client then notices within 20 minutes that the server
/// is gone.
const MAX_INTERVAL: Duration = Duration::from_mins(5);

/// The most unanswered heartbeats that are remembered. With the default times, the connection breaks after two.
const MAX_UNANSWERED: usize = 8;

/// Sends heartbeats at the server's interval and detects silence.
#[derive(Debug)]
pub(super) struct Heartbeat {
    interval: Duration,
    silence: Duration,
    next: Mono,
    broken_at: Mono,
    number: u32,
    unanswered: VecDeque<(u32, Now)>,
}

impl Heartbeat {
    /// Starts with a heartbeat that is due immediately, to estimate the server's clock.
    pub(super) fn new(timings: Timings, now: Mono) -> Self {
        let interval = Duration::from_millis(timings.heartbeat_ms.into()).clamp(MIN_INTERVAL, MAX_INTERVAL);
        // A silence time shorter than two intervals would break every connection.
        let silence = Duration::from_millis(timings.silence_ms.into()).clamp(2 * interval, 4 * MAX_INTERVAL);
        Self { interval, silence, next: now, broken_at: now + silence, number: 0, unanswered: VecDeque::new() }
    }

    /// Whether a heartbeat is due.
    pub(super) fn is_due(&self, now: Mono) -> bool {
        self.next <= now
    }

    /// Whether the server has been silent for too long.
    pub(super) fn is_broken(&self, now: Mono) -> bool {
        self.broken_at <= now
    }

    /// When the next heartbeat is due or the connection breaks, whichever comes first.
    pub(super) fn deadline(&self) -> Mono {
        self.next.min(self.broken_at)
    }

    /// Numbers a heartbeat that is sent now, and schedules the next.
    pub(super) fn send(&mut self, now: Now) -> u32 {
        self.number = self.number.wrapping_add(1);
        self.next = now.mono + self.interval;
        if self.unanswered.len() == MAX_UNANSWERED {
            self.unanswered.pop_front();
        }
        self.unanswered.push_back((self.number, now));
        self.number
    }

    /// Any frame from the server restarts the silence time.
    pub(super) fn restart_silence(&mut self, now: Mono) {
        self.broken_at = now + self.silence;
    }

    /// Matches a reply. Returns when the heartbeat was sent, or nothing if `number` is not outstanding.
    pub(super) fn take_answered(&mut self, number: u32) -> Option<Now> {
        let index = self.unanswered.iter().position(|(sent, _)| *sent == number)?;
        self.unanswered.remove(index).map(|(_, at)| at)
    }

    /// After a stall of the client: a heartbeat is due now, and the connection does not break before `deadline`.
    pub(super) fn extend_deadline(&mut self, now: Mono, deadline: Mono) {
        self.next = now;
        self.broken_at = self.broken_at.max(deadline);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn at(millis: u64) -> Now {
        Now { mono: Mono::at(Duration::from_millis(millis)), wall: Timestamp::from_millis(millis) }
    }

    fn heartbeat(heartbeat_ms: u32, silence_ms: u32) -> Heartbeat {
        Heartbeat::new(Timings { heartbeat_ms, silence_ms, grace_ms: 0 }, at(0).mono)
    }

    #[test]
    fn a_heartbeat_is_due_immediately_and_then_at_each_interval() {
        let mut heartbeat = heartbeat(10_000, 25_000);
        assert!(heartbeat.is_due(at(0).mono));
        assert_eq!(heartbeat.send(at(0)), 1);
        assert_eq!((heartbeat.is_due(at(9_999).mono), heartbeat.is_due(at(10_000).mono)), (false, true));
        assert_eq!(heartbeat.deadline(), at(10_000).mono);
    }

    #[test]
    fn the_silence_time_restarts_with_each_frame() {
        let mut heartbeat = heartbeat(10_000, 25_000);
        heartbeat.restart_silence(at(3_000).mono);
        assert_eq!((heartbeat.is_broken(at(27_999).mono), heartbeat.is_broken(at(28_000).mono)), (false, true));
    }

    #[test]
    fn a_reply_matches_one_outstanding_heartbeat_once() {
        let mut heartbeat = heartbeat(10_000, 25_000);
        let number = heartbeat.send(at(7));
        assert_eq!(heartbeat.take_answered(number + 1), None);
        assert_eq!(heartbeat.take_answered(number), Some(at(7)));
        assert_eq!(heartbeat.take_answered(number), None);
    }

    #[test]
    fn extreme_timings_are_clamped_and_memory_is_bounded() {
        let mut fastest = heartbeat(0, 0);
        for n in 0..100 {
            fastest.send(at(n));
        }
        assert_eq!(fastest.unanswered.len(), MAX_UNANSWERED);
        assert_eq!(fastest.next, at(109).mono);
        assert_eq!(fastest.broken_at, at(20).mono);
        assert_eq!(heartbeat(u32::MAX, u32::MAX).broken_at, Mono::ZERO + 4 * MAX_INTERVAL);
    }
}
