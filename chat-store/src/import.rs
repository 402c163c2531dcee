//! Registers many accounts together.

use std::collections::BTreeSet;
use std::error::Error;

use chat_core::accounts::{AccountError, Status};
use chat_core::name::UserName;
use chat_core::time::Timestamp;

use crate::accounts::SqlAccounts;
use crate::hashing::PasswordHash;
use crate::row::{NewAccountRow, millis, status_number};
use crate::transfer::connection::DedicatedConnection;

/// An account to register, with the hash of its password.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewAccount {
    /// The user name.
    pub name: UserName,
    /// The hash of the password.
    pub hash: PasswordHash,
}

impl NewAccount {
    /// An account with this name, whose password has this hash.
    pub const fn new(name: UserName, hash: PasswordHash) -> Self {
        Self { name, hash }
    }
}

/// Why accounts were not imported. None of them is registered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// There would be more accounts than the limit allows.
    #[error("with these accounts there would be {count} accounts; at most {max} are allowed")]
    Full {
        /// The accounts that there would be.
        count: u64,
        /// The limit.
        max: u32,
    },
    /// User names are taken, or look like names that are. The places of their accounts in the import.
    #[error("user names are taken, or look like names that are")]
    Taken(Vec<usize>),
    /// The accounts cannot be written.
    #[error("the accounts cannot be written; nothing was imported")]
    Write(#[source] Box<dyn Error + Send + Sync>),
}

impl SqlAccounts {
    /// The user names that are taken, or that look like names that are.
    ///
    /// # Errors
    /// [`AccountError::Unavailable`].
    ///
    /// # Cancel safety
    /// Cancel safe: nothing changes in any case.
    pub async fn taken(&self, names: &[UserName]) -> Result<Vec<UserName>, AccountError> {
        let mut taken = Vec::new();
        for names in names.chunks(NAMES_PER_QUERY) {
            let found: BTreeSet<String> = self.inner.backend.with_looks_of(names).await?.into_iter().collect();
            taken.extend(names.iter().filter(|name| looks(name).iter().any(|look| found.contains(look))).cloned());
        }
        Ok(taken)
    }

    /// Registers all accounts at `at`, or none of them.
    ///
    /// # Errors
    /// [`ImportError`].
    ///
    /// # Cancel safety
    /// If the future is dropped before the last step, nothing is registered. The last step may still complete.
    pub async fn import(&self, accounts: &[NewAccount], at: Timestamp) -> Result<(), ImportError> {
        let mut connection = DedicatedConnection::open(&self.inner.backend).await.map_err(ImportError::Write)?;
        // A connection that is dropped rolls its transaction back.
        connection.begin_writing().await.map_err(ImportError::Write)?;
        let there = connection.count().await.map_err(ImportError::Write)?;
        let count = u64::try_from(there).unwrap_or(0) + accounts.len() as u64;
        let max = self.inner.max_accounts;
        if count > max.into() {
            return Err(ImportError::Full { count, max });
        }
        let mut taken = Vec::new();
        for (page, accounts) in accounts.chunks(ACCOUNTS_PER_CALL).enumerate() {
            let rows = accounts.iter().map(|account| new_row(account, at)).collect();
            let refused = connection.insert_new(rows).await.map_err(ImportError::Write)?;
            taken.extend(refused.into_iter().map(|place| page * ACCOUNTS_PER_CALL + place));
        }
        if !taken.is_empty() {
            return Err(ImportError::Taken(taken));
        }
        connection.commit().await.map_err(ImportError::Write)
    }
}

/// The row of a new account.
pub(crate) fn new_row(NewAccount { name, hash }: &NewAccount, at: Timestamp) -> NewAccountRow {
    let skeletons = name.skeletons();
    NewAccountRow {
        name: name.as_str().to_owned(),
        canonical: name.canonical().to_owned(),
        canonical_skeleton: skeletons.canonical().to_owned(),
        shown_skeleton: skeletons.shown().to_owned(),
        password_hash: hash.expose().to_owned(),
        generation: 1,
        status: status_number(Status::Active),
        created_at: millis(at),
    }
}

/// What must be unique about a name, each marked with its column.
pub(crate) fn looks(name: &UserName) -> [String; 3] {
    let skeletons = name.skeletons();
    [
        format!("name {}", name.canonical()),
        format!("canonical {}", skeletons.canonical()),
        format!("shown {}", skeletons.shown()),
    ]
}

/// The most names in one query, with three parameters each: well below the most parameters of a statement, which are
/// 32,766 in SQLite.
const NAMES_PER_QUERY: usize = 1_000;

/// The most accounts that are inserted in one call.
const ACCOUNTS_PER_CALL: usize = 500;
