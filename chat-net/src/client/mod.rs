//! A client: one session, from log-in to leave, with a handle to act and a stream of events.
//!
//! One task, the driver, owns both machines ([`chat_core::client::Client`] for the server, [`chat_core::peer::Peer`]
//! for the messages) and the UDP socket:
//!
//! ```text
//! Client --- commands --> driver --- events --> Events
//!                         |    |
//!              TLS, server     UDP, peers
//! ```

mod command;
mod dial;
mod driver;
mod events;
mod offer;

use std::net::{Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use chat_core::client::{ClientConfig, Credentials};
use chat_core::id::{MessageId, SessionId};
use chat_core::message::{Content, Recipient};
use chat_core::name::UserName;
use chat_core::password::Password;
use chat_core::peer::PeerConfig;
use chat_core::roster::Entry;
use chat_core::time::Timestamp;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use self::command::{COMMANDS, Command};
use self::dial::Dialer;
use self::driver::{Driver, Parts, Started};
use self::events::{Decision, EventQueue};
pub use self::events::{Event, Events, MessageToken, Notice};
use crate::address::{AdvertisedAddress, ServerAddress};
pub use crate::error::{ChangePasswordError, ConnectError, EndReason, SendError};
use crate::trust::Trust;
use crate::udp::Udp;

/// What a client is to be like. [`ClientOptions::new`] has the defaults.
#[derive(Debug)]
pub struct ClientOptions {
    /// The server.
    pub server: ServerAddress,
    /// Whether to believe that it is the one.
    pub trust: Trust,
    /// Who logs in. After the first welcome the password is held nowhere.
    pub login: Credentials,
    /// Where messages are received: by default `[::]:0`, any port on all addresses, IPv4 and IPv6.
    pub udp: SocketAddr,
    /// The addresses that others are told; if empty they are found out.
    pub advertise: Vec<AdvertisedAddress>,
    /// What counts as accept a message.
    pub accept: AcceptMode,
    /// The times of the connection to the server.
    pub machine: ClientConfig,
    /// The times and bounds of the links to peers.
    pub peer: PeerConfig,
}

impl ClientOptions {
    /// Everything else by default.
    pub fn new(server: ServerAddress, trust: Trust, login: Credentials) -> Self {
        Self {
            server,
            trust,
            login,
            udp: SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
            advertise: Vec::new(),
            accept: AcceptMode::Automatic,
            machine: ClientConfig::default(),
            peer: PeerConfig::default(),
        }
    }
}

/// When the sender is told that a message was delivered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AcceptMode {
    /// When [`Events::next`] has returned it.
    Automatic,
    /// When [`Client::accept`] was called with its token.
    Manual,
}

/// A message that was accepted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Sent {
    /// Its id, by which its outcomes are told.
    pub id: MessageId,
    /// How many it goes to: that many outcomes follow. Nobody is there if it is zero.
    pub recipients: usize,
    /// Its time, on the server's clock.
    pub at: Timestamp,
}

/// Logs in, and returns once the roster is complete.
///
/// # Errors
/// Whose fault it is that there is no session; see [`ConnectError`].
///
/// # Cancel safety
/// If the future is dropped, a session that began already is left.
pub async fn connect(options: ClientOptions) -> Result<(Client, Events), ConnectError> {
    let ClientOptions { server, trust, login, udp: address, advertise, accept, machine, peer } = options;
    let udp = Udp::bind(address).map_err(|source| ConnectError::Udp { address, source })?;
    let udp_address = udp.local_address();
    let (dialer, dialed) = Dialer::first(server.clone(), &trust, machine.connect_timeout).await?;
    let (commands, queue) = mpsc::channel(COMMANDS);
    let (open, open_seen) = watch::channel(0);
    let (started, start) = oneshot::channel();
    let events = Arc::new(EventQueue::default());
    let parts = Parts {
        server,
        login,
        machine,
        peer,
        advertise,
        udp,
        dialer,
        commands: queue,
        events: Arc::clone(&events),
        open,
        started,
    };
    tokio::spawn(Driver::new(parts, dialed).run());
    // The handle exists before the answer, so that a caller who gives up ends the driver by dropping it.
    let alive = commands.clone();
    let Started { user, session, at } = start.await.unwrap_or(Err(ConnectError::Internal))?;
    let client = Client { user, session, at, udp_address, commands, events: Arc::clone(&events), open: open_seen };
    Ok((client, Events::new(events, accept, alive)))
}

/// A handle to a session. Clones are handles to the same one; when all of them and the [`Events`] are dropped, the
/// session is left.
#[derive(Clone, Debug)]
pub struct Client {
    user: UserName,
    session: watch::Receiver<SessionId>,
    at: Timestamp,
    udp_address: SocketAddr,
    commands: mpsc::Sender<Command>,
    events: Arc<EventQueue>,
    open: watch::Receiver<usize>,
}

impl Client {
    /// Who is logged in, as registered.
    pub const fn user(&self) -> &UserName {
        &self.user
    }

    /// The session; another one after [`Notice::NewSession`].
    pub fn session(&self) -> SessionId {
        *self.session.borrow()
    }

    /// When the log-in was, on the server's clock.
    pub const fn login_time(&self) -> Timestamp {
        self.at
    }

    /// Where messages are received.
    pub const fn udp_address(&self) -> SocketAddr {
        self.udp_address
    }

    /// Sends a message. Each of its recipients has an outcome, told as [`Event::Report`].
    ///
    /// # Errors
    /// It is not accepted, and nothing was sent.
    ///
    /// # Cancel safety
    /// If the future is dropped the message may have been accepted or not.
    pub async fn send(&self, to: Recipient, content: Content) -> Result<Sent, SendError> {
        self.ask(|reply| Command::Send { to, content, reply }).await.unwrap_or(Err(SendError::Offline))
    }

    /// Who is online, without oneself. Empty once the session is over.
    pub async fn roster(&self) -> Vec<Entry> {
        self.ask(|reply| Command::Roster { reply }).await.unwrap_or_default()
    }

    /// Changes the password of the account. The server ends the account's other sessions.
    ///
    /// # Errors
    /// The server refused, or it is not known what it did.
    pub async fn change_password(&self, old: Password, new: Password) -> Result<(), ChangePasswordError> {
        self.ask(|reply| Command::ChangePassword { old, new, reply }).await.unwrap_or(Err(ChangePasswordError::Offline))
    }

    /// How many outcomes are still to come.
    pub fn pending_outcomes(&self) -> usize {
        *self.open.borrow()
    }

    /// Waits until no outcome is still to come, for `at_most` so long; how many are.
    pub async fn idle(&self, at_most: Duration) -> usize {
        let mut open = self.open.clone();
        match timeout(at_most, open.wait_for(|&open| open == 0)).await {
            Ok(Ok(_)) => 0,
            // The session is over: all outcomes were told. Or the time is.
            Ok(Err(_)) => 0,
            Err(_) => self.pending_outcomes(),
        }
    }

    /// Says goodbye to peers and server. Outcomes still to come are told before [`Event::Left`], which is the last
    /// event. Returns within 3 s, also if nobody answers.
    pub async fn leave(self) {
        self.ask(|done| Command::Leave { done }).await;
    }

    /// Says that a message was taken, with [`AcceptMode::Manual`].
    pub fn accept(&self, token: MessageToken) {
        self.events.judge(Decision::Accept(token));
    }

    /// Says that a message is not wanted: its sender is told `refused`.
    pub fn refuse(&self, token: MessageToken) {
        self.events.judge(Decision::Refuse(token));
    }

    /// `None` if the session is over.
    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).await.ok()?;
        answer.await.ok()
    }
}
