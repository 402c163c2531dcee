//! [`SqlAccounts`]: the port [`Accounts`] on a database.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chat_core::accounts::{Account, AccountError, Accounts, Status};
use chat_core::error_chain::error_chain;
use chat_core::id::AccountId;
use chat_core::name::UserName;
use chat_core::password::Password;
use chat_core::server::SettingError;
use chat_core::time::Timestamp;

use crate::backend::{Backend, ReadableFile};
use crate::error::{OpenError, QueryError};
use crate::hashing::{HashOptions, HashPool, PasswordHash, Verification};
use crate::import::{NewAccount, new_row};
use crate::row::{AccountChangeset, AccountRow, NewAccountRow};
use crate::url::StoreUrl;

/// Accounts in a database. Clones share the connections and the hash pool.
///
/// Requires a tokio runtime with time and I/O enabled.
///
/// # Errors
/// While the database is unavailable, calls fail with [`AccountError::Unavailable`] and are not repeated: immediately
/// if the database server is down, and after at most about 20 s if it hangs. Calls succeed again as soon as the
/// database is available.
///
/// # Cancel safety
/// A call that is dropped while it waits for a password check has no effect. A call that is dropped later may still
/// change the database.
#[derive(Clone)]
pub struct SqlAccounts {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) backend: Backend,
    pub(crate) hashes: HashPool,
    pub(crate) url: StoreUrl,
    /// The SQLite file, if it is only read.
    pub(crate) file: Option<ReadableFile>,
    pub(crate) max_accounts: u32,
}

/// Limits and costs of a [`SqlAccounts`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct StoreOptions {
    /// The cost of password hashes, and how many are computed in parallel.
    pub hashing: HashOptions,
    /// The maximum number of accounts, including removed ones, whose names stay reserved. 100,000 by default: ten times
    /// the sessions of one server, in a database that is still small. Servers that share a database may exceed the limit
    /// by a few accounts. [`SqlAccounts::open`] refuses zero.
    pub max_accounts: u32,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { hashing: HashOptions::default(), max_accounts: 100_000 }
    }
}

impl SqlAccounts {
    /// Opens the accounts at `url` and runs pending migrations. Other programs may open the same database at the same
    /// time.
    ///
    /// Creates an SQLite file that does not exist. A MySQL database must exist. Before a migration changes an existing
    /// SQLite database, the file is copied to `<file>.before-<version>`.
    ///
    /// # Errors
    /// [`OpenError`], whose variants are sorted by who can remedy the error.
    ///
    /// # Cancel safety
    /// If the future is dropped, a migration that has begun completes, and nothing else happens.
    pub async fn open(url: &StoreUrl, options: StoreOptions) -> Result<Self, OpenError> {
        SettingError::require_above_zero("max_accounts", &options.max_accounts)?;
        let hashes = HashPool::new(options.hashing).map_err(OpenError::HashThreads)?;
        let (backend, _) = Backend::open(&url.0).await?;
        backend.renew_canonical_names().await.map_err(OpenError::Names)?;
        let (url, max_accounts) = (url.clone(), options.max_accounts);
        Ok(Self { inner: Arc::new(Inner { backend, hashes, url, file: None, max_accounts }) })
    }

    /// Opens the accounts at `url`, which must exist with the current schema, for reading. Creates and changes nothing,
    /// so read permission is enough. Calls that write fail with [`AccountError::Unavailable`].
    ///
    /// # Errors
    /// [`OpenError`], whose variants are sorted by who can remedy the error.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing changes in any case.
    pub async fn open_for_reading(url: &StoreUrl, options: StoreOptions) -> Result<Self, OpenError> {
        let hashes = HashPool::new(options.hashing).map_err(OpenError::HashThreads)?;
        let (backend, file) = Backend::open_for_reading(&url.0).await?;
        let (url, max_accounts) = (url.clone(), options.max_accounts);
        Ok(Self { inner: Arc::new(Inner { backend, hashes, url, file, max_accounts }) })
    }

    /// The pool that hashes passwords.
    pub fn hashes(&self) -> &HashPool {
        &self.inner.hashes
    }

    /// The URL of the database. Its `Display` form omits the password.
    pub fn url(&self) -> &StoreUrl {
        &self.inner.url
    }

    pub(crate) async fn hash(&self, password: Password) -> Result<PasswordHash, AccountError> {
        Ok(self.inner.hashes.hash(password).await?)
    }

    /// Checks a password. The cost does not depend on whether the account exists.
    async fn check(
        &self,
        row: Option<AccountRow>,
        password: Password,
    ) -> Result<(AccountRow, Verification), AccountError> {
        let hash = row.as_ref().map(AccountRow::password_hash).transpose()?;
        let verification = self.inner.hashes.verify(password, hash.as_ref()).await?;
        let row = row.filter(|_| verification != Verification::Mismatch).ok_or(AccountError::WrongCredentials)?;
        match row.status()? {
            Status::Active => Ok((row, verification)),
            Status::Disabled => Err(AccountError::Disabled),
            Status::Removed => Err(AccountError::WrongCredentials),
        }
    }

    /// Inserts a new account.
    ///
    /// # Errors
    /// [`AccountError::NameTaken`] if another account has the name or one of its skeletons.
    async fn insert(&self, row: NewAccountRow) -> Result<(), AccountError> {
        let mut attempts = 1;
        loop {
            match self.inner.backend.insert(row.clone()).await {
                Err(error) if error.is_unique_violation() => return Err(AccountError::NameTaken),
                // Several unique indexes make this possible: an insertion that fails at the second one rolls back its
                // entry in the first one, for which others may wait.
                Err(error) if error.is_deadlock() && attempts < MAX_ATTEMPTS => attempts += 1,
                result => return Ok(result?),
            }
        }
    }

    /// Replaces a hash that costs less than new ones. A failure is only logged, because the password was right.
    async fn rehash(&self, row: &AccountRow, password: Password) {
        let result = match self.inner.hashes.hash(password).await {
            Ok(hash) => self.inner.backend.rehash(row, &hash).await,
            Err(error) => Err(error.into()),
        };
        if let Err(error) = result {
            log::warn!("the password hash of account {} still has the old cost: {}", row.id, error_chain(&error));
        }
    }
}

/// Shows the URL without the password.
impl fmt::Debug for SqlAccounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SqlAccounts").field(&self.inner.url).finish()
    }
}

impl Accounts for SqlAccounts {
    async fn register(&self, name: UserName, password: Password, at: Timestamp) -> Result<Account, AccountError> {
        // Checked before hashing, which is expensive.
        if self.inner.backend.count().await? >= self.inner.max_accounts.into() {
            return Err(AccountError::Full);
        }
        let hash = self.hash(password).await?;
        let account = NewAccount { name, hash };
        // The unique constraints decide: on the canonical name, and on each skeleton. In a query beforehand, two
        // concurrent registrations would both find the name free.
        self.insert(new_row(&account, at)).await?;
        let row = self.inner.backend.by_name(&account.name).await?.ok_or(QueryError::Gone)?;
        Ok(row.account()?)
    }

    async fn authenticate(&self, name: UserName, password: Password) -> Result<Account, AccountError> {
        let row = self.inner.backend.by_name(&name).await?;
        let (row, verification) = self.check(row, password.clone()).await?;
        if verification == Verification::NeedsRehash {
            self.rehash(&row, password).await;
        }
        Ok(row.account()?)
    }

    async fn change_password(
        &self,
        id: AccountId,
        old: Password,
        new: Password,
        at: Timestamp,
    ) -> Result<Account, AccountError> {
        for _ in 0..MAX_ATTEMPTS {
            let row = self.inner.backend.by_id(id).await?;
            let (row, _) = self.check(row, old.clone()).await?;
            let hash = self.hash(new.clone()).await?;
            let changes =
                AccountChangeset { password_hash: Some(hash.expose().to_owned()), ..AccountChangeset::default() };
            if let Some(account) = self.raise_generation(&row, changes, at).await? {
                return Ok(account);
            }
        }
        Err(AccountError::Busy(CONFLICT_RETRY))
    }

    async fn look_up(&self, ids: Vec<AccountId>) -> Result<Vec<Account>, AccountError> {
        accounts_of(&self.inner.backend.by_ids(&ids).await?)
    }

    async fn changed_since(&self, since: Timestamp) -> Result<Vec<Account>, AccountError> {
        accounts_of(&self.inner.backend.changed_since(since).await?)
    }

    async fn mark_seen(&self, ids: Vec<AccountId>, at: Timestamp) -> Result<(), AccountError> {
        Ok(self.inner.backend.seen(&ids, at).await?)
    }

    async fn void_tickets(&self, ids: Vec<AccountId>, until: Timestamp) -> Result<(), AccountError> {
        Ok(self.inner.backend.void_tickets(&ids, until).await?)
    }
}

/// The accounts of these rows. Leaves out accounts with an invalid user name: nobody can log in to them, and they must
/// not affect the others.
fn accounts_of(rows: &[AccountRow]) -> Result<Vec<Account>, AccountError> {
    let accounts = rows.iter().map(|row| Ok(row.listed()?.account()));
    accounts.filter_map(Result::transpose).collect()
}

/// The most attempts of one change. An attempt fails only if another process changes the same account between the read
/// and the write, or registers the same name at the same moment.
pub(crate) const MAX_ATTEMPTS: u32 = 4;
/// The retry time after the last attempt failed.
pub(crate) const CONFLICT_RETRY: Duration = Duration::from_secs(1);
