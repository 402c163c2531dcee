//! Which of the offered addresses others are told: no client may aim the room's datagrams at a stranger.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use crate::wire::control::{Offer, OfferPolicy};
use crate::wire::rejection::Rejection;

/// The lowest port that is told: below are services of the system, which nobody chats from.
const LOWEST_PORT: u16 = 1024;

/// The addresses of a session whose connection comes from `observed`, best first.
///
/// The observed one leads unless the user has advertised others. Left out are addresses that no datagram can be sent to,
/// ports below 1024, loopback unless the session itself came by it, and public addresses that were neither observed nor
/// advertised.
///
/// # Errors
/// [`Rejection::Addresses`] if none is left.
pub(super) fn chosen(offer: &Offer, observed: SocketAddr) -> Result<Vec<SocketAddr>, Rejection> {
    let observed = canonical(observed).ip();
    let added = match offer.policy {
        OfferPolicy::Detected => Some(SocketAddr::new(observed, offer.port)),
        OfferPolicy::Advertised => None,
    };
    let offered = offer.addresses.iter().take(Offer::MAX_ADDRESSES).copied().map(canonical);
    let mut chosen = Vec::new();
    for address in added.into_iter().chain(offered) {
        if is_told(address, observed, offer.policy) && !chosen.contains(&address) {
            chosen.push(address);
        }
    }
    if chosen.is_empty() { Err(Rejection::Addresses) } else { Ok(chosen) }
}

/// The same address in its only form: IPv4 as IPv4, nothing but address and port.
pub(super) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

fn is_told(address: SocketAddr, observed: IpAddr, policy: OfferPolicy) -> bool {
    let ip = address.ip();
    address.port() >= LOWEST_PORT
        && is_unicast(ip)
        && (!ip.is_loopback() || observed.is_loopback())
        && (policy == OfferPolicy::Advertised || ip == observed || !is_public(ip))
}

fn is_unicast(ip: IpAddr) -> bool {
    match ip {
        // All of 0.0.0.0/8 means "this network".
        IpAddr::V4(ip) => ip.octets()[0] != 0 && !ip.is_multicast() && !ip.is_broadcast(),
        IpAddr::V6(ip) => !ip.is_unspecified() && !ip.is_multicast(),
    }
}

/// Whether the address may belong to somebody outside of the local network.
fn is_public(ip: IpAddr) -> bool {
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

    fn told(policy: OfferPolicy, observed: &str, addresses: &[&str]) -> Vec<String> {
        let observed = observed.parse().unwrap();
        chosen(&offer(policy, addresses), observed)
            .map_or_else(|_| Vec::new(), |all| all.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn the_observed_address_is_added_and_leads() {
        for (observed, offered, expected) in [
            ("192.168.1.7:51000", &[][..], &["192.168.1.7:40001"][..]),
            ("192.168.1.7:51000", &["10.0.0.7:40001", "192.168.1.7:40001"], &["192.168.1.7:40001", "10.0.0.7:40001"]),
            ("[::ffff:192.168.1.7]:51000", &["[::ffff:10.0.0.7]:40001"], &["192.168.1.7:40001", "10.0.0.7:40001"]),
            ("[2001:db8::7]:51000", &["[fd00::7]:40001"], &["[2001:db8::7]:40001", "[fd00::7]:40001"]),
            ("203.0.113.7:51000", &["203.0.113.7:50000"], &["203.0.113.7:40001", "203.0.113.7:50000"]),
        ] {
            assert_eq!(told(OfferPolicy::Detected, observed, offered), expected, "{observed} {offered:?}");
        }
    }

    #[test]
    fn each_refused_address_is_left_out() {
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
                let all = told(policy, "192.168.1.7:51000", &[refused, "10.0.0.8:1024"]);
                let expected: &[&str] = match policy {
                    OfferPolicy::Detected => &["192.168.1.7:40001", "10.0.0.8:1024"],
                    OfferPolicy::Advertised => &["10.0.0.8:1024"],
                };
                assert_eq!(all, expected, "{refused} {policy:?}");
            }
        }
    }

    #[test]
    fn public_addresses_are_told_only_if_observed_or_advertised() {
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
            let detected = told(OfferPolicy::Detected, "192.168.1.7:51000", &[address]).len();
            assert_eq!(detected, if public { 1 } else { 2 }, "{address}");
            assert_eq!(told(OfferPolicy::Advertised, "192.168.1.7:51000", &[address]).len(), 1, "{address}");
        }
    }

    #[test]
    fn loopback_is_told_of_sessions_that_came_by_loopback() {
        let all = ["127.0.0.1:40001", "[::1]:40001", "192.168.1.7:40001"];
        assert_eq!(told(OfferPolicy::Detected, "127.0.0.1:51000", &all), all);
        assert_eq!(told(OfferPolicy::Detected, "[::ffff:127.0.0.1]:51000", &all), all);
        assert_eq!(told(OfferPolicy::Advertised, "127.0.0.1:51000", &all[1..]), all[1..]);
    }

    #[test]
    fn at_most_four_are_taken_from_the_offer() {
        let many: Vec<String> = (1..=9).map(|host| format!("10.0.0.{host}:40001")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(told(OfferPolicy::Detected, "192.168.1.7:51000", &many).len(), crate::roster::Entry::MAX_ADDRESSES);
        assert_eq!(told(OfferPolicy::Advertised, "192.168.1.7:51000", &many), many[..4]);
    }

    #[test]
    fn nothing_left_is_a_rejection() {
        let observed = "192.168.1.7:51000".parse().unwrap();
        let mut detected = offer(OfferPolicy::Detected, &[]);
        detected.port = 80;
        assert_eq!(chosen(&detected, observed), Err(Rejection::Addresses));
        assert_eq!(chosen(&offer(OfferPolicy::Advertised, &[]), observed), Err(Rejection::Addresses));
        assert_eq!(chosen(&offer(OfferPolicy::Advertised, &["127.0.0.1:40001"]), observed), Err(Rejection::Addresses));
    }
}
