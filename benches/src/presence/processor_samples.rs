//! Samples the processor time of server threads and of this process.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::machine::{self, Threads};

/// The sampling interval: short enough to resolve a storm of a second, long enough that sampling costs little.
const INTERVAL: Duration = Duration::from_millis(50);

/// Samples of the processor time of some threads of a server and of this process.
#[derive(Debug)]
pub(crate) struct ProcessorSamples {
    threads: Threads,
    samples: Vec<Sample>,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Instant,
    threads: Duration,
    own: Duration,
}

/// Shares of all processor time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Shares {
    /// The share of the server's threads.
    pub(crate) threads: f64,
    /// The share of this process.
    pub(crate) own: f64,
}

impl ProcessorSamples {
    pub(crate) fn new(threads: Threads) -> Self {
        Self { threads, samples: Vec::new() }
    }

    /// Takes samples until the future is dropped.
    pub(crate) async fn collect(&mut self) -> Infallible {
        loop {
            let (threads, own) = (self.threads.time(), machine::process_time());
            self.samples.push(Sample { at: Instant::now(), threads, own });
            sleep(INTERVAL).await;
        }
    }

    /// The shares of all processor time between the first samples at or after `from` and `to`.
    pub(crate) fn shares(&self, from: Instant, to: Instant) -> Shares {
        let at = |moment| self.samples.iter().find(|sample| sample.at >= moment).or_else(|| self.samples.last());
        let Some((from, to)) = at(from).zip(at(to)) else { return Shares::default() };
        let all = (to.at - from.at).as_secs_f64() * machine::processors() as f64;
        let share = |used: Duration| if all > 0.0 { used.as_secs_f64() / all } else { 0.0 };
        Shares { threads: share(to.threads - from.threads), own: share(to.own - from.own) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_relate_to_all_processors_and_the_time_between_two_samples() {
        let (begin, all) = (Instant::now(), machine::processors() as f64);
        let sample = |seconds| Sample {
            at: begin + Duration::from_secs(seconds),
            threads: Duration::from_secs_f64(seconds as f64 * all * 0.5),
            own: Duration::from_secs_f64(seconds as f64 * all * 0.25),
        };
        let half = Duration::from_millis(500);
        let mut samples = ProcessorSamples::new(Threads::default());
        assert_eq!(samples.shares(begin, begin + half), Shares::default(), "there are no samples");
        samples.samples.extend((0..5).map(sample));
        for (from, to) in [(begin, begin + half), (begin + half, begin + 3 * half), (begin, begin + 100 * half)] {
            assert_eq!(samples.shares(from, to), Shares { threads: 0.5, own: 0.25 });
        }
        assert_eq!(samples.shares(begin, begin), Shares::default(), "shares are zero without elapsed time");
    }
}
