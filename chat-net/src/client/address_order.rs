//! The order in which a client tries the addresses of its servers.
//!
//! Several hosts, and a host with several addresses, may be several servers that share a roster. So their order is random,
//! and clients spread over the servers.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use chat_core::generator::Generator;

/// The addresses that have accepted a connection since the last session, which led to none: a server there may be hung, or
/// be away from the roster that it shares.
#[derive(Debug, Default)]
pub(super) struct Doubtful {
    /// Each with the place of its latest connection in their order.
    connections: BTreeMap<SocketAddr, u64>,
    /// The addresses of each server.
    servers: BTreeSet<Vec<SocketAddr>>,
}

impl Doubtful {
    /// Adds an address that has just accepted a connection.
    pub(super) fn add(&mut self, address: SocketAddr) {
        let place = self.connections.values().max().map_or(0, |latest| latest + 1);
        self.connections.insert(address, place);
    }

    pub(super) fn contains(&self, address: SocketAddr) -> bool {
        self.connections.contains_key(&address)
    }

    /// Whether the server at this address has accepted a connection, at this address or another one.
    pub(super) fn contains_server(&self, address: SocketAddr) -> bool {
        self.servers.iter().any(|server| server.contains(&address) && self.has_accepted(server))
    }

    /// Forgets all addresses except those of these hosts, which are all that there are.
    pub(super) fn keep(&mut self, hosts: &[Vec<SocketAddr>]) {
        self.connections.retain(|address, _| hosts.iter().flatten().any(|kept| kept == address));
        self.servers = hosts.iter().flat_map(|addresses| servers(addresses)).collect();
    }

    /// The number of servers that have not accepted a connection.
    pub(super) fn other_servers(&self) -> usize {
        self.servers.iter().filter(|server| !self.has_accepted(server)).count()
    }

    fn has_accepted(&self, server: &[SocketAddr]) -> bool {
        server.iter().any(|address| self.contains(*address))
    }

    pub(super) fn clear(&mut self) {
        self.connections.clear();
    }
}

/// The addresses of each server behind a host. An IPv4 and an IPv6 address belong to one server. More are of several
/// servers, as far as a client can tell.
fn servers(host: &[SocketAddr]) -> Vec<Vec<SocketAddr>> {
    let all: BTreeSet<SocketAddr> = host.iter().copied().collect();
    let is_pair = all.len() == 2 && all.iter().filter(|address| address.is_ipv6()).count() == 1;
    if is_pair { vec![all.into_iter().collect()] } else { all.into_iter().map(|address| vec![address]).collect() }
}

/// Orders the addresses of `hosts` for [`race::connect`](super::race::connect). `last`, at which the session was before, comes first. After it, the
/// hosts follow in random order. Within a host, the address families alternate, beginning with the family of its first
/// resolved address, and within a family the order is random. Those that are doubtful come last, the one with the latest
/// connection at the very end: so each has its turn, even if all are doubtful. Each address occurs once.
pub(super) fn order(
    mut hosts: Vec<Vec<SocketAddr>>,
    last: Option<SocketAddr>,
    doubtful: &Doubtful,
    generator: &mut impl Generator,
) -> Vec<SocketAddr> {
    shuffle(&mut hosts, generator);
    let mut ordered: Vec<SocketAddr> =
        last.into_iter().filter(|last| hosts.iter().flatten().any(|a| a == last)).collect();
    for host in hosts {
        for address in alternate(host, generator) {
            if !ordered.contains(&address) {
                ordered.push(address);
            }
        }
    }
    // Keeps the order of those that are not doubtful.
    ordered.sort_by_key(|address| doubtful.connections.get(address));
    ordered
}

/// The addresses of one host, whose families alternate.
fn alternate(resolved: Vec<SocketAddr>, generator: &mut impl Generator) -> Vec<SocketAddr> {
    let begins_with_ipv6 = resolved.first().is_some_and(SocketAddr::is_ipv6);
    let (mut first, mut second): (Vec<_>, Vec<_>) =
        resolved.into_iter().partition(|address| address.is_ipv6() == begins_with_ipv6);
    for family in [&mut first, &mut second] {
        family.sort_unstable();
        family.dedup();
        shuffle(family, generator);
    }
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut alternating = Vec::new();
    loop {
        let pair = [first.next(), second.next()];
        if pair == [None, None] {
            return alternating;
        }
        alternating.extend(pair.into_iter().flatten());
    }
}

/// Puts items into a random order (Fisher and Yates).
fn shuffle<T>(items: &mut [T], generator: &mut impl Generator) {
    for end in (1..items.len()).rev() {
        let chosen = generator.number() % (end as u64 + 1);
        items.swap(end, chosen as usize);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeSet;

    use super::*;

    pub(in crate::client) fn addresses(list: &[&str]) -> Vec<SocketAddr> {
        list.iter().map(|address| address.parse().unwrap()).collect()
    }

    pub(in crate::client) const SIX: [&str; 3] = ["[2001:db8::1]:7", "[2001:db8::2]:7", "[2001:db8::3]:7"];
    pub(in crate::client) const FOUR: [&str; 2] = ["192.0.2.1:7", "192.0.2.2:7"];

    /// The same numbers in each run.
    struct Counting(u64);

    impl Generator for Counting {
        fn fill(&mut self, out: &mut [u8]) {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let bytes = (self.0 >> 33).to_be_bytes();
            out.iter_mut().zip(bytes).for_each(|(out, byte)| *out = byte);
        }
    }

    fn doubtful(list: &[SocketAddr]) -> Doubtful {
        let mut doubtful = Doubtful::default();
        list.iter().for_each(|address| doubtful.add(*address));
        doubtful
    }

    #[test]
    fn families_of_a_host_alternate_and_the_last_address_comes_first() {
        let resolved = || addresses(&[SIX[0], SIX[1], SIX[2], FOUR[0], FOUR[1], SIX[0]]);
        let (last, none) = (addresses(&[FOUR[1]])[0], Doubtful::default());
        let mut first = BTreeSet::new();
        let mut random = Counting(1);
        for _ in 0..100 {
            let ordered = order(vec![resolved()], None, &none, &mut random);
            let families: Vec<bool> = ordered.iter().map(SocketAddr::is_ipv6).collect();
            assert_eq!(families, [true, false, true, false, true]);
            assert_eq!(ordered.iter().collect::<BTreeSet<_>>(), resolved().iter().collect(), "each once");
            first.insert(ordered[0]);
            let ordered = order(vec![resolved()], Some(last), &none, &mut random);
            assert_eq!((ordered[0], ordered.len()), (last, 5));
        }
        assert_eq!(
            first,
            addresses(&SIX).into_iter().collect(),
            "each of the preferred family comes first now and then"
        );
        let moved = order(vec![addresses(&[FOUR[0], SIX[0]])], Some(last), &none, &mut random);
        assert_eq!(moved, addresses(&[FOUR[0], SIX[0]]), "it moved away");
        assert_eq!(order(vec![Vec::new()], Some(last), &none, &mut random), []);
    }

    #[test]
    fn each_host_comes_first_now_and_then_whatever_its_family() {
        let hosts = || vec![addresses(&[SIX[0], FOUR[0]]), addresses(&[FOUR[1]]), addresses(&[SIX[1], FOUR[0]])];
        let mut random = Counting(1);
        let mut first = BTreeSet::new();
        for _ in 0..100 {
            let ordered = order(hosts(), None, &Doubtful::default(), &mut random);
            assert_eq!(ordered.len(), 4, "each once: {ordered:?}");
            first.insert(ordered[0]);
        }
        assert_eq!(first, addresses(&[SIX[0], SIX[1], FOUR[1]]).into_iter().collect());
    }

    #[test]
    fn an_address_without_a_session_comes_last() {
        let last = addresses(&[SIX[1]])[0];
        let some = doubtful(&addresses(&[SIX[1], FOUR[0]]));
        let ordered = order(vec![addresses(&[SIX[0], SIX[1], FOUR[0]])], Some(last), &some, &mut Counting(1));
        assert_eq!(ordered, addresses(&[SIX[0], SIX[1], FOUR[0]]));
        let alone = order(vec![addresses(&[SIX[1]])], Some(last), &some, &mut Counting(1));
        assert_eq!(alone, [last], "there is no other");
    }

    #[test]
    fn one_address_of_each_family_is_one_server_and_more_are_several() {
        let [pair, several, single] = [&[SIX[0], FOUR[0]][..], &[SIX[1], SIX[2], FOUR[1]], &[SIX[0]]].map(addresses);
        let mut doubtful = Doubtful::default();
        doubtful.keep(&[pair.clone(), several.clone()]);
        assert_eq!(doubtful.other_servers(), 4);
        doubtful.add(pair[0]);
        assert_eq!(doubtful.other_servers(), 3);
        assert!(doubtful.contains_server(pair[1]) && !doubtful.contains(pair[1]));
        doubtful.add(several[0]);
        assert_eq!(doubtful.other_servers(), 2);
        assert!(!doubtful.contains_server(several[2]));
        doubtful.keep(&[single.clone(), single]);
        assert_eq!(doubtful.other_servers(), 0, "two names of one address");
    }

    #[test]
    fn if_all_addresses_are_doubtful_each_has_its_turn() {
        let hosts = || addresses(&SIX).into_iter().map(|address| vec![address]).collect();
        let last = addresses(&SIX)[1];
        let (mut all, mut random) = (Doubtful::default(), Counting(1));
        let turns: Vec<SocketAddr> = (0..9)
            .map(|_| {
                let first = order(hosts(), Some(last), &all, &mut random)[0];
                all.add(first);
                first
            })
            .collect();
        assert_eq!(turns[0], last);
        assert_eq!(turns[..3].iter().collect::<BTreeSet<_>>().len(), 3, "{turns:?}");
        assert_eq!((&turns[3..6], &turns[6..]), (&turns[..3], &turns[..3]), "{turns:?}");
        all.keep(&[vec![last]]);
        assert!(all.contains(last) && !addresses(&[SIX[0], SIX[2]]).into_iter().any(|gone| all.contains(gone)));
    }
}
