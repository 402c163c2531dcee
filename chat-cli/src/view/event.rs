//! Everything that the client shows, as one type.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use chat_core::away::AwayText;
use chat_core::id::{MessageId, SessionId};
use chat_core::message::{Message, Outcome, Recipient, Report, Scope, SentAt};
use chat_core::name::UserName;
use chat_core::peer::Rung;
use chat_core::presence::{OfflineReason, Presence, PresenceEvent};
use chat_core::text::Text;
use chat_core::time::Timestamp;
use chat_net::client::{Roster, RosterEntry};
use serde::Serialize;

use super::link::{Link, LinkTrouble};
use super::notice::Notice;
use super::outcome::UserOutcome;
use super::serialize::{as_display, as_micros, as_optional_away, as_optional_name, as_str, as_text};
use crate::input_error::InputError;

/// One event to show. Times are on the server's clock.
///
/// Its serialisation is the schema that docs/JSON.md documents. Variants and fields may be added. None is removed or
/// changes its meaning. Fields that are skipped are for people only.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum ViewEvent {
    /// The session began.
    Welcome {
        /// The user of this client.
        user: UserName,
        /// The id of the session.
        #[serde(serialize_with = "as_display")]
        session: SessionId,
        /// When the session began.
        at: Timestamp,
        /// The other users online.
        online: Vec<OnlineUser>,
    },
    /// Another user came online.
    Online {
        /// The user.
        user: UserName,
        /// The preferred address for datagrams.
        address: SocketAddr,
        /// When.
        at: Timestamp,
    },
    /// Another user went offline.
    Offline {
        /// The user.
        user: UserName,
        /// Why.
        #[serde(serialize_with = "as_display")]
        reason: OfflineReason,
        /// When.
        at: Timestamp,
    },
    /// A newer login of the same account replaced the session of another user.
    Replaced {
        /// The user.
        user: UserName,
        /// The preferred address for datagrams.
        address: SocketAddr,
        /// When.
        at: Timestamp,
    },
    /// Another user has another address in the same session.
    Moved {
        /// The user.
        user: UserName,
        /// The preferred address for datagrams.
        address: SocketAddr,
        /// When.
        at: Timestamp,
    },
    /// Another user went away.
    Away {
        /// The user.
        user: UserName,
        /// The away text, which may be empty.
        #[serde(serialize_with = "as_text")]
        away: AwayText,
        /// When.
        at: Timestamp,
    },
    /// Another user came back.
    Back {
        /// The user.
        user: UserName,
        /// When.
        at: Timestamp,
    },
    /// Messages to a user take another way than before, or the first one.
    Link {
        /// The user.
        user: UserName,
        /// The way.
        #[serde(flatten)]
        link: Link,
        /// Since when.
        #[serde(skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
    },
    /// A message arrived.
    Message {
        /// The id of the message.
        #[serde(serialize_with = "as_display")]
        id: MessageId,
        /// The sender.
        from: UserName,
        /// Everyone, or the user of this client.
        #[serde(serialize_with = "as_display")]
        to: Recipient,
        /// The text.
        #[serde(serialize_with = "as_str")]
        text: Text,
        /// When it was sent.
        sent_at: Timestamp,
        /// Present if `sent_at` is not the sender's time.
        #[serde(skip_serializing_if = "Option::is_none")]
        sent_at_is: Option<SentAtIs>,
        /// When it arrived.
        received_at: Timestamp,
    },
    /// A line of input was queued as a message.
    Sent {
        /// The id of the message.
        #[serde(serialize_with = "as_display")]
        id: MessageId,
        /// The recipient.
        #[serde(serialize_with = "as_display")]
        to: Recipient,
        /// The number of users that the message goes to.
        recipients: usize,
        /// When the message was sent.
        at: Timestamp,
        /// The `ref` of the line.
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<String>,
    },
    /// The outcome of a message for one recipient.
    Outcome {
        /// The id of the message.
        #[serde(serialize_with = "as_display")]
        id: MessageId,
        /// The recipient and the outcome.
        #[serde(flatten)]
        outcome: UserOutcome,
        /// The milliseconds since the message was sent.
        after_ms: u64,
        /// The message, unless it is no longer remembered.
        #[serde(skip)]
        sent: Option<SentMessage>,
    },
    /// All outcomes of a message to everyone are known.
    Summary {
        /// The id of the message.
        #[serde(serialize_with = "as_display")]
        id: MessageId,
        /// The number of recipients to which it was delivered.
        delivered: usize,
        /// The other recipients with their outcomes.
        failed: Vec<UserOutcome>,
        /// The message.
        #[serde(skip)]
        sent: SentMessage,
    },
    /// The users online, as the answer to `/who`.
    Roster {
        /// The other users online.
        online: Vec<OnlineUser>,
    },
    /// Who has the last message and who has not, as the answer to `/info`.
    Info {
        /// The id of the message.
        #[serde(serialize_with = "as_display")]
        id: MessageId,
        /// The recipient.
        #[serde(serialize_with = "as_display")]
        to: Recipient,
        /// When it was sent.
        at: Timestamp,
        /// The users to whom it was delivered.
        delivered: Vec<UserName>,
        /// The other users whose outcomes are known.
        failed: Vec<UserOutcome>,
        /// The users whose outcomes are not known yet.
        outstanding: Vec<UserName>,
        /// The message.
        #[serde(skip)]
        sent: SentMessage,
    },
    /// A line of input was refused.
    Error {
        /// The reason.
        #[serde(flatten)]
        error: InputError,
        /// The `ref` of the line.
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<String>,
    },
    /// An event besides the conversation itself.
    Notice(Notice),
}

/// A user who is online.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct OnlineUser {
    /// The user.
    pub user: UserName,
    /// The preferred address for datagrams.
    pub address: SocketAddr,
    /// When the session began.
    pub since: Timestamp,
    /// The measured round-trip time, if datagrams were exchanged.
    #[serde(rename = "round_trip_us", serialize_with = "as_micros", skip_serializing_if = "Option::is_none")]
    pub round_trip: Option<Duration>,
    /// The way that messages to this user take, once one has answered.
    #[serde(serialize_with = "as_optional_name", skip_serializing_if = "Option::is_none")]
    pub way: Option<Rung>,
    /// The address to which datagrams go, if the way is a direct one.
    #[serde(skip)]
    pub proven: Option<SocketAddr>,
    /// Why messages to this user do not arrive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<LinkTrouble>,
    /// The away text, if the user is away.
    #[serde(serialize_with = "as_optional_away", skip_serializing_if = "Option::is_none")]
    pub away: Option<AwayText>,
}

/// The meaning of `sent_at` if it is not the sender's time.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SentAtIs {
    /// The time of arrival, because the sender's clock is wrong.
    Arrival,
}

impl ViewEvent {
    /// A message that arrived for `me`.
    pub fn message(message: &Message, text: Text, me: &UserName) -> Self {
        Self::Message {
            id: message.id,
            from: message.from.clone(),
            to: match message.scope {
                Scope::Group => Recipient::Everyone,
                _ => Recipient::One(me.clone()),
            },
            text,
            sent_at: message.sent_at.timestamp(),
            sent_at_is: match message.sent_at {
                SentAt::Sender(_) => None,
                SentAt::Arrival(_) => Some(SentAtIs::Arrival),
            },
            received_at: message.received_at,
        }
    }

    /// Another user went away with an away text, or came back.
    pub fn away(user: UserName, away: Option<AwayText>, at: Timestamp) -> Self {
        match away {
            Some(away) => Self::Away { user, away, at },
            None => Self::Back { user, at },
        }
    }

    /// The outcome of a message for one recipient, with the message itself if it is still remembered.
    pub fn outcome(report: Report, sent: Option<SentMessage>) -> Self {
        Self::Outcome {
            id: report.id,
            after_ms: u64::try_from(report.elapsed.as_millis()).unwrap_or(u64::MAX),
            outcome: UserOutcome::new(report.user, report.outcome),
            sent,
        }
    }

    /// The outcomes of a message to everyone.
    pub fn summary(id: MessageId, delivered: usize, others: Vec<(UserName, Outcome)>, sent: SentMessage) -> Self {
        let failed = others.into_iter().map(|(user, outcome)| UserOutcome::new(user, outcome)).collect();
        Self::Summary { id, delivered, failed, sent }
    }

    /// The answer to `/who`.
    pub fn roster(
        online: &Roster,
        links: &BTreeMap<UserName, Link>,
        troubles: &BTreeMap<UserName, LinkTrouble>,
    ) -> Self {
        let user = |entry: &RosterEntry| {
            let link = links.get(entry.user());
            OnlineUser {
                round_trip: link.and_then(|link| link.round_trip),
                way: link.map(|link| link.way).filter(|way| *way != Rung::None),
                proven: link.and_then(|link| link.address),
                trouble: troubles.get(entry.user()).copied(),
                ..entry.into()
            }
        };
        Self::Roster { online: online.iter().map(user).collect() }
    }

    /// The time that people see with the event, if they see one.
    pub const fn shown_time(&self) -> Option<Timestamp> {
        match self {
            Self::Welcome { at, .. }
            | Self::Online { at, .. }
            | Self::Offline { at, .. }
            | Self::Replaced { at, .. }
            | Self::Moved { at, .. }
            | Self::Away { at, .. }
            | Self::Back { at, .. }
            | Self::Message { sent_at: at, .. } => Some(*at),
            _ => None,
        }
    }
}

impl From<PresenceEvent> for ViewEvent {
    fn from(PresenceEvent { user, at, presence, .. }: PresenceEvent) -> Self {
        match presence {
            Presence::Online(address) => Self::Online { user, address, at },
            Presence::Offline(reason) => Self::Offline { user, reason, at },
            Presence::Replaced(address) => Self::Replaced { user, address, at },
            Presence::Moved(address) => Self::Moved { user, address, at },
        }
    }
}

impl From<Notice> for ViewEvent {
    fn from(notice: Notice) -> Self {
        Self::Notice(notice)
    }
}

impl From<&RosterEntry> for OnlineUser {
    fn from(entry: &RosterEntry) -> Self {
        let (user, address, since) = (entry.user().clone(), entry.address(), entry.since());
        let away = entry.away();
        Self { user, address, since, round_trip: None, way: None, proven: None, trouble: None, away }
    }
}

/// A record of a message, kept until its outcomes are known, so that they can be shown with it.
#[derive(Clone, Debug)]
pub struct SentMessage {
    /// The recipient.
    pub to: Recipient,
    /// The beginning of the text.
    pub excerpt: String,
}

impl SentMessage {
    /// The maximum length of an excerpt: long enough to recognise the message, short enough for one line with its outcome.
    const EXCERPT_CHARS: usize = 24;

    /// Takes the excerpt from the first line of the text, and marks a shortened one with `…`.
    pub fn new(to: Recipient, text: &Text) -> Self {
        let line = text.as_str().lines().next().unwrap_or_default();
        let mut excerpt: String = line.chars().take(Self::EXCERPT_CHARS).collect();
        if excerpt.len() < text.as_str().len() {
            excerpt.push('…');
        }
        Self { to, excerpt }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_the_beginning_of_the_first_line() {
        for (text, excerpt) in [
            ("hello", "hello"),
            ("one\ntwo", "one…"),
            ("一二三四五六七八九十一二三四五六七八九十一二三四五", "一二三四五六七八九十一二三四五六七八九十一二三四…"),
        ] {
            assert_eq!(SentMessage::new(Recipient::Everyone, &Text::parse(text).unwrap()).excerpt, excerpt);
        }
    }
}
