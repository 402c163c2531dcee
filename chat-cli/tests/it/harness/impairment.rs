//! What an impaired network does to datagrams, determined by a seed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use chat_core::generator::Generator;
use chat_core::sim::SeededGenerator;

/// The properties of an impaired network.
#[derive(Debug)]
pub(crate) struct Impairment {
    pub(crate) lost_percent: u8,
    pub(crate) duplicated_percent: u8,
    /// The maximum delay. Each datagram has a delay of its own, so that datagrams overtake each other.
    pub(crate) delay: Duration,
    pub(crate) generator: SeededGenerator,
}

impl Impairment {
    /// The delay of each copy of the next datagram. A lost datagram has no copies.
    pub(crate) fn delays(&mut self) -> Vec<Duration> {
        if self.happens(self.lost_percent) {
            return Vec::new();
        }
        let copies = if self.happens(self.duplicated_percent) { 2 } else { 1 };
        (0..copies).map(|_| self.generator.up_to(self.delay)).collect()
    }

    fn happens(&mut self, percent: u8) -> bool {
        self.generator.number() % 100 < u64::from(percent)
    }
}

/// A datagram that has not arrived yet.
#[derive(Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct InFlight {
    pub(crate) due: Instant,
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) bytes: Vec<u8>,
}

/// Passes each datagram to `arrive` when it is due, in a thread that ends with the process.
pub(crate) fn run(coming: Receiver<InFlight>, arrive: impl Fn(InFlight) + Send + 'static) {
    const IDLE: Duration = Duration::from_secs(3_600);
    thread::spawn(move || {
        let mut in_flight: BinaryHeap<Reverse<InFlight>> = BinaryHeap::new();
        loop {
            let wait = in_flight.peek().map_or(IDLE, |next| next.0.due.saturating_duration_since(Instant::now()));
            match coming.recv_timeout(wait) {
                Ok(datagram) => in_flight.push(Reverse(datagram)),
                Err(RecvTimeoutError::Timeout) => in_flight.pop().into_iter().for_each(|next| arrive(next.0)),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    });
}

#[test]
fn an_impaired_network_has_the_configured_properties() {
    const DATAGRAMS: usize = 10_000;
    let delay = Duration::from_millis(80);
    let mut network =
        Impairment { lost_percent: 30, duplicated_percent: 10, delay, generator: SeededGenerator::new(1) };
    let delays: Vec<Vec<Duration>> = (0..DATAGRAMS).map(|_| network.delays()).collect();
    let with = |copies: usize| delays.iter().filter(|delays| delays.len() == copies).count();
    assert!(
        (2_800..3_200).contains(&with(0)) && (600..800).contains(&with(2)),
        "{} lost, {} duplicated",
        with(0),
        with(2)
    );
    let times: Vec<Duration> = delays.concat();
    assert!(times.iter().all(|time| *time <= delay) && times.iter().any(|time| *time > delay * 9 / 10));
    assert!(times.windows(2).any(|pair| pair[0] > pair[1]), "no datagram overtakes another");
}
