//! Events besides the conversation itself. People read a sentence, scripts a stable code.
//!
//! A new notice is a variant with its sentence, and a row in docs/JSON.md.

use std::fmt;
use std::time::Duration;

use chat_core::id::SessionId;
use chat_core::name::UserName;
use chat_net::client::{self, EndReason};
use chat_net::identity::Fingerprint;
use serde::Serialize;

use super::serialize::{as_display, as_millis};
use crate::client::line::COMMANDS;

/// An event that is neither a message nor a presence event. The code of a notice is the name of its variant in kebab
/// case. docs/JSON.md lists the codes and the fields; fields that are skipped are for people only.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Notice {
    /// The session ended for a reason that has no notice of its own.
    Ended {
        /// The reason.
        #[serde(skip)]
        reason: EndReason,
    },
    /// The answer to `/help`.
    Help,
    /// The server ended the session.
    Kicked,
    /// The server could not continue the session and began this one.
    NewSession {
        /// The id of the new session.
        #[serde(serialize_with = "as_display")]
        session: SessionId,
    },
    /// A line was for everyone, and no other user is online.
    NobodyThere {
        /// The `ref` of the line.
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<String>,
    },
    /// The password was changed.
    PasswordChanged,
    /// A user who did not answer answers again.
    PeerAnswers {
        /// The user.
        user: UserName,
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
    /// The session has reached its limit of users.
    SessionSpent,
    /// The client waits for outstanding outcomes before it ends.
    Waiting {
        /// The number of outstanding outcomes.
        #[serde(skip)]
        outcomes: usize,
    },
}

impl Notice {
    /// A notice of the client's connections. `None` for a kind that is newer than this program.
    pub fn of_connection(notice: client::Notice) -> Option<Self> {
        use client::Notice as Connection;
        Some(match notice {
            Connection::NewSession(session) => Self::NewSession { session },
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

/// The sentence for people.
impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended { reason } => write!(f, "the session is over: {reason}"),
            Self::Help => help(f),
            Self::Kicked => f.write_str(
                "the server ended the session: the account was disabled or removed, or its password was changed",
            ),
            Self::NewSession { .. } => f.write_str("the server no longer had the session, so a new one began"),
            Self::NobodyThere { .. } => f.write_str("nobody else is online, so nobody received the message"),
            Self::PasswordChanged => f.write_str("the password is changed"),
            Self::PeerAnswers { user } => write!(f, "{user} answers again"),
            Self::PeerMisbehaved { user } => write!(
                f,
                "the program of {user} broke the protocol; nothing is sent to {user} until {user} logs in again"
            ),
            Self::PeerNoAddress { user } => write!(
                f,
                "no address of {user} can be reached from this machine, so messages to {user} fail; {user} can name \
                 another with --advertise"
            ),
            Self::PeerSilent { user } => {
                write!(f, "{user} does not answer over UDP, perhaps because of a firewall; still trying")
            }
            Self::ReceiveBufferSmall { granted, wanted } => write!(
                f,
                "the UDP receive buffer has {granted} bytes instead of {wanted}; \
                 to allow more, run: sysctl -w net.core.rmem_max={wanted}"
            ),
            Self::Reconnected => f.write_str("connected to the server again"),
            Self::Reconnecting { after } => write!(
                f,
                "the connection to the server broke; retrying in {:.1} s, while messages between users still arrive",
                after.as_secs_f32()
            ),
            Self::Replaced => f.write_str("a newer login of this account has replaced this session"),
            Self::ServerKeyChanged { known, shown } => write!(
                f,
                "the server presents another key: its fingerprint was {known} and is now {shown}; nothing is sent to \
                 it; ask the operator (`chat-server fingerprint` prints the true one), and if the key was changed, \
                 leave, run `chat-client forget` and log in again"
            ),
            Self::ServerStopping => f.write_str("the server is stopping; messages between users still arrive"),
            Self::SessionSpent => f.write_str(
                "this session has reached its limit of users; log in again to write to users who come online now",
            ),
            Self::Waiting { outcomes } => {
                let outcomes = *outcomes;
                let noun = if outcomes == 1 { "outcome" } else { "outcomes" };
                write!(f, "waiting for {outcomes} outstanding {noun}; Ctrl-C leaves immediately")
            }
        }
    }
}

fn help(f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("a line without a command goes to everyone; // begins a text with a slash")?;
    for (usage, effect) in COMMANDS {
        write!(f, "\n  {usage:<16}{effect}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::view::samples::{all_notices, code_of};

    #[test]
    fn every_code_is_unique() {
        let codes: BTreeSet<String> = all_notices().iter().map(code_of).collect();
        assert_eq!(codes.len(), all_notices().len());
    }

    #[test]
    fn sentences_contain_the_figures() {
        for (notice, sentence) in [
            (
                Notice::Reconnecting { after: Duration::from_millis(1_250) },
                "the connection to the server broke; retrying in 1.2 s, while messages between users still arrive",
            ),
            (Notice::Waiting { outcomes: 1 }, "waiting for 1 outstanding outcome; Ctrl-C leaves immediately"),
            (Notice::Waiting { outcomes: 2 }, "waiting for 2 outstanding outcomes; Ctrl-C leaves immediately"),
            (
                Notice::ReceiveBufferSmall { granted: 212_992, wanted: 4_194_304 },
                "the UDP receive buffer has 212992 bytes instead of 4194304; \
                 to allow more, run: sysctl -w net.core.rmem_max=4194304",
            ),
        ] {
            assert_eq!(notice.to_string(), sentence);
        }
        for (usage, _) in COMMANDS {
            assert!(Notice::Help.to_string().contains(usage), "{usage}");
        }
    }
}
