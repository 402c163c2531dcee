//! The threads of the pool, and the work memory that each thread keeps.

use std::sync::{Arc, Mutex, PoisonError};
use std::{io, thread};

use argon2::Block;
use tokio::sync::mpsc::Receiver;
use zeroize::Zeroize;

use super::{HashCost, HashError};
use crate::platform;

/// Work for a thread of the pool.
pub(super) type HashJob = Box<dyn FnOnce(&mut WorkMemory) + Send>;

/// The jobs that wait, shared by all threads of a pool.
pub(super) type JobQueue = Mutex<Receiver<HashJob>>;

/// Starts one thread, which ends when the sender of the queue is dropped.
pub(super) fn spawn(number: usize, queue: Arc<JobQueue>) -> io::Result<()> {
    thread::Builder::new().name(format!("chat-hash-{number}")).spawn(move || run(&queue)).map(drop)
}

fn run(queue: &JobQueue) {
    lower_priority();
    let mut memory = WorkMemory::default();
    loop {
        let job = next_without_waiting(queue).or_else(|| {
            memory.wipe();
            // One thread waits for a job and the others for the lock. No job runs under the lock, so a job that panics
            // does not poison it.
            queue.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv()
        });
        let Some(job) = job else { return };
        job(&mut memory);
    }
}

/// Takes a job if one is queued. `None` if another thread holds the lock: that thread waits for a job, so the queue is
/// empty, or it takes a job at this moment.
fn next_without_waiting(queue: &JobQueue) -> Option<HashJob> {
    queue.try_lock().ok()?.try_recv().ok()
}

/// Lets the threads that serve sessions run first.
fn lower_priority() {
    if let Err(error) = platform::lower_thread_priority() {
        log::debug!("the hash threads keep the usual priority: {error}");
    }
}

/// The work memory of one thread. It is kept between hashes, because the system takes as long to provide 19 MiB as
/// argon2 takes for one pass over them.
#[derive(Default)]
pub(super) struct WorkMemory {
    blocks: Vec<Block>,
    /// The number of blocks that may hold data of a hash.
    used: usize,
}

impl WorkMemory {
    /// Provides the blocks for one hash.
    pub(super) fn blocks(&mut self, cost: HashCost) -> Result<&mut [Block], HashError> {
        let wanted = cost.params(argon2::Params::DEFAULT_OUTPUT_LEN).block_count();
        let missing = wanted.saturating_sub(self.blocks.len());
        // The next hash overwrites neither the old allocation, if it grows, nor the blocks beyond those that it needs.
        if missing > 0 || wanted < self.used {
            self.wipe();
        }
        self.blocks.try_reserve_exact(missing).map_err(|_| HashError::Memory)?;
        self.blocks.resize(self.blocks.len() + missing, Block::new());
        self.used = self.used.max(wanted);
        Ok(&mut self.blocks[..wanted])
    }

    /// Wipes the blocks, because they allow an attacker to check a guess at less than the cost of argon2. A thread
    /// wipes them when it becomes idle, or when the next hash does not overwrite all of them in its first pass.
    fn wipe(&mut self) {
        for block in &mut self.blocks[..self.used] {
            block.zeroize();
        }
        self.used = 0;
    }
}

#[cfg(test)]
mod tests {
    use chat_core::password::Password;

    use super::super::phc;
    use super::*;

    impl WorkMemory {
        pub(in super::super) fn is_wiped(&self) -> bool {
            self.used == 0
        }
    }

    #[test]
    fn work_memory_is_reused_and_wiped() {
        let password = Password::parse("correct horse").unwrap();
        let mut memory = WorkMemory::default();
        let blocks = memory.blocks(HashCost::new(32, 1, 1).unwrap()).unwrap();
        assert_eq!(blocks.len(), 32);
        phc::hash(&password, HashCost::new(32, 1, 1).unwrap(), blocks).unwrap();
        let address = memory.blocks.as_ptr();
        // A cheaper hash overwrites only a part of the blocks.
        let blocks = memory.blocks(HashCost::CHEAPEST).unwrap();
        assert_eq!((blocks.len(), blocks.as_ptr()), (8, address));
        phc::hash(&password, HashCost::CHEAPEST, blocks).unwrap();
        memory.wipe();
        assert!(memory.blocks.iter().all(|block| block.as_ref().iter().all(|&word| word == 0)));
    }
}
