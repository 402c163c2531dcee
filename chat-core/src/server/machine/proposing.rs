//! Proposing: acts of this server that shares a journal, from the judgement until they are in effect.

use super::{Judged, Machine, Then, Welcoming};
use crate::id::{AccountId, ConnId};
use crate::journal::Act;
use crate::presence::OfflineReason;
use crate::server::connections::{Authenticating, State};
use crate::server::cx::Cx;
use crate::server::logins::MIN_RETRY;
use crate::server::refusal::Refusal;
use crate::server::shared::{Again, Intent, Kept, MAX_REFUSED, MAX_WAIT, Phase, Shared};
use crate::server::timer::Timer;
use crate::wire::control::{Ended, Purpose};
use crate::wire::rejection::Rejection;

impl Machine {
    /// Proposes an act. A server that is alone needs nobody's consent, so it applies the act immediately.
    pub(super) fn propose(&mut self, cx: &mut Cx<'_>, act: Act, then: Then, again: Again) {
        if self.shared.is_some() {
            return self.share(cx, Intent { act, then, again, refused: 0 });
        }
        for effect in self.membership.apply_own(cx.now, act) {
            self.perform(cx, effect);
        }
        self.proceed(cx, then);
    }

    /// Proposes an act to the other nodes, now or when the journal is there.
    fn share(&mut self, cx: &mut Cx<'_>, intent: Intent) {
        let Some(account) = intent.act.account() else { return self.open(cx, intent) };
        let Some(shared) = &mut self.shared else { return };
        if matches!(intent.act, Act::Continued { .. })
            && matches!(intent.then, Then::Welcome(_))
            && self.membership.is_here(account)
            && !shared.proposals.keep_session(account)
        {
            // Nobody else need know that a session goes on where it was.
            if let Some(conn) = self.membership.take_connection(account) {
                self.close_ended(cx, conn, None);
            }
            return self.proceed(cx, intent.then);
        }
        if let Then::Welcome(Welcoming { conn, .. }) = &intent.then {
            let conn = *conn;
            let purpose = match &intent.again {
                Again::Login { purpose, .. } => *purpose,
                _ => Purpose::Login,
            };
            if !shared.is_serving() {
                let refusal = Refusal::of_session(purpose, Rejection::StorageUnavailable);
                return self.refuse_waiting(cx, conn, refusal);
            }
            if let Some(connection) = self.connections.get_mut(conn) {
                connection.state = State::Authenticating(Authenticating::Journal(purpose));
            }
            if cx.timers.get(Timer::Proposal(conn)).is_none() {
                let until = cx.after(MAX_WAIT);
                cx.timers.set(Timer::Proposal(conn), until);
            }
        }
        if !matches!(shared.phase, Phase::Ready) || shared.proposals.is_busy(account) {
            shared.proposals.wait(account, intent);
        } else if !matches!(intent.again, Again::Here) || self.still_holds(&intent.act) {
            self.open(cx, intent);
        }
    }

    /// Whether an act of `account` for which `is_wanted` is not in effect yet.
    fn awaits(&self, account: AccountId, is_wanted: impl Fn(&Act) -> bool) -> bool {
        self.shared.as_ref().is_some_and(|shared| shared.proposals.awaits(account, is_wanted))
    }

    /// Whether the roster does not show yet what the session of `account` is to be: an act for which `is_wanted` is not
    /// in effect, or the session has to be taken back first.
    pub(super) fn is_unsettled(&self, account: AccountId, is_wanted: impl Fn(&Act) -> bool) -> bool {
        let is_settled = |shared: &Shared| matches!(shared.phase, Phase::Ready) && self.membership.is_here(account);
        self.shared.as_ref().is_some_and(|shared| !is_settled(shared)) || self.awaits(account, is_wanted)
    }

    fn open(&mut self, cx: &Cx<'_>, intent: Intent) {
        let Some(shared) = &mut self.shared else { return };
        let (number, proposed) = shared.encode(cx.now.wall, intent.act.clone());
        let proposal = self.membership.proposal(&intent.act, proposed.encode());
        shared.proposals.open(number, intent, proposal);
    }

    /// Judges the acts that were overtaken, and those that waited behind others.
    pub(super) fn judge_waiting(&mut self, cx: &mut Cx<'_>) {
        let Some(shared) = &mut self.shared else { return };
        for intent in shared.proposals.take_refused(self.membership.position()) {
            self.judge_again(cx, Intent { refused: intent.refused + 1, ..intent });
        }
        if !matches!(self.shared.as_ref().map(|shared| &shared.phase), Some(Phase::Ready)) {
            return;
        }
        for account in self.shared.as_ref().map(|shared| shared.proposals.free()).unwrap_or_default() {
            // Those that no longer make sense leave the place to the next.
            while let Some(intent) = self.next_waiting(account) {
                self.judge_again(cx, intent);
            }
        }
    }

    fn next_waiting(&mut self, account: AccountId) -> Option<Intent> {
        let shared = self.shared.as_mut()?;
        if shared.proposals.is_busy(account) { None } else { shared.proposals.next(account) }
    }

    /// The node has entered again: what it sent before and has not read is not in the journal, or it is in the slots.
    pub(super) fn judge_all(&mut self, cx: &mut Cx<'_>, intents: Vec<Intent>) {
        for intent in intents {
            if self.is_in_effect(&intent.act) {
                self.proceed(cx, intent.then);
            } else {
                self.judge_again(cx, intent);
            }
        }
    }

    fn is_in_effect(&self, act: &Act) -> bool {
        match act {
            Act::Began { account, entry, .. } => {
                let session = self.membership.session(*account);
                session.is_some_and(|session| session.key == entry.key) && self.membership.is_here(*account)
            }
            Act::Continued { account, .. } => self.membership.is_here(*account),
            _ => false,
        }
    }

    /// Judges an act by the function that judged it at first.
    fn judge_again(&mut self, cx: &mut Cx<'_>, intent: Intent) {
        let Intent { act, then, again, refused } = intent;
        match again {
            Again::Never => {}
            Again::Here => self.share(cx, Intent { act, then, again: Again::Here, refused }),
            Again::Keep(kept) => self.keep(cx, *kept),
            Again::Login { conn, purpose, account, request } => {
                if self.is_waiting(conn) {
                    let judged = if refused > MAX_REFUSED {
                        Err(Rejection::busy(MIN_RETRY))
                    } else {
                        self.begin_session(cx, conn, purpose, &account, request, Judged::Again)
                    };
                    let judged = judged.map_err(|why| Refusal::of_session(purpose, why));
                    judged.unwrap_or_else(|refusal| self.refuse_waiting(cx, conn, refusal));
                }
            }
            Again::Resume { conn, ticket, account, request } => {
                if self.is_waiting(conn) {
                    let judged = if refused > MAX_REFUSED {
                        Err(Rejection::busy(MIN_RETRY).into())
                    } else {
                        self.resume_session(cx, conn, &ticket, Some(&account), request, Judged::Again)
                    };
                    judged.unwrap_or_else(|refusal| self.refuse_waiting(cx, conn, refusal));
                }
            }
        }
    }

    /// Whether an act on a session that is at this node still changes something.
    fn still_holds(&self, act: &Act) -> bool {
        let Some(session) = act.account().and_then(|account| self.membership.session(account)) else { return false };
        let is_here = session.home == self.membership.node();
        match act {
            Act::Moved { account, addresses } => {
                is_here && self.membership.entry(*account).is_some_and(|entry| entry.addresses != *addresses)
            }
            Act::Away { account, away } => {
                is_here && self.membership.entry(*account).is_some_and(|entry| entry.away() != *away)
            }
            Act::Ended { reason: OfflineReason::Lost, .. } => is_here && session.conn.is_none(),
            Act::Renewed { .. } => true,
            _ => is_here,
        }
    }

    fn is_waiting(&self, conn: ConnId) -> bool {
        let state = self.connections.get(conn).map(|connection| &connection.state);
        matches!(state, Some(State::Authenticating(Authenticating::Journal(_))))
    }

    /// Refuses a guest whose session cannot begin now.
    fn refuse_waiting(&mut self, cx: &mut Cx<'_>, conn: ConnId, refusal: Refusal) {
        self.connections.take_authenticating(conn);
        cx.timers.cancel(Timer::Proposal(conn));
        self.refuse(cx, conn, refusal);
    }

    /// A guest has waited too long for its act, which may still come into effect.
    pub(super) fn stop_waiting(&mut self, cx: &mut Cx<'_>, conn: ConnId) {
        match self.connections.get(conn).map(|connection| &connection.state) {
            Some(State::Authenticating(Authenticating::Journal(Purpose::Register))) => {
                let refusal = Refusal::of_session(Purpose::Register, Rejection::StorageUnavailable);
                self.refuse_waiting(cx, conn, refusal);
            }
            Some(State::Authenticating(Authenticating::Journal(Purpose::Login))) => {
                self.close_rejected(cx, conn, Rejection::StorageUnavailable);
            }
            _ => {}
        }
    }

    /// Whether a connection still waits to be welcomed. A server that is alone never lets one wait.
    pub(super) fn take_waiting(&mut self, cx: &mut Cx<'_>, conn: ConnId) -> bool {
        cx.timers.cancel(Timer::Proposal(conn));
        match self.connections.get(conn).map(|connection| &connection.state) {
            Some(State::Authenticating(Authenticating::Journal(_))) => {
                self.connections.take_authenticating(conn);
                true
            }
            // Nothing had to be proposed.
            Some(State::Guest) => true,
            _ => false,
        }
    }

    /// Keeps a session at this node, or ends its connection if that cannot be.
    pub(super) fn keep(&mut self, cx: &mut Cx<'_>, kept: Kept) {
        let Kept { account, ref entry, conn, digest, generation } = kept;
        let then = |conn| Then::Keep(Box::new(Kept { conn, ..kept.clone() }));
        let is_conn =
            |machine: &mut Self, conn| machine.connections.online(conn).is_some_and(|online| online.account == account);
        let conn = conn.filter(|conn| is_conn(self, *conn));
        let is_here = self.membership.is_here(account);
        let evicted = Vec::new();
        let act = match self.membership.session(account) {
            Some(session) if session.key == entry.key && is_here => return self.kept(cx, &kept, conn),
            Some(session) if session.key == entry.key => {
                // The node that it is at waits for its client.
                if conn.is_none() {
                    return;
                }
                Act::Continued { account, generation, addresses: None }
            }
            Some(session) if session.since >= entry.since => return self.drop_kept(cx, conn, Some(Ended::Replaced)),
            None if self.membership.ended(account).is_some_and(|ended| ended.since >= entry.since) => {
                return self.drop_kept(cx, conn, None);
            }
            _ if self.membership.account_of(entry.session()).is_some() => return self.drop_kept(cx, conn, None),
            Some(_) => Act::Began { account, digest, generation, entry: entry.clone(), evicted },
            None if self.membership.roster().get(&entry.user).is_some() => return self.drop_kept(cx, conn, None),
            None => Act::Began { account, digest, generation, entry: entry.clone(), evicted },
        };
        let then = then(conn);
        self.share(cx, Intent { act, then, again: Again::Keep(Box::new(kept)), refused: 0 });
    }

    /// A session is at this node, and gets its connection back, and what the journal has forgotten of it.
    fn kept(&mut self, cx: &mut Cx<'_>, kept: &Kept, conn: Option<ConnId>) {
        let Kept { account, entry, generation, .. } = kept;
        let account = *account;
        let addresses = entry.addresses.clone();
        let mut forgotten = vec![Act::Moved { account, addresses }, Act::Away { account, away: entry.away() }];
        if self.membership.session(account).is_some_and(|session| session.generation < *generation) {
            forgotten.push(Act::Renewed { account, generation: *generation });
        }
        for act in forgotten {
            // What the client says meanwhile is newer.
            let kind = std::mem::discriminant(&act);
            if self.still_holds(&act) && !self.awaits(account, |other| std::mem::discriminant(other) == kind) {
                self.propose(cx, act, Then::Nothing, Again::Here);
            }
        }
        let has_conn = self.membership.session(account).is_some_and(|session| session.conn.is_some());
        match conn {
            Some(conn)
                if has_conn && self.membership.session(account).and_then(|session| session.conn) != Some(conn) =>
            {
                self.close_ended(cx, conn, None);
            }
            Some(conn) => {
                self.membership.set_connection(account, Some(conn));
                cx.timers.cancel(Timer::Grace(account));
            }
            None => self.begin_grace(cx, account),
        }
    }

    fn drop_kept(&mut self, cx: &mut Cx<'_>, conn: Option<ConnId>, notice: Option<Ended>) {
        if let Some(conn) = conn {
            self.close_ended(cx, conn, notice);
        }
    }

    /// Begins the grace time of a session that is here and has no connection, unless it has begun.
    pub(super) fn begin_grace(&self, cx: &mut Cx<'_>, account: AccountId) {
        let waits = self.membership.session(account).is_some_and(|session| session.conn.is_none());
        if waits && self.membership.is_here(account) && cx.timers.get(Timer::Grace(account)).is_none() {
            let until = cx.after(cx.config.grace);
            cx.timers.set(Timer::Grace(account), until);
        }
    }
}
