//! Notices: events besides the conversation itself. People read a sentence, scripts a stable code.

use std::fmt;

use chat_core::wire::control::Ended;
use chat_net::client::{self, EndReason};

use super::line::COMMANDS;

/// An event that is neither a message nor a presence event. docs/JSON.md lists the codes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Notice {
    /// An event of the connections to the server and to peers.
    Connection(client::Notice),
    /// The session ended.
    Ended(EndReason),
    /// The answer to `/help`.
    Help,
    /// A line was for everyone, and no other user is online.
    NobodyThere {
        /// The `ref` of the line.
        reference: Option<String>,
    },
    /// The password was changed.
    PasswordChanged,
    /// The client waits for outstanding outcomes before it ends.
    Waiting {
        /// The number of outstanding outcomes.
        outcomes: usize,
    },
}

impl Notice {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        use client::Notice as Connection;
        match self {
            Self::Connection(Connection::NewSession(_)) => "new-session",
            Self::Connection(Connection::PeerMisbehaved(_)) => "peer-misbehaved",
            Self::Connection(Connection::PeerResponsive(_)) => "peer-answers",
            Self::Connection(Connection::PeerUnresponsive(_)) => "peer-silent",
            Self::Connection(Connection::PeerWithoutAddress(_)) => "peer-no-address",
            Self::Connection(Connection::ReceiveBufferSmall { .. }) => "receive-buffer-small",
            Self::Connection(Connection::Reconnected) => "reconnected",
            Self::Connection(Connection::Reconnecting { .. }) => "reconnecting",
            Self::Connection(Connection::ServerKeyChanged { .. }) => "server-key-changed",
            Self::Connection(Connection::ServerStopping) => "server-stopping",
            Self::Connection(Connection::SessionExhausted) => "session-spent",
            Self::Ended(EndReason::Ended(Ended::Kicked)) => "kicked",
            Self::Ended(EndReason::Ended(Ended::Replaced)) => "replaced",
            Self::Ended(_) => "ended",
            Self::Help => "help",
            Self::NobodyThere { .. } => "nobody-there",
            Self::PasswordChanged => "password-changed",
            Self::Waiting { .. } => "waiting",
        }
    }
}

/// The sentence for people.
impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(notice) => connection(notice, f),
            Self::Ended(EndReason::Ended(Ended::Kicked)) => f.write_str(
                "the server ended the session: the account was disabled or removed, or its password was changed",
            ),
            Self::Ended(EndReason::Ended(Ended::Replaced)) => {
                f.write_str("a newer login of this account has replaced this session")
            }
            Self::Ended(reason) => write!(f, "the session is over: {reason}"),
            Self::Help => help(f),
            Self::NobodyThere { .. } => f.write_str("nobody else is online, so nobody received the message"),
            Self::PasswordChanged => f.write_str("the password is changed"),
            Self::Waiting { outcomes } => {
                let outcomes = *outcomes;
                let noun = if outcomes == 1 { "outcome" } else { "outcomes" };
                write!(f, "waiting for {outcomes} outstanding {noun}; Ctrl-C leaves immediately")
            }
        }
    }
}

fn connection(notice: &client::Notice, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    use client::Notice as Connection;
    match notice {
        Connection::NewSession(_) => f.write_str("the server no longer had the session, so a new one began"),
        Connection::PeerMisbehaved(user) => {
            write!(f, "the program of {user} broke the protocol; nothing is sent to {user} until {user} logs in again")
        }
        Connection::PeerResponsive(user) => write!(f, "{user} answers again"),
        Connection::PeerUnresponsive(user) => {
            write!(f, "{user} does not answer over UDP, perhaps because of a firewall; still trying")
        }
        Connection::PeerWithoutAddress(user) => write!(
            f,
            "no address of {user} can be reached from this machine, so messages to {user} fail; {user} can name another \
             with --advertise"
        ),
        Connection::ReceiveBufferSmall { granted, wanted } => write!(
            f,
            "the UDP receive buffer has {granted} bytes instead of {wanted}; \
             to allow more, run: sysctl -w net.core.rmem_max={wanted}"
        ),
        Connection::Reconnected => f.write_str("connected to the server again"),
        Connection::Reconnecting { after } => write!(
            f,
            "the connection to the server broke; retrying in {:.1} s, while messages between users still arrive",
            after.as_secs_f32()
        ),
        Connection::ServerKeyChanged { known, shown } => write!(
            f,
            "the server presents another key: its fingerprint was {known} and is now {shown}; nothing is sent to it; ask \
             the operator (`chat-server fingerprint` prints the true one), and if the key was changed, leave, run \
             `chat-client forget` and log in again"
        ),
        Connection::ServerStopping => f.write_str("the server is stopping; messages between users still arrive"),
        Connection::SessionExhausted => f.write_str(
            "this session has reached its limit of users; log in again to write to users who come online now",
        ),
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
    use std::time::Duration;

    use super::*;
    use crate::client::samples::all_notices;

    #[test]
    fn every_code_is_unique() {
        let codes: BTreeSet<&str> = all_notices().iter().map(Notice::code).collect();
        assert_eq!(codes.len(), all_notices().len());
    }

    #[test]
    fn sentences_contain_the_figures() {
        let reconnecting = client::Notice::Reconnecting { after: Duration::from_millis(1_250) };
        let buffer = client::Notice::ReceiveBufferSmall { granted: 212_992, wanted: 4_194_304 };
        for (notice, sentence) in [
            (
                Notice::Connection(reconnecting),
                "the connection to the server broke; retrying in 1.2 s, while messages between users still arrive",
            ),
            (Notice::Waiting { outcomes: 1 }, "waiting for 1 outstanding outcome; Ctrl-C leaves immediately"),
            (Notice::Waiting { outcomes: 2 }, "waiting for 2 outstanding outcomes; Ctrl-C leaves immediately"),
            (
                Notice::Connection(buffer),
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
