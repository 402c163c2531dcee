//! Limits how often sessions begin, and how often passwords are checked to begin one: each session costs every other
//! client two changes, and the operator two lines of the presence log; each check costs a fraction of a second of
//! processor time.

use std::time::Duration;

use super::config::ServerConfig;
use super::limit::Limit;
use crate::memory::Memory;
use crate::name::UserName;
use crate::rate_limit::RateLimit;
use crate::source::Source;
use crate::time::Mono;

/// The time after which an account may begin one more session once its burst is used up. A person rarely needs another
/// session that soon. At this rate one account needs a week for the number of sessions that a peer remembers.
const ACCOUNT_INTERVAL: Duration = Duration::from_secs(10);

/// The time after which a source may begin one more session once its burst is used up: even a busy office begins fewer.
const SOURCE_INTERVAL: Duration = Duration::from_secs(1);

/// The burst of a source, as a multiple of the connections that it may have: everybody behind it may lose the session
/// and log in again, twice.
const SOURCE_BURST: usize = 2;

/// The rates of the sessions that begin, for each account and each source. A session that continues does not count.
///
/// An attempt with a password counts against its source before the password is checked, so that right passwords do not
/// occupy the server either. Only a right one counts against the account, so that nobody can use up the rate of
/// another.
#[derive(Debug)]
pub(super) struct SessionRates {
    account: RateLimit,
    source: RateLimit,
    /// By user name, because an account is known only after the check.
    accounts: Memory<UserName, RateLimit>,
    sources: Memory<Source, RateLimit>,
}

/// The limit that is reached, and the time to wait.
pub(super) type Exceeded = (Limit, Duration);

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

    /// Whether an attempt from `source`, which may have to check a password of `user`, may be made. Counts nothing.
    ///
    /// # Errors
    /// The source has made too many attempts, or the account could not begin a session.
    pub(super) fn check(&self, now: Mono, user: &UserName, source: Source) -> Result<(), Exceeded> {
        self.account(now, user).take(now).map_err(|wait| (Limit::SessionsPerAccount, wait))?;
        self.source(now, source).take(now).map_err(|wait| (Limit::SessionsPerAddress, wait))
    }

    /// Counts an attempt from `source`, after its [check](Self::check).
    pub(super) fn count(&mut self, now: Mono, source: Source) {
        let mut of_source = self.source(now, source);
        if of_source.take(now).is_ok() {
            *self.sources.renew(now, source) = of_source;
        }
    }

    /// Checks and counts an attempt.
    ///
    /// # Errors
    /// See [`check`](Self::check).
    pub(super) fn attempt(&mut self, now: Mono, user: &UserName, source: Source) -> Result<(), Exceeded> {
        self.check(now, user, source)?;
        self.count(now, source);
        Ok(())
    }

    /// Counts a session of `user` that begins, after its [attempt](Self::attempt).
    ///
    /// # Errors
    /// The account has begun too many sessions.
    pub(super) fn begin(&mut self, now: Mono, user: &UserName) -> Result<(), Exceeded> {
        let mut of_account = self.account(now, user);
        of_account.take(now).map_err(|wait| (Limit::SessionsPerAccount, wait))?;
        *self.accounts.renew(now, user.clone()) = of_account;
        Ok(())
    }

    fn account(&self, now: Mono, user: &UserName) -> RateLimit {
        self.accounts.get(now, user).copied().unwrap_or(self.account)
    }

    fn source(&self, now: Mono, source: Source) -> RateLimit {
        self.sources.get(now, &source).copied().unwrap_or(self.source)
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

    fn user(name: &str) -> UserName {
        UserName::parse(name).unwrap()
    }

    fn log_in(rates: &mut SessionRates, now: Mono, user: &UserName, source: Source) -> Result<(), Exceeded> {
        rates.attempt(now, user, source).and_then(|()| rates.begin(now, user))
    }

    #[test]
    fn an_account_that_begins_sessions_in_a_loop_is_slowed_down_and_others_are_not() {
        let mut rates = SessionRates::new(&ServerConfig::default());
        let (mallory, alice) = (user("mallory"), user("alice"));
        let mut begun = 0;
        for second in 0..3_600 {
            for host in 1..=9 {
                begun += u32::from(log_in(&mut rates, at(second), &mallory, source(host)).is_ok());
            }
        }
        assert_eq!(begun, 20 + 359);
        let refused = rates.attempt(at(3_599), &mallory, source(1));
        assert!(matches!(refused, Err((Limit::SessionsPerAccount, _))), "{refused:?}");
        assert_eq!(log_in(&mut rates, at(3_599), &alice, source(1)), Ok(()));
    }

    #[test]
    fn many_accounts_behind_one_source_share_its_rate() {
        let mut rates = SessionRates::new(&ServerConfig::default());
        let names: Vec<_> = (0..2_000).map(|number| user(&format!("user{number}"))).collect();
        let begun = names.iter().filter(|name| log_in(&mut rates, at(0), name, source(1)).is_ok()).count();
        assert_eq!(begun, 2 * ServerConfig::default().max_connections_per_address);
        let late = user("late");
        assert_eq!(log_in(&mut rates, at(0), &late, source(2)), Ok(()));
        assert_eq!(log_in(&mut rates, at(1), &late, source(1)), Ok(()), "one more each second");
    }

    #[test]
    fn attempts_that_begin_no_session_count_against_their_source_only() {
        let mut rates = SessionRates::new(&ServerConfig::default());
        let alice = user("alice");
        let passed = (0..10_000).filter(|_| rates.attempt(at(0), &alice, source(1)).is_ok()).count();
        assert_eq!(passed, 2 * ServerConfig::default().max_connections_per_address);
        assert_eq!(log_in(&mut rates, at(0), &alice, source(2)), Ok(()));
    }
}
