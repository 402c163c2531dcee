//! A bounded pool of threads that hash.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{fmt, io, thread};

use argon2::Block;
use chat_core::password::Password;
use tokio::sync::oneshot;
use zeroize::Zeroize;

use super::phc::{self, Parts, PasswordHash};
use super::{HashCost, HashError};

/// How much a [`HashPool`] does at once, and at what cost.
#[derive(Clone, Copy, Debug)]
pub struct HashOptions {
    /// The cost of new hashes; at log-in, stored ones that cost less are replaced.
    pub cost: HashCost,
    /// Threads, each of which keeps the memory of one hash. By default as many as there are processors, at most 4
    /// (76 MiB). On Linux they give way to all others, so that log-ins never take the machine from those who are in.
    pub threads: NonZeroUsize,
    /// Passwords that may wait beyond those being checked: 128 by default, about 4 s for one thread. Who would wait
    /// longer is told to come back.
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

/// Hashes and checks passwords on threads of its own, so that neither an async runtime nor its blocking pool is held up.
///
/// Needs no runtime. A call that is dropped while it waits is not computed. The threads end when the pool is dropped.
pub struct HashPool {
    jobs: SyncSender<Job>,
    shared: Arc<Shared>,
    options: HashOptions,
    nobody: Arc<Parts>,
}

/// What a check found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// It is another password, or there was no hash.
    Wrong,
    /// It is the password.
    Right,
    /// It is the password, and the hash cost less than new ones do: hash it anew and store that.
    RightButWeak,
}

impl HashPool {
    /// Starts the threads.
    ///
    /// # Errors
    /// If a thread cannot be started, or the system gives no random numbers.
    pub fn new(options: HashOptions) -> io::Result<Self> {
        let (jobs, queue) = sync_channel(options.queue.get());
        let queue = Arc::new(Mutex::new(queue));
        let shared = Arc::new(Shared::default());
        for number in 0..options.threads.get() {
            let (queue, shared) = (Arc::clone(&queue), Arc::clone(&shared));
            thread::Builder::new().name(format!("chat-hash-{number}")).spawn(move || work(&queue, &shared))?;
        }
        let nobody = Parts::of_nobody(options.cost).map_err(io::Error::other)?;
        Ok(Self { jobs, shared, options, nobody: Arc::new(nobody) })
    }

    /// About what a check takes when there are many: what one takes now, divided by those that run at once. Threads that
    /// share a memory bus take somewhat longer. Computes some hashes on the calling thread, which counts nowhere.
    ///
    /// # Errors
    /// [`HashError::Memory`] if there is none for one hash.
    pub fn check_time(&self) -> Result<Duration, HashError> {
        let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let at_once = self.options.threads.get().min(processors);
        Ok(time_of_one(&self.nobody)? / u32::try_from(at_once).unwrap_or(u32::MAX))
    }

    /// Hashes a password with a fresh salt.
    ///
    /// # Errors
    /// [`HashError::Busy`] at once if the queue is full.
    pub async fn hash(&self, password: Password) -> Result<PasswordHash, HashError> {
        let cost = self.options.cost;
        self.run(move |memory| phc::hash(&password, cost, memory.of(cost)?)).await
    }

    /// Checks a password against a stored hash; with `None`, for a name that does not exist, it does the work of a
    /// check whose answer is [`Verdict::Wrong`].
    ///
    /// # Errors
    /// [`HashError::Busy`] at once if the queue is full.
    pub async fn verify(&self, password: Password, stored: Option<&PasswordHash>) -> Result<Verdict, HashError> {
        let parts = match stored {
            Some(hash) => Arc::new(hash.parts()?),
            None => Arc::clone(&self.nobody),
        };
        let (wanted, exists) = (self.options.cost, stored.is_some());
        self.run(move |memory| {
            let right = parts.is_of(&password, memory.of(parts.cost)?)?;
            Ok(match right && exists {
                false => Verdict::Wrong,
                true if wanted.is_stronger_than(parts.cost) => Verdict::RightButWeak,
                true => Verdict::Right,
            })
        })
        .await
    }

    /// How many hashes were computed since the start, for metrics and tests.
    pub fn computed(&self) -> u64 {
        self.shared.computed.load(Ordering::Relaxed)
    }

    /// How much it has to do at this moment.
    pub fn load(&self) -> HashLoad {
        HashLoad {
            checking: self.shared.checking.load(Ordering::Relaxed),
            waiting: self.shared.waiting.load(Ordering::Relaxed),
        }
    }

    async fn run<T, F>(&self, compute: F) -> Result<T, HashError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Memory) -> Result<T, HashError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |memory, shared| {
            shared.waiting.fetch_sub(1, Ordering::Relaxed);
            // Nobody waits any more: the password is wiped uncomputed.
            if !answer.is_closed() {
                let begin = Instant::now();
                shared.checking.fetch_add(1, Ordering::Relaxed);
                let result = compute(memory);
                shared.checking.fetch_sub(1, Ordering::Relaxed);
                shared.done(begin.elapsed());
                // Who went away in the meantime does not need it.
                drop(answer.send(result));
            }
        });
        // Before it is sent, as a thread may take it at once.
        self.shared.waiting.fetch_add(1, Ordering::Relaxed);
        match self.jobs.try_send(job) {
            Ok(()) => answered.await.map_err(|_| HashError::Stopped)?,
            Err(refused) => {
                self.shared.waiting.fetch_sub(1, Ordering::Relaxed);
                Err(match refused {
                    TrySendError::Full(_) => HashError::Busy(self.drained_in()),
                    TrySendError::Disconnected(_) => HashError::Stopped,
                })
            }
        }
    }

    /// About how long the full queue takes: what the last hash took, times those before one, by thread.
    fn drained_in(&self) -> Duration {
        let last = Duration::from_micros(self.shared.last_micros.load(Ordering::Relaxed));
        let rounds = self.options.queue.get() / self.options.threads.get() + 1;
        last.saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX)).max(MIN_RETRY)
    }
}

/// How much a [`HashPool`] has to do.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct HashLoad {
    /// Passwords that are being hashed.
    pub checking: u64,
    /// Passwords that wait for a thread.
    pub waiting: u64,
}

/// Shows the options, and no password has a way here.
impl fmt::Debug for HashPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HashPool").field("options", &self.options).finish_non_exhaustive()
    }
}

type Job = Box<dyn FnOnce(&mut Memory, &Shared) + Send>;

/// What the threads tell.
#[derive(Default)]
struct Shared {
    computed: AtomicU64,
    checking: AtomicU64,
    waiting: AtomicU64,
    last_micros: AtomicU64,
}

impl Shared {
    fn done(&self, took: Duration) {
        self.computed.fetch_add(1, Ordering::Relaxed);
        self.last_micros.store(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// How many hashes are timed. The fastest counts, as other programs may run for a moment.
const TRIALS: usize = 3;

/// What a check takes here.
fn time_of_one(nobody: &Parts) -> Result<Duration, HashError> {
    let password = Password::parse("of nobody").expect("it is as long as a password has to be");
    let mut memory = Memory::default();
    // The first one pays for the memory.
    nobody.is_of(&password, memory.of(nobody.cost)?)?;
    let mut least = Duration::MAX;
    for _ in 0..TRIALS {
        let begin = Instant::now();
        nobody.is_of(&password, memory.of(nobody.cost)?)?;
        least = least.min(begin.elapsed());
    }
    Ok(least)
}

/// One thread, until the pool is dropped.
fn work(queue: &Mutex<Receiver<Job>>, shared: &Shared) {
    give_way();
    let mut memory = Memory::default();
    loop {
        let job = at_once(queue).map_or_else(
            || {
                memory.wipe();
                // One thread waits for a job, the others for the lock; no job runs under it, so it is never poisoned.
                queue.lock().unwrap_or_else(PoisonError::into_inner).recv()
            },
            Ok,
        );
        match job {
            Ok(job) => job(&mut memory, shared),
            Err(_) => return,
        }
    }
}

/// A job that waits already.
fn at_once(queue: &Mutex<Receiver<Job>>) -> Option<Job> {
    // Whoever has the lock for longer than a moment waits for a job itself.
    queue.try_lock().ok()?.try_recv().ok()
}

/// Whoever waits for a password waits anyway; whoever is in must not. On Linux this is about the calling thread alone.
#[cfg(target_os = "linux")]
fn give_way() {
    if let Err(error) = rustix::process::nice(POLITENESS) {
        log::debug!("the threads that hash do not give way to others: {error}");
    }
}

/// Elsewhere it would be about the whole process.
#[cfg(not(target_os = "linux"))]
fn give_way() {}

/// By so much: enough that a thread of the usual priority gets nine tenths of a processor at once.
#[cfg(target_os = "linux")]
const POLITENESS: i32 = 10;

/// The work memory of one thread, kept between hashes because 19 MiB fresh from the system cost as much as a pass.
#[derive(Default)]
struct Memory {
    blocks: Vec<Block>,
    /// How many may hold something.
    used: usize,
}

impl Memory {
    fn of(&mut self, cost: HashCost) -> Result<&mut [Block], HashError> {
        let wanted = cost.params(argon2::Params::DEFAULT_OUTPUT_LEN).block_count();
        let missing = wanted.saturating_sub(self.blocks.len());
        // What this one leaves as it is: the memory that is given back for more, or what lies behind.
        if missing > 0 || wanted < self.used {
            self.wipe();
        }
        self.blocks.try_reserve_exact(missing).map_err(|_| HashError::Memory)?;
        self.blocks.resize(self.blocks.len() + missing, Block::new());
        self.used = self.used.max(wanted);
        Ok(&mut self.blocks[..wanted])
    }

    /// The first blocks would let a guess be checked without argon2's cost. The first pass of another hash overwrites
    /// them as well, so this is for a thread that has nothing else to do.
    fn wipe(&mut self) {
        for block in &mut self.blocks[..self.used] {
            block.zeroize();
        }
        self.used = 0;
    }
}

/// Shorter pauses would only fill the queue again.
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
    async fn a_hash_is_of_its_password_only_and_never_twice_the_same() {
        let pool = pool(HashCost::CHEAPEST, 2, 8);
        let hash = pool.hash(password("correct horse")).await.unwrap();
        assert_ne!(hash, pool.hash(password("correct horse")).await.unwrap());
        assert_eq!(pool.verify(password("correct horse"), Some(&hash)).await, Ok(Verdict::Right));
        assert_eq!(pool.verify(password("incorrect horse"), Some(&hash)).await, Ok(Verdict::Wrong));
        assert_eq!(pool.computed(), 4);
    }

    #[tokio::test]
    async fn a_name_that_does_not_exist_costs_one_hash_too() {
        let pool = pool(HashCost::CHEAPEST, 1, 8);
        assert_eq!(pool.verify(password("correct horse"), None).await, Ok(Verdict::Wrong));
        assert_eq!(pool.computed(), 1);
    }

    #[tokio::test]
    async fn a_hash_that_cost_less_than_new_ones_is_weak() {
        let (old, new) = (pool(HashCost::CHEAPEST, 1, 8), pool(HashCost::new(16, 1, 1).unwrap(), 1, 8));
        let hash = old.hash(password("correct horse")).await.unwrap();
        assert_eq!(new.verify(password("correct horse"), Some(&hash)).await, Ok(Verdict::RightButWeak));
        assert_eq!(new.verify(password("incorrect horse"), Some(&hash)).await, Ok(Verdict::Wrong));
        let hash = new.hash(password("correct horse")).await.unwrap();
        assert_eq!(old.verify(password("correct horse"), Some(&hash)).await, Ok(Verdict::Right));
    }

    /// Holds the only thread until what it returns is dropped.
    fn hold(pool: &HashPool) -> std::sync::mpsc::Sender<()> {
        let ((held, release), (begun, begin)) = (std::sync::mpsc::channel::<()>(), std::sync::mpsc::channel());
        let job: Job = Box::new(move |_, _| {
            begun.send(()).unwrap();
            release.recv().unwrap_err();
        });
        assert!(pool.jobs.try_send(job).is_ok(), "the queue is empty");
        begin.recv().unwrap();
        held
    }

    #[tokio::test]
    async fn beyond_the_queue_it_is_busy_and_then_it_works_again() {
        let pool = Arc::new(pool(HashCost::CHEAPEST, 1, 2));
        let held = hold(&pool);
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

    #[test]
    fn what_a_check_takes_is_known_before_the_first() {
        let pool = pool(HashCost::CHEAPEST, 2, 1);
        assert!(pool.check_time().unwrap() > Duration::ZERO);
        assert_eq!(pool.computed(), 0);
    }

    #[tokio::test]
    async fn a_call_that_was_dropped_is_not_computed() {
        let pool = pool(HashCost::CHEAPEST, 1, 2);
        let held = hold(&pool);
        {
            let dropped = std::pin::pin!(pool.hash(password("correct horse")));
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(dropped.poll(&mut context).is_pending());
        }
        drop(held);
        pool.hash(password("correct horse")).await.unwrap();
        assert_eq!(pool.computed(), 1);
    }

    #[test]
    fn work_memory_is_reused_and_wiped() {
        let mut memory = Memory::default();
        let blocks = memory.of(HashCost::new(32, 1, 1).unwrap()).unwrap();
        assert_eq!(blocks.len(), 32);
        phc::hash(&password("correct horse"), HashCost::new(32, 1, 1).unwrap(), blocks).unwrap();
        let address = memory.blocks.as_ptr();
        // Of another hash, which overwrites less.
        let blocks = memory.of(HashCost::CHEAPEST).unwrap();
        assert_eq!((blocks.len(), blocks.as_ptr()), (8, address));
        phc::hash(&password("correct horse"), HashCost::CHEAPEST, blocks).unwrap();
        memory.wipe();
        assert!(memory.blocks.iter().all(|block| block.as_ref().iter().all(|&word| word == 0)));
    }

    #[tokio::test]
    async fn a_thread_that_has_nothing_else_to_do_wipes_its_memory() {
        let pool = pool(HashCost::CHEAPEST, 1, 8);
        for _ in 0..1_000 {
            pool.hash(password("correct horse")).await.unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
            if pool.run(|memory| Ok(memory.used)).await == Ok(0) {
                return;
            }
        }
        panic!("it never does");
    }
}
