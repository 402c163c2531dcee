//! The transitions of connections and sessions. The module documentation of the server lists the verbs.

use std::net::SocketAddr;
use std::time::Duration;

use super::Machine;
use crate::id::{AccountId, ConnId};
use crate::journal::Act;
use crate::presence::OfflineReason;
use crate::roster::RosterVersion;
use crate::server::connections::Online;
use crate::server::counts::Count;
use crate::server::cx::Cx;
use crate::server::io::Output;
use crate::server::membership::Effect;
use crate::server::refusal::Refusal;
use crate::server::shared::{Again, Kept};
use crate::server::timer::Timer;
use crate::time::Timestamp;
use crate::wire::control::{DELTA, Ended, Reply, Timings, Welcome, WelcomeKind, relay_extra, version_extra};
use crate::wire::rejection::Rejection;

/// The next step once a proposed act is in effect.
#[derive(Debug)]
pub(in crate::server) enum Then {
    Nothing,
    /// A connection is welcomed to a session.
    Welcome(Welcoming),
    /// The tickets of sessions of the account that began at `since` or earlier are void.
    Void {
        account: AccountId,
        since: Timestamp,
    },
    /// A session is back that was at this server before.
    Keep(Box<Kept>),
}

/// A connection that is to be welcomed to a session.
#[derive(Debug)]
pub(in crate::server) struct Welcoming {
    pub(in crate::server) conn: ConnId,
    pub(in crate::server) account: AccountId,
    pub(in crate::server) kind: WelcomeKind,
    /// The version of the client's roster, if a delta may begin there.
    pub(in crate::server) known_version: Option<RosterVersion>,
    /// The addresses that the session is to have. Those that it may not have now follow when they are permitted.
    pub(in crate::server) addresses: Vec<SocketAddr>,
    /// Whether the tickets of the account's earlier sessions are void from now on, and if so, when the latest of them
    /// that this run knows began.
    pub(in crate::server) voids: Option<Option<Timestamp>>,
}

impl Machine {
    /// A proposed act is in effect.
    pub(super) fn proceed(&mut self, cx: &mut Cx<'_>, then: Then) {
        match then {
            Then::Nothing => {}
            Then::Welcome(Welcoming { conn, account, kind, known_version, addresses, voids }) => {
                self.membership.welcomed(account, kind);
                if self.shared.is_none() || self.take_waiting(cx, conn) {
                    self.welcome(cx, conn, account, kind, known_version);
                    self.change_addresses(cx, conn, addresses);
                } else {
                    // The client is gone, or has given up. If it comes back, its ticket continues this session, also the
                    // ticket of the session before.
                    self.begin_grace(cx, account);
                }
                if let Some(latest) = voids {
                    self.void_tickets.void_earlier(cx, &mut self.membership, account, latest);
                }
            }
            Then::Keep(kept) => self.keep(cx, *kept),
            Then::Void { account, since } => self.void_tickets.void(cx, &mut self.membership, account, since),
        }
    }

    /// **Close** a connection. Its session, if it has one, is detached.
    pub(super) fn close(&mut self, cx: &mut Cx<'_>, conn: ConnId) {
        cx.out.push(Output::Close { conn });
        self.detach(cx, conn);
    }

    /// Closes a connection after a rejection.
    pub(super) fn close_rejected(&mut self, cx: &mut Cx<'_>, conn: ConnId, why: Rejection) {
        cx.counts.add(why);
        cx.send(conn, &Reply::Rejected(why));
        self.close(cx, conn);
    }

    /// **Detach** a session, if there is one, from its connection, which is removed. The grace time of the session
    /// begins.
    pub(super) fn detach(&mut self, cx: &mut Cx<'_>, conn: ConnId) {
        if let Some(account) = self.connections.online(conn).map(|online| online.account)
            && self.membership.set_connection(account, None)
            && self.membership.is_here(account)
        {
            let until = cx.after(cx.config.grace);
            cx.timers.set(Timer::Grace(account), until);
        }
        self.remove(cx, conn);
    }

    /// **Reject** a guest, which may try again within the rest of its time.
    pub(super) fn reject(&self, cx: &mut Cx<'_>, conn: ConnId, why: Rejection) {
        cx.counts.add(why);
        if let Some(guest) = self.connections.get(conn)
            && cx.timers.get(Timer::Login(conn)).is_none()
        {
            let until = cx.after(guest.login_time_left);
            cx.timers.set(Timer::Login(conn), until);
        }
        cx.send(conn, &Reply::Rejected(why));
    }

    /// **Refuse** to welcome a guest.
    pub(super) fn refuse(&mut self, cx: &mut Cx<'_>, conn: ConnId, refusal: Refusal) {
        match refusal {
            Refusal::Rejected(why) => self.reject(cx, conn, why),
            Refusal::Unanswered(why) => {
                cx.counts.add(why);
                self.close(cx, conn);
            }
        }
    }

    /// **End** a session for good. Its connection, if it has one, is closed.
    pub(super) fn end(&mut self, cx: &mut Cx<'_>, account: AccountId, reason: OfflineReason) {
        let Some(user) = self.membership.session(account).map(|session| session.user.clone()) else { return };
        self.end_connection(cx, account, (reason == OfflineReason::Kicked).then_some(Ended::Kicked));
        self.propose(cx, Act::Ended { account, user, reason }, Then::Nothing, Again::Here);
    }

    /// Closes the connection of a session that ends, if this has to be proposed: the client need not wait for that.
    fn end_connection(&mut self, cx: &mut Cx<'_>, account: AccountId, notice: Option<Ended>) {
        if self.shared.is_some()
            && self.membership.is_here(account)
            && let Some(conn) = self.membership.take_connection(account)
        {
            self.close_ended(cx, conn, notice);
        }
    }

    /// **Leave**: end a session because its client asked for it, and void its tickets.
    pub(super) fn leave(&mut self, cx: &mut Cx<'_>, account: AccountId) {
        let Some(session) = self.membership.session(account) else { return };
        let since = session.since;
        let act = Act::Ended { account, user: session.user.clone(), reason: OfflineReason::Asked };
        self.end_connection(cx, account, None);
        self.propose(cx, act, Then::Void { account, since }, Again::Here);
    }

    /// **Remove** a connection, with its timers and everything that waits for it.
    pub(super) fn remove(&mut self, cx: &mut Cx<'_>, conn: ConnId) {
        self.connections.remove(conn);
        self.logins.remove(conn);
        self.membership.publication_mut().remove(conn);
        for timer in
            [Timer::Login, Timer::Silence, Timer::Renew, Timer::Refresh, Timer::Move, Timer::Away, Timer::Proposal]
        {
            cx.timers.cancel(timer(conn));
        }
    }

    /// Sends a new ticket for the session of a connection.
    pub(super) fn renew_ticket(&mut self, cx: &mut Cx<'_>, conn: ConnId) {
        let Some(account) = self.connections.online(conn).map(|online| online.account) else { return };
        let next = cx.after(cx.config.ticket_renewal);
        cx.timers.set(Timer::Renew(conn), next);
        if let Some(ticket) = self.ticket(cx, account) {
            cx.send(conn, &Reply::Ticket(ticket));
        }
    }

    /// Performs the effect of an act on this server's connections.
    pub(super) fn perform(&mut self, cx: &mut Cx<'_>, effect: Effect) {
        match effect {
            Effect::Ended { account, conn, notice, was_here } => {
                cx.timers.cancel(Timer::Grace(account));
                if let Some(conn) = conn {
                    self.close_ended(cx, conn, notice);
                }
                if was_here {
                    self.accounts.seen(cx, [account]);
                }
            }
            Effect::Replaced { conn } => self.close_ended(cx, conn, Some(Ended::Replaced)),
            Effect::Detached { conn } => self.close_ended(cx, conn, None),
            Effect::Gone { account } => cx.timers.cancel(Timer::Grace(account)),
            Effect::Inherited { account } => {
                // A client whose server has lost power notices that only after the silence.
                let until = cx.after(cx.config.silence + cx.config.grace);
                cx.timers.set(Timer::Grace(account), until);
            }
        }
    }

    /// Closes a connection that no longer belongs to a session, if the connection still exists.
    pub(super) fn close_ended(&mut self, cx: &mut Cx<'_>, conn: ConnId, notice: Option<Ended>) {
        if self.connections.get(conn).is_none() {
            return;
        }
        if let Some(why) = notice {
            cx.send(conn, &Reply::Ended(why));
        }
        cx.out.push(Output::Close { conn });
        self.remove(cx, conn);
    }

    /// Gives a session its connection: a welcome, and then a delta from `known_version`, or a snapshot.
    fn welcome(
        &mut self,
        cx: &mut Cx<'_>,
        conn: ConnId,
        account: AccountId,
        kind: WelcomeKind,
        known_version: Option<RosterVersion>,
    ) {
        let Some(entry) = self.membership.entry(account).cloned() else { return };
        let Some(arrival) = self.membership.session(account).map(|session| session.arrival) else { return };
        let online = Online { account, refresh_from: cx.now.mono, moving: None, next_away: None };
        let Some(observed) = self.connections.log_in(conn, online) else { return };
        self.membership.set_connection(account, Some(conn));
        cx.counts.add(kind);
        cx.timers.cancel(Timer::Grace(account));
        cx.timers.cancel(Timer::Login(conn));
        let (silence, renewal) = (cx.after(cx.config.silence), cx.after(cx.config.ticket_renewal));
        cx.timers.set(Timer::Silence(conn), silence);
        cx.timers.set(Timer::Renew(conn), renewal);
        let takes_relayed = self.connections.get(conn).is_some_and(|connection| connection.relay);
        let relay = cx.config.relay.filter(|_| takes_relayed).map(|terms| (entry.session(), terms));
        let publication = self.membership.publication_mut();
        let delta = known_version.and_then(|version| publication.delta(version, arrival));
        // The client of another node may know more than this server has published.
        let known = known_version.filter(|_| delta.is_some()).map(|version| version.revision);
        let published = publication.published();
        let reached =
            RosterVersion { revision: published.revision.max(known.unwrap_or(published.revision)), ..published };
        let welcome = Welcome {
            kind,
            entry,
            at: cx.now.wall,
            observed,
            timings: Timings {
                heartbeat_ms: millis(cx.config.heartbeat),
                silence_ms: millis(cx.config.silence),
                grace_ms: millis(cx.config.grace),
            },
            ticket: self.ticket(cx, account).unwrap_or_default(),
            settling_ms: millis(cx.now.mono.until(self.settled_at)),
            extras: delta
                .iter()
                .map(|_| version_extra(DELTA, reached))
                .chain(relay.as_ref().map(|(_, terms)| relay_extra(terms)))
                .collect(),
        };
        cx.out.push(Output::Admit { conn, relay: relay.map(|(session, _)| session) });
        cx.send(conn, &Reply::Welcome(welcome));
        match delta {
            // Pending changes follow, as for every other session.
            Some(frames) => {
                cx.counts.add(Count::CaughtUp);
                cx.out.push(Output::Snapshot { conn, frames });
            }
            None => self.membership.publication_mut().want_snapshot(conn),
        }
    }

    fn ticket(&self, cx: &Cx<'_>, account: AccountId) -> Option<Vec<u8>> {
        let session = self.membership.session(account)?;
        Some(self.logins.ticket(session, self.membership.publication().epoch(), cx.now.wall))
    }
}

fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}
