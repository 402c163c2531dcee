//! Who had the processors, from moment to moment.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::process::{Server, Threads};
use crate::machine;

/// How often it is looked: often enough for a second, and not so often that looking counts.
const LOOK: Duration = Duration::from_millis(50);

/// Processor time of some threads of a server, and of this process.
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
    pub(crate) threads: f64,
    /// Of this process.
    pub(crate) ours: f64,
}

impl Usage {
    /// Of the threads of `server` with names that begin like this.
    pub(crate) fn of(server: &Server, threads: &str) -> Self {
        Self { threads: server.threads(threads), seen: Vec::new() }
    }

    /// Looks again and again, until it is dropped.
    pub(crate) async fn watch(&mut self) -> Infallible {
        loop {
            let (threads, ours) = (self.threads.processor(), machine::process_time());
            self.seen.push(Seen { at: Instant::now(), threads, ours });
            sleep(LOOK).await;
        }
    }

    /// The shares between the first looks from two moments on.
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
    fn shares_are_of_all_processors_and_of_the_time_between_two_looks() {
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
        assert_eq!(usage.shares(begin, begin), Shares::default(), "no time, no share");
        let usage = Usage { threads: Threads::default(), seen: Vec::new() };
        assert_eq!(usage.shares(begin, begin + half), Shares::default());
    }
}
