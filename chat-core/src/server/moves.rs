//! How often the addresses of an account may change.
//!
//! Each change is published to all, and every peer challenges the new addresses. Without a limit, an account could
//! direct the challenges of a whole group at one third party after another.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::addresses::is_unobserved;
use crate::id::AccountId;
use crate::memory::Memory;
use crate::time::Mono;

/// The recent changes of addresses by account. They outlive sessions, so that a new session does not reset a pause.
#[derive(Debug)]
pub(super) struct Moves {
    interval: Duration,
    by_account: Memory<AccountId, Moving>,
}

/// The recent changes of one account.
#[derive(Debug, Default)]
struct Moving {
    /// When the addresses may change again.
    free_at: Mono,
    /// The pause after the last change.
    pause: Duration,
    /// The last unobserved address of IPv4 and of IPv6.
    unobserved: [Option<Unobserved>; 2],
}

/// An unobserved address that was published.
#[derive(Debug)]
struct Unobserved {
    ip: IpAddr,
    /// When another one of the same family may be published.
    until: Mono,
}

/// The addresses that an account may have now.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Permitted {
    pub(super) addresses: Vec<SocketAddr>,
    /// When more of the addresses may be permitted, if some are left out.
    pub(super) rest_at: Option<Mono>,
}

/// The longest pause between two changes. A client that changes networks all the time is reachable at its new address
/// after this time at the latest.
const MAX_PAUSE: Duration = Duration::from_secs(10);

/// The time without a change after which the pause is the shortest again.
const QUIET: Duration = Duration::from_secs(60);

/// The time between two unobserved addresses of one family. A router rarely gets another public address.
const UNOBSERVED_INTERVAL: Duration = Duration::from_secs(60);

/// The most accounts whose changes are remembered, a few megabytes.
const MAX_REMEMBERED: usize = 10_000;

impl Moves {
    /// No changes. `interval` is the shortest pause between two of them.
    pub(super) fn new(interval: Duration) -> Self {
        let life = MAX_PAUSE.max(interval) + QUIET.max(UNOBSERVED_INTERVAL);
        Self { interval, by_account: Memory::new(life, MAX_REMEMBERED) }
    }

    /// When the addresses of a session of `account` may change. In the past if there is no pause.
    pub(super) fn free_at(&self, now: Mono, account: AccountId) -> Mono {
        self.by_account.get(now, &account).map_or(Mono::ZERO, |moving| moving.free_at)
    }

    /// The addresses that `account`, whose connection comes from `observed`, may have now: all but those unobserved
    /// ones that come too early. If none is left, the observed address takes the place of the first. The caller
    /// publishes them.
    pub(super) fn permit(
        &mut self,
        now: Mono,
        account: AccountId,
        observed: IpAddr,
        addresses: &[SocketAddr],
    ) -> Permitted {
        let mut permitted = Permitted { addresses: Vec::new(), rest_at: None };
        for address in addresses {
            match self.permit_ip(now, account, observed, address.ip()) {
                Ok(()) => permitted.addresses.push(*address),
                Err(at) => permitted.rest_at = Some(permitted.rest_at.map_or(at, |other| at.min(other))),
            }
        }
        if permitted.addresses.is_empty() {
            permitted.addresses.extend(addresses.first().map(|first| SocketAddr::new(observed, first.port())));
        }
        permitted
    }

    /// The addresses of a session of `account` have changed. The next pause begins.
    pub(super) fn moved(&mut self, now: Mono, account: AccountId) {
        let moving = self.by_account.renew(now, account);
        let pause = if now < moving.free_at + QUIET { moving.pause * 2 } else { self.interval };
        moving.pause = pause.clamp(self.interval, MAX_PAUSE.max(self.interval));
        moving.free_at = now + moving.pause;
    }

    /// Permits one address. The error is the time when it may be permitted.
    fn permit_ip(&mut self, now: Mono, account: AccountId, observed: IpAddr, ip: IpAddr) -> Result<(), Mono> {
        if !is_unobserved(ip, observed) {
            return Ok(());
        }
        let last = &mut self.by_account.renew(now, account).unobserved[usize::from(ip.is_ipv6())];
        match last {
            Some(last) if last.ip == ip => Ok(()),
            Some(last) if now < last.until => Err(last.until),
            _ => {
                *last = Some(Unobserved { ip, until: now + UNOBSERVED_INTERVAL });
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: AccountId = AccountId::new(1);
    const OBSERVED: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 168, 1, 7));

    fn at(millis: u64) -> Mono {
        Mono::at(Duration::from_millis(millis))
    }

    fn moves() -> Moves {
        Moves::new(Duration::from_secs(1))
    }

    fn permit(moves: &mut Moves, seconds: u64, addresses: &[&str]) -> (Vec<String>, Option<Mono>) {
        let addresses: Vec<SocketAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
        let Permitted { addresses, rest_at } = moves.permit(at(seconds * 1_000), ALICE, OBSERVED, &addresses);
        (addresses.iter().map(ToString::to_string).collect(), rest_at)
    }

    #[test]
    fn the_pause_between_changes_doubles_and_a_quiet_minute_resets_it() {
        let mut moves = moves();
        let mut changes = Vec::new();
        for step in 0..600 {
            let now = at(step * 100);
            if moves.free_at(now, ALICE) <= now {
                moves.moved(now, ALICE);
                changes.push(step / 10);
            }
        }
        assert_eq!(changes, [0, 1, 3, 7, 15, 25, 35, 45, 55]);
        for (now, pause) in [(at(124_999), 10), (at(194_999), 1), (at(205_000), 2)] {
            moves.moved(now, ALICE);
            assert_eq!(moves.free_at(now, ALICE), now + Duration::from_secs(pause), "{now:?}");
        }
    }

    #[test]
    fn an_account_has_another_unobserved_address_once_a_minute() {
        let mut moves = moves();
        let mut different = Vec::new();
        for second in 0..180 {
            let address = format!("203.0.113.{second}:4000");
            let (addresses, rest_at) = permit(&mut moves, second, &[&address, "10.0.0.1:4000"]);
            assert_eq!(addresses.last().unwrap(), "10.0.0.1:4000");
            match rest_at {
                None => different.push(second),
                Some(at) => assert_eq!(at, self::at((second / 60 + 1) * 60_000)),
            }
        }
        assert_eq!(different, [0, 60, 120]);
    }

    #[test]
    fn an_unobserved_address_stays_permitted_with_any_port_and_families_are_independent() {
        let mut moves = moves();
        assert_eq!(permit(&mut moves, 0, &["203.0.113.1:4000"]).1, None);
        assert_eq!(permit(&mut moves, 1, &["203.0.113.1:4001", "[2001:db8::1]:4000"]).1, None);
        let two = ["203.0.113.2:4000", "[2001:db8::2]:4000", "10.0.0.1:4000"];
        assert_eq!(permit(&mut moves, 2, &two), (vec![two[2].to_owned()], Some(at(60_000))));
        let earlier = [two[0].to_owned(), two[2].to_owned()];
        assert_eq!(permit(&mut moves, 60, &two), (earlier.to_vec(), Some(at(61_000))));
        assert_eq!(permit(&mut moves, 61, &two), (two.map(str::to_owned).to_vec(), None));
    }

    #[test]
    fn the_observed_address_takes_the_place_of_unobserved_ones() {
        let mut moves = moves();
        permit(&mut moves, 0, &["203.0.113.1:4000"]);
        let (addresses, rest_at) = permit(&mut moves, 1, &["203.0.113.2:4001"]);
        assert_eq!((addresses, rest_at), (vec!["192.168.1.7:4001".to_owned()], Some(at(60_000))));
        for second in 2..60 {
            let observed = ["192.168.1.7:4001", "10.0.0.1:4000"];
            assert_eq!(permit(&mut moves, second, &observed), (observed.map(str::to_owned).to_vec(), None));
        }
    }
}
