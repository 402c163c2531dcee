//! Limits the TLS handshakes: how many are in progress in all, and for each source how many are in progress and how
//! many begin in a second. The machine counts connections only after their handshakes. Without these limits, clients
//! that open connections and send nothing would lock out all others.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chat_core::id::ConnId;
use chat_core::places::Places;
use chat_core::rate_limit::SourceRates;
use chat_core::server::Limit;
use chat_core::source::Source;
use chat_core::time::Mono;
use tokio::sync::watch;

use crate::clock::Clock;

/// The most handshakes that may be in progress. Each costs about 20 KB and 0.2 ms of computation.
pub(super) const HANDSHAKES: usize = 1024;

/// The most connections that wait for their handshakes, as many as in the queue of the kernel: after a restart, all
/// clients of a large room connect together. Each costs a file descriptor and a task.
const WAITING: usize = 4096;

/// The most connections that have not finished their handshakes. Each needs a file descriptor.
pub const MAX_UNFINISHED_HANDSHAKES: usize = HANDSHAKES + WAITING;

/// The time after which a handshake gives way to a connection from a network that holds fewer, if no network holds
/// many: a handshake takes two round trips, and a second even in a bad network.
const SLOW: Duration = Duration::from_secs(2);

/// The handshakes that one source may begin in a second: a client that retries needs one, and an office behind one
/// router has its burst for the rest.
const PER_SECOND: u32 = 20;

/// The burst of a source, as a multiple of the connections that it may have: everybody behind it may connect, lose the
/// connection, and connect again.
const BURST: usize = 2;

/// The burst of a source with a small limit of connections. Clients connect also to learn that they are refused.
const MIN_BURST: usize = 50;

/// The most networks whose rates are remembered, about 2 MB.
const REMEMBERED: usize = 10_000;

/// Counts the handshakes, and decides which of them give way.
#[derive(Clone, Debug)]
pub(super) struct HandshakeLimiter(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    clock: Clock,
    most: Most,
    /// By the time at which they began, which is not the order of the connections: some had to wait.
    in_progress: Places<(Mono, ConnId)>,
    waiting: Places<ConnId>,
    handshakes: BTreeMap<ConnId, Handshake>,
    rates: SourceRates,
}

/// How many handshakes there may be.
#[derive(Clone, Copy, Debug)]
struct Most {
    in_progress: usize,
    waiting: usize,
    /// In progress or waiting, for each source.
    per_source: usize,
}

#[derive(Debug)]
struct Handshake {
    turn: watch::Sender<Turn>,
    /// `None` while it waits.
    began: Option<Mono>,
}

/// How far a handshake has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Turn {
    Waiting,
    InProgress,
    /// It has given way to another one.
    Displaced,
}

/// The handshake has given way to one from a network that holds fewer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Displaced;

/// Counts one handshake until it is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    limiter: HandshakeLimiter,
    conn: ConnId,
    turn: watch::Receiver<Turn>,
}

impl HandshakeLimiter {
    /// A source may have `per_source` handshakes in progress or waiting.
    pub(super) fn new(per_source: usize) -> Self {
        Self::with(Most { in_progress: HANDSHAKES, waiting: WAITING, per_source })
    }

    fn with(most: Most) -> Self {
        let burst = u32::try_from(most.per_source.saturating_mul(BURST).max(MIN_BURST)).unwrap_or(u32::MAX);
        Self(Arc::new(Mutex::new(State {
            clock: Clock::start(),
            most,
            in_progress: Places::default(),
            waiting: Places::default(),
            handshakes: BTreeMap::new(),
            rates: SourceRates::new(PER_SECOND, burst, REMEMBERED),
        })))
    }

    /// Counts the handshake of a connection from `ip`. If too many are in progress, one from the network that holds
    /// most gives way, and otherwise this one waits. If too many wait, one of those gives way in the same manner.
    ///
    /// # Errors
    /// The limit that is reached. The connection is to be closed.
    pub(super) fn admit(&self, conn: ConnId, ip: IpAddr) -> Result<Slot, Limit> {
        let turn = self.lock().admit(conn, ip.into())?;
        Ok(Slot { limiter: self.clone(), conn, turn })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while the lock is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn admit(&mut self, conn: ConnId, source: Source) -> Result<watch::Receiver<Turn>, Limit> {
        if self.in_progress.held_by(source) + self.waiting.held_by(source) >= self.most.per_source {
            return Err(Limit::ConnectionsPerAddress);
        }
        let now = self.clock.now().mono;
        self.rates.take(now, source).map_err(|_| Limit::HandshakesPerAddress)?;
        let turn = if self.in_progress.len() < self.most.in_progress {
            Turn::InProgress
        } else if let Some((_, other)) = self.giving_way(now, source) {
            self.displace(other);
            Turn::InProgress
        } else {
            if self.waiting.len() >= self.most.waiting {
                let other = self.waiting.giving_way(source, |_, _| true).ok_or(Limit::Handshakes)?;
                self.displace(other);
            }
            Turn::Waiting
        };
        let began = (turn == Turn::InProgress).then_some(now);
        match began {
            Some(began) => self.in_progress.take((began, conn), source),
            None => self.waiting.take(conn, source),
        }
        let (sender, receiver) = watch::channel(turn);
        self.handshakes.insert(conn, Handshake { turn: sender, began });
        Ok(receiver)
    }

    /// The handshake in progress that gives way to a newcomer.
    fn giving_way(&self, now: Mono, newcomer: Source) -> Option<(Mono, ConnId)> {
        self.in_progress.giving_way(newcomer, |_, _| true).or_else(|| {
            let (began, _) = self.in_progress.oldest()?;
            let is_slow = began + SLOW <= now;
            is_slow.then(|| self.in_progress.oldest_for(newcomer, |_, _| true)).flatten()
        })
    }

    fn displace(&mut self, conn: ConnId) {
        if let Some(handshake) = self.free(conn) {
            handshake.turn.send_replace(Turn::Displaced);
        }
    }

    /// A handshake has ended. The one that has waited longest begins.
    fn end(&mut self, conn: ConnId) {
        self.free(conn);
        while self.in_progress.len() < self.most.in_progress
            && let Some(next) = self.waiting.oldest()
            && let Some(source) = self.waiting.free(next)
        {
            let now = self.clock.now().mono;
            self.in_progress.take((now, next), source);
            if let Some(handshake) = self.handshakes.get_mut(&next) {
                handshake.began = Some(now);
                handshake.turn.send_replace(Turn::InProgress);
            }
        }
    }

    /// Frees the place of a handshake, unless it has given way.
    fn free(&mut self, conn: ConnId) -> Option<Handshake> {
        let handshake = self.handshakes.remove(&conn)?;
        match handshake.began {
            Some(began) => self.in_progress.free((began, conn)),
            None => self.waiting.free(conn),
        };
        Some(handshake)
    }
}

impl Slot {
    /// Whether the handshake has to wait for its turn.
    pub(super) fn is_waiting(&self) -> bool {
        *self.turn.borrow() == Turn::Waiting
    }

    /// Waits until the handshake may begin. Cancel safe.
    ///
    /// # Errors
    /// It has given way to another one.
    pub(super) async fn turn(&mut self) -> Result<(), Displaced> {
        // The sender is dropped only after it has reported the last turn.
        let turn = self.turn.wait_for(|turn| *turn != Turn::Waiting).await.map_or(Turn::Displaced, |turn| *turn);
        if turn == Turn::Displaced { Err(Displaced) } else { Ok(()) }
    }

    /// Waits until the handshake has given way to another one. Cancel safe.
    pub(super) async fn displaced(&mut self) -> Displaced {
        drop(self.turn.wait_for(|turn| *turn == Turn::Displaced).await);
        Displaced
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.limiter.lock().end(self.conn);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A limiter, and the handshakes that it admitted and that were not displaced.
    struct Bench {
        limiter: HandshakeLimiter,
        next: ConnId,
        slots: BTreeMap<u64, Slot>,
    }

    impl Bench {
        fn new(in_progress: usize, waiting: usize, per_source: usize) -> Self {
            let limiter = HandshakeLimiter::with(Most { in_progress, waiting, per_source });
            Self { limiter, next: ConnId::new(1), slots: BTreeMap::new() }
        }

        /// Returns the number of the connection.
        fn connect(&mut self, ip: &str) -> Result<u64, Limit> {
            let conn = self.next;
            self.next = conn.next();
            let slot = self.limiter.admit(conn, ip.parse().unwrap())?;
            self.slots.insert(conn.get(), slot);
            self.slots.retain(|_, slot| *slot.turn.borrow() != Turn::Displaced);
            Ok(conn.get())
        }

        fn in_progress(&self, conn: u64) -> bool {
            self.slots.get(&conn).is_some_and(|slot| *slot.turn.borrow() == Turn::InProgress)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_source_has_its_own_slots_and_dropping_one_frees_it() {
        let mut bench = Bench::new(10, 10, 2);
        let first = bench.connect("2001:db8::1").unwrap();
        assert!(bench.connect("2001:db8::2").is_ok());
        assert_eq!(bench.connect("2001:db8::3"), Err(Limit::ConnectionsPerAddress));
        assert!(bench.connect("2001:db8:0:1::1").is_ok() && bench.connect("192.0.2.1").is_ok());
        bench.slots.remove(&first);
        assert!(bench.connect("2001:db8::3").is_ok());
        assert_eq!(bench.connect("2001:db8::4"), Err(Limit::ConnectionsPerAddress));
        bench.slots.clear();
        let state = bench.limiter.lock();
        assert!(state.handshakes.is_empty() && state.in_progress.is_empty() && state.waiting.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_newcomer_begins_at_once_however_many_sources_hold_all_handshakes() {
        for sources in [2, 8, 16, 64] {
            let mut bench = Bench::new(64, 512, 1_000);
            for number in 0..300 {
                let _ = bench.connect(&format!("10.0.{}.1", number % sources));
            }
            let honest = bench.connect("192.0.2.1").unwrap();
            assert_eq!(bench.in_progress(honest), sources < 64, "64 networks hold one each");
            tokio::time::advance(SLOW).await;
            let later = bench.connect("198.51.100.1").unwrap();
            assert!(bench.in_progress(later), "of {sources} sources, some hold many or are slow");
            // The other sources keep connecting.
            for number in 0..1_000 {
                tokio::time::advance(SLOW / 1_001).await;
                let _ = bench.connect(&format!("10.0.{}.1", number % sources));
            }
            assert!(bench.in_progress(later), "{sources}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn those_that_wait_begin_in_turn_and_too_many_of_one_network_are_refused() {
        let mut bench = Bench::new(2, 2, 256);
        let [first, _, third, fourth] = [(); 4].map(|()| bench.connect("192.0.2.1").unwrap());
        assert!(!bench.in_progress(third) && bench.slots[&third].is_waiting());
        assert_eq!(bench.connect("192.0.2.1"), Err(Limit::Handshakes));
        bench.slots.remove(&first);
        assert!(bench.in_progress(third) && !bench.in_progress(fourth));
        assert_eq!(bench.slots.get_mut(&third).unwrap().turn().await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_handshake_that_gives_way_is_notified() {
        let limiter = HandshakeLimiter::with(Most { in_progress: 2, waiting: 0, per_source: 256 });
        let [mut first, mut second] =
            [1, 2].map(|conn| limiter.admit(ConnId::new(conn), "192.0.2.1".parse().unwrap()).unwrap());
        let other = limiter.admit(ConnId::new(3), "198.51.100.1".parse().unwrap());
        assert!(other.is_ok());
        assert_eq!(first.displaced().await, Displaced);
        assert_eq!((first.turn().await, second.turn().await), (Err(Displaced), Ok(())));
    }

    #[tokio::test(start_paused = true)]
    async fn the_handshake_that_began_first_is_the_slow_one_even_if_others_connected_before() {
        let mut bench = Bench::new(2, 2, 256);
        let [_, second, third] = [(); 3].map(|()| bench.connect("192.0.2.1").unwrap());
        let slow = bench.connect("198.51.100.1").unwrap();
        assert!(bench.in_progress(slow) && !bench.in_progress(third), "the first one gave way");
        tokio::time::advance(SLOW / 2).await;
        bench.slots.remove(&second);
        assert!(bench.in_progress(third));
        tokio::time::advance(SLOW / 2).await;
        let newcomer = bench.connect("203.0.113.1").unwrap();
        assert!(bench.in_progress(newcomer) && bench.in_progress(third) && !bench.in_progress(slow));
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_begins_handshakes_in_a_loop_is_slowed_down_and_others_are_not() {
        let mut bench = Bench::new(1_024, 1_024, 30);
        let mut begun = 0;
        for _ in 0..1_000 {
            tokio::time::advance(Duration::from_millis(10)).await;
            for _ in 0..50 {
                begun += u32::from(bench.connect("192.0.2.1").is_ok());
                bench.slots.clear();
            }
        }
        assert!((250..=261).contains(&begun), "60 at once, and 20 in each of ten seconds: {begun}");
        assert_eq!(bench.connect("192.0.2.1"), Err(Limit::HandshakesPerAddress));
        assert!(bench.connect("192.0.2.2").is_ok());
    }
}
