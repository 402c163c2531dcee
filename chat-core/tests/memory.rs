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

/// What a link may cost when nothing has happened on it for a while: its queues are given back then, and so are the
/// expanded keys, whose memory belongs to the cryptographic library and would not be counted here.
const IDLE_LINK: usize = 2 * 1024;

/// What it may cost until then; the queues have the size of their fullest moment.
const RECENT_LINK: usize = 4 * 1024;

const PEERS: usize = 500;

struct Side {
    peer: Peer,
    entry: Entry,
}

fn side(index: usize) -> Side {
    let mut generator = SeededGenerator::new(index as u64);
    let keys = Arc::new(KeyPair::generate(&mut generator));
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
            to.peer.handle(at, Input::Accept(token), &mut Vec::new());
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
    assert_eq!((one.peer.pending_outcomes(), other.peer.pending_outcomes()), (0, 0), "all is said");
}

/// Adds links between `one` and each of the others; gives the bytes that each end takes for the session in its roster,
/// for the link after a conversation, and for the link when it is idle.
fn links(begin: u64, one: &mut Side, others: &mut [Side]) -> [usize; 3] {
    let ends = 2 * others.len();
    let before = Region::new(ALLOCATOR);
    for other in &mut *others {
        other.peer.handle(now(begin), Input::Roster(vec![one.entry.clone()]), &mut Vec::new());
    }
    let entries = others.iter().map(|other| other.entry.clone()).collect();
    one.peer.handle(now(begin), Input::Roster(entries), &mut Vec::new());
    let known = live(&before) / ends;
    let mut at = begin;
    for other in &mut *others {
        at += 10_000;
        talk(at, one, other);
    }
    let recent = live(&before) / ends - known;
    for side in others.iter_mut().chain([one]) {
        side.peer.handle(now(at + 60_000), Input::Tick, &mut Vec::new());
    }
    [known, recent, live(&before) / ends - known]
}

#[test]
fn an_idle_link_costs_at_most_two_kibibytes() {
    let (mut one, mut two) = (side(0), side(PEERS + 1));
    let mut others: Vec<Side> = (1..=PEERS).map(side).collect();
    // The first link of a machine also pays for what the machine takes only once.
    links(0, &mut one, &mut others);
    let [known, recent, idle] = links(10_000_000, &mut two, &mut others);
    println!("{known} bytes for a session of the roster, {recent} more for a link to it, {idle} when it is idle");
    assert!(idle > 200, "the allocator counts");
    assert!(idle <= IDLE_LINK, "{idle} bytes for an idle link");
    assert!(recent <= RECENT_LINK, "{recent} bytes for a link that was in use");
    // They go on from where they were.
    talk(20_000_000, &mut two, &mut others[0]);
}

/// Bytes that were taken and not given back.
fn live(region: &Region<'_, System>) -> usize {
    let change = region.change();
    change.bytes_allocated.saturating_sub(change.bytes_deallocated)
}
