//! Who came and went: what is told to people and written into the presence log.

use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::name::UserName;
use crate::time::Timestamp;

/// Why a session ended. On the wire: append only.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum OfflineReason {
    /// Its user asked to leave.
    Asked,
    /// Its connection broke and did not come back within the grace time.
    Lost,
    /// An operator disabled or removed the account, or its password was changed.
    Kicked,
    /// It did not read what the server sent.
    TooSlow,
}

impl OfflineReason {
    /// The word for it in the presence log and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Lost => "lost",
            Self::Kicked => "kicked",
            Self::TooSlow => "too-slow",
        }
    }
}

impl fmt::Display for OfflineReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One change of who is online, as people are told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PresenceEvent {
    /// When, on the server's clock.
    pub at: Timestamp,
    /// Who.
    pub user: UserName,
    /// What happened.
    pub presence: Presence,
}

/// What happened to a user. The address is where the user's datagrams are best sent to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Presence {
    /// Came.
    Online(SocketAddr),
    /// Left.
    Offline(OfflineReason),
    /// A newer log-in of the account took over.
    Replaced(SocketAddr),
    /// The same session has other addresses now.
    Moved(SocketAddr),
}

/// The line of the presence log, without its newline.
impl fmt::Display for PresenceEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, user, presence } = self;
        match presence {
            Presence::Online(address) => write!(f, "{at} online {user} {address}"),
            Presence::Offline(reason) => write!(f, "{at} offline {user} {reason}"),
            Presence::Replaced(address) => write!(f, "{at} replaced {user} {address}"),
            Presence::Moved(address) => write!(f, "{at} moved {user} {address}"),
        }
    }
}

/// One line of the presence log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Record {
    /// The server began to listen.
    Started(Timestamp),
    /// The server was asked to stop.
    Stopping(Timestamp),
    /// Somebody came, went or moved.
    Presence(PresenceEvent),
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started(at) => write!(f, "{at} server started"),
            Self::Stopping(at) => write!(f, "{at} server stopping"),
            Self::Presence(event) => event.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_lines_have_the_documented_form() {
        let at = Timestamp::from_millis(1_795_408_080_123);
        let address = "192.168.1.7:40001".parse().unwrap();
        for (presence, line) in [
            (Presence::Online(address), "2026-11-23T04:28:00.123Z online 小明 192.168.1.7:40001"),
            (Presence::Offline(OfflineReason::Lost), "2026-11-23T04:28:00.123Z offline 小明 lost"),
            (Presence::Replaced(address), "2026-11-23T04:28:00.123Z replaced 小明 192.168.1.7:40001"),
            (Presence::Moved(address), "2026-11-23T04:28:00.123Z moved 小明 192.168.1.7:40001"),
        ] {
            let event = PresenceEvent { at, user: UserName::parse("小明").unwrap(), presence };
            assert_eq!(Record::Presence(event).to_string(), line);
        }
        assert_eq!(Record::Started(at).to_string(), "2026-11-23T04:28:00.123Z server started");
        assert_eq!(Record::Stopping(at).to_string(), "2026-11-23T04:28:00.123Z server stopping");
    }
}
