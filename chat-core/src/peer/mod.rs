//! The peer machine: messages between two sessions over UDP, sealed, acknowledged, each with one outcome per recipient.
//!
//! Messages go straight to the peer's machine. While no direct way works, they go through the relay of the server.
//!
//! The driver passes roster changes and commands to [`Peer::handle`] and received datagrams to [`Peer::receive`]. It
//! calls [`Peer::transmit`] while its socket takes datagrams and [`Peer::transmit_relayed`] while its connection to the
//! server takes parcels, and sends [`Input::Tick`] at [`Peer::deadline`]. Because
//! the driver pulls datagrams, messages that become ready for one peer while the socket is busy share datagrams, and no
//! timer delays a lone message.
//!
//! # Reading order
//!
//! The machine, from the outside in:
//!
//! | module | content |
//! | --- | --- |
//! | `io` | inputs and outputs |
//! | `config` | settings and limits |
//! | `mod` | the machine's state and its entry points |
//! | `send` | a command becomes one body and a queue entry in each recipient's link |
//! | `receive` | a datagram finds its link; the application's decisions |
//! | `roster` | sessions come online, go offline, move and return |
//! | `schedule` | timers, the ready queue, stalls of the process |
//! | `carrier` | the relay: its terms, and the links that wait for it |
//! | `way` | the ways of datagrams, and what an application learns of them |
//! | `remote` | one peer: roster entry, link, timer |
//! | `table` | all peers |
//! | `resumptions` | what is kept of removed links, by user |
//! | `limit_counts` | how often the limits on peers took effect |
//! | `delivery`, `reports` | messages that arrived together; outcomes that became known together |
//! | `messages`, `body` | our messages and their pending outcomes; the encoding of a message |
//! | `slab` | the buffer of sealed datagrams |
//!
//! One link, in `link/`, from the network to the application:
//!
//! | module | content |
//! | --- | --- |
//! | `mod` | the link's state, and how it opens, closes and reopens |
//! | `receive`, `transmit` | opens a datagram and dispatches its frames; composes and seals the next datagram |
//! | `timing`, `idle` | deadlines and probes; what an idle link releases |
//! | `path` | candidate addresses, challenges and proofs; the relay as a candidate |
//! | `way` | when datagrams go to the relay, and when they come back |
//! | `datagram_size` | shorter datagrams for networks that silently drop full ones |
//! | `received_packets` | which packets arrived, and when their ack is due |
//! | `recovery` | packets in flight: round-trip time, loss, congestion (RFC 9002) |
//! | `packet_numbers` | the numbers of sent packets, some of which are omitted |
//! | `packet` | the datagram being written |
//! | `outgoing` | messages to the peer: queue, fragments, retransmission |
//! | `retransmission_budget` | how much may be sent again |
//! | `incoming` | messages from the peer: order, reassembly, decisions, room |
//! | `position` | a message of one direction, and the length of everything up to it |
//! | `resumption` | what a link passes to its successor |
//!
//! # How things end
//!
//! | verb | meaning |
//! | --- | --- |
//! | resolve | A message receives its outcome for this recipient. |
//! | abandon | Resolve all pending messages without an answer: transmitted ones as unconfirmed, the others as failed. |
//! | close | Abandon, and send nothing but a last ack and a bye, because one of the two sessions ends. |
//! | abort | Abandon, and close the link for good, because the protocol was violated. |
//! | release | Return the memory that an idle link does not need. |
//! | retire | Remove a peer that is offline, and keep its resumption state. |

mod body;
mod carrier;
mod config;
mod delivery;
mod io;
mod limit_counts;
mod link;
mod messages;
mod receive;
mod remote;
mod reports;
mod resumptions;
mod roster;
mod schedule;
mod send;
mod slab;
mod table;
mod timers;
mod way;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use self::carrier::Carrier;
use self::link::{Context, Decision, Goodbye};
use self::messages::Messages;
use self::remote::{LocalSession, Readiness, RemotePeer};
use self::resumptions::Resumptions;
use self::table::{PeerIndex, PeerTable};
use self::timers::PeerTimers;
use crate::generator::Generator;
use crate::id::SessionId;
use crate::key::KeyPair;
use crate::message::{FailReason, UnconfirmedReason};
use crate::name::UserName;
use crate::time::{Mono, Now};
use crate::wire::datagram::{MAX_DATAGRAM, RefusalReason};

pub use self::config::PeerConfig;
pub use self::delivery::{Delivered, Delivery, DeliveryIter};
pub use self::io::{Datagram, Families, Input, LinkLocal, Loopback, Output, Reach, SendError, Token, Transmit};
pub use self::limit_counts::LimitCounts;
pub use self::reports::{Reported, Reports, ReportsIter};
pub use self::slab::{Slab, Train};
pub use self::way::{LinkStatus, Rung, Way};
pub use crate::setting::SettingError;

/// All links of one session. See the [module](self).
pub struct Peer {
    local: LocalSession,
    activity: Activity,
    /// The session of each user that is online.
    users: BTreeMap<UserName, SessionId>,
    peers: PeerTable<RemotePeer>,
    resumptions: Resumptions,
    cx: Context,
    /// The server's clock minus the local clock, in milliseconds.
    clock_offset: i64,
    /// The time of our last message to everyone.
    sent_to_everyone: Option<Mono>,
    /// Peers whose links may have something to send, each once.
    ready: VecDeque<PeerIndex>,
    carrier: Carrier,
    timers: PeerTimers,
    /// The time of the driver's last call.
    called: Mono,
    /// The memory that received messages take, over all links.
    buffered: u64,
}

/// Whether our own session continues.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Activity {
    Active,
    Left,
}

impl Peer {
    /// Creates the machine of a new session.
    ///
    /// The session must not have had a machine before: packet numbers start at 0, and no number may be used twice with
    /// the same keys.
    pub fn new(
        keys: Arc<KeyPair>,
        user: UserName,
        reach: impl Into<Reach>,
        config: PeerConfig,
        generator: Box<dyn Generator>,
    ) -> Self {
        let session = keys.session();
        Self {
            local: LocalSession { keys, session, user, reach: reach.into() },
            activity: Activity::Active,
            users: BTreeMap::new(),
            peers: PeerTable::default(),
            resumptions: Resumptions::default(),
            cx: Context {
                config,
                generator,
                messages: Messages::new(session),
                limits: LimitCounts::default(),
                outcomes: Vec::new(),
                events: Vec::new(),
                relayed_datagram: MAX_DATAGRAM,
            },
            clock_offset: 0,
            sent_to_everyone: None,
            ready: VecDeque::new(),
            carrier: Carrier::default(),
            timers: PeerTimers::default(),
            called: Mono::ZERO,
            buffered: 0,
        }
    }

    /// Processes one input and appends the resulting outputs to `out`.
    pub fn handle(&mut self, now: Now, input: Input, out: &mut Vec<Output>) {
        let Now { mono, .. } = now;
        self.compensate_stall(mono);
        match input {
            Input::Roster(entries) => entries.into_iter().for_each(|entry| self.come_online(mono, entry, out)),
            Input::Change(change) => self.apply(mono, change, out),
            Input::Send { tag, to, content, sent_at } => self.send(mono, tag, &to, &content, sent_at, out),
            Input::Accept(token) => self.decide(mono, token, Decision::Accept, out),
            Input::AcceptUpTo(token) => self.decide(mono, token, Decision::AcceptUpTo, out),
            Input::Refuse(token) => self.decide(mono, token, Decision::Refuse(RefusalReason::Application), out),
            Input::ClockOffset(offset) => self.clock_offset = offset,
            Input::Relay(terms) => self.set_relay(mono, terms, out),
            Input::Moved => self.on_moved(mono),
            Input::Leave => self.end(mono, Goodbye::Bye, out),
            Input::Replaced => self.end(mono, Goodbye::LastAck, out),
            Input::Tick => self.tick(mono, out),
        }
    }

    /// Processes received datagrams and appends the resulting outputs to `out`. Messages of one session that arrive in one
    /// call share an output of about 64 KiB at most, unless another output comes between them.
    ///
    /// A datagram that does not open changes nothing and is never answered.
    pub fn receive<'a>(&mut self, now: Now, batch: impl Iterator<Item = Datagram<'a>>, out: &mut Vec<Output>) {
        self.compensate_stall(now.mono);
        let before = out.len();
        batch.for_each(|datagram| self.receive_datagram(now, datagram, before, out));
    }

    /// Seals datagrams that are ready into the free slots of `slab`: all datagrams of one link together, and the links
    /// in turn.
    pub fn transmit(&mut self, now: Now, slab: &mut Slab) -> Transmit {
        self.compensate_stall(now.mono);
        while let Some(index) = self.ready.front().copied() {
            if slab.is_full() {
                return Transmit::More;
            }
            self.ready.pop_front();
            let Some(peer) = self.peers.get_mut(index) else { continue };
            peer.ready = Readiness::NotQueued;
            let Some(link) = &mut peer.link else { continue };
            while !slab.is_full() {
                if !slab.push(|slot| link.transmit(now.mono, self.local.session, &mut self.cx, slot)) {
                    break;
                }
            }
            if slab.is_full() {
                peer.mark_ready(now.mono, index, &mut self.ready, &mut self.carrier);
            }
            peer.set_timer(now.mono, index, &self.cx.config, &self.carrier, &mut self.timers);
        }
        Transmit::Done
    }

    /// Returns the time at which the machine needs [`Input::Tick`].
    pub fn deadline(&self) -> Option<Mono> {
        self.timers.next().into_iter().chain(self.carrier.resume_at()).min()
    }

    /// Returns the number of outcomes that are pending, over all messages and recipients.
    pub const fn pending_outcomes(&self) -> usize {
        self.cx.messages.pending_outcomes()
    }

    /// Returns the state of the link to each user that is online and has one.
    pub fn links(&self) -> impl Iterator<Item = LinkStatus<'_>> {
        self.users.iter().filter_map(|(user, session)| {
            let link = self.peers.get(self.peers.index(session)?)?.link.as_ref()?;
            let (way, since) = link.answering_way().unzip();
            let since = since.flatten();
            let (loss, in_flight) = link.load();
            Some(LinkStatus { user, way, since, round_trip: link.round_trip(), loss, in_flight })
        })
    }

    /// Returns the measured round-trip time of each user that is online and has acknowledged a packet over its current
    /// way: the smoothed estimate of RFC 9002 section 5.3. It can include the time for which the other side delays
    /// acks.
    pub fn round_trips(&self) -> impl Iterator<Item = (&UserName, Duration)> {
        self.users.iter().filter_map(|(user, session)| {
            let link = self.peers.get(self.peers.index(session)?)?.link.as_ref()?;
            Some((user, link.round_trip()?))
        })
    }

    /// Returns how often each limit on peers took effect.
    pub const fn limit_counts(&self) -> LimitCounts {
        self.cx.limits
    }

    /// Ends our session on all links.
    fn end(&mut self, now: Mono, goodbye: Goodbye, out: &mut Vec<Output>) {
        self.activity = Activity::Left;
        for index in self.peers.indices() {
            if let Some(link) = self.peers.get_mut(index).and_then(|peer| peer.link.as_mut()) {
                link.close(UnconfirmedReason::Leaving, FailReason::Leaving, goodbye, &mut self.cx);
                self.report_events(now, index, out);
            }
        }
    }
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let LocalSession { session, user, .. } = &self.local;
        f.debug_struct("Peer").field("session", session).field("user", user).finish_non_exhaustive()
    }
}
