//! A client: one session, from login to leaving, as a handle for commands and a stream of events.
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
mod network_watch;
mod offer;
mod race;

use std::net::{Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use chat_core::client::{ClientConfig, Credentials};
use chat_core::id::SessionId;
use chat_core::message::{Content, Recipient};
use chat_core::name::UserName;
use chat_core::password::Password;
use chat_core::peer::PeerConfig;
use chat_core::roster::Entry;
use chat_core::time::Timestamp;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use self::command::{Command, MAX_WAITING_COMMANDS};
use self::dial::Dialer;
use self::driver::{Driver, Parts, Started};
use self::events::{Decision, EventQueue};
pub use self::events::{Event, Events, MessageToken, Notice};
use crate::address::{AdvertisedAddress, ServerAddress};
pub use crate::error::{ChangePasswordError, ConnectError, EndReason, SendError};
pub use crate::peers::{AcceptMode, Sent};
use crate::trust::Trust;
use crate::udp::Udp;

/// The settings of a client. [`ClientOptions::new`] sets the defaults.
#[derive(Debug)]
pub struct ClientOptions {
    /// The server to connect to.
    pub server: ServerAddress,
    /// How to decide whether the server is the right one.
    pub trust: Trust,
    /// The user name, password and purpose of the login. The password is wiped from memory once the server has accepted
    /// the login.
    pub login: Credentials,
    /// The address on which the UDP socket receives. The default, `[::]:0`, is any port on all addresses, IPv4 and IPv6.
    pub udp: SocketAddr,
    /// The addresses at which peers can reach this client. If empty, the client detects its addresses.
    pub advertise: Vec<AdvertisedAddress>,
    /// When a received message counts as accepted. The default is [`AcceptMode::Automatic`].
    pub accept: AcceptMode,
    /// The timeouts of the connection to the server.
    pub machine: ClientConfig,
    /// The timeouts and limits of the links to peers.
    pub peer: PeerConfig,
}

impl ClientOptions {
    /// A client that logs in at `server` with `login`, and has the default settings otherwise.
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

/// Connects to the server, logs in, and returns once the roster is complete.
///
/// # Errors
/// See [`ConnectError`]: its variants distinguish errors of the user, the operator and the network.
///
/// # Panics
/// Outside a tokio runtime with I/O and time enabled.
///
/// # Cancel safety
/// If the future is dropped after the session began, the client leaves the session.
pub async fn connect(options: ClientOptions) -> Result<(Client, Events), ConnectError> {
    let ClientOptions { server, trust, login, udp: address, advertise, accept, machine, peer } = options;
    let udp = Udp::bind(address).map_err(|source| ConnectError::Udp { address, source })?;
    let udp_address = udp.local_address();
    let (dialer, stream) = Dialer::dial_first(server.clone(), &trust, machine.connect_timeout).await?;
    let (command_sender, commands) = mpsc::channel(MAX_WAITING_COMMANDS);
    let (pending_outcomes, pending_seen) = watch::channel(0);
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
        commands,
        events: Arc::clone(&events),
        pending_outcomes,
        started,
    };
    tokio::spawn(Driver::new(parts, stream).run());
    // From here on this future holds the senders, so dropping it ends the driver.
    let stream = Events::new(Arc::clone(&events), accept, command_sender.clone());
    let Started { user, session, at } = start.await.unwrap_or(Err(ConnectError::Internal))?;
    let client =
        Client { user, session, at, udp_address, commands: command_sender, events, pending_outcomes: pending_seen };
    Ok((client, stream))
}

/// A handle to a session. Clones are handles to the same session. The client leaves the session when all handles and
/// the [`Events`] are dropped.
#[derive(Clone, Debug)]
pub struct Client {
    user: UserName,
    session: watch::Receiver<SessionId>,
    at: Timestamp,
    udp_address: SocketAddr,
    commands: mpsc::Sender<Command>,
    events: Arc<EventQueue>,
    pending_outcomes: watch::Receiver<usize>,
}

impl Client {
    /// The user name, in the spelling of its registration.
    pub const fn user(&self) -> &UserName {
        &self.user
    }

    /// The id of the current session. It changes with [`Notice::NewSession`].
    pub fn session(&self) -> SessionId {
        *self.session.borrow()
    }

    /// The time of the login, on the server's clock.
    pub const fn login_time(&self) -> Timestamp {
        self.at
    }

    /// The address on which the UDP socket receives, with the port that the system chose if it was 0.
    pub const fn udp_address(&self) -> SocketAddr {
        self.udp_address
    }

    /// Queues a message. Each recipient's outcome follows as [`Event::Report`].
    ///
    /// # Errors
    /// The message was not queued, and no recipient will receive it.
    ///
    /// # Cancel safety
    /// If the future is dropped, the message may or may not have been queued.
    pub async fn send(&self, to: Recipient, content: Content) -> Result<Sent, SendError> {
        self.ask(|reply| Command::Send { to, content, reply }).await.unwrap_or(Err(SendError::Offline))
    }

    /// The entries of the other sessions that are online. Empty once the session is over.
    pub async fn roster(&self) -> Vec<Entry> {
        self.ask(|reply| Command::Roster { reply }).await.unwrap_or_default()
    }

    /// Changes the password of the account. The server then ends the account's other sessions.
    ///
    /// # Errors
    /// The server rejected the change, or did not answer, so that the password may have changed.
    ///
    /// # Cancel safety
    /// If the future is dropped, the password may or may not change.
    pub async fn change_password(&self, old: Password, new: Password) -> Result<(), ChangePasswordError> {
        self.ask(|reply| Command::ChangePassword { old, new, reply }).await.unwrap_or(Err(ChangePasswordError::Offline))
    }

    /// The number of outcomes whose reports are not in the event stream yet.
    pub fn pending_outcomes(&self) -> usize {
        *self.pending_outcomes.borrow()
    }

    /// Waits until no outcome is pending, for at most `limit`. Returns the number of outcomes that are still pending.
    pub async fn idle(&self, limit: Duration) -> usize {
        let mut pending = self.pending_outcomes.clone();
        match timeout(limit, pending.wait_for(|&pending| pending == 0)).await {
            // An error means that the driver is gone. It pushed all outcomes before it ended.
            Ok(_) => 0,
            Err(_) => self.pending_outcomes(),
        }
    }

    /// Leaves the session: sends goodbyes to the peers and the server. The outcomes that are still pending come before
    /// [`Event::Left`], which is the last event. Returns within 3 s even if nobody answers.
    pub async fn leave(self) {
        self.ask(|done| Command::Leave { done }).await;
    }

    /// Accepts a message. Its sender receives the outcome `delivered`. For [`AcceptMode::Manual`].
    pub fn accept(&self, token: MessageToken) {
        self.events.decide(Decision::Accept(token));
    }

    /// Refuses a message. Its sender receives the outcome `failed`. For [`AcceptMode::Manual`].
    pub fn refuse(&self, token: MessageToken) {
        self.events.decide(Decision::Refuse(token));
    }

    /// Sends a command and waits for the answer. `None` if the session is over.
    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).await.ok()?;
        answer.await.ok()
    }
}
