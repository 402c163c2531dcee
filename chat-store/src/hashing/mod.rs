//! Password hashing as every password store needs it, public so that yours need not write it again.
//!
//! [`HashPool`] computes argon2id hashes on its own few threads, refuses what it cannot do in time, and costs the same
//! whether a name exists or not.

mod cost;
mod phc;
mod pool;

use std::time::Duration;

pub use cost::{CostError, HashCost};
pub use phc::PasswordHash;
pub use pool::{HashLoad, HashOptions, HashPool, Verdict};

/// Why a hash was not computed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum HashError {
    /// The queue is full; an estimate of when it is worth trying again.
    #[error("too many passwords are being checked, try again in {} s", .0.as_secs().max(1))]
    Busy(Duration),
    /// What is stored is no argon2id hash.
    #[error("a stored password hash is not an argon2id hash in PHC form")]
    NotAHash,
    /// The cost asks for more memory than there is.
    #[error("there is not enough memory for a password hash; lower its memory cost")]
    Memory,
    /// The system's generator failed.
    #[error("the system gives no random numbers")]
    Random,
    /// The threads are gone.
    #[error("the threads that check passwords have ended")]
    Stopped,
}
