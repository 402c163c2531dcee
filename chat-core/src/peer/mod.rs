//! The peer machine: messages straight from session to session, sealed, acknowledged, each with its outcome.
//!
//! The driver feeds [`Peer::handle`] with what people and the roster say and [`Peer::receive`] with datagrams, pulls
//! datagrams with [`Peer::transmit`] while its socket takes them, and comes back at [`Peer::deadline`] with
//! [`Input::Tick`]. Whatever piles up for one peer while the socket is busy travels together.

mod alarms;
mod body;
mod config;
mod incoming;
mod io;
mod link;
mod members;
mod outcomes;
mod outgoing;
mod pace;
mod packet;
mod path;
mod received;
mod recovery;
mod rtt;
mod size;
mod slab;
mod times;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;

use self::alarms::Alarms;
use self::config::MAX_RECEIVED_IN_ALL;
use self::incoming::Answer;
use self::link::{Acceptable, Bye, Context, Link, Memory, Note, Told};
use self::outcomes::{Outcomes, Tells};
use self::path::usable;
use crate::generator::Generator;
use crate::id::SessionId;
use crate::key::KeyPair;
use crate::message::{Content, FailReason, Outcome, Recipient, UnconfirmedReason};
use crate::name::UserName;
use crate::roster::Entry;
use crate::seal::{LinkKeys, Party};
use crate::time::{Mono, Now, Timestamp};
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
    members: BTreeMap<SessionId, Member>,
    notes: BTreeMap<SessionId, Note>,
    room_for_notes: RoomForNotes,
    outcomes: Outcomes,
    offset: i64,
    /// Links that may have something to say, each once.
    ready: VecDeque<SessionId>,
    timers: Alarms,
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
    One(SessionId),
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
            members: BTreeMap::new(),
            notes: BTreeMap::new(),
            room_for_notes: RoomForNotes::Left,
            outcomes: Outcomes::new(session),
            offset: 0,
            ready: VecDeque::new(),
            timers: Alarms::default(),
            held: 0,
            told: Vec::new(),
        }
    }

    /// How many outcomes are still open.
    pub const fn open(&self) -> usize {
        self.outcomes.len()
    }

    /// When the machine wants [`Input::Tick`].
    pub fn deadline(&self) -> Option<Mono> {
        self.timers.first().map(|(at, _)| at)
    }

    /// Takes one input in and appends what follows from it to `out`.
    pub fn handle(&mut self, now: Now, input: Input, out: &mut Vec<Output>) {
        self.wake(now.mono);
        match input {
            Input::Roster(entries) => entries.into_iter().for_each(|entry| self.come(now.mono, entry, out)),
            Input::Change(change) => self.change(now.mono, change, out),
            Input::Send { tag, to, content, sent_at } => self.send(now.mono, tag, &to, &content, sent_at, out),
            Input::Taken(token) => self.answer(now.mono, token, Answer::Taken, out),
            Input::Refused(token) => self.answer(now.mono, token, Answer::Refused(RefusalReason::Application), out),
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
        while let Some(session) = self.ready.front().copied() {
            if slab.is_full() {
                return Transmit::More;
            }
            self.ready.pop_front();
            let Some(member) = self.members.get_mut(&session) else { continue };
            member.queued = Queued::No;
            let Some(link) = &mut member.link else { continue };
            while !slab.is_full() {
                if !slab.push(|slot| link.fill(now.mono, self.session, slot)) {
                    break;
                }
            }
            if slab.is_full() {
                member.touch(session, &mut self.ready);
            }
            member.arm(now.mono, session, &self.config, &mut self.timers);
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
        let number = self.outcomes.next();
        let body = match body::write(number, to, content, sent_at) {
            Ok(body) if self.outcomes.has_room(body.len()) => body,
            Ok(_) => return out.push(Output::NotSent { tag, error: SendError::QueueFull }),
            Err(error) => return out.push(Output::NotSent { tag, error }),
        };
        let (count, tells) = match recipients {
            Recipients::Everyone(count) => (count, Tells::Summary),
            Recipients::One(_) => (1, Tells::Reports),
        };
        let patience = body::patience(count);
        let mut failures = Vec::new();
        // Put aside for as long as it is gone through, because making a link needs everything else.
        let mut members = std::mem::take(&mut self.members);
        match recipients {
            Recipients::Everyone(_) => {
                for (session, member) in members.iter_mut().filter(|(_, member)| member.stay == Stay::Here) {
                    if let Err(reason) = self.push(now, *session, member, number, &body, patience) {
                        failures.push((*session, reason));
                    }
                }
            }
            Recipients::One(session) => {
                let member = members.get_mut(&session);
                let pushed = member.map(|member| self.push(now, session, member, number, &body, patience));
                failures.extend(pushed.and_then(Result::err).map(|reason| (session, reason)));
            }
        }
        self.members = members;
        if tells == Tells::Reports && failures.iter().any(|(_, reason)| *reason == FailReason::QueueFull) {
            return out.push(Output::NotSent { tag, error: SendError::QueueFull });
        }
        let id = self.outcomes.open(now, body.len(), count, tells);
        out.push(Output::Accepted { tag, id, recipients: count });
        for (session, reason) in failures {
            if let Some(member) = self.members.get(&session) {
                self.outcomes.report(now, number, &member.entry.user, Outcome::Failed(reason), out);
            }
        }
    }

    fn recipients(&self, to: &Recipient) -> Result<Recipients, SendError> {
        if self.phase == Phase::Left {
            return Err(SendError::Leaving);
        }
        match to {
            Recipient::Everyone => {
                Ok(Recipients::Everyone(self.members.values().filter(|member| member.stay == Stay::Here).count()))
            }
            Recipient::One(user) if *user == self.user => Err(SendError::ToOneself),
            Recipient::One(user) => match self.users.get(user) {
                Some(session) => Ok(Recipients::One(*session)),
                None => Err(SendError::UnknownRecipient(user.clone())),
            },
        }
    }

    fn push(
        &mut self,
        now: Mono,
        session: SessionId,
        member: &mut Member,
        number: u64,
        body: &Bytes,
        patience: u16,
    ) -> Result<(), FailReason> {
        let spent = self.room_for_notes == RoomForNotes::None;
        let reason = if spent { FailReason::Leaving } else { FailReason::Incompatible };
        let link = self.link(session, member).ok_or(reason)?;
        link.push(now, number, body.clone(), patience)?;
        member.touch(session, &mut self.ready);
        Ok(())
    }

    /// The link of a member, made if there was none; none if its keys or versions are of no use, or nobody knows any
    /// more which numbers were used on it.
    fn link<'a>(&mut self, session: SessionId, member: &'a mut Member) -> Option<&'a mut Link> {
        if member.link.is_none() {
            let entry = &member.entry;
            if !(entry.versions.low..=entry.versions.high).contains(&VERSION) {
                return None;
            }
            let theirs = Party { key: entry.key, user: entry.user.clone() };
            if self.room_for_notes == RoomForNotes::None && !self.notes.contains_key(&session) {
                return None;
            }
            let keys = LinkKeys::derive(&self.keys, &self.user, &theirs).ok()?;
            let note = self.notes.remove(&session).unwrap_or_default();
            let generator = self.generator.as_mut();
            let mut cx = Context { config: &self.config, generator, told: &mut self.told };
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
        let Some(member) = self.members.get_mut(&header.session) else { return };
        if member.stay == Stay::Gone {
            return;
        }
        if member.link.is_none() {
            let mut members = std::mem::take(&mut self.members);
            members.get_mut(&header.session).and_then(|member| self.link(header.session, member));
            self.members = members;
        }
        let Some(member) = self.members.get_mut(&header.session) else { return };
        let Some(link) = &mut member.link else { return };
        let memory = if self.held < MAX_RECEIVED_IN_ALL { Memory::Free } else { Memory::Full };
        let mut cx = Context { config: &self.config, generator: self.generator.as_mut(), told: &mut self.told };
        let held = link.held();
        let (user, received_at) = (&member.entry.user, now.wall.offset_by(self.offset));
        link.receive(now.mono, from, (header.number, bytes, sealed), memory, &mut cx, |number, body| {
            let Some(message) = body::read(header.session, user, body, received_at) else { return Acceptable::No };
            out.push(Output::Deliver { message, token: Token { session: header.session, number } });
            Acceptable::Yes
        });
        self.held = self.held + link.held() - held;
        self.after(now.mono, header.session, out);
    }

    fn answer(&mut self, now: Mono, token: Token, answer: Answer, out: &mut Vec<Output>) {
        let Some(member) = self.members.get_mut(&token.session) else { return };
        let Some(link) = &mut member.link else { return };
        let held = link.held();
        link.settle(now, token.number, answer);
        self.held = self.held + link.held() - held;
        if member.stay == Stay::Gone {
            self.retire(token.session, out);
        } else {
            // Its timer is set when its turn comes: an application that reads fast answers for many in a row.
            member.touch(token.session, &mut self.ready);
        }
    }

    fn leave(&mut self, now: Mono, out: &mut Vec<Output>) {
        self.phase = Phase::Left;
        let sessions: Vec<SessionId> = self.members.keys().copied().collect();
        for session in sessions {
            if let Some(link) = self.members.get_mut(&session).and_then(|member| member.link.as_mut()) {
                let mut cx = Context { config: &self.config, generator: self.generator.as_mut(), told: &mut self.told };
                link.part(UnconfirmedReason::Leaving, FailReason::Leaving, Bye::Say, &mut cx);
                self.after(now, session, out);
            }
        }
    }
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Peer").field("session", &self.session).field("user", &self.user).finish_non_exhaustive()
    }
}
