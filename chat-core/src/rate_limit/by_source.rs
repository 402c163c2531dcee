//! Rate limits for each source.

use std::time::Duration;

use super::RateLimit;
use crate::memory::Memory;
use crate::source::{Network, Source};
use crate::time::Mono;

/// How many times as much as the network inside it an IPv6 network may do: a /56 four times as much as a source, a /48
/// sixteen times. The owner of a /48 has 65,536 sources and must not have as many rates. Wider IPv4 networks usually
/// have many owners and are not limited.
const WIDER: u32 = 4;

/// The rates of one kind of event, for each source and for the IPv6 networks around it.
#[derive(Debug)]
pub struct SourceRates {
    per_second: u32,
    burst: u32,
    rates: Memory<Network, RateLimit>,
}

impl SourceRates {
    /// `per_second` events of each source in the long run, and up to `burst` together after a pause. Remembers at most
    /// `most` networks; beyond that, it forgets the one that was counted first.
    ///
    /// # Panics
    /// `per_second` is zero.
    pub fn new(per_second: u32, burst: u32, most: usize) -> Self {
        assert!(per_second > 0, "a rate of zero would not be remembered");
        // After this time, a whole burst is allowed again.
        let life = Duration::from_secs(1) * burst / per_second + Duration::from_secs(1);
        Self { per_second, burst, rates: Memory::new(life, most) }
    }

    /// Counts one event from `source` if its rate allows it.
    ///
    /// # Errors
    /// The time to wait. The event does not count.
    pub fn take(&mut self, now: Mono, source: Source) -> Result<(), Duration> {
        let mut taken = Vec::new();
        let mut factor = 1_u32;
        for network in source.owned_networks() {
            let fresh = || {
                let times = |number: u32| number.saturating_mul(factor);
                RateLimit::per_second(times(self.per_second), times(self.burst))
            };
            let mut rate = self.rates.get(now, &network).copied().unwrap_or_else(fresh);
            rate.take(now)?;
            taken.push((network, rate));
            factor = factor.saturating_mul(WIDER);
        }
        for (network, rate) in taken {
            *self.rates.renew(now, network) = rate;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn source(ip: &str) -> Source {
        ip.parse::<IpAddr>().unwrap().into()
    }

    fn at(seconds: u64) -> Mono {
        Mono::at(Duration::from_secs(seconds))
    }

    /// How many of many attempts at `second` pass that come from these sources in turn.
    fn passed(rates: &mut SourceRates, second: u64, sources: &[String]) -> usize {
        let attempts = sources.iter().cycle().take(10_000.max(sources.len()));
        attempts.filter(|ip| rates.take(at(second), source(ip)).is_ok()).count()
    }

    #[test]
    fn each_source_has_a_rate_of_its_own() {
        let mut rates = SourceRates::new(20, 100, 1_000);
        assert_eq!(passed(&mut rates, 0, &["192.0.2.1".into()]), 100);
        assert_eq!(passed(&mut rates, 0, &["192.0.2.2".into()]), 100, "a neighbour");
        assert_eq!(passed(&mut rates, 1, &["192.0.2.1".into()]), 20);
        assert_eq!(passed(&mut rates, 60, &["192.0.2.1".into()]), 100);
    }

    #[test]
    fn the_sources_of_one_ipv6_network_share_a_rate() {
        let mut rates = SourceRates::new(20, 100, 100_000);
        let home: Vec<_> = (0..256).map(|number| format!("2001:db8:1:{number:x}::1")).collect();
        assert_eq!(passed(&mut rates, 0, &home), 4 * 100);
        let site: Vec<_> = (0..65_536).map(|number| format!("2001:db8:2:{number:x}::1")).collect();
        assert_eq!(passed(&mut rates, 0, &site), 16 * 100);
        assert_eq!(passed(&mut rates, 1, &site), 16 * 20);
        assert_eq!(passed(&mut rates, 1, &["2001:db8:3::1".into()]), 100, "another site");
    }

    #[test]
    fn memory_is_bounded() {
        let mut rates = SourceRates::new(1, 1, 100);
        for number in 0..10_000 {
            assert_eq!(rates.take(at(0), source(&format!("10.0.{}.{}", number / 256, number % 256))), Ok(()));
        }
        assert!(format!("{rates:?}").matches("RateLimit").count() <= 100);
    }
}
