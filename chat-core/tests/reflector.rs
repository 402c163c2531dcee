//! Members as reflectors: how many datagrams one member can make a thousand others send to a third party.
#![expect(clippy::print_stdout, reason = "the tests print what they measure")]

mod common;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use chat_core::message::{Content, Recipient};
use chat_core::peer::{Datagram, Input, Output, Peer, Slab, Transmit};
use chat_core::roster::{Change, Entry};
use chat_core::text::Text;
use chat_core::time::Mono;

const MEMBERS: usize = 1_000;

const SECOND: Duration = Duration::from_secs(1);

/// The stranger's address. The attacker offers ports of it.
const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7));

/// The numbers of docs/PROTOCOL.md, section 3.7, for one member: the challenges to offered addresses, those to the first
/// offered address while messages wait, and how many seconds restore one of each.
const OTHERS: usize = 16;
const CURRENT: usize = 192;
const INTERVAL: usize = 10;

/// The longest challenge.
const SMALL_DATAGRAM: usize = 57;

/// The attacker, and members that know nobody else.
struct Room {
    attacker: Peer,
    entry: Entry,
    members: Vec<Peer>,
    indices: BTreeMap<SocketAddr, usize>,
    now: Duration,
    slab: Slab,
    /// The lengths of the datagrams to the stranger.
    reflected: Vec<usize>,
}

impl Room {
    fn new() -> Self {
        let (attacker, entry) = common::peer(0);
        let (members, entries): (Vec<Peer>, Vec<Entry>) = (1..=MEMBERS).map(common::peer).unzip();
        let indices = entries.iter().enumerate().map(|(index, entry)| (entry.address(), index)).collect();
        let (now, slab, reflected) = (SECOND, Slab::new(64), Vec::new());
        let mut room = Self { attacker, entry, members, indices, now, slab, reflected };
        room.attacker.handle(common::now(room.now), Input::Roster(entries), &mut Vec::new());
        room
    }

    /// The attacker comes online with these addresses.
    fn come_online(&mut self, addresses: Vec<SocketAddr>) {
        let entry = Entry { addresses, ..self.entry.clone() };
        for member in &mut self.members {
            member.handle(common::now(self.now), Input::Roster(vec![entry.clone()]), &mut Vec::new());
        }
    }

    /// The attacker proves its own address to every member.
    fn prove(&mut self) {
        let send = message(common::now(self.now).wall);
        self.attacker.handle(common::now(self.now), send, &mut Vec::new());
        for _ in 0..4 {
            self.now += Duration::from_millis(50);
            let datagrams = transmit(self.now, &mut self.attacker, &mut self.slab);
            for (to, mut bytes) in datagrams {
                let Some(index) = self.indices.get(&to) else { continue };
                let datagram = Datagram::new(self.entry.address(), &mut bytes);
                let mut out = Vec::new();
                let member = &mut self.members[*index];
                member.receive(common::now(self.now), std::iter::once(datagram), &mut out);
                for output in out {
                    if let Output::Deliver(delivery) = output {
                        member.handle(common::now(self.now), Input::AcceptUpTo(delivery.last_token()), &mut Vec::new());
                    }
                }
            }
            self.tick_members(Receiver::Attacker);
        }
        assert_eq!(self.attacker.pending_outcomes(), 0, "the attacker has reached every member");
        assert!(self.reflected.is_empty());
    }

    /// Every member writes to the attacker, which does not answer.
    fn write(&mut self) {
        for member in &mut self.members {
            member.handle(common::now(self.now), message(common::now(self.now).wall), &mut Vec::new());
        }
    }

    fn offer(&mut self, addresses: Vec<SocketAddr>) {
        let change = Change::Moved { user: self.entry.user.clone(), addresses };
        for member in &mut self.members {
            member.handle(common::now(self.now), Input::Change(change.clone()), &mut Vec::new());
        }
    }

    /// Lets time pass in which the attacker hears nothing.
    fn run(&mut self, duration: Duration) {
        let end = self.now + duration;
        while self.now < end {
            self.tick_members(Receiver::Nobody);
            let next = self.members.iter().filter_map(Peer::deadline).min();
            let next = next.map_or(end, |at| at.since(Mono::ZERO).min(end));
            self.now = next.max(self.now + Duration::from_millis(50)).min(end);
        }
    }

    fn tick_members(&mut self, receiver: Receiver) {
        for index in 0..self.members.len() {
            let member = &mut self.members[index];
            member.handle(common::now(self.now), Input::Tick, &mut Vec::new());
            for (to, mut bytes) in transmit(self.now, member, &mut self.slab) {
                if to.ip() == STRANGER || is_device(to.ip()) {
                    self.reflected.push(bytes.len());
                } else if receiver == Receiver::Attacker {
                    let datagram = Datagram::new(common::peer_address(index + 1), &mut bytes);
                    self.attacker.receive(common::now(self.now), std::iter::once(datagram), &mut Vec::new());
                }
            }
        }
    }
}

/// Whether datagrams to the attacker arrive.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Receiver {
    Attacker,
    Nobody,
}

fn message(sent_at: chat_core::time::Timestamp) -> Input {
    let content = Content::Text(Text::parse("hello").expect("a valid text"));
    Input::Send { tag: 0, to: Recipient::Everyone, content, sent_at }
}

fn transmit(now: Duration, peer: &mut Peer, slab: &mut Slab) -> Vec<(SocketAddr, Vec<u8>)> {
    let mut datagrams = Vec::new();
    loop {
        let more = peer.transmit(common::now(now), slab);
        datagrams.extend(slab.iter().map(|(to, bytes)| (to, bytes.to_vec())));
        slab.remove(usize::MAX);
        if more == Transmit::Done {
            return datagrams;
        }
    }
}

/// Four addresses of the stranger, other ones in each round.
fn stranger(round: u16) -> Vec<SocketAddr> {
    (0..4).map(|port| SocketAddr::new(STRANGER, 5_000 + 4 * (round % 1_000) + port)).collect()
}

/// Four addresses of devices in a private network, other ones in each round.
fn devices(round: u16) -> Vec<SocketAddr> {
    let device = |number: u16| SocketAddr::from(([192, 168, 1, ((4 * round + number) % 250) as u8 + 1], 5_000 + round));
    (0..4).map(device).collect()
}

fn is_device(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V4(ip) if ip.octets()[..2] == [192, 168])
}

fn check(room: &Room, seconds: usize, what: &str, per_member: usize) {
    let count = room.reflected.len();
    let long = room.reflected.iter().filter(|len| **len > SMALL_DATAGRAM).count();
    println!("{what}: {count} datagrams in {seconds} s, {long} of them with messages");
    assert!(count <= MEMBERS * per_member, "{what}: {count} datagrams in {seconds} s");
    assert!(long <= MEMBERS * 3, "{what}: {long} datagrams with messages");
}

#[test]
fn a_member_that_moves_all_the_time_draws_few_challenges_to_a_stranger() {
    let mut room = Room::new();
    room.come_online(vec![room.entry.address()]);
    room.prove();
    for second in 0..120 {
        // Waiting messages keep the challenges going.
        if second % 40 == 0 {
            room.write();
        }
        room.offer(stranger(second));
        room.run(SECOND);
    }
    check(&room, 120, "an attacker that has proven its own address", OTHERS + 120 / INTERVAL);
    assert!(room.reflected.len() > MEMBERS, "the addresses are challenged");
}

/// Long enough for the probes to reach their limit.
const SECONDS: u16 = 400;

#[test]
fn a_member_that_only_offers_the_addresses_of_a_stranger_draws_few_probes_to_it() {
    let mut room = Room::new();
    room.come_online(stranger(0));
    for second in (0..SECONDS).step_by(5) {
        room.write();
        room.offer(stranger(second));
        room.run(SECOND * 5);
    }
    let seconds = usize::from(SECONDS);
    let per_member = CURRENT + OTHERS + 2 * seconds / INTERVAL;
    check(&room, seconds, "an attacker that has proven no address", per_member);
    assert!(room.reflected.len() > MEMBERS, "the addresses are probed");
}

/// Each member would send these datagrams into its own network.
#[test]
fn a_member_that_offers_private_addresses_draws_as_few_datagrams_to_devices_in_the_networks_of_others() {
    let mut room = Room::new();
    room.come_online(devices(0));
    for second in (0..SECONDS).step_by(5) {
        room.write();
        room.offer(devices(second));
        room.run(SECOND * 5);
    }
    let seconds = usize::from(SECONDS);
    let per_member = CURRENT + OTHERS + 2 * seconds / INTERVAL;
    check(&room, seconds, "an attacker that offers private addresses", per_member);
    assert!(room.reflected.len() > MEMBERS, "the addresses are probed");
}
