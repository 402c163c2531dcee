//! Many clients in this process, so that a test can have more of them than a machine can have programs: each is the client
//! machine of `chat-client` in a thread of its own. It has no links, so it neither sends nor receives messages.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chat_core::client::{Client, ClientConfig, Credentials, Event, Input, Output};
use chat_core::name::UserName;
use chat_core::password::Password;
use chat_core::roster::Change;
use chat_core::sim::SeededGenerator;
use chat_core::time::{Mono, Now, Timestamp};
use chat_core::wire::control::{Offer, OfferPolicy, Purpose};
use chat_core::wire::rejection::Rejection;

use super::{PASSWORD, PATIENCE, RawConnection};

/// How long a thread waits for a frame before it looks whether it is to end.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// How long all clients together may take to come online: each needs a password to be hashed.
const CROWD_PATIENCE: Duration = PATIENCE.saturating_mul(5);

/// The pause of a client whose first login was refused, as a service manager makes it before it starts a program again.
const PAUSE: Duration = Duration::from_millis(500);

/// Clients that register, each at one of the servers first and at another one if that fails. They end when this is dropped.
#[derive(Debug)]
pub(crate) struct Crowd {
    members: Vec<Arc<Member>>,
    /// Whether each client breaks its connection as soon as it is online, and resumes at the next server.
    wanders: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
pub(crate) struct Member {
    user: UserName,
    number: usize,
    servers: Vec<SocketAddr>,
    wanders: Arc<AtomicBool>,
    is_over: AtomicBool,
    seen: Mutex<Seen>,
}

/// The reports of a client.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// Whether its roster is complete and its connection is up.
    pub(crate) is_online: bool,
    /// How often it was welcomed.
    pub(crate) welcomes: usize,
    /// The other users in its roster.
    pub(crate) roster: BTreeSet<String>,
    /// The arrivals and departures after its first roster.
    pub(crate) presence: Vec<String>,
    /// The rejections of its first login.
    pub(crate) rejected: Vec<Rejection>,
    /// How often its registration had no answer. It then repeats that by itself.
    pub(crate) unanswered: usize,
    /// The reason why it ended for good.
    pub(crate) end: Option<String>,
}

impl Crowd {
    /// Starts clients whose names begin with `name`.
    pub(crate) fn start(name: &str, count: usize, servers: &[SocketAddr]) -> Self {
        let wanders = Arc::new(AtomicBool::new(false));
        let members: Vec<_> = (0..count)
            .map(|number| {
                let user = UserName::parse(&format!("{name}{number}")).unwrap();
                let (wanders, is_over, seen) = (Arc::clone(&wanders), AtomicBool::new(false), Mutex::default());
                Arc::new(Member { user, number, servers: servers.to_vec(), wanders, is_over, seen })
            })
            .collect();
        let threads = members.iter().map(|member| {
            let member = Arc::clone(member);
            thread::spawn(move || member.run())
        });
        Self { threads: threads.collect(), wanders, members }
    }

    /// Lets the clients resume at one server after another from now on, or stay where they are.
    pub(crate) fn wander(&self, wanders: bool) {
        self.wanders.store(wanders, Ordering::Relaxed);
    }

    /// How often clients were welcomed.
    pub(crate) fn welcomes(&self) -> usize {
        self.members.iter().map(|member| member.seen().welcomes).sum()
    }

    pub(crate) fn names(&self) -> BTreeSet<String> {
        self.members.iter().map(|member| member.user.to_string()).collect()
    }

    /// The reports of each client so far.
    pub(crate) fn seen(&self) -> Vec<(String, Seen)> {
        self.members.iter().map(|member| (member.user.to_string(), member.seen().clone())).collect()
    }

    /// The number of clients for which this holds.
    pub(crate) fn count(&self, holds: impl Fn(&Seen) -> bool) -> usize {
        self.members.iter().filter(|member| holds(&member.seen())).count()
    }

    /// Waits until each client is online and has exactly the others of `online` in its roster.
    #[track_caller]
    pub(crate) fn see_all(&self, online: &BTreeSet<String>) {
        let begin = Instant::now();
        for member in &self.members {
            let mut others = online.clone();
            others.remove(member.user.as_str());
            loop {
                let seen = member.seen().clone();
                assert_eq!(seen.end, None, "{}: {seen:?}", member.user);
                if seen.is_online && seen.roster == others {
                    break;
                }
                let difference: Vec<_> = seen.roster.symmetric_difference(&others).collect();
                assert!(
                    begin.elapsed() < CROWD_PATIENCE,
                    "{}: online {}, different {difference:?}",
                    member.user,
                    seen.is_online
                );
                thread::sleep(Duration::from_millis(10));
            }
        }
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.members.iter().for_each(|member| member.is_over.store(true, Ordering::Relaxed));
        // The panic of a thread has failed the test already, as its client is not online.
        self.threads.drain(..).for_each(|thread| drop(thread.join()));
    }
}

impl Member {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed) || self.seen().end.is_some()
    }

    fn run(&self) {
        let mut purpose = Purpose::Register;
        for attempt in 0.. {
            self.log_in(purpose, attempt);
            if self.is_over() {
                return;
            }
            // The account may exist although the login failed.
            purpose = match self.seen().rejected.last() {
                Some(Rejection::NameTaken) => Purpose::Login,
                Some(Rejection::WrongCredentials) => Purpose::Register,
                _ => purpose,
            };
            thread::sleep(PAUSE);
        }
    }

    /// Runs a client until its first login is refused, or it ends.
    fn log_in(&self, purpose: Purpose, attempt: usize) {
        let (begin, mut outputs) = (Instant::now(), Vec::new());
        let now = || {
            let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            Now {
                mono: Mono::at(begin.elapsed()),
                wall: Timestamp::from_millis(u64::try_from(wall.as_millis()).unwrap()),
            }
        };
        let credentials = Credentials::new(self.user.clone(), Password::parse(PASSWORD).unwrap(), purpose);
        let offer = Offer { policy: OfferPolicy::Detected, port: 40_001, addresses: Vec::new() };
        let seed = (self.number as u64) << 32 | attempt as u64;
        let generator = Box::new(SeededGenerator::new(seed));
        let mut machine = Client::new(now(), credentials, offer, ClientConfig::default(), generator, &mut outputs);
        let (mut connection, mut server) = (None::<RawConnection>, self.number);
        while !self.is_over() {
            for output in std::mem::take(&mut outputs) {
                match output {
                    Output::Connect => {
                        connection = self.connect(server);
                        if connection.is_none() {
                            server += 1;
                        }
                        let input = if connection.is_some() { Input::Connected } else { Input::Disconnected };
                        machine.handle(now(), input, &mut outputs);
                    }
                    Output::Send(bytes) => {
                        if connection.as_mut().is_some_and(|connection| connection.write(&bytes).is_err()) {
                            connection = None;
                            machine.handle(now(), Input::Disconnected, &mut outputs);
                        }
                    }
                    Output::Close => connection = None,
                    Output::Event(Event::Rejected(why)) => {
                        self.seen().rejected.push(why);
                        return;
                    }
                    Output::Event(event) => {
                        if matches!(event, Event::Reconnecting { .. }) {
                            // A server that refused may be away from the roster.
                            server += 1;
                        }
                        self.note(event, &machine);
                    }
                }
            }
            if outputs.is_empty()
                && self.wanders.load(Ordering::Relaxed)
                && self.seen().is_online
                && connection.take().is_some()
            {
                machine.handle(now(), Input::Disconnected, &mut outputs);
            }
            if !outputs.is_empty() {
                continue;
            }
            let due = machine.deadline().map_or(POLL_INTERVAL, |deadline| now().mono.until(deadline));
            let time = due.min(POLL_INTERVAL);
            match &mut connection {
                Some(open) => match open.payload_within(time) {
                    Ok(Some(payload)) => machine.handle(now(), Input::Frame(&payload), &mut outputs),
                    Ok(None) => machine.handle(now(), Input::Tick, &mut outputs),
                    Err(_) => {
                        connection = None;
                        machine.handle(now(), Input::Disconnected, &mut outputs);
                    }
                },
                None => {
                    thread::sleep(time);
                    machine.handle(now(), Input::Tick, &mut outputs);
                }
            }
        }
    }

    /// Connects from an address of loopback that no other client has, so that no limit per address counts several together.
    fn connect(&self, server: usize) -> Option<RawConnection> {
        let host = u16::try_from(self.number).unwrap() + 0x0201;
        let [high, low] = host.to_be_bytes();
        let server = self.servers[server % self.servers.len()];
        RawConnection::try_open([127, 1, high, low], server, ClientConfig::default().connect_timeout).ok()
    }

    fn note(&self, event: Event, machine: &Client) {
        let mut seen = self.seen();
        match event {
            Event::Online { .. } | Event::Reconnected => seen.is_online = true,
            Event::Change { change, .. } => seen.presence.push(match change {
                Change::Online(entry) => format!("online {}", entry.user),
                Change::Replaced(entry) => format!("replaced {}", entry.user),
                Change::Offline { user, reason } => format!("offline {user} {reason}"),
                Change::Moved { user, .. } => format!("moved {user}"),
            }),
            Event::Reconnecting { .. } | Event::ServerStopping => seen.is_online = false,
            Event::Welcome { .. } => seen.welcomes += 1,
            Event::RegistrationUnanswered { .. } => seen.unanswered += 1,
            Event::Busy { .. } => {}
            other => seen.end = Some(format!("{other:?}")),
        }
        seen.roster = machine.roster().iter().map(|entry| entry.user.to_string()).collect();
    }
}
