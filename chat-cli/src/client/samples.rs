//! Values for the tests of both formats.

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
use chat_core::wire::control::Ended;
use chat_net::client::{self, EndReason};
use chat_net::identity::Fingerprint;

use super::notice::Notice;

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

pub(crate) fn message(from: &str, scope: Scope, body: &str) -> Message {
    Message {
        id: ID,
        from: name(from),
        scope,
        content: Content::Text(text(body)),
        sent_at: SentAt::Sender(AT),
        received_at: AT + Duration::from_millis(4),
    }
}

pub(crate) fn report(user: &str, outcome: Outcome) -> Report {
    Report { id: ID, user: name(user), outcome, after: Duration::from_millis(12) }
}

/// A notice of each kind.
pub(crate) fn all_notices() -> [Notice; 18] {
    use client::Notice as Connection;
    let (known, shown) = (Fingerprint::new([1; 32]), Fingerprint::new([2; 32]));
    [
        Notice::Connection(Connection::NewSession(SessionId::new(1))),
        Notice::Connection(Connection::PeerMisbehaved(name("bob"))),
        Notice::Connection(Connection::PeerResponsive(name("bob"))),
        Notice::Connection(Connection::PeerUnresponsive(name("bob"))),
        Notice::Connection(Connection::PeerWithoutAddress(name("bob"))),
        Notice::Connection(Connection::ReceiveBufferSmall { granted: 1, wanted: 2 }),
        Notice::Connection(Connection::Reconnected),
        Notice::Connection(Connection::Reconnecting { after: Duration::ZERO }),
        Notice::Connection(Connection::ServerKeyChanged { known, shown }),
        Notice::Connection(Connection::ServerStopping),
        Notice::Connection(Connection::SessionExhausted),
        Notice::Ended(EndReason::Ended(Ended::Kicked)),
        Notice::Ended(EndReason::Ended(Ended::Replaced)),
        Notice::Ended(EndReason::Internal),
        Notice::Help,
        Notice::NobodyThere { reference: None },
        Notice::PasswordChanged,
        Notice::Waiting { outcomes: 1 },
    ]
}
