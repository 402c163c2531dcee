//! How time passes in a world: from one event to the next, and everything that is due at the same time.

use std::collections::BTreeMap;
use std::time::Duration;

use super::medium::{End, Event, LineId};
use super::server::Host;
use super::user::Desk;
use super::{UserId, World};
use crate::server::Input;
use crate::sim::SimDatagram;
use crate::time::Mono;

/// How often one user's machines may want to be called at the same time before that counts as spinning.
const MOST_TICKS_AT_ONCE: u32 = 10_000;

impl World {
    /// Lets time pass until `duration` is over.
    pub fn run(&mut self, duration: Duration) {
        self.run_until(duration, |_| false);
    }

    /// Lets time pass until no outcome is open or `at_most` is over; gives whether none is.
    pub fn run_until_idle(&mut self, at_most: Duration) -> bool {
        self.run_until(at_most, |world| (0..world.users.len()).all(|user| world.open(UserId(user)) == 0))
    }

    /// Lets time pass until `is_done` or `at_most` is over; gives whether it is done.
    pub fn run_until(&mut self, at_most: Duration, is_done: impl Fn(&Self) -> bool) -> bool {
        let end = self.now() + at_most;
        loop {
            if is_done(self) {
                return true;
            }
            match self.next_event().filter(|at| *at <= end) {
                Some(at) => self.turn(at.max(self.now())),
                None => {
                    self.medium.now = end;
                    return false;
                }
            }
        }
    }

    fn next_event(&self) -> Option<Mono> {
        let awake = self.users.iter().filter(|desk| !self.sleeping.contains_key(&desk.id));
        let machines = awake.filter_map(Desk::deadline).chain(self.servers.iter().filter_map(Host::deadline));
        machines.chain(self.medium.deadline()).min()
    }

    /// Does everything that is due at `now`.
    fn turn(&mut self, now: Mono) {
        self.medium.now = now;
        while let Some(event) = self.medium.next() {
            self.happen(event);
        }
        let mut arrived: BTreeMap<UserId, Vec<SimDatagram>> = BTreeMap::new();
        while let Some(flight) = self.medium.network.receive(now) {
            if let Some(user) = self.by_address.get(&flight.to) {
                arrived.entry(*user).or_default().push(flight);
            }
        }
        for (user, mut flights) in arrived {
            if let Some(sleeping) = self.sleeping.get_mut(&user) {
                sleeping.keep(flights);
            } else {
                self.with(user, |desk, at| desk.receive(&mut flights, at));
            }
        }
        for server in 0..self.servers.len() {
            let mut ticks = 0;
            while self.servers[server].deadline().is_some_and(|at| at <= now) {
                self.servers[server].feed(Input::Tick, self.config.job_time, &mut self.medium);
                ticks += 1;
                assert!(ticks < MOST_TICKS_AT_ONCE, "server {server} spins");
            }
        }
        for user in (0..self.users.len()).map(UserId) {
            let mut ticks = 0;
            while !self.sleeping.contains_key(&user) && self.users[user.0].deadline().is_some_and(|at| at <= now) {
                self.with(user, Desk::tick);
                ticks += 1;
                assert!(ticks < MOST_TICKS_AT_ONCE, "user {} spins", user.0);
            }
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Dialled { line } => self.dialled(line),
            Event::Bytes { line, at: End::Server, bytes } => {
                let Some(server) = self.medium.line(line).map(|line| line.server) else { return };
                let host = &mut self.servers[server.0];
                if !host.read(line, &bytes, self.config.job_time, &mut self.medium) && host.is_up() {
                    // The system knows nothing of such a connection.
                    self.medium.close(line, End::User);
                }
            }
            Event::Gone { line, at: End::Server } => {
                let Some(server) = self.medium.line(line).map(|line| line.server) else { return };
                self.servers[server.0].gone(line, self.config.job_time, &mut self.medium);
            }
            Event::Bytes { line, at: End::User, .. } | Event::Gone { line, at: End::User } => {
                let Some(user) = self.medium.line(line).map(|line| line.user) else { return };
                if let Some(sleeping) = self.sleeping.get_mut(&user) {
                    sleeping.events.push(event);
                } else if self.users[user.0].line == Some(line) {
                    self.with(user, |desk, at| match &event {
                        Event::Bytes { bytes, .. } => desk.read(bytes, at),
                        _ => desk.lost(at),
                    });
                }
            }
            Event::Done { server, run, id, job } => {
                let host = &mut self.servers[server.0];
                if host.run == run {
                    host.done(id, job, self.config.job_time, &mut self.medium);
                }
            }
        }
    }

    fn dialled(&mut self, id: LineId) {
        let Some(line) = self.medium.line(id) else { return };
        let (user, server) = (line.user, line.server);
        // A partition swallows the attempt, and whoever sleeps finds out later.
        if self.medium.is_held(id) || self.users[user.0].line != Some(id) {
            return;
        }
        if let Some(sleeping) = self.sleeping.get_mut(&user) {
            sleeping.events.push(Event::Dialled { line: id });
            return;
        }
        let host = &mut self.servers[server.0];
        if !host.is_up() {
            return;
        }
        self.medium.answered(id, host.run);
        let accepted = host.accept(id, self.config.job_time, &mut self.medium);
        self.with(user, |desk, at| if accepted { desk.connected(at) } else { desk.lost(at) });
    }
}
