//! What a link costs whose other end asks and never acknowledges, counted by the allocator. One test only: the count is
//! the process's.

use std::alloc::System;
use std::time::Duration;

use chat_core::message::Recipient;
use chat_core::peer::PeerConfig;
use chat_core::sim::{Group, Profile};
use chat_core::wire::datagram::Frame;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Twice as many packets as the messages that may wait for one peer (2,048) with what is remembered of each.
const REMEMBERED: usize = 1024 * 1024;

#[test]
fn a_peer_that_asks_and_asks_and_never_acknowledges_costs_a_bounded_memory() {
    let mut group = Group::new(2, Profile::GOOD, &PeerConfig::default(), 1);
    let (own, liar) = (group.address(0), group.address(1));
    group.network.block(own, liar);
    group.send_text(0, Recipient::Everyone, "are you there?");
    let mut ping = Vec::new();
    Frame::Ping([7; 8]).encode(&mut ping);
    let begin = Region::new(ALLOCATOR);
    let sent = group.network.sent();
    for number in 0..50_000 {
        group.forge(1, 0, number, &ping);
        if number % 100 == 0 {
            group.run(Duration::from_millis(10));
        }
    }
    assert!(group.network.sent() - sent >= 50_000, "every question has its answer");
    let change = begin.change();
    let kept = change.bytes_allocated.saturating_sub(change.bytes_deallocated);
    assert!(kept <= REMEMBERED, "{kept} bytes are kept");
}
