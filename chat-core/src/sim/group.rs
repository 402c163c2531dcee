//! A group of peer machines on a simulated network, in virtual time.

mod hostile;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::START;
use super::application::{Application, Inbox};
use super::relayed::{Arrival, RelayServer};
use super::{Ledger, Network, Profile, RelayLine, SeededGenerator, SimDatagram};
use crate::extras::Extras;
use crate::id::SessionId;
use crate::key::KeyPair;
use crate::message::{Content, Recipient};
use crate::name::UserName;
use crate::peer::{Datagram, Input, LimitCounts, LinkStatus, Loopback, Output, Peer, PeerConfig, Slab, Transmit};
use crate::relay::RelayCounts;
use crate::roster::{Change, Entry, LinkFeatures, LinkVersions};
use crate::text::Text;
use crate::time::{Mono, Now, Timestamp};

/// Peer machines that all know each other. Each has a socket of its own.
#[derive(Debug)]
pub struct Group {
    /// The network between the members.
    pub network: Network,
    /// The messages and outcomes of all members.
    pub ledger: Ledger,
    members: Vec<Member>,
    by_address: BTreeMap<SocketAddr, usize>,
    relay: Option<RelayServer>,
    now: Mono,
}

#[derive(Debug)]
struct Member {
    peer: Peer,
    entry: Entry,
    keys: Arc<KeyPair>,
    address: SocketAddr,
    slab: Slab,
    relay_slab: Slab<SessionId>,
    inbox: Inbox,
    /// Datagrams that arrived while the member was suspended.
    socket: VecDeque<SimDatagram>,
    /// Relayed datagrams that arrived while the member was suspended.
    relayed: Vec<Vec<u8>>,
    outputs: Vec<Output>,
    /// How many of `outputs` were recorded already.
    recorded: usize,
    state: State,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Running,
    /// Reads neither its socket nor its clock.
    Suspended,
}

/// The most datagrams that wait in the socket of a suspended member. Further ones are lost.
const SOCKET_BUFFER: usize = 200;

impl Group {
    /// Creates a group of `count` members, named `m0`, `m1` and so on, at 10.0.0.1, 10.0.0.2 and so on.
    pub fn new(count: usize, profile: Profile, config: &PeerConfig, seed: u64) -> Self {
        Self::create(count, profile, None, config, seed)
    }

    /// Like [`new`](Self::new), with a server that relays for all members.
    pub fn with_relay(count: usize, profile: Profile, line: RelayLine, config: &PeerConfig, seed: u64) -> Self {
        Self::create(count, profile, Some(line), config, seed)
    }

    fn create(count: usize, profile: Profile, line: Option<RelayLine>, config: &PeerConfig, seed: u64) -> Self {
        let mut members = Vec::new();
        for index in 0..count {
            let mut generator = SeededGenerator::new(seed.wrapping_mul(1_000).wrapping_add(index as u64));
            let keys = Arc::new(KeyPair::generate(&mut generator));
            let user = UserName::parse(&format!("m{index}")).expect("a valid user name");
            let address = address(index);
            let mut entry = Entry {
                user: user.clone(),
                key: keys.public(),
                addresses: vec![address],
                since: START,
                versions: LinkVersions { low: 1, high: 1 },
                extras: Extras::default(),
            };
            entry.set_link_features(if line.is_some() { LinkFeatures::RELAY } else { LinkFeatures::NONE });
            let peer = Peer::new(Arc::clone(&keys), user, Loopback::Ignored, config.clone(), Box::new(generator));
            members.push(Member {
                peer,
                entry,
                keys,
                address,
                slab: Slab::new(8),
                relay_slab: Slab::new(4),
                inbox: Inbox::new(Application::Accepts),
                socket: VecDeque::new(),
                relayed: Vec::new(),
                outputs: Vec::new(),
                recorded: 0,
                state: State::Running,
            });
        }
        let by_address = members.iter().enumerate().map(|(index, member)| (member.address, index)).collect();
        let network = Network::new(profile, seed);
        let sessions = members.iter().map(|member| member.entry.session()).collect();
        let relay = line.map(|line| RelayServer::new(line, sessions, seed));
        let mut group = Self { network, ledger: Ledger::new(), members, by_address, relay, now: Mono::ZERO };
        let entries: Vec<Entry> = group.members.iter().map(|member| member.entry.clone()).collect();
        for index in 0..count {
            let others =
                entries.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, entry)| entry.clone());
            group.input(index, Input::Roster(others.collect()));
            let terms = group.relay.as_ref().map(RelayServer::terms);
            group.input(index, Input::Relay(terms));
        }
        group
    }

    /// Breaks a member's connection to the server that relays, or opens it again.
    pub fn connect_relay(&mut self, index: usize, is_connected: bool) {
        let Some(relay) = &mut self.relay else { return };
        relay.connect(self.now, index, is_connected);
        let terms = is_connected.then(|| relay.terms());
        self.input(index, Input::Relay(terms));
    }

    /// What the server has relayed, and what it has dropped.
    pub fn relay_counts(&self) -> RelayCounts {
        self.relay.as_ref().map(RelayServer::counts).unwrap_or_default()
    }

    /// The state of a member's links.
    pub fn links(&self, index: usize) -> impl Iterator<Item = LinkStatus<'_>> {
        self.members[index].peer.links()
    }

    /// The current time of the simulation.
    pub const fn now(&self) -> Mono {
        self.now
    }

    /// The roster entry of a member.
    pub fn entry(&self, index: usize) -> &Entry {
        &self.members[index].entry
    }

    /// The address of a member.
    pub fn address(&self, index: usize) -> SocketAddr {
        self.members[index].address
    }

    /// The number of outcomes that a member has not reported yet.
    pub fn pending_outcomes(&self, index: usize) -> usize {
        self.members[index].peer.pending_outcomes()
    }

    /// Changes how a member's application handles messages.
    pub fn set_application(&mut self, index: usize, application: Application) {
        self.members[index].inbox.set(application);
        self.record_and_accept(index);
        self.transmit(index);
    }

    /// Suspends a member's process. Datagrams that arrive meanwhile wait in its socket. An input is one that the process
    /// passed to the machine just before, so that it transmits once it is resumed.
    pub fn suspend(&mut self, index: usize) {
        self.members[index].state = State::Suspended;
    }

    /// Resumes a suspended member.
    pub fn resume(&mut self, index: usize) {
        self.members[index].state = State::Running;
        for SimDatagram { from, mut bytes, .. } in std::mem::take(&mut self.members[index].socket) {
            self.receive(index, Datagram::new(from, &mut bytes));
        }
        for mut bytes in std::mem::take(&mut self.members[index].relayed) {
            self.receive(index, Datagram::relayed(&mut bytes));
        }
        self.input(index, Input::Tick);
    }

    /// Gives a member another address. The other members do not learn of it from the roster.
    pub fn roam(&mut self, index: usize, to: SocketAddr) {
        self.by_address.remove(&self.members[index].address);
        self.by_address.insert(to, index);
        self.members[index].address = to;
    }

    /// Sends a text from a member. The outcomes are among the member's outputs.
    pub fn send_text(&mut self, index: usize, to: Recipient, text: &str) {
        let content = Content::Text(Text::parse(text).expect("simulations send valid texts"));
        let sent_at = self.wall();
        self.input(index, Input::Send { tag: 0, to, content, sent_at });
    }

    /// Passes a roster change to every member but the one that it is about.
    pub fn change(&mut self, change: &Change) {
        for index in 0..self.members.len() {
            if self.members[index].entry.user != *change.user() {
                self.input(index, Input::Change(change.clone()));
            }
        }
    }

    /// Passes an input to a member.
    pub fn input(&mut self, index: usize, input: Input) {
        let now = self.clocks();
        let member = &mut self.members[index];
        member.peer.handle(now, input, &mut member.outputs);
        self.record_and_accept(index);
        self.transmit(index);
    }

    /// Takes the outputs of a member since the last call.
    pub fn take_outputs(&mut self, index: usize) -> Vec<Output> {
        self.members[index].recorded = 0;
        std::mem::take(&mut self.members[index].outputs)
    }

    /// Returns how often each limit on peers took effect, over all members.
    pub fn limit_counts(&self) -> LimitCounts {
        let mut counts = LimitCounts::default();
        self.members.iter().for_each(|member| counts += member.peer.limit_counts());
        counts
    }

    /// Advances the simulation by `duration`.
    pub fn run(&mut self, duration: Duration) {
        let end = self.now + duration;
        while let Some(at) = self.next_event().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.process_due();
        }
        self.now = end;
    }

    /// Advances the simulation until no outcome is pending, at most by `timeout`. Returns whether none is pending.
    pub fn run_until_idle(&mut self, timeout: Duration) -> bool {
        let end = self.now + timeout;
        loop {
            if self.members.iter().all(|member| member.peer.pending_outcomes() == 0) {
                return true;
            }
            match self.next_event().filter(|at| *at <= end) {
                Some(at) => {
                    self.now = self.now.max(at);
                    self.process_due();
                }
                None => return false,
            }
        }
    }

    fn next_event(&self) -> Option<Mono> {
        let running = self.members.iter().filter(|member| member.state == State::Running);
        let due = running.flat_map(|member| [member.peer.deadline(), member.inbox.deadline()]);
        let relay = self.relay.as_ref().and_then(RelayServer::deadline);
        due.chain([self.network.deadline(), relay]).flatten().min()
    }

    fn process_due(&mut self) {
        while let Some(datagram) = self.network.receive(self.now) {
            self.arrive(datagram);
        }
        while let Some(arrival) = self.relay.as_mut().and_then(|relay| relay.next(self.now)) {
            match arrival {
                Arrival::Writable { member } => self.transmit(member),
                Arrival::Datagram { to, datagram } => self.arrive_relayed(to, datagram),
            }
        }
        for index in 0..self.members.len() {
            let member = &self.members[index];
            let due = [member.peer.deadline(), member.inbox.deadline()].into_iter().flatten().min();
            if member.state == State::Running && due.is_some_and(|at| at <= self.now) {
                self.input(index, Input::Tick);
            }
        }
    }

    fn arrive(&mut self, SimDatagram { from, to, mut bytes }: SimDatagram) {
        let Some(index) = self.by_address.get(&to).copied() else { return };
        if self.members[index].state == State::Suspended {
            let socket = &mut self.members[index].socket;
            if socket.len() < SOCKET_BUFFER {
                socket.push_back(SimDatagram { from, to, bytes });
            }
            return;
        }
        self.receive(index, Datagram::new(from, &mut bytes));
    }

    fn arrive_relayed(&mut self, to: usize, mut datagram: Vec<u8>) {
        if self.members[to].state == State::Suspended {
            self.members[to].relayed.push(datagram);
        } else {
            self.receive(to, Datagram::relayed(&mut datagram));
        }
    }

    fn receive(&mut self, index: usize, datagram: Datagram<'_>) {
        let now = self.clocks();
        let member = &mut self.members[index];
        member.peer.receive(now, std::iter::once(datagram), &mut member.outputs);
        self.record_and_accept(index);
        self.transmit(index);
    }

    fn record_and_accept(&mut self, index: usize) {
        let now = self.clocks();
        let member = &mut self.members[index];
        let (session, user) = (member.entry.session(), &member.entry.user);
        loop {
            for output in &member.outputs[member.recorded..] {
                self.ledger.record(session, user, output);
                member.inbox.add(output);
            }
            member.recorded = member.outputs.len();
            let Some((token, id)) = member.inbox.accept(self.now) else { return };
            self.ledger.record_accept(user, id);
            member.peer.handle(now, Input::Accept(token), &mut member.outputs);
        }
    }

    fn transmit(&mut self, index: usize) {
        let now = self.clocks();
        let member = &mut self.members[index];
        if member.state == State::Suspended {
            return;
        }
        loop {
            let more = member.peer.transmit(now, &mut member.slab);
            for (to, bytes) in member.slab.iter() {
                self.network.send(self.now, member.address, to, bytes);
            }
            member.slab.remove(usize::MAX);
            if more == Transmit::Done {
                break;
            }
        }
        let Some(relay) = &mut self.relay else { return };
        loop {
            if !relay.is_writable(self.now, index) {
                // The machine learns that the links wait.
                member.peer.transmit_relayed(now, &mut Slab::new(0));
                return;
            }
            let more = member.peer.transmit_relayed(now, &mut member.relay_slab);
            for (to, bytes) in member.relay_slab.iter() {
                relay.send(self.now, index, to, bytes);
            }
            member.relay_slab.remove(usize::MAX);
            if more == Transmit::Done {
                return;
            }
        }
    }

    fn wall(&self) -> Timestamp {
        START + self.now.since(Mono::ZERO)
    }

    fn clocks(&self) -> Now {
        Now { mono: self.now, wall: self.wall() }
    }
}

fn address(index: usize) -> SocketAddr {
    let [_, _, high, low] = u32::try_from(index + 1).expect("fewer than 2^32 members").to_be_bytes();
    SocketAddr::from(([10, 0, high, low], 4000))
}
