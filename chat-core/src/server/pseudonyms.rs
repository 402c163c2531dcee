//! Pseudonyms: keyed digests that stand for user names and networks wherever attempts are counted.
//!
//! Servers that share a roster tell each other of attempts. Without the key, a reader of that cannot compute the pseudonym of
//! a name or an address. A server that is alone counts under the same pseudonyms. An attempt costs three digests, about 3 µs,
//! and the session that follows two more; a password check costs 10 ms.

use std::fmt;

use aws_lc_rs::hmac;

use crate::journal::{NetworkPseudonym, UserPseudonym};
use crate::name::UserName;
use crate::source::{Network, Source};

/// The key of the pseudonyms, which is derived from that of the tickets (HMAC-SHA256).
#[derive(Clone)]
pub(super) struct Pseudonyms(hmac::Key);

/// A source, and the widest network around it, under pseudonyms.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct SourcePseudonym {
    pub(super) source: NetworkPseudonym,
    /// Its owner could make attempts from any source in it.
    pub(super) widest: NetworkPseudonym,
}

/// The first byte of the digested bytes, so that a name and a network never have one pseudonym.
const USER: u8 = 0;
const NETWORK: u8 = 1;

impl Pseudonyms {
    pub(super) fn new(key: hmac::Key) -> Self {
        Self(key)
    }

    /// The pseudonym of a user name, the same for every way to type it.
    pub(super) fn user(&self, name: &UserName) -> UserPseudonym {
        UserPseudonym::new(self.digest(USER, name.canonical().as_bytes()))
    }

    /// The pseudonyms of a source.
    pub(super) fn source(&self, source: Source) -> SourcePseudonym {
        let widest = source.networks().next().expect("every source is in a network");
        SourcePseudonym { source: self.source_alone(source), widest: self.network(widest) }
    }

    /// The pseudonym of a source, without that of the widest network around it.
    pub(super) fn source_alone(&self, source: Source) -> NetworkPseudonym {
        self.network(source.network())
    }

    fn network(&self, network: Network) -> NetworkPseudonym {
        NetworkPseudonym::new(self.digest(NETWORK, &network.bytes()))
    }

    /// The first half of the digest: an attacker would need 2^64 names or networks to find two with one pseudonym.
    fn digest(&self, kind: u8, content: &[u8]) -> [u8; 16] {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(&[kind]);
        context.update(content);
        *context.sign().as_ref().first_chunk().expect("SHA-256 has 32 bytes")
    }
}

/// Prints no bytes.
impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pseudonyms")
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::server::TicketKey;

    fn user(name: &str) -> UserName {
        UserName::parse(name).unwrap()
    }

    fn source(ip: &str) -> Source {
        ip.parse::<IpAddr>().unwrap().into()
    }

    #[test]
    fn names_and_networks_have_one_pseudonym_each_at_all_servers_with_one_key() {
        let [one, same, other] = [7, 7, 8].map(|byte| TicketKey::new([byte; 32]).pseudonyms());
        assert_eq!(one.user(&user("Alice")), same.user(&user("alice")));
        assert_ne!(one.user(&user("alice")), one.user(&user("bob")));
        assert_ne!(one.user(&user("alice")), other.user(&user("alice")));
        let here = one.source(source("2001:db8:1:2::1"));
        assert_eq!(here, same.source(source("2001:db8:1:2::9")));
        assert_ne!(here.source, other.source(source("2001:db8:1:2::1")).source);
        let neighbour = one.source(source("2001:db8:1:3::1"));
        assert!(here.source != neighbour.source && here.widest == neighbour.widest, "one /48");
        // An IPv4 address and the IPv6 address with the same bytes, and two networks with one base.
        let (four, six) = (one.source(source("192.0.2.0")), one.source(source("c000:200::")));
        assert_ne!(four.source, four.widest);
        assert!(four.source != six.source && four.widest != six.widest);
    }

    #[test]
    fn debug_prints_no_key() {
        assert_eq!(format!("{:?}", TicketKey::new([7; 32]).pseudonyms()), "Pseudonyms");
    }
}
