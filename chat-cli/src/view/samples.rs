//! Values for the tests of the model and its renderings.

use std::net::SocketAddr;
use std::time::Duration;

use chat_core::away::AwayTextError;
use chat_core::id::{MessageId, SessionId};
use chat_core::message::{Content, Message, Outcome, Recipient, Report, Scope};
use chat_core::name::{NameError, UserName};
use chat_core::text::{Text, TextError};
use chat_core::time::Timestamp;
use chat_net::client::{ChangePasswordError, EndReason, ReachMode, SetAwayError};
use chat_net::identity::Fingerprint;
use serde::Serialize;

use super::{Notice, OnlineUser, RecipientPresence};
use crate::client::line::Command;
use crate::input_error::InputError;

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

pub(crate) fn online(user: &str) -> OnlineUser {
    let (round_trip, way, proven) = (None, None, None);
    OnlineUser { user: name(user), address: address(), since: AT, round_trip, way, proven, trouble: None, away: None }
}

pub(crate) fn message(from: &str, scope: Scope, body: &str) -> Message {
    let mut message = Message::new(ID, name(from), Content::Text(text(body)), AT);
    message.scope = scope;
    message.received_at = AT + Duration::from_millis(4);
    message
}

pub(crate) fn report(user: &str, outcome: Outcome) -> Report {
    Report::new(ID, name(user), outcome, Duration::from_millis(12))
}

/// The code of a notice or of an error, as scripts see it.
pub(crate) fn code_of(value: &impl Serialize) -> String {
    serde_json::to_value(value).unwrap()["code"].as_str().unwrap().to_owned()
}

/// A notice of each kind.
pub(crate) fn all_notices() -> [Notice; 29] {
    let (known, shown) = (Fingerprint::new([1; 32]), Fingerprint::new([2; 32]));
    [
        Notice::Away { away: "lunch".parse().unwrap(), reference: None },
        Notice::Back { reference: None },
        Notice::Ended { reason: EndReason::Internal },
        Notice::Help,
        Notice::Ignored { user: name("bob") },
        Notice::IgnoredUsers { users: vec![name("bob")] },
        Notice::Kicked,
        Notice::LinesTo { to: Recipient::One(name("bob")), presence: RecipientPresence::Online },
        Notice::NewSession { session: SessionId::new(1) },
        Notice::NoRelay { reach: ReachMode::Auto },
        Notice::NobodyThere { reference: None },
        Notice::NotIgnored { user: name("bob") },
        Notice::PasswordChanged,
        Notice::PeerAnswers { user: name("bob") },
        Notice::PeerAway { user: name("bob"), away: "lunch".parse().unwrap() },
        Notice::PeerMisbehaved { user: name("bob") },
        Notice::PeerNoAddress { user: name("bob") },
        Notice::PeerSilent { user: name("bob") },
        Notice::PeersDirect { users: vec![name("bob")] },
        Notice::PeersRelayed { users: vec![name("bob")] },
        Notice::ReceiveBufferSmall { granted: 1, wanted: 2 },
        Notice::Reconnected,
        Notice::Reconnecting { after: Duration::ZERO },
        Notice::Replaced,
        Notice::Resent {
            users: vec![name("bob")],
            not_sent: Vec::new(),
            unconfirmed: Vec::new(),
            excerpt: "hello".to_owned(),
        },
        Notice::ServerKeyChanged { known, shown },
        Notice::ServerStopping,
        Notice::SessionSpent,
        Notice::Waiting { outcomes: 1 },
    ]
}

/// An error of each code, in alphabetical order of the codes.
pub(crate) fn all_input_errors() -> [InputError; 28] {
    [
        InputError::AwayNotSet(SetAwayError::Unsupported),
        InputError::Away(AwayTextError::Char('\t')),
        InputError::Json(String::new()),
        InputError::Name(NameError::Empty),
        TextError::Empty.into(),
        InputError::IgnoreOneself,
        InputError::IgnoredFull { max: 1 },
        InputError::InputBroken(String::new()),
        InputError::LineTooLong { max: 1 },
        InputError::NoScreen,
        InputError::NoTerminal,
        InputError::NotIgnored { name: name("bob") },
        InputError::NotUtf8,
        InputError::NothingSent,
        InputError::NothingToAnswer,
        InputError::NothingToResend,
        InputError::PasswordNotChanged(ChangePasswordError::Offline),
        InputError::PasswordUncertain,
        InputError::QueueFull,
        InputError::RecipientOffline { name: name("bob") },
        InputError::SessionOver,
        TextError::Char('\r').into(),
        TextError::TooLong { bytes: 1 }.into(),
        InputError::ToOneself,
        InputError::TypedAhead,
        InputError::UnknownCommand { typed: String::new(), suggestion: None },
        InputError::UnknownRecipient { name: name("bob"), suggestion: None },
        InputError::Usage(Command::Who),
    ]
}
