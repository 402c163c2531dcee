//! The transitions of connections and sessions. The module documentation of the server lists the verbs.

use std::time::Duration;

use super::Machine;
use crate::id::{AccountId, ConnId};
use crate::presence::OfflineReason;
use crate::roster::RosterVersion;
use crate::server::connections::Online;
use crate::server::counts::Count;
use crate::server::cx::Cx;
use crate::server::io::Output;
use crate::server::membership::{Act, Effect};
use crate::server::timer::Timer;
use crate::wire::control::{DELTA, Ended, Reply, Timings, Welcome, WelcomeKind, relay_extra, version_extra};
use crate::wire::rejection::Rejection;

/// What follows once a proposed act is in effect.
#[derive(Debug)]
pub(super) enum Then {
    Nothing,
    /// The connection is welcomed to the session of the account.
    Welcome {
        conn: ConnId,
        account: AccountId,
        kind: WelcomeKind,
        /// The version of the client's roster, if a delta may begin there.
        known_version: Option<RosterVersion>,
    },
}

impl Machine {
    /// Proposes an act. This server needs nobody's consent, so it applies the act immediately.
    pub(super) fn propose(&mut self, cx: &mut Cx<'_>, act: Act, then: Then) {
        for effect in self.membership.apply(cx.now, act) {
            self.perform(cx, effect);
        }
        match then {
            Then::Nothing => {}
            Then::Welcome { conn, account, kind, known_version } => {
                self.welcome(cx, conn, account, kind, known_version);
            }
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

    /// **End** a session for good. Its connection, if it has one, is closed.
    pub(super) fn end(&mut self, cx: &mut Cx<'_>, account: AccountId, reason: OfflineReason) {
        self.propose(cx, Act::Ended { account, reason }, Then::Nothing);
    }

    /// **Leave**: end a session because its client asked for it, and void its tickets.
    pub(super) fn leave(&mut self, cx: &mut Cx<'_>, account: AccountId) {
        let Some(since) = self.membership.session(account).map(|session| session.since) else { return };
        self.end(cx, account, OfflineReason::Asked);
        self.void_tickets.void(cx, &mut self.membership, account, since);
    }

    /// **Remove** a connection, with its timers and everything that waits for it.
    pub(super) fn remove(&mut self, cx: &mut Cx<'_>, conn: ConnId) {
        self.connections.remove(conn);
        self.logins.remove(conn);
        self.membership.publication_mut().remove(conn);
        for timer in [Timer::Login, Timer::Silence, Timer::Renew, Timer::Refresh, Timer::Move, Timer::Away] {
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
    fn perform(&mut self, cx: &mut Cx<'_>, effect: Effect) {
        match effect {
            Effect::Ended { account, conn, notice } => {
                cx.timers.cancel(Timer::Grace(account));
                if let Some(conn) = conn {
                    self.close_ended(cx, conn, notice);
                }
                self.accounts.seen(cx, [account]);
            }
            Effect::Replaced { conn } => self.close_ended(cx, conn, Some(Ended::Replaced)),
            Effect::Detached { conn } => self.close_ended(cx, conn, None),
        }
    }

    /// Closes a connection that no longer belongs to a session, if the connection still exists.
    fn close_ended(&mut self, cx: &mut Cx<'_>, conn: ConnId, notice: Option<Ended>) {
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
        let delta = known_version.and_then(|version| publication.delta(version));
        let published = publication.published();
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
                .map(|_| version_extra(DELTA, published))
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
