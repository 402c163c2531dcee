//! What links cost while nothing happens on them, counted by the allocator. One test only: the count is the process's.

use std::alloc::System;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chat_core::extras::Extras;
use chat_core::key::KeyPair;
use chat_core::message::{Content, Recipient};
use chat_core::name::UserName;
use chat_core::peer::{Datagram, Input, Loopback, Output, Peer, PeerConfig, Slab, Transmit};
use chat_core::roster::{Entry, LinkVersions};
use chat_core::sim::SeededGenerator;
use chat_core::text::Text;
use chat_core::time::{Mono, Now, Timestamp};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What a link may cost while nothing happens on it: its fixed part (1.5 KiB), two keys, and the queues, which keep the
/// memory of their fullest moment. What the C library takes for itself is not counted.
const IDLE_LINK: usize = 5 * 1024;

const PEERS: usize = 500;

struct Side {
    peer: Peer,
    entry: Entry,
}

fn side(index: usize) -> Side {
    let mut generator = SeededGenerator::new(index as u64);
    let keys = Arc::new(KeyPair::draw(&mut generator));
    let user = UserName::parse(&format!("m{index}")).expect("a letter and digits");
    let [_, _, high, low] = u32::try_from(index).expect("few").to_be_bytes();
    let entry = Entry {
        user: user.clone(),
        key: keys.public(),
        addresses: vec![SocketAddr::from(([10, 1, high, low], 4000))],
        since: Timestamp::from_millis(0),
        versions: LinkVersions { low: 1, high: 1 },
        extras: Extras::default(),
    };
    Side { peer: Peer::new(keys, user, Loopback::Ignored, PeerConfig::default(), Box::new(generator)), entry }
}

fn now(millis: u64) -> Now {
    Now { mono: Mono::at(Duration::from_millis(millis)), wall: Timestamp::from_millis(millis) }
}

/// Carries everything that `from` says to `to`, which takes it at once.
fn carry(at: Now, from: &mut Side, to: &mut Side) {
    let mut slab = Slab::new(64);
    let mut out = Vec::new();
    while {
        let more = from.peer.transmit(at, &mut slab);
        for (_, bytes) in slab.iter() {
            let mut bytes = bytes.to_vec();
            let datagram = Datagram { from: from.entry.address(), bytes: &mut bytes };
            to.peer.receive(at, std::iter::once(datagram), &mut out);
        }
        slab.remove(usize::MAX);
        more == Transmit::More
    } {}
    for output in out {
        if let Output::Deliver { token, .. } = output {
            to.peer.handle(at, Input::Taken(token), &mut Vec::new());
        }
    }
}

fn say(at: Now, from: &mut Side, to: &Side, content: &Content) {
    let to = Recipient::One(to.entry.user.clone());
    let send = Input::Send { tag: 0, to, content: content.clone(), sent_at: at.wall };
    from.peer.handle(at, send, &mut Vec::new());
}

/// Both say something, short and long, and hear that it arrived.
fn talk(begin: u64, one: &mut Side, other: &mut Side) {
    for round in 0..4 {
        let at = now(begin + round * 500);
        for text in ["short".to_owned(), "x".repeat(2_000)] {
            let content = Content::Text(Text::parse(&text).expect("a proper text"));
            say(at, one, other, &content);
            say(at, other, one, &content);
        }
        for step in 0..20 {
            let at = now(begin + round * 500 + step * 25);
            for _ in 0..2 {
                one.peer.handle(at, Input::Tick, &mut Vec::new());
                carry(at, one, other);
                other.peer.handle(at, Input::Tick, &mut Vec::new());
                carry(at, other, one);
            }
        }
    }
    assert_eq!((one.peer.open(), other.peer.open()), (0, 0), "all is said");
}

/// Half of the links belong to one machine, and each other one to a machine of its own, whose first link also pays for
/// what a machine takes only once: the figure is rather too high than too low.
#[test]
fn an_idle_link_costs_at_most_five_kibibytes() {
    let mut one = side(0);
    let mut others: Vec<Side> = (1..=PEERS).map(side).collect();
    let begin = Region::new(ALLOCATOR);
    for other in &mut others {
        other.peer.handle(now(0), Input::Roster(vec![one.entry.clone()]), &mut Vec::new());
    }
    let entries = others.iter().map(|other| other.entry.clone()).collect();
    one.peer.handle(now(0), Input::Roster(entries), &mut Vec::new());
    let known = live(&begin) / (2 * PEERS);
    for (index, other) in others.iter_mut().enumerate() {
        talk(10_000 * (index as u64 + 1), &mut one, other);
    }
    let linked = live(&begin) / (2 * PEERS);
    println!("{known} bytes for a session of the roster, {} more for an idle link to it", linked - known);
    assert!(linked > known + 200, "the allocator counts");
    assert!(linked - known <= IDLE_LINK, "{} bytes for an idle link", linked - known);
}

/// Bytes that were taken and not given back.
fn live(region: &Region<'_, System>) -> usize {
    let change = region.change();
    change.bytes_allocated.saturating_sub(change.bytes_deallocated)
}
