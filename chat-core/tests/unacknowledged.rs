//! The memory cost of a peer that never acknowledges. The allocator counts for the whole process, so this file has only
//! one test.

use std::alloc::System;
use std::time::Duration;

use chat_core::message::Recipient;
use chat_core::peer::PeerConfig;
use chat_core::sim::{Group, Profile};
use chat_core::wire::datagram::Frame;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The limit of tracked packets (2,048) times the memory of each.
const MAX_KEPT: usize = 1024 * 1024;

#[test]
fn a_peer_that_never_acknowledges_costs_bounded_memory() {
    let mut group = Group::new(2, Profile::GOOD, &PeerConfig::default(), 1);
    let (own, hostile) = (group.address(0), group.address(1));
    group.network.block(own, hostile);
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
    assert!(group.network.sent() - sent >= 50_000, "not every ping was answered");
    let change = begin.change();
    let kept = change.bytes_allocated.saturating_sub(change.bytes_deallocated);
    assert!(kept <= MAX_KEPT, "{kept} bytes were kept");
}
