//! The JSON form: one object per line. These structures are the schema that docs/JSON.md documents.
//!
//! A field or an event may be added; none changes its meaning or goes away.

use std::net::SocketAddr;

use chat_core::message::{FailReason, Message, Outcome, Report, Scope, SentAt, UnconfirmedReason};
use chat_core::name::UserName;
use chat_core::presence::{Presence, PresenceEvent};
use chat_core::roster::Entry;
use chat_core::text::Text;
use serde::Serialize;

use super::fact::Fact;
use super::notice::Notice;

/// Writes one fact as a line, with its line end.
pub fn render(fact: &Fact<'_>, out: &mut String) {
    let line = serde_json::to_string(&Event::from(fact)).expect("the schema has string keys and no failing values");
    out.push_str(&line);
    out.push('\n');
}

/// Every event. Times are Unix milliseconds on the server's clock, ids are strings.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum Event<'a> {
    Welcome {
        user: &'a str,
        session: String,
        at: u64,
        online: Vec<Online<'a>>,
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
        /// Only present if it is not the sender's time.
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
        of: Of<'a>,
        after_ms: u64,
    },
    Summary {
        id: String,
        delivered: usize,
        failed: Vec<Of<'a>>,
    },
    Roster {
        online: Vec<Online<'a>>,
    },
    Error {
        code: &'static str,
        text: String,
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<&'a str>,
    },
    Notice {
        code: &'static str,
        text: String,
        #[serde(flatten)]
        more: More<'a>,
    },
}

/// Somebody who is online.
#[derive(Serialize)]
struct Online<'a> {
    user: &'a str,
    address: SocketAddr,
    since: u64,
}

/// What became of a message for one user.
#[derive(Serialize)]
struct Of<'a> {
    user: &'a str,
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

/// What only some notices have.
#[derive(Default, Serialize)]
struct More<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after_ms: Option<u64>,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
}

impl<'a> From<&Fact<'a>> for Event<'a> {
    fn from(fact: &Fact<'a>) -> Self {
        match *fact {
            Fact::Welcome { user, session, at, online } => Self::Welcome {
                user: user.as_str(),
                session: session.to_string(),
                at: at.as_millis(),
                online: online.iter().map(Online::from).collect(),
            },
            Fact::Presence(event) => event.into(),
            Fact::Message { message, text, me } => Self::message(message, text, me),
            Fact::Sent { id, to, recipients, at, reference } => {
                Self::Sent { id: id.to_string(), to: to.to_string(), recipients, at: at.as_millis(), reference }
            }
            Fact::Outcome { report, .. } => report.into(),
            Fact::Summary { id, delivered, failed, .. } => {
                let failed = failed.iter().map(|(user, outcome)| Of::new(user, *outcome)).collect();
                Self::Summary { id: id.to_string(), delivered, failed }
            }
            Fact::Roster(online) => Self::Roster { online: online.iter().map(Online::from).collect() },
            Fact::Error { error, reference } => Self::Error { code: error.code(), text: error.to_string(), reference },
            Fact::Notice(notice) => {
                Self::Notice { code: notice.code(), text: notice.to_string(), more: More::from(notice) }
            }
        }
    }
}

impl<'a> Event<'a> {
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

impl<'a> From<&'a PresenceEvent> for Event<'a> {
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

impl<'a> From<&'a Report> for Event<'a> {
    fn from(report: &'a Report) -> Self {
        Self::Outcome {
            id: report.id.to_string(),
            of: Of::new(&report.user, report.outcome),
            after_ms: u64::try_from(report.after.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

impl<'a> From<&'a Entry> for Online<'a> {
    fn from(entry: &'a Entry) -> Self {
        Self { user: entry.user.as_str(), address: entry.address(), since: entry.since.as_millis() }
    }
}

impl<'a> Of<'a> {
    fn new(user: &'a UserName, outcome: Outcome) -> Self {
        Self { user: user.as_str(), result: outcome.as_str(), reason: reason(outcome) }
    }
}

impl<'a> From<&'a Notice> for More<'a> {
    fn from(notice: &'a Notice) -> Self {
        match notice {
            Notice::PeerResponsive(user) | Notice::PeerMisbehaved(user) | Notice::PeerUnresponsive(user) => {
                Self { user: Some(user.as_str()), ..Self::default() }
            }
            Notice::NewSession(session) => Self { session: Some(session.to_string()), ..Self::default() },
            Notice::Reconnecting { after } => {
                Self { after_ms: u64::try_from(after.as_millis()).ok(), ..Self::default() }
            }
            Notice::NobodyThere { reference } => Self { reference: reference.as_deref(), ..Self::default() },
            _ => Self::default(),
        }
    }
}

/// The stable code of a reason; what was delivered needs none.
const fn reason(outcome: Outcome) -> Option<&'static str> {
    let code = match outcome {
        Outcome::Delivered => return None,
        Outcome::Failed(FailReason::QueueFull) => "queue-full",
        Outcome::Failed(FailReason::Refused) => "refused",
        Outcome::Failed(FailReason::Incompatible) => "incompatible",
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
