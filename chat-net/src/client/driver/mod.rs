//! The driver: the one task that owns both machines of a session, the connection to the server and the UDP socket.
//!
//! [`PeerDriver`] drives the peer machine. The loop waits for whatever happens first: a command, an event of the server
//! connection, a decision of the application, an output of the peer driver, or the client machine's deadline.

mod control;
mod peers;
mod server_connection;

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use chat_core::client::{self as machine, ClientConfig, Credentials};
use chat_core::id::SessionId;
use chat_core::name::UserName;
use chat_core::peer::{self, Loopback, PeerConfig};
use chat_core::time::{Mono, Timestamp};
use chat_core::wire::control::{Offer, Purpose};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};

use self::server_connection::{ConnectionEvent, ServerConnection};
use super::collector::Collectors;
use super::command::{Command, answer};
use super::dial::{Dialer, TrustedStream};
use super::events::EventQueue;
use super::network_watch::NetworkWatch;
use super::offer::make_offer;
use super::{
    ChangePasswordError, ConnectError, EndReason, Event, Notice, OutcomeEvents, ReachMode, Roster, SetAwayError,
};
use crate::address::{AdvertisedAddress, ServerAddress};
use crate::clock::Clock;
use crate::identity::Fingerprint;
use crate::peer_driver::PeerDriver;
use crate::random::SystemGenerator;
use crate::udp::{Progress, ReceiveBuffer, Udp};

/// The most commands that the driver performs before datagrams get their turn.
const COMMAND_BATCH: usize = 64;

/// The most turns that receive datagrams at the end of a session. Bounded, because peers may keep sending.
const FINAL_TURNS: usize = 16;

/// The most time that leaving may take. Peers and the server also detect a departure without goodbyes, so the user does
/// not have to wait longer.
const LEAVE_TIME: Duration = Duration::from_millis(2_500);

/// The arguments of [`Driver::new`].
pub(super) struct Parts {
    pub(super) server: ServerAddress,
    pub(super) login: Credentials,
    pub(super) machine: ClientConfig,
    pub(super) peer: PeerConfig,
    pub(super) advertise: Vec<AdvertisedAddress>,
    pub(super) reach_mode: ReachMode,
    pub(super) outcome_events: OutcomeEvents,
    pub(super) udp: Udp,
    pub(super) dialer: Dialer,
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) events: Arc<EventQueue>,
    pub(super) pending_outcomes: watch::Sender<usize>,
    pub(super) roster: watch::Sender<Roster>,
    pub(super) started: oneshot::Sender<Result<Started, ConnectError>>,
}

/// The driver's part of the successful result of [`connect`](super::connect).
#[derive(Debug)]
pub(super) struct Started {
    pub(super) user: UserName,
    pub(super) session: watch::Receiver<SessionId>,
    pub(super) at: Timestamp,
}

/// The stage of a session.
enum SessionStage {
    /// [`connect`](super::connect) waits for the complete roster.
    Starting {
        started: oneshot::Sender<Result<Started, ConnectError>>,
        welcome: Option<(UserName, Timestamp)>,
    },
    Online,
    Ended(EndReason),
    Left,
}

pub(super) struct Driver {
    clock: Clock,
    address: ServerAddress,
    /// Whether the first login registers the account.
    purpose: Purpose,
    registration_timeout: Duration,
    /// When to give up if the connection broke between the registration and the complete roster.
    start_limit: Option<Mono>,
    machine: machine::Client,
    outputs: Vec<machine::Output>,
    server: ServerConnection,
    /// The UDP socket until the first session begins. Afterwards the peer driver owns it.
    udp: Option<Udp>,
    udp_address: SocketAddr,
    peers: Option<PeerDriver>,
    peer_outputs: Vec<peer::Output>,
    peer_config: PeerConfig,
    loopback: Loopback,
    /// The address of this end of the latest connection to the server.
    local: SocketAddr,
    network_watch: NetworkWatch,
    /// Server time minus wall time in milliseconds, as the peer machine knows it.
    clock_offset: i64,
    offer: Offer,
    advertise: Vec<AdvertisedAddress>,
    reach_mode: ReachMode,
    server_relay: ServerRelay,
    commands: mpsc::Receiver<Command>,
    events: Arc<EventQueue>,
    outcome_events: OutcomeEvents,
    pending_outcomes: watch::Sender<usize>,
    collectors: Collectors,
    /// The roster that applications read.
    roster: watch::Sender<Roster>,
    /// Whether the roster has changes that no watch was woken for.
    is_roster_changed: bool,
    session: watch::Sender<SessionId>,
    password_change: Option<oneshot::Sender<Result<(), ChangePasswordError>>>,
    /// The wrong key that the latest [`Notice::ServerKeyChanged`] reported, until the connection is back.
    reported_key: Option<Fingerprint>,
    stage: SessionStage,
}

/// What woke the driver.
enum Wake {
    Commands(usize),
    Server(ConnectionEvent),
    Decisions,
    Peers,
    NetworkSign,
    Timer,
}

/// Whether the server relays, as of its last welcome.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum ServerRelay {
    Works,
    /// It does not, and the application does not know yet.
    Missing,
    /// It does not, and the application knows.
    KnownMissing,
}

impl ServerRelay {
    const fn note(&mut self, works: bool) {
        match (works, *self) {
            (true, _) => *self = Self::Works,
            (false, Self::Works) => *self = Self::Missing,
            (false, _) => {}
        }
    }

    /// Whether the application is to learn now that the server does not relay. Only once.
    const fn is_news(&mut self) -> bool {
        let is_news = matches!(self, Self::Missing);
        if is_news {
            *self = Self::KnownMissing;
        }
        is_news
    }
}

impl Driver {
    /// Takes over the first connection to the server.
    pub(super) fn new(parts: Parts, stream: TrustedStream) -> Self {
        let clock = Clock::start();
        let (local, udp_address) = (stream.local, parts.udp.local_address());
        let offer = make_offer(local.ip(), udp_address, &parts.advertise, parts.reach_mode);
        let ReceiveBuffer { granted, wanted } = parts.udp.receive_buffer();
        if granted < wanted {
            parts.events.push(Event::Notice(Notice::ReceiveBufferSmall { granted, wanted }));
        }
        let mut outputs = Vec::new();
        let (purpose, registration_timeout) = (parts.login.purpose, parts.machine.registration_timeout);
        let generator = Box::new(SystemGenerator);
        let mut config = parts.machine;
        config.link_features = parts.reach_mode.link_features();
        config.other_servers = parts.dialer.other_servers();
        let machine = machine::Client::new(clock.now(), parts.login, offer.clone(), config, generator, &mut outputs);
        let mut driver = Self {
            clock,
            address: parts.server,
            purpose,
            registration_timeout,
            start_limit: None,
            machine,
            outputs,
            server: ServerConnection::new(parts.dialer, stream),
            udp: Some(parts.udp),
            udp_address,
            peers: None,
            peer_outputs: Vec::new(),
            peer_config: parts.peer,
            local,
            network_watch: NetworkWatch::new(),
            loopback: if local.ip().is_loopback() { Loopback::Allowed } else { Loopback::Ignored },
            clock_offset: 0,
            offer,
            advertise: parts.advertise,
            reach_mode: parts.reach_mode,
            server_relay: ServerRelay::Works,
            commands: parts.commands,
            events: parts.events,
            outcome_events: parts.outcome_events,
            pending_outcomes: parts.pending_outcomes,
            collectors: Collectors::default(),
            roster: parts.roster,
            is_roster_changed: false,
            session: watch::Sender::new(SessionId::new(0)),
            password_change: None,
            reported_key: None,
            stage: SessionStage::Starting { started: parts.started, welcome: None },
        };
        driver.start();
        driver
    }

    /// Runs until the session is over, or all handles are dropped.
    pub(super) async fn run(mut self) {
        let mut timer = pin!(sleep_until(Instant::now()));
        let mut batch = Vec::with_capacity(COMMAND_BATCH);
        let (mut is_done, mut leaving) = (false, Vec::new());
        while !self.is_over() && !is_done {
            let deadline = self.machine.deadline().map(|deadline| self.clock.instant(deadline));
            if let Some(deadline) = deadline.filter(|deadline| *deadline != timer.deadline()) {
                timer.as_mut().reset(deadline);
            }
            let wake = tokio::select! {
                count = self.commands.recv_many(&mut batch, COMMAND_BATCH) => Wake::Commands(count),
                event = self.server.next() => Wake::Server(event),
                () = self.events.decided() => Wake::Decisions,
                () = next_output(&mut self.peers, &mut self.peer_outputs) => Wake::Peers,
                () = self.network_watch.sign(), if !self.server.is_up() => Wake::NetworkSign,
                () = &mut timer, if deadline.is_some() => Wake::Timer,
            };
            match wake {
                // All handles are dropped: nobody can read or send any more.
                Wake::Commands(0) => is_done = true,
                Wake::Commands(_) => {
                    for command in batch.drain(..) {
                        if let Command::Leave { done } = command {
                            is_done = true;
                            leaving.push(done);
                        } else {
                            self.perform_command(command);
                        }
                    }
                }
                Wake::Server(event) => {
                    // The frame may report a departure. Acks that arrived before it must count first.
                    self.turn_peers();
                    self.handle_connection(event);
                }
                Wake::Decisions => self.apply_decisions(),
                Wake::Peers => self.push_events(),
                Wake::NetworkSign => {
                    log::debug!("the network seems to be back");
                    self.handle(self.clock.now(), machine::Input::NetworkChanged);
                }
                Wake::Timer => self.handle(self.clock.now(), machine::Input::Tick),
            }
        }
        self.finish().await;
        leaving.into_iter().for_each(|done| answer(done, ()));
    }

    fn perform_command(&mut self, command: Command) {
        let now = self.clock.now();
        match command {
            Command::Send { to, content, reply } => self.send(now, to, content, reply),
            Command::ChangePassword { reply, .. } if self.password_change.is_some() => {
                answer(reply, Err(ChangePasswordError::InProgress));
            }
            Command::ChangePassword { old, new, reply } => {
                self.password_change = Some(reply);
                self.handle(now, machine::Input::ChangePassword { old, new });
            }
            Command::RoundTrips { reply } => {
                answer(reply, self.peers.as_ref().map(PeerDriver::round_trips).unwrap_or_default());
            }
            Command::Links { reply } => answer(reply, self.links()),
            Command::RetryNow { done } => {
                self.handle(now, machine::Input::RetryNow);
                answer(done, ());
            }
            // To the others, the user is back already.
            Command::SetAway { away: Some(_), reply } if !self.machine.supports_away() => {
                answer(reply, Err(SetAwayError::Unsupported));
            }
            Command::SetAway { away, reply } => {
                self.handle(now, machine::Input::SetAway(away));
                answer(reply, Ok(()));
            }
            Command::Leave { .. } => unreachable!("the loop keeps this command to itself"),
        }
    }

    const fn is_over(&self) -> bool {
        matches!(self.stage, SessionStage::Ended(_) | SessionStage::Left)
    }

    /// Pushes the pending outcomes, sends goodbyes to peers and server, and pushes the last event.
    async fn finish(&mut self) {
        let deadline = Instant::now() + LEAVE_TIME;
        // Acks and decisions that exist by now still decide their outcomes.
        for _ in 0..FINAL_TURNS {
            if self.turn_peers() == Progress::Idle {
                break;
            }
        }
        if let Some(peers) = self.peers.take() {
            match self.stage {
                SessionStage::Ended(EndReason::Replaced) => peers.replaced(&mut self.peer_outputs).await,
                _ => peers.leave(&mut self.peer_outputs).await,
            }
        }
        self.push_events();
        if !self.is_over() {
            self.handle(self.clock.now(), machine::Input::Leave);
        }
        self.server.close();
        self.server.closed(deadline).await;
        self.roster.send_if_modified(Roster::clear);
        let last = match std::mem::replace(&mut self.stage, SessionStage::Left) {
            SessionStage::Ended(reason) => Event::Ended(reason),
            _ => Event::Left,
        };
        self.events.push(last);
    }
}

/// Resolves when the peer driver has outputs. Cancel safe.
async fn next_output(peers: &mut Option<PeerDriver>, outputs: &mut Vec<peer::Output>) {
    match peers {
        Some(peers) => peers.next(outputs).await,
        None => std::future::pending().await,
    }
}

/// Ends the event stream even if the task was aborted or panicked.
impl Drop for Driver {
    fn drop(&mut self) {
        self.server.abort();
        self.roster.send_if_modified(Roster::clear);
        self.events.close();
    }
}
