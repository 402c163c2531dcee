//! Roster changes: sessions come online, go offline, move and return.

use super::config::LINGER;
use super::link::{Goodbye, Link, usable_addresses};
use super::remote::{NoAddress, Readiness, RemotePeer, RosterStatus};
use super::resumptions::Exhausted;
use super::table::PeerIndex;
use super::{Activity, Output, Peer};
use crate::message::{FailReason, UnconfirmedReason};
use crate::presence::OfflineReason;
use crate::roster::{Change, Entry};
use crate::time::Mono;

impl Peer {
    pub(super) fn apply(&mut self, now: Mono, change: Change, out: &mut Vec<Output>) {
        match change {
            Change::Online(entry) | Change::Replaced(entry) => self.come_online(now, entry, out),
            Change::Offline { user, reason } => {
                let (unconfirmed, failed) = match reason {
                    OfflineReason::Lost => (UnconfirmedReason::Lost, FailReason::Lost),
                    _ => (UnconfirmedReason::Left, FailReason::Left),
                };
                if let Some(index) = self.users.remove(&user).and_then(|session| self.peers.index(&session)) {
                    self.go_offline(now, index, unconfirmed, failed, out);
                }
            }
            Change::Moved { user, addresses } => {
                let Some(index) = self.users.get(&user).and_then(|session| self.peers.index(session)) else { return };
                let Some(peer) = self.peers.get_mut(index) else { return };
                peer.entry.addresses = addresses;
                peer.no_address = NoAddress::NotReported;
                if let Some(link) = &mut peer.link {
                    link.offer(now, usable_addresses(&peer.entry, self.local.reach), &mut self.cx);
                }
                self.mark_ready(now, index);
            }
        }
    }

    /// Adds a session, replaces the user's older session, or restores a session that has returned.
    pub(super) fn come_online(&mut self, now: Mono, entry: Entry, out: &mut Vec<Output>) {
        let session = entry.session();
        // Our own entry, or an entry of another user with our key, which only a faulty server publishes.
        if session == self.local.session || entry.user == self.local.user {
            return;
        }
        let old = self.users.remove(&entry.user).filter(|old| *old != session);
        if let Some(old) = old.and_then(|old| self.peers.index(&old)) {
            self.go_offline(now, old, UnconfirmedReason::Replaced, FailReason::Replaced, out);
        }
        let index = self.peers.index(&session);
        match index.and_then(|index| self.peers.get_mut(index)) {
            Some(peer) if peer.entry.key == entry.key && peer.entry.user == entry.user => {
                peer.status = RosterStatus::Online;
                if let Some(link) = &mut peer.link {
                    if self.activity == Activity::Active {
                        link.reopen();
                    }
                    link.offer(now, usable_addresses(&entry, self.local.reach), &mut self.cx);
                }
                self.users.insert(entry.user.clone(), session);
                peer.entry = entry;
                peer.no_address = NoAddress::NotReported;
                if let Some(index) = index {
                    self.update_relay(now, index);
                    self.mark_ready(now, index);
                }
            }
            // Keys are public, so another user may claim one. The user that came with the key first keeps it while
            // online.
            Some(peer) if peer.status == RosterStatus::Online => {}
            _ => {
                // A peer that is not online gives way. It retires as usual, so that its numbers continue if it returns.
                if let Some(index) = index {
                    self.retire(index, out);
                }
                if self.peers.index(&session).is_some() {
                    return;
                }
                self.users.insert(entry.user.clone(), session);
                self.peers.insert(session, RemotePeer::new(session, entry));
            }
        }
    }

    /// Resolves all messages to a session that left the roster. Its datagrams are processed for another [`LINGER`].
    fn go_offline(
        &mut self,
        now: Mono,
        index: PeerIndex,
        unconfirmed: UnconfirmedReason,
        failed: FailReason,
        out: &mut Vec<Output>,
    ) {
        let online = self.peers.get_mut(index).filter(|peer| peer.status == RosterStatus::Online);
        let Some(peer) = online else { return };
        peer.status = RosterStatus::Lingering(now + LINGER);
        if let Some(link) = &mut peer.link {
            link.close(unconfirmed, failed, Goodbye::None, &mut self.cx);
            self.resumptions.keep_challenges(&peer.entry.user, link.challenge_budget());
        }
        self.report_events(now, index, out);
    }

    /// Reduces a peer that is offline to its resumption state, unless the application has yet to decide about messages
    /// from it. In that case the peer stays as [`RosterStatus::Gone`].
    pub(super) fn retire(&mut self, index: PeerIndex, out: &mut Vec<Output>) {
        let Some(peer) = self.peers.get_mut(index) else { return };
        let (session, user) = (peer.session, peer.entry.user.clone());
        if let Some(link) = &mut peer.link {
            let buffered = link.buffered();
            link.drop_undelivered();
            self.buffered = self.buffered + link.buffered() - buffered;
            if link.has_undecided() {
                peer.status = RosterStatus::Gone;
                return;
            }
        }
        if let Some(link) = self.remove(index)
            && let Err(Exhausted) = self.resumptions.insert(&user, session, link.resumption(), &mut self.cx.limits)
        {
            out.push(Output::Exhausted);
        }
    }

    /// Removes a peer from the table, the timers and the ready queue, and returns its link.
    fn remove(&mut self, index: PeerIndex) -> Option<Box<Link>> {
        let session = self.peers.get(index)?.session;
        let peer = self.peers.remove(&session)?;
        self.timers.cancel(index);
        if peer.ready == Readiness::Queued {
            self.ready.retain(|ready| *ready != index);
        }
        self.carrier.remove(index, peer.relay_queue);
        self.buffered -= peer.link.as_ref().map_or(0, |link| link.buffered());
        peer.link
    }
}
