//! Limits how often sessions begin: each costs every other client two changes, and the operator two lines of the
//! presence log.

use std::time::Duration;

use super::config::ServerConfig;
use super::limit::Limit;
use crate::memory::Memory;
use crate::id::AccountId;
use crate::rate_limit::RateLimit;
use crate::source::Source;
use crate::time::Mono;

/// The time after which an account may begin one more session once its burst is used up: a person who is there for that
/// long has a session. At this rate one account needs a week for the number of sessions that a peer remembers.
const ACCOUNT_INTERVAL: Duration = Duration::from_secs(10);

/// The same for a source: a busy office needs less.
const SOURCE_INTERVAL: Duration = Duration::from_secs(1);

/// The burst of a source, in connections that it may have: everybody behind it loses the session and logs in, some times.
const SOURCE_BURST: usize = 4;

/// The rates of the sessions that begin, for each account and each source. A session that continues does not count.
#[derive(Debug)]
pub(super) struct SessionRates {
    account: RateLimit,
    source: RateLimit,
    accounts: Memory<AccountId, RateLimit>,
    sources: Memory<Source, RateLimit>,
}

impl SessionRates {
    pub(super) fn new(config: &ServerConfig) -> Self {
        let per_account = config.sessions_per_account;
        let per_source = config.max_connections_per_address.saturating_mul(SOURCE_BURST);
        let per_source = u32::try_from(per_source).unwrap_or(u32::MAX);
        // After these times, a whole burst is allowed again.
        let (account_time, source_time) = (ACCOUNT_INTERVAL * per_account, SOURCE_INTERVAL * per_source);
        Self {
            account: RateLimit::new(ACCOUNT_INTERVAL, per_account),
            source: RateLimit::new(SOURCE_INTERVAL, per_source),
            accounts: Memory::new(account_time, config.max_sessions.max(config.throttle.max_remembered)),
            sources: Memory::new(source_time, config.throttle.max_remembered),
        }
    }

    /// Counts one session of `account` that begins from `source`.
    ///
    /// # Errors
    /// The limit that is reached, and the time to wait.
    pub(super) fn take(&mut self, now: Mono, account: AccountId, source: Source) -> Result<(), (Limit, Duration)> {
        let mut of_account = self.accounts.get(now, &account).copied().unwrap_or(self.account);
        let mut of_source = self.sources.get(now, &source).copied().unwrap_or(self.source);
        of_account.take(now).map_err(|wait| (Limit::SessionsPerAccount, wait))?;
        of_source.take(now).map_err(|wait| (Limit::SessionsPerAddress, wait))?;
        *self.accounts.renew(now, account) = of_account;
        *self.sources.renew(now, source) = of_source;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Mono {
        Mono::at(Duration::from_secs(seconds))
    }

    fn source(host: u8) -> Source {
        std::net::IpAddr::from([192, 0, 2, host]).into()
    }

    #[test]
    fn an_account_that_begins_sessions_in_a_loop_is_slowed_down_and_others_are_not() {
        let mut rates = SessionRates::new(&ServerConfig::default());
        let (mallory, alice) = (AccountId::new(1), AccountId::new(2));
        let mut begun = 0;
        for second in 0..3_600 {
            for host in 1..=9 {
                begun += u32::from(rates.take(at(second), mallory, source(host)).is_ok());
            }
        }
        assert_eq!(begun, 20 + 359);
        let refused = rates.take(at(3_599), mallory, source(1));
        assert!(matches!(refused, Err((Limit::SessionsPerAccount, _))), "{refused:?}");
        assert_eq!(rates.take(at(3_599), alice, source(1)), Ok(()));
    }

    #[test]
    fn many_accounts_behind_one_source_share_its_rate() {
        let mut rates = SessionRates::new(&ServerConfig::default());
        let begun = (0..2_000).filter(|id| rates.take(at(0), AccountId::new(*id), source(1)).is_ok()).count();
        assert_eq!(begun, 4 * ServerConfig::default().max_connections_per_address);
        assert_eq!(rates.take(at(0), AccountId::new(5_000), source(2)), Ok(()));
        assert_eq!(rates.take(at(1), AccountId::new(5_000), source(1)), Ok(()), "one more each second");
    }
}
