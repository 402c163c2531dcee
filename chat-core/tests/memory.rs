//! The memory of idle links. The allocator counts for the whole process, so this file has only one test.

mod common;

use std::alloc::System;
use std::time::Duration;

use chat_core::message::{Content, Recipient};
use chat_core::peer::{Datagram, Input, Output, Peer, Slab, Transmit};
use chat_core::roster::Entry;
use chat_core::text::Text;
use chat_core::time::{Mono, Now};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The memory of an idle link, in bytes. It has released its queues and its expanded keys. (The cryptographic library
/// allocates the keys, so they would not be counted here.)
const IDLE_LINK: usize = 2 * 1024;

/// The memory of a link until it is idle, in bytes: its queues keep their largest size.
const RECENT_LINK: usize = 4 * 1024;

const PEERS: usize = 500;

/// A peer machine and its roster entry.
struct Side {
    peer: Peer,
    entry: Entry,
}

fn side(index: usize) -> Side {
    let (peer, entry) = common::peer(index);
    Side { peer, entry }
}

fn now(millis: u64) -> Now {
    common::now(Duration::from_millis(millis))
}

/// Ticks and transmits at each deadline up to `end`, as a driver does: a machine whose driver comes late counts as
/// suspended. The datagrams are lost.
fn tick_until(end: Duration, side: &mut Side) {
    let mut slab = Slab::new(64);
    while let Some(due) = side.peer.deadline().map(|due| due.since(Mono::ZERO)).filter(|due| *due <= end) {
        side.peer.handle(common::now(due), Input::Tick, &mut Vec::new());
        while side.peer.transmit(common::now(due), &mut slab) == Transmit::More {
            slab.remove(usize::MAX);
        }
        slab.remove(usize::MAX);
    }
}

/// Passes all datagrams that `from` can send to `to`, whose application accepts every message.
fn carry(at: Now, from: &mut Side, to: &mut Side) {
    let mut slab = Slab::new(64);
    let mut out = Vec::new();
    while {
        let more = from.peer.transmit(at, &mut slab);
        for (_, bytes) in slab.iter() {
            let mut bytes = bytes.to_vec();
            let datagram = Datagram::new(from.entry.address(), &mut bytes);
            to.peer.receive(at, std::iter::once(datagram), &mut out);
        }
        slab.remove(usize::MAX);
        more == Transmit::More
    } {}
    for output in out {
        if let Output::Deliver(delivery) = output {
            to.peer.handle(at, Input::AcceptUpTo(delivery.last_token()), &mut Vec::new());
        }
    }
}

fn send(at: Now, from: &mut Side, to: &Side, content: &Content) {
    let to = Recipient::One(to.entry.user.clone());
    let send = Input::Send { tag: 0, to, content: content.clone(), sent_at: at.wall };
    from.peer.handle(at, send, &mut Vec::new());
}

/// Exchanges short and long messages in both directions until all are delivered.
fn converse(begin: u64, one: &mut Side, other: &mut Side) {
    for round in 0..4 {
        let at = now(begin + round * 500);
        for text in ["short".to_owned(), "x".repeat(2_000)] {
            let content = Content::Text(Text::parse(&text).expect("a valid text"));
            send(at, one, other, &content);
            send(at, other, one, &content);
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
    assert_eq!((one.peer.pending_outcomes(), other.peer.pending_outcomes()), (0, 0), "outcomes are still pending");
}

/// Opens links between `one` and each of the others. Returns the bytes that each end takes for a session of its roster, for
/// the link after a conversation, and for the idle link.
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
        converse(at, one, other);
    }
    let recent = live(&before) / ends - known;
    for side in others.iter_mut().chain([one]) {
        tick_until(Duration::from_millis(at + 60_000), side);
    }
    [known, recent, live(&before) / ends - known]
}

#[test]
fn an_idle_link_takes_at_most_two_kibibytes() {
    let (mut one, mut two) = (side(0), side(PEERS + 1));
    let mut others: Vec<Side> = (1..=PEERS).map(side).collect();
    // The first links also pay for memory that a machine allocates only once.
    links(0, &mut one, &mut others);
    let [known, recent, idle] = links(10_000_000, &mut two, &mut others);
    println!("{known} bytes for a session of the roster, {recent} more for a link to it, {idle} for an idle link");
    assert!(idle > 200, "the allocator does not count");
    assert!(idle <= IDLE_LINK, "{idle} bytes for an idle link");
    assert!(recent <= RECENT_LINK, "{recent} bytes for a link that was used recently");
    // The idle link still works.
    converse(20_000_000, &mut two, &mut others[0]);
}

/// Returns the bytes allocated and not freed since the start of the region.
fn live(region: &Region<'_, System>) -> usize {
    let change = region.change();
    change.bytes_allocated.saturating_sub(change.bytes_deallocated)
}
