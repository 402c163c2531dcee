//! One candidate address of a path, and how much may be sent there before it is proven.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::SMALL_DATAGRAM;
use super::challenge_budget::{ChallengeBudget, Permission, Role};
use crate::generator::Generator;
use crate::peer::{Families, LinkLocal, Loopback, Reach};
use crate::roster::Entry;
use crate::time::Mono;

#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) to: SocketAddr,
    pub(super) source: Source,
    pub(super) proof: Proof,
    /// The bytes of the pings to this address. Other ones each time that the relay is used and it is asked again.
    pub(super) challenge: [u8; 8],
    /// The bytes of authentic datagrams from this address.
    pub(super) received: u64,
    /// The bytes sent to this address that count against those received.
    pub(super) sent: u64,
    /// The datagrams sent to this address before it was proven.
    pub(super) datagrams: u32,
    /// The challenges sent while the address was not the current one.
    pub(super) challenges: u32,
    pub(super) challenge_at: Option<Mono>,
    /// When the last challenge went there.
    pub(super) challenged_at: Mono,
}

/// The origin of a candidate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Source {
    /// The roster offers it.
    Offered,
    /// An authentic datagram came from it.
    Learned,
}

/// Whether a candidate has answered its challenge.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Proof {
    Pending,
    Proven,
}

/// The datagrams of any length that may go to an offered address before it is proven.
pub(super) const FREE_DATAGRAMS: u32 = 3;

/// Half the pause after the first challenge to an address. The pause doubles with each further challenge.
pub(super) const CHALLENGE_PAUSE: Duration = Duration::from_millis(250);

/// The bytes that may go to an unproven address for each byte received from it (RFC 9000 section 8).
const AMPLIFICATION: u64 = 3;

impl Candidate {
    pub(super) fn new(to: SocketAddr, source: Source, generator: &mut dyn Generator) -> Self {
        let mut challenge = [0; 8];
        generator.fill(&mut challenge);
        let (received, sent, datagrams, challenges) = (0, 0, 0, 0);
        let (proof, challenge_at, challenged_at) = (Proof::Pending, None, Mono::ZERO);
        Self { to, source, proof, challenge, received, sent, datagrams, challenges, challenge_at, challenged_at }
    }

    /// Challenges the address at `now` with new bytes, so that the answer tells its round-trip time. Whether it has answered
    /// before does not matter.
    pub(super) fn ask(&mut self, now: Mono, generator: &mut dyn Generator) {
        self.proof = Proof::Pending;
        generator.fill(&mut self.challenge);
        self.challenge_at = Some(now);
    }

    /// Counts a datagram of `len` bytes to this address.
    pub(super) fn on_sent(&mut self, now: Mono, len: usize, role: Role, budget: &mut ChallengeBudget) {
        if self.proof == Proof::Proven {
            return;
        }
        // Free and small datagrams to an offered address do not count against the bytes received while the budget lasts.
        // Otherwise two peers whose first datagrams were lost could not answer each other for a long time.
        let is_free = self.datagrams < FREE_DATAGRAMS || len <= SMALL_DATAGRAM;
        if self.source == Source::Learned || !is_free || budget.take(now, role).is_err() {
            self.sent += len as u64;
        }
        self.datagrams += 1;
    }

    /// Returns the largest datagram that may go to this address now, in bytes.
    pub(super) fn allowance(&self) -> usize {
        if self.proof == Proof::Proven || (self.source == Source::Offered && self.datagrams < FREE_DATAGRAMS) {
            return usize::MAX;
        }
        usize::try_from((self.received * AMPLIFICATION).saturating_sub(self.sent)).unwrap_or(usize::MAX)
    }

    /// Returns the pause before the next challenge.
    pub(super) fn pause(&self) -> Duration {
        CHALLENGE_PAUSE.saturating_mul(1 << self.challenges.min(16))
    }

    /// Returns whether a datagram of `len` bytes without messages may go to this address.
    pub(super) fn permission(&self, now: Mono, len: usize, role: Role, budget: &ChallengeBudget) -> Permission {
        match self.source {
            _ if self.allowance() >= len => Permission::Granted,
            Source::Offered => budget.permission(now, role),
            Source::Learned => Permission::Denied,
        }
    }
}

/// Returns the addresses of an entry that may be used, in canonical form: those within `reach` that have a port and are
/// neither unspecified nor multicast.
pub(in crate::peer) fn usable_addresses(entry: &Entry, reach: Reach) -> impl Iterator<Item = SocketAddr> {
    let canonical = entry.addresses.iter().map(|address| SocketAddr::new(address.ip().to_canonical(), address.port()));
    canonical.filter(move |address| is_usable(*address, reach)).take(Entry::MAX_ADDRESSES)
}

fn is_usable(address: SocketAddr, reach: Reach) -> bool {
    let ip = address.ip();
    let has_family = match ip {
        IpAddr::V4(_) => matches!(reach.families, Families::Both | Families::V4),
        IpAddr::V6(_) => matches!(reach.families, Families::Both | Families::V6),
    };
    let is_link_local = matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local());
    let is_within_reach = has_family
        && (!is_link_local || reach.link_local == LinkLocal::Allowed)
        && (!ip.is_loopback() || reach.loopback == Loopback::Allowed);
    let is_nowhere =
        ip.is_unspecified() || ip.is_multicast() || address.port() == 0 || address == Entry::HIDDEN_ADDRESS;
    is_within_reach && !is_nowhere
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_usable_within_reach() {
        let everything =
            Reach { loopback: Loopback::Allowed, families: Families::Both, link_local: LinkLocal::Allowed };
        for (address, narrower) in [
            ("127.0.0.1:4000", Reach { loopback: Loopback::Ignored, ..everything }),
            ("[::1]:4000", Reach { loopback: Loopback::Ignored, ..everything }),
            ("192.168.1.7:4000", Reach { families: Families::V6, ..everything }),
            ("[2001:db8::7]:4000", Reach { families: Families::V4, ..everything }),
            ("[fe80::7]:4000", Reach { families: Families::V4, ..everything }),
            ("192.168.1.7:4000", Reach { families: Families::Neither, ..everything }),
            ("[2001:db8::7]:4000", Reach { families: Families::Neither, ..everything }),
            ("[fe80::7]:4000", Reach { link_local: LinkLocal::Ignored, ..everything }),
        ] {
            let address = address.parse().unwrap();
            assert!(is_usable(address, everything) && !is_usable(address, narrower), "{address} {narrower:?}");
        }
        for nowhere in ["0.0.0.0:4000", "[::]:4000", "224.0.0.1:4000", "192.168.1.7:0", "[100::1]:1024"] {
            assert!(!is_usable(nowhere.parse().unwrap(), everything), "{nowhere}");
        }
    }
}
