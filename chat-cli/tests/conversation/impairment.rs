//! What a bad network does to datagrams, decided by a seed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use chat_core::generator::Generator;
use chat_core::sim::SeededGenerator;

/// How bad the network is.
#[derive(Debug)]
pub(crate) struct Impairment {
    pub(crate) lost_percent: u8,
    pub(crate) doubled_percent: u8,
    /// Each datagram takes up to so long, by itself, so that they overtake each other.
    pub(crate) delay: Duration,
    pub(crate) generator: SeededGenerator,
}

impl Impairment {
    /// How long each copy of the next datagram takes; of a lost one there is none.
    pub(crate) fn fate(&mut self) -> Vec<Duration> {
        if self.happens(self.lost_percent) {
            return Vec::new();
        }
        let copies = if self.happens(self.doubled_percent) { 2 } else { 1 };
        (0..copies).map(|_| self.generator.up_to(self.delay)).collect()
    }

    fn happens(&mut self, percent: u8) -> bool {
        self.generator.number() % 100 < u64::from(percent)
    }
}

/// A datagram that is under way.
#[derive(Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct UnderWay {
    pub(crate) due: Instant,
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) bytes: Vec<u8>,
}

/// Lets datagrams arrive when they are due, in a thread of its own that ends with the process.
pub(crate) fn run(coming: Receiver<UnderWay>, arrive: impl Fn(UnderWay) + Send + 'static) {
    /// Without a datagram there is nothing to look after.
    const IDLE: Duration = Duration::from_secs(3_600);
    thread::spawn(move || {
        let mut under_way: BinaryHeap<Reverse<UnderWay>> = BinaryHeap::new();
        loop {
            let wait = under_way.peek().map_or(IDLE, |next| next.0.due.saturating_duration_since(Instant::now()));
            match coming.recv_timeout(wait) {
                Ok(datagram) => under_way.push(Reverse(datagram)),
                Err(RecvTimeoutError::Timeout) => under_way.pop().into_iter().for_each(|next| arrive(next.0)),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    });
}

#[test]
fn an_impaired_network_is_as_bad_as_it_says() {
    const DATAGRAMS: usize = 10_000;
    let delay = Duration::from_millis(80);
    let mut network = Impairment { lost_percent: 30, doubled_percent: 10, delay, generator: SeededGenerator::new(1) };
    let fates: Vec<Vec<Duration>> = (0..DATAGRAMS).map(|_| network.fate()).collect();
    let of = |copies: usize| fates.iter().filter(|fate| fate.len() == copies).count();
    assert!((2_800..3_200).contains(&of(0)) && (600..800).contains(&of(2)), "{} lost, {} doubled", of(0), of(2));
    let times: Vec<Duration> = fates.concat();
    assert!(times.iter().all(|time| *time <= delay) && times.iter().any(|time| *time > delay * 9 / 10));
    assert!(times.windows(2).any(|pair| pair[0] > pair[1]), "they overtake each other");
}
