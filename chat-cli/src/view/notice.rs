//! Events besides the conversation itself. People read a sentence, scripts a stable code.
//!
//! A new notice needs a variant in this file, a sentence in the `notices.ftl` of each language, and a row in
//! docs/JSON.md.

use std::time::Duration;

use chat_core::away::AwayText;
use chat_core::id::SessionId;
use chat_core::message::Recipient;
use chat_core::name::UserName;
use chat_net::client::{self, EndReason, ReachMode};
use chat_net::identity::Fingerprint;
use serde::Serialize;

use super::serialize::{as_display, as_millis, as_text};
use crate::client::command::help;
use crate::texts::{Localised, Texts};

/// An event that is neither a message nor a presence event. The code of a notice is the name of its variant in kebab
/// case. docs/JSON.md lists the codes and the fields; fields that are skipped are for people only.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Notice {
    /// The user of this client is away.
    Away {
        /// The away text, which may be empty.
        #[serde(serialize_with = "as_text")]
        away: AwayText,
        /// The `ref` of the line.
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<String>,
    },
    /// The user of this client is back.
    Back {
        /// The `ref` of the line.
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<String>,
    },
    /// The session ended for a reason that has no notice of its own.
    Ended {
        /// The reason.
        #[serde(skip)]
        reason: EndReason,
    },
    /// The answer to `/help`.
    Help,
    /// The messages of a user are refused from now on.
    Ignored {
        /// The user.
        user: UserName,
    },
    /// The answer to `/ignore` without a name.
    IgnoredUsers {
        /// The users whose messages are refused.
        users: Vec<UserName>,
    },
    /// The server ended the session.
    Kicked,
    /// Lines without a command go to this recipient from now on.
    LinesTo {
        /// The recipient.
        #[serde(serialize_with = "as_display")]
        to: Recipient,
        /// Whether the recipient is online.
        #[serde(skip)]
        presence: RecipientPresence,
    },
    /// The server could not continue the session and began this one.
    NewSession {
        /// The id of the new session.
        #[serde(serialize_with = "as_display")]
        session: SessionId,
    },
    /// The server does not relay, and somebody cannot be reached without that.
    NoRelay {
        /// Which ways this client uses.
        #[serde(skip)]
        reach: ReachMode,
    },
    /// A line was for everyone, and no other user is online.
    NobodyThere {
        /// The `ref` of the line.
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<String>,
    },
    /// The messages of a user are shown again.
    NotIgnored {
        /// The user.
        user: UserName,
    },
    /// The password was changed.
    PasswordChanged,
    /// A user who did not answer answers again.
    PeerAnswers {
        /// The user.
        user: UserName,
    },
    /// A private message went to a user who is away. Comes once, until the user is back or away with another text.
    PeerAway {
        /// The user.
        user: UserName,
        /// The away text, which may be empty.
        #[serde(serialize_with = "as_text")]
        away: AwayText,
    },
    /// A user's program broke the protocol.
    PeerMisbehaved {
        /// The user.
        user: UserName,
    },
    /// This machine can reach no address of a user.
    PeerNoAddress {
        /// The user.
        user: UserName,
    },
    /// A user does not answer.
    PeerSilent {
        /// The user.
        user: UserName,
    },
    /// Messages to these users, which went through the server, go straight to them again.
    PeersDirect {
        /// The users.
        users: Vec<UserName>,
    },
    /// Messages to these users go through the server.
    PeersRelayed {
        /// The users.
        users: Vec<UserName>,
    },
    /// The system grants a small receive buffer only.
    ReceiveBufferSmall {
        /// The granted size in bytes.
        #[serde(skip)]
        granted: usize,
        /// The requested size in bytes.
        #[serde(skip)]
        wanted: usize,
    },
    /// The connection to the server works again.
    Reconnected,
    /// The connection to the server broke.
    Reconnecting {
        /// The time until the next attempt.
        #[serde(rename = "after_ms", serialize_with = "as_millis")]
        after: Duration,
    },
    /// A newer login of this account took over.
    Replaced,
    /// The server presents another key.
    ServerKeyChanged {
        /// The fingerprint that the client trusts.
        #[serde(skip)]
        known: Fingerprint,
        /// The fingerprint that the server shows now.
        #[serde(skip)]
        shown: Fingerprint,
    },
    /// The server announced that it stops.
    ServerStopping,
    /// The last message was sent again.
    Resent {
        /// The users to whom it was sent.
        users: Vec<UserName>,
        /// The users to whom it was not sent, because they are not online or too many messages wait for them.
        not_sent: Vec<UserName>,
        /// The users to whom it was not sent because they may have it.
        unconfirmed: Vec<UserName>,
        /// The message.
        #[serde(skip)]
        excerpt: String,
    },
    /// The session has reached its limit of users.
    SessionSpent,
    /// The client waits for outstanding outcomes before it ends.
    Waiting {
        /// The number of outstanding outcomes.
        #[serde(skip)]
        outcomes: usize,
    },
}

/// The most users that the sentence about their links names. In a room that cannot exchange datagrams, all links change at
/// once.
const SHOWN_NAMES: usize = 8;

/// Whether the recipient of lines without a command is online.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RecipientPresence {
    /// Online, or everyone.
    Online,
    /// Not online.
    Absent,
}

impl Notice {
    /// A notice of the client's connections. `None` for a kind that is newer than this program.
    pub fn of_connection(notice: client::Notice) -> Option<Self> {
        use client::Notice as Connection;
        Some(match notice {
            Connection::NewSession(session) => Self::NewSession { session },
            Connection::NoRelay => Self::NoRelay { reach: ReachMode::default() },
            Connection::PeerMisbehaved(user) => Self::PeerMisbehaved { user },
            Connection::PeerResponsive(user) => Self::PeerAnswers { user },
            Connection::PeerUnresponsive(user) => Self::PeerSilent { user },
            Connection::PeerWithoutAddress(user) => Self::PeerNoAddress { user },
            Connection::ReceiveBufferSmall { granted, wanted } => Self::ReceiveBufferSmall { granted, wanted },
            Connection::Reconnected => Self::Reconnected,
            Connection::Reconnecting { after } => Self::Reconnecting { after },
            Connection::ServerKeyChanged { known, shown } => Self::ServerKeyChanged { known, shown },
            Connection::ServerStopping => Self::ServerStopping,
            Connection::SessionExhausted => Self::SessionSpent,
            _ => return None,
        })
    }
}

impl From<EndReason> for Notice {
    fn from(reason: EndReason) -> Self {
        match reason {
            EndReason::Kicked => Self::Kicked,
            EndReason::Replaced => Self::Replaced,
            reason => Self::Ended { reason },
        }
    }
}

impl Localised for Notice {
    fn text(&self, texts: &Texts) -> String {
        let t = texts.say();
        match self {
            Self::Away { away, .. } if away.is_empty() => t.notice_away_silent(),
            Self::Away { away, .. } => t.notice_away(away.as_str()),
            Self::Back { .. } => t.notice_back(),
            Self::Ended { reason } => t.notice_ended(reason.text(texts)),
            Self::Help => help(texts),
            Self::Ignored { user } => t.notice_ignored(user.as_str()),
            Self::IgnoredUsers { users } if users.is_empty() => t.notice_ignored_nobody(),
            Self::IgnoredUsers { users } => {
                let users: Vec<String> = users.iter().map(|user| user.as_str().to_owned()).collect();
                t.notice_ignored_users(texts.list(&users))
            }
            Self::Kicked => t.notice_kicked(),
            Self::LinesTo { to: Recipient::Everyone, .. } => t.notice_lines_to_everyone(),
            Self::LinesTo { to, presence: RecipientPresence::Online } => t.notice_lines_to_user(to.to_string()),
            Self::LinesTo { to, presence: RecipientPresence::Absent } => t.notice_lines_to_absent(to.to_string()),
            Self::NewSession { .. } => t.notice_new_session(),
            Self::NoRelay { reach: ReachMode::Relay } => t.notice_no_relay_hidden(),
            Self::NoRelay { .. } => t.notice_no_relay(),
            Self::NobodyThere { .. } => t.notice_nobody_there(),
            Self::NotIgnored { user } => t.notice_not_ignored(user.as_str()),
            Self::PasswordChanged => t.notice_password_changed(),
            Self::PeerAnswers { user } => t.notice_peer_answers(user.as_str()),
            Self::PeerAway { user, away } if away.is_empty() => t.notice_peer_away_silent(user.as_str()),
            Self::PeerAway { user, away } => t.notice_peer_away(user.as_str(), away.as_str()),
            Self::PeerMisbehaved { user } => t.notice_peer_misbehaved(user.as_str()),
            Self::PeerNoAddress { user } => t.notice_peer_no_address(user.as_str()),
            Self::PeerSilent { user } => t.notice_peer_silent(user.as_str()),
            Self::PeersDirect { users } => t.notice_peers_direct(some(users, texts)),
            Self::PeersRelayed { users } => t.notice_peers_relayed(some(users, texts)),
            Self::ReceiveBufferSmall { granted, wanted } => t.notice_receive_buffer_small(*granted, *wanted),
            Self::Reconnected => t.notice_reconnected(),
            Self::Reconnecting { after } => t.notice_reconnecting(format!("{:.1}", after.as_secs_f32())),
            Self::Replaced => t.notice_replaced(),
            Self::ServerKeyChanged { known, shown } => {
                t.notice_server_key_changed(known.to_string(), shown.to_string())
            }
            Self::ServerStopping => t.notice_server_stopping(),
            Self::Resent { users, not_sent, unconfirmed, excerpt } => {
                let part = |users: &[UserName], say: fn(&Texts, String) -> String| {
                    let names: Vec<String> = users.iter().map(|user| user.as_str().to_owned()).collect();
                    (!users.is_empty()).then(|| say(texts, texts.list(&names)))
                };
                let parts = [
                    part(users, |texts, users| texts.say().resent_to(users)),
                    part(not_sent, |texts, users| texts.say().resent_not(users)),
                    part(unconfirmed, |texts, users| texts.say().resent_unconfirmed(users)),
                ];
                let parts: Vec<String> = parts.into_iter().flatten().collect();
                t.notice_resent(t.excerpt(excerpt), parts.join(&t.part_separator()))
            }
            Self::SessionSpent => t.notice_session_spent(),
            Self::Waiting { outcomes } => t.notice_waiting(*outcomes),
        }
    }
}

/// A list of the first of these users, and how many more there are.
fn some(users: &[UserName], texts: &Texts) -> String {
    let names: Vec<String> = users.iter().take(SHOWN_NAMES).map(|user| user.as_str().to_owned()).collect();
    let list = texts.list(&names);
    match users.len() - names.len() {
        0 => list,
        more => texts.say().some_and_more(list, more),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::view::samples::{all_notices, code_of, name};

    #[test]
    fn every_code_is_unique() {
        let codes: BTreeSet<String> = all_notices().iter().map(code_of).collect();
        assert_eq!(codes.len(), all_notices().len());
    }

    #[test]
    fn sentences_contain_the_figures() {
        let texts = Texts::default();
        for (notice, sentence) in [
            (
                Notice::Reconnecting { after: Duration::from_millis(1_250) },
                "the connection to the server broke; retrying in 1.2 s, while messages between users still arrive",
            ),
            (
                Notice::PeersRelayed { users: (0..10).map(|number| name(&format!("u{number}"))).collect() },
                "messages to u0, u1, u2, u3, u4, u5, u6, u7 and 2 more go through the server, still sealed: there is no \
                 direct way",
            ),
            (Notice::Waiting { outcomes: 1 }, "waiting for 1 outstanding outcome; Ctrl-C leaves immediately"),
            (Notice::Waiting { outcomes: 2 }, "waiting for 2 outstanding outcomes; Ctrl-C leaves immediately"),
            (
                Notice::ReceiveBufferSmall { granted: 212_992, wanted: 4_194_304 },
                "the UDP receive buffer has 212992 bytes instead of 4194304; \
                 to allow more, run: sysctl -w net.core.rmem_max=4194304",
            ),
        ] {
            assert_eq!(notice.text(&texts), sentence);
        }
    }
}
