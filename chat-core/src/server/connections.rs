//! The connections, from the hello to their end. Each state carries what belongs to it.
//!
//! ```text
//! Greeting --hello--> Guest --Login, Resume--> Authenticating --accepted--> Online
//!                       ^                            |
//!                       +--------- rejected ---------+
//! ```
//!
//! Any state ends when the connection is removed.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::config::ServerConfig;
use super::limit::Limit;
use super::session_request::SessionRequest;
use super::tickets::Ticket;
use crate::id::{AccountId, ConnId};
use crate::rate_limit::RateLimit;
use crate::source::Source;
use crate::time::Mono;
use crate::wire::control::Offer;

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    /// The observed address in canonical form.
    pub(super) from: SocketAddr,
    /// What the client offered with its login or last move.
    pub(super) offer: Option<Offer>,
    pub(super) state: State,
    /// The number of requests before the login.
    pub(super) requests: u32,
    frames: RateLimit,
}

/// How far a connection has come.
#[derive(Debug)]
pub(super) enum State {
    /// The client must send its hello.
    Greeting,
    /// The client must log in.
    Guest,
    /// A job about the login is in flight.
    Authenticating(Authenticating),
    /// The connection belongs to a session.
    Online(Online),
}

/// What a guest presented to log in.
#[derive(Debug)]
pub(super) enum Authenticating {
    /// A password, which is being checked.
    Password(SessionRequest),
    /// A ticket, whose account is being looked up.
    Ticket {
        ticket: Ticket,
        /// The fresh session, if the ticket's own has ended.
        request: SessionRequest,
    },
}

/// The part of a connection that belongs to a session.
#[derive(Debug)]
pub(super) struct Online {
    /// The account of the session.
    pub(super) account: AccountId,
    /// When the client may request the next snapshot.
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

    pub(super) fn source(&self) -> Source {
        self.from.ip().into()
    }
}

/// All connections, counted by source.
#[derive(Debug, Default)]
pub(super) struct Connections {
    all: BTreeMap<ConnId, Connection>,
    by_source: BTreeMap<Source, usize>,
    /// The number of connections that have not logged in.
    guests: usize,
}

impl Connections {
    /// Adds a connection.
    ///
    /// # Errors
    /// The limit that is reached.
    pub(super) fn insert(&mut self, conn: ConnId, from: SocketAddr, config: &ServerConfig) -> Result<(), Limit> {
        let count = self.by_source.get(&from.ip().into()).copied().unwrap_or(0);
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
        self.all.insert(conn, Connection { from, offer: None, state: State::Greeting, requests: 0, frames });
        self.by_source.insert(from.ip().into(), count + 1);
        self.guests += 1;
        Ok(())
    }

    /// Gives a connection to a session. Returns the observed address, or none if there is no such connection.
    pub(super) fn log_in(&mut self, conn: ConnId, online: Online) -> Option<SocketAddr> {
        let connection = self.all.get_mut(&conn)?;
        if !matches!(connection.state, State::Online(_)) {
            self.guests -= 1;
        }
        connection.state = State::Online(online);
        Some(connection.from)
    }

    /// Removes a connection.
    pub(super) fn remove(&mut self, conn: ConnId) -> Option<Connection> {
        let connection = self.all.remove(&conn)?;
        if !matches!(connection.state, State::Online(_)) {
            self.guests -= 1;
        }
        let source = connection.source();
        match self.by_source.get_mut(&source) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(self.by_source.remove(&source)),
        }
        Some(connection)
    }

    pub(super) fn get(&self, conn: ConnId) -> Option<&Connection> {
        self.all.get(&conn)
    }

    pub(super) fn get_mut(&mut self, conn: ConnId) -> Option<&mut Connection> {
        self.all.get_mut(&conn)
    }

    /// The session part of a connection. None for a guest.
    pub(super) fn online(&mut self, conn: ConnId) -> Option<&mut Online> {
        match &mut self.all.get_mut(&conn)?.state {
            State::Online(online) => Some(online),
            State::Greeting | State::Guest | State::Authenticating(_) => None,
        }
    }

    /// The connections that have not logged in.
    pub(super) fn guests(&self) -> impl Iterator<Item = ConnId> {
        self.all.iter().filter(|(_, connection)| !matches!(connection.state, State::Online(_))).map(|(conn, _)| *conn)
    }

    /// Takes what a guest presented to log in, and returns the connection to the state `Guest`. None in any other
    /// state.
    pub(super) fn take_authenticating(&mut self, conn: ConnId) -> Option<Authenticating> {
        let state = &mut self.all.get_mut(&conn)?.state;
        match std::mem::replace(state, State::Guest) {
            State::Authenticating(authenticating) => Some(authenticating),
            other => {
                *state = other;
                None
            }
        }
    }

    /// Removes all connections.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = (ConnId, Connection)> {
        self.by_source.clear();
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
    fn connections_are_counted_by_source_in_all_and_before_the_login() {
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
