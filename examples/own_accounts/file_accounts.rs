//! The port for accounts, on a table in memory that every change writes to its file first.
//!
//! The implementation has three rules of the port to keep in mind:
//!
//! - **No call blocks its thread.** Reading takes a snapshot of the table. Changes write the file on tokio's blocking
//!   pool, and passwords are hashed by the threads of the [`HashPool`].
//! - **A dropped future leaves nothing half done.** A change runs to its end on the blocking pool once it has begun.
//! - **An answer reveals nothing but the answer.** A name that does not exist costs one hash, as one that does, and the
//!   pool compares hashes in constant time.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use chat_core::accounts::{Account, AccountError, Accounts, ListedAccount, NewStatus, Operator, Status};
use chat_core::id::AccountId;
use chat_core::name::UserName;
use chat_core::password::Password;
use chat_core::time::Timestamp;
use chat_store::hashing::{HashOptions, HashPool, PasswordHash, Verification};
use tokio::task::spawn_blocking;

use crate::table::{Row, Table};

/// Accounts in a text file, for up to some thousand members: every change writes the whole file.
pub(crate) struct FileAccounts {
    hashes: HashPool,
    stored: Arc<Stored>,
}

struct Stored {
    file: PathBuf,
    /// What the file contains. Locked only to copy or to replace the pointer.
    table: RwLock<Arc<Table>>,
    /// Held during a change, so that changes follow each other.
    changing: Mutex<()>,
}

impl FileAccounts {
    /// Reads the file, which need not exist yet.
    pub(crate) async fn open(file: &Path, options: HashOptions) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let file = file.to_owned();
        let stored = spawn_blocking(move || {
            let table = RwLock::new(Arc::new(Table::read(&file)?));
            Ok::<_, Box<dyn Error + Send + Sync>>(Stored { file, table, changing: Mutex::default() })
        });
        Ok(Self { hashes: HashPool::new(options)?, stored: Arc::new(stored.await??) })
    }

    fn table(&self) -> Arc<Table> {
        self.stored.table()
    }

    /// Applies `change` to a copy of the table, writes the copy to the file, and then shows it to everybody. If
    /// anything fails, nothing has changed.
    async fn change<T, F>(&self, change: F) -> Result<T, AccountError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Table) -> Result<T, AccountError> + Send + 'static,
    {
        let stored = Arc::clone(&self.stored);
        let changed = spawn_blocking(move || {
            let _changing = stored.changing.lock().unwrap_or_else(PoisonError::into_inner);
            let mut table = Table::clone(&stored.table());
            let result = change(&mut table)?;
            table.write(&stored.file).map_err(unavailable)?;
            *stored.table.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(table);
            Ok(result)
        });
        changed.await.map_err(unavailable)?
    }

    /// Checks a password. An account that is unknown or removed costs the same as one that exists.
    async fn check(&self, row: Option<&Row>, password: Password) -> Result<(), AccountError> {
        let row = row.filter(|row| row.account.status != Status::Removed);
        // A login could store a stronger hash if the answer is `NeedsRehash`. The cost is fixed here.
        let hash = row.map(|row| &row.hash);
        match (self.hashes.verify(password, hash).await?, row) {
            (Verification::Match | Verification::NeedsRehash, Some(row)) => match row.account.status {
                Status::Disabled => Err(AccountError::Disabled),
                _ => Ok(()),
            },
            _ => Err(AccountError::WrongCredentials),
        }
    }

    async fn hash(&self, password: Password) -> Result<PasswordHash, AccountError> {
        Ok(self.hashes.hash(password).await?)
    }
}

impl Stored {
    fn table(&self) -> Arc<Table> {
        Arc::clone(&self.table.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Accounts for FileAccounts {
    async fn register(&self, name: UserName, password: Password, at: Timestamp) -> Result<Account, AccountError> {
        let hash = self.hash(password).await?;
        self.change(move |table| table.register(name, hash, at)).await
    }

    async fn authenticate(&self, name: UserName, password: Password) -> Result<Account, AccountError> {
        let table = self.table();
        let row = table.by_name(&name);
        self.check(row, password).await?;
        row.map(|row| row.account.clone()).ok_or(AccountError::WrongCredentials)
    }

    async fn change_password(
        &self,
        id: AccountId,
        old: Password,
        new: Password,
        at: Timestamp,
    ) -> Result<Account, AccountError> {
        let table = self.table();
        let row = table.by_id(id);
        self.check(row, old).await?;
        let checked = row.map(|row| row.hash.clone()).ok_or(AccountError::WrongCredentials)?;
        let new = self.hash(new).await?;
        self.change(move |table| {
            let row = table.by_id_mut(id).ok_or(AccountError::WrongCredentials)?;
            // The account may have changed while the passwords were hashed. Then the old password is no longer right.
            match row.account.status {
                Status::Active if row.hash == checked => Ok(row.set_hash(new, at)),
                Status::Disabled => Err(AccountError::Disabled),
                _ => Err(AccountError::WrongCredentials),
            }
        })
        .await
    }

    async fn look_up(&self, ids: Vec<AccountId>) -> Result<Vec<Account>, AccountError> {
        let table = self.table();
        Ok(ids.into_iter().filter_map(|id| table.by_id(id)).map(|row| row.account.clone()).collect())
    }

    async fn changed_since(&self, since: Timestamp) -> Result<Vec<Account>, AccountError> {
        let table = self.table();
        let changed = table.rows().filter(|row| row.changed.is_some_and(|at| at >= since));
        Ok(changed.map(|row| row.account.clone()).collect())
    }

    async fn mark_seen(&self, ids: Vec<AccountId>, at: Timestamp) -> Result<(), AccountError> {
        self.change(move |table| {
            for id in ids {
                if let Some(row) = table.by_id_mut(id) {
                    row.account.last_seen = row.account.last_seen.max(Some(at));
                }
            }
            Ok(())
        })
        .await
    }

    async fn void_tickets(&self, ids: Vec<AccountId>, until: Timestamp) -> Result<(), AccountError> {
        self.change(move |table| {
            for id in ids {
                if let Some(row) = table.by_id_mut(id) {
                    row.account.tickets_void_until = row.account.tickets_void_until.max(Some(until));
                }
            }
            Ok(())
        })
        .await
    }
}

/// A server does not need these operations, but its operator does.
impl Operator for FileAccounts {
    async fn set_password(&self, name: UserName, new: Password, at: Timestamp) -> Result<Account, AccountError> {
        let hash = self.hash(new).await?;
        self.change(move |table| {
            let row = table.by_name_mut(&name).filter(|row| row.account.status != Status::Removed);
            Ok(row.ok_or(AccountError::NoSuchAccount)?.set_hash(hash, at))
        })
        .await
    }

    async fn set_status(&self, name: UserName, status: NewStatus, at: Timestamp) -> Result<Account, AccountError> {
        self.change(move |table| table.by_name_mut(&name).ok_or(AccountError::NoSuchAccount)?.set_status(status, at))
            .await
    }

    async fn list(&self, after: Option<AccountId>, limit: u32) -> Result<Vec<ListedAccount>, AccountError> {
        let table = self.table();
        let rows = table.rows().filter(|row| Some(row.account.id) > after);
        Ok(rows.take(limit as usize).map(|row| row.account.clone().into()).collect())
    }

    async fn list_unused(
        &self,
        registered_before: Timestamp,
        after: Option<AccountId>,
        limit: u32,
    ) -> Result<Vec<ListedAccount>, AccountError> {
        let table = self.table();
        let rows = table.rows().filter(|row| Some(row.account.id) > after && row.is_unused(registered_before));
        Ok(rows.take(limit as usize).map(|row| row.account.clone().into()).collect())
    }

    async fn delete_unused(&self, ids: Vec<AccountId>, registered_before: Timestamp) -> Result<u64, AccountError> {
        self.change(move |table| Ok(table.delete_unused(&ids, registered_before))).await
    }
}

/// The source is for the operator's log. Users only learn that the accounts are unavailable.
fn unavailable(error: impl Error + Send + Sync + 'static) -> AccountError {
    AccountError::Unavailable(Arc::new(error))
}

#[cfg(test)]
mod tests {
    use chat_core::accounts::contract::{accounts_contract, operator_contract};
    use chat_store::hashing::HashCost;

    use super::*;

    fn cheap() -> HashOptions {
        let mut options = HashOptions::default();
        options.cost = HashCost::CHEAPEST;
        options
    }

    #[tokio::test]
    async fn accounts_in_a_file_fulfil_the_contract_and_survive_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let options = cheap();
        accounts_contract(&FileAccounts::open(&folder.path().join("other.txt"), options).await.unwrap()).await;
        let file = folder.path().join("accounts.txt");
        let accounts = FileAccounts::open(&file, options).await.unwrap();
        operator_contract(&accounts).await;

        let before = accounts.list(None, u32::MAX).await.unwrap();
        for status in [Status::Active, Status::Disabled, Status::Removed] {
            assert!(
                before.iter().any(|account| account.status == status),
                "the contract leaves accounts of {status:?}"
            );
        }
        drop(accounts);
        let accounts = FileAccounts::open(&file, options).await.unwrap();
        assert_eq!(accounts.list(None, u32::MAX).await.unwrap(), before);
        let looks_alike =
            accounts.register("pagel".parse().unwrap(), "correct horse".parse().unwrap(), Timestamp::default());
        assert!(matches!(looks_alike.await, Err(AccountError::NameTaken)), "reserved names are in the file");
    }

    #[tokio::test]
    async fn an_unknown_name_costs_one_hash_as_a_known_one() {
        let folder = tempfile::tempdir().unwrap();
        let options = cheap();
        let accounts = FileAccounts::open(&folder.path().join("accounts.txt"), options).await.unwrap();
        accounts
            .register("alice".parse().unwrap(), "correct horse".parse().unwrap(), Timestamp::default())
            .await
            .unwrap();
        for name in ["alice", "nobody"] {
            let before = accounts.hashes.computed();
            let wrong = accounts.authenticate(name.parse().unwrap(), "wrong horse".parse().unwrap()).await;
            assert!(matches!(wrong, Err(AccountError::WrongCredentials)), "{name}");
            assert_eq!(accounts.hashes.computed() - before, 1, "{name}");
        }
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_written_fails_the_change_and_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("missing").join("accounts.txt");
        let accounts = FileAccounts::open(&file, cheap()).await.unwrap();
        let register =
            accounts.register("alice".parse().unwrap(), "correct horse".parse().unwrap(), Timestamp::default());
        assert!(matches!(register.await, Err(AccountError::Unavailable(_))));
        assert_eq!(accounts.list(None, 9).await.unwrap(), []);
    }
}
