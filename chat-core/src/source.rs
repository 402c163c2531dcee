//! Sources: the parts of IP addresses by which the server counts connections and attempts.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The part of an IP address by which connections and attempts are counted: an IPv4 address, or the /64 network of an
/// IPv6 address, within which one person may choose addresses freely. An IPv4 address mapped into IPv6 counts as IPv4.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Source(IpAddr);

impl From<IpAddr> for Source {
    fn from(ip: IpAddr) -> Self {
        Self(match ip.to_canonical() {
            IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64)).into(),
            v4 => v4,
        })
    }
}

/// A network around a source. Its owner chooses the sources in it freely.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Network {
    base: IpAddr,
    /// The length of the prefix in bits.
    prefix: u8,
}

impl Network {
    /// Not after any other network.
    pub(crate) const FIRST: Self = Self { base: IpAddr::V4(Ipv4Addr::UNSPECIFIED), prefix: 0 };

    /// Not before any other network.
    pub(crate) const LAST: Self = Self { base: IpAddr::V6(Ipv6Addr::from_bits(u128::MAX)), prefix: u8::MAX };

    /// The network as bytes, which no other network has.
    pub(crate) fn bytes(self) -> [u8; 17] {
        let base = match self.base {
            IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            IpAddr::V6(ip) => ip,
        };
        let mut bytes = [self.prefix; 17];
        bytes[..16].copy_from_slice(&base.octets());
        bytes
    }
}

impl Source {
    /// The networks that contain the source, from the widest to the source itself: for IPv6, the /48 and the /56 that
    /// providers assign to organisations and to homes; for IPv4, the /24.
    pub fn networks(self) -> impl Iterator<Item = Network> {
        let prefixes: &[u8] = if self.0.is_ipv6() { &[48, 56, 64] } else { &[24, 32] };
        prefixes.iter().map(move |prefix| self.around(*prefix))
    }

    /// The source itself as a network, the narrowest.
    pub fn network(self) -> Network {
        self.around(if self.0.is_ipv6() { 64 } else { 32 })
    }

    /// The networks that usually have one owner, from the source itself to the widest: of IPv4 only the address.
    pub fn owned_networks(self) -> impl Iterator<Item = Network> {
        let prefixes: &[u8] = if self.0.is_ipv6() { &[64, 56, 48] } else { &[32] };
        prefixes.iter().map(move |prefix| self.around(*prefix))
    }

    fn around(self, prefix: u8) -> Network {
        let base = match self.0 {
            IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << (128 - prefix))).into(),
            IpAddr::V4(ip) => Ipv4Addr::from_bits(ip.to_bits() & (u32::MAX << (32 - prefix))).into(),
        };
        Network { base, prefix }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(ip: &str) -> Source {
        ip.parse::<IpAddr>().unwrap().into()
    }

    #[test]
    fn an_ipv6_network_is_one_source_and_a_mapped_address_is_ipv4() {
        assert_eq!(source("2001:db8:1:2::1"), source("2001:db8:1:2:ffff::9"));
        assert_ne!(source("2001:db8:1:2::1"), source("2001:db8:1:3::1"));
        assert_eq!(source("::ffff:192.0.2.1"), source("192.0.2.1"));
        assert_ne!(source("192.0.2.1"), source("192.0.2.2"));
    }

    #[test]
    fn sources_of_one_owner_share_networks() {
        let networks = |ip: &str| source(ip).networks().collect::<Vec<_>>();
        let here = networks("2001:db8:1:2ff::1");
        let same_home = networks("2001:db8:1:200::1");
        assert!(here[..2] == same_home[..2] && here[2] != same_home[2], "one /56");
        let same_site = networks("2001:db8:1:300::1");
        assert!(here[0] == same_site[0] && here[1] != same_site[1], "one /48");
        assert_ne!(here[0], networks("2001:db8:2::1")[0]);
        let (one, other) = (networks("192.0.2.1"), networks("192.0.2.99"));
        assert!(one[0] == other[0] && one[1] != other[1], "one /24");
        assert_ne!(one[0], networks("192.0.3.1")[0]);
    }
}
