//! Messages without a chat server: a session whose roster the application maintains.
//!
//! Use it in a program that already knows its members, such as a game lobby or a cluster. Each member opens an
//! [`Endpoint`] with a key pair of its own and adds the [entries](Endpoint::entry) of the others to its roster.
//! Messages then behave as with a [`client`](crate::client): sealed, in order, each with one outcome per recipient.
//!
//! An endpoint spawns no task. It receives and transmits only while the application awaits [`Endpoint::next`] or calls
//! [`Endpoint::try_next`].
//!
//! ```
//! use chat_net::peers::{Endpoint, EndpointOptions, Output};
//! use chat_net::{Content, Recipient};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let local = "127.0.0.1:0".parse()?;
//! let mut alice = Endpoint::bind(EndpointOptions::new("alice".parse()?, local))?;
//! let mut bob = Endpoint::bind(EndpointOptions::new("bob".parse()?, local))?;
//! alice.add_to_roster([bob.entry()]);
//! bob.add_to_roster([alice.entry()]);
//!
//! alice.send(Recipient::Everyone, Content::try_from("大家好")?)?;
//! let (mut at_alice, mut at_bob) = (Vec::new(), Vec::new());
//! while alice.pending_outcomes() > 0 {
//!     tokio::select! {
//!         () = alice.next(&mut at_alice) => {}
//!         () = bob.next(&mut at_bob) => {}
//!     }
//! }
//! assert!(matches!(&at_bob[0], Output::Deliver(delivery) if delivery.from().as_str() == "alice"));
//! assert!(matches!(at_alice[..], [Output::Report(_), Output::Summary { delivered: 1, .. }]));
//! # Ok(())
//! # }
//! ```

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use chat_core::extras::Extras;
pub use chat_core::key::KeyPair;
use chat_core::message::{Content, Recipient};
use chat_core::name::UserName;
pub use chat_core::peer::{Delivered, Delivery, Output, Reported, Reports, SendError, Token};
use chat_core::peer::{Input, Loopback, PeerConfig, SettingError};
use chat_core::roster::LinkVersions;
pub use chat_core::roster::{Change, Entry};
use chat_core::time::Timestamp;
use chat_core::wire::datagram::VERSION;

use crate::bind::udp_cause;
use crate::peer_driver::PeerDriver;
pub use crate::peer_driver::QueuedMessage;
use crate::random::SystemGenerator;
use crate::udp::{Progress, Udp};

/// The settings of an [`Endpoint`]. [`EndpointOptions::new`] sets the defaults.
#[derive(Debug)]
#[non_exhaustive]
pub struct EndpointOptions {
    /// The user name of the session.
    pub user: UserName,
    /// The session's key pair. Every session needs a new one.
    pub keys: Arc<KeyPair>,
    /// The address on which the UDP socket receives.
    pub udp: SocketAddr,
    /// When a received message counts as accepted.
    pub accept: AcceptMode,
    /// The timeouts and limits of the links.
    pub peer: PeerConfig,
}

impl EndpointOptions {
    /// A session of `user` at `udp` with a new key pair, [`AcceptMode::Automatic`] and the default limits.
    pub fn new(user: UserName, udp: SocketAddr) -> Self {
        let keys = Arc::new(KeyPair::generate(&mut SystemGenerator));
        Self { user, keys, udp, accept: AcceptMode::Automatic, peer: PeerConfig::default() }
    }
}

/// When a received message counts as accepted, so that its sender receives the outcome `delivered`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum AcceptMode {
    /// [`Client`](crate::client::Client): when [`Client::next`](crate::client::Client::next) returns the message.
    /// [`Endpoint`]: at the call after the one that returned it.
    Automatic,
    /// When the application calls `accept` with the message's token.
    Manual,
}

/// Why [`Endpoint::bind`] made no endpoint.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// A setting of [`EndpointOptions::peer`] cannot work. The error names it.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The UDP socket cannot be bound.
    #[error("messages cannot be received at {address} (UDP): {}", udp_cause(.source))]
    Udp {
        /// The address from [`EndpointOptions::udp`].
        address: SocketAddr,
        /// The system's error.
        source: io::Error,
    },
}

/// A session without a server. See the [module](self).
///
/// Dropping it without [`Endpoint::leave`] sends no goodbyes: messages that peers send afterwards become unconfirmed.
#[derive(Debug)]
pub struct Endpoint {
    user: UserName,
    keys: Arc<KeyPair>,
    since: Timestamp,
    accept: AcceptMode,
    driver: PeerDriver,
}

impl Endpoint {
    /// Binds the UDP socket and begins the session. A socket on `[::]` also receives IPv4; on a machine without IPv6,
    /// `[::]` becomes `0.0.0.0`.
    ///
    /// # Errors
    /// See [`EndpointError`].
    ///
    /// # Panics
    /// Outside a tokio runtime with I/O and time enabled.
    pub fn bind(options: EndpointOptions) -> Result<Self, EndpointError> {
        let EndpointOptions { user, keys, udp: address, accept, peer } = options;
        peer.check()?;
        let udp = Udp::bind(address).map_err(|source| EndpointError::Udp { address, source })?;
        // The application decides which addresses enter the roster, so loopback addresses are allowed.
        let reach = udp.reach(Loopback::Allowed);
        let driver = PeerDriver::begin(udp, user.clone(), Arc::clone(&keys), reach, peer);
        Ok(Self { user, keys, since: driver.now().wall, accept, driver })
    }

    /// The address on which the UDP socket receives, with the port that the system chose if it was 0.
    pub const fn local_address(&self) -> SocketAddr {
        self.driver.local_address()
    }

    /// The entry that the other members add to their rosters. Its only address is [`Endpoint::local_address`]; replace
    /// it if the others reach this endpoint by another one.
    pub fn entry(&self) -> Entry {
        Entry {
            user: self.user.clone(),
            key: self.keys.public(),
            addresses: vec![self.local_address()],
            since: self.since,
            versions: LinkVersions { low: VERSION, high: VERSION },
            extras: Extras::default(),
        }
    }

    /// Adds `entries` to the roster. The endpoint's own entry is ignored.
    pub fn add_to_roster(&mut self, entries: impl IntoIterator<Item = Entry>) {
        self.driver.handle(Input::Roster(entries.into_iter().collect()));
    }

    /// Applies one change to the roster. A change of the endpoint's own entry is ignored.
    pub fn apply_change(&mut self, change: Change) {
        self.driver.handle(Input::Change(change));
    }

    /// Queues a message. The next call of [`Endpoint::next`] or [`Endpoint::try_next`] transmits it, together with
    /// everything else that is queued by then, in as few datagrams as possible. Each recipient's outcome follows as
    /// [`Output::Report`].
    ///
    /// # Errors
    /// See [`SendError`]. The message was not queued, and no recipient will receive it.
    pub fn send(&mut self, to: Recipient, content: Content) -> Result<QueuedMessage, SendError> {
        self.driver.send(to, content, |now| now.wall)
    }

    /// Receives and transmits without waiting, and appends what happened to `events`. Returns whether another call can
    /// make progress immediately.
    pub fn try_next(&mut self, events: &mut Vec<Output>) -> bool {
        let before = events.len();
        let progress = self.driver.try_next(events);
        self.accept_later(&events[before..]);
        progress == Progress::More
    }

    /// Receives and transmits until something has happened, and appends it to `events`. With [`AcceptMode::Automatic`],
    /// the next call accepts the messages in it.
    ///
    /// # Cancel safety
    /// Dropping the future loses no event. The endpoint makes no progress until the next call.
    pub async fn next(&mut self, events: &mut Vec<Output>) {
        let before = events.len();
        self.driver.next(events).await;
        self.accept_later(&events[before..]);
    }

    /// Accepts a message. Its sender receives the outcome `delivered`. For [`AcceptMode::Manual`].
    pub fn accept(&mut self, token: Token) {
        self.driver.handle(Input::Accept(token));
    }

    /// Accepts a message and all earlier ones of its session about which the application has not decided, such as those of
    /// a whole [`Delivery`] with its [last token](Delivery::last_token). For [`AcceptMode::Manual`].
    pub fn accept_up_to(&mut self, token: Token) {
        self.driver.handle(Input::AcceptUpTo(token));
    }

    /// Refuses a message. Its sender receives the outcome `failed`. With [`AcceptMode::Automatic`], call it before the
    /// next [`Endpoint::next`], which accepts the message otherwise.
    pub fn refuse(&mut self, token: Token) {
        self.driver.handle(Input::Refuse(token));
    }

    /// The number of outcomes that are not known yet.
    pub const fn pending_outcomes(&self) -> usize {
        self.driver.pending_outcomes()
    }

    /// Ends the session: sends a goodbye to every peer, waiting up to 500 ms for the socket, and appends the outcomes
    /// that were still pending to `events`.
    ///
    /// # Cancel safety
    /// If the future is dropped, the session ends nevertheless, and some peers may receive no goodbye.
    pub async fn leave(self, events: &mut Vec<Output>) {
        self.driver.leave(events).await;
    }

    /// Ends a session that a newer login of its account replaced. Like [`Endpoint::leave`], but without goodbyes: peers
    /// learn from their roster that the session was replaced.
    ///
    /// # Cancel safety
    /// If the future is dropped, the session ends nevertheless.
    pub async fn replaced(self, events: &mut Vec<Output>) {
        self.driver.replaced(events).await;
    }

    /// With [`AcceptMode::Automatic`], accepts the messages in `events` at the next call.
    fn accept_later(&mut self, events: &[Output]) {
        if self.accept == AcceptMode::Automatic {
            for event in events {
                if let Output::Deliver(delivery) = event {
                    self.driver.accept_with_next_turn(delivery.last_token());
                }
            }
        }
    }
}
