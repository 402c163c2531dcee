//! Password hashing with argon2id, for this crate and for your own account systems.
//!
//! [`HashPool`] computes hashes on its own threads behind a bounded queue. Checking a password costs the same whether
//! the user name exists or not.

mod cost;
mod phc;
mod pool;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use chat_core::accounts::AccountError;

pub use cost::{CostError, HashCost};
pub use phc::PasswordHash;
pub use pool::{HashLoad, HashOptions, HashPool, Verification};

/// Why a password was not hashed or checked.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum HashError {
    /// The queue is full. The duration estimates when it will have drained.
    #[error("too many passwords are being checked, try again in {} s", .0.as_secs().max(1))]
    Busy(Duration),
    /// The stored string is not an argon2id hash.
    #[error("a stored password hash is not an argon2id hash in PHC form")]
    NotAHash,
    /// The hash needs more memory than the system provides.
    #[error("there is not enough memory for a password hash; lower its memory cost")]
    Memory,
    /// The system's random number generator failed.
    #[error("the system provides no random numbers")]
    Random,
    /// The pool's threads have ended.
    #[error("the threads that check passwords have ended")]
    Stopped,
}

/// A full queue becomes [`AccountError::Busy`], and every other error [`AccountError::Unavailable`].
impl From<HashError> for AccountError {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Busy(retry_after) => Self::Busy(retry_after),
            error => Self::Unavailable(Arc::new(error)),
        }
    }
}
