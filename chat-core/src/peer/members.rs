//! Who is there: sessions come, move, leave and come back.

use super::config::{LINGER, MAX_NOTES};
use super::link::{Bye, Context, Link, Note};
use super::path::usable;
use super::{Member, Output, Peer, Phase, Queued, RoomForNotes, Stay};
use crate::id::SessionId;
use crate::message::{FailReason, UnconfirmedReason};
use crate::presence::OfflineReason;
use crate::roster::{Change, Entry};
use crate::time::Mono;

impl Peer {
    pub(super) fn change(&mut self, now: Mono, change: Change, out: &mut Vec<Output>) {
        match change {
            Change::Online(entry) | Change::Replaced(entry) => self.come(now, entry, out),
            Change::Offline { user, reason } => {
                let (unconfirmed, failed) = match reason {
                    OfflineReason::Lost => (UnconfirmedReason::Lost, FailReason::Lost),
                    _ => (UnconfirmedReason::Left, FailReason::Left),
                };
                if let Some(session) = self.users.remove(&user) {
                    self.part(now, session, unconfirmed, failed, out);
                }
            }
            Change::Moved { user, addresses } => {
                let Some(session) = self.users.get(&user).copied() else { return };
                let Some(member) = self.members.get_mut(&session) else { return };
                member.entry.addresses = addresses;
                if let Some(link) = &mut member.link {
                    link.offer(now, usable(&member.entry, self.loopback), self.generator.as_mut());
                }
                self.touch(session);
            }
        }
    }

    pub(super) fn come(&mut self, now: Mono, entry: Entry, out: &mut Vec<Output>) {
        let session = entry.session();
        // Our own session, or one that claims another's id, which only a broken server publishes.
        if session == self.session || entry.user == self.user {
            return;
        }
        if let Some(old) = self.users.remove(&entry.user).filter(|old| *old != session) {
            self.part(now, old, UnconfirmedReason::Replaced, FailReason::Replaced, out);
        }
        match self.members.get_mut(&session) {
            Some(member) if member.entry.key == entry.key && member.entry.user == entry.user => {
                member.stay = Stay::Here;
                if let Some(link) = &mut member.link {
                    if self.phase == Phase::Here {
                        link.reopen();
                    }
                    link.offer(now, usable(&entry, self.loopback), self.generator.as_mut());
                }
                self.users.insert(entry.user.clone(), session);
                member.entry = entry;
                self.touch(session);
            }
            // Keys are public, so that anybody may claim one: whoever came with it first keeps it while he is here.
            Some(member) if member.stay == Stay::Here => {}
            left => {
                // And when he is not, his link is put away as always: should he come back, its numbers run on.
                if left.is_some() {
                    self.retire(session, out);
                }
                if self.members.contains_key(&session) {
                    return;
                }
                self.users.insert(entry.user.clone(), session);
                let member = Member { entry, stay: Stay::Here, link: None, queued: Queued::No, timer: None };
                self.members.insert(session, member);
            }
        }
    }

    /// Ends what is open with a session that left, and listens to it a little longer.
    fn part(
        &mut self,
        now: Mono,
        session: SessionId,
        unconfirmed: UnconfirmedReason,
        failed: FailReason,
        out: &mut Vec<Output>,
    ) {
        let Some(member) = self.members.get_mut(&session).filter(|member| member.stay == Stay::Here) else { return };
        member.stay = Stay::Until(now + LINGER);
        if let Some(link) = &mut member.link {
            let mut cx = Context { config: &self.config, generator: self.generator.as_mut(), told: &mut self.told };
            link.part(unconfirmed, failed, Bye::Omit, &mut cx);
        }
        self.after(now, session, out);
    }

    /// Puts away what is left of a session that left a while ago, unless the application still has messages of it.
    pub(super) fn retire(&mut self, session: SessionId, out: &mut Vec<Output>) {
        let Some(member) = self.members.get_mut(&session) else { return };
        if let Some(link) = &mut member.link {
            let held = link.held();
            let finished = link.put_away();
            self.held = self.held + link.held() - held;
            if !finished {
                member.stay = Stay::Gone;
                return;
            }
        }
        let note = self.remove(session).map(|link| link.note()).filter(|note| *note != Note::default());
        let Some(note) = note else { return };
        if self.notes.len() < MAX_NOTES {
            self.notes.insert(session, note);
        } else if self.room_for_notes == RoomForNotes::Left {
            self.room_for_notes = RoomForNotes::None;
            out.push(Output::Spent);
        }
    }

    /// Takes a member out of everything that names it.
    fn remove(&mut self, session: SessionId) -> Option<Box<Link>> {
        let member = self.members.remove(&session)?;
        self.timers.remove(session);
        if member.queued == Queued::Yes {
            self.ready.retain(|ready| *ready != session);
        }
        self.held -= member.link.as_ref().map_or(0, |link| link.held());
        member.link
    }
}
