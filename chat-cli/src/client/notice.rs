//! What happened around the conversation: told to people as a sentence, to scripts with a stable code.

use std::fmt;
use std::time::Duration;

use chat_core::id::SessionId;
use chat_core::name::UserName;
use chat_core::wire::control::Ended;
use chat_net::client::EndReason;
use chat_net::identity::Fingerprint;

use super::line::COMMANDS;

/// Something that is neither a message nor a change of who is online. Each has a stable code, listed in docs/JSON.md.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Notice {
    /// The session is over for another reason than those with a code of their own.
    Ended {
        /// Why.
        why: String,
    },
    /// The commands, because they were asked for.
    Help,
    /// An operator or a change of password ended the session.
    Kicked,
    /// The session goes on under a new id.
    NewSession(SessionId),
    /// A text was to be sent and nobody else is online.
    NobodyThere {
        /// What the writer calls the text.
        reference: Option<String>,
    },
    /// The password was changed.
    PasswordChanged,
    /// Somebody who did not answer over UDP does again.
    PeerResponsive(UserName),
    /// Somebody's program broke the protocol.
    PeerMisbehaved(UserName),
    /// Somebody does not answer over UDP.
    PeerUnresponsive(UserName),
    /// The system grants a small receive buffer only.
    ReceiveBufferSmall {
        /// The bytes that were granted.
        granted: usize,
        /// The bytes that were asked for.
        wanted: usize,
    },
    /// The connection to the server works again.
    Reconnected,
    /// The connection to the server broke; the next try is due after this time.
    Reconnecting {
        /// The pause before it.
        after: Duration,
    },
    /// Another log-in of the account took over.
    Replaced,
    /// Instead of the server something with another key answers.
    ServerKeyChanged {
        /// The server's fingerprint so far.
        known: Fingerprint,
        /// The fingerprint of what answers.
        shown: Fingerprint,
    },
    /// The server said that it stops.
    ServerStopping,
    /// The session has met too many others.
    SessionExhausted,
    /// The client waits for outcomes before it leaves.
    Waiting {
        /// How many are outstanding.
        outcomes: usize,
    },
}

impl Notice {
    /// Every code there is, for the documentation's test.
    pub const CODES: [&'static str; 17] = [
        "ended",
        "help",
        "kicked",
        "new-session",
        "nobody-there",
        "password-changed",
        "peer-answers",
        "peer-misbehaved",
        "peer-silent",
        "receive-buffer-small",
        "reconnected",
        "reconnecting",
        "replaced",
        "server-key-changed",
        "server-stopping",
        "session-spent",
        "waiting",
    ];

    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Ended { .. } => "ended",
            Self::Help => "help",
            Self::Kicked => "kicked",
            Self::NewSession(_) => "new-session",
            Self::NobodyThere { .. } => "nobody-there",
            Self::PasswordChanged => "password-changed",
            Self::PeerResponsive(_) => "peer-answers",
            Self::PeerMisbehaved(_) => "peer-misbehaved",
            Self::PeerUnresponsive(_) => "peer-silent",
            Self::ReceiveBufferSmall { .. } => "receive-buffer-small",
            Self::Reconnected => "reconnected",
            Self::Reconnecting { .. } => "reconnecting",
            Self::Replaced => "replaced",
            Self::ServerKeyChanged { .. } => "server-key-changed",
            Self::ServerStopping => "server-stopping",
            Self::SessionExhausted => "session-spent",
            Self::Waiting { .. } => "waiting",
        }
    }
}

/// The sentence for people.
impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended { why } => write!(f, "the session is over: {why}"),
            Self::Help => help(f),
            Self::Kicked => f.write_str(
                "the server ended the session: the account was disabled or removed, or its password was changed",
            ),
            Self::NewSession(_) => f.write_str("the server did not keep the session, so a new one began"),
            Self::NobodyThere { .. } => f.write_str("nobody else is online, so nobody got that"),
            Self::PasswordChanged => f.write_str("the password is changed"),
            Self::PeerResponsive(user) => write!(f, "{user} answers again"),
            Self::PeerMisbehaved(user) => {
                write!(f, "the program of {user} broke the protocol; nothing goes there until {user} logs in anew")
            }
            Self::PeerUnresponsive(user) => {
                write!(f, "{user} does not answer over UDP; a firewall may be in the way, still trying")
            }
            Self::ReceiveBufferSmall { granted, wanted } => write!(
                f,
                "the UDP receive buffer is {granted} bytes instead of {wanted}; allow more with: sysctl -w net.core.rmem_max={wanted}"
            ),
            Self::Reconnected => f.write_str("connected to the server again"),
            Self::Reconnecting { after } => write!(
                f,
                "the connection to the server broke; trying again in {:.1} s, messages still go from user to user",
                after.as_secs_f32()
            ),
            Self::Replaced => f.write_str("another log-in of this account has taken over, so this one ends"),
            Self::ServerKeyChanged { known, shown } => write!(
                f,
                "the server has another key than before: its fingerprint was {known} and is now {shown}; nothing is sent \
                 to it; ask the operator (`chat-server fingerprint` prints the true one), and if the key was changed, \
                 leave, `chat-client forget` the server and log in again"
            ),
            Self::ServerStopping => f.write_str("the server is stopping; messages still go from user to user"),
            Self::SessionExhausted => f.write_str(
                "this session has met more people than it can remember; log in again to write to those who come now",
            ),
            Self::Waiting { outcomes } => {
                write!(f, "waiting for {outcomes} outstanding {}; Ctrl-C leaves at once", answers(*outcomes))
            }
        }
    }
}

const fn answers(outcomes: usize) -> &'static str {
    if outcomes == 1 { "answer" } else { "answers" }
}

fn help(f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("a line without a command goes to everyone, // begins a text with a slash")?;
    for (usage, effect) in COMMANDS {
        write!(f, "\n  {usage:<16}{effect}")?;
    }
    Ok(())
}

impl From<chat_net::client::Notice> for Notice {
    fn from(notice: chat_net::client::Notice) -> Self {
        use chat_net::client::Notice as Net;
        match notice {
            Net::Reconnecting { after } => Self::Reconnecting { after },
            Net::Reconnected => Self::Reconnected,
            Net::NewSession(session) => Self::NewSession(session),
            Net::ServerKeyChanged { known, shown } => Self::ServerKeyChanged { known, shown },
            Net::ServerStopping => Self::ServerStopping,
            Net::SessionExhausted => Self::SessionExhausted,
            Net::PeerUnresponsive(user) => Self::PeerUnresponsive(user),
            Net::PeerMisbehaved(user) => Self::PeerMisbehaved(user),
            Net::PeerResponsive(user) => Self::PeerResponsive(user),
            Net::ReceiveBufferSmall { granted, wanted } => Self::ReceiveBufferSmall { granted, wanted },
        }
    }
}

impl From<EndReason> for Notice {
    fn from(reason: EndReason) -> Self {
        match reason {
            EndReason::Ended(Ended::Replaced) => Self::Replaced,
            EndReason::Ended(Ended::Kicked) => Self::Kicked,
            other => Self::Ended { why: other.to_string() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_listed_once() {
        let bob = || UserName::parse("bob").unwrap();
        let notices = [
            Notice::Ended { why: String::new() },
            Notice::Help,
            Notice::Kicked,
            Notice::NewSession(SessionId::new(1)),
            Notice::NobodyThere { reference: None },
            Notice::PasswordChanged,
            Notice::PeerResponsive(bob()),
            Notice::PeerMisbehaved(bob()),
            Notice::PeerUnresponsive(bob()),
            Notice::ReceiveBufferSmall { granted: 1, wanted: 2 },
            Notice::Reconnected,
            Notice::Reconnecting { after: Duration::ZERO },
            Notice::Replaced,
            Notice::ServerKeyChanged { known: Fingerprint::new([1; 32]), shown: Fingerprint::new([2; 32]) },
            Notice::ServerStopping,
            Notice::SessionExhausted,
            Notice::Waiting { outcomes: 1 },
        ];
        assert_eq!(notices.each_ref().map(Notice::code), Notice::CODES);
    }

    #[test]
    fn sentences_hold_the_figures() {
        for (notice, sentence) in [
            (
                Notice::Reconnecting { after: Duration::from_millis(1_250) },
                "the connection to the server broke; trying again in 1.2 s, messages still go from user to user",
            ),
            (Notice::Waiting { outcomes: 1 }, "waiting for 1 outstanding answer; Ctrl-C leaves at once"),
            (Notice::Waiting { outcomes: 2 }, "waiting for 2 outstanding answers; Ctrl-C leaves at once"),
            (
                Notice::ReceiveBufferSmall { granted: 212_992, wanted: 4_194_304 },
                "the UDP receive buffer is 212992 bytes instead of 4194304; allow more with: sysctl -w net.core.rmem_max=4194304",
            ),
        ] {
            assert_eq!(notice.to_string(), sentence);
        }
        for (usage, _) in COMMANDS {
            assert!(Notice::Help.to_string().contains(usage), "{usage}");
        }
    }
}
