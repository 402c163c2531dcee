//! The part of a login that the client chooses and the server only validates.

use std::net::SocketAddr;

use super::addresses::{self, Credibility};
use super::config::{ObservedAddresses, ServerConfig};
use crate::away::AwayText;
use crate::key::PublicKey;
use crate::roster::{LinkFeatures, LinkVersions, RosterVersion};
use crate::wire::control::Offer;
use crate::wire::rejection::Rejection;

/// The session that a guest asks for.
#[derive(Clone, Debug)]
pub(super) struct SessionRequest {
    /// Its public key.
    pub(super) key: PublicKey,
    /// What the client offers.
    pub(super) offer: Offer,
    /// The addresses to which its datagrams may be sent.
    pub(super) addresses: Vec<SocketAddr>,
    /// The link versions that the client supports.
    pub(super) versions: LinkVersions,
    /// The version of the client's roster, as the client states it.
    pub(super) known_version: Option<RosterVersion>,
    /// The away text of a session that begins with a ticket, if its user is away.
    pub(super) away: Option<AwayText>,
    /// The link features of the client.
    pub(super) link_features: LinkFeatures,
}

impl SessionRequest {
    /// Validates what a client on a connection from `observed` asks for.
    ///
    /// # Errors
    /// [`Rejection::Malformed`] for versions in the wrong order, [`Rejection::Addresses`] if no address can be used.
    pub(super) fn parse(
        observed: SocketAddr,
        config: &ServerConfig,
        key: PublicKey,
        offer: &Offer,
        versions: LinkVersions,
        known_version: Option<RosterVersion>,
    ) -> Result<Self, Rejection> {
        if versions.low > versions.high {
            return Err(Rejection::Malformed);
        }
        let credibility = match config.observed_addresses {
            ObservedAddresses::Trusted => Credibility::Trusted,
            ObservedAddresses::Ignored => Credibility::Ignored,
        };
        let addresses = addresses::choose(offer, observed, credibility)?;
        let mut offer = offer.clone();
        offer.addresses.truncate(Offer::MAX_ADDRESSES);
        Ok(Self { key, offer, addresses, versions, known_version, away: None, link_features: LinkFeatures::NONE })
    }
}

#[cfg(test)]
impl SessionRequest {
    /// A request for the tests of other modules.
    pub(super) fn sample() -> Self {
        Self {
            key: PublicKey::new([1; 32]),
            offer: Offer { policy: crate::wire::control::OfferPolicy::Detected, port: 1, addresses: Vec::new() },
            addresses: Vec::new(),
            versions: LinkVersions { low: 1, high: 1 },
            known_version: None,
            away: None,
            link_features: LinkFeatures::NONE,
        }
    }
}
