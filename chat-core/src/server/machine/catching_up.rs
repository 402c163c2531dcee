//! Catching up: the replica is complete, so this node reconciles it with its own sessions and connections, and begins to
//! propose.

use super::Machine;
use crate::presence::OfflineReason;
use crate::roster::RosterVersion;
use crate::server::cx::Cx;
use crate::server::membership::Before;
use crate::server::shared::{HOLD, Kept, Phase};
use crate::server::timer::Timer;

impl Machine {
    /// Begins to propose once the replica is complete.
    pub(super) fn caught_up(&mut self, cx: &mut Cx<'_>) {
        let position = self.membership.position();
        let Some(shared) = &mut self.shared else { return };
        let Phase::CatchingUp(target) = shared.phase else { return };
        if position < target || shared.read_after(position) < position {
            return;
        }
        if shared.is_forked {
            // Clients must not have two stories of one epoch. If the journal is away now, this is tried again.
            let epoch = shared.epoch;
            return self.found(cx, epoch);
        }
        shared.phase = Phase::Ready;
        let unread = shared.proposals.take_all();
        let is_loaded = self.membership.publication().is_held() && !shared.is_held;
        let (before, tail) = (shared.before.take(), shared.tail.take());
        if is_loaded || before.is_some() {
            self.settled_at = {
                let age = cx.now.wall.abs_diff(shared.since);
                cx.after(cx.config.settling.saturating_sub(age))
            };
            let is_new_epoch = before.as_ref().is_some_and(|before| Some(before.epoch) != shared.epoch);
            if is_new_epoch {
                shared.is_held = true;
                let until = cx.after(HOLD);
                cx.timers.set(Timer::Hold, until);
            } else {
                self.restart_publication();
                if let Some(tail) = tail {
                    self.membership.recall(&tail.into_acts());
                }
            }
        }
        if let Some(before) = before {
            self.reconcile(cx, before);
        }
        self.keep_connections(cx);
        // These may be about sessions that had to be taken back first.
        self.judge_all(cx, unread);
    }

    /// Publishes from here on, and sends a snapshot to every session.
    pub(super) fn restart_publication(&mut self) {
        let publication = self.membership.publication_mut();
        let version = RosterVersion { revision: publication.revision(), ..publication.published() };
        publication.restart(version);
        publication.release();
        for conn in self.connections.all_online() {
            self.membership.publication_mut().want_snapshot(conn);
        }
    }

    /// Proposes what this node knows better of its own sessions than the journal.
    fn reconcile(&mut self, cx: &mut Cx<'_>, before: Before) {
        for (account, (session, entry)) in before.sessions {
            let is_ours = self.shared.as_ref().is_some_and(|shared| shared.is_ours(session.home));
            if !is_ours && session.conn.is_none() {
                continue;
            }
            if self.membership.session(account).is_some_and(|now| now.key == session.key)
                && let Some(pending) = self.membership.password_change(account)
            {
                *pending = session.password_change;
            }
            let (digest, generation, conn) = (session.digest, session.generation, session.conn);
            self.keep(cx, Kept { account, digest, generation, entry, conn });
        }
        let stale: Vec<_> = self
            .membership
            .sessions()
            .filter(|session| self.membership.is_here(session.account) && session.conn.is_none())
            .map(|session| (session.account, session.since))
            .collect();
        for (account, since) in stale {
            if before.ended.get(&account).is_some_and(|ended| ended.since >= since) {
                self.end(cx, account, OfflineReason::Lost);
            } else {
                self.begin_grace(cx, account);
            }
        }
    }

    /// Takes back the sessions of this node's connections from the heir that got them.
    fn keep_connections(&mut self, cx: &mut Cx<'_>) {
        let node = self.membership.node();
        let elsewhere: Vec<_> = self
            .membership
            .sessions()
            .filter(|session| session.home != node && session.conn.is_some())
            .map(|session| (session.account, session.digest, session.generation))
            .collect();
        for (account, digest, generation) in elsewhere {
            let Some(entry) = self.membership.entry(account).cloned() else { continue };
            let conn = self.membership.take_connection(account);
            self.keep(cx, Kept { account, digest, generation, entry, conn });
        }
    }
}
