//! How long it takes until a message that has no direct way arrives, in simulated time.

use std::time::Duration;

use chat_core::sim::{Group, Profile, RelayLine, announce, each_seed, texts};
use chat_core::time::Mono;

use super::{converse, group, ms, one};

/// 30 ms to each other and to the server, one way.
const NETWORK: Profile = Profile { latency: ms(30), jitter: ms(5), ..Profile::GOOD };

fn line() -> RelayLine {
    RelayLine { latency: ms(30), ..RelayLine::fast() }
}

/// The times below which half of all and 99 % of all are.
fn percentiles(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort();
    (times[times.len() / 2], times[times.len() * 99 / 100])
}

/// Sends a text from the first member to the second one. Returns the time until its outcome.
fn send_one(group: &mut Group) -> Duration {
    let (to, begin) = (one(group, 1), group.now());
    group.send_text(0, to, "hello");
    assert!(group.run_until_idle(ms(5_000)));
    group.now().since(begin)
}

#[test]
fn the_first_private_text_without_udp_takes_a_probe_and_a_round_trip() {
    let times = std::cell::RefCell::new((Vec::new(), Vec::new()));
    let count = each_seed(env!("CARGO_CRATE_NAME"), 0..1_000, |seed| {
        let mut group = group(2, NETWORK, line(), seed);
        group.network.block_all();
        let mut times = times.borrow_mut();
        times.0.push(send_one(&mut group));
        times.1.push(send_one(&mut group));
    });
    let (first, second) = times.into_inner();
    let ((first, first_99), (second, second_99)) = (percentiles(first), percentiles(second));
    announce(format_args!(
        "reach: {count} first texts with UDP blocked, 30 ms each way: delivered after {first:?} p50, {first_99:?} p99; \
         the second text: {second:?} p50, {second_99:?} p99"
    ));
    assert!(first_99 < ms(400) && second_99 < ms(150));
}

/// The longest time within which a member received no text, from `since` on.
fn gap(arrivals: &[Mono], since: Mono) -> Duration {
    let before = arrivals.iter().rposition(|at| *at <= since).unwrap_or(0);
    arrivals[before..].windows(2).map(|pair| pair[1].since(pair[0])).max().unwrap_or(Duration::MAX)
}

#[test]
fn the_gap_when_udp_dies_is_short() {
    let gaps = std::cell::RefCell::new(Vec::new());
    let count = each_seed(env!("CARGO_CRATE_NAME"), 0..1_000, |seed| {
        let mut group = group(2, NETWORK, line(), seed);
        converse(&mut group, ms(2_000));
        group.run(ms(seed % 200));
        group.network.block_all();
        let died = group.now();
        let (to, mut arrivals) = (one(&group, 1), vec![died]);
        // A text every 50 ms.
        for number in 0..80 {
            group.send_text(0, to.clone(), &number.to_string());
            for _ in 0..10 {
                group.run(ms(5));
                let count = texts(&group.take_outputs(1)).len();
                arrivals.extend(std::iter::repeat_n(group.now(), count));
            }
        }
        assert!(group.run_until_idle(ms(2_000)));
        let totals = group.ledger.check();
        assert_eq!((totals.failed, totals.unconfirmed), (0, 0));
        gaps.borrow_mut().push(gap(&arrivals, died));
    });
    let (median, longest) = percentiles(gaps.into_inner());
    announce(format_args!("reach: the gap when UDP dies, {count} times: {median:?} p50, {longest:?} p99"));
    assert!(longest < ms(1_500));
}

#[test]
fn a_lone_text_into_udp_that_has_died_takes_less_than_a_second() {
    let times = std::cell::RefCell::new(Vec::new());
    let count = each_seed(env!("CARGO_CRATE_NAME"), 0..1_000, |seed| {
        let mut group = group(2, NETWORK, line(), seed);
        converse(&mut group, ms(2_000));
        assert!(group.run_until_idle(ms(1_000)));
        group.network.block_all();
        times.borrow_mut().push(send_one(&mut group));
    });
    let (median, longest) = percentiles(times.into_inner());
    announce(format_args!("reach: a text right after UDP has died, {count} times: {median:?} p50, {longest:?} p99"));
    assert!(longest < ms(1_000));
}
