//! One connection from hello to its end: states that carry what belongs to them.
//!
//! ```text
//! Greeting --hello--> Guest --Enter, Resume--> Checking --right--> Online
//!                       ^                         |
//!                       +-------- rejected -------+            any state --> closed, which means forgotten
//! ```

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::config::ServerConfig;
use super::throttle::Source;
use super::tickets::Ticket;
use crate::id::{AccountId, ConnId};
use crate::key::PublicKey;
use crate::roster::LinkVersions;
use crate::time::Mono;

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    /// Where it comes from, in canonical form.
    pub(super) from: SocketAddr,
    /// What it says or waits for.
    pub(super) state: State,
    /// The requests before log-in.
    pub(super) requests: u32,
    frames: Rate,
}

/// How far a connection has come.
#[derive(Debug)]
pub(super) enum State {
    /// Has to say hello.
    Greeting,
    /// Has to log in.
    Guest,
    /// Waits for a job about its log-in.
    Checking(Checking),
    /// Speaks for a session.
    Online(Online),
}

/// What a connection that logs in has said.
#[derive(Debug)]
pub(super) enum Checking {
    /// Shown a password, which is being checked.
    Password(Newcomer),
    /// Shown a ticket, whose account is being looked up.
    Ticket {
        /// The ticket.
        ticket: Ticket,
        /// The session that begins if the old one cannot go on.
        next: Newcomer,
    },
}

/// What a session brings along that the server does not decide.
#[derive(Debug)]
pub(super) struct Newcomer {
    /// Its public key.
    pub(super) key: PublicKey,
    /// Where its datagrams may be sent, checked.
    pub(super) addresses: Vec<SocketAddr>,
    /// The datagram formats that it speaks.
    pub(super) versions: LinkVersions,
}

/// A connection that speaks for a session.
#[derive(Debug)]
pub(super) struct Online {
    /// Whose session.
    pub(super) account: AccountId,
    /// When the next fresh copy may be asked for.
    pub(super) refresh_from: Mono,
    /// When the next change of addresses may be made.
    pub(super) move_from: Mono,
    /// The addresses of a change that came too early.
    pub(super) moving: Option<Vec<SocketAddr>>,
}

impl Connection {
    /// Whether one more frame is within the rate.
    pub(super) fn take_frame(&mut self, now: Mono, config: &ServerConfig) -> bool {
        self.frames.take(now, config.frames_per_second, config.frame_burst)
    }
}

/// All connections, counted by where they come from.
#[derive(Debug, Default)]
pub(super) struct Connections {
    all: BTreeMap<ConnId, Connection>,
    counts: BTreeMap<Source, usize>,
}

impl Connections {
    /// Takes a connection in if there is room for it.
    pub(super) fn insert(&mut self, conn: ConnId, from: SocketAddr, config: &ServerConfig) -> bool {
        let count = self.counts.get(&from.ip().into()).copied().unwrap_or(0);
        if self.all.len() >= config.max_connections || count >= config.max_connections_per_address {
            return false;
        }
        let connection = Connection { from, state: State::Greeting, requests: 0, frames: Rate::default() };
        if self.all.insert(conn, connection).is_none() {
            self.counts.insert(from.ip().into(), count + 1);
        }
        true
    }

    /// Forgets a connection.
    pub(super) fn remove(&mut self, conn: ConnId) -> Option<Connection> {
        let connection = self.all.remove(&conn)?;
        let source = connection.from.ip().into();
        match self.counts.get_mut(&source) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(self.counts.remove(&source)),
        }
        Some(connection)
    }

    pub(super) fn get(&self, conn: ConnId) -> Option<&Connection> {
        self.all.get(&conn)
    }

    pub(super) fn get_mut(&mut self, conn: ConnId) -> Option<&mut Connection> {
        self.all.get_mut(&conn)
    }

    /// The part of a connection that has logged in.
    pub(super) fn online(&mut self, conn: ConnId) -> Option<&mut Online> {
        match &mut self.all.get_mut(&conn)?.state {
            State::Online(online) => Some(online),
            State::Greeting | State::Guest | State::Checking(_) => None,
        }
    }

    /// What a connection has said to log in; it is a guest again.
    pub(super) fn take_checking(&mut self, conn: ConnId) -> Option<Checking> {
        let state = &mut self.all.get_mut(&conn)?.state;
        match std::mem::replace(state, State::Guest) {
            State::Checking(checking) => Some(checking),
            other => {
                *state = other;
                None
            }
        }
    }

    /// Forgets all, and gives them.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = (ConnId, Connection)> {
        self.counts.clear();
        std::mem::take(&mut self.all).into_iter()
    }
}

/// An even rate with bursts, as one time: when the burst would be used up if frames came at the even rate.
#[derive(Debug, Default)]
struct Rate(Mono);

impl Rate {
    fn take(&mut self, now: Mono, per_second: u32, burst: u32) -> bool {
        let interval = Duration::from_secs(1) / per_second.max(1);
        let used = now.until(self.0);
        if used + interval > interval * burst {
            return false;
        }
        self.0 = now + used + interval;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_allowed_and_then_the_even_rate() {
        let mut rate = Rate::default();
        let at = |millis| Mono::at(Duration::from_millis(millis));
        assert_eq!((0..6).filter(|_| rate.take(at(0), 10, 4)).count(), 4);
        assert!(!rate.take(at(99), 10, 4));
        assert!(rate.take(at(100), 10, 4));
        assert!(!rate.take(at(199), 10, 4));
        assert_eq!((0..6).filter(|_| rate.take(at(9_000), 10, 4)).count(), 4, "a pause fills the burst, not more");
    }

    #[test]
    fn connections_are_counted_by_address_and_in_all() {
        let config = ServerConfig { max_connections: 3, max_connections_per_address: 2, ..ServerConfig::default() };
        let mut connections = Connections::default();
        let from = |host: u8| SocketAddr::from(([192, 0, 2, host], 50_000));
        let mut insert = |conn, host| connections.insert(ConnId::new(conn), from(host), &config);
        assert_eq!([insert(1, 1), insert(2, 1), insert(3, 1)], [true, true, false]);
        assert_eq!([insert(4, 2), insert(5, 3)], [true, false]);
        assert!(connections.remove(ConnId::new(1)).is_some());
        assert!(connections.remove(ConnId::new(1)).is_none());
        assert!(connections.insert(ConnId::new(6), from(1), &config));
        assert_eq!(connections.drain().count(), 3);
        assert!(connections.counts.is_empty());
    }
}
