//! JSON output: one object per line. These types are the schema that docs/JSON.md documents.
//!
//! Events and fields may be added. None is removed or changes its meaning.

use std::net::SocketAddr;

use chat_core::message::{FailReason, Message, Outcome, Report, Scope, SentAt, UnconfirmedReason};
use chat_core::name::UserName;
use chat_core::presence::{Presence, PresenceEvent};
use chat_core::roster::Entry;
use chat_core::text::Text;
use chat_net::client;
use serde::Serialize;

use super::notice::Notice;
use super::view::ViewEvent;

/// Appends one event as a line, with its line end.
pub fn render(event: &ViewEvent<'_>, out: &mut String) {
    push(&JsonEvent::from(event), out);
}

/// Appends the event for an error that ends the program before the conversation.
pub fn render_error(code: &str, text: String, out: &mut String) {
    push(&JsonEvent::Error { code, text, reference: None }, out);
}

fn push(event: &JsonEvent<'_>, out: &mut String) {
    let line = serde_json::to_string(event).expect("the schema has string keys and no values that fail");
    out.push_str(&line);
    out.push('\n');
}

/// An event. Times are Unix milliseconds on the server's clock, and ids are strings.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum JsonEvent<'a> {
    Welcome {
        user: &'a str,
        session: String,
        at: u64,
        online: Vec<JsonEntry<'a>>,
    },
    Online {
        user: &'a str,
        address: SocketAddr,
        at: u64,
    },
    Offline {
        user: &'a str,
        reason: &'static str,
        at: u64,
    },
    Replaced {
        user: &'a str,
        address: SocketAddr,
        at: u64,
    },
    Moved {
        user: &'a str,
        address: SocketAddr,
        at: u64,
    },
    Message {
        id: String,
        from: &'a str,
        to: &'a str,
        text: &'a str,
        sent_at: u64,
        /// Present if `sent_at` is not the sender's time.
        #[serde(skip_serializing_if = "Option::is_none")]
        sent_at_is: Option<&'static str>,
        received_at: u64,
    },
    Sent {
        id: String,
        to: String,
        recipients: usize,
        at: u64,
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<&'a str>,
    },
    Outcome {
        id: String,
        #[serde(flatten)]
        outcome: JsonOutcome<'a>,
        after_ms: u64,
    },
    Summary {
        id: String,
        delivered: usize,
        failed: Vec<JsonOutcome<'a>>,
    },
    Roster {
        online: Vec<JsonEntry<'a>>,
    },
    Error {
        code: &'a str,
        text: String,
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<&'a str>,
    },
    Notice {
        code: &'static str,
        text: String,
        #[serde(flatten)]
        fields: NoticeFields<'a>,
    },
}

/// A user who is online.
#[derive(Serialize)]
struct JsonEntry<'a> {
    user: &'a str,
    address: SocketAddr,
    since: u64,
}

/// The outcome of a message for one user.
#[derive(Serialize)]
struct JsonOutcome<'a> {
    user: &'a str,
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

/// The fields that only some notices have.
#[derive(Default, Serialize)]
struct NoticeFields<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after_ms: Option<u64>,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
}

impl<'a> From<&ViewEvent<'a>> for JsonEvent<'a> {
    fn from(event: &ViewEvent<'a>) -> Self {
        match *event {
            ViewEvent::Welcome { user, session, at, online } => Self::Welcome {
                user: user.as_str(),
                session: session.to_string(),
                at: at.as_millis(),
                online: online.iter().map(JsonEntry::from).collect(),
            },
            ViewEvent::Presence(event) => event.into(),
            ViewEvent::Message { message, text, me } => Self::message(message, text, me),
            ViewEvent::Sent { id, to, recipients, at, reference } => {
                Self::Sent { id: id.to_string(), to: to.to_string(), recipients, at: at.as_millis(), reference }
            }
            ViewEvent::Outcome { report, .. } => report.into(),
            ViewEvent::Summary { id, delivered, failed, .. } => {
                let failed = failed.iter().map(|(user, outcome)| JsonOutcome::new(user, *outcome)).collect();
                Self::Summary { id: id.to_string(), delivered, failed }
            }
            ViewEvent::Roster(online) => Self::Roster { online: online.iter().map(JsonEntry::from).collect() },
            ViewEvent::Error { error, reference } => {
                Self::Error { code: error.code(), text: error.to_string(), reference }
            }
            ViewEvent::Notice(notice) => {
                Self::Notice { code: notice.code(), text: notice.to_string(), fields: NoticeFields::from(notice) }
            }
        }
    }
}

impl<'a> JsonEvent<'a> {
    fn message(message: &'a Message, text: &'a Text, me: &'a UserName) -> Self {
        Self::Message {
            id: message.id.to_string(),
            from: message.from.as_str(),
            to: match message.scope {
                Scope::Group => "everyone",
                Scope::Private => me.as_str(),
            },
            text: text.as_str(),
            sent_at: message.sent_at.timestamp().as_millis(),
            sent_at_is: match message.sent_at {
                SentAt::Sender(_) => None,
                SentAt::Arrival(_) => Some("arrival"),
            },
            received_at: message.received_at.as_millis(),
        }
    }
}

impl<'a> From<&'a PresenceEvent> for JsonEvent<'a> {
    fn from(event: &'a PresenceEvent) -> Self {
        let (user, at) = (event.user.as_str(), event.at.as_millis());
        match event.presence {
            Presence::Online(address) => Self::Online { user, address, at },
            Presence::Offline(reason) => Self::Offline { user, reason: reason.as_str(), at },
            Presence::Replaced(address) => Self::Replaced { user, address, at },
            Presence::Moved(address) => Self::Moved { user, address, at },
        }
    }
}

impl<'a> From<&'a Report> for JsonEvent<'a> {
    fn from(report: &'a Report) -> Self {
        Self::Outcome {
            id: report.id.to_string(),
            outcome: JsonOutcome::new(&report.user, report.outcome),
            after_ms: u64::try_from(report.after.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

impl<'a> From<&'a Entry> for JsonEntry<'a> {
    fn from(entry: &'a Entry) -> Self {
        Self { user: entry.user.as_str(), address: entry.address(), since: entry.since.as_millis() }
    }
}

impl<'a> JsonOutcome<'a> {
    fn new(user: &'a UserName, outcome: Outcome) -> Self {
        Self { user: user.as_str(), result: outcome.as_str(), reason: reason(outcome) }
    }
}

impl<'a> From<&'a Notice> for NoticeFields<'a> {
    fn from(notice: &'a Notice) -> Self {
        use client::Notice as Connection;
        let mut fields = Self::default();
        match notice {
            Notice::Connection(
                Connection::PeerMisbehaved(user)
                | Connection::PeerResponsive(user)
                | Connection::PeerUnresponsive(user)
                | Connection::PeerWithoutAddress(user),
            ) => fields.user = Some(user.as_str()),
            Notice::Connection(Connection::NewSession(session)) => fields.session = Some(session.to_string()),
            Notice::Connection(Connection::Reconnecting { after }) => {
                fields.after_ms = u64::try_from(after.as_millis()).ok();
            }
            Notice::NobodyThere { reference } => fields.reference = reference.as_deref(),
            _ => {}
        }
        fields
    }
}

/// The stable code of the reason; `None` for a delivered message.
const fn reason(outcome: Outcome) -> Option<&'static str> {
    let code = match outcome {
        Outcome::Delivered => return None,
        Outcome::Failed(FailReason::QueueFull) => "queue-full",
        Outcome::Failed(FailReason::Refused) => "refused",
        Outcome::Failed(FailReason::Incompatible) => "incompatible",
        Outcome::Failed(FailReason::NoAddress) => "no-address",
        Outcome::Failed(FailReason::TooManySessions) => "too-many-sessions",
        Outcome::Failed(FailReason::Misbehaved) | Outcome::Unconfirmed(UnconfirmedReason::Misbehaved) => "misbehaved",
        Outcome::Failed(FailReason::Left) | Outcome::Unconfirmed(UnconfirmedReason::Left) => "left",
        Outcome::Failed(FailReason::Lost) | Outcome::Unconfirmed(UnconfirmedReason::Lost) => "lost",
        Outcome::Failed(FailReason::Replaced) | Outcome::Unconfirmed(UnconfirmedReason::Replaced) => "replaced",
        Outcome::Failed(FailReason::TimedOut) | Outcome::Unconfirmed(UnconfirmedReason::TimedOut) => "timed-out",
        Outcome::Failed(FailReason::Leaving) | Outcome::Unconfirmed(UnconfirmedReason::Leaving) => "leaving",
    };
    Some(code)
}

#[cfg(test)]
mod tests;
