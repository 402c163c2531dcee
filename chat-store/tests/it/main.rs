//! Accounts on real databases: SQLite files, and a MySQL-compatible server that the tests start. The tests use the
//! databases whose features are enabled.

#![cfg(any(feature = "mysql", feature = "sqlite"))]
#![allow(clippy::unwrap_used, reason = "clippy does not recognise the helpers of tests")]

mod claim;
mod contract;
mod import;
#[cfg(feature = "sqlite")]
mod locked_file;
#[cfg(all(feature = "mysql", feature = "sqlite"))]
mod look_alikes;
mod opening;
#[cfg(feature = "mysql")]
mod outage;
mod passwords;
#[cfg(feature = "redis")]
#[cfg(not(windows))]
mod roster;
#[cfg(all(feature = "mysql", feature = "sqlite"))]
mod transfer;

use std::error::Error;

use chat_core::accounts::AccountError;
use chat_core::name::UserName;
use chat_core::password::Password;
use chat_core::time::Timestamp;
use chat_store::hashing::HashCost;
use chat_store::testing::{self, TestDatabase};
use chat_store::{SqlAccounts, StoreOptions};

const NOW: Timestamp = Timestamp::from_millis(1_795_408_080_123);

/// Creates an empty database of each kind. On Windows, where the tests start no MySQL server, one must be named for that
/// kind.
async fn both() -> Vec<TestDatabase> {
    #[cfg(all(windows, feature = "sqlite"))]
    if std::env::var_os("CHAT_TEST_MYSQL_URL").is_none() {
        return vec![testing::sqlite()];
    }
    testing::all().await
}

/// Options with hashes of one pass over `memory_kib` KiB.
fn cheap(memory_kib: u32) -> StoreOptions {
    let mut options = StoreOptions::default();
    options.hashing.cost = HashCost::new(memory_kib, 1, 1).unwrap();
    options
}

#[test]
fn accounts_and_claims_can_move_between_threads() {
    fn is_shared<T: Clone + Send + Sync + 'static>() {}
    fn is_send<T: Send>() {}
    is_shared::<SqlAccounts>();
    is_send::<chat_store::Claim>();
    is_send::<chat_store::hashing::HashPool>();
}

async fn open(database: &TestDatabase) -> SqlAccounts {
    SqlAccounts::open(&database.url(), cheap(8)).await.unwrap()
}

fn name(typed: &str) -> UserName {
    UserName::parse(typed).unwrap()
}

fn password(plain: &str) -> Password {
    Password::parse(plain).unwrap()
}

/// An error with all its causes.
fn error_chain(error: &dyn Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {}", error_chain(source)))
}

fn is_unavailable<T>(result: &Result<T, AccountError>) -> bool {
    matches!(result, Err(AccountError::Unavailable(_)))
}
