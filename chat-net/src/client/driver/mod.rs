//! The driver: the one task that owns both machines of a session, the connection to the server and the UDP socket.
//!
//! Every turn looks at everything once (what the application took, datagrams in, timers, datagrams out) and then
//! sleeps until something happens, so that no kind of event starves another.

mod control;
mod peers;
mod server_link;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use chat_core::client::{self as machine, ClientConfig, Credentials};
use chat_core::id::SessionId;
use chat_core::name::UserName;
use chat_core::peer::PeerConfig;
use chat_core::time::Timestamp;
use chat_core::wire::control::Offer;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout_at};

use self::peers::Peers;
use self::server_link::{Happened, ServerLink};
use super::command::{Command, answer};
use super::dial::{Dialed, Dialer};
use super::events::{Event, EventQueue};
use super::offer::offer;
use crate::address::{AdvertisedAddress, ServerAddress};
use crate::clock::Clock;
use crate::error::{ChangePasswordError, ConnectError, EndReason};
use crate::identity::Fingerprint;
use crate::random::SystemGenerator;
use crate::udp::{Turn, Udp};

/// How many commands are carried out before datagrams get their turn.
const BATCH: usize = 64;

/// So many turns at the end hear what has arrived by then; peers that go on sending must not keep us.
const LAST_TURNS: usize = 16;

/// How long leaving may take in all: whoever leaves wants to be gone, and peers and server notice anyway.
const LEAVE_TIME: Duration = Duration::from_millis(2_500);

/// How much of that is for the last datagrams.
const BYE_TIME: Duration = Duration::from_millis(500);

/// What a driver is made of.
pub(super) struct Parts {
    pub(super) server: ServerAddress,
    pub(super) login: Credentials,
    pub(super) machine: ClientConfig,
    pub(super) peer: PeerConfig,
    pub(super) advertise: Vec<AdvertisedAddress>,
    pub(super) udp: Udp,
    pub(super) dialer: Dialer,
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) events: Arc<EventQueue>,
    pub(super) open: watch::Sender<usize>,
    pub(super) started: oneshot::Sender<Result<Started, ConnectError>>,
}

/// What [`connect`](super::connect) waits for.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) user: UserName,
    pub(super) session: watch::Receiver<SessionId>,
    pub(super) at: Timestamp,
}

/// How a session stands.
enum Stage {
    /// [`connect`](super::connect) still waits.
    Starting {
        started: oneshot::Sender<Result<Started, ConnectError>>,
        welcome: Option<(UserName, Timestamp)>,
    },
    Online,
    Over(EndReason),
    Left,
}

pub(super) struct Driver {
    clock: Clock,
    address: ServerAddress,
    machine: machine::Client,
    out: Vec<machine::Output>,
    link: ServerLink,
    peers: Peers,
    udp: Udp,
    offer: Offer,
    advertise: Vec<AdvertisedAddress>,
    commands: mpsc::Receiver<Command>,
    events: Arc<EventQueue>,
    session: watch::Sender<SessionId>,
    password_change: Option<oneshot::Sender<Result<(), ChangePasswordError>>>,
    /// The key that answered last instead of the server's, if people were told of one.
    impostor: Option<Fingerprint>,
    stage: Stage,
}

/// What ends the sleep of the driver.
enum Wake {
    Commands(usize),
    Server(Happened),
    Other,
}

impl Driver {
    /// Takes over a connection that was just made.
    pub(super) fn new(parts: Parts, dialed: Dialed) -> Self {
        let clock = Clock::start();
        let local = dialed.local.ip();
        let offer = offer(local, &parts.udp, &parts.advertise);
        let mut out = Vec::new();
        let generator = Box::new(SystemGenerator);
        let machine = machine::Client::new(clock.now(), parts.login, offer.clone(), parts.machine, generator, &mut out);
        let mut driver = Self {
            clock,
            address: parts.server,
            machine,
            out,
            link: ServerLink::new(parts.dialer, dialed),
            peers: Peers::new(parts.peer, local.is_loopback(), Arc::clone(&parts.events), parts.open),
            udp: parts.udp,
            offer,
            advertise: parts.advertise,
            commands: parts.commands,
            events: parts.events,
            session: watch::Sender::new(SessionId::new(0)),
            password_change: None,
            impostor: None,
            stage: Stage::Starting { started: parts.started, welcome: None },
        };
        driver.perform_first();
        driver
    }

    /// Runs until the session is over or nobody holds a handle any more.
    pub(super) async fn run(mut self) {
        let mut timer = pin!(sleep_until(Instant::now()));
        let mut batch = Vec::with_capacity(BATCH);
        let (mut is_done, mut leaving) = (false, Vec::new());
        while !self.is_over() && !is_done {
            let more = self.turn();
            let deadline = self.deadline();
            if deadline != timer.deadline() {
                timer.as_mut().reset(deadline);
            }
            let wake = tokio::select! {
                count = self.commands.recv_many(&mut batch, BATCH) => Wake::Commands(count),
                happened = self.link.next() => Wake::Server(happened),
                () = self.events.judged() => Wake::Other,
                () = self.udp.ready(), if self.peers.are_there() => Wake::Other,
                () = &mut timer => Wake::Other,
                // Other tasks of this thread get their turn too.
                () = tokio::task::yield_now(), if more == Turn::More => Wake::Other,
            };
            match wake {
                // Nobody is left who could read or send.
                Wake::Commands(0) => is_done = true,
                Wake::Commands(_) => {
                    for command in batch.drain(..) {
                        if let Command::Leave { done } = command {
                            is_done = true;
                            leaving.push(done);
                        } else {
                            self.command(command);
                        }
                    }
                }
                Wake::Server(happened) => {
                    // It may say that somebody left, whose acks have arrived before.
                    self.hear();
                    self.happened(happened);
                }
                Wake::Other => {}
            }
        }
        self.finish().await;
        leaving.into_iter().for_each(|told| answer(told, ()));
    }

    /// Everything that can be done without waiting.
    fn turn(&mut self) -> Turn {
        let received = self.hear();
        let now = self.clock.now();
        if self.machine.deadline().is_some_and(|deadline| deadline <= now.mono) {
            self.feed(now, machine::Input::Tick);
        }
        self.peers.tick(now);
        let transmitted = self.peers.transmit(&mut self.udp, now);
        if received == Turn::More || transmitted == Turn::More { Turn::More } else { Turn::Done }
    }

    /// Takes what the application and the peers have said.
    fn hear(&mut self) -> Turn {
        self.peers.judge(self.clock.now());
        self.peers.receive(&mut self.udp, &self.clock)
    }

    fn deadline(&self) -> Instant {
        let earliest = [self.machine.deadline(), self.peers.deadline()].into_iter().flatten().min();
        // Without a deadline the timer may ring for nothing once in a while.
        earliest.map_or_else(|| Instant::now() + Duration::from_secs(3600), |deadline| self.clock.instant(deadline))
    }

    fn command(&mut self, command: Command) {
        let now = self.clock.now();
        match command {
            Command::Send { to, content, reply } => {
                let at = self.machine.server_time(now);
                self.peers.send(now, to, content, at, reply);
            }
            Command::Roster { reply } => answer(reply, self.machine.roster().iter().cloned().collect()),
            Command::ChangePassword { reply, .. } if self.password_change.is_some() => {
                answer(reply, Err(machine::PasswordChangeError::InProgress.into()));
            }
            Command::ChangePassword { old, new, reply } => {
                self.password_change = Some(reply);
                self.feed(now, machine::Input::ChangePassword { old, new });
            }
            Command::Leave { .. } => unreachable!("the loop keeps it to itself"),
        }
    }

    const fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over(_) | Stage::Left)
    }

    /// Tells all outcomes, says goodbye to peers and server, and tells the last event.
    async fn finish(&mut self) {
        let deadline = Instant::now() + LEAVE_TIME;
        // What was acknowledged or taken until now is told as that.
        for _ in 0..LAST_TURNS {
            if self.turn() == Turn::Done {
                break;
            }
        }
        self.peers.leave(self.clock.now());
        // Goodbyes that the socket does not take in time are lost like any datagram: the server tells it too.
        drop(timeout_at(Instant::now() + BYE_TIME, self.say_goodbye()).await);
        if !self.is_over() {
            self.feed(self.clock.now(), machine::Input::Leave);
        }
        self.link.close();
        self.link.closed(deadline).await;
        let last = match std::mem::replace(&mut self.stage, Stage::Left) {
            Stage::Over(reason) => Event::Ended(reason),
            _ => Event::Left,
        };
        self.events.push(last);
    }

    async fn say_goodbye(&mut self) {
        while self.peers.are_there() {
            if self.peers.transmit(&mut self.udp, self.clock.now()) == Turn::More {
                tokio::task::yield_now().await;
            } else if self.udp.flush() {
                return;
            } else {
                self.udp.writable().await;
            }
        }
    }
}

/// However the task ends, nobody waits for it in vain.
impl Drop for Driver {
    fn drop(&mut self) {
        self.link.abort();
        self.events.close();
    }
}
