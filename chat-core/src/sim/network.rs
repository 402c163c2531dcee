//! A simulated network that delays, loses, duplicates, reorders and corrupts datagrams, as a function of its seed.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};

use super::profile::{Bursts, Profile, Rate};
use crate::time::Mono;

/// A network that carries datagrams between addresses.
#[derive(Debug)]
pub struct Network {
    profile: Profile,
    random: StdRng,
    in_flight: BTreeMap<(Mono, u64), SimDatagram>,
    directions: BTreeMap<(SocketAddr, SocketAddr), DirectionState>,
    count: u64,
    blocked: Vec<(SocketAddr, SocketAddr)>,
    blocks_all: bool,
    max_datagram: usize,
    captured: Option<Vec<SimDatagram>>,
}

/// A datagram in the simulated network.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct SimDatagram {
    /// The source address.
    pub from: SocketAddr,
    /// The destination address.
    pub to: SocketAddr,
    /// The bytes, as they arrive.
    pub bytes: Vec<u8>,
}

/// The state of one direction between two addresses.
#[derive(Debug, Default)]
struct DirectionState {
    condition: Condition,
    /// When the condition changes.
    until: Mono,
    /// When everything sent so far has passed, if the bandwidth is limited.
    free_at: Mono,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Condition {
    #[default]
    Unknown,
    Good,
    Bad,
}

/// The extra delay of a reordered datagram: enough for datagrams sent at the same time, and the responses to them, to
/// overtake it.
const REORDERING_DELAY: Duration = Duration::from_millis(40);

impl Network {
    /// Creates a network without datagrams.
    pub fn new(profile: Profile, seed: u64) -> Self {
        Self {
            profile,
            random: StdRng::seed_from_u64(seed),
            in_flight: BTreeMap::new(),
            directions: BTreeMap::new(),
            count: 0,
            blocked: Vec::new(),
            blocks_all: false,
            max_datagram: usize::MAX,
            captured: None,
        }
    }

    /// The current profile.
    pub const fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Changes the profile from now on.
    pub fn set_profile(&mut self, profile: Profile) {
        self.profile = profile;
        self.directions.clear();
    }

    /// Drops every datagram from `from` to `to` from now on: a partition in one direction.
    pub fn block(&mut self, from: SocketAddr, to: SocketAddr) {
        self.blocked.push((from, to));
    }

    /// Drops every datagram from now on: a network without UDP.
    pub const fn block_all(&mut self) {
        self.blocks_all = true;
    }

    /// Ends all partitions.
    pub fn unblock(&mut self) {
        self.blocked.clear();
        self.blocks_all = false;
    }

    /// Silently drops longer datagrams from now on.
    pub const fn set_max_datagram(&mut self, bytes: usize) {
        self.max_datagram = bytes;
    }

    /// Captures every datagram that is sent from now on, as an eavesdropper could.
    pub fn capture(&mut self) {
        self.captured = Some(Vec::new());
    }

    /// Takes the datagrams captured so far.
    pub fn take_captured(&mut self) -> Vec<SimDatagram> {
        self.captured.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Sends a datagram.
    pub fn send(&mut self, now: Mono, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        self.count += 1;
        if let Some(captured) = &mut self.captured {
            captured.push(SimDatagram { from, to, bytes: bytes.to_vec() });
        }
        if bytes.len() > self.max_datagram {
            return;
        }
        if self.blocks_all
            || self.blocked.contains(&(from, to))
            || self.chance(self.profile.loss)
            || self.is_bad(now, from, to)
        {
            return;
        }
        let Some(left) = self.leave(now, from, to, bytes.len()) else { return };
        let copies = if self.chance(self.profile.duplication) { 2 } else { 1 };
        for copy in 0..copies {
            let mut at = left + self.profile.latency + self.profile.jitter.mul_f64(self.random.random());
            if self.chance(self.profile.reordering) {
                at = at + REORDERING_DELAY;
            }
            let mut bytes = bytes.to_vec();
            if self.chance(self.profile.corruption) && !bytes.is_empty() {
                let bit = self.random.next_u64() as usize % (bytes.len() * 8);
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
            self.in_flight.insert((at, self.count * 2 + copy), SimDatagram { from, to, bytes });
        }
    }

    /// When the next datagram arrives, if any is in flight.
    pub fn deadline(&self) -> Option<Mono> {
        self.in_flight.first_key_value().map(|((at, _), _)| *at)
    }

    /// Returns the next datagram that has arrived by `now`.
    pub fn receive(&mut self, now: Mono) -> Option<SimDatagram> {
        let first = self.in_flight.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// The number of datagrams sent so far, including lost ones.
    pub const fn sent(&self) -> u64 {
        self.count
    }

    fn chance(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.random.random_bool(probability)
    }

    /// Whether a burst loses every datagram from `from` to `to` at the moment.
    fn is_bad(&mut self, now: Mono, from: SocketAddr, to: SocketAddr) -> bool {
        let Some(Bursts { share, mean }) = self.profile.bursts else { return false };
        let direction = self.directions.entry((from, to)).or_default();
        while direction.until <= now {
            direction.condition = match direction.condition {
                // After a long time without traffic, draw the condition from the shares.
                _ if now.since(direction.until) > mean * 100 => {
                    direction.until = now;
                    if self.random.random_bool(share) { Condition::Bad } else { Condition::Good }
                }
                Condition::Unknown if self.random.random_bool(share) => Condition::Bad,
                Condition::Unknown | Condition::Bad => Condition::Good,
                Condition::Good => Condition::Bad,
            };
            let mean = if direction.condition == Condition::Bad { mean } else { mean.mul_f64((1.0 - share) / share) };
            let length = mean.mul_f64(-(1.0 - self.random.random::<f64>()).ln());
            direction.until = direction.until + length.max(Duration::from_micros(1));
        }
        direction.condition == Condition::Bad
    }

    /// When the datagram has passed the limited bandwidth. None if the queue is too long.
    fn leave(&mut self, now: Mono, from: SocketAddr, to: SocketAddr, len: usize) -> Option<Mono> {
        let Some(Rate { bytes_per_second, queue }) = self.profile.rate else { return Some(now) };
        let direction = self.directions.entry((from, to)).or_default();
        let begins = direction.free_at.max(now);
        if begins.since(now) > queue {
            return None;
        }
        direction.free_at = begins + Duration::from_secs_f64(len as f64 / f64::from(bytes_per_second.max(1)));
        Some(direction.free_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends() -> (SocketAddr, SocketAddr) {
        (SocketAddr::from(([10, 0, 0, 1], 4000)), SocketAddr::from(([10, 0, 0, 2], 4000)))
    }

    /// Sends `count` numbered datagrams, one per `every`. Returns what arrives, in the order of arrival.
    fn arrivals(profile: Profile, count: u32, every: Duration) -> Vec<(Mono, Vec<u8>)> {
        let mut network = Network::new(profile, 1);
        let (from, to) = ends();
        let mut now = Mono::ZERO;
        for number in 0..count {
            network.send(now, from, to, &number.to_be_bytes());
            now = now + every;
        }
        let mut arrived = Vec::new();
        while let Some(at) = network.deadline() {
            arrived.push((at, network.receive(at).unwrap().bytes));
        }
        arrived
    }

    fn share(part: usize, whole: usize) -> f64 {
        part as f64 / whole as f64
    }

    #[test]
    fn bursts_lose_their_share_at_any_sending_rate() {
        let bursts = Some(Bursts { share: 0.25, mean: Duration::from_millis(400) });
        for every in [1, 10, 100, 60_000].map(Duration::from_millis) {
            let profile = Profile { bursts, ..Profile::GOOD };
            let count = if every < Duration::from_millis(10) { 400_000 } else { 40_000 };
            let arrived = arrivals(profile, count, every).len();
            let lost = 1.0 - share(arrived, count as usize);
            assert!((0.20..0.30).contains(&lost), "{every:?}: {lost}");
        }
    }

    #[test]
    fn bursts_have_the_configured_mean_length() {
        let mean = Duration::from_millis(80);
        let profile = Profile { bursts: Some(Bursts { share: 0.1, mean }), ..Profile::GOOD };
        let arrived = arrivals(profile, 400_000, Duration::from_millis(1));
        let numbers: Vec<u32> = arrived.iter().map(|(_, b)| u32::from_be_bytes(b[..].try_into().unwrap())).collect();
        let gaps: Vec<u32> = numbers.windows(2).map(|pair| pair[1] - pair[0] - 1).filter(|gap| *gap > 0).collect();
        let average = f64::from(gaps.iter().sum::<u32>()) / gaps.len() as f64;
        assert!((70.0..90.0).contains(&average), "{average} ms");
    }

    #[test]
    fn reordering_duplication_and_corruption_have_the_configured_probability() {
        let profile = Profile { reordering: 0.1, duplication: 0.2, corruption: 0.3, ..Profile::GOOD };
        let arrived = arrivals(profile, 10_000, Duration::from_millis(10));
        assert!((0.18..0.22).contains(&(share(arrived.len(), 10_000) - 1.0)));
        let late = arrived.iter().filter(|(at, _)| at.since(Mono::ZERO).as_millis() % 10 == 1).count();
        assert_eq!(late, arrived.len(), "1 ms, and 40 ms more if reordered");
        let damaged = arrived
            .iter()
            .filter(|(at, bytes)| {
                let number = u128::from(u32::from_be_bytes(bytes[..].try_into().unwrap()));
                let sent = at.since(Mono::ZERO).as_millis() / 10;
                number != sent && number + 4 != sent
            })
            .count();
        assert!((0.27..0.33).contains(&share(damaged, arrived.len())));
    }

    #[test]
    fn a_limited_bandwidth_spaces_datagrams_and_drops_those_beyond_its_queue() {
        let rate = Some(Rate { bytes_per_second: 4_000, queue: Duration::from_millis(9) });
        let arrived = arrivals(Profile { rate, ..Profile::GOOD }, 100, Duration::ZERO);
        assert_eq!(arrived.len(), 10, "4 bytes take 1 ms");
        assert!(arrived.windows(2).all(|pair| pair[1].0.since(pair[0].0) == Duration::from_millis(1)));
    }
}
