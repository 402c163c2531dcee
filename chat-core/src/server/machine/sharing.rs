//! Sharing: the calls of the journal, and what their results mean.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Machine, Phase as Serving, Then};
use crate::id::{Epoch, NodeId, Position, Revision};
use crate::journal::{
    Act, Appended, Founding, GivenHint, Head, JournalCall, JournalError, JournalReply, LoggedAct, ProposedAct, Reading,
    Signs, States, Verdict,
};
use crate::roster::RosterVersion;
use crate::server::cx::Cx;
use crate::server::io::Job;
use crate::server::jobs::PendingJob;
use crate::server::membership::{Effect, Origin};
use crate::server::shared::{Again, Next, Phase, ROUND};
use crate::server::timer::Timer;

impl Machine {
    /// Enters the journal.
    pub(in crate::server) fn enter_journal(&mut self, cx: &mut Cx<'_>) {
        let Some(shared) = &mut self.shared else { return };
        if matches!(shared.phase, Phase::Over) {
            return;
        }
        let entering = shared.enter(cx.now.wall);
        cx.timers.cancel(Timer::Round);
        self.call(cx, JournalCall::Enter(entering), vec![]);
    }

    /// A call of the journal is done.
    pub(super) fn journal_done(
        &mut self,
        cx: &mut Cx<'_>,
        run: u64,
        numbers: Vec<u64>,
        result: Result<JournalReply, JournalError>,
    ) {
        let Some(shared) = &mut self.shared else { return };
        if shared.run != run || matches!(shared.phase, Phase::Over) {
            return;
        }
        match result {
            Ok(JournalReply::Entered(head)) => self.entered(cx, head),
            Ok(JournalReply::States(states)) => self.loaded(cx, states),
            Ok(JournalReply::Read(Reading { acts, hints, next_hint })) => {
                shared.in_flight.read = false;
                shared.next_hint = Some(next_hint);
                self.count_hints(cx, &hints);
                self.read(cx, acts);
            }
            Ok(JournalReply::Appended(appended)) => {
                shared.in_flight.append = false;
                self.appended(&numbers, &appended);
            }
            Ok(JournalReply::Renewed(signs)) => self.renewed(cx, &signs),
            Ok(JournalReply::Founded) => self.enter_journal(cx),
            // Of another job.
            Ok(JournalReply::Hinted) => {}
            Err(JournalError::Away(_)) => {
                let pause = shared.go_away();
                set_pause(cx, pause);
            }
            Err(JournalError::Fenced) => self.fenced(cx),
            Err(JournalError::OtherEpoch(_)) => self.enter_journal(cx),
            Err(JournalError::Empty) if matches!(shared.phase, Phase::Entering) => {
                let pause = shared.found_later(cx.now.mono, None);
                set_pause(cx, pause);
            }
            Err(JournalError::Empty) => self.enter_journal(cx),
        }
    }

    /// The pause is over after which the node tries again.
    pub(super) fn rejoin(&mut self, cx: &mut Cx<'_>) {
        match self.shared.as_ref().map(|shared| &shared.phase) {
            Some(Phase::Away(Next::Found(old))) => {
                let old = *old;
                self.found(cx, old);
            }
            Some(Phase::Away(Next::Enter)) => self.enter_journal(cx),
            _ => {}
        }
    }

    /// A round is due: gives a sign of life.
    pub(super) fn round(&mut self, cx: &mut Cx<'_>) {
        let next = cx.after(ROUND);
        cx.timers.set(Timer::Round, next);
        let from = self.membership.position();
        let Some(shared) = &mut self.shared else { return };
        if shared.in_flight.renew.is_none()
            && matches!(shared.phase, Phase::Ready | Phase::CatchingUp(_))
            && let Some(writer) = shared.writer()
        {
            shared.in_flight.renew = Some((from, shared.tip));
            self.call(cx, JournalCall::Renew(writer), vec![]);
        }
    }

    /// Makes the calls that are due: after every input.
    pub(super) fn drive_journal(&mut self, cx: &mut Cx<'_>) {
        self.judge_waiting(cx);
        let (now, after) = (cx.now.mono, self.membership.position());
        let pause_ends = cx.after(cx.config.journal_interval);
        let Some(shared) = &mut self.shared else { return };
        let is_ready = matches!(shared.phase, Phase::Ready);
        let mut calls = Vec::new();
        if is_ready
            && !shared.in_flight.append
            && shared.append_from <= now
            && let Some(writer) = shared.writer()
        {
            let (numbers, proposals) = shared.proposals.send();
            if !numbers.is_empty() {
                shared.in_flight.append = true;
                shared.append_from = pause_ends;
                calls.push((JournalCall::Append(writer, proposals), numbers));
            }
        }
        if (is_ready && shared.read_from <= now || matches!(shared.phase, Phase::CatchingUp(_)))
            && !shared.in_flight.read
            && let Some(epoch) = shared.epoch
        {
            shared.in_flight.read = true;
            shared.read_from = pause_ends;
            calls.push((JournalCall::Read(epoch, shared.read_after(after), shared.next_hint), vec![]));
        }
        match shared.next_call() {
            Some(at) => cx.timers.set(Timer::Journal, at),
            None => cx.timers.cancel(Timer::Journal),
        }
        for (call, numbers) in calls {
            self.call(cx, call, numbers);
        }
        self.give_hints(cx);
    }

    /// Gives the other nodes the hints that wait for them.
    fn give_hints(&mut self, cx: &mut Cx<'_>) {
        let (Some(shared), Some(hints)) = (&self.shared, self.logins.hints_mut()) else { return };
        if !matches!(shared.phase, Phase::Ready) {
            hints.drop_waiting();
        } else if let Some(hints) = hints.send(shared.node()) {
            // A hint is not worth going away for: if the journal is away, another call says so.
            cx.start(PendingJob::Hints, Job::Journal(JournalCall::Hint(hints)));
        }
    }

    /// Counts the hints of other nodes.
    fn count_hints(&mut self, cx: &Cx<'_>, hints: &[Vec<u8>]) {
        let Some(shared) = &self.shared else { return };
        for GivenHint { node, hint } in hints.iter().filter_map(|bytes| GivenHint::decode(bytes)) {
            if !shared.is_ours(node) {
                self.logins.hinted(cx, hint);
            }
        }
    }

    /// Leaves the journal, if there is another node to leave the sessions to.
    pub(super) fn leave_journal(&mut self, cx: &mut Cx<'_>) {
        let Some(shared) = &self.shared else { return };
        let heir = self.membership.nodes().alive().map(|(node, _)| node).find(|node| !shared.is_ours(*node));
        if let Some(heir) = heir.filter(|_| matches!(shared.phase, Phase::Ready)) {
            self.propose(cx, Act::Left { heir }, Then::Nothing, Again::Never);
        }
    }

    /// Whether the node still has to leave the journal.
    pub(super) fn is_leaving(&self) -> bool {
        self.shared.as_ref().is_some_and(|shared| {
            matches!(shared.phase, Phase::Ready) && shared.proposals.any(|act| matches!(act, Act::Left { .. }))
        })
    }

    /// Nothing was published for a while after the beginning of an epoch.
    pub(super) fn end_hold(&mut self, cx: &mut Cx<'_>) {
        let Some(shared) = &mut self.shared else { return };
        shared.is_held = false;
        self.membership.publication_mut().record_pending(cx.out);
        self.restart_publication();
    }

    fn call(&self, cx: &mut Cx<'_>, call: JournalCall, numbers: Vec<u64>) {
        let run = self.shared.as_ref().map_or(0, |shared| shared.run);
        cx.start(PendingJob::Journal { run, numbers }, Job::Journal(call));
    }

    fn entered(&mut self, cx: &mut Cx<'_>, head: Head) {
        let position = self.membership.position();
        let Some(shared) = &mut self.shared else { return };
        shared.head = head.position;
        shared.is_away = false;
        if shared.epoch != Some(head.epoch) || shared.is_forked || shared.must_load {
            shared.phase = Phase::Loading { head, states: Vec::new() };
            self.call(cx, JournalCall::States(head.epoch, 0), vec![]);
        } else if head.position <= position {
            let pause = shared.found_later(cx.now.mono, Some(head.epoch));
            set_pause(cx, pause);
        } else {
            shared.phase = Phase::CatchingUp(head.position);
            self.membership.doubt_others();
            self.round(cx);
        }
    }

    fn loaded(&mut self, cx: &mut Cx<'_>, piece: States) {
        let Some(shared) = &mut self.shared else { return };
        let Phase::Loading { head, states } = &mut shared.phase else { return };
        states.extend(piece.states);
        let head = *head;
        if let Some(cursor) = piece.next {
            return self.call(cx, JournalCall::States(head.epoch, cursor), vec![]);
        }
        let states = std::mem::take(states);
        let is_same_epoch = shared.epoch == Some(head.epoch);
        let Ok((before, target)) = self.membership.load(cx.now.mono, &head, states) else {
            return self.stop_sharing(cx);
        };
        // An epoch that another node has founded is no fork.
        shared.is_forked =
            is_same_epoch && (shared.is_forked || !self.membership.continues(&before)) || shared.is_past(head.epoch);
        if shared.epoch.is_some() && shared.before.is_none() {
            shared.before = Some(before);
        }
        shared.must_load = false;
        shared.entered(&head);
        shared.tip = head.tip;
        shared.phase = Phase::CatchingUp(target);
        self.membership.renumber(RosterVersion { epoch: head.epoch, revision: head.revision });
        self.membership.publication_mut().hold();
        self.round(cx);
        self.caught_up(cx);
    }

    fn read(&mut self, cx: &mut Cx<'_>, acts: Vec<LoggedAct>) {
        if acts.is_empty()
            && let Some(shared) = &mut self.shared
        {
            // The journal has dropped even the act with which this node has entered.
            shared.tail = None;
        }
        for LoggedAct { position, previous, act } in acts {
            let Some(shared) = &mut self.shared else { return };
            if position <= self.membership.position() {
                if let Some(tail) = &mut shared.tail {
                    tail.push(position, ProposedAct::decode(&act).ok().map(|proposed| (proposed.at, proposed.act)));
                }
                continue;
            }
            shared.head = shared.head.max(position);
            if position != self.membership.position().next() {
                // Acts were dropped: the slots have what they did.
                return self.load_again(cx);
            }
            if previous != shared.tip {
                shared.is_forked = true;
                return self.load_again(cx);
            }
            let Ok(proposed) = ProposedAct::decode(&act) else { return self.stop_sharing(cx) };
            shared.tip = proposed.tag;
            self.apply_read(cx, position, proposed);
            if !matches!(self.shared.as_ref().map(|shared| &shared.phase), Some(Phase::Ready | Phase::CatchingUp(_))) {
                return;
            }
        }
        self.caught_up(cx);
    }

    /// Reads the slots of the epoch again, from a new beginning.
    fn load_again(&mut self, cx: &mut Cx<'_>) {
        if let Some(shared) = &mut self.shared {
            shared.must_load = true;
        }
        self.enter_journal(cx);
    }

    fn apply_read(&mut self, cx: &mut Cx<'_>, position: Position, proposed: ProposedAct) {
        let ProposedAct { node, number, at, act, .. } = proposed;
        let is_ready = matches!(self.shared.as_ref().map(|shared| &shared.phase), Some(Phase::Ready));
        let is_own = self.shared.as_ref().is_some_and(|shared| shared.is_ours(node));
        if let Some(shared) = &mut self.shared {
            let count = if is_own { &mut shared.counts.own_acts } else { &mut shared.counts.other_acts };
            *count += 1;
            if let Some(tail) = &mut shared.tail {
                tail.push(position, Some((at, act.clone())));
            }
        }
        let left = match &act {
            Act::Lost { node, .. } => Some(*node),
            Act::Left { .. } => Some(node),
            _ => None,
        };
        let before = self.membership.publication().revision();
        let revision = Revision::new(before.get() + u64::from(act.changes()));
        let effects = self.membership.apply(cx.now.mono, Origin { position, node, at }, act);
        if self.membership.publication().revision() != revision {
            // Only a forged act makes another number of changes than it says, or one that the slots have already.
            self.membership.publication_mut().record_pending(cx.out);
            let epoch = self.membership.publication().epoch();
            self.membership.renumber(RosterVersion { epoch, revision });
            if is_ready {
                self.restart_publication();
            }
        }
        for effect in effects {
            self.perform_shared(cx, effect);
        }
        if is_own && let Some(intent) = self.shared.as_mut().and_then(|shared| shared.proposals.take(number)) {
            self.proceed(cx, intent.then);
        }
        if left.is_some() && left == self.shared.as_ref().map(|shared| shared.node()) {
            self.fenced(cx);
        }
    }

    fn perform_shared(&mut self, cx: &mut Cx<'_>, effect: Effect) {
        if let (Effect::Inherited { .. }, Some(shared)) = (&effect, &mut self.shared) {
            shared.counts.inherited += 1;
        }
        if let Effect::Inherited { account } = effect
            && self.membership.session(account).is_some_and(|session| session.conn.is_some())
        {
            return;
        }
        self.perform(cx, effect);
    }

    fn appended(&mut self, numbers: &[u64], appended: &Appended) {
        let Some(shared) = &mut self.shared else { return };
        shared.head = shared.head.max(appended.head);
        for (number, verdict) in numbers.iter().zip(&appended.verdicts) {
            if *verdict == Verdict::Refused {
                shared.counts.refused += 1;
                shared.proposals.refuse(*number, appended.head);
            }
        }
    }

    fn renewed(&mut self, cx: &mut Cx<'_>, signs: &Signs) {
        let Some(shared) = &mut self.shared else { return };
        let Some((position, tip)) = shared.in_flight.renew.take() else { return };
        let head = signs.head;
        shared.head = head.position;
        if head.position < position || head.position == position && head.tip != tip {
            shared.is_forked |= head.position == position;
            return self.enter_journal(cx);
        }
        let node = shared.node();
        let homes = self.membership.sessions().map(|session| session.home);
        let others: BTreeSet<NodeId> =
            self.membership.nodes().alive().map(|(node, _)| node).chain(homes).filter(|other| *other != node).collect();
        let lost = shared.round(others, &signs.lives);
        shared.alive().for_each(|node| self.membership.verify(node));
        if !matches!(shared.phase, Phase::Ready) {
            return;
        }
        for lost in lost {
            let act = Act::Lost { node: lost, heir: node };
            let is_proposed = self.shared.as_ref().is_some_and(|shared| shared.proposals.any(|other| *other == act));
            if !is_proposed {
                self.propose(cx, act, Then::Nothing, Again::Never);
            }
        }
    }

    /// This node may no longer write: it enters as another one.
    fn fenced(&mut self, cx: &mut Cx<'_>) {
        let Some(shared) = &mut self.shared else { return };
        if self.phase != Serving::Serving {
            shared.begin_run(Phase::Over);
            return;
        }
        let node = shared.become_another();
        self.membership.share(node);
        self.enter_journal(cx);
    }

    /// Founds an epoch from the replica, in the place of `old`.
    pub(super) fn found(&mut self, cx: &mut Cx<'_>, old: Option<Epoch>) {
        let (position, revision) = (self.membership.position(), self.membership.publication().revision());
        let states = self.membership.states();
        let Some(shared) = &mut self.shared else { return };
        let head = shared.new_head(cx.now.wall, position, revision);
        shared.begin_run(Phase::Founding);
        self.call(cx, JournalCall::Found(old, Founding { head, states }), vec![]);
    }

    /// The journal has something that this version does not know. It stops, which is better than lying.
    fn stop_sharing(&mut self, cx: &mut Cx<'_>) {
        if let Some(shared) = &mut self.shared {
            shared.begin_run(Phase::Over);
            shared.is_incompatible = true;
        }
        self.begin_stop(cx);
    }
}

/// Lets the node try again after a pause.
fn set_pause(cx: &mut Cx<'_>, pause: Duration) {
    cx.timers.cancel(Timer::Round);
    let until = cx.after(pause);
    cx.timers.set(Timer::Rejoin, until);
}
