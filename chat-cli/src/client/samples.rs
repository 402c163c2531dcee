//! Facts for the tests of both forms.

use std::net::SocketAddr;
use std::time::Duration;

use chat_core::extras::Extras;
use chat_core::id::{MessageId, SessionId};
use chat_core::key::PublicKey;
use chat_core::message::{Content, Message, Outcome, Report, Scope, SentAt};
use chat_core::name::UserName;
use chat_core::roster::{Entry, LinkVersions};
use chat_core::text::Text;
use chat_core::time::Timestamp;

/// 2026-11-23T04:28:00.123Z.
pub(crate) const AT: Timestamp = Timestamp::from_millis(1_795_408_080_123);

pub(crate) const ID: MessageId = MessageId { session: SessionId::new(0xab), number: 7 };

pub(crate) fn name(name: &str) -> UserName {
    UserName::parse(name).unwrap()
}

pub(crate) fn text(text: &str) -> Text {
    Text::parse(text).unwrap()
}

pub(crate) fn address() -> SocketAddr {
    SocketAddr::from(([192, 168, 1, 7], 40_001))
}

pub(crate) fn entry(user: &str) -> Entry {
    Entry {
        user: name(user),
        key: PublicKey::new([1; 32]),
        addresses: vec![address()],
        since: AT,
        versions: LinkVersions { low: 1, high: 1 },
        extras: Extras::default(),
    }
}

pub(crate) fn message(from: &str, scope: Scope, said: &str) -> Message {
    Message {
        id: ID,
        from: name(from),
        scope,
        content: Content::Text(text(said)),
        sent_at: SentAt::Sender(AT),
        received_at: AT + Duration::from_millis(4),
    }
}

pub(crate) fn report(user: &str, outcome: Outcome) -> Report {
    Report { id: ID, user: name(user), outcome, after: Duration::from_millis(12) }
}
