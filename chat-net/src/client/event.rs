//! What happened in a session, as applications read it.

use std::time::Duration;

use chat_core::away::AwayText;
use chat_core::id::{MessageId, SessionId};
use chat_core::message::{Outcome, Report};
use chat_core::name::UserName;
use chat_core::presence::PresenceEvent;
use chat_core::time::Timestamp;

use super::error::EndReason;
use super::{LinkStatus, ReceivedMessage};
use crate::identity::Fingerprint;

/// What happened in a session.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// Another session came online, went offline or moved to another address.
    ///
    /// The sessions that are online when the login returns are in the roster
    /// ([`ClientHandle::roster`](super::ClientHandle::roster)) and cause no event. After the client has reconnected,
    /// only differences cause events: a session that the server resumed meanwhile, even after a restart, causes none.
    Presence(PresenceEvent),
    /// Another user went away or came back, as the [roster](super::RosterEntry::away) shows. If the session of a user who
    /// is away begins, this follows its arrival.
    Away {
        /// The time on the server's clock.
        at: Timestamp,
        /// The user.
        user: UserName,
        /// The away text. `None` if the user is back.
        away: Option<AwayText>,
    },
    /// A message arrived.
    Message(ReceivedMessage),
    /// The outcome of a sent message for one recipient. Does not occur with
    /// [`OutcomeEvents::Omitted`](super::OutcomeEvents::Omitted).
    Report(Report),
    /// All outcomes of a message to everyone. Follows the last report about it. Does not occur with
    /// [`OutcomeEvents::Omitted`](super::OutcomeEvents::Omitted).
    Summary {
        /// The message's id.
        id: MessageId,
        /// The number of recipients with the outcome `delivered`.
        delivered: usize,
        /// The other recipients, each with its outcome.
        others: Vec<(UserName, Outcome)>,
    },
    /// Messages to a user take another way than before, or the first one, and it has answered. At most once a second for
    /// each user.
    Way(LinkStatus),
    /// The state of a connection changed.
    Notice(Notice),
    /// The session ended without [`ClientHandle::leave`](super::ClientHandle::leave). This is the last event. The client
    /// keeps no password, so a program that must stay online logs in again; [`EndReason`] says when that has a chance.
    Ended(EndReason),
    /// The client left the session. This is the last event.
    Left,
}

/// A change in the connection to the server or in the links to peers that a user may want to know about.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Notice {
    /// The connection to the server broke, an attempt to reconnect failed, or
    /// [`ClientHandle::retry_now`](super::ClientHandle::retry_now) brought the next attempt forward. Messages to and from
    /// peers continue.
    Reconnecting {
        /// The time until the next attempt to connect.
        after: Duration,
    },
    /// The connection is back and the roster up to date.
    Reconnected,
    /// The server could not continue the session and began this one for the same login. All outcomes of the previous
    /// session are in the event stream before this notice.
    NewSession(SessionId),
    /// The server announced that it is stopping.
    ServerStopping,
    /// A server with another key answers at the server's address: either the operator has changed the key, or somebody
    /// intercepts the connection. The client has sent nothing and keeps trying. The notice comes once for each wrong
    /// key, until the connection is back.
    ServerKeyChanged {
        /// The fingerprint that the client trusts.
        known: Fingerprint,
        /// The fingerprint that the server shows now.
        shown: Fingerprint,
    },
    /// This peer does not answer while messages wait for it. The usual cause is a firewall.
    PeerUnresponsive(UserName),
    /// The peer answers again.
    PeerResponsive(UserName),
    /// A message to this peer failed because this machine can reach none of its addresses. Examples are a loopback
    /// address of another machine, and an address family that this machine does not use. The notice comes once until
    /// the peer has other addresses.
    PeerWithoutAddress(UserName),
    /// The server does not relay, although a peer cannot be reached without that. The notice comes once, after the first
    /// [`PeerUnresponsive`](Self::PeerUnresponsive) or [`PeerWithoutAddress`](Self::PeerWithoutAddress); with
    /// [`ReachMode::Relay`](super::ReachMode::Relay) at the beginning, because no message arrives then; with
    /// [`ReachMode::Direct`](super::ReachMode::Direct) never.
    NoRelay,
    /// This peer violated the protocol, or reports that this client did. The link to it is closed.
    PeerMisbehaved(UserName),
    /// The session keeps the resumption state of 65,536 peers that have left, which is the limit. Messages to new peers
    /// fail until the client logs in again.
    SessionExhausted,
    /// The system granted a smaller receive buffer than requested, so bursts of datagrams may be lost. On Linux, raise
    /// `net.core.rmem_max`.
    ReceiveBufferSmall {
        /// The granted size, in bytes.
        granted: usize,
        /// The requested size, in bytes.
        wanted: usize,
    },
}
