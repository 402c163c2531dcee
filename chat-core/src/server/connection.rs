//! One connection from hello to its end: states that carry what belongs to them.
//!
//! ```text
//! Greeting --hello--> Guest --Login, Resume--> Checking --right--> Online
//!                       ^                         |
//!                       +-------- rejected -------+            any state --> closed, which means forgotten
//! ```

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::config::ServerConfig;
use super::limit::Limit;
use super::tickets::Ticket;
use crate::id::{AccountId, ConnId};
use crate::key::PublicKey;
use crate::rate_limit::RateLimit;
use crate::roster::{LinkVersions, RosterVersion};
use crate::source::Source;
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
    frames: RateLimit,
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
    /// How far its copy of the roster is, as it says.
    pub(super) copy: Option<RosterVersion>,
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
    /// Counts one frame. Returns whether it is within the rate limit.
    pub(super) fn take_frame(&mut self, now: Mono) -> bool {
        self.frames.take(now).is_ok()
    }
}

/// All connections, counted by where they come from.
#[derive(Debug, Default)]
pub(super) struct Connections {
    all: BTreeMap<ConnId, Connection>,
    counts: BTreeMap<Source, usize>,
    /// How many have not logged in.
    guests: usize,
}

impl Connections {
    /// Takes a new connection in if there is room for it.
    ///
    /// # Errors
    /// The bound that is reached.
    pub(super) fn insert(&mut self, conn: ConnId, from: SocketAddr, config: &ServerConfig) -> Result<(), Limit> {
        let count = self.counts.get(&from.ip().into()).copied().unwrap_or(0);
        if count >= config.max_connections_per_address {
            return Err(Limit::ConnectionsPerAddress);
        }
        if self.all.len() >= config.max_connections {
            return Err(Limit::Connections);
        }
        if self.guests >= config.max_guests {
            return Err(Limit::Guests);
        }
        let frames = RateLimit::per_second(config.frames_per_second.max(1), config.frame_burst);
        let connection = Connection { from, state: State::Greeting, requests: 0, frames };
        self.all.insert(conn, connection);
        self.counts.insert(from.ip().into(), count + 1);
        self.guests += 1;
        Ok(())
    }

    /// A connection speaks for a session from now on. Gives where it comes from.
    pub(super) fn log_in(&mut self, conn: ConnId, online: Online) -> Option<SocketAddr> {
        let connection = self.all.get_mut(&conn)?;
        if !matches!(connection.state, State::Online(_)) {
            self.guests -= 1;
        }
        connection.state = State::Online(online);
        Some(connection.from)
    }

    /// Forgets a connection.
    pub(super) fn remove(&mut self, conn: ConnId) -> Option<Connection> {
        let connection = self.all.remove(&conn)?;
        if !matches!(connection.state, State::Online(_)) {
            self.guests -= 1;
        }
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
        self.guests = 0;
        std::mem::take(&mut self.all).into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn online() -> Online {
        Online { account: AccountId::new(1), refresh_from: Mono::ZERO, move_from: Mono::ZERO, moving: None }
    }

    #[test]
    fn connections_are_counted_by_address_in_all_and_before_log_in() {
        let config = ServerConfig {
            max_connections: 4,
            max_connections_per_address: 2,
            max_guests: 3,
            ..ServerConfig::default()
        };
        let mut connections = Connections::default();
        let insert = |connections: &mut Connections, conn, host: u8| {
            connections.insert(ConnId::new(conn), SocketAddr::from(([192, 0, 2, host], 50_000)), &config)
        };
        assert_eq!([1, 2].map(|conn| insert(&mut connections, conn, 1)), [Ok(()), Ok(())]);
        assert_eq!(insert(&mut connections, 3, 1), Err(Limit::ConnectionsPerAddress));
        assert_eq!([3, 4].map(|conn| insert(&mut connections, conn, 2)), [Ok(()), Err(Limit::Guests)]);
        for _ in 0..2 {
            assert!(connections.log_in(ConnId::new(3), online()).is_some());
        }
        assert_eq!([4, 5].map(|conn| insert(&mut connections, conn, conn as u8)), [Ok(()), Err(Limit::Connections)]);
        assert!(connections.remove(ConnId::new(1)).is_some());
        assert!(connections.remove(ConnId::new(1)).is_none());
        assert_eq!(insert(&mut connections, 6, 1), Ok(()));
        assert!(connections.log_in(ConnId::new(9), online()).is_none());
        for conn in [2, 3, 4] {
            connections.remove(ConnId::new(conn));
        }
        assert_eq!((connections.guests, connections.drain().count()), (1, 1));
        assert_eq!(format!("{connections:?}"), format!("{:?}", Connections::default()));
    }
}
