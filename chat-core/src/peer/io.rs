//! Inputs and outputs of the peer machine.

use std::net::SocketAddr;

use super::delivery::Delivery;
use super::reports::Reports;
use super::way::Way;
use crate::id::{MessageId, SessionId};
use crate::message::{Content, Outcome, Recipient};
use crate::name::UserName;
use crate::roster::{Change, Entry};
use crate::time::Timestamp;
use crate::wire::relay::RelayTerms;

/// An input of the peer machine.
#[derive(Debug)]
#[non_exhaustive]
pub enum Input {
    /// The entries of the first roster snapshot. Our own entry is ignored.
    Roster(Vec<Entry>),
    /// A change of the roster. Changes of our own entry are ignored.
    Change(Change),
    /// A command to send a message. [`Output::Queued`] or [`Output::NotSent`] answers it.
    Send {
        /// Identifies the command in its answer.
        tag: u64,
        /// The recipient.
        to: Recipient,
        /// The content.
        content: Content,
        /// The time of sending: the best estimate of the server's clock.
        sent_at: Timestamp,
    },
    /// The application accepts the message with this token.
    Accept(Token),
    /// The application accepts the message with this token and all earlier messages of the same session about which it has
    /// not decided. Cheaper than one [`Input::Accept`] for each.
    AcceptUpTo(Token),
    /// The application refuses the message with this token. For its sender, the message failed as refused.
    Refuse(Token),
    /// The server's clock minus the local clock, in milliseconds.
    ClockOffset(i64),
    /// The server relays for our connection on these terms, or with `None`: there is no connection that relays. Links whose
    /// peer takes relayed datagrams use the relay while no direct way works.
    Relay(Option<RelayTerms>),
    /// Our own addresses have changed. Links that use the relay ask for a direct way again.
    Moved,
    /// Our session ends. All pending outcomes are reported, and every peer receives a last ack and a bye.
    Leave,
    /// A newer login of our account replaced our session. All pending outcomes are reported, and every peer receives a last
    /// ack and no bye: the roster reports to it that the session was replaced.
    Replaced,
    /// The deadline has passed.
    Tick,
}

/// An output of the peer machine. Exhaustive, because a driver performs every output.
#[derive(Debug, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "a driver performs every output")]
pub enum Output {
    /// A message was queued. One outcome follows for each recipient, in [`Output::Report`].
    Queued {
        /// The tag of the command.
        tag: u64,
        /// The id that the message received.
        id: MessageId,
        /// The number of recipients: 0 for a message to everyone if no peer is online.
        recipients: usize,
    },
    /// A message was not queued. No outcome follows.
    NotSent {
        /// The tag of the command.
        tag: u64,
        /// The reason.
        error: SendError,
    },
    /// Messages arrived. The application answers each with [`Input::Accept`] or [`Input::Refuse`], or several with
    /// [`Input::AcceptUpTo`].
    Deliver(Delivery),
    /// Messages of ours have their outcomes for one recipient.
    Report(Reports),
    /// One of our messages to everyone has all its outcomes. Follows the last report.
    Summary {
        /// The id of the message.
        id: MessageId,
        /// The number of recipients that accepted it.
        delivered: usize,
        /// The other recipients and their outcomes.
        others: Vec<(UserName, Outcome)>,
    },
    /// The peer does not acknowledge our packets, most likely because a firewall drops them.
    Unresponsive(UserName),
    /// An unresponsive peer acknowledges packets again.
    Responsive(UserName),
    /// Another way carries the datagrams to this user, and has answered. At most once a second for each user. That a direct
    /// way is the first one is not reported.
    Way {
        /// The user.
        user: UserName,
        /// The way.
        way: Way,
    },
    /// A message failed because the peer has no address that this machine can send to. Reported once until the peer has
    /// other addresses.
    NoAddress(UserName),
    /// The peer violated the protocol, or states that we did. The link is closed for the rest of the two sessions.
    Violation(UserName),
    /// The machine cannot keep the resumption state of another link. From now on it opens no link to a session that is
    /// new to it. A new login ends this condition, because a new session key starts without resumption state.
    Exhausted,
}

/// Identifies a message that was passed to the application, for its answer.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Token {
    pub(super) session: SessionId,
    pub(super) number: u64,
}

impl Token {
    /// Whether both messages came from the same session, so that [`Input::AcceptUpTo`] with the later one covers both.
    pub fn is_same_session(self, other: Self) -> bool {
        self.session == other.session
    }
}

/// The reason why a message was not queued. Exhaustive, because a driver passes every error on.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(clippy::exhaustive_enums, reason = "a driver passes every error on")]
pub enum SendError {
    /// No user with this name is online.
    #[error("{0} is not online")]
    UnknownRecipient(UserName),
    /// The recipient is the sender.
    #[error("you cannot send a message to yourself; name another user")]
    ToOneself,
    /// The recipient's queue is full, or the queues of all recipients together are.
    #[error("too many messages are waiting to be delivered; try again in a moment")]
    QueueFull,
    /// The bytes are empty or more than [`Text::MAX_BYTES`](crate::text::Text::MAX_BYTES).
    #[error("a message has 1 to 16384 bytes")]
    Length,
    /// The session has ended with [`Input::Leave`] or [`Input::Replaced`].
    #[error("this session has ended")]
    Leaving,
}

/// Whether the machine sends to loopback addresses of the roster.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Loopback {
    /// It does, because our own session reached the server over loopback.
    Allowed,
    /// It ignores them: they belong to another machine.
    Ignored,
}

/// Whether the machine sends to link-local IPv6 addresses of the roster.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum LinkLocal {
    /// It does: the driver's socket has a zone for them.
    Allowed,
    /// It ignores them: without a zone, nothing can be sent there.
    Ignored,
}

/// The address families that a socket sends to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Families {
    /// IPv4 and IPv6.
    Both,
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
    /// Neither: nothing is sent to any address, and nothing that comes from one is processed. Only the relay is left.
    Neither,
}

/// The addresses of the roster that the driver's socket can send to. Made from [`Loopback`]; its fields can be changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Reach {
    /// Loopback addresses.
    pub loopback: Loopback,
    /// The families.
    pub families: Families,
    /// Link-local IPv6 addresses.
    pub link_local: LinkLocal,
}

/// A socket of both families without a zone.
impl From<Loopback> for Reach {
    fn from(loopback: Loopback) -> Self {
        Self { loopback, families: Families::Both, link_local: LinkLocal::Ignored }
    }
}

/// Whether [`Peer::transmit`](super::Peer::transmit) left something unsent. There is no third answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "a statement and its contrary")]
pub enum Transmit {
    /// The slab is full. Call again once the socket has taken datagrams from it.
    More,
    /// Nothing is left to send for now.
    Done,
}

/// A received datagram. The machine opens it in place.
#[derive(Debug)]
#[non_exhaustive]
pub struct Datagram<'a> {
    /// The way over which it came.
    pub from: Way,
    /// Its bytes, which the machine overwrites.
    pub bytes: &'a mut [u8],
}

impl<'a> Datagram<'a> {
    /// A datagram that came from the address `from`.
    pub const fn new(from: SocketAddr, bytes: &'a mut [u8]) -> Self {
        Self { from: Way::Direct(from), bytes }
    }

    /// A datagram that the server relayed. Its header names its sender.
    pub const fn relayed(bytes: &'a mut [u8]) -> Self {
        Self { from: Way::Relay, bytes }
    }
}
