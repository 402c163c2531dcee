//! The passing of time in a world: from one event to the next, with everything that is due at the same time.

use std::collections::BTreeMap;
use std::time::Duration;

use super::medium::{End, Event};
use super::server::ServerNode;
use super::user::UserNode;
use super::{UserId, World};
use crate::id::ConnId;
use crate::server::Input;
use crate::sim::SimDatagram;
use crate::time::Mono;

/// The most ticks of a machine at the same time. More means that its deadline never moves.
const MAX_TICKS_AT_A_TIME: u32 = 10_000;

impl World {
    /// Advances the simulation by `duration`.
    pub fn run(&mut self, duration: Duration) {
        self.run_until(duration, |_| false);
    }

    /// Advances the simulation until no outcome is pending, at most by `timeout`. Returns whether none is pending.
    pub fn run_until_idle(&mut self, timeout: Duration) -> bool {
        self.run_until(timeout, |world| (0..world.users.len()).all(|user| world.pending_outcomes(UserId(user)) == 0))
    }

    /// Advances the simulation until `is_done`, at most by `timeout`. Returns whether it is done.
    pub fn run_until(&mut self, timeout: Duration, is_done: impl Fn(&Self) -> bool) -> bool {
        let end = self.now() + timeout;
        loop {
            if is_done(self) {
                return true;
            }
            match self.next_event().filter(|at| *at <= end) {
                Some(at) => self.process_due(at.max(self.now())),
                None => {
                    self.medium.now = end;
                    return false;
                }
            }
        }
    }

    fn next_event(&self) -> Option<Mono> {
        let awake = self.users.iter().filter(|node| !self.suspended.contains_key(&node.id));
        let servers = self.servers.iter().filter(|node| !self.asleep.contains_key(&node.id));
        let machines = awake.filter_map(UserNode::deadline).chain(servers.filter_map(ServerNode::deadline));
        machines.chain(self.medium.deadline()).min()
    }

    /// Processes everything that is due at `now`.
    fn process_due(&mut self, now: Mono) {
        self.medium.now = now;
        while let Some(event) = self.medium.next() {
            self.handle_event(event);
        }
        let mut arrived: BTreeMap<UserId, Vec<SimDatagram>> = BTreeMap::new();
        while let Some(datagram) = self.medium.network.receive(now) {
            if let Some(user) = self.by_address.get(&datagram.to) {
                arrived.entry(*user).or_default().push(datagram);
            }
        }
        for (user, mut datagrams) in arrived {
            if let Some(suspended) = self.suspended.get_mut(&user) {
                suspended.keep(datagrams);
            } else {
                self.with(user, |node, cx| node.receive(&mut datagrams, cx));
            }
        }
        for server in 0..self.servers.len() {
            let mut ticks = 0;
            let is_asleep = self.asleep.contains_key(&super::ServerId(server));
            while !is_asleep && self.servers[server].deadline().is_some_and(|at| at <= now) {
                self.servers[server].feed(Input::Tick, self.config.job_time, &mut self.medium);
                ticks += 1;
                assert!(ticks < MAX_TICKS_AT_A_TIME, "server {server} never stops ticking");
            }
        }
        for user in (0..self.users.len()).map(UserId) {
            let mut ticks = 0;
            while !self.suspended.contains_key(&user) && self.users[user.0].deadline().is_some_and(|at| at <= now) {
                self.with(user, UserNode::tick);
                ticks += 1;
                assert!(ticks < MAX_TICKS_AT_A_TIME, "user {} never stops ticking", user.0);
            }
        }
    }

    fn handle_event(&mut self, event: Event) {
        let Some(event) = self.keep_for_sleeper(event) else { return };
        match event {
            Event::JournalCall { caller, call } => self.call_journal(caller, call),
            Event::ReadEnds { caller } => self.end_read(caller),
            Event::Dialled { conn } => self.handle_dialled(conn),
            Event::Bytes { conn, at: End::Server, bytes } => {
                let Some(server) = self.medium.connection(conn).map(|conn| conn.server) else { return };
                let server_node = &mut self.servers[server.0];
                if !server_node.read(conn, &bytes, self.config.job_time, &mut self.medium) && server_node.is_powered() {
                    // The system refuses bytes of an unknown connection.
                    self.medium.close(conn, End::User);
                }
            }
            Event::Gone { conn, at: End::Server } => {
                let Some(server) = self.medium.connection(conn).map(|conn| conn.server) else { return };
                self.servers[server.0].gone(conn, self.config.job_time, &mut self.medium);
            }
            Event::Bytes { conn, at: End::User, .. } | Event::Gone { conn, at: End::User } => {
                let Some(user) = self.medium.connection(conn).map(|conn| conn.user) else { return };
                if let Some(suspended) = self.suspended.get_mut(&user) {
                    suspended.events.push(event);
                } else if self.users[user.0].conn == Some(conn) {
                    self.with(user, |node, cx| match &event {
                        Event::Bytes { bytes, .. } => node.read(bytes, cx),
                        _ => node.lost(cx),
                    });
                }
            }
            Event::Done { server, run, id, result } => {
                let server_node = &mut self.servers[server.0];
                if server_node.run == run {
                    server_node.done(id, result, self.config.job_time, &mut self.medium);
                }
                self.observe_nodes();
            }
        }
    }

    fn handle_dialled(&mut self, id: ConnId) {
        let Some(conn) = self.medium.connection(id) else { return };
        let (user, server) = (conn.user, conn.server);
        // A partition drops the attempt, and a suspended user learns of the connection later.
        if self.medium.is_partitioned(id) || self.users[user.0].conn != Some(id) {
            return;
        }
        if let Some(suspended) = self.suspended.get_mut(&user) {
            suspended.events.push(Event::Dialled { conn: id });
            return;
        }
        let server_node = &mut self.servers[server.0];
        if !server_node.is_powered() {
            // A driver that knows several addresses does not wait for one of them.
            self.with(user, UserNode::dial_another);
            return;
        }
        self.medium.set_run(id, server_node.run);
        let accepted = server_node.accept(id, self.config.job_time, &mut self.medium);
        self.with(user, |node, cx| {
            if accepted {
                node.connected(cx);
            } else if !node.dial_next(cx) {
                node.lost(cx);
            }
        });
    }
}
