//! Where others may reach this client: what is offered to the server, which passes it on.

use std::net::{IpAddr, SocketAddr};

use chat_core::wire::control::{Offer, OfferPolicy};

use crate::address::AdvertisedAddress;
use crate::udp::Udp;

/// What the user named, or else what can be found out. `local` is our end of the connection to the server: whoever
/// reaches the server from the same network reaches us there.
pub(super) fn offer(local: IpAddr, udp: &Udp, advertise: &[AdvertisedAddress]) -> Offer {
    let port = udp.local_address().port();
    if !advertise.is_empty() {
        let addresses = advertise.iter().map(|address| address.with_default_port(port)).collect();
        return Offer { policy: OfferPolicy::Advertised, port, addresses };
    }
    let bound = udp.local_address().ip().to_canonical();
    let ips = if bound.is_unspecified() { detected(local, interfaces(), |ip| udp.reaches(ip)) } else { vec![bound] };
    let addresses = ips.into_iter().map(|ip| SocketAddr::new(ip, port)).collect();
    Offer { policy: OfferPolicy::Detected, port, addresses }
}

/// A session by loopback is for this machine only; otherwise the connection's own address comes first, and then other
/// interfaces, which may be nearer to some peers.
fn detected(local: IpAddr, interfaces: Vec<IpAddr>, reaches: impl Fn(IpAddr) -> bool) -> Vec<IpAddr> {
    if local.is_loopback() {
        return vec![local];
    }
    let mut found = vec![local];
    for ip in interfaces {
        if !ip.is_loopback() && !is_link_local(ip) && !found.contains(&ip) {
            found.push(ip);
        }
    }
    found.retain(|&ip| reaches(ip));
    found.truncate(Offer::MAX_ADDRESSES);
    found
}

/// Such an address means nothing without the name of an interface, which differs from machine to machine.
fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

fn interfaces() -> Vec<IpAddr> {
    match if_addrs::get_if_addrs() {
        Ok(interfaces) => interfaces.into_iter().map(|interface| interface.ip()).collect(),
        Err(error) => {
            log::debug!("interfaces cannot be listed: {error}");
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ips(list: &[&str]) -> Vec<IpAddr> {
        list.iter().map(|ip| ip.parse().unwrap()).collect()
    }

    #[test]
    fn the_address_that_reaches_the_server_comes_first() {
        let here = ips(&["127.0.0.1", "::1", "169.254.1.1", "fe80::1", "10.0.0.7", "192.168.1.7", "2001:db8::7"]);
        let local = "192.168.1.7".parse().unwrap();
        assert_eq!(detected(local, here.clone(), |_| true), ips(&["192.168.1.7", "10.0.0.7", "2001:db8::7"]));
        assert_eq!(detected(local, here.clone(), |ip| ip.is_ipv4()), ips(&["192.168.1.7", "10.0.0.7"]));
        assert_eq!(detected("127.0.0.1".parse().unwrap(), here, |_| true), ips(&["127.0.0.1"]));
    }

    #[test]
    fn no_more_than_four_are_offered() {
        let here: Vec<IpAddr> = (1..20).map(|last| IpAddr::from([10, 0, 0, last])).collect();
        assert_eq!(
            detected(IpAddr::from([10, 0, 0, 9]), here, |_| true),
            ips(&["10.0.0.9", "10.0.0.1", "10.0.0.2", "10.0.0.3"])
        );
    }

    #[tokio::test]
    async fn what_the_user_names_replaces_everything() {
        let udp = Udp::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let port = udp.local_address().port();
        let offered = offer(
            IpAddr::from([127, 0, 0, 1]),
            &udp,
            &["203.0.113.5:5000".parse().unwrap(), "203.0.113.6".parse().unwrap()],
        );
        let addresses = vec!["203.0.113.5:5000".parse().unwrap(), SocketAddr::from(([203, 0, 113, 6], port))];
        assert_eq!(offered, Offer { policy: OfferPolicy::Advertised, port, addresses });
        let offered = offer(IpAddr::from([192, 168, 1, 7]), &udp, &[]);
        assert_eq!(offered.addresses, [udp.local_address()], "a socket bound to one address is reached there only");
    }
}
