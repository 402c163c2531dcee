//! Who may register an account, and how often.

use std::collections::BTreeMap;
use std::time::Duration;

use super::config::{RegistrationPolicy, ServerConfig};
use super::limit::Limit;
use super::pseudonyms::SourcePseudonym;
use crate::journal::{Hint, NetworkPseudonym};
use crate::memory::Memory;
use crate::rate_limit::RateLimit;
use crate::time::Mono;
use crate::wire::control::{INVITATION, Login};
use crate::wire::rejection::Rejection;

/// Limits the rate of registrations: the attempts of each source, and the accounts that are created in all.
///
/// A part of the accounts of an hour is reserved for newcomers: networks from which no account was registered within a
/// day. A few strangers with as many attempts as they like thus do not stop registration for everybody.
///
/// Servers that share a roster tell each other of registrations, so sources and networks are counted under pseudonyms.
#[derive(Debug)]
pub(super) struct Registrations {
    /// The accounts that were created.
    created: RateLimit,
    /// The number of accounts of an hour that only newcomers may create.
    reserved: u32,
    /// The registrations without a result. Each may still create an account.
    in_flight: BTreeMap<NetworkPseudonym, u32>,
    /// The attempts of each source.
    attempts: Memory<NetworkPseudonym, RateLimit>,
    /// The networks from which accounts were created.
    networks: Memory<NetworkPseudonym, ()>,
}

const HOUR: Duration = Duration::from_secs(60 * 60);

/// The time after which a network is a newcomer again.
const NEWCOMER_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// The part of the accounts that is reserved for newcomers: a quarter. Everybody else notices it only under attack.
const RESERVED_PART: u32 = 4;

impl Registrations {
    pub(super) fn new(config: &ServerConfig) -> Self {
        Self {
            created: per_hour(config.registrations_per_hour),
            reserved: config.registrations_per_hour / RESERVED_PART,
            in_flight: BTreeMap::new(),
            attempts: Memory::new(HOUR, config.throttle.max_remembered),
            networks: Memory::new(NEWCOMER_AFTER, config.throttle.max_remembered),
        }
    }

    /// Lets one registration from `from` begin. The caller must [end](Self::end) it.
    ///
    /// # Errors
    /// The limit that is reached, and the time to wait.
    pub(super) fn begin(
        &mut self,
        now: Mono,
        from: SourcePseudonym,
        config: &ServerConfig,
    ) -> Result<(), (Limit, Duration)> {
        let SourcePseudonym { source, widest } = from;
        let mut attempts = self.attempts_of(now, source, config);
        attempts.take(now).map_err(|wait| (Limit::RegistrationsPerAddress, wait))?;
        let is_newcomer = self.networks.get(now, &widest).is_none() && !self.in_flight.contains_key(&widest);
        let reserved = if is_newcomer { 0 } else { self.reserved };
        let mut created = self.created;
        created.count_many(now, self.in_flight.values().sum::<u32>().saturating_add(reserved));
        created.take(now).map_err(|wait| (Limit::Registrations, wait))?;
        *self.attempts.renew(now, source) = attempts;
        *self.in_flight.entry(widest).or_default() += 1;
        Ok(())
    }

    /// A registration is done.
    pub(super) fn end(&mut self, now: Mono, from: SourcePseudonym, outcome: Outcome) {
        match self.in_flight.get_mut(&from.widest) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(self.in_flight.remove(&from.widest)),
        }
        if outcome == Outcome::Created {
            self.created.count(now);
            self.networks.renew(now, from.widest);
        }
    }

    /// Counts a registration that another server has done. However many there are, somebody may register again after the
    /// time of one burst: an hour.
    pub(super) fn hinted(&mut self, now: Mono, hint: Hint, config: &ServerConfig) {
        let (source, widest) = match hint {
            Hint::Registered { source, widest } => (source, Some(widest)),
            Hint::NotRegistered { source } => (source, None),
            Hint::Right { .. } | Hint::Wrong { .. } | Hint::Taken { .. } => return,
        };
        let mut attempts = self.attempts_of(now, source, config);
        attempts.count_up_to_a_burst(now);
        *self.attempts.renew(now, source) = attempts;
        if let Some(widest) = widest {
            self.created.count_up_to_a_burst(now);
            self.networks.renew(now, widest);
        }
    }

    fn attempts_of(&self, now: Mono, source: NetworkPseudonym, config: &ServerConfig) -> RateLimit {
        let attempts = self.attempts.get(now, &source).copied();
        attempts.unwrap_or_else(|| per_hour(config.registrations_per_address))
    }
}

/// The result of a registration.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Outcome {
    Created,
    /// The name was taken, or the accounts refused for another reason.
    Refused,
}

impl Outcome {
    /// The hint for other servers about a registration from `from` with this outcome.
    pub(super) fn hint(self, from: SourcePseudonym) -> Hint {
        let SourcePseudonym { source, widest } = from;
        match self {
            Self::Created => Hint::Registered { source, widest },
            Self::Refused => Hint::NotRegistered { source },
        }
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
    use std::net::IpAddr;

    use super::*;
    use crate::server::TicketKey;

    fn source(network: u8, host: u8) -> SourcePseudonym {
        TicketKey::new([7; 32]).pseudonyms().source(IpAddr::from([192, 0, network, host]).into())
    }

    fn at(minutes: u64) -> Mono {
        Mono::at(Duration::from_mins(minutes))
    }

    /// Registers one account, and returns the limit that is reached and the minutes to wait.
    fn create(
        registrations: &mut Registrations,
        now: Mono,
        from: SourcePseudonym,
        config: &ServerConfig,
    ) -> Result<(), (Limit, u64)> {
        registrations.begin(now, from, config).map_err(|(limit, wait)| (limit, wait.as_secs() / 60))?;
        registrations.end(now, from, Outcome::Created);
        Ok(())
    }

    #[test]
    fn a_burst_passes_and_then_the_even_rate_applies() {
        let config =
            ServerConfig { registrations_per_hour: 3, registrations_per_address: 2, ..ServerConfig::default() };
        let mut registrations = Registrations::new(&config);
        let mut create = |minutes, host| create(&mut registrations, at(minutes), source(2, host), &config);
        assert_eq!([create(0, 1), create(0, 1)], [Ok(()), Ok(())]);
        assert_eq!(create(0, 1), Err((Limit::RegistrationsPerAddress, 30)));
        assert_eq!(create(0, 2), Ok(()));
        assert_eq!(create(0, 3), Err((Limit::Registrations, 20)));
        assert_eq!(create(20, 3), Ok(()));
        assert_eq!(create(30, 1), Err((Limit::Registrations, 10)), "which did not count against its source");
        assert_eq!(create(40, 1), Ok(()));
        assert_eq!(create(41, 1), Err((Limit::RegistrationsPerAddress, 19)));
    }

    #[test]
    fn taken_names_count_against_their_source_only() {
        let config =
            ServerConfig { registrations_per_hour: 1, registrations_per_address: 1, ..ServerConfig::default() };
        let mut registrations = Registrations::new(&config);
        for host in 1..=100 {
            assert_eq!(registrations.begin(at(0), source(2, host), &config), Ok(()));
            registrations.end(at(0), source(2, host), Outcome::Refused);
        }
        let refused = registrations.begin(at(0), source(2, 1), &config);
        assert!(matches!(refused, Err((Limit::RegistrationsPerAddress, _))), "{refused:?}");
        assert_eq!(create(&mut registrations, at(0), source(2, 101), &config), Ok(()));
    }

    #[test]
    fn registrations_in_flight_count_until_their_result_is_known() {
        let config = ServerConfig { registrations_per_hour: 3, ..ServerConfig::default() };
        let mut registrations = Registrations::new(&config);
        for host in 1..=3 {
            assert_eq!(registrations.begin(at(0), source(host, 1), &config), Ok(()));
        }
        let refused = registrations.begin(at(0), source(4, 1), &config);
        assert!(matches!(refused, Err((Limit::Registrations, _))), "{refused:?}");
        registrations.end(at(0), source(1, 1), Outcome::Refused);
        assert_eq!(registrations.begin(at(0), source(4, 1), &config), Ok(()));
        for host in 2..=4 {
            registrations.end(at(0), source(host, 1), Outcome::Refused);
        }
        assert!(registrations.in_flight.is_empty());
    }

    #[test]
    fn hints_stop_registrations_for_an_hour_at_most() {
        let config = ServerConfig::default();
        let mut registrations = Registrations::new(&config);
        let SourcePseudonym { source: here, widest } = source(1, 1);
        for _ in 0..10_000 {
            registrations.hinted(at(0), Hint::Registered { source: here, widest }, &config);
        }
        assert_eq!(registrations.attempts_of(at(59), here, &config).free_at(), at(60));
        assert_eq!(create(&mut registrations, at(59), source(2, 1), &config), Err((Limit::Registrations, 1)));
        assert_eq!(create(&mut registrations, at(61), source(2, 1), &config), Ok(()));
    }

    #[test]
    fn five_sources_do_not_stop_registration_for_newcomers() {
        let config = ServerConfig::default();
        let mut registrations = Registrations::new(&config);
        let mut by_attackers = 0;
        for host in 1..=5 {
            for _ in 0..200 {
                by_attackers += u32::from(create(&mut registrations, at(0), source(host, 1), &config).is_ok());
            }
        }
        assert_eq!(by_attackers, 751, "three quarters, and one because the fifth is a newcomer as well");
        let neighbour = create(&mut registrations, at(0), source(1, 2), &config);
        assert!(matches!(neighbour, Err((Limit::Registrations, _))), "its owner may be the same: {neighbour:?}");
        for network in 6..=105 {
            assert_eq!(create(&mut registrations, at(0), source(network, 1), &config), Ok(()), "newcomer {network}");
            let again = create(&mut registrations, at(0), source(network, 1), &config);
            assert!(matches!(again, Err((Limit::Registrations, _))), "one for each newcomer: {again:?}");
        }
        assert_eq!(registrations.begin(at(0), source(106, 1), &config), Ok(()));
        let parallel = registrations.begin(at(0), source(106, 2), &config);
        assert!(matches!(parallel, Err((Limit::Registrations, _))), "not two at once either: {parallel:?}");
        assert_eq!(create(&mut registrations, at(24 * 60 + 1), source(1, 1), &config), Ok(()));
    }
}
