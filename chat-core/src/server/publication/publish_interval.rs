//! How often changes are published.

use std::time::Duration;

use crate::time::Mono;

/// The time between two publications. The first change after a pause is published immediately.
///
/// A broadcast costs about the same for each session that receives it, whatever it contains. So the interval grows with
/// the number of sessions, and shrinks with the number of pending changes. With a steady stream of changes it grows
/// with the square root of the number of sessions, which minimises the cost of broadcasting and waiting together (the
/// economic order quantity, F. W. Harris, 1913).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PublishInterval {
    /// The shortest interval. 25 ms, which nobody notices: the interval with up to fifty sessions.
    pub min: Duration,
    /// The interval for each session while few changes are pending. A broadcast takes some 15 us of processor time for
    /// each session, so at 500 us, people who come and go one by one cost at most a thirtieth of a processor. While
    /// many changes are pending the interval falls, to a fifth at the lowest. Most of the processor time then remains
    /// for the logins of a whole group. May be zero.
    pub per_session: Duration,
    /// The longest interval. A person who waits for another does not mind a second.
    pub max: Duration,
}

impl Default for PublishInterval {
    fn default() -> Self {
        Self { min: Duration::from_millis(25), per_session: Duration::from_micros(500), max: Duration::from_secs(1) }
    }
}

/// The largest factor by which many pending changes shorten the interval for each session.
const MOST_REDUCTION: u32 = 5;

/// With one change pending for each session, the interval is this many times `per_session`. With half as many changes
/// it is twice as long, and so on.
const IF_ALL_CHANGED: u32 = 30;

/// Changes count as many if there is at least one per this many sessions.
const SESSIONS_FOR_ONE_OF_MANY: usize = 20;

/// A storm of changes counts as over after this fraction of the interval without a change, and not before [`QUIET`].
const QUIET_PART: u32 = 4;

/// Clients that arrive together arrive less than this apart.
const QUIET: Duration = Duration::from_millis(10);

/// When changes were published, and what has happened since.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PublishSchedule {
    published_at: Option<Mono>,
    /// The number of changes that were published then.
    published: usize,
    /// The number of changes that are pending, and when the last of them was made.
    pending: usize,
    changed_at: Mono,
}

impl PublishSchedule {
    /// Records how many changes are pending.
    pub(super) fn set_pending(&mut self, now: Mono, pending: usize) {
        if pending > self.pending {
            self.changed_at = now;
        }
        self.pending = pending;
    }

    /// Records that the pending changes are published.
    pub(super) fn published(&mut self, now: Mono) {
        *self = Self { published_at: Some(now), published: self.pending, pending: 0, changed_at: now };
    }

    /// The time of the next publication to `sessions` sessions.
    pub(super) fn due(&self, config: &PublishInterval, sessions: usize) -> Mono {
        let Some(published_at) = self.published_at else { return self.changed_at };
        let per_session = |time: Duration| time.saturating_mul(u32::try_from(sessions).unwrap_or(u32::MAX));
        let least = per_session(config.per_session / MOST_REDUCTION).min(config.max).max(config.min);
        let most = per_session(config.per_session).min(config.max).max(least);
        let all_changed = per_session(config.per_session.saturating_mul(IF_ALL_CHANGED));
        let interval = all_changed / u32::try_from(self.pending.max(1)).unwrap_or(u32::MAX);
        let interval = interval.clamp(least, most);
        let at = published_at + interval;
        // The last changes of a storm need not wait for more.
        let are_many = self.published.max(self.pending).saturating_mul(SESSIONS_FOR_ONE_OF_MANY) >= sessions;
        if !are_many {
            return at;
        }
        let quiet = self.changed_at + (interval / QUIET_PART).max(QUIET);
        at.min(quiet.max(published_at + config.min))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Mono {
        Mono::at(Duration::from_millis(millis))
    }

    /// When the last of `changes`, made every `apart` ms from 0 ms on, is due with `sessions` sessions, after `before`
    /// changes were published at 0 ms.
    fn due(sessions: usize, before: usize, changes: usize, apart: u64) -> u64 {
        let mut schedule = PublishSchedule::default();
        schedule.set_pending(at(0), before);
        schedule.published(at(0));
        for number in 1..=changes {
            schedule.set_pending(at(number as u64 * apart), number);
        }
        let due = schedule.due(&PublishInterval::default(), sessions);
        u64::try_from(due.since(at(0)).as_millis()).unwrap()
    }

    #[test]
    fn a_small_room_publishes_every_25_ms() {
        assert_eq!(due(50, 1, 1, 24), 25);
        assert_eq!(due(50, 50, 50, 0), 25);
        assert_eq!(due(1, 0, 1, 1), 25);
    }

    #[test]
    fn few_changes_in_a_large_room_wait_longer_and_at_most_a_second() {
        assert_eq!(due(200, 1, 1, 1), 100);
        assert_eq!(due(1_000, 1, 1, 1), 500);
        assert_eq!(due(10_000, 1, 1, 1), 1_000);
        assert_eq!(due(1_000_000, 1, 1, 1), 1_000);
    }

    #[test]
    fn the_more_changes_are_pending_the_sooner_they_are_published() {
        assert_eq!(due(1_000, 1, 40, 10), 375);
        assert_eq!(due(1_000, 1, 150, 1), 100);
        assert_eq!(due(1_000, 1, 600, 0), 25, "changes that come together and are followed by none");
        assert_eq!(due(5_000, 1, 5_000, 1), 500, "but not at the expense of all other work");
    }

    #[test]
    fn the_last_changes_of_a_storm_are_published_when_it_is_over() {
        assert_eq!(due(1_000, 500, 1, 5), 5 + 125);
        assert_eq!(due(1_000, 500, 300, 0), 25);
        assert_eq!(due(10_000, 500, 1, 100), 100 + 250);
        assert_eq!(due(10_000, 499, 1, 100), 1_000, "too few changes for a storm");
        assert_eq!(due(10_000, 500, 1, 990), 1_000);
    }

    #[test]
    fn the_very_first_change_is_published_immediately() {
        let mut schedule = PublishSchedule::default();
        schedule.set_pending(at(7), 1);
        assert_eq!(schedule.due(&PublishInterval::default(), 1), at(7));
    }
}
