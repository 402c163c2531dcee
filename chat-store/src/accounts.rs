//! The accounts as the server sees them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chat_core::accounts::{Account, AccountError, Accounts, Status};
use chat_core::error_chain::error_chain;
use chat_core::id::AccountId;
use chat_core::name::UserName;
use chat_core::password::Password;
use chat_core::time::Timestamp;
use diesel::result::{DatabaseErrorKind, Error as DieselError};

use crate::backend::Backend;
use crate::error::{OpenError, QueryError, hash_error};
use crate::hashing::{HashOptions, HashPool, PasswordHash, Verification};
use crate::migrations::{blocking, migrate_mysql, migrate_sqlite};
use crate::queries::{Change, NewRow, Row, millis, number_of};
use crate::sqlite;
use crate::url::{Place, StoreUrl};

/// Accounts in a database. A clone is another handle to the same.
///
/// Needs a tokio runtime with time and I/O. A call that is dropped while it waits for a password check is not carried
/// out; once the check is done, what it asked of the database may still happen. When the database goes away, calls fail
/// with [`AccountError::Unavailable`] after at most about 20 s (a server that hangs; one that is down, at once) and are
/// not repeated; when it is back, the next call works.
#[derive(Clone)]
pub struct SqlAccounts {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) backend: Backend,
    pub(crate) hashes: HashPool,
    pub(crate) url: StoreUrl,
    max_accounts: u32,
}

/// How the accounts are kept.
#[derive(Clone, Copy, Debug)]
pub struct StoreOptions {
    /// What passwords cost, and how many are checked at once.
    pub hashing: HashOptions,
    /// The most accounts, removed ones included as their names stay reserved. 100,000 by default: ten times what a server
    /// can have online, and a database that is still small. Servers that share a database may exceed it by a few.
    pub max_accounts: u32,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { hashing: HashOptions::default(), max_accounts: 100_000 }
    }
}

impl SqlAccounts {
    /// Opens the accounts at `url`: makes the SQLite file if there is none (the MySQL database must exist), and brings
    /// the schema up to date, also if others do the same at this moment. An SQLite database that has to change is copied
    /// beside itself first.
    ///
    /// # Errors
    /// By whose fault it is, each with its own sentence.
    pub async fn open(url: &StoreUrl, options: StoreOptions) -> Result<Self, OpenError> {
        let hashes = HashPool::new(options.hashing).map_err(OpenError::Hashing)?;
        let backend = match &url.0 {
            Place::Sqlite(path) => {
                let path = path.clone();
                let path = blocking(move || sqlite::prepare(&path)).await?;
                migrate_sqlite(path.clone()).await?;
                Backend::sqlite(&path)
            }
            Place::MySql(place) => {
                migrate_mysql(place).await?;
                Backend::mysql(place)
            }
        };
        Ok(Self { inner: Arc::new(Inner { backend, hashes, url: url.clone(), max_accounts: options.max_accounts }) })
    }

    /// The pool that hashes, for its counters.
    pub fn hashes(&self) -> &HashPool {
        &self.inner.hashes
    }

    /// Where the accounts are, for sentences.
    pub fn url(&self) -> &StoreUrl {
        &self.inner.url
    }

    pub(crate) async fn hash(&self, password: Password) -> Result<PasswordHash, AccountError> {
        self.inner.hashes.hash(password).await.map_err(hash_error)
    }

    /// Checks a password, at the same cost whether there is such an account or not.
    async fn check(&self, row: Option<Row>, password: Password) -> Result<(Row, Verification), AccountError> {
        let hash = row.as_ref().map(Row::password_hash).transpose()?;
        let verification = self.inner.hashes.verify(password, hash.as_ref()).await.map_err(hash_error)?;
        let row = row.filter(|_| verification != Verification::Mismatch).ok_or(AccountError::WrongCredentials)?;
        match row.status()? {
            Status::Active => Ok((row, verification)),
            Status::Disabled => Err(AccountError::Disabled),
            Status::Removed => Err(AccountError::WrongCredentials),
        }
    }

    /// Replaces a hash that costs less than new ones. That it fails is no reason to refuse a right password.
    async fn strengthen(&self, row: &Row, password: Password) {
        let result = match self.inner.hashes.hash(password).await {
            Ok(hash) => self.inner.backend.rehash(row, &hash).await,
            Err(error) => Err(error.into()),
        };
        if let Err(error) = result {
            log::warn!("the password hash of account {} was not made stronger: {}", row.id, error_chain(&error));
        }
    }
}

/// Shows where, without the password.
impl fmt::Debug for SqlAccounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SqlAccounts").field(&self.inner.url).finish()
    }
}

impl Accounts for SqlAccounts {
    async fn register(&self, name: UserName, password: Password, at: Timestamp) -> Result<Account, AccountError> {
        // Before the hash, which is dear.
        if self.inner.backend.count().await? >= self.inner.max_accounts.into() {
            return Err(AccountError::Full);
        }
        let hash = self.hash(password).await?;
        let row = NewRow {
            name: name.as_str().to_owned(),
            canonical: name.canonical().to_owned(),
            password_hash: hash.expose().to_owned(),
            generation: 1,
            status: number_of(Status::Active),
            created_at: millis(at),
        };
        // Not asked for beforehand: of two who ask, both would hear that it is free.
        match self.inner.backend.insert(row).await {
            Err(QueryError::Query(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _))) => {
                return Err(AccountError::NameTaken);
            }
            result => result?,
        }
        let row = self.inner.backend.by_name(&name).await?.ok_or(QueryError::Gone)?;
        Ok(row.account()?)
    }

    async fn authenticate(&self, name: UserName, password: Password) -> Result<Account, AccountError> {
        let row = self.inner.backend.by_name(&name).await?;
        let (row, verification) = self.check(row, password.clone()).await?;
        if verification == Verification::NeedsRehash {
            self.strengthen(&row, password).await;
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
        for _ in 0..TRIES {
            let row = self.inner.backend.by_id(id).await?;
            let (row, _) = self.check(row, old.clone()).await?;
            let hash = self.hash(new.clone()).await?;
            let change = Change { password_hash: Some(hash.expose().to_owned()), ..Change::default() };
            if let Some(account) = self.raise(&row, change, at).await? {
                return Ok(account);
            }
        }
        Err(AccountError::Busy(TRY_AGAIN))
    }

    async fn look_up(&self, ids: Vec<AccountId>) -> Result<Vec<Account>, AccountError> {
        read(&self.inner.backend.by_ids(&ids).await?)
    }

    async fn changed_since(&self, since: Timestamp) -> Result<Vec<Account>, AccountError> {
        read(&self.inner.backend.changed_since(since).await?)
    }

    async fn mark_seen(&self, ids: Vec<AccountId>, at: Timestamp) -> Result<(), AccountError> {
        Ok(self.inner.backend.seen(&ids, at).await?)
    }
}

pub(crate) fn read(rows: &[Row]) -> Result<Vec<Account>, AccountError> {
    rows.iter().map(|row| row.account().map_err(AccountError::from)).collect()
}

/// Another process would have to change the same account between each read and write of these.
pub(crate) const TRIES: u32 = 4;
pub(crate) const TRY_AGAIN: Duration = Duration::from_secs(1);
