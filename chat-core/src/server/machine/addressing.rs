//! The addresses of sessions, and their correction once a forwarder is found.

use std::net::SocketAddr;

use super::Machine;
use super::transitions::Then;
use crate::id::{AccountId, ConnId};
use crate::server::addresses::{self, Contradiction, Credibility, contradiction};
use crate::server::config::ObservedAddresses;
use crate::server::cx::Cx;
use crate::server::forwarders::Finding;
use crate::server::io::Output;
use crate::wire::control::Offer;
use crate::wire::rejection::Rejection;

impl Machine {
    /// The addresses that enter the roster for the session of `account` on this connection.
    ///
    /// # Errors
    /// [`Rejection::Addresses`] if none of them can be used.
    pub(super) fn choose_addresses(
        &mut self,
        cx: &mut Cx<'_>,
        conn: ConnId,
        account: AccountId,
        offer: &Offer,
    ) -> Result<Vec<SocketAddr>, Rejection> {
        let from = self.connections.get(conn).ok_or(Rejection::UnexpectedRequest)?.from;
        let credibility = self.judge_observed(cx, account, offer, from);
        let addresses = addresses::choose(offer, from, credibility)?;
        if let Some(connection) = self.connections.get_mut(conn) {
            connection.offer = Some(offer.clone());
        }
        Ok(addresses)
    }

    fn judge_observed(&mut self, cx: &mut Cx<'_>, account: AccountId, offer: &Offer, from: SocketAddr) -> Credibility {
        if cx.config.observed_addresses == ObservedAddresses::Ignored {
            return Credibility::Ignored;
        }
        let Some(Contradiction { other, evidence }) = contradiction(offer, from.ip()) else {
            return Credibility::Trusted;
        };
        let Self { forwarders, membership, connections, .. } = self;
        let is_there = |earlier| {
            let conn = membership.session(earlier).and_then(|session| session.conn);
            conn.and_then(|conn| connections.get(conn)).is_some_and(|connection| connection.from.ip() == from.ip())
        };
        let finding = forwarders.judge(account, from.ip(), evidence, is_there);
        if finding == Finding::Suspicion {
            return Credibility::Trusted;
        }
        cx.out.push(Output::Forwarder { observed: from.ip(), offered: other });
        if let Finding::NewForwarder(earlier) = finding {
            self.correct_addresses(cx, earlier, from);
        }
        Credibility::Doubted
    }

    /// Chooses the addresses of a session again, because its observed address turned out to be that of a forwarder.
    fn correct_addresses(&mut self, cx: &mut Cx<'_>, account: AccountId, from: SocketAddr) {
        let Some(conn) = self.membership.session(account).and_then(|session| session.conn) else { return };
        let Some(offer) = self.connections.get(conn).and_then(|connection| connection.offer.as_ref()) else { return };
        if let Ok(addresses) = addresses::choose(offer, from, Credibility::Doubted)
            && let Some(act) = self.membership.judge_move(account, addresses)
        {
            self.propose(cx, act, Then::Nothing);
        }
    }
}
