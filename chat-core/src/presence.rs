//! Arrivals and departures, as shown to users and written to the presence log.

use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::name::UserName;
use crate::time::Timestamp;

/// Why a session ended. On the wire: append only.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub enum OfflineReason {
    /// The user left.
    Asked,
    /// The connection broke and the session was not resumed within the grace time.
    Lost,
    /// The account was disabled, removed, or given another password.
    Kicked,
    /// The client did not read what the server sent.
    TooSlow,
}

impl OfflineReason {
    /// The reason's name in the presence log and in JSON.
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

/// One arrival, departure or move of a user.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct PresenceEvent {
    /// The time of the event on the server's clock.
    pub at: Timestamp,
    /// The user.
    pub user: UserName,
    /// What happened to the user's session.
    pub presence: Presence,
}

impl PresenceEvent {
    /// An event about the session of `user`.
    pub const fn new(at: Timestamp, user: UserName, presence: Presence) -> Self {
        Self { at, user, presence }
    }
}

/// What happened to a user's session. The address is the session's preferred one. After a replacement it is that of the
/// new session.
///
/// Exhaustive, because an application that keeps a list of who is online must not miss a change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "a list of who is online needs every change")]
pub enum Presence {
    /// The session began: the user came online.
    Online(SocketAddr),
    /// The session ended: the user went offline.
    Offline(OfflineReason),
    /// A newer login of the account replaced the session. The user stays online.
    Replaced(SocketAddr),
    /// The session has other addresses.
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

/// One line of the presence log. Exhaustive, because a log must not miss a record.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "a log must not miss a record")]
pub enum Record {
    /// The server has started to listen.
    Started(Timestamp),
    /// The server is shutting down.
    Stopping(Timestamp),
    /// A user arrived, left or moved.
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
    fn records_have_the_documented_form() {
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
