//! What networks do to datagrams, from a good Wi-Fi to one that hardly deserves the name.

use std::time::Duration;

/// What a network does to a datagram. Probabilities are between 0 and 1, and all of them are independent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Profile {
    /// How long every datagram takes at least, one way.
    pub latency: Duration,
    /// What is added at most, evenly distributed, which reorders what is sent closely enough.
    pub jitter: Duration,
    /// How often a datagram is lost, whatever became of those before it.
    pub loss: f64,
    /// Times in which everything is lost.
    pub bursts: Option<Bursts>,
    /// How often it arrives twice.
    pub duplication: f64,
    /// How often it is held back so long that others overtake it.
    pub reordering: f64,
    /// How often one of its bits is flipped.
    pub corruption: f64,
    /// How much fits through at once; none for as much as there is.
    pub rate: Option<Rate>,
}

/// Losses that come together, after Gilbert and Elliott: each way between two addresses is good or bad for a while,
/// both with exponentially distributed lengths, and while it is bad nothing gets through.
///
/// In time and not in datagrams, because a radio that fades does not count what it loses: whoever sends seldom loses
/// as large a share as whoever sends a lot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bursts {
    /// The share of time that is bad, below 1.
    pub share: f64,
    /// How long a bad time takes on average.
    pub mean: Duration,
}

/// A line that takes so much and no more, each way between two addresses.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rate {
    /// What leaves it.
    pub bytes_per_second: u32,
    /// How long a datagram may wait for its turn; what would have to wait longer is dropped.
    pub queue: Duration,
}

impl Profile {
    /// A network that only takes a little time.
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

    /// A Wi-Fi in the same room.
    pub const GOOD_WIFI: Self = Self::wireless(16, 2, 0.001, 0.0, 0);
    /// A Wi-Fi that many share.
    pub const BUSY_WIFI: Self = Self::wireless(25, 15, 0.005, 0.0, 0);
    /// A good mobile network.
    pub const GOOD_4G: Self = Self::wireless(45, 10, 0.005, 0.0, 0);
    /// A Wi-Fi through two walls.
    pub const FAR_WIFI: Self = Self::wireless(30, 30, 0.005, 0.01, 40);
    /// A mobile network at the edge of its cell.
    pub const WEAK_4G: Self = Self::wireless(90, 30, 0.002, 0.02, 80);
    /// A mobile network in a moving train.
    pub const TRAIN: Self = Self::wireless(150, 60, 0.005, 0.04, 120);
    /// A geostationary satellite in bad weather.
    pub const SATELLITE: Self = Self::wireless(300, 40, 0.005, 0.07, 180);
    /// An old mobile network, nearly out of reach.
    pub const OUT_OF_REACH: Self = Self::wireless(450, 100, 0.005, 0.12, 250);
    /// What nobody would call a network: a quarter of the time nothing arrives, and the rest takes its time.
    pub const ABSURD: Self = Self::wireless(800, 200, 0.01, 0.25, 400);

    /// Nine networks, each worse than the one before, with their names.
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

    /// How often a datagram is lost, all in all.
    pub fn mean_loss(&self) -> f64 {
        let share = self.bursts.map_or(0.0, |bursts| bursts.share);
        share + (1.0 - share) * self.loss
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_network_of_the_ladder_loses_or_delays_more_than_the_one_before() {
        for pair in Profile::LADDER.windows(2) {
            let [(name, better), (_, worse)] = pair else { panic!("pairs") };
            let is_worse = worse.latency > better.latency || worse.mean_loss() > better.mean_loss();
            assert!(is_worse, "after {name}");
        }
        assert!((Profile::ABSURD.mean_loss() - 0.25).abs() < 0.01);
        assert!((Profile::GOOD_WIFI.mean_loss() - 0.001).abs() < 1e-9);
    }
}
