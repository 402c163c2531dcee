//! Messages without a chat server: a session whose roster the application maintains.
//!
//! Use it in a program that already knows its members, such as a game lobby or a cluster. Each member opens an
//! [`Endpoint`] with a key pair of its own and adds the [entries](Endpoint::entry) of the others to its roster. Messages
//! then behave as with a [`client`](crate::client): sealed, in order, each with one outcome per recipient.
//!
//! An endpoint spawns no task. It receives and transmits only while the application awaits [`Endpoint::next`] or calls
//! [`Endpoint::try_next`].
//!
//! ```
//! use chat_core::message::{Content, Recipient};
//! use chat_core::peer::Output;
//! use chat_core::text::Text;
//! use chat_net::peers::{Endpoint, EndpointOptions};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let local = "127.0.0.1:0".parse()?;
//! let mut alice = Endpoint::bind(EndpointOptions::new("alice".parse()?, local))?;
//! let mut bob = Endpoint::bind(EndpointOptions::new("bob".parse()?, local))?;
//! alice.add_to_roster([bob.entry()]);
//! bob.add_to_roster([alice.entry()]);
//!
//! alice.send(Recipient::Everyone, Content::Text(Text::parse("大家好")?))?;
//! let (mut at_alice, mut at_bob) = (Vec::new(), Vec::new());
//! while alice.pending_outcomes() > 0 {
//!     tokio::select! {
//!         () = alice.next(&mut at_alice) => {}
//!         () = bob.next(&mut at_bob) => {}
//!     }
//! }
//! assert!(matches!(&at_bob[0], Output::Deliver { message, .. } if message.from.as_str() == "alice"));
//! assert!(matches!(at_alice[..], [Output::Report(_), Output::Summary { delivered: 1, .. }]));
//! # Ok(())
//! # }
//! ```

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use chat_core::extras::Extras;
use chat_core::id::MessageId;
use chat_core::key::KeyPair;
use chat_core::message::{Content, Recipient};
use chat_core::name::UserName;
use chat_core::peer::{Input, Loopback, Output, Peer, PeerConfig, SendError, Token};
use chat_core::roster::{Change, Entry, LinkVersions};
use chat_core::time::{Now, Timestamp};
use chat_core::wire::datagram::VERSION;
use tokio::time::{Instant, Sleep, sleep_until, timeout};

use crate::clock::Clock;
use crate::random::SystemGenerator;
use crate::udp::{Progress, Udp};

/// The settings of an [`Endpoint`]. [`EndpointOptions::new`] sets the defaults.
#[derive(Debug)]
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
pub enum AcceptMode {
    /// [`Client`](crate::client::Client): when [`Client::next`](crate::client::Client::next) returns the message.
    /// [`Endpoint`]: at the call after the one that returned it.
    Automatic,
    /// When the application calls `accept` with the message's token.
    Manual,
}

/// A message that was queued for its recipients.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct QueuedMessage {
    /// The id that the message's reports carry.
    pub id: MessageId,
    /// The number of recipients. One outcome follows for each. Zero for a message to everyone if nobody else is online.
    pub recipients: usize,
    /// The time that the message carries.
    pub at: Timestamp,
}

/// A session without a server. See the [module](self).
///
/// It is the driver of the peer machine: it owns the machine, the UDP socket and the buffers between them. The task of a
/// [`Client`](crate::client::Client) drives its peers with one too.
///
/// Dropping it without [`Endpoint::leave`] sends no goodbyes: messages that peers send afterwards become unconfirmed.
#[derive(Debug)]
pub struct Endpoint {
    user: UserName,
    keys: Arc<KeyPair>,
    since: Timestamp,
    clock: Clock,
    peer: Peer,
    udp: Udp,
    accept: AcceptMode,
    outputs: Vec<Output>,
    /// Messages that the application received with the last call. The next call accepts them.
    received: Vec<Token>,
    timer: Pin<Box<Sleep>>,
}

/// How long [`Endpoint::leave`] waits for the socket. Goodbyes that are not sent by then are lost, and peers learn of the
/// departure from the roster or from silence.
const GOODBYE_TIME: Duration = Duration::from_millis(500);

impl Endpoint {
    /// Binds the UDP socket and begins the session. A socket on `[::]` also receives IPv4; on a machine without IPv6,
    /// `[::]` becomes `0.0.0.0`.
    ///
    /// # Errors
    /// The address cannot be bound.
    ///
    /// # Panics
    /// Outside a tokio runtime with I/O and time enabled.
    pub fn bind(options: EndpointOptions) -> io::Result<Self> {
        let EndpointOptions { user, keys, udp, accept, peer } = options;
        // The application decides which addresses enter the roster, so loopback addresses are allowed.
        Ok(Self::begin(Udp::bind(udp)?, user, keys, Loopback::Allowed, accept, peer))
    }

    /// Begins a session on `udp`.
    pub(crate) fn begin(
        udp: Udp,
        user: UserName,
        keys: Arc<KeyPair>,
        loopback: Loopback,
        accept: AcceptMode,
        config: PeerConfig,
    ) -> Self {
        let clock = Clock::start();
        let reach = udp.reach(loopback);
        let peer = Peer::new(Arc::clone(&keys), user.clone(), reach, config, Box::new(SystemGenerator));
        Self {
            user,
            keys,
            since: clock.now().wall,
            clock,
            peer,
            udp,
            accept,
            outputs: Vec::new(),
            received: Vec::new(),
            timer: Box::pin(sleep_until(Instant::now())),
        }
    }

    /// Ends the session without goodbyes, appends the outcomes that were pending to `events`, and returns the socket.
    pub(crate) fn end(mut self, events: &mut Vec<Output>) -> Udp {
        self.handle(Input::Leave);
        self.hand_over(events);
        self.udp
    }

    /// See [`Udp::use_zone_of`].
    pub(crate) fn use_zone_of(&mut self, local: SocketAddr) {
        self.udp.use_zone_of(local);
    }

    /// The address on which the UDP socket receives, with the port that the system chose if it was 0.
    pub const fn local_address(&self) -> SocketAddr {
        self.udp.local_address()
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
        self.handle(Input::Roster(entries.into_iter().collect()));
    }

    /// Applies one change to the roster. A change of the endpoint's own entry is ignored.
    pub fn apply_change(&mut self, change: Change) {
        self.handle(Input::Change(change));
    }

    /// Queues a message. The next call of [`Endpoint::next`] or [`Endpoint::try_next`] transmits it, together with
    /// everything else that is queued by then, in as few datagrams as possible. Each recipient's outcome follows as
    /// [`Output::Report`].
    ///
    /// # Errors
    /// The message was not queued, and no recipient will receive it.
    pub fn send(&mut self, to: Recipient, content: Content) -> Result<QueuedMessage, SendError> {
        let now = self.clock.now();
        self.send_with(now, to, content, now.wall)
    }

    /// Queues a message that carries the time `at`.
    pub(crate) fn send_at(
        &mut self,
        to: Recipient,
        content: Content,
        at: Timestamp,
    ) -> Result<QueuedMessage, SendError> {
        self.send_with(self.clock.now(), to, content, at)
    }

    fn send_with(
        &mut self,
        now: Now,
        to: Recipient,
        content: Content,
        at: Timestamp,
    ) -> Result<QueuedMessage, SendError> {
        let before = self.outputs.len();
        // The machine answers within the call, so the tag does not have to distinguish sends.
        self.peer.handle(now, Input::Send { tag: 0, to, content, sent_at: at }, &mut self.outputs);
        let is_answer = |output: &Output| matches!(output, Output::Queued { .. } | Output::NotSent { .. });
        let index = self.outputs[before..].iter().position(is_answer);
        match index.map(|index| self.outputs.remove(before + index)) {
            Some(Output::Queued { id, recipients, .. }) => Ok(QueuedMessage { id, recipients, at }),
            Some(Output::NotSent { error, .. }) => Err(error),
            _ => unreachable!("the machine answers every send within the call"),
        }
    }

    /// Receives and transmits without waiting, and appends what happened to `events`. Returns whether another call can
    /// make progress immediately.
    pub fn try_next(&mut self, events: &mut Vec<Output>) -> bool {
        let progress = self.turn();
        self.hand_over(events);
        progress == Progress::More
    }

    /// Receives and transmits until something has happened, and appends it to `events`. With [`AcceptMode::Automatic`],
    /// the next call accepts the messages in it.
    ///
    /// # Cancel safety
    /// Dropping the future loses no event. The endpoint makes no progress until the next call.
    pub async fn next(&mut self, events: &mut Vec<Output>) {
        tokio::task::coop::consume_budget().await;
        loop {
            let progress = self.turn();
            if !self.outputs.is_empty() {
                return self.hand_over(events);
            }
            if let Some(deadline) = self.peer.deadline() {
                let deadline = self.clock.instant(deadline);
                // A timer that fires too early costs less than resetting it for every datagram.
                if deadline < self.timer.deadline() || self.timer.is_elapsed() {
                    self.timer.as_mut().reset(deadline);
                }
            }
            tokio::select! {
                biased;
                () = self.udp.ready() => {}
                () = &mut self.timer, if self.peer.deadline().is_some() => {}
                () = tokio::task::yield_now(), if progress == Progress::More => {}
            }
        }
    }

    /// Accepts a message. Its sender receives the outcome `delivered`. For [`AcceptMode::Manual`].
    pub fn accept(&mut self, token: Token) {
        self.handle(Input::Accept(token));
    }

    /// Refuses a message. Its sender receives the outcome `failed`. With [`AcceptMode::Automatic`], call it before the
    /// next [`Endpoint::next`], which accepts the message otherwise.
    pub fn refuse(&mut self, token: Token) {
        self.handle(Input::Refuse(token));
    }

    /// The number of outcomes that are not known yet.
    pub const fn pending_outcomes(&self) -> usize {
        self.peer.pending_outcomes()
    }

    /// Ends the session: sends a goodbye to every peer, waiting up to 500 ms for the socket, and appends the outcomes
    /// that were still pending to `events`.
    pub async fn leave(self, events: &mut Vec<Output>) {
        self.end_with(Input::Leave, events).await;
    }

    /// Ends a session that a newer login of its account replaced. Like [`Endpoint::leave`], but without goodbyes: peers
    /// learn from their roster that the session was replaced.
    pub async fn replaced(self, events: &mut Vec<Output>) {
        self.end_with(Input::Replaced, events).await;
    }

    async fn end_with(mut self, last: Input, events: &mut Vec<Output>) {
        self.turn();
        self.handle(last);
        self.hand_over(events);
        drop(timeout(GOODBYE_TIME, self.flush()).await);
    }

    /// Transmits everything that the machine has to send.
    async fn flush(&mut self) {
        loop {
            if self.udp.transmit(&mut self.peer, self.clock.now()) == Progress::More {
                tokio::task::yield_now().await;
            } else if self.udp.flush() {
                return;
            } else {
                self.udp.writable().await;
            }
        }
    }

    /// Moves the outputs to `events`.
    pub(crate) fn hand_over(&mut self, events: &mut Vec<Output>) {
        if self.accept == AcceptMode::Automatic {
            self.received.extend(self.outputs.iter().filter_map(|output| match output {
                Output::Deliver { token, .. } => Some(*token),
                _ => None,
            }));
        }
        events.append(&mut self.outputs);
    }

    /// Does everything that is possible without waiting: accepts, receives, ticks and transmits.
    fn turn(&mut self) -> Progress {
        let now = self.clock.now();
        for token in self.received.drain(..) {
            self.peer.handle(now, Input::Accept(token), &mut self.outputs);
        }
        let received = self.udp.receive(&mut self.peer, now, &mut self.outputs);
        if self.peer.deadline().is_some_and(|deadline| deadline <= now.mono) {
            self.peer.handle(now, Input::Tick, &mut self.outputs);
        }
        received.or(self.udp.transmit(&mut self.peer, now))
    }

    pub(crate) fn handle(&mut self, input: Input) {
        self.peer.handle(self.clock.now(), input, &mut self.outputs);
    }
}
