//! Who is there: sessions come, move, leave and come back.

use super::config::{LINGER, MAX_NOTES};
use super::link::{Bye, Context, Link, Note};
use super::path::usable;
use super::slots::Slot;
use super::{Member, Output, Peer, Phase, Queued, RoomForNotes, Stay};
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
                if let Some(slot) = self.users.remove(&user).and_then(|session| self.members.slot(&session)) {
                    self.part(now, slot, unconfirmed, failed, out);
                }
            }
            Change::Moved { user, addresses } => {
                let Some(slot) = self.users.get(&user).and_then(|session| self.members.slot(session)) else { return };
                let Some(member) = self.members.get_mut(slot) else { return };
                member.entry.addresses = addresses;
                if let Some(link) = &mut member.link {
                    link.offer(now, usable(&member.entry, self.loopback), self.generator.as_mut());
                }
                self.touch(slot);
            }
        }
    }

    pub(super) fn come(&mut self, now: Mono, entry: Entry, out: &mut Vec<Output>) {
        let session = entry.session();
        // Our own session, or one that claims another's id, which only a broken server publishes.
        if session == self.session || entry.user == self.user {
            return;
        }
        let old = self.users.remove(&entry.user).filter(|old| *old != session);
        if let Some(old) = old.and_then(|old| self.members.slot(&old)) {
            self.part(now, old, UnconfirmedReason::Replaced, FailReason::Replaced, out);
        }
        let slot = self.members.slot(&session);
        match slot.and_then(|slot| self.members.get_mut(slot)) {
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
                slot.into_iter().for_each(|slot| self.touch(slot));
            }
            // Keys are public, so that anybody may claim one: whoever came with it first keeps it while he is here.
            Some(member) if member.stay == Stay::Here => {}
            _ => {
                // And when he is not, his link is put away as always: should he come back, its numbers run on.
                if let Some(slot) = slot {
                    self.retire(slot, out);
                }
                if self.members.slot(&session).is_some() {
                    return;
                }
                self.users.insert(entry.user.clone(), session);
                let member = Member { session, entry, stay: Stay::Here, link: None, queued: Queued::No, timer: None };
                self.members.insert(session, member);
            }
        }
    }

    /// Ends what is open with a session that left, and listens to it a little longer.
    fn part(
        &mut self,
        now: Mono,
        slot: Slot,
        unconfirmed: UnconfirmedReason,
        failed: FailReason,
        out: &mut Vec<Output>,
    ) {
        let Some(member) = self.members.get_mut(slot).filter(|member| member.stay == Stay::Here) else { return };
        member.stay = Stay::Until(now + LINGER);
        if let Some(link) = &mut member.link {
            let (generator, told, messages) = (self.generator.as_mut(), &mut self.told, &self.messages);
            let mut cx = Context { config: &self.config, generator, told, messages };
            link.part(unconfirmed, failed, Bye::Omit, &mut cx);
        }
        self.after(now, slot, out);
    }

    /// Puts away what is left of a session that left a while ago, unless the application still has messages of it.
    pub(super) fn retire(&mut self, slot: Slot, out: &mut Vec<Output>) {
        let Some(member) = self.members.get_mut(slot) else { return };
        let session = member.session;
        if let Some(link) = &mut member.link {
            let held = link.held();
            let finished = link.put_away();
            self.held = self.held + link.held() - held;
            if !finished {
                member.stay = Stay::Gone;
                return;
            }
        }
        let note = self.remove(slot).map(|link| link.note()).filter(|note| *note != Note::default());
        let Some(note) = note else { return };
        if self.notes.len() < MAX_NOTES {
            self.notes.insert(session, note);
        } else if self.room_for_notes == RoomForNotes::Left {
            self.room_for_notes = RoomForNotes::None;
            out.push(Output::Exhausted);
        }
    }

    /// Takes a member out of everything that names it.
    fn remove(&mut self, slot: Slot) -> Option<Box<Link>> {
        let session = self.members.get(slot)?.session;
        let member = self.members.remove(&session)?;
        self.timers.cancel(slot);
        if member.queued == Queued::Yes {
            self.ready.retain(|ready| *ready != slot);
        }
        self.held -= member.link.as_ref().map_or(0, |link| link.held());
        member.link
    }
}
