//! The peer machine: messages straight from session to session, sealed, acknowledged, each with its outcome.
//!
//! The driver feeds [`Peer::handle`] with what people and the roster say and [`Peer::receive`] with datagrams, pulls
//! datagrams with [`Peer::transmit`] while its socket takes them, and comes back at [`Peer::deadline`] with
//! [`Input::Tick`]. Whatever piles up for one peer while the socket is busy travels together.

mod body;
mod config;
mod incoming;
mod io;
mod link;
mod members;
mod messages;
mod outgoing;
mod packet;
mod path;
mod received;
mod recovery;
mod rtt;
mod size;
mod slab;
mod slots;
mod times;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use self::config::MAX_RECEIVED_IN_ALL;
use self::incoming::Answer;
use self::link::{Acceptable, Bye, Context, Link, Memory, Note, Told};
use self::messages::{Handle, Messages, Tells};
use self::path::usable;
use self::slots::{Slot, Slots};
use crate::generator::Generator;
use crate::id::SessionId;
use crate::key::KeyPair;
use crate::message::{Content, FailReason, Outcome, Recipient, UnconfirmedReason};
use crate::name::UserName;
use crate::roster::Entry;
use crate::seal::{LinkKeys, Party};
use crate::time::{Mono, Now, Timestamp};
use crate::timers::Timers;
use crate::wire::datagram::{HEADER, Header, RefusalReason, VERSION};

pub use self::config::PeerConfig;
pub use self::io::{Datagram, Input, Loopback, Output, SendError, Token, Transmit};
pub use self::slab::{Slab, Train};

/// Every link of one session. See the [module](self).
pub struct Peer {
    keys: Arc<KeyPair>,
    session: SessionId,
    user: UserName,
    loopback: Loopback,
    config: PeerConfig,
    generator: Box<dyn Generator>,
    phase: Phase,
    users: BTreeMap<UserName, SessionId>,
    members: Slots<Member>,
    notes: BTreeMap<SessionId, Note>,
    room_for_notes: RoomForNotes,
    messages: Messages,
    offset: i64,
    /// Links that may have something to say, each once.
    ready: VecDeque<Slot>,
    timers: Timers<Slot>,
    held: u64,
    told: Vec<Told>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Phase {
    Here,
    Left,
}

/// A session of the roster, or one that left a moment ago.
struct Member {
    session: SessionId,
    entry: Entry,
    stay: Stay,
    /// Made when the first datagram goes either way.
    link: Option<Box<Link>>,
    queued: Queued,
    timer: Option<Mono>,
}

/// Whether a member is there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stay {
    /// The roster says so.
    Here,
    /// It left, and is listened to until then.
    Until(Mono),
    /// It left, and what the application still has of it is waited for.
    Gone,
}

/// Whom a message goes to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Recipients {
    /// All that are there, so many.
    Everyone(usize),
    One(Slot),
}

/// Whether all sessions that we ever exchanged datagrams with are known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum RoomForNotes {
    Left,
    /// A note had to be dropped, so that no link to a session that is not known any more may begin.
    None,
}

/// Whether a member stands in the ring of ready links.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Queued {
    Yes,
    No,
}

impl Peer {
    /// The links of a session that has just begun.
    pub fn new(
        keys: Arc<KeyPair>,
        user: UserName,
        loopback: Loopback,
        config: PeerConfig,
        generator: Box<dyn Generator>,
    ) -> Self {
        let session = keys.session();
        Self {
            keys,
            session,
            user,
            loopback,
            config,
            generator,
            phase: Phase::Here,
            users: BTreeMap::new(),
            members: Slots::default(),
            notes: BTreeMap::new(),
            room_for_notes: RoomForNotes::Left,
            messages: Messages::new(session),
            offset: 0,
            ready: VecDeque::new(),
            timers: Timers::default(),
            held: 0,
            told: Vec::new(),
        }
    }

    /// How many outcomes are still open.
    pub const fn open(&self) -> usize {
        self.messages.open_outcomes()
    }

    /// When the machine wants [`Input::Tick`].
    pub fn deadline(&self) -> Option<Mono> {
        self.timers.next()
    }

    /// Takes one input in and appends what follows from it to `out`.
    pub fn handle(&mut self, now: Now, input: Input, out: &mut Vec<Output>) {
        self.wake(now.mono);
        match input {
            Input::Roster(entries) => entries.into_iter().for_each(|entry| self.come(now.mono, entry, out)),
            Input::Change(change) => self.change(now.mono, change, out),
            Input::Send { tag, to, content, sent_at } => self.send(now.mono, tag, &to, &content, sent_at, out),
            Input::Accept(token) => self.answer(now.mono, token, Answer::Taken, out),
            Input::Refuse(token) => self.answer(now.mono, token, Answer::Refused(RefusalReason::Application), out),
            Input::ClockOffset(offset) => self.offset = offset,
            Input::Leave => self.leave(now.mono, out),
            Input::Tick => self.tick(now.mono, out),
        }
    }

    /// Takes datagrams in. What does not open changes nothing and is not answered.
    pub fn receive<'a>(&mut self, now: Now, batch: impl Iterator<Item = Datagram<'a>>, out: &mut Vec<Output>) {
        self.wake(now.mono);
        for datagram in batch {
            let from = SocketAddr::new(datagram.from.ip().to_canonical(), datagram.from.port());
            let Ok((header, bytes, sealed)) = Header::split(datagram.bytes) else { continue };
            self.receive_one(now, from, (header, bytes, sealed), out);
        }
    }

    /// Seals what is to be said into the free slots of `slab`: all that one link has to say in a row, and the links in
    /// turn.
    pub fn transmit(&mut self, now: Now, slab: &mut Slab) -> Transmit {
        self.wake(now.mono);
        while let Some(slot) = self.ready.front().copied() {
            if slab.is_full() {
                return Transmit::More;
            }
            self.ready.pop_front();
            let Some(member) = self.members.get_mut(slot) else { continue };
            member.queued = Queued::No;
            let Some(link) = &mut member.link else { continue };
            while !slab.is_full() {
                if !slab.push(|space| link.fill(now.mono, self.session, &self.messages, space)) {
                    break;
                }
            }
            if slab.is_full() {
                member.touch(slot, &mut self.ready);
            }
            member.arm(now.mono, slot, &self.config, &mut self.timers);
        }
        Transmit::Dry
    }

    fn send(
        &mut self,
        now: Mono,
        tag: u64,
        to: &Recipient,
        content: &Content,
        sent_at: Timestamp,
        out: &mut Vec<Output>,
    ) {
        let recipients = match self.recipients(to) {
            Ok(recipients) => recipients,
            Err(error) => return out.push(Output::NotSent { tag, error }),
        };
        let number = self.messages.next();
        let body = match body::write(number, to, content, sent_at) {
            Ok(body) if self.messages.has_room(body.len()) => body,
            Ok(_) => return out.push(Output::NotSent { tag, error: SendError::QueueFull }),
            Err(error) => return out.push(Output::NotSent { tag, error }),
        };
        let (count, tells) = match recipients {
            Recipients::Everyone(count) => (count, Tells::Summary),
            Recipients::One(_) => (1, Tells::Reports),
        };
        let len = body.len();
        let message = self.messages.keep(body, body::patience(count));
        let mut failures = Vec::new();
        // Put aside for as long as it is gone through, because making a link needs everything else.
        let mut members = std::mem::take(&mut self.members);
        match recipients {
            Recipients::Everyone(_) => {
                for (slot, member) in members.iter_mut().filter(|(_, member)| member.stay == Stay::Here) {
                    if let Err(reason) = self.push(now, slot, member, message, len) {
                        failures.push((slot, reason));
                    }
                }
            }
            Recipients::One(slot) => {
                let member = members.get_mut(slot);
                let pushed = member.map(|member| self.push(now, slot, member, message, len));
                failures.extend(pushed.and_then(Result::err).map(|reason| (slot, reason)));
            }
        }
        self.members = members;
        if tells == Tells::Reports && failures.iter().any(|(_, reason)| *reason == FailReason::QueueFull) {
            self.messages.withdraw(message);
            return out.push(Output::NotSent { tag, error: SendError::QueueFull });
        }
        let id = self.messages.open(now, message, count, tells);
        out.push(Output::Queued { tag, id, recipients: count });
        for (slot, reason) in failures {
            if let Some(member) = self.members.get(slot) {
                self.messages.report(now, message, &member.entry.user, Outcome::Failed(reason), out);
            }
        }
    }

    fn recipients(&self, to: &Recipient) -> Result<Recipients, SendError> {
        if self.phase == Phase::Left {
            return Err(SendError::Leaving);
        }
        match to {
            Recipient::Everyone => {
                Ok(Recipients::Everyone(self.members.iter().filter(|member| member.stay == Stay::Here).count()))
            }
            Recipient::One(user) if *user == self.user => Err(SendError::ToOneself),
            Recipient::One(user) => match self.users.get(user).and_then(|session| self.members.slot(session)) {
                Some(slot) => Ok(Recipients::One(slot)),
                None => Err(SendError::UnknownRecipient(user.clone())),
            },
        }
    }

    fn push(
        &mut self,
        now: Mono,
        slot: Slot,
        member: &mut Member,
        message: Handle,
        len: usize,
    ) -> Result<(), FailReason> {
        let spent = self.room_for_notes == RoomForNotes::None;
        let reason = if spent { FailReason::Leaving } else { FailReason::Incompatible };
        let link = self.link(member).ok_or(reason)?;
        link.push(now, message, len)?;
        member.touch(slot, &mut self.ready);
        Ok(())
    }

    /// The link of a member, made if there was none; none if its keys or versions are of no use, or nobody knows any
    /// more which numbers were used on it.
    fn link<'a>(&mut self, member: &'a mut Member) -> Option<&'a mut Link> {
        if member.link.is_none() {
            let entry = &member.entry;
            if !(entry.versions.low..=entry.versions.high).contains(&VERSION) {
                return None;
            }
            let theirs = Party { key: entry.key, user: entry.user.clone() };
            if self.room_for_notes == RoomForNotes::None && !self.notes.contains_key(&member.session) {
                return None;
            }
            let keys = LinkKeys::derive(&self.keys, &self.user, &theirs).ok()?;
            let note = self.notes.remove(&member.session).unwrap_or_default();
            let generator = self.generator.as_mut();
            let (told, messages) = (&mut self.told, &self.messages);
            let mut cx = Context { config: &self.config, generator, told, messages };
            let link = Link::new(keys, usable(entry, self.loopback), note, &mut cx);
            member.link = Some(Box::new(link));
        }
        member.link.as_deref_mut()
    }

    fn receive_one(
        &mut self,
        now: Now,
        from: SocketAddr,
        (header, bytes, sealed): (Header, &[u8; HEADER], &mut [u8]),
        out: &mut Vec<Output>,
    ) {
        let Some(slot) = self.members.slot(&header.session) else { return };
        let Some(member) = self.members.get_mut(slot) else { return };
        if member.stay == Stay::Gone {
            return;
        }
        if member.link.is_none() {
            let mut members = std::mem::take(&mut self.members);
            members.get_mut(slot).and_then(|member| self.link(member));
            self.members = members;
        }
        let Some(member) = self.members.get_mut(slot) else { return };
        let Some(link) = &mut member.link else { return };
        let memory = if self.held < MAX_RECEIVED_IN_ALL { Memory::Free } else { Memory::Full };
        let (generator, told, messages) = (self.generator.as_mut(), &mut self.told, &self.messages);
        let mut cx = Context { config: &self.config, generator, told, messages };
        let held = link.held();
        let (user, received_at) = (&member.entry.user, now.wall.offset_by(self.offset));
        link.receive(now.mono, from, (header.number, bytes, sealed), memory, &mut cx, |number, body| {
            let Some(message) = body::read(header.session, user, body, received_at) else { return Acceptable::No };
            out.push(Output::Deliver { message, token: Token { session: header.session, number } });
            Acceptable::Yes
        });
        self.held = self.held + link.held() - held;
        self.after(now.mono, slot, out);
    }

    fn answer(&mut self, now: Mono, token: Token, answer: Answer, out: &mut Vec<Output>) {
        let Some(slot) = self.members.slot(&token.session) else { return };
        let Some(member) = self.members.get_mut(slot) else { return };
        let Some(link) = &mut member.link else { return };
        let held = link.held();
        link.settle(now, token.number, answer);
        self.held = self.held + link.held() - held;
        if member.stay == Stay::Gone {
            self.retire(slot, out);
        } else {
            // Its timer is set when its turn comes: an application that reads fast answers for many in a row.
            member.touch(slot, &mut self.ready);
        }
    }

    fn leave(&mut self, now: Mono, out: &mut Vec<Output>) {
        self.phase = Phase::Left;
        for slot in self.members.slots() {
            if let Some(link) = self.members.get_mut(slot).and_then(|member| member.link.as_mut()) {
                let (generator, told, messages) = (self.generator.as_mut(), &mut self.told, &self.messages);
                let mut cx = Context { config: &self.config, generator, told, messages };
                link.part(UnconfirmedReason::Leaving, FailReason::Leaving, Bye::Say, &mut cx);
                self.after(now, slot, out);
            }
        }
    }
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Peer").field("session", &self.session).field("user", &self.user).finish_non_exhaustive()
    }
}
