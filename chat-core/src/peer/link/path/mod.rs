//! The path of a link: the address that its datagrams go to, and the candidates for it.
//!
//! An address is proven by a `Pong` with the bytes of a `Ping` that was sent there (compare RFC 9000 section 8.2).
//! Before that, an address that the roster offers receives only a few datagrams, and an address learned from a datagram
//! at most three times the bytes received from it, so that no member can aim the messages of a group at a third party.
//!
//! If no address answers, the relay carries the datagrams until one does. Only a pong leads back: a way may be blocked in
//! one direction, so hearing the peer over it proves nothing.

mod candidate;
mod challenge_budget;
mod relay;

use std::net::SocketAddr;
use std::time::Duration;

use self::candidate::{CHALLENGE_PAUSE, Candidate, FREE_DATAGRAMS, Proof, Source};
use self::challenge_budget::Role;
use self::relay::{RelayCandidate, Usage};
use crate::generator::Generator;
use crate::peer::Way;
use crate::peer::limit_counts::LimitCounts;
use crate::time::Mono;
use crate::wire::datagram::{HEADER, TAG};

pub(in crate::peer) use self::candidate::usable_addresses;
pub(in crate::peer) use self::challenge_budget::ChallengeBudget;
pub(super) use self::challenge_budget::Permission;
pub(in crate::peer) use self::relay::RelayStanding;

#[derive(Debug)]
pub(super) struct Path {
    candidates: Vec<Candidate>,
    /// The index of the current address.
    current: usize,
    /// The current address if it is proven: all that most datagrams need to know.
    proven: Option<SocketAddr>,
    /// The time of the next challenge to an address other than the current one.
    challenge_at: Option<Mono>,
    /// The budget of all addresses of the path, including those of earlier offers.
    budget: ChallengeBudget,
    relay: RelayCandidate,
}

/// The effect of a pong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum PongResult {
    /// The way stays.
    Nothing,
    /// Another address becomes current.
    OtherAddress,
    /// An address takes over from the relay. Its round-trip time, if it was asked while the relay was used.
    LeavesRelay(Option<Duration>),
}

/// The length of a datagram with a ping and a pong.
pub(super) const SMALL_DATAGRAM: usize = HEADER + 2 * 9 + TAG + 6;

/// The most challenges in one series to an address that is not the current one.
const MAX_CHALLENGES: u32 = 8;

impl Path {
    /// Creates a path with the `addresses` that the roster offers. The first is current until another one is proven.
    pub(super) fn new(
        addresses: impl Iterator<Item = SocketAddr>,
        budget: ChallengeBudget,
        standing: RelayStanding,
        generator: &mut dyn Generator,
    ) -> Self {
        let candidates: Vec<_> = addresses.map(|to| Candidate::new(to, Source::Offered, generator)).collect();
        let relay = RelayCandidate::new(standing, !candidates.is_empty());
        Self { candidates, current: 0, proven: None, challenge_at: None, budget, relay }
    }

    /// Replaces the addresses that the roster offers. The current address stays if it is proven. While the relay is used, new
    /// addresses are asked at once.
    pub(super) fn offer(
        &mut self,
        addresses: impl Iterator<Item = SocketAddr>,
        now: Mono,
        generator: &mut dyn Generator,
    ) {
        let current = self.current().filter(|_| self.is_proven());
        let mut old = std::mem::take(&mut self.candidates);
        // A new address inherits the count of free datagrams, so that a peer cannot renew it by moving repeatedly.
        let datagrams = old.iter().map(|candidate| candidate.datagrams).max().unwrap_or(0);
        for to in addresses {
            let known = old.iter().position(|candidate| candidate.to == to).map(|index| old.swap_remove(index));
            if known.is_none() {
                self.relay.restart_asking(now);
            }
            let candidate =
                known.unwrap_or_else(|| Candidate { datagrams, ..Candidate::new(to, Source::Offered, generator) });
            self.candidates.push(Candidate { source: Source::Offered, ..candidate });
        }
        if let Some(index) = old.iter().position(|candidate| Some(candidate.to) == current) {
            self.candidates.push(Candidate { source: Source::Learned, ..old.swap_remove(index) });
        }
        self.current = current.and_then(|to| self.find(to)).unwrap_or(0);
        self.update_summary();
        if current.is_some() {
            self.challenge_others(now);
        }
        if self.candidates.is_empty() && self.relay.usage == Usage::Unused {
            self.relay.usage = Usage::Unanswered;
        }
    }

    /// Records that a datagram was sealed for `to`.
    pub(super) fn on_sent(&mut self, now: Mono, to: SocketAddr, len: usize) {
        if self.proven == Some(to) {
            return;
        }
        if let Some(index) = self.find(to) {
            let role = self.role(index);
            self.candidates[index].on_sent(now, len, role, &mut self.budget);
        }
    }

    /// Records an authentic datagram. If it is the newest and came from another address, a proof of that address starts.
    /// Returns whether another address becomes current.
    pub(super) fn on_received(
        &mut self,
        now: Mono,
        from: SocketAddr,
        len: usize,
        is_newest: bool,
        generator: &mut dyn Generator,
    ) -> bool {
        if self.proven == Some(from) {
            return false;
        }
        let index = match self.find(from) {
            Some(index) => index,
            None if is_newest => self.learn(from, generator),
            None => return false,
        };
        let current_is_unproven = self.candidates[self.current].proof == Proof::Pending;
        let candidate = &mut self.candidates[index];
        candidate.received += len as u64;
        if index == self.current || !is_newest {
            return false;
        }
        let changes = candidate.proof == Proof::Proven || current_is_unproven;
        if changes {
            self.current = index;
        } else if candidate.challenge_at.is_none() {
            candidate.challenges = 0;
            candidate.challenge_at = Some(now);
        }
        self.update_summary();
        changes
    }

    /// Handles the bytes of a pong that came directly.
    pub(super) fn on_pong(&mut self, now: Mono, bytes: [u8; 8], current_does_not_answer: bool) -> PongResult {
        let Some(index) = self.candidates.iter().position(|candidate| candidate.challenge == bytes) else {
            return PongResult::Nothing;
        };
        let candidate = &mut self.candidates[index];
        // Only the first pong completes a proof. A late one must not lead back to an address that the peer has left.
        let completes_move = candidate.source == Source::Learned && candidate.proof == Proof::Pending;
        candidate.proof = Proof::Proven;
        // Datagrams to a proven address are not counted, but addresses that are offered later inherit the count.
        candidate.datagrams = candidate.datagrams.max(FREE_DATAGRAMS);
        candidate.challenge_at = None;
        let current = &self.candidates[self.current];
        let is_preferred = completes_move || current_does_not_answer || current.proof == Proof::Pending;
        let changes = index != self.current && is_preferred;
        let leaves_relay = self.relay.usage != Usage::Unused;
        let round_trip = self.relay.is_used().then(|| now.since(self.candidates[index].challenged_at));
        if changes || leaves_relay {
            self.current = index;
        }
        self.relay.usage = Usage::Unused;
        self.update_summary();
        match (leaves_relay, changes) {
            (true, _) => PongResult::LeavesRelay(round_trip),
            (false, true) => PongResult::OtherAddress,
            (false, false) => PongResult::Nothing,
        }
    }

    /// Sends everything to the relay from now on. Addresses that were proven must prove themselves again, and all are asked.
    pub(super) fn use_relay(&mut self, now: Mono, generator: &mut dyn Generator) {
        self.relay.usage = Usage::Unanswered;
        self.relay.restart_asking(now);
        self.ask_if_due(now, generator);
    }

    /// Changes whether the relay may be used.
    pub(super) const fn set_relay(&mut self, standing: RelayStanding) {
        self.relay.standing = standing;
    }

    /// Asks every direct address once, if the relay is used and it is time to ask.
    pub(super) fn ask_if_due(&mut self, now: Mono, generator: &mut dyn Generator) {
        if self.relay.ask_at().is_none_or(|at| now < at) {
            return;
        }
        self.relay.on_asked(now);
        self.candidates.iter_mut().for_each(|candidate| candidate.ask(now, generator));
        self.update_summary();
    }

    /// Lets direct addresses be asked at once, because one of them may work now.
    pub(super) const fn restart_asking(&mut self, now: Mono) {
        self.relay.restart_asking(now);
    }

    /// Returns the time from which direct addresses are to be asked, if the relay is used.
    pub(super) fn ask_at(&self) -> Option<Mono> {
        self.relay.ask_at()
    }

    /// Records an ack of a packet that went over the way in use. Returns whether the relay has answered for the first time.
    pub(super) fn on_answered(&mut self) -> bool {
        let answers = self.relay.usage == Usage::Unanswered && self.relay.is_used();
        if answers {
            self.relay.usage = Usage::Answered;
        }
        answers
    }

    /// Returns the way in use if it has answered.
    pub(super) fn answering(&self) -> Option<Way> {
        match self.relay.usage {
            Usage::Answered if self.relay.is_used() => Some(Way::Relay),
            Usage::Answered | Usage::Unanswered => None,
            Usage::Unused => self.proven.map(Way::Direct),
        }
    }

    /// Whether the relay is used.
    pub(super) fn is_relayed(&self) -> bool {
        self.relay.is_used()
    }

    /// Whether the relay may come into use.
    pub(super) fn is_relay_ready(&self) -> bool {
        self.relay.is_ready()
    }

    /// Returns whether the link may use the relay.
    pub(super) const fn relay_standing(&self) -> RelayStanding {
        self.relay.standing
    }

    /// Returns the direct address in use, or `None` if the relay is used or there is no address.
    pub(super) fn direct(&self) -> Option<SocketAddr> {
        if self.is_relayed() { None } else { self.current() }
    }

    /// Starts to challenge the other addresses, because something is to be sent.
    pub(super) fn challenge_others(&mut self, now: Mono) {
        for candidate in self.others() {
            if candidate.proof == Proof::Pending && candidate.challenges == 0 {
                candidate.challenge_at.get_or_insert(now);
            }
        }
        self.update_summary();
    }

    /// Challenges the other addresses again, because the current one does not answer.
    pub(super) fn rechallenge_others(&mut self, now: Mono) {
        for candidate in self.others() {
            let pause = match candidate.proof {
                // An address that has answered before is challenged each time.
                Proof::Proven => {
                    candidate.challenges = MAX_CHALLENGES - 1;
                    CHALLENGE_PAUSE
                }
                Proof::Pending => candidate.pause(),
            };
            candidate.challenge_at.get_or_insert(now + pause);
        }
        self.update_summary();
    }

    /// Stops the challenges to offered addresses, because nothing is to be sent. The proof of a learned address goes on.
    pub(super) fn stop_challenging_offered(&mut self) {
        // While the relay is used, each challenge is a single one.
        if self.challenge_at.is_none() || self.is_relayed() {
            return;
        }
        let offered = self.candidates.iter_mut().filter(|candidate| candidate.source == Source::Offered);
        offered.for_each(|candidate| candidate.challenge_at = None);
        self.update_summary();
    }

    /// Returns the next challenge that is due to an address other than the current one, if a datagram of `len` bytes
    /// may go there. Counts the challenges that must wait.
    pub(super) fn next_challenge(
        &mut self,
        now: Mono,
        len: usize,
        limits: &mut LimitCounts,
    ) -> Option<(SocketAddr, [u8; 8])> {
        self.challenge_at.filter(|at| *at <= now)?;
        let is_relayed = self.is_relayed();
        let mut next = None;
        while next.is_none()
            && let Some(index) = self.next_due(now)
        {
            let role = self.role(index);
            let candidate = &mut self.candidates[index];
            let permission = candidate.permission(now, len, role, &self.budget);
            match permission {
                // All are asked again, at a time that the relay decides.
                _ if is_relayed => candidate.challenge_at = None,
                Permission::Later(wait) => {
                    limits.challenges += 1;
                    candidate.challenge_at = Some(now + wait);
                    continue;
                }
                Permission::Granted | Permission::Denied => {
                    candidate.challenges += 1;
                    candidate.challenge_at = (candidate.challenges < MAX_CHALLENGES).then(|| now + candidate.pause());
                }
            }
            if permission == Permission::Granted {
                candidate.challenged_at = now;
                next = Some((candidate.to, candidate.challenge));
            }
        }
        self.update_summary();
        next
    }

    /// Returns unused memory to the allocator.
    pub(super) fn shrink(&mut self) {
        self.candidates.shrink_to_fit();
    }

    /// Returns the current address, or `None` if the roster offers no usable one. While the relay is used, nothing but
    /// challenges goes there.
    pub(super) fn current(&self) -> Option<SocketAddr> {
        self.proven.or_else(|| self.candidates.get(self.current).map(|candidate| candidate.to))
    }

    /// Whether the current address is proven.
    pub(super) const fn is_proven(&self) -> bool {
        self.proven.is_some()
    }

    /// Returns the challenge of the current address until it is proven, unless the relay is used.
    pub(super) fn challenge(&self) -> Option<[u8; 8]> {
        if self.is_proven() || self.is_relayed() {
            return None;
        }
        self.candidates.get(self.current).map(|candidate| candidate.challenge)
    }

    /// Returns the largest datagram that may go over `to` now, in bytes.
    pub(super) fn allowance(&self, to: Way) -> usize {
        match to {
            Way::Relay => usize::MAX,
            Way::Direct(to) if self.proven == Some(to) => usize::MAX,
            Way::Direct(to) => self.find(to).map_or(0, |index| self.candidates[index].allowance()),
        }
    }

    /// Returns whether a datagram of `len` bytes without messages may go over the way in use.
    pub(super) fn permission(&self, now: Mono, len: usize) -> Permission {
        match self.candidates.get(self.current) {
            _ if self.is_proven() || self.is_relayed() => Permission::Granted,
            Some(current) => current.permission(now, len, Role::Current, &self.budget),
            None => Permission::Denied,
        }
    }

    /// Returns the rest of the challenge budget.
    pub(super) const fn budget(&self) -> ChallengeBudget {
        self.budget
    }

    /// Returns the time of the next challenge after `now`. Challenges that are due wait only for the socket.
    pub(super) fn next_challenge_after(&self, now: Mono) -> Option<Mono> {
        self.challenge_at?;
        self.candidates.iter().filter_map(|candidate| candidate.challenge_at).filter(|at| *at > now).min()
    }

    /// Updates what is derived from the candidates. Every change of them must call this.
    fn update_summary(&mut self) {
        let current = self.candidates.get(self.current).filter(|candidate| candidate.proof == Proof::Proven);
        self.proven = current.map(|candidate| candidate.to);
        self.challenge_at = self.candidates.iter().filter_map(|candidate| candidate.challenge_at).min();
    }

    /// Returns the index of the address whose challenge is due. If there are several, this is the one that was
    /// challenged least often, because the budget may not suffice for all.
    fn next_due(&self, now: Mono) -> Option<usize> {
        let is_due = |candidate: &Candidate| candidate.challenge_at.is_some_and(|at| at <= now);
        let due = self.candidates.iter().enumerate().filter(|(_, candidate)| is_due(candidate));
        due.min_by_key(|(_, candidate)| candidate.challenges).map(|(index, _)| index)
    }

    fn role(&self, index: usize) -> Role {
        if index == self.current { Role::Current } else { Role::Other }
    }

    fn find(&self, to: SocketAddr) -> Option<usize> {
        self.candidates.iter().position(|candidate| candidate.to == to)
    }

    fn others(&mut self) -> impl Iterator<Item = &mut Candidate> {
        let current = self.current;
        self.candidates.iter_mut().enumerate().filter(move |(index, _)| *index != current).map(|(_, other)| other)
    }

    /// Adds a learned address and returns its index. It replaces an earlier learned address that is not current.
    fn learn(&mut self, from: SocketAddr, generator: &mut dyn Generator) -> usize {
        let candidate = Candidate::new(from, Source::Learned, generator);
        let current = self.current;
        let mut all = self.candidates.iter().enumerate();
        match all.find(|(index, candidate)| *index != current && candidate.source == Source::Learned) {
            Some((index, _)) => {
                self.candidates[index] = candidate;
                index
            }
            None => {
                self.candidates.push(candidate);
                self.candidates.len() - 1
            }
        }
    }
}

#[cfg(test)]
mod tests;
