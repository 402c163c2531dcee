//! How often the user of an account may go away and come back.
//!
//! Each change is published to all. Without a limit, one member could keep the roster of everybody changing.

use std::time::Duration;

use crate::id::AccountId;
use crate::memory::Memory;
use crate::rate_limit::RateLimit;
use crate::time::Mono;

/// The recent changes by account. They outlive sessions, so that a new session does not have a new burst.
#[derive(Debug)]
pub(super) struct AwayChanges {
    interval: Duration,
    by_account: Memory<AccountId, Option<RateLimit>>,
}

/// The changes that an account may make together: away, back, and a correction of each.
pub(super) const BURST: u32 = 4;

/// The most accounts whose changes are remembered, about a megabyte.
const MAX_REMEMBERED: usize = 10_000;

impl AwayChanges {
    /// No changes. `interval` is the time between two of them in the long run.
    pub(super) fn new(interval: Duration) -> Self {
        Self { interval, by_account: Memory::new(interval.saturating_mul(BURST), MAX_REMEMBERED) }
    }

    /// Counts a change of `account`.
    ///
    /// # Errors
    /// The time to wait until it may change. It does not count.
    pub(super) fn count(&mut self, now: Mono, account: AccountId) -> Result<(), Duration> {
        let new = RateLimit::new(self.interval, BURST);
        self.by_account.renew(now, account).get_or_insert(new).take(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_followed_by_the_even_rate_for_each_account() {
        let mut changes = AwayChanges::new(Duration::from_secs(10));
        let mut change = |second, account| {
            changes.count(Mono::at(Duration::from_secs(second)), AccountId::new(account)).map_err(|wait| wait.as_secs())
        };
        assert_eq!((0..4).map(|_| change(100, 1)).collect::<Vec<_>>(), [Ok(()); 4]);
        assert_eq!((change(100, 1), change(103, 1), change(103, 2)), (Err(10), Err(7), Ok(())));
        assert_eq!((change(110, 1), change(110, 1)), (Ok(()), Err(10)));
        assert_eq!((0..5).filter(|_| change(1_000, 1).is_ok()).count(), 4);
    }
}
