//! A world of servers and users: their server, client and peer machines in virtual time, from one seed.
//!
//! Users are identified by the number from [`World::add_user`], because several of them may log in to the same account.
//! The module `faults` has a method for each fault, such as [`World::kill`].

mod cluster;
mod config;
mod faults;
mod journal;
mod medium;
mod relay;
mod server;
mod time;
mod user;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

pub use config::WorldConfig;
pub use faults::{AddressChange, ConnectionFault, Crash, Direction, Suspension};

use self::faults::Suspended;
use self::medium::Medium;
use self::server::ServerNode;
use self::user::{UserContext, UserNode};
use super::{Application, Clock, Ledger, Network, Profile};
use crate::accounts::memory::MemoryAccounts;
use crate::away::AwayText;
use crate::client::{self, Credentials};
use crate::message::{Content, Recipient};
use crate::name::UserName;
use crate::password::Password;
use crate::peer::{self, LimitCounts, Peer};
use crate::presence::Record;
use crate::relay::RelayCounts;
use crate::roster::Roster;
use crate::server::Counts;
use crate::text::Text;
use crate::time::Mono;
use crate::wire::control::Purpose;

/// A user of a [`World`].
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct UserId(usize);

/// A server of a [`World`].
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct ServerId(usize);

/// An event and its time.
#[derive(Debug)]
#[non_exhaustive]
pub struct TimedEvent {
    /// The time of the simulation.
    pub at: Mono,
    /// The event.
    pub event: ProgramEvent,
}

/// An event of a user's program.
#[derive(Debug)]
#[non_exhaustive]
pub enum ProgramEvent {
    /// An event of the client machine.
    Client(client::Event),
    /// An output of the peer machine.
    Peer(peer::Output),
}

/// Server, client and peer machines in any number, wired as by a real driver.
///
/// A test can inject faults: broken connections, crashes, suspensions, changes of address, and wrong clocks.
#[derive(Debug)]
pub struct World {
    /// The messages and outcomes of all users.
    pub ledger: Ledger,
    config: WorldConfig,
    seed: u64,
    medium: Medium,
    servers: Vec<ServerNode>,
    users: Vec<UserNode>,
    suspended: BTreeMap<UserId, Suspended>,
    by_address: BTreeMap<SocketAddr, UserId>,
    starts: u64,
    tags: u64,
    /// The journal that the servers share, in a world of nodes.
    journal: Option<journal::SimJournal>,
    /// The servers whose processes are suspended, with what waits for them.
    asleep: BTreeMap<ServerId, Vec<medium::Event>>,
    observed: cluster::Observed,
}

/// The password of every user.
const PASSWORD: &str = "correct horse";

impl World {
    /// Creates a world with one running server, [`World::SERVER`], and no users.
    pub fn new(profile: Profile, config: WorldConfig, seed: u64) -> Self {
        let mut world = Self::empty(profile, config, seed);
        world.add_server();
        world
    }

    fn empty(profile: Profile, config: WorldConfig, seed: u64) -> Self {
        Self {
            ledger: Ledger::new(),
            config,
            seed,
            medium: Medium::new(profile, seed),
            servers: Vec::new(),
            users: Vec::new(),
            suspended: BTreeMap::new(),
            by_address: BTreeMap::new(),
            starts: 0,
            tags: 0,
            journal: None,
            asleep: BTreeMap::new(),
            observed: cluster::Observed::default(),
        }
    }

    /// The server that exists from the beginning.
    pub const SERVER: ServerId = ServerId(0);

    /// Adds and starts a server with accounts of its own.
    pub fn add_server(&mut self) -> ServerId {
        let id = self.add_stopped_server();
        self.start_server(id);
        id
    }

    fn add_stopped_server(&mut self) -> ServerId {
        let id = ServerId(self.servers.len());
        // Clocks start anywhere, so that nothing relies on zero.
        let clock = Clock::new(Mono::at(Duration::from_secs(1_000 + self.servers.len() as u64)));
        self.servers.push(ServerNode::new(id, clock, [u8::try_from(id.0).unwrap_or(u8::MAX); 32]));
        id
    }

    /// Adds a user of the first server, who is not logged in.
    pub fn add_user(&mut self, name: &str) -> UserId {
        self.add_user_of(Self::SERVER, name)
    }

    /// Adds a user of `server`, who is not logged in.
    ///
    /// # Panics
    /// If `name` is not a valid user name.
    pub fn add_user_of(&mut self, server: ServerId, name: &str) -> UserId {
        let id = UserId(self.users.len());
        let name = UserName::parse(name).expect("simulations use valid names");
        let [_, _, high, low] = u32::try_from(id.0 + 1).expect("fewer than 2^32 users").to_be_bytes();
        let address = SocketAddr::from(([10, 0, high, low], 4000));
        let clock = Clock::new(Mono::at(Duration::from_secs(id.0 as u64 * 7)));
        self.users.push(UserNode::new(id, name, server, clock, address));
        if self.journal.is_some() {
            self.users[id.0].servers = (0..self.servers.len()).map(ServerId).collect();
        }
        self.by_address.insert(address, id);
        id
    }

    /// Starts the user's program, which logs in or registers.
    ///
    /// # Panics
    /// If the user is suspended.
    pub fn login(&mut self, user: UserId, purpose: Purpose) {
        assert!(!self.suspended.contains_key(&user), "the user is suspended");
        let password = Password::parse(PASSWORD).expect("a valid password");
        let credentials = Credentials { user: self.users[user.0].user.clone(), password, purpose, invitation: None };
        let seed = self.next_seed();
        self.with(user, |node, cx| node.start(credentials, seed, cx));
    }

    /// Adds users of the first server who register, and advances the simulation until all are online.
    ///
    /// # Panics
    /// If that takes longer than a minute.
    pub fn add_online<const N: usize>(&mut self, names: [&str; N]) -> [UserId; N] {
        let users = names.map(|name| self.add_user(name));
        users.iter().for_each(|user| self.login(*user, Purpose::Register));
        let online = |world: &Self| users.iter().all(|user| world.check_roster(*user).is_ok());
        assert!(self.run_until(Duration::from_secs(60), online), "the users are not online after a minute");
        users
    }

    /// Sends a text from a user. The outcomes are among the user's events. Has no effect while the user is suspended.
    pub fn send_text(&mut self, user: UserId, to: Recipient, text: &str) {
        let content = Content::Text(Text::parse(text).expect("simulations send valid texts"));
        self.tags += 1;
        let tag = self.tags;
        self.with(user, |node, cx| {
            let now = node.now(cx.medium);
            let sent_at = node.client.as_ref().map_or(now.wall, |client| client.server_time(now));
            node.feed_peer(peer::Input::Send { tag, to, content, sent_at }, cx);
        });
    }

    /// Lets the user go away with an away text, or come back. Has no effect while the user is suspended.
    pub fn set_away(&mut self, user: UserId, away: Option<AwayText>) {
        self.with(user, |node, cx| node.feed_client(client::Input::SetAway(away), cx));
    }

    /// Makes the user leave. Has no effect while the user is suspended.
    pub fn leave(&mut self, user: UserId) {
        self.with(user, UserNode::leave);
    }

    /// Changes how the user's application handles messages.
    pub fn set_application(&mut self, user: UserId, application: Application) {
        self.users[user.0].inbox.set(application);
        self.with(user, UserNode::tick);
    }

    /// The current time of the simulation.
    pub const fn now(&self) -> Mono {
        self.medium.now
    }

    /// The network that carries datagrams.
    pub const fn network(&mut self) -> &mut Network {
        &mut self.medium.network
    }

    /// The user name.
    pub fn name(&self, user: UserId) -> &UserName {
        &self.users[user.0].user
    }

    /// The recipient of a message to this user alone.
    pub fn recipient(&self, user: UserId) -> Recipient {
        Recipient::One(self.name(user).clone())
    }

    /// The address of the user's UDP socket.
    pub fn address(&self, user: UserId) -> SocketAddr {
        self.users[user.0].address
    }

    /// The roster of the user's client, if the program is running.
    pub fn roster(&self, user: UserId) -> Option<&Roster> {
        self.users[user.0].client.as_ref().map(client::Client::roster)
    }

    /// The roster of a server, if the server is running.
    pub fn server_roster(&self, server: ServerId) -> Option<&Roster> {
        self.servers[server.0].machine().map(crate::server::Server::roster)
    }

    /// The counts of a server in its current run, if the server is running.
    pub fn server_counts(&self, server: ServerId) -> Option<Counts> {
        self.servers[server.0].machine().map(crate::server::Server::counts)
    }

    /// What the relay of a server has passed on and dropped in its current run.
    pub fn relay_counts(&self, server: ServerId) -> RelayCounts {
        self.servers[server.0].relay_counts()
    }

    /// Returns how often each limit on peers took effect, over all users and their programs.
    pub fn limit_counts(&self) -> LimitCounts {
        let mut counts = LimitCounts::default();
        self.users.iter().for_each(|node| counts += node.limit_counts());
        counts
    }

    /// The presence log of a server, over all its runs.
    pub fn records(&self, server: ServerId) -> &[Record] {
        &self.servers[server.0].records
    }

    /// The accounts of a server.
    pub fn accounts(&self, server: ServerId) -> &MemoryAccounts {
        &self.servers[server.0].accounts
    }

    /// Checks that the client's roster equals the server's without the user's own entry, which says whether the user is
    /// away.
    ///
    /// # Errors
    /// A description of the difference.
    pub fn check_roster(&self, user: UserId) -> Result<(), String> {
        let node = &self.users[user.0];
        let mine = self.roster(user).ok_or("the program is not running")?;
        let theirs = self.server_roster(node.server).ok_or("the server is not running")?;
        let Some(own) = theirs.get(&node.user) else { return Err(format!("the server does not know {}", node.user)) };
        let said = node.client.as_ref().and_then(client::Client::away);
        if own.away().as_ref() != said {
            return Err(format!("{} said {said:?} about being away, and the server knows {:?}", node.user, own.away()));
        }
        let mine: Vec<_> = mine.iter().collect();
        let others: Vec<_> = theirs.iter().filter(|entry| entry.user != node.user).collect();
        if mine == others {
            return Ok(());
        }
        Err(format!("{} has {mine:?}\nand the server {others:?}", node.user))
    }

    /// Checks that `reported`, the roster that results from a client's reported changes, has the same users, keys,
    /// addresses and away texts as the client's own roster.
    ///
    /// # Errors
    /// A description of the difference.
    pub fn check_changes(&self, user: UserId, reported: &Roster) -> Result<(), String> {
        let known = |roster: &Roster| -> Vec<_> {
            roster.iter().map(|entry| (entry.user.clone(), entry.key, entry.addresses.clone(), entry.away())).collect()
        };
        let (reported, actual) = (known(reported), known(self.roster(user).ok_or("the program is not running")?));
        if reported == actual { Ok(()) } else { Err(format!("the client reported {reported:?}\nand has {actual:?}")) }
    }

    /// Takes the events of a user since the last call.
    pub fn take_events(&mut self, user: UserId) -> Vec<TimedEvent> {
        std::mem::take(&mut self.users[user.0].events)
    }

    /// Whether the user's program is running: it is online or tries to be.
    pub fn is_running(&self, user: UserId) -> bool {
        self.users[user.0].client.as_ref().is_some_and(|client| client.deadline().is_some())
    }

    /// The number of outcomes that a user's program has not reported yet.
    pub fn pending_outcomes(&self, user: UserId) -> usize {
        self.users[user.0].peer.as_ref().map_or(0, Peer::pending_outcomes)
    }

    fn with(&mut self, user: UserId, action: impl FnOnce(&mut UserNode, &mut UserContext<'_>)) {
        if self.suspended.contains_key(&user) {
            return;
        }
        let mut cx = UserContext { medium: &mut self.medium, ledger: &mut self.ledger, config: &self.config };
        action(&mut self.users[user.0], &mut cx);
    }

    fn next_seed(&mut self) -> u64 {
        self.starts += 1;
        self.seed.wrapping_mul(1_000_003).wrapping_add(self.starts)
    }
}
