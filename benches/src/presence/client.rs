//! A lightweight client as a task. It behaves like a real one: it exchanges hellos, sends heartbeats, honours the
//! server's retry times with jitter, and reconnects when its connection breaks.

use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chat_core::extras::Extras;
use chat_core::generator::Generator;
use chat_core::key::PublicKey;
use chat_core::roster::{Entry, LinkVersions};
use chat_core::sim::SeededGenerator;
use chat_core::wire::control::{KNOWN_VERSION, Login, Offer, OfferPolicy, Purpose, Request, Resume, version_extra};
use chat_core::wire::rejection::Rejection;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{MissedTickBehavior, interval_at, sleep};

use super::accounts::TestAccount;
use super::connection::{Connection, Failure};
use super::counters::Counters;
use super::encoded;
use super::net::{Net, wall_nanos};
use super::view::View;

/// Bounds of the pause before a retry: those of real clients.
const MIN_PAUSE: Duration = Duration::from_millis(500);
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// A command to a client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Command {
    /// Log in and stay online, reconnecting as necessary, until another command.
    Login(Method),
    /// Connect and exchange hellos, so that the next `Login` need not.
    Connect,
    /// End the session with a leave request, which voids its tickets.
    Leave,
    /// Break the connection without a leave request.
    Break,
    /// While offline: connect to another server from now on, if there is one.
    Elsewhere,
    /// Offer another port.
    Move(u16),
}

/// How a client logs in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Method {
    Ticket,
    Password,
    /// By registering its account, or with its password if the account exists.
    Register,
}

/// The state of one client that its task and the scenario share.
#[derive(Debug)]
pub(crate) struct SharedState {
    /// When the kernel received the most recently read bytes, if the [`Net`] records arrivals.
    pub(crate) arrived: Arc<AtomicU64>,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) account: TestAccount,
    /// The number of the server that the client connects to, among those of its [`Net`].
    pub(crate) server: usize,
    /// The entry of the client's welcome while the client is online.
    pub(crate) entry: Option<Entry>,
    /// The address that the client offers. The server publishes it once the pause between two changes is over.
    pub(crate) offered: SocketAddr,
    pub(crate) view: View,
    /// When the client last logged in.
    pub(crate) logged_in: Option<Instant>,
    /// When the client last sent a login, resume or leave request.
    pub(crate) requested: Option<Moment>,
    /// When the client's view reached the target.
    pub(crate) reached: Option<Moment>,
}

/// A point in time on two clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) at: Instant,
    /// On the clock of [`wall_nanos`]. For received data the kernel's time of arrival, if it is recorded.
    pub(crate) wall: u64,
}

impl Moment {
    pub(crate) fn now() -> Self {
        Self { at: Instant::now(), wall: wall_nanos() }
    }
}

impl SharedState {
    pub(crate) fn new(account: TestAccount, offered: SocketAddr, view: View) -> Self {
        let state =
            State { account, server: 0, entry: None, offered, view, logged_in: None, requested: None, reached: None };
        Self { arrived: Arc::default(), state: Mutex::new(state) }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The state that a client's task owns.
pub(crate) struct Client {
    pub(crate) shared: Arc<SharedState>,
    pub(crate) net: Arc<Net>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) commands: UnboundedReceiver<Command>,
    pub(crate) heartbeat: Duration,
    pub(crate) generator: SeededGenerator,
    /// The client's number among all clients, which determines its source address.
    pub(crate) number: usize,
    /// The connection that the next login uses.
    pub(crate) prepared: Option<Connection>,
}

impl State {
    /// The encoded request that logs in with this session key.
    pub(crate) fn login_request(&self, method: Method, key: PublicKey) -> Vec<u8> {
        let (offer, versions) = (offer(self.offered.port()), LinkVersions { low: 1, high: 1 });
        let version = self.view.version_to_resume();
        encoded(&match method {
            Method::Ticket => Request::Resume(Resume {
                ticket: &self.account.ticket,
                offer,
                next_key: key,
                versions,
                extras: version.into_iter().map(|version| version_extra(KNOWN_VERSION, version)).collect(),
            }),
            Method::Password | Method::Register => Request::Login(Login {
                purpose: if method == Method::Register { Purpose::Register } else { Purpose::Login },
                user: &self.account.name,
                password: &self.account.password,
                offer,
                key,
                versions,
                extras: Extras::default(),
            }),
        })
    }
}

impl Client {
    /// Executes commands until the sender is dropped.
    pub(crate) async fn run(mut self) {
        while let Some(command) = self.commands.recv().await {
            match command {
                Command::Login(method) => self.stay_online(method).await,
                Command::Connect => match self.connect().await {
                    Ok(connection) => self.prepared = Some(connection),
                    Err(failure) => self.counters.count(&failure),
                },
                Command::Elsewhere => self.go_elsewhere(),
                // Without a session there is nothing to leave, break or move.
                Command::Leave | Command::Break | Command::Move(_) => {}
            }
        }
    }

    /// Logs in and stays online, reconnecting after failures, until a command ends it.
    async fn stay_online(&mut self, mut method: Method) {
        let mut max_pause = MIN_PAUSE;
        loop {
            let failure = match self.login(method).await {
                Ok(mut connection) => {
                    (max_pause, method) = (MIN_PAUSE, Method::Ticket);
                    let end = self.follow(&mut connection).await;
                    self.shared.lock().entry = None;
                    match end {
                        Ok(()) => return,
                        Err(failure) => failure,
                    }
                }
                Err(Failure::Rejected(Rejection::NameTaken)) if method == Method::Register => {
                    method = Method::Password;
                    continue;
                }
                // The session of the ticket was left, perhaps in an earlier run with the same accounts.
                Err(Failure::Rejected(Rejection::TicketRefused)) if method == Method::Ticket => {
                    method = Method::Password;
                    continue;
                }
                Err(failure) => failure,
            };
            self.counters.count(&failure);
            if failure.is_of_this_server() {
                self.go_elsewhere();
            }
            sleep(match failure.retry_after() {
                Some(time) => time + self.generator.up_to(time.max(MIN_PAUSE)),
                None => {
                    max_pause = (max_pause * 2).min(MAX_PAUSE);
                    MIN_PAUSE + self.generator.up_to(max_pause - MIN_PAUSE)
                }
            })
            .await;
        }
    }

    /// Connects to another server from now on, if there is one.
    fn go_elsewhere(&mut self) {
        let servers = self.net.servers();
        // With one server no random number is used.
        if servers > 1 {
            let step = 1 + self.generator.number() as usize % (servers - 1);
            let mut state = self.shared.lock();
            state.server = (state.server + step) % servers;
            self.prepared = None;
        }
    }

    async fn connect(&self) -> Result<Connection, Failure> {
        Connection::open(&self.net, self.number, &self.shared, &self.counters).await
    }

    async fn login(&mut self, method: Method) -> Result<Connection, Failure> {
        let net = Arc::clone(&self.net);
        let _permit = net.dialling.acquire().await;
        let mut connection = match self.prepared.take() {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        connection.login(&self.login_request(method)).await?;
        Ok(connection)
    }

    fn login_request(&mut self, method: Method) -> Vec<u8> {
        let mut key = [0; 32];
        self.generator.fill(&mut key);
        self.shared.lock().login_request(method, PublicKey::new(key))
    }

    /// Follows the roster and executes commands, until a command ends it or the connection fails.
    async fn follow(&mut self, connection: &mut Connection) -> Result<(), Failure> {
        // A random phase spreads the heartbeats of the clients over the interval.
        let first = self.generator.up_to(self.heartbeat);
        let mut heartbeats = interval_at(tokio::time::Instant::now() + first, self.heartbeat);
        heartbeats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                command = self.commands.recv() => match command {
                    None | Some(Command::Break) => return Ok(()),
                    Some(Command::Leave) => {
                        self.shared.lock().requested = Some(Moment::now());
                        let sent = connection.send(&Request::Leave).await;
                        // Wait until the server closes the connection or it breaks.
                        while sent.is_ok() && connection.read().await.is_ok() {}
                        return Ok(());
                    }
                    Some(Command::Move(port)) => {
                        self.shared.lock().offered.set_port(port);
                        connection.send(&Request::Move(offer(port))).await?;
                    }
                    Some(Command::Login(_) | Command::Connect | Command::Elsewhere) => {}
                },
                _ = heartbeats.tick() => connection.send_heartbeat().await?,
                result = connection.read() => result?,
            }
        }
    }
}

fn offer(port: u16) -> Offer {
    Offer { policy: OfferPolicy::Detected, port, addresses: Vec::new() }
}
