//! A group of peer machines on a simulated network, with virtual time.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::START;
use super::application::{Application, Inbox};
use super::{Ledger, Network, Profile, SeededGenerator, SimDatagram};
use crate::extras::Extras;
use crate::key::KeyPair;
use crate::message::{Content, Recipient};
use crate::name::UserName;
use crate::peer::{Datagram, Input, Loopback, Output, Peer, PeerConfig, Slab};
use crate::roster::{Change, Entry, LinkVersions};
use crate::seal::{LinkKeys, Party};
use crate::text::Text;
use crate::time::{Mono, Now, Timestamp};
use crate::wire::datagram::{Header, MAX_FRAMES};

/// Peers that all know each other, each with a socket of its own.
#[derive(Debug)]
pub struct Group {
    /// The network between them.
    pub network: Network,
    /// What was sent, taken and told.
    pub ledger: Ledger,
    members: Vec<Member>,
    by_address: BTreeMap<SocketAddr, usize>,
    now: Mono,
}

#[derive(Debug)]
struct Member {
    peer: Peer,
    entry: Entry,
    keys: Arc<KeyPair>,
    address: SocketAddr,
    slab: Slab,
    inbox: Inbox,
    /// What arrived while it was stopped.
    socket: VecDeque<SimDatagram>,
    told: Vec<Output>,
    /// How much of `told` was looked through for messages.
    seen: usize,
    state: State,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Running,
    /// Neither reads its socket nor its clock, like a suspended process.
    Stopped,
}

/// The datagrams that wait in the socket of a stopped member; further ones are lost.
const SOCKET: usize = 200;

impl Group {
    /// `count` members named `m0`, `m1` and so on, at 10.0.0.1 and so on.
    pub fn new(count: usize, profile: Profile, config: &PeerConfig, seed: u64) -> Self {
        let mut members = Vec::new();
        for index in 0..count {
            let mut generator = SeededGenerator::new(seed.wrapping_mul(1_000).wrapping_add(index as u64));
            let keys = Arc::new(KeyPair::generate(&mut generator));
            let user = UserName::parse(&format!("m{index}")).expect("a letter and digits");
            let address = address(index);
            let entry = Entry {
                user: user.clone(),
                key: keys.public(),
                addresses: vec![address],
                since: START,
                versions: LinkVersions { low: 1, high: 1 },
                extras: Extras::default(),
            };
            let peer = Peer::new(Arc::clone(&keys), user, Loopback::Ignored, config.clone(), Box::new(generator));
            members.push(Member {
                peer,
                entry,
                keys,
                address,
                slab: Slab::new(8),
                inbox: Inbox::new(Application::Accepts),
                socket: VecDeque::new(),
                told: Vec::new(),
                seen: 0,
                state: State::Running,
            });
        }
        let by_address = members.iter().enumerate().map(|(index, member)| (member.address, index)).collect();
        let network = Network::new(profile, seed);
        let mut group = Self { network, ledger: Ledger::new(), members, by_address, now: Mono::ZERO };
        let entries: Vec<Entry> = group.members.iter().map(|member| member.entry.clone()).collect();
        for index in 0..count {
            let others =
                entries.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, entry)| entry.clone());
            group.input(index, Input::Roster(others.collect()));
        }
        group
    }

    /// The time.
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

    /// How many outcomes are open at a member.
    pub fn open(&self, index: usize) -> usize {
        self.members[index].peer.pending_outcomes()
    }

    /// Lets a member's application behave otherwise from now on.
    pub fn set_application(&mut self, index: usize, application: Application) {
        self.members[index].inbox.set(application);
        self.take(index);
        self.flush(index);
    }

    /// Stops a member like a suspended process; what arrives meanwhile waits in its socket.
    pub fn suspend(&mut self, index: usize) {
        self.members[index].state = State::Stopped;
    }

    /// Lets a stopped member go on.
    pub fn resume(&mut self, index: usize) {
        self.members[index].state = State::Running;
        for SimDatagram { from, mut bytes, .. } in std::mem::take(&mut self.members[index].socket) {
            self.receive(index, from, &mut bytes);
        }
        self.input(index, Input::Tick);
    }

    /// Gives a member another address, which the others are not told.
    pub fn roam(&mut self, index: usize, to: SocketAddr) {
        self.by_address.remove(&self.members[index].address);
        self.by_address.insert(to, index);
        self.members[index].address = to;
    }

    /// Sends a text; what comes of it is among what the member is told.
    pub fn send_text(&mut self, index: usize, to: Recipient, text: &str) {
        let content = Content::Text(Text::parse(text).expect("simulations send proper texts"));
        let sent_at = self.wall();
        self.input(index, Input::Send { tag: 0, to, content, sent_at });
    }

    /// Tells every member but the one concerned of a roster change.
    pub fn change(&mut self, change: &Change) {
        for index in 0..self.members.len() {
            if self.members[index].entry.user != *change.user() {
                self.input(index, Input::Change(change.clone()));
            }
        }
    }

    /// Feeds one input to a member.
    pub fn input(&mut self, index: usize, input: Input) {
        let now = self.both();
        let member = &mut self.members[index];
        member.peer.handle(now, input, &mut member.told);
        self.take(index);
        self.flush(index);
    }

    /// Takes away what a member was told since the last time.
    pub fn take_outputs(&mut self, index: usize) -> Vec<Output> {
        self.members[index].seen = 0;
        std::mem::take(&mut self.members[index].told)
    }

    /// Throws a datagram at whoever has the address `to`, past the network.
    pub fn inject(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        self.arrive(SimDatagram { from, to, bytes: bytes.to_vec() });
    }

    /// Seals `frames` as `from` could if its program were another one, as packet `number`, and throws the datagram at
    /// `to` past the network. They have to fit one datagram.
    pub fn forge(&mut self, from: usize, to: usize, number: u64, frames: &[u8]) {
        let (sender, receiver) = (&self.members[from], &self.members[to]);
        let theirs = Party { key: receiver.entry.key, user: receiver.entry.user.clone() };
        let Ok(mut keys) = LinkKeys::derive(&sender.keys, &sender.entry.user, &theirs) else { return };
        let header = Header { session: sender.entry.session(), number }.encode();
        let mut sealed = frames[..frames.len().min(MAX_FRAMES)].to_vec();
        let tag = keys.seal(number, &header, &mut sealed);
        let bytes = [&header[..], &sealed, &tag].concat();
        let (from, to) = (sender.address, receiver.address);
        self.arrive(SimDatagram { from, to, bytes });
    }

    /// Lets time pass until `duration` is over.
    pub fn run(&mut self, duration: Duration) {
        let end = self.now + duration;
        while let Some(at) = self.next_event().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.turn();
        }
        self.now = end;
    }

    /// Lets time pass until no outcome is open or `at_most` is over; gives whether none is.
    pub fn run_until_idle(&mut self, at_most: Duration) -> bool {
        let end = self.now + at_most;
        loop {
            if self.members.iter().all(|member| member.peer.pending_outcomes() == 0) {
                return true;
            }
            match self.next_event().filter(|at| *at <= end) {
                Some(at) => {
                    self.now = self.now.max(at);
                    self.turn();
                }
                None => return false,
            }
        }
    }

    fn next_event(&self) -> Option<Mono> {
        let running = self.members.iter().filter(|member| member.state == State::Running);
        let due = running.flat_map(|member| [member.peer.deadline(), member.inbox.deadline()]);
        due.chain([self.network.deadline()]).flatten().min()
    }

    fn turn(&mut self) {
        while let Some(flight) = self.network.receive(self.now) {
            self.arrive(flight);
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
        if self.members[index].state == State::Stopped {
            let socket = &mut self.members[index].socket;
            if socket.len() < SOCKET {
                socket.push_back(SimDatagram { from, to, bytes });
            }
            return;
        }
        self.receive(index, from, &mut bytes);
    }

    fn receive(&mut self, index: usize, from: SocketAddr, bytes: &mut [u8]) {
        let now = self.both();
        let member = &mut self.members[index];
        let batch = std::iter::once(Datagram { from, bytes });
        member.peer.receive(now, batch, &mut member.told);
        self.take(index);
        self.flush(index);
    }

    fn take(&mut self, index: usize) {
        let now = self.both();
        let member = &mut self.members[index];
        let (session, user) = (member.entry.session(), &member.entry.user);
        loop {
            for output in &member.told[member.seen..] {
                self.ledger.record(session, user, output);
                member.inbox.note(output);
            }
            member.seen = member.told.len();
            let Some((token, id)) = member.inbox.take(self.now) else { return };
            self.ledger.record_accept(user, id);
            member.peer.handle(now, Input::Accept(token), &mut member.told);
        }
    }

    fn flush(&mut self, index: usize) {
        let now = self.both();
        let member = &mut self.members[index];
        loop {
            let more = member.peer.transmit(now, &mut member.slab);
            for (to, bytes) in member.slab.iter() {
                self.network.send(self.now, member.address, to, bytes);
            }
            member.slab.remove(usize::MAX);
            if more == crate::peer::Transmit::Done {
                return;
            }
        }
    }

    fn wall(&self) -> Timestamp {
        START + self.now.since(Mono::ZERO)
    }

    fn both(&self) -> Now {
        Now { mono: self.now, wall: self.wall() }
    }
}

fn address(index: usize) -> SocketAddr {
    let [_, _, high, low] = u32::try_from(index + 1).expect("few members").to_be_bytes();
    SocketAddr::from(([10, 0, high, low], 4000))
}
