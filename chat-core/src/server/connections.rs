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
use std::time::Duration;

use super::config::ServerConfig;
use super::limit::Limit;
use super::session_request::SessionRequest;
use super::tickets::Ticket;
use crate::away::AwayText;
use crate::id::{AccountId, ConnId};
use crate::places::Places;
use crate::rate_limit::RateLimit;
use crate::source::Source;
use crate::time::Mono;
use crate::wire::control::{Offer, Purpose};

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    /// The observed address in canonical form.
    pub(super) from: SocketAddr,
    /// What the client offered with its login or last move.
    pub(super) offer: Option<Offer>,
    pub(super) state: State,
    /// Whether the client takes relayed datagrams, as its hello says.
    pub(super) relay: bool,
    /// The number of requests before the login.
    pub(super) requests: u32,
    /// The time that is left for the login while a job about it is in flight.
    pub(super) login_time_left: Duration,
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

/// The credentials that a guest presented.
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
    /// The session is judged, and the journal decides.
    Journal(Purpose),
}

/// The part of a connection that belongs to a session.
#[derive(Debug)]
pub(super) struct Online {
    /// The account of the session.
    pub(super) account: AccountId,
    /// When the client may request the next snapshot.
    pub(super) refresh_from: Mono,
    /// The addresses of a change that came too early.
    pub(super) moving: Option<Vec<SocketAddr>>,
    /// What the user says about being away, if it came too early.
    pub(super) next_away: Option<Option<AwayText>>,
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
    guests: Places<ConnId>,
}

impl Connections {
    /// Adds a connection. If there are too many guests, one from the network that holds most of them gives way. If all
    /// networks hold few, the oldest guest gives way, and guests from sources that `is_known` are the last to do so: an
    /// attacker with many networks has to connect faster than honest clients log in. A guest whose login is being
    /// checked never gives way. Returns the guest to be closed.
    ///
    /// # Errors
    /// The limit that is reached.
    pub(super) fn insert(
        &mut self,
        conn: ConnId,
        from: SocketAddr,
        config: &ServerConfig,
        is_known: impl Fn(Source) -> bool,
    ) -> Result<Option<ConnId>, Limit> {
        let source = Source::from(from.ip());
        let count = self.by_source.get(&source).copied().unwrap_or(0);
        if count >= config.max_connections_per_address {
            return Err(Limit::ConnectionsPerAddress);
        }
        if self.all.len() >= config.max_connections {
            return Err(Limit::Connections);
        }
        let displaced = if self.guests.len() < config.max_guests {
            None
        } else {
            Some(self.guest_giving_way(source, is_known).ok_or(Limit::Guests)?)
        };
        let frames = RateLimit::per_second(config.frames_per_second.max(1), config.frame_burst);
        let state = State::Greeting;
        let login_time_left = config.login_time;
        self.all
            .insert(conn, Connection { from, offer: None, state, relay: false, requests: 0, login_time_left, frames });
        self.by_source.insert(source, count + 1);
        self.guests.take(conn, source);
        Ok(displaced)
    }

    fn guest_giving_way(&self, newcomer: Source, is_known: impl Fn(Source) -> bool) -> Option<ConnId> {
        let is_idle = |conn| {
            let state = self.all.get(&conn).map(|connection| &connection.state);
            matches!(state, Some(State::Greeting | State::Guest))
        };
        self.guests
            .giving_way(newcomer, |conn, _| is_idle(conn))
            .or_else(|| self.guests.oldest_for(newcomer, |conn, source| is_idle(conn) && !is_known(source)))
            .or_else(|| self.guests.oldest_for(newcomer, |conn, _| is_idle(conn)))
    }

    /// Gives a connection to a session. Returns the observed address, or `None` if there is no such connection.
    pub(super) fn log_in(&mut self, conn: ConnId, online: Online) -> Option<SocketAddr> {
        let connection = self.all.get_mut(&conn)?;
        self.guests.free(conn);
        connection.state = State::Online(online);
        Some(connection.from)
    }

    /// Removes a connection.
    pub(super) fn remove(&mut self, conn: ConnId) -> Option<Connection> {
        let connection = self.all.remove(&conn)?;
        self.guests.free(conn);
        count_down(&mut self.by_source, connection.source());
        Some(connection)
    }

    pub(super) fn get(&self, conn: ConnId) -> Option<&Connection> {
        self.all.get(&conn)
    }

    pub(super) fn get_mut(&mut self, conn: ConnId) -> Option<&mut Connection> {
        self.all.get_mut(&conn)
    }

    /// The session part of a connection. `None` for a guest.
    pub(super) fn online(&mut self, conn: ConnId) -> Option<&mut Online> {
        match &mut self.all.get_mut(&conn)?.state {
            State::Online(online) => Some(online),
            State::Greeting | State::Guest | State::Authenticating(_) => None,
        }
    }

    /// The connections that have logged in.
    pub(super) fn all_online(&self) -> impl Iterator<Item = ConnId> {
        self.all.iter().filter(|(_, connection)| matches!(connection.state, State::Online(_))).map(|(conn, _)| *conn)
    }

    /// The connections that have not logged in.
    pub(super) fn guests(&self) -> impl Iterator<Item = ConnId> {
        self.all.iter().filter(|(_, connection)| !matches!(connection.state, State::Online(_))).map(|(conn, _)| *conn)
    }

    /// Takes what a guest presented to log in, and returns the connection to the state `Guest`. `None` in any other
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
        self.guests = Places::default();
        std::mem::take(&mut self.all).into_iter()
    }
}

/// Counts one less. A count of zero is removed.
fn count_down<K: Ord>(counts: &mut BTreeMap<K, usize>, key: K) {
    match counts.get_mut(&key) {
        Some(count) if *count > 1 => *count -= 1,
        _ => drop(counts.remove(&key)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn online() -> Online {
        Online { account: AccountId::new(1), refresh_from: Mono::ZERO, moving: None, next_away: None }
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
        let from = |connections: &mut Connections, conn, host: u8| insert(connections, conn, &address(host), &config);
        assert_eq!([1, 2].map(|conn| from(&mut connections, conn, 1)), [Ok(None), Ok(None)]);
        assert_eq!(from(&mut connections, 3, 1), Err(Limit::ConnectionsPerAddress));
        assert_eq!([3, 4].map(|conn| from(&mut connections, conn, 2)), [Ok(None), Err(Limit::Guests)]);
        for _ in 0..2 {
            assert!(connections.log_in(ConnId::new(3), online()).is_some());
        }
        assert_eq!([4, 5].map(|conn| from(&mut connections, conn, conn as u8)), [Ok(None), Err(Limit::Connections)]);
        assert!(connections.remove(ConnId::new(1)).is_some());
        assert!(connections.remove(ConnId::new(1)).is_none());
        assert_eq!(from(&mut connections, 6, 1), Ok(None));
        assert!(connections.log_in(ConnId::new(9), online()).is_none());
        for conn in [2, 3, 4] {
            connections.remove(ConnId::new(conn));
        }
        assert_eq!((connections.guests.len(), connections.drain().count()), (1, 1));
        assert_eq!(format!("{connections:?}"), format!("{:?}", Connections::default()));
    }

    #[test]
    fn a_stranger_with_many_addresses_gives_way_to_everybody_else() {
        let config = ServerConfig { max_guests: 100, ..ServerConfig::default() };
        let mut connections = Connections::default();
        for conn in 0..100 {
            let address = format!("[2001:db8:1:{:x}::1]:1", conn % 16);
            assert_eq!(insert(&mut connections, conn, &address, &config), Ok(None));
        }
        assert_eq!(insert(&mut connections, 100, "[2001:db8:1::2]:1", &config), Err(Limit::Guests), "more of the same");
        // The oldest guest is being checked, so the next one gives way.
        let request = State::Authenticating(Authenticating::Password(SessionRequest::sample()));
        connections.get_mut(ConnId::new(0)).unwrap().state = request;
        for number in 1..=40 {
            let address = format!("203.0.{number}.1:1");
            let displaced = insert(&mut connections, 100 + number, &address, &config).unwrap().unwrap();
            assert!((1..100).contains(&displaced.get()), "{displaced}");
            assert!(connections.remove(displaced).is_some());
        }
    }

    #[test]
    fn a_stranger_in_the_same_network_gives_way_as_well() {
        let config = ServerConfig { max_guests: 20, ..ServerConfig::default() };
        let mut connections = Connections::default();
        for conn in 0..20 {
            assert_eq!(insert(&mut connections, conn, "192.0.2.1:1", &config), Ok(None));
        }
        assert_eq!(insert(&mut connections, 20, "192.0.2.2:1", &config), Ok(Some(ConnId::new(0))));
        assert!(connections.remove(ConnId::new(0)).is_some());
        assert_eq!(insert(&mut connections, 21, "192.0.2.1:1", &config), Err(Limit::Guests));
    }

    #[test]
    fn strangers_with_a_network_for_each_guest_give_way_in_turn_and_known_sources_last() {
        let config = ServerConfig { max_guests: 1_000, ..ServerConfig::default() };
        let mut connections = Connections::default();
        let known = Source::from(std::net::IpAddr::from([10, 0, 0, 1]));
        let mut insert = |conn: u64, address: String| {
            let displaced =
                connections.insert(ConnId::new(conn), address.parse().unwrap(), &config, |source| source == known);
            if let Ok(Some(displaced)) = displaced {
                connections.remove(displaced);
            }
            displaced.map(|displaced| displaced.map(ConnId::get))
        };
        for conn in 0..1_000 {
            assert_eq!(insert(conn, format!("10.{}.{}.1:1", conn / 250, conn % 250)), Ok(None));
        }
        for conn in 1_000..1_999 {
            let oldest = conn - 999;
            assert_eq!(
                insert(conn, format!("11.{}.{}.1:1", conn / 250, conn % 250)),
                Ok(Some(oldest)),
                "the known one stays"
            );
        }
        assert_eq!(insert(2_000, "11.4.0.2:1".into()), Err(Limit::Guests), "a second one of the same network");
    }

    fn address(host: u8) -> String {
        format!("192.0.2.{host}:50000")
    }

    fn insert(
        connections: &mut Connections,
        conn: u64,
        from: &str,
        config: &ServerConfig,
    ) -> Result<Option<ConnId>, Limit> {
        connections.insert(ConnId::new(conn), from.parse().unwrap(), config, |_| false)
    }
}
