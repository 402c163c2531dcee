//! Messages without a server: one session among peers whose roster comes from somewhere else.
//!
//! A program that has a directory of its own (a game lobby, a cluster) gives every session a key pair, tells each
//! [`Endpoint`] who is there, and gets what [`client`](crate::client) gives: sealed messages, in order, each with its
//! outcome. An endpoint has no task: it works while [`Endpoint::next`] is awaited, in the thread of its caller.
//!
//! ```
//! use std::sync::Arc;
//!
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
//! let (mut told, mut heard) = (Vec::new(), Vec::new());
//! while alice.pending_outcomes() > 0 {
//!     tokio::select! {
//!         () = alice.next(&mut told) => {}
//!         () = bob.next(&mut heard) => {}
//!     }
//! }
//! assert!(matches!(&heard[0], Output::Deliver { message, .. } if message.from.as_str() == "alice"));
//! assert!(matches!(told[..], [Output::Report(_), Output::Summary { delivered: 1, .. }]));
//! # Ok(())
//! # }
//! ```

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use chat_core::extras::Extras;
use chat_core::key::KeyPair;
use chat_core::message::{Content, Recipient};
use chat_core::name::UserName;
use chat_core::peer::{Input, Loopback, Output, Peer, PeerConfig, SendError, Token};
use chat_core::roster::{Change, Entry, LinkVersions};
use chat_core::time::Timestamp;
use chat_core::wire::datagram::VERSION;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::client::{AcceptMode, Sent};
use crate::clock::Clock;
use crate::random::SystemGenerator;
use crate::udp::{Turn, Udp};

/// What an endpoint is to be like. [`EndpointOptions::new`] has the defaults.
#[derive(Debug)]
pub struct EndpointOptions {
    /// Whose session it is.
    pub user: UserName,
    /// The session's keys: a new pair for every session.
    pub keys: Arc<KeyPair>,
    /// Where messages are received.
    pub udp: SocketAddr,
    /// What counts as accept a message.
    pub accept: AcceptMode,
    /// The times and bounds of the links.
    pub peer: PeerConfig,
}

impl EndpointOptions {
    /// A new session of `user` at `udp`, everything else by default.
    pub fn new(user: UserName, udp: SocketAddr) -> Self {
        let keys = Arc::new(KeyPair::generate(&mut SystemGenerator));
        Self { user, keys, udp, accept: AcceptMode::Automatic, peer: PeerConfig::default() }
    }
}

/// One session among peers. See the [module](self).
///
/// When it is dropped without [`Endpoint::leave`] its peers learn nothing, and what they send becomes unconfirmed.
#[derive(Debug)]
pub struct Endpoint {
    user: UserName,
    keys: Arc<KeyPair>,
    since: Timestamp,
    clock: Clock,
    peer: Peer,
    udp: Udp,
    accept: AcceptMode,
    out: Vec<Output>,
    /// What the application was given last; asking for more says that it was taken.
    taken: Vec<Token>,
    next_tag: u64,
    timer: Pin<Box<Sleep>>,
}

/// How long [`Endpoint::leave`] waits for the socket to take the goodbyes.
const BYE_TIME: Duration = Duration::from_millis(500);

impl Endpoint {
    /// Binds the socket. `[::]` receives IPv4 too, and becomes `0.0.0.0` on a machine without IPv6.
    ///
    /// # Errors
    /// The address cannot be bound.
    ///
    /// # Panics
    /// Outside a tokio runtime with I/O and time enabled.
    pub fn bind(options: EndpointOptions) -> io::Result<Self> {
        let EndpointOptions { user, keys, udp, accept, peer } = options;
        let clock = Clock::start();
        let udp = Udp::bind(udp)?;
        // Whoever feeds the roster knows which addresses are meant.
        let peer = Peer::new(Arc::clone(&keys), user.clone(), Loopback::Allowed, peer, Box::new(SystemGenerator));
        Ok(Self {
            user,
            keys,
            since: clock.now().wall,
            clock,
            peer,
            udp,
            accept,
            out: Vec::new(),
            taken: Vec::new(),
            next_tag: 0,
            timer: Box::pin(sleep_until(Instant::now())),
        })
    }

    /// Where it receives.
    pub const fn local_address(&self) -> SocketAddr {
        self.udp.local_address()
    }

    /// What others put into their rosters to reach it, if [`Endpoint::local_address`] is where they can.
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

    /// Adds everybody in `entries` to the roster; oneself is passed over.
    pub fn add_to_roster(&mut self, entries: impl IntoIterator<Item = Entry>) {
        self.feed(Input::Roster(entries.into_iter().collect()));
    }

    /// Makes one change of the roster.
    pub fn apply_change(&mut self, change: Change) {
        self.feed(Input::Change(change));
    }

    /// Queues a message; it leaves when [`Endpoint::next`] or [`Endpoint::try_next`] is called next, together with
    /// whatever else is queued by then. Each of its recipients has an outcome, told as [`Output::Report`].
    ///
    /// # Errors
    /// It is not accepted, and nothing was sent.
    pub fn send(&mut self, to: Recipient, content: Content) -> Result<Sent, SendError> {
        let now = self.clock.now();
        let at = now.wall;
        let (tag, before) = (self.next_tag, self.out.len());
        self.next_tag += 1;
        self.peer.handle(now, Input::Send { tag, to, content, sent_at: at }, &mut self.out);
        let index = self.out[before..].iter().position(|output| answers(output, tag));
        match index.map(|index| self.out.remove(before + index)) {
            Some(Output::Queued { id, recipients, .. }) => Ok(Sent { id, recipients, at }),
            Some(Output::NotSent { error, .. }) => Err(error),
            _ => unreachable!("the machine answers every send at once"),
        }
    }

    /// Does what [`Endpoint::next`] does without waiting; gives whether there is more to do at once.
    pub fn try_next(&mut self, events: &mut Vec<Output>) -> bool {
        let more = self.turn();
        self.hand_over(events);
        more
    }

    /// Works until something happened, and appends it to `events`. With [`AcceptMode::Automatic`] the messages among it
    /// count as taken when it is called again.
    ///
    /// Cancel safety: no event is lost if the future is dropped; but nothing is received or sent before the next call.
    pub async fn next(&mut self, events: &mut Vec<Output>) {
        tokio::task::coop::consume_budget().await;
        loop {
            let more = self.turn();
            if !self.out.is_empty() {
                return self.hand_over(events);
            }
            if let Some(deadline) = self.peer.deadline() {
                let deadline = self.clock.instant(deadline);
                // One that rings too early costs less than setting it for every datagram.
                if deadline < self.timer.deadline() || self.timer.is_elapsed() {
                    self.timer.as_mut().reset(deadline);
                }
            }
            tokio::select! {
                biased;
                () = self.udp.ready() => {}
                () = &mut self.timer, if self.peer.deadline().is_some() => {}
                () = tokio::task::yield_now(), if more => {}
            }
        }
    }

    /// Says that a message was taken, with [`AcceptMode::Manual`].
    pub fn accept(&mut self, token: Token) {
        self.feed(Input::Accept(token));
    }

    /// Says that a message is not wanted: its sender is told `refused`. With [`AcceptMode::Automatic`] it must be called
    /// before the next [`Endpoint::next`].
    pub fn refuse(&mut self, token: Token) {
        self.feed(Input::Refuse(token));
    }

    /// How many outcomes are still to come.
    pub const fn pending_outcomes(&self) -> usize {
        self.peer.open()
    }

    /// Says goodbye to all peers, and appends the outcomes that were still to come to `events`.
    pub async fn leave(mut self, events: &mut Vec<Output>) {
        self.turn();
        self.feed(Input::Leave);
        self.hand_over(events);
        // What the socket does not take in time is lost like any datagram.
        drop(tokio::time::timeout(BYE_TIME, self.say_goodbye()).await);
    }

    async fn say_goodbye(&mut self) {
        loop {
            if self.udp.transmit(&mut self.peer, self.clock.now()) == Turn::More {
                tokio::task::yield_now().await;
            } else if self.udp.flush() {
                return;
            } else {
                self.udp.writable().await;
            }
        }
    }

    fn hand_over(&mut self, events: &mut Vec<Output>) {
        if self.accept == AcceptMode::Automatic {
            self.taken.extend(self.out.iter().filter_map(|output| match output {
                Output::Deliver { token, .. } => Some(*token),
                _ => None,
            }));
        }
        events.append(&mut self.out);
    }

    /// Everything that can be done without waiting.
    fn turn(&mut self) -> bool {
        let now = self.clock.now();
        for token in self.taken.drain(..) {
            self.peer.handle(now, Input::Accept(token), &mut self.out);
        }
        let received = self.udp.receive(&mut self.peer, now, &mut self.out);
        if self.peer.deadline().is_some_and(|deadline| deadline <= now.mono) {
            self.peer.handle(now, Input::Tick, &mut self.out);
        }
        let transmitted = self.udp.transmit(&mut self.peer, now);
        received == Turn::More || transmitted == Turn::More
    }

    fn feed(&mut self, input: Input) {
        self.peer.handle(self.clock.now(), input, &mut self.out);
    }
}

const fn answers(output: &Output, to: u64) -> bool {
    match output {
        Output::Queued { tag, .. } | Output::NotSent { tag, .. } => *tag == to,
        _ => false,
    }
}
