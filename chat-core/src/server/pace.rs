//! How often everybody is told. A broadcast costs about as much for each who gets it, whatever is in it; so the more
//! there are, and the fewer changes wait, the longer these wait for each other.

use std::time::Duration;

use crate::time::Mono;

/// The pauses between broadcasts. The first change after a pause is told at once.
///
/// With a constant stream of changes the pause grows with the root of the number of sessions, which is where broadcasting
/// and waiting cost least together (as with the economic order quantity of F. W. Harris, 1913).
#[derive(Clone, Debug)]
pub struct PaceConfig {
    /// The least: 25 ms nobody notices, and it is all there is in a room of fifty.
    pub least: Duration,
    /// The least for each session, if that is more: a broadcast takes some 15 us of a processor for each, and while a
    /// whole room comes at once, most of the processors should be left to let it in. 100 us make a second of ten
    /// thousand.
    pub least_per_session: Duration,
    /// The pause if as many changes wait as there are sessions. With half as many it is twice as long, and so on.
    pub if_all_changed: Duration,
    /// The most for each session: in a room of up to two thousand, people who come and go one by one should not cost more
    /// than a thirtieth of a processor.
    pub most_per_session: Duration,
    /// The most: whoever waits for somebody does not mind a second.
    pub most: Duration,
}

impl Default for PaceConfig {
    fn default() -> Self {
        Self {
            least: Duration::from_millis(25),
            least_per_session: Duration::from_micros(100),
            if_all_changed: Duration::from_millis(15),
            most_per_session: Duration::from_micros(500),
            most: Duration::from_secs(1),
        }
    }
}

/// Changes are many if there are at most so many sessions for each.
const SESSIONS_FOR_ONE_OF_MANY: usize = 20;

/// Many changes have stopped coming if there was none for this part of the pause, and at least for [`QUIET`].
const QUIET_PART: u32 = 4;

/// People who come at once come within less of each other.
const QUIET: Duration = Duration::from_millis(10);

/// When everybody was told, and what has happened since.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    told_at: Option<Mono>,
    /// How many changes were told then.
    told: usize,
    /// How many wait, and when the last of them came.
    untold: usize,
    changed_at: Mono,
}

impl Pace {
    /// So many changes wait now.
    pub(super) fn wait(&mut self, now: Mono, untold: usize) {
        if untold > self.untold {
            self.changed_at = now;
        }
        self.untold = untold;
    }

    /// They are told.
    pub(super) fn told(&mut self, now: Mono) {
        *self = Self { told_at: Some(now), told: self.untold, untold: 0, changed_at: now };
    }

    /// When `sessions` may be told next; of nothing new, if somebody waits for that.
    pub(super) fn due(&self, config: &PaceConfig, sessions: usize) -> Mono {
        let Some(told_at) = self.told_at else { return self.changed_at };
        let each = |time: Duration| time.saturating_mul(u32::try_from(sessions).unwrap_or(u32::MAX));
        let least = each(config.least_per_session).min(config.most).max(config.least);
        let most = each(config.most_per_session).min(config.most).max(least);
        let wanted = each(config.if_all_changed) / u32::try_from(self.untold.max(1)).unwrap_or(u32::MAX);
        let pause = wanted.clamp(least, most);
        let at = told_at + pause;
        // What a storm leaves behind needs not wait for more.
        let are_many = self.told.max(self.untold).saturating_mul(SESSIONS_FOR_ONE_OF_MANY) >= sessions;
        if !are_many {
            return at;
        }
        let quiet = self.changed_at + (pause / QUIET_PART).max(QUIET);
        at.min(quiet.max(told_at + config.least))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Mono {
        Mono::at(Duration::from_millis(millis))
    }

    /// When the last of `changes`, one every `apart` ms from 0 ms on, is due at the latest for so many sessions that were
    /// told of `before` at 0 ms.
    fn due(sessions: usize, before: usize, changes: usize, apart: u64) -> u64 {
        let mut pace = Pace::default();
        pace.wait(at(0), before);
        pace.told(at(0));
        for number in 1..=changes {
            pace.wait(at(number as u64 * apart), number);
        }
        let due = pace.due(&PaceConfig::default(), sessions);
        u64::try_from(due.since(at(0)).as_millis()).unwrap()
    }

    #[test]
    fn a_room_is_told_every_25_ms_at_most() {
        assert_eq!(due(50, 1, 1, 24), 25);
        assert_eq!(due(50, 50, 50, 0), 25);
        assert_eq!(due(1, 0, 1, 1), 25);
    }

    #[test]
    fn few_changes_for_many_wait_longer_and_never_longer_than_a_second() {
        assert_eq!(due(200, 1, 1, 1), 100);
        assert_eq!(due(1_000, 1, 1, 1), 500);
        assert_eq!(due(10_000, 1, 1, 1), 1_000);
        assert_eq!(due(1_000_000, 1, 1, 1), 1_000);
    }

    #[test]
    fn the_more_changes_wait_the_sooner_they_are_told() {
        assert_eq!(due(1_000, 1, 40, 10), 375);
        assert_eq!(due(1_000, 1, 150, 1), 100);
        assert_eq!(due(1_000, 1, 600, 0), 25, "those who came at once, and nobody else did");
        assert_eq!(due(5_000, 1, 5_000, 1), 500, "and not at the cost of everything else");
    }

    #[test]
    fn what_a_storm_leaves_behind_is_told_when_it_is_over() {
        assert_eq!(due(1_000, 500, 1, 5), 5 + 125);
        assert_eq!(due(1_000, 500, 300, 0), 25);
        assert_eq!(due(10_000, 500, 1, 100), 100 + 250);
        assert_eq!(due(10_000, 499, 1, 100), 1_000, "that was none");
        assert_eq!(due(10_000, 500, 1, 990), 1_000);
    }

    #[test]
    fn the_first_change_of_all_is_told_at_once() {
        let mut pace = Pace::default();
        pace.wait(at(7), 1);
        assert_eq!(pace.due(&PaceConfig::default(), 1), at(7));
    }
}
