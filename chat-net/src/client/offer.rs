//! The offer: the addresses at which this client can receive datagrams. The server passes them on to the peers.

use std::net::{IpAddr, SocketAddr};

use chat_core::roster::Entry;
use chat_core::wire::control::{Offer, OfferPolicy};

use super::ReachMode;
use crate::address::AdvertisedAddress;
use crate::interfaces::{self, is_link_local};

/// Offers the advertised addresses, or detected ones if there are none. `local` is the address of this end of the
/// connection to the server: peers in the server's network can most likely reach this client there. `udp` is the
/// address to which the UDP socket is bound. A client that hides its addresses offers none that anybody can use.
pub(super) fn make_offer(local: IpAddr, udp: SocketAddr, advertise: &[AdvertisedAddress], reach: ReachMode) -> Offer {
    let port = udp.port();
    if reach == ReachMode::Relay {
        return Offer { policy: OfferPolicy::Advertised, port, addresses: vec![Entry::HIDDEN_ADDRESS] };
    }
    if !advertise.is_empty() {
        let addresses = advertise.iter().map(|address| address.with_default_port(port)).collect();
        return Offer { policy: OfferPolicy::Advertised, port, addresses };
    }
    let bound = udp.ip().to_canonical();
    let ips = if bound.is_unspecified() {
        // A socket on `[::]` receives IPv4 too.
        detected(local, interfaces::preferred_first(), |ip| udp.is_ipv6() || ip.is_ipv4())
    } else {
        vec![bound]
    };
    let addresses = ips.into_iter().map(|ip| SocketAddr::new(ip, port)).collect();
    Offer { policy: OfferPolicy::Detected, port, addresses }
}

/// Offers the address of the server connection first, then the other addresses, which may be closer to some peers. A
/// client that reaches the server over loopback offers them too, because its peers may be on other machines.
fn detected(local: IpAddr, others: Vec<IpAddr>, reaches: impl Fn(IpAddr) -> bool) -> Vec<IpAddr> {
    let mut detected = vec![local];
    for ip in others {
        if !ip.is_loopback() && !ip.is_unspecified() && !is_link_local(ip) && !detected.contains(&ip) {
            detected.push(ip);
        }
    }
    detected.retain(|&ip| reaches(ip));
    detected.truncate(Offer::MAX_ADDRESSES);
    detected
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ips(list: &[&str]) -> Vec<IpAddr> {
        list.iter().map(|ip| ip.parse().unwrap()).collect()
    }

    #[test]
    fn the_address_of_the_server_connection_comes_first() {
        let here = ips(&["127.0.0.1", "::1", "169.254.1.1", "fe80::1", "10.0.0.7", "192.168.1.7", "2001:db8::7"]);
        let local = "192.168.1.7".parse().unwrap();
        assert_eq!(detected(local, here.clone(), |_| true), ips(&["192.168.1.7", "10.0.0.7", "2001:db8::7"]));
        assert_eq!(detected(local, here.clone(), |ip| ip.is_ipv4()), ips(&["192.168.1.7", "10.0.0.7"]));
        assert_eq!(
            detected("127.0.0.1".parse().unwrap(), here, |ip| ip.is_ipv4()),
            ips(&["127.0.0.1", "10.0.0.7", "192.168.1.7"]),
            "other clients may reach the server by another way"
        );
    }

    #[test]
    fn at_most_four_addresses_are_offered() {
        let here: Vec<IpAddr> = (1..20).map(|last| IpAddr::from([10, 0, 0, last])).collect();
        assert_eq!(
            detected(IpAddr::from([10, 0, 0, 9]), here, |_| true),
            ips(&["10.0.0.9", "10.0.0.1", "10.0.0.2", "10.0.0.3"])
        );
    }

    #[test]
    fn advertised_addresses_replace_detected_ones() {
        let port = 40_001;
        let udp = SocketAddr::from(([127, 0, 0, 1], port));
        let offered = make_offer(
            IpAddr::from([127, 0, 0, 1]),
            udp,
            &["203.0.113.5:5000".parse().unwrap(), "203.0.113.6".parse().unwrap()],
            ReachMode::Auto,
        );
        let addresses = vec!["203.0.113.5:5000".parse().unwrap(), SocketAddr::from(([203, 0, 113, 6], port))];
        assert_eq!(offered, Offer { policy: OfferPolicy::Advertised, port, addresses });
        let offered = make_offer(IpAddr::from([192, 168, 1, 7]), udp, &[], ReachMode::Auto);
        assert_eq!(offered.addresses, [udp], "a socket bound to one address offers only that one");
    }

    #[test]
    fn a_client_that_hides_its_addresses_offers_none_of_them() {
        let udp = "192.168.1.7:40001".parse().unwrap();
        let offered = make_offer(IpAddr::from([192, 168, 1, 7]), udp, &[], ReachMode::Relay);
        assert_eq!((offered.policy, offered.addresses), (OfferPolicy::Advertised, vec![Entry::HIDDEN_ADDRESS]));
    }
}
