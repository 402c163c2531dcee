//! Forwarders: port forwarding of a container engine, a tunnel or a router between clients and the server. The server
//! then observes the forwarder's address instead of the clients' own.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::addresses::{Evidence, is_public};
use crate::id::AccountId;

/// What is known about the forwarders of this run.
#[derive(Debug, Default)]
pub(super) struct Forwarders {
    known: BTreeSet<IpAddr>,
    /// By observed address, the latest account whose client contradicts it.
    suspected: BTreeMap<IpAddr, AccountId>,
}

/// The most observed addresses in each of the two sets. A server has one or two forwarders. Further addresses are not
/// recorded.
const MAX_ADDRESSES: usize = 256;

/// What a client that contradicts its observed address shows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Finding {
    /// Nothing for certain: it may be the only client behind its router.
    Suspicion,
    /// Behind the observed address is a forwarder.
    Forwarder,
    /// The same, and it was not known before. The session of this account comes from the same address, so its addresses
    /// must be corrected.
    NewForwarder(AccountId),
}

impl Forwarders {
    /// Judges a session whose client contradicts its observed address. `is_there` says whether an account still has a
    /// session that comes from the same address.
    ///
    /// Without certain evidence, two sessions must share an address, and it must not be public: clients behind the
    /// router of an office share its public address, and peers elsewhere know no better one.
    pub(super) fn judge(
        &mut self,
        account: AccountId,
        observed: IpAddr,
        evidence: Evidence,
        is_there: impl FnOnce(AccountId) -> bool,
    ) -> Finding {
        if evidence == Evidence::Certain || self.known.contains(&observed) {
            return Finding::Forwarder;
        }
        if is_public(observed) {
            return Finding::Suspicion;
        }
        match self.suspected.get(&observed).copied() {
            Some(other) if other != account && is_there(other) && self.known.len() < MAX_ADDRESSES => {
                self.suspected.remove(&observed);
                self.known.insert(observed);
                Finding::NewForwarder(other)
            }
            other => {
                if other.is_some() || self.suspected.len() < MAX_ADDRESSES {
                    self.suspected.insert(observed, account);
                }
                Finding::Suspicion
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Evidence::{Certain, Circumstantial};
    use super::*;

    #[test]
    fn two_sessions_that_share_an_address_reveal_a_forwarder() {
        let (alice, bob) = (AccountId::new(1), AccountId::new(2));
        let bridge: IpAddr = "172.17.0.1".parse().unwrap();
        let mut forwarders = Forwarders::default();
        assert_eq!(forwarders.judge(alice, bridge, Circumstantial, |_| true), Finding::Suspicion);
        assert_eq!(
            forwarders.judge(alice, bridge, Circumstantial, |_| true),
            Finding::Suspicion,
            "the same user again"
        );
        assert_eq!(forwarders.judge(bob, bridge, Circumstantial, |_| false), Finding::Suspicion, "alice has left");
        assert_eq!(forwarders.judge(alice, bridge, Circumstantial, |_| true), Finding::NewForwarder(bob));
        assert_eq!(
            forwarders.judge(alice, bridge, Circumstantial, |_| false),
            Finding::Forwarder,
            "for the rest of the run"
        );
    }

    #[test]
    fn certain_evidence_reveals_a_forwarder_and_a_shared_public_address_does_not() {
        let mut forwarders = Forwarders::default();
        for number in 1..5 {
            let account = AccountId::new(number);
            let public = "203.0.113.7".parse().unwrap();
            assert_eq!(forwarders.judge(account, public, Certain, |_| true), Finding::Forwarder);
            assert_eq!(forwarders.judge(account, public, Circumstantial, |_| true), Finding::Suspicion);
        }
    }

    #[test]
    fn memory_is_bounded() {
        let mut forwarders = Forwarders::default();
        for number in 0..2_000_u32 {
            let observed = IpAddr::from((0x0a00_0000 + number).to_be_bytes());
            forwarders.judge(AccountId::new(1), observed, Circumstantial, |_| true);
            forwarders.judge(AccountId::new(2), observed, Circumstantial, |_| true);
        }
        assert!(forwarders.known.len() <= MAX_ADDRESSES && forwarders.suspected.len() <= MAX_ADDRESSES);
    }
}
