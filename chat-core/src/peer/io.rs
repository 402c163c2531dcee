//! What goes into the peer machine and what comes out of it.

use std::net::SocketAddr;

use crate::id::{MessageId, SessionId};
use crate::message::{Content, Message, Outcome, Recipient, Report};
use crate::name::UserName;
use crate::roster::{Change, Entry};
use crate::time::Timestamp;

/// What the machine is told.
#[derive(Debug)]
pub enum Input {
    /// The first copy of the roster, without ourselves.
    Roster(Vec<Entry>),
    /// A change of the roster, not about ourselves.
    Change(Change),
    /// A message is to be sent.
    Send {
        /// Comes back in the answer.
        tag: u64,
        /// To whom.
        to: Recipient,
        /// What.
        content: Content,
        /// The time on the server's clock, as well as it is known.
        sent_at: Timestamp,
    },
    /// The application took a delivered message.
    Accept(Token),
    /// The application does not want a delivered message; its sender is told that it was refused.
    Refuse(Token),
    /// The server's clock minus ours, in milliseconds.
    ClockOffset(i64),
    /// Our session ends: open outcomes are told, and every peer gets a good-bye.
    Leave,
    /// The deadline has passed.
    Tick,
}

/// What the machine tells.
#[derive(Debug, PartialEq)]
pub enum Output {
    /// A message was accepted; as many outcomes will follow as it has recipients.
    Queued {
        /// As in the input.
        tag: u64,
        /// The message.
        id: MessageId,
        /// How many get it; a group may be empty.
        recipients: usize,
    },
    /// A message was not accepted; no outcome follows.
    NotSent {
        /// As in the input.
        tag: u64,
        /// Why.
        error: SendError,
    },
    /// A message came; the application takes it or refuses it with the token.
    Deliver {
        /// The message.
        message: Message,
        /// For the answer.
        token: Token,
    },
    /// A message of ours has an outcome.
    Report(Report),
    /// A message to everyone has all its outcomes.
    Summary {
        /// The message.
        id: MessageId,
        /// How many have it.
        delivered: usize,
        /// The others, with what became of it.
        others: Vec<(UserName, Outcome)>,
    },
    /// This peer has not answered over UDP for a while; a firewall, most likely.
    Unresponsive(UserName),
    /// A silent peer answers again.
    Responsive(UserName),
    /// This peer's program broke the protocol; or says that ours did; its link is closed.
    Violation(UserName),
    /// This session has met so many others that it cannot remember one more: take a fresh one. Until then nobody who
    /// is new can be written to.
    Exhausted,
}

/// A delivered message, for the application's answer.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Token {
    pub(super) session: SessionId,
    pub(super) number: u64,
}

/// Why a message is not accepted.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SendError {
    /// Nobody of this name is online.
    #[error("{0} is not online")]
    UnknownRecipient(UserName),
    /// The recipient is ourselves.
    #[error("that is yourself; write to somebody else")]
    ToOneself,
    /// Too much is waiting already.
    #[error("too many messages are waiting to be delivered; try again in a moment")]
    QueueFull,
    /// Bytes that are empty or longer than the longest text.
    #[error("a message has 1 to 16384 bytes")]
    Length,
    /// We said good-bye already.
    #[error("this session has ended")]
    Leaving,
}

/// Whether addresses of the local machine may be used: only if our own session came that way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Loopback {
    /// They may.
    Allowed,
    /// Who offers one is not on this machine.
    Ignored,
}

/// Whether [`Peer::transmit`](super::Peer::transmit) has more to send.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Transmit {
    /// The slab is full; pull again once the socket has taken something.
    More,
    /// Nothing is left to say for now.
    Dry,
}

/// A datagram as it came from the socket; it is opened in place.
#[derive(Debug)]
pub struct Datagram<'a> {
    /// Where it came from.
    pub from: SocketAddr,
    /// All of it.
    pub bytes: &'a mut [u8],
}
