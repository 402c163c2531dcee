//! Who may register an account, and how often.

use std::time::Duration;

use super::config::{RegistrationPolicy, ServerConfig};
use super::limit::Limit;
use super::memory::Memory;
use crate::rate_limit::RateLimit;
use crate::source::Source;
use crate::time::Mono;
use crate::wire::control::{INVITATION, Login};
use crate::wire::rejection::Rejection;

/// Limits the rate of registrations, in all and from each source.
#[derive(Debug)]
pub(super) struct Registrations {
    all: RateLimit,
    sources: Memory<Source, RateLimit>,
}

const HOUR: Duration = Duration::from_secs(60 * 60);

impl Registrations {
    pub(super) fn new(config: &ServerConfig) -> Self {
        Self {
            all: per_hour(config.registrations_per_hour),
            sources: Memory::new(HOUR, config.throttle.max_remembered),
        }
    }

    /// Counts one registration from `from`.
    ///
    /// # Errors
    /// The limit that is reached, and the time to wait.
    pub(super) fn take(&mut self, now: Mono, from: Source, config: &ServerConfig) -> Result<(), (Limit, Duration)> {
        let mut source =
            self.sources.get(now, &from).copied().unwrap_or_else(|| per_hour(config.registrations_per_address));
        source.take(now).map_err(|wait| (Limit::RegistrationsPerAddress, wait))?;
        self.all.take(now).map_err(|wait| (Limit::Registrations, wait))?;
        *self.sources.renew(now, from) = source;
        Ok(())
    }
}

fn per_hour(most: u32) -> RateLimit {
    RateLimit::new(HOUR / most.max(1), most)
}

/// Judges a registration by the policy.
///
/// # Errors
/// [`Rejection::RegistrationClosed`] or [`Rejection::NotInvited`].
pub(super) fn check_policy(policy: &RegistrationPolicy, login: &Login<'_>) -> Result<(), Rejection> {
    match policy {
        RegistrationPolicy::Open => Ok(()),
        RegistrationPolicy::Closed => Err(Rejection::RegistrationClosed),
        RegistrationPolicy::Invited(invitation) => match login.extras.get(INVITATION) {
            Some(shown) if invitation.matches(shown) => Ok(()),
            _ => Err(Rejection::NotInvited),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(host: u8) -> Source {
        std::net::IpAddr::from([192, 0, 2, host]).into()
    }

    #[test]
    fn a_burst_passes_and_then_the_even_rate_applies() {
        let config =
            ServerConfig { registrations_per_hour: 3, registrations_per_address: 2, ..ServerConfig::default() };
        let mut registrations = Registrations::new(&config);
        let mut take = |minutes, host| {
            registrations
                .take(Mono::at(Duration::from_mins(minutes)), source(host), &config)
                .map_err(|(limit, wait)| (limit, wait.as_secs() / 60))
        };
        assert_eq!([take(0, 1), take(0, 1)], [Ok(()), Ok(())]);
        assert_eq!(take(0, 1), Err((Limit::RegistrationsPerAddress, 30)));
        assert_eq!(take(0, 2), Ok(()));
        assert_eq!(take(0, 3), Err((Limit::Registrations, 20)));
        assert_eq!(take(20, 3), Ok(()));
        assert_eq!(take(30, 1), Err((Limit::Registrations, 10)), "which did not count against its source");
        assert_eq!(take(40, 1), Ok(()));
        assert_eq!(take(41, 1), Err((Limit::RegistrationsPerAddress, 19)));
    }
}
