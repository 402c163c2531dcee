//! A bounded pool of threads that hash passwords.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{fmt, io, thread};

use chat_core::password::Password;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Sender, channel};
use tokio::sync::oneshot;

use super::phc::{self, PasswordHash, PhcFields};
use super::worker::{self, HashJob, WorkMemory};
use super::{HashCost, HashError};

/// The cost of new hashes and the limits of a [`HashPool`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct HashOptions {
    /// The cost of new hashes. A login replaces a stored hash that costs less.
    pub cost: HashCost,
    /// The number of threads, each of which keeps the memory of one hash. By default the number of processors, at most 4
    /// (76 MiB). On Linux they run at a lower priority than other threads, so that logins do not slow down the sessions
    /// that are online.
    pub threads: NonZeroUsize,
    /// The number of passwords that may wait while all threads are occupied. 128 by default, which one thread completes
    /// in about 4 s. Further calls fail with [`HashError::Busy`].
    pub queue: NonZeroUsize,
}

impl Default for HashOptions {
    fn default() -> Self {
        let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self { cost: HashCost::DEFAULT, threads: at_least_one(processors.min(4)), queue: at_least_one(128) }
    }
}

fn at_least_one(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).unwrap_or(NonZeroUsize::MIN)
}

/// Hashes and checks passwords on its own threads, so that it occupies neither the threads of an async runtime nor its
/// blocking pool.
///
/// Works in any async runtime. The threads end when the pool is dropped.
///
/// # Cancel safety
/// A call whose future is dropped while it waits in the queue is not computed.
pub struct HashPool {
    jobs: Sender<HashJob>,
    stats: Arc<HashStats>,
    options: HashOptions,
    dummy: Arc<PhcFields>,
}

/// The result of comparing a password with a stored hash.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Verification {
    /// The password does not match, or there was no hash.
    Mismatch,
    /// The password matches.
    Match,
    /// The password matches, and the hash costs less than new hashes do. The caller should hash the password again and
    /// store the new hash.
    NeedsRehash,
}

impl HashPool {
    /// Starts the threads.
    ///
    /// # Errors
    /// If a thread cannot be started, or if the system provides no random numbers.
    pub fn new(options: HashOptions) -> io::Result<Self> {
        let (jobs, queue) = channel(options.queue.get());
        let queue = Arc::new(Mutex::new(queue));
        for number in 0..options.threads.get() {
            worker::spawn(number, Arc::clone(&queue))?;
        }
        let dummy = PhcFields::dummy(options.cost).map_err(io::Error::other)?;
        Ok(Self { jobs, stats: Arc::default(), options, dummy: Arc::new(dummy) })
    }

    /// Estimates the time per check while all threads are occupied: the time of the most recent hash, divided by the
    /// number of hashes that run in parallel. Threads that share a memory bus need somewhat longer.
    ///
    /// If the pool has not hashed a password yet, this computes some hashes on the calling thread, for about 100 ms at
    /// the default cost. They do not count in [`Self::computed`].
    ///
    /// # Errors
    /// [`HashError::Memory`] if there is not enough memory for one hash.
    pub fn check_time(&self) -> Result<Duration, HashError> {
        if self.stats.hash_time().is_zero() {
            self.stats.set_hash_time(measure(&self.dummy)?);
        }
        Ok(self.time_per_check())
    }

    /// Hashes a password with a new salt.
    ///
    /// # Errors
    /// [`HashError::Busy`] without waiting if the queue is full; [`HashError::Memory`]; [`HashError::Random`].
    ///
    /// # Cancel safety
    /// Cancel safe: if the future is dropped, the hash is discarded. A password that still waits is not hashed.
    pub async fn hash(&self, password: Password) -> Result<PasswordHash, HashError> {
        let cost = self.options.cost;
        self.run(move |memory| phc::hash(&password, cost, memory.blocks(cost)?)).await
    }

    /// Checks a password against a stored hash. With `None`, for a user name that does not exist, this does the same
    /// work and returns [`Verification::Mismatch`].
    ///
    /// # Errors
    /// [`HashError::Busy`] without waiting if the queue is full; [`HashError::Memory`].
    ///
    /// # Cancel safety
    /// Cancel safe: if the future is dropped, the result is discarded. A password that still waits is not checked.
    pub async fn verify(&self, password: Password, stored: Option<&PasswordHash>) -> Result<Verification, HashError> {
        let fields = match stored {
            Some(hash) => Arc::new(hash.fields()?),
            None => Arc::clone(&self.dummy),
        };
        let (wanted, exists) = (self.options.cost, stored.is_some());
        self.run(move |memory| {
            let matches = fields.matches(&password, memory.blocks(fields.cost)?)?;
            Ok(match matches && exists {
                false => Verification::Mismatch,
                true if wanted.is_stronger_than(fields.cost) => Verification::NeedsRehash,
                true => Verification::Match,
            })
        })
        .await
    }

    /// The number of hashes computed since the start.
    pub fn computed(&self) -> u64 {
        self.stats.computed.load(Ordering::Relaxed)
    }

    /// The current number of passwords that are being hashed, and of passwords that wait.
    pub fn load(&self) -> HashLoad {
        HashLoad {
            // The pool holds one reference, and each job that runs holds another.
            checking: Arc::strong_count(&self.stats) as u64 - 1,
            waiting: (self.jobs.max_capacity() - self.jobs.capacity()) as u64,
        }
    }

    async fn run<T, F>(&self, compute: F) -> Result<T, HashError>
    where
        T: Send + 'static,
        F: FnOnce(&mut WorkMemory) -> Result<T, HashError> + Send + 'static,
    {
        let (result_sender, result) = oneshot::channel();
        let stats = Arc::downgrade(&self.stats);
        let job: HashJob = Box::new(move |memory| {
            // Dropping the job wipes the password.
            let (false, Some(stats)) = (result_sender.is_closed(), stats.upgrade()) else { return };
            let begin = Instant::now();
            let result = compute(memory);
            stats.record(begin.elapsed());
            drop(stats);
            // Fails if the caller dropped its future in the meantime.
            drop(result_sender.send(result));
        });
        self.jobs.try_send(job).map_err(|refused| match refused {
            TrySendError::Full(_) => HashError::Busy(self.drain_time()),
            TrySendError::Closed(_) => HashError::Stopped,
        })?;
        result.await.map_err(|_| HashError::Stopped)?
    }

    /// Estimates how long the full queue takes to drain.
    fn drain_time(&self) -> Duration {
        let checks = u32::try_from(self.options.queue.get()).unwrap_or(u32::MAX).saturating_add(1);
        self.time_per_check().saturating_mul(checks).max(MIN_RETRY)
    }

    fn time_per_check(&self) -> Duration {
        let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let parallel = self.options.threads.get().min(processors);
        self.stats.hash_time() / u32::try_from(parallel).unwrap_or(u32::MAX)
    }
}

/// The number of passwords that a [`HashPool`] is working on.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct HashLoad {
    /// Passwords that are being hashed or checked.
    pub checking: u64,
    /// Passwords that wait for a thread.
    pub waiting: u64,
}

/// Shows the options. No password reaches this struct.
impl fmt::Debug for HashPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HashPool").field("options", &self.options).finish_non_exhaustive()
    }
}

/// What the threads report to the pool. Each running job holds a reference.
#[derive(Default)]
struct HashStats {
    computed: AtomicU64,
    /// The time of the most recent hash in microseconds; zero before the first.
    hash_micros: AtomicU64,
}

impl HashStats {
    fn record(&self, elapsed: Duration) {
        self.computed.fetch_add(1, Ordering::Relaxed);
        self.set_hash_time(elapsed);
    }

    fn hash_time(&self) -> Duration {
        Duration::from_micros(self.hash_micros.load(Ordering::Relaxed))
    }

    fn set_hash_time(&self, time: Duration) {
        self.hash_micros.store(u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(1), Ordering::Relaxed);
    }
}

/// Measures the time of one hash: the fastest of some trials, because other programs may interrupt one of them.
fn measure(dummy: &PhcFields) -> Result<Duration, HashError> {
    let password = Password::parse("dummy password").expect("the password is within the length limits");
    let mut memory = WorkMemory::default();
    // Allocates the memory, which is not part of the time of a hash.
    dummy.matches(&password, memory.blocks(dummy.cost)?)?;
    let mut fastest = Duration::MAX;
    for _ in 0..TRIALS {
        let begin = Instant::now();
        dummy.matches(&password, memory.blocks(dummy.cost)?)?;
        fastest = fastest.min(begin.elapsed());
    }
    Ok(fastest)
}

/// The number of trials: enough that one of them runs without interruption, and few enough for the start of a server.
const TRIALS: usize = 3;

/// The shortest retry time. With shorter pauses, retries would only fill the queue again.
const MIN_RETRY: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(cost: HashCost, threads: usize, queue: usize) -> HashPool {
        HashPool::new(HashOptions { cost, threads: at_least_one(threads), queue: at_least_one(queue) }).unwrap()
    }

    fn password(plain: &str) -> Password {
        Password::parse(plain).unwrap()
    }

    #[tokio::test]
    async fn a_hash_matches_only_its_password_and_is_salted() {
        let pool = pool(HashCost::CHEAPEST, 2, 8);
        let hash = pool.hash(password("correct horse")).await.unwrap();
        assert_ne!(hash, pool.hash(password("correct horse")).await.unwrap());
        assert_eq!(pool.verify(password("correct horse"), Some(&hash)).await, Ok(Verification::Match));
        assert_eq!(pool.verify(password("incorrect horse"), Some(&hash)).await, Ok(Verification::Mismatch));
        assert_eq!(pool.computed(), 4);
    }

    #[tokio::test]
    async fn checking_an_unknown_user_name_costs_one_hash() {
        let pool = pool(HashCost::CHEAPEST, 1, 8);
        assert_eq!(pool.verify(password("correct horse"), None).await, Ok(Verification::Mismatch));
        assert_eq!(pool.computed(), 1);
    }

    #[tokio::test]
    async fn a_hash_that_costs_less_than_new_ones_needs_a_rehash() {
        let (old, new) = (pool(HashCost::CHEAPEST, 1, 8), pool(HashCost::new(16, 1, 1).unwrap(), 1, 8));
        let hash = old.hash(password("correct horse")).await.unwrap();
        assert_eq!(new.verify(password("correct horse"), Some(&hash)).await, Ok(Verification::NeedsRehash));
        assert_eq!(new.verify(password("incorrect horse"), Some(&hash)).await, Ok(Verification::Mismatch));
        let hash = new.hash(password("correct horse")).await.unwrap();
        assert_eq!(old.verify(password("correct horse"), Some(&hash)).await, Ok(Verification::Match));
    }

    /// Occupies the only thread until the returned sender is dropped.
    fn occupy(pool: &HashPool) -> std::sync::mpsc::Sender<()> {
        let ((held, release), (begun, begin)) = (std::sync::mpsc::channel::<()>(), std::sync::mpsc::channel());
        let job: HashJob = Box::new(move |_| {
            begun.send(()).unwrap();
            release.recv().unwrap_err();
        });
        assert!(pool.jobs.try_send(job).is_ok(), "the queue is empty");
        begin.recv().unwrap();
        held
    }

    #[tokio::test]
    async fn a_full_queue_is_busy_until_it_drains() {
        let pool = Arc::new(pool(HashCost::CHEAPEST, 1, 2));
        let held = occupy(&pool);
        let waiting: Vec<_> = (0..2)
            .map(|_| {
                let pool = Arc::clone(&pool);
                tokio::spawn(async move { pool.hash(password("correct horse")).await })
            })
            .collect();
        tokio::task::yield_now().await;
        assert_eq!(pool.load(), HashLoad { checking: 0, waiting: 2 });
        let refused = pool.hash(password("correct horse")).await;
        assert_eq!(refused, Err(HashError::Busy(MIN_RETRY)));
        drop(held);
        for task in waiting {
            assert!(task.await.unwrap().is_ok());
        }
        assert!(pool.hash(password("correct horse")).await.is_ok());
        assert_eq!(pool.load(), HashLoad::default());
    }

    #[tokio::test]
    async fn the_load_counts_the_jobs_that_run() {
        let pool = Arc::new(pool(HashCost::CHEAPEST, 1, 2));
        let ((release, released), (begun, begin)) = (std::sync::mpsc::channel::<()>(), oneshot::channel());
        let running = {
            let pool = Arc::clone(&pool);
            let compute = move |_: &mut WorkMemory| {
                begun.send(()).unwrap();
                released.recv().unwrap_err();
                Ok(())
            };
            tokio::spawn(async move { pool.run(compute).await })
        };
        begin.await.unwrap();
        assert_eq!(pool.load(), HashLoad { checking: 1, waiting: 0 });
        drop(release);
        assert_eq!(running.await.unwrap(), Ok(()));
        assert_eq!(pool.load(), HashLoad::default());
    }

    #[test]
    fn the_time_of_a_check_is_measured_before_the_first_one() {
        let pool = pool(HashCost::CHEAPEST, 2, 1);
        assert!(pool.check_time().unwrap() > Duration::ZERO);
        assert_eq!(pool.computed(), 0);
    }

    #[tokio::test]
    async fn the_time_of_a_check_follows_the_most_recent_hash() {
        let pool = pool(HashCost::CHEAPEST, 1, 1);
        pool.stats.set_hash_time(Duration::from_secs(60));
        assert_eq!(pool.check_time(), Ok(Duration::from_secs(60)));
        assert_eq!(pool.drain_time(), Duration::from_secs(120));
        pool.hash(password("correct horse")).await.unwrap();
        assert!(pool.check_time().unwrap() < Duration::from_secs(60));
    }

    #[tokio::test]
    async fn a_dropped_call_is_not_computed() {
        let pool = pool(HashCost::CHEAPEST, 1, 2);
        let held = occupy(&pool);
        {
            let dropped = std::pin::pin!(pool.hash(password("correct horse")));
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(dropped.poll(&mut context).is_pending());
        }
        drop(held);
        pool.hash(password("correct horse")).await.unwrap();
        assert_eq!(pool.computed(), 1);
    }

    #[tokio::test]
    async fn an_idle_thread_wipes_its_memory() {
        let pool = pool(HashCost::CHEAPEST, 1, 8);
        for _ in 0..1_000 {
            pool.hash(password("correct horse")).await.unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
            if pool.run(|memory| Ok(memory.is_wiped())).await == Ok(true) {
                return;
            }
        }
        panic!("the thread never wipes its memory");
    }
}
