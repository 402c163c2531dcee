//! The network interfaces of this machine: their addresses, and the zones of link-local addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::num::NonZeroU32;

use if_addrs::Interface;

/// The zone of a link-local IPv6 address: the index of the interface to whose network it belongs (RFC 4007). An index
/// means nothing on another machine.
pub type Zone = NonZeroU32;

/// Finds the zone that a user named: the name of an interface of this machine, or its index.
///
/// # Errors
/// This machine has no such interface.
pub fn zone(named: &str) -> Result<Zone, UnknownZone> {
    let interfaces = list();
    let mut zones = interfaces.iter().filter_map(|interface| Some((interface, interface.index.and_then(Zone::new)?)));
    let found = zones.find(|(interface, zone)| interface.name == named || zone.to_string() == named);
    found.map(|(_, zone)| zone).ok_or_else(|| UnknownZone {
        named: named.to_owned(),
        known: match link_local_names(&interfaces) {
            names if names.is_empty() => "no interface here has a link-local IPv6 address".to_owned(),
            names => format!("interfaces with link-local IPv6 addresses here: {}", names.join(", ")),
        },
    })
}

/// The name of an interface with a link-local IPv6 address, for an example that works on this machine. `eth0` if there
/// is none.
pub fn example_zone() -> String {
    link_local_names(&list()).into_iter().next().unwrap_or_else(|| "eth0".to_owned())
}

/// Whether an IPv6 address is link-local, so that it needs a zone.
pub const fn needs_zone(ip: Ipv6Addr) -> bool {
    ip.is_unicast_link_local()
}

/// The addresses of all interfaces, with their states. Empty if the system cannot list them.
pub(crate) fn list() -> Vec<Interface> {
    if_addrs::get_if_addrs().unwrap_or_else(|error| {
        log::debug!("cannot list the network interfaces: {error}");
        Vec::new()
    })
}

/// The IP addresses of all interfaces.
pub(crate) fn addresses() -> Vec<IpAddr> {
    list().iter().map(Interface::ip).collect()
}

/// The IP addresses at which other machines can probably reach this one, the most likely one first: neither loopback
/// nor link-local, each once. A router or a firewall in between may still prevent it.
pub fn reachable() -> Vec<IpAddr> {
    let mut reachable: Vec<IpAddr> = Vec::new();
    for ip in preferred_first() {
        if !ip.is_loopback() && !ip.is_unspecified() && !is_link_local(ip) && !reachable.contains(&ip) {
            reachable.push(ip);
        }
    }
    reachable
}

/// As [`addresses`], after those that this machine uses towards remote networks. An address may occur twice.
pub(crate) fn preferred_first() -> Vec<IpAddr> {
    preferred().into_iter().chain(addresses()).collect()
}

/// Whether an address has a meaning only together with an interface. An exception is the address of a connection: peers
/// in the same network reach it in their own zone.
pub(crate) fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => needs_zone(ip),
    }
}

/// The source addresses that this machine uses towards remote networks. On a machine with many interfaces, peers most
/// likely reach it at these.
fn preferred() -> Vec<IpAddr> {
    // Addresses for documentation. Connecting a UDP socket looks up the route and sends nothing.
    const ELSEWHERE: [&str; 2] = ["192.0.2.1:9", "[2001:db8::1]:9"];
    let source = |elsewhere: &str| {
        let elsewhere: SocketAddr = elsewhere.parse().ok()?;
        let any =
            if elsewhere.is_ipv6() { IpAddr::V6(Ipv6Addr::UNSPECIFIED) } else { IpAddr::V4(Ipv4Addr::UNSPECIFIED) };
        let socket = UdpSocket::bind((any, 0)).ok()?;
        socket.connect(elsewhere).ok()?;
        socket.local_addr().ok().map(|address| address.ip())
    };
    ELSEWHERE.into_iter().filter_map(source).collect()
}

fn link_local_names(interfaces: &[Interface]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for interface in interfaces {
        let is_link_local = matches!(interface.ip(), IpAddr::V6(ip) if needs_zone(ip));
        if is_link_local && !names.contains(&interface.name) {
            names.push(interface.name.clone());
        }
    }
    names
}

/// This machine has no interface of that name.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("this machine has no network interface '{named}'; {known}")]
pub struct UnknownZone {
    named: String,
    known: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reachable_addresses_are_those_of_interfaces_without_loopback() {
        let here = addresses();
        let reachable = reachable();
        assert!(reachable.iter().all(|ip| here.contains(ip) && !ip.is_loopback()), "{reachable:?} of {here:?}");
    }

    #[test]
    fn a_zone_is_a_number_or_the_name_of_an_interface() {
        for Interface { name, index, .. } in list() {
            // Windows has no index for an interface without IPv6.
            let Some(index) = index.and_then(Zone::new) else { continue };
            assert_eq!(zone(&name), Ok(index));
            assert_eq!(zone(&index.to_string()), Ok(index));
        }
        for unknown in ["", "0", "no-such-interface", "-1", "4000000000"] {
            let error = zone(unknown).unwrap_err().to_string();
            assert!(error.starts_with(&format!("this machine has no network interface '{unknown}'; ")), "{error}");
        }
    }
}
