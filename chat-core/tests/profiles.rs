//! Checks the delivery contract on every network of the ladder, with many seeds, and with a million messages on demand.

use std::cell::Cell;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use chat_core::generator::Generator;
use chat_core::message::Recipient;
use chat_core::peer::{LimitCounts, PeerConfig};
use chat_core::sim::{Application, Group, Profile, RelayLine, SEED_VARIABLE, SeededGenerator, announce, each_seed};

/// The seeds of an ordinary run: a thousand for each of the nine networks.
const SEEDS: u64 = 9_000;

/// With a relay: two hundred for each.
const RELAYED_SEEDS: u64 = 1_800;

/// Below the link timeout, so that no outcome may be unconfirmed.
const MAX_PARTITION_MS: u64 = 10_000;

/// Which ways there are between the members.
#[derive(Clone, Copy, PartialEq)]
enum Ways {
    Direct,
    /// Through a server only, whose lines are as good as the network.
    Relayed,
    /// Directly, or through the server while UDP is dead.
    Flickering,
}

/// A server whose lines have the delay of the network. What a network loses, TCP sends again: that is delay too.
fn line(profile: &Profile) -> RelayLine {
    RelayLine { latency: profile.latency.mul_f64(1.0 + 2.0 * profile.mean_loss()), ..RelayLine::fast() }
}

/// Runs a random conversation, and returns its number of messages.
fn conversation(profile: Profile, ways: Ways, seed: u64) -> usize {
    let mut random = SeededGenerator::new(seed);
    let mut below = |limit: u64| random.number() % limit;
    let count = 2 + below(4) as usize;
    let config = PeerConfig::default();
    let mut group = match ways {
        Ways::Direct => Group::new(count, profile, &config, seed),
        Ways::Relayed | Ways::Flickering => Group::with_relay(count, profile, line(&profile), &config, seed),
    };
    if ways == Ways::Relayed {
        group.network.block_all();
    }
    for _ in 0..5 + below(40) {
        let from = below(count as u64) as usize;
        let to = below(count as u64 + 1) as usize;
        let is_other = to != from && to < count;
        let recipient = if is_other { Recipient::One(group.entry(to).user.clone()) } else { Recipient::Everyone };
        let length = if below(10) == 0 { 1 + below(16_384) } else { 1 + below(200) };
        group.send_text(from, recipient, &"x".repeat(length as usize));
        group.run(Duration::from_millis(below(50)));
        let someone = below(count as u64) as usize;
        match below(40) {
            0 if ways == Ways::Relayed => {
                group.connect_relay(someone, false);
                group.run(Duration::from_millis(below(MAX_PARTITION_MS)));
                group.connect_relay(someone, true);
            }
            0 => {
                let (a, b) = (group.address(0), group.address(1));
                group.network.block(a, b);
                group.run(Duration::from_millis(below(MAX_PARTITION_MS)));
                group.network.unblock();
            }
            1 => group.set_application(someone, Application::Stalled),
            2 => group.set_application(someone, Application::AcceptsEvery(Duration::from_millis(below(300)))),
            3 => {
                group.suspend(someone);
                group.run(Duration::from_millis(below(MAX_PARTITION_MS)));
                group.resume(someone);
            }
            4..=7 if ways == Ways::Flickering => group.network.block_all(),
            8..=11 if ways == Ways::Flickering => group.network.unblock(),
            _ => {}
        }
    }
    (0..count).for_each(|index| group.set_application(index, Application::Accepts));
    assert!(group.run_until_idle(Duration::from_secs(300)), "outcomes are missing");
    group.run(Duration::from_secs(5));
    let totals = group.ledger.check();
    assert_eq!(group.limit_counts(), LimitCounts::default(), "honest members reached a limit");
    assert_eq!((totals.failed, totals.unconfirmed), (0, 0), "nobody left, and no partition was longer than 10 s");
    totals.messages
}

#[test]
fn the_delivery_contract_holds_on_every_network_of_the_ladder() {
    run_ladder(Ways::Direct, SEEDS, "");
}

#[test]
fn the_delivery_contract_holds_on_every_network_with_everything_relayed() {
    run_ladder(Ways::Relayed, RELAYED_SEEDS, " with everything relayed");
}

#[test]
fn the_delivery_contract_holds_on_every_network_with_udp_that_dies_and_returns() {
    run_ladder(Ways::Flickering, RELAYED_SEEDS, " with UDP that dies and returns");
}

/// Runs this many seeds on all networks in turn, on all processors.
fn run_ladder(ways: Ways, seeds: u64, what: &str) {
    let messages = AtomicUsize::new(0);
    let scenario = |seed| {
        messages.fetch_add(conversation(profile(seed), ways, seed), Ordering::Relaxed);
    };
    let run = |seeds| each_seed(env!("CARGO_CRATE_NAME"), seeds, scenario);
    let seeds: u64 = thread::scope(|scope| {
        let name = thread::current().name().unwrap_or_default().to_owned();
        let start = |seeds| {
            thread::Builder::new().name(name.clone()).spawn_scoped(scope, move || run(seeds)).expect("a thread")
        };
        let threads: Vec<_> = shares(seeds).map(start).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).sum()
    });
    let (networks, messages) = (Profile::LADDER.len(), messages.into_inner());
    announce(format_args!("profiles: {seeds} seeds on {networks} networks in turn{what}, {messages} messages"));
}

/// Divides the seeds among the processors. A single seed runs on one.
fn shares(seeds: u64) -> impl Iterator<Item = std::ops::Range<u64>> {
    let is_single = std::env::var(SEED_VARIABLE).is_ok();
    let threads = if is_single { 1 } else { thread::available_parallelism().map_or(1, NonZero::get) as u64 };
    (0..threads).map(move |thread| thread * seeds / threads..(thread + 1) * seeds / threads)
}

/// Sends 500 messages, or as many as `CHAT_MESSAGES` says.
#[test]
fn the_delivery_contract_holds_for_any_number_of_messages() {
    let wanted = std::env::var("CHAT_MESSAGES").map_or(500, |count| count.parse().expect("CHAT_MESSAGES is a number"));
    let messages = Cell::new(0);
    let mut seeds = SEEDS..;
    while messages.get() < wanted {
        let seed = seeds.next().expect("the range of seeds is endless");
        each_seed(env!("CARGO_CRATE_NAME"), seed..seed + 1, |seed| {
            messages.set(messages.get() + conversation(profile(seed), Ways::Direct, seed));
        });
        if std::env::var(SEED_VARIABLE).is_ok() {
            break;
        }
    }
    announce(format_args!("profiles: {} messages on demand, {} seeds", messages.get(), seeds.start - SEEDS));
}

/// The network of a seed. Consecutive seeds use different networks.
fn profile(seed: u64) -> Profile {
    let ladder = Profile::LADDER.len() as u64;
    Profile::LADDER[(seed % ladder) as usize].1
}
