//! Samples the processor time of server threads and of this process.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::process::{Server, Threads};
use crate::machine;

/// The sampling interval: short enough to resolve a storm of a second, long enough that sampling costs little.
const LOOK: Duration = Duration::from_millis(50);

/// Samples of the processor time of some threads of a server and of this process.
#[derive(Debug)]
pub(crate) struct Usage {
    threads: Threads,
    seen: Vec<Seen>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    at: Instant,
    threads: Duration,
    ours: Duration,
}

/// Shares of all processor time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Shares {
    /// The share of the server's threads.
    pub(crate) threads: f64,
    /// The share of this process.
    pub(crate) ours: f64,
}

impl Usage {
    /// Creates a sampler for the threads of `server` whose names start with `threads`.
    pub(crate) fn of(server: &Server, threads: &str) -> Self {
        Self { threads: server.threads(threads), seen: Vec::new() }
    }

    /// Takes samples until the future is dropped.
    pub(crate) async fn watch(&mut self) -> Infallible {
        loop {
            let (threads, ours) = (self.threads.processor(), machine::process_time());
            self.seen.push(Seen { at: Instant::now(), threads, ours });
            sleep(LOOK).await;
        }
    }

    /// The shares of all processor time between the first samples at or after `from` and `to`.
    pub(crate) fn shares(&self, from: Instant, to: Instant) -> Shares {
        let at = |moment| self.seen.iter().find(|seen| seen.at >= moment).or_else(|| self.seen.last());
        let Some((from, to)) = at(from).zip(at(to)) else { return Shares::default() };
        let all = (to.at - from.at).as_secs_f64() * machine::processors() as f64;
        let share = |used: Duration| if all > 0.0 { used.as_secs_f64() / all } else { 0.0 };
        Shares { threads: share(to.threads - from.threads), ours: share(to.ours - from.ours) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_relate_to_all_processors_and_the_time_between_two_samples() {
        let (begin, all) = (Instant::now(), machine::processors() as f64);
        let seen = |seconds| Seen {
            at: begin + Duration::from_secs(seconds),
            threads: Duration::from_secs_f64(seconds as f64 * all * 0.5),
            ours: Duration::from_secs_f64(seconds as f64 * all * 0.25),
        };
        let usage = Usage { threads: Threads::default(), seen: (0..5).map(seen).collect() };
        let half = Duration::from_millis(500);
        for (from, to) in [(begin, begin + half), (begin + half, begin + 3 * half), (begin, begin + 100 * half)] {
            assert_eq!(usage.shares(from, to), Shares { threads: 0.5, ours: 0.25 });
        }
        assert_eq!(usage.shares(begin, begin), Shares::default(), "shares are zero without elapsed time");
        let usage = Usage { threads: Threads::default(), seen: Vec::new() };
        assert_eq!(usage.shares(begin, begin + half), Shares::default());
    }
}
