//! When to do what: timers, the ring of ready links, and what to do after not having been run for a while.

use std::collections::VecDeque;
use std::time::Duration;

use super::link::{Context, Told};
use super::slots::Slot;
use super::{Member, Output, Peer, PeerConfig, Queued, Stay};
use crate::time::Mono;
use crate::timers::Timers;

/// A machine that comes this much too late was itself stalled or suspended, and declares nobody silent for it.
const STALL: Duration = Duration::from_secs(2);

impl Peer {
    pub(super) fn tick(&mut self, now: Mono, out: &mut Vec<Output>) {
        while let Some(slot) = self.timers.pop(now) {
            let Some(member) = self.members.get_mut(slot) else { continue };
            member.timer = None;
            if matches!(member.stay, Stay::Until(until) if until <= now) {
                self.retire(slot, out);
                continue;
            }
            if let Some(link) = &mut member.link {
                let (generator, told, messages) = (self.generator.as_mut(), &mut self.told, &self.messages);
                let mut cx = Context { config: &self.config, generator, told, messages };
                link.on_time(now, &mut cx);
            }
            self.after(now, slot, out);
        }
    }

    /// Moves everything that waits if we were not run in time, so that the time asleep counts as nobody's silence.
    pub(super) fn wake(&mut self, now: Mono) {
        let Some(late) = self.deadline().map(|due| now.since(due)).filter(|late| *late > STALL) else { return };
        self.timers.clear();
        for (_, member) in self.members.iter_mut() {
            member.timer = None;
            if let Stay::Until(until) = &mut member.stay {
                *until = *until + late;
            }
            if let Some(link) = &mut member.link {
                link.shift(late);
            }
        }
        for slot in self.members.slots() {
            self.touch(slot);
            self.arm(now, slot);
        }
    }

    /// Tells what a link has told, and sees to it that the link is looked after again.
    pub(super) fn after(&mut self, now: Mono, slot: Slot, out: &mut Vec<Output>) {
        if let Some(member) = self.members.get_mut(slot) {
            let user = &member.entry.user;
            for told in self.told.drain(..) {
                match told {
                    Told::Outcome(message, outcome) => self.messages.report(now, message, user, outcome, out),
                    Told::Silent => out.push(Output::Unresponsive(user.clone())),
                    Told::Answers => out.push(Output::Responsive(user.clone())),
                    Told::Violation => out.push(Output::Violation(user.clone())),
                }
            }
            member.touch(slot, &mut self.ready);
            // The timer of a link in the ring is set when its turn comes.
            if member.queued == Queued::No {
                member.arm(now, slot, &self.config, &mut self.timers);
            }
        }
    }

    /// Puts a link into the ring of those that may have something to say.
    pub(super) fn touch(&mut self, slot: Slot) {
        if let Some(member) = self.members.get_mut(slot) {
            member.touch(slot, &mut self.ready);
        }
    }

    pub(super) fn arm(&mut self, now: Mono, slot: Slot) {
        if let Some(member) = self.members.get_mut(slot) {
            member.arm(now, slot, &self.config, &mut self.timers);
        }
    }
}

impl Member {
    /// Puts its link into the ring.
    pub(super) fn touch(&mut self, slot: Slot, ready: &mut VecDeque<Slot>) {
        if self.link.is_some() && self.queued == Queued::No {
            self.queued = Queued::Yes;
            ready.push_back(slot);
        }
    }

    /// Sets its timer, unless it will ring before anyway: a deadline moves with almost every datagram, mostly further
    /// off, and one tick too many now and then costs less than setting a timer for each.
    pub(super) fn arm(&mut self, now: Mono, slot: Slot, config: &PeerConfig, timers: &mut Timers<Slot>) {
        let link = self.link.as_ref().and_then(|link| link.deadline(now, config));
        let timer = match self.stay {
            Stay::Here => link,
            Stay::Until(until) => Some(link.map_or(until, |at| at.min(until))),
            Stay::Gone => None,
        };
        // What is overdue is due now, so that only a machine that is not run at all is ever late.
        let timer = timer.map(|at| at.max(now));
        if let (Some(next), Some(set)) = (timer, self.timer)
            && next >= set
        {
            return;
        }
        if timer != self.timer {
            match timer {
                Some(at) => timers.set(slot, at),
                None => timers.cancel(slot),
            }
            self.timer = timer;
        }
    }
}
