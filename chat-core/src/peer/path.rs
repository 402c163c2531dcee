//! Where a peer's datagrams go, and which of its addresses are proven.
//!
//! An address is proven only by a `Pong` with the bytes of a `Ping` that was sent there. Until then few datagrams go
//! to an address that the roster offers, and at most three times the bytes received to one that was only heard of, so
//! that nobody can aim the room's texts at a stranger.

use std::net::SocketAddr;
use std::time::Duration;

use super::Loopback;
use crate::generator::Generator;
use crate::roster::Entry;
use crate::time::Mono;
use crate::wire::datagram::{HEADER, TAG};

#[derive(Debug)]
pub(super) struct Path {
    candidates: Vec<Candidate>,
    current: usize,
    /// The address in use, once it is proven: all that most datagrams have to know.
    proven: Option<SocketAddr>,
    /// When the next address is to be asked.
    ping_at: Option<Mono>,
}

#[derive(Debug)]
struct Candidate {
    to: SocketAddr,
    source: Source,
    proof: Proof,
    challenge: [u8; 8],
    received: u64,
    sent: u64,
    datagrams: u32,
    pings: u32,
    ping_at: Option<Mono>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Source {
    /// The roster offers it.
    Offered,
    /// An authentic datagram came from there.
    Heard,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Proof {
    Open,
    Proven,
}

/// The length of a datagram with a `Ping` and a `Pong`.
pub(super) const SMALL: usize = HEADER + 2 * 9 + TAG + 6;

/// Datagrams that may go to an offered address before it is proven.
const BEFORE_PROOF: u32 = 3;

/// What may go to an address that was heard of, per byte received from there.
const AMPLIFICATION: u64 = 3;

/// The pause after the first `Ping` to an address; it doubles each time.
const PING_PAUSE: Duration = Duration::from_millis(250);

/// The pings to one address that is not in use before we stop asking.
const PINGS: u32 = 8;

impl Path {
    /// The way to the `addresses` that the roster offers, of which the first is used until another is proven.
    pub(super) fn new(addresses: impl Iterator<Item = SocketAddr>, generator: &mut dyn Generator) -> Self {
        let candidates = addresses.map(|to| Candidate::new(to, Source::Offered, generator)).collect();
        Self { candidates, current: 0, proven: None, ping_at: None }
    }

    /// Where datagrams go now; none if the roster offers nothing that we may use.
    pub(super) fn to(&self) -> Option<SocketAddr> {
        self.proven.or_else(|| self.candidates.get(self.current).map(|candidate| candidate.to))
    }

    /// The challenge for a `Ping`, while the address in use is not proven.
    pub(super) fn challenge(&self) -> Option<[u8; 8]> {
        if self.is_proven() {
            return None;
        }
        self.candidates.get(self.current).map(|candidate| candidate.challenge)
    }

    /// How many bytes one datagram to `to` may have now.
    pub(super) fn allowance(&self, to: SocketAddr) -> usize {
        if self.proven == Some(to) {
            return usize::MAX;
        }
        self.find(to).map_or(0, |index| self.candidates[index].allowance())
    }

    /// Notes that a datagram was sealed for `to`.
    pub(super) fn on_sent(&mut self, to: SocketAddr, len: usize) {
        if self.proven == Some(to) {
            return;
        }
        if let Some(index) = self.find(to) {
            let candidate = &mut self.candidates[index];
            // What may go to an offered address anyway is not taken from what it is owed for its own bytes. Otherwise
            // two that had sent their first datagrams in vain could not answer each other for a long time.
            let anyway = candidate.datagrams < BEFORE_PROOF || len <= SMALL;
            if candidate.source == Source::Heard || !anyway {
                candidate.sent += len as u64;
            }
            candidate.datagrams += 1;
        }
    }

    /// Notes that an authentic datagram came, and begins a proof if it is the newest and came from elsewhere.
    pub(super) fn on_heard(
        &mut self,
        now: Mono,
        from: SocketAddr,
        len: usize,
        newest: bool,
        generator: &mut dyn Generator,
    ) {
        if self.proven == Some(from) {
            return;
        }
        let index = match self.find(from) {
            Some(index) => index,
            None if newest => self.add_heard(from, generator),
            None => return,
        };
        let current_is_open = self.candidates[self.current].proof == Proof::Open;
        let candidate = &mut self.candidates[index];
        candidate.received += len as u64;
        if index == self.current || !newest {
            return;
        }
        if candidate.proof == Proof::Proven || current_is_open {
            self.current = index;
        } else if candidate.ping_at.is_none() {
            candidate.pings = 0;
            candidate.ping_at = Some(now);
        }
        self.sum_up();
    }

    /// Takes a `Pong` in. Gives whether datagrams go elsewhere now, of which nothing is known yet.
    pub(super) fn on_pong(&mut self, bytes: [u8; 8], current_is_silent: bool) -> bool {
        let Some(index) = self.candidates.iter().position(|candidate| candidate.challenge == bytes) else {
            return false;
        };
        let candidate = &mut self.candidates[index];
        // Only the first answer counts as one: a late one must not lead back to where the peer was before.
        let heard = candidate.source == Source::Heard && candidate.proof == Proof::Open;
        candidate.proof = Proof::Proven;
        // Nothing is counted from now on, and what is offered later begins with the count of the others.
        candidate.datagrams = candidate.datagrams.max(BEFORE_PROOF);
        candidate.ping_at = None;
        let current = &self.candidates[self.current];
        let moves = index != self.current && (heard || current_is_silent || current.proof == Proof::Open);
        if moves {
            self.current = index;
        }
        self.sum_up();
        moves
    }

    /// Starts to look for the nearest of the offered addresses, once something is to be sent.
    pub(super) fn look_around(&mut self, now: Mono) {
        let current = self.current;
        for (_, candidate) in self.candidates.iter_mut().enumerate().filter(|(index, _)| *index != current) {
            if candidate.proof == Proof::Open && candidate.pings == 0 {
                candidate.ping_at.get_or_insert(now);
            }
        }
        self.sum_up();
    }

    /// Asks the other addresses again, because the one in use does not answer.
    pub(super) fn look_elsewhere(&mut self, now: Mono) {
        let current = self.current;
        for (_, candidate) in self.candidates.iter_mut().enumerate().filter(|(index, _)| *index != current) {
            candidate.pings = candidate.pings.min(PINGS - 1);
            candidate.ping_at.get_or_insert(now + PING_PAUSE);
        }
        self.sum_up();
    }

    /// The next address to be asked apart from the one in use, and its challenge.
    pub(super) fn next_ping(&mut self, now: Mono, len: usize) -> Option<(SocketAddr, [u8; 8])> {
        self.ping_at.filter(|at| *at <= now)?;
        let mut due = self.candidates.iter_mut().filter(|candidate| candidate.ping_at.is_some_and(|at| at <= now));
        let next = due.find_map(|candidate| {
            candidate.pings += 1;
            let pause = PING_PAUSE.saturating_mul(1 << candidate.pings.min(16));
            candidate.ping_at = (candidate.pings < PINGS).then(|| now + pause);
            candidate.may_be_asked(len).then_some((candidate.to, candidate.challenge))
        });
        self.sum_up();
        next
    }

    /// Whether a datagram of `len` bytes that only asks for a sign of life may go to the address in use.
    pub(super) fn may_be_asked(&self, len: usize) -> bool {
        self.is_proven() || self.candidates.get(self.current).is_some_and(|candidate| candidate.may_be_asked(len))
    }

    /// When the next address is to be asked, apart from those that wait for the socket only.
    pub(super) fn next_ping_after(&self, now: Mono) -> Option<Mono> {
        self.ping_at?;
        self.candidates.iter().filter_map(|candidate| candidate.ping_at).filter(|at| *at > now).min()
    }

    /// Whether an address is proven.
    pub(super) const fn is_proven(&self) -> bool {
        self.proven.is_some()
    }

    /// Stops looking around: nothing is to be sent any more. A proof that was begun goes on.
    pub(super) fn rest(&mut self) {
        if self.ping_at.is_none() {
            return;
        }
        let offered = self.candidates.iter_mut().filter(|candidate| candidate.source == Source::Offered);
        offered.for_each(|candidate| candidate.ping_at = None);
        self.sum_up();
    }

    /// Takes the addresses that the roster offers now. The one in use stays in use if it is proven.
    pub(super) fn offer(
        &mut self,
        addresses: impl Iterator<Item = SocketAddr>,
        now: Mono,
        generator: &mut dyn Generator,
    ) {
        let in_use = self.to().filter(|_| self.is_proven());
        let mut old = std::mem::take(&mut self.candidates);
        // Whoever names one address after another gets no more datagrams sent there than to the first.
        let datagrams = old.iter().map(|candidate| candidate.datagrams).max().unwrap_or(0);
        for to in addresses {
            let known = old.iter().position(|candidate| candidate.to == to).map(|index| old.swap_remove(index));
            let candidate =
                known.unwrap_or_else(|| Candidate { datagrams, ..Candidate::new(to, Source::Offered, generator) });
            self.candidates.push(Candidate { source: Source::Offered, ..candidate });
        }
        if let Some(index) = old.iter().position(|candidate| Some(candidate.to) == in_use) {
            self.candidates.push(Candidate { source: Source::Heard, ..old.swap_remove(index) });
        }
        self.current = in_use.and_then(|to| self.find(to)).unwrap_or(0);
        self.sum_up();
        if in_use.is_some() {
            self.look_around(now);
        }
    }

    /// Gives back memory that is not in use.
    pub(super) fn shrink(&mut self) {
        self.candidates.shrink_to_fit();
    }

    /// Notes what most datagrams have to know, after any change.
    fn sum_up(&mut self) {
        let current = self.candidates.get(self.current).filter(|candidate| candidate.proof == Proof::Proven);
        self.proven = current.map(|candidate| candidate.to);
        self.ping_at = self.candidates.iter().filter_map(|candidate| candidate.ping_at).min();
    }

    fn find(&self, to: SocketAddr) -> Option<usize> {
        self.candidates.iter().position(|candidate| candidate.to == to)
    }

    /// Only the newest address that was heard of is kept beside the offered ones and the one in use.
    fn add_heard(&mut self, from: SocketAddr, generator: &mut dyn Generator) -> usize {
        let candidate = Candidate::new(from, Source::Heard, generator);
        let current = self.current;
        let mut all = self.candidates.iter().enumerate();
        match all.find(|(index, candidate)| *index != current && candidate.source == Source::Heard) {
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

impl Candidate {
    fn new(to: SocketAddr, source: Source, generator: &mut dyn Generator) -> Self {
        let mut challenge = [0; 8];
        generator.fill(&mut challenge);
        let (received, sent, datagrams, pings) = (0, 0, 0, 0);
        Self { to, source, proof: Proof::Open, challenge, received, sent, datagrams, pings, ping_at: None }
    }

    /// An address that the roster offers may be asked again and again, with pauses.
    fn may_be_asked(&self, len: usize) -> bool {
        self.source == Source::Offered || self.allowance() >= len
    }

    fn allowance(&self) -> usize {
        if self.proof == Proof::Proven || (self.source == Source::Offered && self.datagrams < BEFORE_PROOF) {
            return usize::MAX;
        }
        usize::try_from((self.received * AMPLIFICATION).saturating_sub(self.sent)).unwrap_or(usize::MAX)
    }
}

/// The addresses of an entry that we may send to.
pub(super) fn usable(entry: &Entry, loopback: Loopback) -> impl Iterator<Item = SocketAddr> {
    let usable = move |address: &SocketAddr| {
        let ip = address.ip();
        let foreign = ip.is_loopback() && loopback == Loopback::Ignored;
        !(foreign || ip.is_unspecified() || ip.is_multicast() || address.port() == 0)
    };
    let canonical = entry.addresses.iter().map(|address| SocketAddr::new(address.ip().to_canonical(), address.port()));
    canonical.filter(usable).take(Entry::MAX_ADDRESSES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::SeededGenerator;

    fn address(last: u8) -> SocketAddr {
        SocketAddr::from(([192, 168, 1, last], 4000))
    }

    fn at(millis: u64) -> Mono {
        Mono::at(Duration::from_millis(millis))
    }

    fn path(addresses: &[u8]) -> (Path, SeededGenerator) {
        let mut generator = SeededGenerator::new(1);
        let path = Path::new(addresses.iter().copied().map(address), &mut generator);
        (path, generator)
    }

    #[test]
    fn an_offered_address_gets_three_datagrams_before_it_is_proven() {
        let (mut path, _) = path(&[1]);
        for _ in 0..3 {
            assert_eq!(path.allowance(address(1)), usize::MAX);
            path.on_sent(address(1), 1200);
        }
        assert_eq!(path.allowance(address(1)), 0);
        assert!(!path.on_pong([9; 8], false), "not our challenge");
        assert_eq!(path.allowance(address(1)), 0);
        path.on_pong(path.challenge().unwrap(), false);
        assert!(path.is_proven() && path.challenge().is_none());
        assert_eq!(path.allowance(address(1)), usize::MAX);
    }

    #[test]
    fn a_heard_address_gets_three_times_its_bytes_until_it_is_proven_and_then_wins() {
        let (mut path, mut generator) = path(&[1]);
        path.on_pong(path.challenge().unwrap(), false);
        path.on_heard(at(0), address(9), 50, true, &mut generator);
        assert_eq!(path.to(), Some(address(1)), "the last proven address stays until then");
        assert_eq!(path.allowance(address(9)), 150);
        let (to, challenge) = path.next_ping(at(0), 42).unwrap();
        assert_eq!(to, address(9));
        path.on_sent(to, 42);
        assert_eq!(path.allowance(address(9)), 108);
        assert!(path.on_pong(challenge, false));
        assert_eq!(path.to(), Some(address(9)));
    }

    #[test]
    fn who_sent_its_first_datagrams_in_vain_may_answer_the_first_that_arrives() {
        let (mut path, mut generator) = path(&[1]);
        (0..3).for_each(|_| path.on_sent(address(1), 1200));
        (0..9).for_each(|_| path.on_sent(address(1), 48));
        assert_eq!(path.allowance(address(1)), 0);
        path.on_heard(at(0), address(1), 48, true, &mut generator);
        assert_eq!(path.allowance(address(1)), 144);
        path.on_sent(address(1), 100);
        assert_eq!(path.allowance(address(1)), 44);
    }

    #[test]
    fn an_older_datagram_from_elsewhere_starts_nothing() {
        let (mut path, mut generator) = path(&[1]);
        path.on_heard(at(0), address(9), 50, false, &mut generator);
        assert_eq!(path.next_ping(at(0), 42), None);
        assert_eq!(path.allowance(address(9)), 0);
    }

    #[test]
    fn a_proof_that_fails_ends_by_itself() {
        let (mut path, mut generator) = path(&[1]);
        path.on_pong(path.challenge().unwrap(), false);
        path.on_heard(at(0), address(9), 1000, true, &mut generator);
        let mut asked = 0;
        let mut now = at(0);
        if path.next_ping(now, 42).is_some() {
            path.on_sent(address(9), 42);
            asked += 1;
        }
        while let Some(deadline) = path.next_ping_after(now) {
            now = deadline;
            if path.next_ping(deadline, 42).is_some() {
                path.on_sent(address(9), 42);
                asked += 1;
            }
        }
        assert_eq!(asked, PINGS);
        assert_eq!(path.to(), Some(address(1)));
    }

    #[test]
    fn the_first_offered_address_that_answers_is_used() {
        let (mut path, _) = path(&[1, 2, 3]);
        path.look_around(at(0));
        let pinged: Vec<_> = std::iter::from_fn(|| path.next_ping(at(0), 42)).collect();
        assert_eq!(pinged.iter().map(|(to, _)| *to).collect::<Vec<_>>(), [address(2), address(3)]);
        assert!(path.on_pong(pinged[1].1, false));
        assert_eq!(path.to(), Some(address(3)));
        assert!(!path.on_pong(pinged[0].1, false), "the one in use answers");
        assert_eq!(path.to(), Some(address(3)));
        assert!(path.on_pong(pinged[0].1, true), "the one in use is silent");
    }

    #[test]
    fn challenges_differ_from_address_to_address() {
        let (path, _) = path(&[1, 2, 3, 4]);
        let mut challenges: Vec<_> = path.candidates.iter().map(|candidate| candidate.challenge).collect();
        challenges.dedup();
        assert_eq!(challenges.len(), 4);
    }

    #[test]
    fn new_offers_keep_a_proven_address_in_use() {
        let (mut path, mut generator) = path(&[1, 2]);
        path.on_pong(path.challenge().unwrap(), false);
        path.offer([address(5)].into_iter(), at(0), &mut generator);
        assert_eq!(path.to(), Some(address(1)));
        let (to, challenge) = path.next_ping(at(0), 42).unwrap();
        assert_eq!(to, address(5));
        assert!(path.on_pong(challenge, true));
        let (mut path, mut generator) = self::path(&[1, 2]);
        path.offer([address(5)].into_iter(), at(0), &mut generator);
        assert_eq!(path.to(), Some(address(5)), "nothing was proven");
    }
}
