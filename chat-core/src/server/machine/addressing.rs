//! The addresses of sessions, their changes, and their correction once a forwarder is found.

use std::net::{IpAddr, SocketAddr};

use super::Machine;
use super::transitions::{Then, Welcoming};
use crate::id::{AccountId, ConnId};
use crate::journal::Act;
use crate::server::addresses::{self, Contradiction, Credibility, contradiction};
use crate::server::config::ObservedAddresses;
use crate::server::cx::Cx;
use crate::server::forwarders::Finding;
use crate::server::io::Output;
use crate::server::membership::Membership;
use crate::server::moves::Permitted;
use crate::server::shared::Again;
use crate::server::timer::Timer;
use crate::time::Mono;
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

    /// Lets a session begin or continue on a connection, with those of its addresses that it may have now. The others
    /// follow when they are permitted.
    pub(super) fn enter(&mut self, cx: &mut Cx<'_>, mut act: Act, welcoming: Welcoming, again: Again) {
        let Welcoming { conn, account, ref addresses, .. } = welcoming;
        let Some(observed) = self.connections.get(conn).map(|connection| connection.from.ip()) else { return };
        if let Act::Began { entry, .. } = &mut act {
            // A session that continues is not remembered, because one account could replace all others in the memory.
            self.logins.session_began(cx.now.mono, &entry.user, observed.into());
            self.known_sources.session_began(cx.now.mono, observed.into());
            entry.addresses = self.moves.permit(cx.now.mono, account, observed, addresses).addresses;
        } else if !self.membership.is_here(account)
            && let Act::Continued { addresses: moved, .. } = &mut act
        {
            // The session comes from another node, with the new addresses.
            let known = self.membership.entry(account).map(|entry| entry.addresses.clone());
            *moved =
                self.permit_move(cx.now.mono, account, observed, addresses).0.filter(|new| known.as_ref() != Some(new));
        } else {
            // The welcome then has the new addresses already.
            self.move_now(cx, account, observed, addresses);
        }
        self.propose(cx, act, Then::Welcome(welcoming), again);
    }

    /// Changes the addresses of a session, now or when that is permitted again.
    pub(super) fn change_addresses(&mut self, cx: &mut Cx<'_>, conn: ConnId, addresses: Vec<SocketAddr>) {
        let Some(observed) = self.connections.get(conn).map(|connection| connection.from.ip()) else { return };
        let Some(account) = self.connections.online(conn).map(|online| online.account) else { return };
        let again_at = self.move_now(cx, account, observed, &addresses);
        match again_at {
            Some(at) => cx.timers.set(Timer::Move(conn), at),
            None => cx.timers.cancel(Timer::Move(conn)),
        }
        if let Some(online) = self.connections.online(conn) {
            online.moving = again_at.map(|_| addresses);
        }
    }

    /// Changes the addresses of a session as far as that is permitted now. Returns when to try the rest again.
    fn move_now(
        &mut self,
        cx: &mut Cx<'_>,
        account: AccountId,
        observed: IpAddr,
        addresses: &[SocketAddr],
    ) -> Option<Mono> {
        let (moved, again_at) = self.permit_move(cx.now.mono, account, observed, addresses);
        if let Some(addresses) = moved {
            self.propose(cx, Act::Moved { account, addresses }, Then::Nothing, Again::Here);
        }
        again_at
    }

    /// The addresses that a session may have now, if they are other ones, and when to try the rest again.
    fn permit_move(
        &mut self,
        now: Mono,
        account: AccountId,
        observed: IpAddr,
        addresses: &[SocketAddr],
    ) -> (Option<Vec<SocketAddr>>, Option<Mono>) {
        // What is proposed already may not be what the session is to have in the end.
        let is_moving = self.is_unsettled(account, |act| matches!(act, Act::Moved { .. }));
        let has = |addresses: &[SocketAddr], membership: &Membership| {
            membership.entry(account).is_none_or(|entry| entry.addresses == addresses) && !is_moving
        };
        if has(addresses, &self.membership) {
            return (None, None);
        }
        let free_at = self.moves.free_at(now, account);
        if now < free_at {
            return (None, Some(free_at));
        }
        let Permitted { addresses, rest_at } = self.moves.permit(now, account, observed, addresses);
        if has(&addresses, &self.membership) {
            return (None, rest_at);
        }
        self.moves.moved(now, account);
        (Some(addresses), rest_at)
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
        if let Ok(addresses) = addresses::choose(offer, from, Credibility::Doubted) {
            self.change_addresses(cx, conn, addresses);
        }
    }
}
