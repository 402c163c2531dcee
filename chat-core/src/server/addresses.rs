//! Which of the offered addresses enter the roster. No client may direct the datagrams of a group at a third party.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use crate::roster::Entry;
use crate::wire::control::{Offer, OfferPolicy};
use crate::wire::rejection::Rejection;

/// How far the server trusts that an observed address is the client's own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Credibility {
    /// It is the best address of the client that the server knows.
    Trusted,
    /// It seems to be the address of a forwarder. The offered addresses are better.
    Doubted,
    /// The operator says that it is the address of a forwarder.
    Ignored,
}

/// The addresses of a session whose connection comes from `observed`, best first.
///
/// The observed address comes first if it is trusted and the user has advertised no others. The server leaves out
/// addresses to which no datagram can be sent, ports below 1024, loopback addresses unless the connection itself uses
/// one, and public addresses that are neither observed nor advertised, unless the observed address is that of a
/// forwarder. Of unobserved addresses, one IP address of each family is accepted. Loopback addresses come last, because
/// only peers on the same machine can use them.
///
/// # Errors
/// [`Rejection::Addresses`] if none is left.
pub(super) fn choose(
    offer: &Offer,
    observed: SocketAddr,
    credibility: Credibility,
) -> Result<Vec<SocketAddr>, Rejection> {
    use Credibility::{Doubted, Ignored, Trusted};
    let observed = canonical(observed).ip();
    let is_detected = offer.policy == OfferPolicy::Detected;
    let added = match credibility {
        Trusted => is_detected,
        // No peer reaches a client at a loopback address that the client does not offer.
        Doubted => is_detected && !observed.is_loopback(),
        Ignored => false,
    };
    let added = added.then(|| SocketAddr::new(observed, offer.port));
    let offered = offered(offer);
    let all: Vec<SocketAddr> = match credibility {
        Trusted => added.into_iter().chain(offered).collect(),
        Doubted | Ignored => offered.chain(added).collect(),
    };
    let mut chosen: Vec<SocketAddr> = Vec::new();
    for address in all {
        let ip = address.ip();
        let may_be_public = !is_detected || credibility != Trusted || ip == observed || !is_public(ip);
        let may_be_loopback = !ip.is_loopback() || observed.is_loopback();
        // One offer names at most one third party of each family.
        let may_be_unobserved = !is_unobserved(ip, observed)
            || !chosen
                .iter()
                .map(SocketAddr::ip)
                .any(|other| other != ip && other.is_ipv4() == ip.is_ipv4() && is_unobserved(other, observed));
        let is_accepted = address.port() >= Entry::LOWEST_PORT
            && is_unicast(ip)
            && may_be_public
            && may_be_loopback
            && may_be_unobserved;
        if is_accepted && !chosen.contains(&address) {
            chosen.push(address);
        }
    }
    if is_detected {
        chosen.sort_by_key(|address| address.ip().is_loopback());
    }
    if chosen.is_empty() { Err(Rejection::Addresses) } else { Ok(chosen) }
}

/// How a client's offer contradicts its observed address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Contradiction {
    /// An address that other machines can use, and that the client offers.
    pub(super) other: IpAddr,
    pub(super) evidence: Evidence,
}

/// How certain the conclusion from a contradiction is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Evidence {
    /// A forwarder is in between: the client connected to its own machine, or the server observes a loopback address.
    Certain,
    /// The client does not have the observed address, which may still be that of its own router.
    Circumstantial,
}

/// Compares the addresses that a client has detected with the one that the server observes.
pub(super) fn contradiction(offer: &Offer, observed: IpAddr) -> Option<Contradiction> {
    if offer.policy == OfferPolicy::Advertised {
        return None;
    }
    let other = offered(offer).map(|address| address.ip()).find(|ip| !ip.is_loopback() && is_unicast(*ip))?;
    // A client offers a loopback address if its own end of the connection has one.
    let connected_to_itself = offered(offer).any(|address| address.ip().is_loopback());
    if connected_to_itself || observed.is_loopback() {
        return Some(Contradiction { other, evidence: Evidence::Certain });
    }
    let has_observed = offered(offer).any(|address| address.ip() == observed);
    (!has_observed).then_some(Contradiction { other, evidence: Evidence::Circumstantial })
}

fn offered(offer: &Offer) -> impl Iterator<Item = SocketAddr> {
    offer.addresses.iter().take(Offer::MAX_ADDRESSES).copied().map(canonical)
}

/// The canonical form of an address: an IPv4 address as such, without flow and scope of IPv6.
pub(super) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

fn is_unicast(ip: IpAddr) -> bool {
    match ip {
        // All of 0.0.0.0/8 means "this network".
        IpAddr::V4(ip) => ip.octets()[0] != 0 && !ip.is_multicast() && !ip.is_broadcast(),
        IpAddr::V6(ip) => !ip.is_unspecified() && !ip.is_multicast(),
    }
}

/// Whether the address is public and not the observed one, so that it may belong to a third party.
pub(super) fn is_unobserved(ip: IpAddr, observed: IpAddr) -> bool {
    // Nobody is at the address that hides where a client is.
    ip != observed && is_public(ip) && ip != Entry::HIDDEN_ADDRESS.ip()
}

/// Whether the address may lie outside of the local network.
pub(super) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [first, second, ..] = ip.octets();
            let is_shared = first == 100 && second & 0xc0 == 64; // RFC 6598
            !(ip.is_private() || ip.is_loopback() || ip.is_link_local() || is_shared)
        }
        IpAddr::V6(ip) => !(ip == Ipv6Addr::LOCALHOST || ip.is_unique_local() || ip.is_unicast_link_local()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(policy: OfferPolicy, addresses: &[&str]) -> Offer {
        Offer { policy, port: 40_001, addresses: addresses.iter().map(|text| text.parse().unwrap()).collect() }
    }

    fn choice(policy: OfferPolicy, observed: &str, addresses: &[&str]) -> Vec<String> {
        let observed = observed.parse().unwrap();
        choose(&offer(policy, addresses), observed, Credibility::Trusted)
            .map_or_else(|_| Vec::new(), |all| all.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn the_observed_address_is_added_first() {
        for (observed, offered, expected) in [
            ("192.168.1.7:51000", &[][..], &["192.168.1.7:40001"][..]),
            ("192.168.1.7:51000", &["10.0.0.7:40001", "192.168.1.7:40001"], &["192.168.1.7:40001", "10.0.0.7:40001"]),
            ("[::ffff:192.168.1.7]:51000", &["[::ffff:10.0.0.7]:40001"], &["192.168.1.7:40001", "10.0.0.7:40001"]),
            ("[2001:db8::7]:51000", &["[fd00::7]:40001"], &["[2001:db8::7]:40001", "[fd00::7]:40001"]),
            ("203.0.113.7:51000", &["203.0.113.7:50000"], &["203.0.113.7:40001", "203.0.113.7:50000"]),
        ] {
            assert_eq!(choice(OfferPolicy::Detected, observed, offered), expected, "{observed} {offered:?}");
        }
    }

    #[test]
    fn unusable_addresses_are_excluded() {
        for refused in [
            "0.0.0.0:40001",
            "0.1.2.3:40001",
            "[::]:40001",
            "224.0.0.1:40001",
            "[ff02::1]:40001",
            "255.255.255.255:40001",
            "10.0.0.7:1023",
            "10.0.0.7:0",
            "127.0.0.1:40001",
            "[::1]:40001",
            "[::ffff:127.0.0.1]:40001",
            "[::ffff:0.0.0.0]:40001",
        ] {
            for policy in [OfferPolicy::Detected, OfferPolicy::Advertised] {
                let all = choice(policy, "192.168.1.7:51000", &[refused, "10.0.0.8:1024"]);
                let expected: &[&str] = match policy {
                    OfferPolicy::Detected => &["192.168.1.7:40001", "10.0.0.8:1024"],
                    OfferPolicy::Advertised => &["10.0.0.8:1024"],
                };
                assert_eq!(all, expected, "{refused} {policy:?}");
            }
        }
    }

    #[test]
    fn public_addresses_are_accepted_only_if_observed_or_advertised() {
        for (address, public) in [
            ("203.0.113.9:40001", true),
            ("172.32.0.1:40001", true),
            ("100.63.0.1:40001", true),
            ("100.128.0.1:40001", true),
            ("[2001:db8::9]:40001", true),
            ("[::ffff:203.0.113.9]:40001", true),
            ("172.31.0.1:40001", false),
            ("100.64.0.1:40001", false),
            ("100.127.0.1:40001", false),
            ("169.254.0.1:40001", false),
            ("[fd00::9]:40001", false),
            ("[fe80::9]:40001", false),
        ] {
            let detected = choice(OfferPolicy::Detected, "192.168.1.7:51000", &[address]).len();
            assert_eq!(detected, if public { 1 } else { 2 }, "{address}");
            assert_eq!(choice(OfferPolicy::Advertised, "192.168.1.7:51000", &[address]).len(), 1, "{address}");
        }
    }

    #[test]
    fn one_unobserved_ip_address_of_each_family_is_accepted() {
        let observed = "203.0.113.7:51000";
        let all = ["198.51.100.1:2000", "198.51.100.2:2000", "198.51.100.1:3000", "[2001:db8::1]:2000"];
        let accepted = ["198.51.100.1:2000", "198.51.100.1:3000", "[2001:db8::1]:2000"];
        assert_eq!(choice(OfferPolicy::Advertised, observed, &all), accepted);
        let six = ["[2001:db8::1]:2000", "[2001:db8::2]:2000", "203.0.113.7:2000", "10.0.0.7:2000"];
        assert_eq!(choice(OfferPolicy::Advertised, observed, &six), [six[0], six[2], six[3]]);
        for credibility in [Credibility::Doubted, Credibility::Ignored] {
            let chosen = choose(&offer(OfferPolicy::Detected, &all), observed.parse().unwrap(), credibility).unwrap();
            assert_eq!(chosen.iter().filter(|address| is_unobserved(address.ip(), [203, 0, 113, 7].into())).count(), 3);
        }
    }

    #[test]
    fn loopback_is_accepted_from_loopback_connections() {
        let all = ["192.168.1.7:40001", "127.0.0.1:40001", "[::1]:40001"];
        assert_eq!(choice(OfferPolicy::Detected, "127.0.0.1:51000", &all), all);
        assert_eq!(choice(OfferPolicy::Detected, "[::ffff:127.0.0.1]:51000", &all), all);
        assert_eq!(choice(OfferPolicy::Advertised, "127.0.0.1:51000", &all[1..]), all[1..]);
    }

    #[test]
    fn offered_addresses_are_better_than_that_of_a_forwarder() {
        use Credibility::{Doubted, Ignored};
        for (credibility, observed, offered, expected) in [
            (Doubted, "172.17.0.1:5", &["192.168.1.7:1024"][..], &["192.168.1.7:1024", "172.17.0.1:40001"][..]),
            (Ignored, "172.17.0.1:5", &["192.168.1.7:1024"], &["192.168.1.7:1024"]),
            (Doubted, "127.0.0.1:5", &["192.168.1.7:1024"], &["192.168.1.7:1024"]),
            (Doubted, "127.0.0.1:5", &["127.0.0.1:1024", "10.0.0.7:1024"], &["10.0.0.7:1024", "127.0.0.1:1024"]),
            (Doubted, "127.0.0.1:5", &["203.0.113.7:1024"], &["203.0.113.7:1024"]),
            (Ignored, "172.17.0.1:5", &["203.0.113.7:1024", "127.0.0.1:1024"], &["203.0.113.7:1024"]),
        ] {
            let chosen =
                choose(&offer(OfferPolicy::Detected, offered), observed.parse().unwrap(), credibility).unwrap();
            let chosen: Vec<String> = chosen.iter().map(ToString::to_string).collect();
            assert_eq!(chosen, expected, "{credibility:?} {observed} {offered:?}");
        }
    }

    #[test]
    fn a_client_contradicts_an_observed_address_that_it_does_not_have() {
        use Evidence::{Certain, Circumstantial};
        use OfferPolicy::{Advertised, Detected};
        let contradiction = |policy, offered: &[&str], observed: &str| {
            contradiction(&offer(policy, offered), observed.parse().unwrap())
                .map(|contradiction| (contradiction.other.to_string(), contradiction.evidence))
        };
        let other = |evidence| Some(("192.168.1.7".to_owned(), evidence));
        assert_eq!(contradiction(Detected, &["192.168.1.7:1024"], "172.17.0.1"), other(Circumstantial));
        assert_eq!(contradiction(Detected, &["192.168.1.7:1024"], "127.0.0.1"), other(Certain));
        assert_eq!(contradiction(Detected, &["192.168.1.7:1024", "172.17.0.1:1024"], "172.17.0.1"), None);
        let to_itself = ["127.0.0.1:1024", "192.168.1.7:1024", "172.17.0.1:1024"];
        assert_eq!(
            contradiction(Detected, &to_itself, "172.17.0.1"),
            other(Certain),
            "on the machine of the forwarder"
        );
        assert_eq!(contradiction(Detected, &to_itself, "203.0.113.7"), other(Certain), "through a tunnel");
        assert_eq!(contradiction(Detected, &["127.0.0.1:1024"], "172.17.0.1"), None, "it names nothing better");
        assert_eq!(contradiction(Advertised, &["192.168.1.7:1024"], "172.17.0.1"), None);
    }

    #[test]
    fn at_most_four_offered_addresses_are_accepted() {
        let many: Vec<String> = (1..=9).map(|host| format!("10.0.0.{host}:40001")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(choice(OfferPolicy::Detected, "192.168.1.7:51000", &many).len(), Entry::MAX_ADDRESSES);
        assert_eq!(choice(OfferPolicy::Advertised, "192.168.1.7:51000", &many), many[..4]);
    }

    #[test]
    fn an_offer_without_a_usable_address_is_rejected() {
        let observed = "192.168.1.7:51000".parse().unwrap();
        let mut detected = offer(OfferPolicy::Detected, &[]);
        detected.port = 80;
        assert_eq!(choose(&detected, observed, Credibility::Trusted), Err(Rejection::Addresses));
        for addresses in [&[][..], &["127.0.0.1:40001"]] {
            let advertised = offer(OfferPolicy::Advertised, addresses);
            assert_eq!(choose(&advertised, observed, Credibility::Trusted), Err(Rejection::Addresses));
        }
        let nothing = offer(OfferPolicy::Detected, &[]);
        assert_eq!(choose(&nothing, observed, Credibility::Ignored), Err(Rejection::Addresses));
    }
}
