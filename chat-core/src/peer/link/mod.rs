//! The association of two sessions: its state, its timers, its beginning and its end.

mod receive;
mod rest;
mod transmit;

use std::net::SocketAddr;
use std::time::Duration;

use super::config::{ACK_DELAY, PeerConfig};
use super::incoming::{self, Answer, Incoming, Missing};
use super::messages::{Handle, Messages};
use super::outgoing::{Outgoing, QueueFull};
use super::path::Path;
use super::received::Received;
use super::recovery::{Item, Recovery, Sent};
use super::size::Size;
use crate::generator::Generator;
use crate::message::{FailReason, Outcome, UnconfirmedReason};
use crate::rate_limit::RateLimit;
use crate::seal::LinkKeys;
use crate::time::Mono;
use crate::wire::datagram::ByeReason;

pub(in crate::peer) struct Link {
    keys: LinkKeys,
    path: Path,
    size: Size,
    recovery: Recovery,
    received: Received,
    outgoing: Outgoing,
    incoming: Incoming,
    next_packet: u64,
    phase: Phase,
    /// Since when no packet of ours was acknowledged although something was asked. What the peer says of its own accord
    /// does not count: it may hear nothing of us.
    waiting_since: Option<Mono>,
    silence: Silence,
    last_asked: Mono,
    /// Probes in a row that brought nothing new, and those of them that were not even acknowledged.
    probes: u32,
    unheard: u32,
    probe_due: bool,
    /// How long the acks of what is on the way may wait.
    patience: Duration,
    /// At most [`MAX_PONGS`].
    pongs: Vec<([u8; 8], SocketAddr)>,
}

/// Answers to pings that wait to be sent; further ones are dropped, and asked for again.
const MAX_PONGS: usize = 4;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Phase {
    /// Both sides talk.
    Open,
    /// One side said good-bye, or the peer broke the protocol, which we say when nothing else is to be said.
    Parting(ByeReason),
    /// Nothing leaves any more.
    Mute,
    /// Nothing leaves, and nothing that arrives counts.
    Closed,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Silence {
    Untold,
    Told,
}

/// What of a link outlives it, so that no number is ever used twice between the same two sessions.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(in crate::peer) struct Note {
    next_packet: u64,
    seen: u64,
    sent: (u64, u64),
    received: incoming::Received,
}

/// What a link tells the peer machine.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::peer) enum Told {
    /// A message of ours has its outcome.
    Outcome(Handle, Outcome),
    /// It has not answered for a while.
    Silent,
    /// It answers again.
    Answers,
    /// It broke the protocol, and the link is closed.
    Violation,
}

/// What a link needs of the machine while it works.
pub(in crate::peer) struct Context<'a> {
    pub(in crate::peer) config: &'a PeerConfig,
    pub(in crate::peer) generator: &'a mut dyn Generator,
    pub(in crate::peer) told: &'a mut Vec<Told>,
    pub(in crate::peer) messages: &'a Messages,
}

/// Whether received messages may still be kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::peer) enum Memory {
    Free,
    Full,
}

impl Link {
    /// A link that goes on from what is noted of it.
    pub(in crate::peer) fn new(
        keys: LinkKeys,
        addresses: impl Iterator<Item = SocketAddr>,
        note: Note,
        cx: &mut Context<'_>,
    ) -> Self {
        let rate_limit = RateLimit::per_second(cx.config.rate, cx.config.burst);
        let missing = if note.seen > 0 { Missing::Untold } else { Missing::Nothing };
        Self {
            keys,
            path: Path::new(addresses, cx.generator),
            size: Size::new(),
            recovery: Recovery::new(),
            received: Received::starting_at(note.seen),
            outgoing: Outgoing::resuming(note.sent.0, note.sent.1),
            incoming: Incoming::resuming(note.received, missing, cx.config.window, rate_limit),
            next_packet: note.next_packet,
            phase: Phase::Open,
            waiting_since: None,
            silence: Silence::Untold,
            last_asked: Mono::ZERO,
            probes: 0,
            unheard: 0,
            probe_due: false,
            patience: ACK_DELAY,
            pongs: Vec::new(),
        }
    }

    /// What has to be remembered of it.
    pub(in crate::peer) fn note(&self) -> Note {
        let (sent, received) = (self.outgoing.last(), self.incoming.note());
        Note { next_packet: self.next_packet, seen: self.received.next(), sent, received }
    }

    /// The memory of received messages that it holds.
    pub(in crate::peer) fn held(&self) -> u64 {
        self.incoming.held()
    }

    /// Forgets what arrived ahead of its turn, and gives whether a note of the rest is enough: not as long as the
    /// application has messages of which the peer wants to know what becomes of them.
    pub(in crate::peer) fn put_away(&mut self) -> bool {
        self.incoming.put_away();
        !self.incoming.is_waiting()
    }

    /// Takes the addresses that the roster offers now.
    pub(in crate::peer) fn offer(
        &mut self,
        now: Mono,
        addresses: impl Iterator<Item = SocketAddr>,
        generator: &mut dyn Generator,
    ) {
        self.path.offer(addresses, now, generator);
    }

    /// Queues a message whose body has `len` bytes.
    pub(in crate::peer) fn push(&mut self, now: Mono, message: Handle, len: usize) -> Result<(), FailReason> {
        let to = self.path.to().ok_or(FailReason::Incompatible)?;
        match self.phase {
            Phase::Open => {}
            Phase::Parting(ByeReason::Violation) | Phase::Closed => return Err(FailReason::Misbehaved),
            Phase::Parting(ByeReason::Leaving) | Phase::Mute => return Err(FailReason::Left),
        }
        if !self.is_active() && !self.path.is_proven() {
            self.path.look_around(now);
            // An address that gets no message before it is proven is asked first.
            self.probe_due = self.path.allowance(to) < self.size.full();
        }
        self.outgoing.push(message, len).map_err(|QueueFull| FailReason::QueueFull)?;
        // Even if it cannot leave now: the room it waits for may have been granted in an ack that was lost.
        self.wait(now);
        Ok(())
    }

    /// Notes what the application did with a message.
    pub(in crate::peer) fn settle(&mut self, now: Mono, number: u64, answer: Answer) {
        // An ack that waits already, perhaps longer because the group is large, takes it along.
        if self.incoming.settle(now, number, answer) && self.received.due().is_none() {
            self.received.ask(now + ACK_DELAY);
        }
    }

    /// Ends what is open, because one of the two sessions ends, and stops sending after what `phase` leaves to be said.
    pub(in crate::peer) fn part(
        &mut self,
        unconfirmed: UnconfirmedReason,
        failed: FailReason,
        bye: Bye,
        cx: &mut Context<'_>,
    ) {
        self.give_up(unconfirmed, failed, cx);
        if self.is_shut() {
            return;
        }
        self.phase = match bye {
            Bye::Say if self.next_packet > 0 || self.received.next() > 0 => Phase::Parting(ByeReason::Leaving),
            _ => Phase::Mute,
        };
    }

    /// The peer came back with the same session.
    pub(in crate::peer) fn reopen(&mut self) {
        if !self.is_shut() {
            self.phase = Phase::Open;
            self.silence = Silence::Untold;
        }
    }

    /// Whether the peer broke the protocol, or says that we did.
    fn is_shut(&self) -> bool {
        matches!(self.phase, Phase::Closed | Phase::Parting(ByeReason::Violation))
    }

    /// Counts the time from now on as silence, if it does not already.
    fn wait(&mut self, now: Mono) {
        if self.waiting_since.is_none() {
            self.waiting_since = Some(now);
            self.last_asked = now;
        }
    }

    /// Does what is due at `now`.
    pub(in crate::peer) fn on_time(&mut self, now: Mono, cx: &mut Context<'_>) {
        if self.recovery.loss_deadline().is_some_and(|at| at <= now) {
            let mut losses = Vec::new();
            self.recovery.detect_losses(now, |sent| losses.push(sent));
            losses.iter().for_each(|sent| self.on_lost(now, sent));
        }
        if self.received.due().is_none() && self.incoming.deadline().is_some_and(|at| at <= now) {
            self.received.ask(now);
        }
        if let Some(since) = self.waiting_since {
            if since + cx.config.link_timeout <= now {
                self.give_up(UnconfirmedReason::TimedOut, FailReason::TimedOut, cx);
            } else if since + cx.config.silent_after <= now && self.silence == Silence::Untold {
                self.silence = Silence::Told;
                cx.told.push(Told::Silent);
            }
        }
        if self.probe_deadline().is_some_and(|at| at <= now) {
            self.probes += 1;
            self.unheard += 1;
            self.probe_due = true;
            self.last_asked = now;
            if self.unheard >= SILENT_PROBES {
                self.path.look_elsewhere(now);
            }
        }
        self.rest_if_due(now);
    }

    /// When it has to be looked after again. What is to be said and is due waits for the socket only.
    pub(in crate::peer) fn deadline(&self, now: Mono, config: &PeerConfig) -> Option<Mono> {
        let silent = self.waiting_since.filter(|_| self.silence == Silence::Untold).map(|at| at + config.silent_after);
        [
            self.received.due().filter(|at| *at > now),
            self.recovery.loss_deadline(),
            self.probe_deadline(),
            self.path.next_ping_after(now),
            // An ack that waits takes along what room there is.
            self.incoming.deadline().filter(|_| self.received.due().is_none()),
            silent,
            self.waiting_since.map(|at| at + config.link_timeout),
        ]
        .into_iter()
        .flatten()
        .min()
        .or_else(|| self.rest_deadline())
    }

    /// Moves what counts silence, because we were not running ourselves.
    pub(in crate::peer) fn shift(&mut self, by: Duration) {
        self.waiting_since = self.waiting_since.map(|at| at + by);
        self.last_asked = self.last_asked + by;
        self.recovery.shift(by);
    }

    /// What a lost packet carried travels again.
    fn on_lost(&mut self, now: Mono, sent: &Sent) {
        self.outgoing.on_lost(sent);
        if self.size.on_lost(now, sent.at, sent.size, self.recovery.rtt.probe_timeout(ACK_DELAY, 0)) {
            // What is sent now is another thing than what was lost.
            self.probes = 0;
        }
        if sent.items.contains(&Item::Missing) {
            self.incoming.set_missing(Missing::Untold);
        }
    }

    fn probe_deadline(&self) -> Option<Mono> {
        let waits = self.phase == Phase::Open && self.waiting_since.is_some() && self.is_active();
        waits.then(|| self.last_asked + self.recovery.rtt.probe_timeout(self.patience, self.probes))
    }

    /// Whether an answer of the peer is wanted.
    fn is_active(&self) -> bool {
        self.outgoing.is_open() || !self.recovery.is_quiet()
    }

    fn give_up(&mut self, unconfirmed: UnconfirmedReason, failed: FailReason, cx: &mut Context<'_>) {
        self.outgoing.give_up(unconfirmed, failed, |message, outcome| cx.told.push(Told::Outcome(message, outcome)));
        self.recovery.clear();
        self.waiting_since = None;
        self.probes = 0;
        self.unheard = 0;
        self.probe_due = false;
        self.patience = ACK_DELAY;
        self.path.rest();
    }
}

/// After so many probes without news the address in use counts as silent.
const SILENT_PROBES: u32 = 2;

/// Whether to say good-bye.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::peer) enum Bye {
    Say,
    Omit,
}

/// Whether the content of a message keeps to the rules.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::peer) enum Acceptable {
    Yes,
    No,
}
