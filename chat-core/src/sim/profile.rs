//! Network profiles, from good Wi-Fi to barely usable.

use std::time::Duration;

/// The behaviour of a network. Probabilities are between 0 and 1 and independent of each other.
///
/// Exhaustive, so that tests can write `Profile { loss: 0.1, ..Profile::GOOD }`, which compiles with any further
/// fields.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "tests write literals")]
pub struct Profile {
    /// The minimum one-way delay.
    pub latency: Duration,
    /// The maximum extra delay, uniformly distributed. Reorders datagrams that are sent close together.
    pub jitter: Duration,
    /// The probability that a datagram is lost, outside bursts.
    pub loss: f64,
    /// Periods in which every datagram is lost.
    pub bursts: Option<Bursts>,
    /// The probability that a datagram arrives twice.
    pub duplication: f64,
    /// The probability that a datagram is delayed until later ones overtake it.
    pub reordering: f64,
    /// The probability that one bit of a datagram is flipped.
    pub corruption: f64,
    /// The bandwidth. None means unlimited.
    pub rate: Option<Rate>,
}

/// Burst losses after Gilbert and Elliott: each direction between two addresses alternates between good and bad periods of
/// exponentially distributed length, and a bad period loses every datagram.
///
/// Periods are measured in time, not in datagrams, as for a fading radio: the share of lost datagrams does not depend on
/// the sending rate.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "tests write literals")]
pub struct Bursts {
    /// The share of time in bad periods, below 1.
    pub share: f64,
    /// The mean length of a bad period.
    pub mean: Duration,
}

/// A limited bandwidth in each direction between two addresses.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "tests write literals")]
pub struct Rate {
    /// The bandwidth in bytes per second.
    pub bytes_per_second: u32,
    /// The longest queueing delay. A datagram that would wait longer is dropped.
    pub queue: Duration,
}

impl Profile {
    /// A network without losses and with a short delay.
    pub const GOOD: Self = Self {
        latency: Duration::from_millis(1),
        jitter: Duration::ZERO,
        loss: 0.0,
        bursts: None,
        duplication: 0.0,
        reordering: 0.0,
        corruption: 0.0,
        rate: None,
    };

    /// Wi-Fi in the same room.
    pub const GOOD_WIFI: Self = Self::wireless(16, 2, 0.001, 0.0, 0);
    /// Wi-Fi shared by many.
    pub const BUSY_WIFI: Self = Self::wireless(25, 15, 0.005, 0.0, 0);
    /// A good mobile network.
    pub const GOOD_4G: Self = Self::wireless(45, 10, 0.005, 0.0, 0);
    /// Wi-Fi through two walls.
    pub const FAR_WIFI: Self = Self::wireless(30, 30, 0.005, 0.01, 40);
    /// A mobile network at the edge of its cell.
    pub const WEAK_4G: Self = Self::wireless(90, 30, 0.002, 0.02, 80);
    /// A mobile network on a moving train.
    pub const TRAIN: Self = Self::wireless(150, 60, 0.005, 0.04, 120);
    /// A geostationary satellite in bad weather.
    pub const SATELLITE: Self = Self::wireless(300, 40, 0.005, 0.07, 180);
    /// An old mobile network, nearly out of reach.
    pub const OUT_OF_REACH: Self = Self::wireless(450, 100, 0.005, 0.12, 250);
    /// A barely usable network: it is dead a quarter of the time and slow otherwise.
    pub const ABSURD: Self = Self::wireless(800, 200, 0.01, 0.25, 400);

    /// Nine networks with their names, in the order of decreasing quality.
    pub const LADDER: [(&'static str, Self); 9] = [
        ("good Wi-Fi", Self::GOOD_WIFI),
        ("busy Wi-Fi", Self::BUSY_WIFI),
        ("good 4G", Self::GOOD_4G),
        ("far Wi-Fi", Self::FAR_WIFI),
        ("weak 4G", Self::WEAK_4G),
        ("train", Self::TRAIN),
        ("satellite", Self::SATELLITE),
        ("out of reach", Self::OUT_OF_REACH),
        ("absurd", Self::ABSURD),
    ];

    const fn wireless(latency_ms: u64, jitter_ms: u64, loss: f64, share: f64, burst_ms: u64) -> Self {
        let bursts = if burst_ms == 0 { None } else { Some(Bursts { share, mean: Duration::from_millis(burst_ms) }) };
        Self {
            latency: Duration::from_millis(latency_ms),
            jitter: Duration::from_millis(jitter_ms),
            loss,
            bursts,
            duplication: 0.002,
            reordering: 0.005,
            corruption: 0.0005,
            rate: None,
        }
    }

    /// The overall probability that a datagram is lost.
    pub fn mean_loss(&self) -> f64 {
        let share = self.bursts.map_or(0.0, |bursts| bursts.share);
        share + (1.0 - share) * self.loss
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_network_of_the_ladder_is_worse_than_the_previous_one() {
        for pair in Profile::LADDER.windows(2) {
            let [(name, better), (_, worse)] = pair else { panic!("windows of two") };
            let is_worse = worse.latency > better.latency || worse.mean_loss() > better.mean_loss();
            assert!(is_worse, "after {name}");
        }
        assert!((Profile::ABSURD.mean_loss() - 0.25).abs() < 0.01);
        assert!((Profile::GOOD_WIFI.mean_loss() - 0.001).abs() < 1e-9);
    }
}
