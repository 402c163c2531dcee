//! A world of servers, users and what lies between them: the three machines under virtual time, from one seed.
//!
//! Users are named by the number that [`World::add_user`] gives them, because two of them may log in by the same name.
//! What goes wrong is in [`faults`](World::kill), one method for each misfortune.

mod faults;
mod medium;
mod server;
mod time;
mod user;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

pub use faults::{AddressChange, ConnectionFault, Crash, Direction, Suspension};

use self::faults::Sleeping;
use self::medium::Medium;
use self::server::Host;
use self::user::{At, Desk};
use super::{Application, Clock, Ledger, Network, Profile};
use crate::accounts::memory::MemoryAccounts;
use crate::client::{self, ClientConfig, Credentials};
use crate::message::{Content, Recipient};
use crate::name::UserName;
use crate::password::Password;
use crate::peer::{self, Peer, PeerConfig};
use crate::presence::Record;
use crate::roster::Roster;
use crate::server::{Counts, ServerConfig};
use crate::text::Text;
use crate::time::Mono;
use crate::wire::control::Purpose;

/// A user of a [`World`].
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct UserId(usize);

/// A server of a [`World`].
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct ServerId(usize);

/// How the machines of a world are set up.
#[derive(Clone, Debug)]
pub struct WorldConfig {
    /// All servers.
    pub server: ServerConfig,
    /// All clients.
    pub client: ClientConfig,
    /// All peers.
    pub peer: PeerConfig,
    /// How long accounts take to answer, on average; anything between a half and one and a half of it.
    pub job_time: Duration,
}

impl Default for WorldConfig {
    fn default() -> Self {
        Self {
            server: ServerConfig::default(),
            client: ClientConfig::default(),
            peer: PeerConfig::default(),
            // One password check on an ordinary core.
            job_time: Duration::from_millis(20),
        }
    }
}

/// Something that a user's program was told, and when.
#[derive(Debug)]
pub struct TimedEvent {
    /// The time of the world.
    pub at: Mono,
    /// What.
    pub event: ProgramEvent,
}

/// What a user's program is told.
#[derive(Debug)]
pub enum ProgramEvent {
    /// By the client machine.
    Client(client::Event),
    /// By the peer machine.
    Peer(peer::Output),
}

/// Any number of machines of all three kinds, wired as a real driver does it, with everything that goes wrong between
/// them: lost connections, killed programs, sleep, other addresses, clocks that go wrong.
#[derive(Debug)]
pub struct World {
    /// What was sent, taken and told.
    pub ledger: Ledger,
    config: WorldConfig,
    seed: u64,
    medium: Medium,
    servers: Vec<Host>,
    users: Vec<Desk>,
    sleeping: BTreeMap<UserId, Sleeping>,
    by_address: BTreeMap<SocketAddr, UserId>,
    starts: u64,
    tags: u64,
}

/// The password of every user.
const PASSWORD: &str = "correct horse";

impl World {
    /// A world with one running server, which is [`World::SERVER`], and nobody in it.
    pub fn new(profile: Profile, config: WorldConfig, seed: u64) -> Self {
        let mut world = Self {
            ledger: Ledger::new(),
            config,
            seed,
            medium: Medium::new(profile, seed),
            servers: Vec::new(),
            users: Vec::new(),
            sleeping: BTreeMap::new(),
            by_address: BTreeMap::new(),
            starts: 0,
            tags: 0,
        };
        world.add_server();
        world
    }

    /// The server that is there from the beginning.
    pub const SERVER: ServerId = ServerId(0);

    /// One more server, with accounts of its own. It runs.
    pub fn add_server(&mut self) -> ServerId {
        let id = ServerId(self.servers.len());
        // Clocks begin anywhere, so that nobody relies on zero.
        let clock = Clock::new(Mono::at(Duration::from_secs(1_000 + self.servers.len() as u64)));
        self.servers.push(Host::new(id, clock, [u8::try_from(id.0).unwrap_or(u8::MAX); 32]));
        self.start_server(id);
        id
    }

    /// One more user of the first server, not logged in.
    pub fn add_user(&mut self, name: &str) -> UserId {
        self.add_user_of(Self::SERVER, name)
    }

    /// One more user of `server`, not logged in.
    ///
    /// # Panics
    /// If `name` is no user name, as also below where texts are given as strings.
    pub fn add_user_of(&mut self, server: ServerId, name: &str) -> UserId {
        let id = UserId(self.users.len());
        let name = UserName::parse(name).expect("simulations use proper names");
        let [_, _, high, low] = u32::try_from(id.0 + 1).expect("few users").to_be_bytes();
        let address = SocketAddr::from(([10, 0, high, low], 4000));
        let clock = Clock::new(Mono::at(Duration::from_secs(id.0 as u64 * 7)));
        self.users.push(Desk::new(id, name, server, clock, address));
        self.by_address.insert(address, id);
        id
    }

    /// Starts the user's program, which registers or not and logs in.
    ///
    /// # Panics
    /// If the computer sleeps.
    pub fn login(&mut self, user: UserId, purpose: Purpose) {
        assert!(!self.sleeping.contains_key(&user), "the computer sleeps");
        let password = Password::parse(PASSWORD).expect("long enough");
        let login = Credentials { user: self.users[user.0].user.clone(), password, purpose, invitation: None };
        let seed = self.next_seed();
        self.with(user, |desk, at| desk.start(login, seed, at));
    }

    /// Adds users of the first server who register, and lets time pass until all of them are online.
    ///
    /// # Panics
    /// If that takes longer than a minute.
    pub fn add_online<const N: usize>(&mut self, names: [&str; N]) -> [UserId; N] {
        let users = names.map(|name| self.add_user(name));
        users.iter().for_each(|user| self.login(*user, Purpose::Register));
        let online = |world: &Self| users.iter().all(|user| world.check_roster(*user).is_ok());
        assert!(self.run_until(Duration::from_secs(60), online), "nobody hinders them");
        users
    }

    /// Sends a text; what comes of it is among what the user is told. Whose program stands still says nothing, and does
    /// nothing else that is asked of it.
    pub fn send_text(&mut self, user: UserId, to: Recipient, text: &str) {
        let content = Content::Text(Text::parse(text).expect("simulations send proper texts"));
        self.tags += 1;
        let tag = self.tags;
        self.with(user, |desk, at| {
            let now = desk.now(at.medium);
            let sent_at = desk.client.as_ref().map_or(now.wall, |client| client.server_time(now));
            desk.feed_peer(peer::Input::Send { tag, to, content, sent_at }, at);
        });
    }

    /// The user goes offline.
    pub fn leave(&mut self, user: UserId) {
        self.with(user, |desk, at| desk.feed_client(client::Input::Leave, at));
    }

    /// Lets the user's application behave otherwise from now on.
    pub fn set_application(&mut self, user: UserId, application: Application) {
        self.users[user.0].inbox.set(application);
        self.with(user, Desk::tick);
    }

    /// The time.
    pub const fn now(&self) -> Mono {
        self.medium.now
    }

    /// The network that carries datagrams.
    pub const fn network(&mut self) -> &mut Network {
        &mut self.medium.network
    }

    /// The user's name.
    pub fn name(&self, user: UserId) -> &UserName {
        &self.users[user.0].user
    }

    /// A message to this user alone.
    pub fn recipient(&self, user: UserId) -> Recipient {
        Recipient::One(self.name(user).clone())
    }

    /// Where the user's socket is.
    pub fn address(&self, user: UserId) -> SocketAddr {
        self.users[user.0].address
    }

    /// Whom the user's client shows as online; none if no program runs.
    pub fn roster(&self, user: UserId) -> Option<&Roster> {
        self.users[user.0].client.as_ref().map(client::Client::roster)
    }

    /// Who is online by the server; none if it does not run.
    pub fn server_roster(&self, server: ServerId) -> Option<&Roster> {
        self.servers[server.0].machine().map(crate::server::Server::roster)
    }

    /// What came of attempts to log in to a server, in this run of it; none if it does not run.
    pub fn server_counts(&self, server: ServerId) -> Option<Counts> {
        self.servers[server.0].machine().map(crate::server::Server::counts)
    }

    /// The presence log of a server, over all its runs.
    pub fn records(&self, server: ServerId) -> &[Record] {
        &self.servers[server.0].records
    }

    /// The accounts of a server.
    pub fn accounts(&self, server: ServerId) -> &MemoryAccounts {
        &self.servers[server.0].accounts
    }

    /// Whether the user's roster is the server's without the user.
    ///
    /// # Errors
    /// How they differ.
    pub fn check_roster(&self, user: UserId) -> Result<(), String> {
        let desk = &self.users[user.0];
        let mine = self.roster(user).ok_or("no program runs")?;
        let theirs = self.server_roster(desk.server).ok_or("no server runs")?;
        if theirs.get(&desk.user).is_none() {
            return Err(format!("the server does not know {}", desk.user));
        }
        let mine: Vec<_> = mine.iter().collect();
        let others: Vec<_> = theirs.iter().filter(|entry| entry.user != desk.user).collect();
        if mine == others {
            return Ok(());
        }
        Err(format!("{} sees {mine:?}\nand the server {others:?}", desk.user))
    }

    /// Whether what a user was told, one after the other, adds up to what it shows: who is there, with which key and where.
    ///
    /// # Errors
    /// How they differ.
    pub fn check_changes(&self, user: UserId, told: &Roster) -> Result<(), String> {
        let known = |roster: &Roster| -> Vec<_> {
            roster.iter().map(|entry| (entry.user.clone(), entry.key, entry.addresses.clone())).collect()
        };
        let (told, shown) = (known(told), known(self.roster(user).ok_or("no program runs")?));
        if told == shown { Ok(()) } else { Err(format!("it was told {told:?}\nand shows {shown:?}")) }
    }

    /// Takes away what a user was told since the last time.
    pub fn take_events(&mut self, user: UserId) -> Vec<TimedEvent> {
        std::mem::take(&mut self.users[user.0].told)
    }

    /// Whether the user's program runs and has not come to its end: it is online, or on its way there.
    pub fn is_running(&self, user: UserId) -> bool {
        self.users[user.0].client.as_ref().is_some_and(|client| client.deadline().is_some())
    }

    /// How many outcomes are open at a user.
    pub fn open(&self, user: UserId) -> usize {
        self.users[user.0].peer.as_ref().map_or(0, Peer::pending_outcomes)
    }

    fn with(&mut self, user: UserId, action: impl FnOnce(&mut Desk, &mut At<'_>)) {
        if self.sleeping.contains_key(&user) {
            return;
        }
        let mut at = At { medium: &mut self.medium, ledger: &mut self.ledger, config: &self.config };
        action(&mut self.users[user.0], &mut at);
    }

    fn next_seed(&mut self) -> u64 {
        self.starts += 1;
        self.seed.wrapping_mul(1_000_003).wrapping_add(self.starts)
    }
}
