//! The operator's side of [`SqlAccounts`], and how a generation is raised.

use chat_core::accounts::{Account, AccountError, ListedAccount, NewStatus, Operator, Status};
use chat_core::id::AccountId;
use chat_core::name::UserName;
use chat_core::password::Password;
use chat_core::time::Timestamp;

use crate::accounts::{CONFLICT_RETRY, MAX_ATTEMPTS, SqlAccounts};
use crate::backend::ReadableFile;
use crate::error::QueryError;
use crate::row::{AccountChangeset, AccountRow, millis, status_number};

impl Operator for SqlAccounts {
    async fn set_password(&self, name: UserName, new: Password, at: Timestamp) -> Result<Account, AccountError> {
        let hash = self.hash(new).await?;
        for _ in 0..MAX_ATTEMPTS {
            let row = self.by_name(&name).await?;
            if row.status()? == Status::Removed {
                return Err(AccountError::NoSuchAccount);
            }
            let changes =
                AccountChangeset { password_hash: Some(hash.expose().to_owned()), ..AccountChangeset::default() };
            if let Some(account) = self.raise_generation(&row, changes, at).await? {
                return Ok(account);
            }
        }
        Err(AccountError::Busy(CONFLICT_RETRY))
    }

    async fn set_status(&self, name: UserName, status: NewStatus, at: Timestamp) -> Result<Account, AccountError> {
        let changes = || match status {
            NewStatus::RemovedAndFreed => AccountChangeset::free_name(),
            NewStatus::Active | NewStatus::Disabled | NewStatus::Removed => AccountChangeset::default(),
        };
        for _ in 0..MAX_ATTEMPTS {
            let row = self.by_name(&name).await?;
            let account = match (row.status()?, status) {
                (Status::Removed, NewStatus::RemovedAndFreed) => {
                    self.inner.backend.change(&row, &changes()).await?.then(|| row.account()).transpose()?
                }
                (Status::Removed, _) => return Err(AccountError::NoSuchAccount),
                (old, new) if old == new.into() => Some(row.account()?),
                (_, new) => {
                    let changes = AccountChangeset { status: Some(status_number(new.into())), ..changes() };
                    self.raise_generation(&row, changes, at).await?
                }
            };
            if let Some(account) = account {
                return Ok(account);
            }
        }
        Err(AccountError::Busy(CONFLICT_RETRY))
    }

    async fn list(&self, after: Option<AccountId>, limit: u32) -> Result<Vec<ListedAccount>, AccountError> {
        self.listed(self.inner.backend.page(after, limit).await?)
    }

    async fn list_unused(
        &self,
        registered_before: Timestamp,
        after: Option<AccountId>,
        limit: u32,
    ) -> Result<Vec<ListedAccount>, AccountError> {
        self.listed(self.inner.backend.unused(registered_before, after, limit).await?)
    }

    async fn delete_unused(&self, ids: Vec<AccountId>, registered_before: Timestamp) -> Result<u64, AccountError> {
        Ok(self.inner.backend.delete_unused(&ids, registered_before).await?)
    }
}

impl SqlAccounts {
    /// Changes an account and raises its generation. Returns `None` if the generation has changed since `read` was read.
    pub(crate) async fn raise_generation(
        &self,
        read: &AccountRow,
        mut changes: AccountChangeset,
        at: Timestamp,
    ) -> Result<Option<Account>, AccountError> {
        changes.generation = Some(read.generation + 1);
        // The time never goes back, so that a slow clock does not hide the change from `changed_since`.
        changes.changed_at = read.changed_at.max(Some(millis(at)));
        if !self.inner.backend.change(read, &changes).await? {
            return Ok(None);
        }
        Ok(Some(read.with(&changes).account()?))
    }

    /// The accounts of a page, unless the file that it was read from has been replaced.
    fn listed(&self, page: Vec<AccountRow>) -> Result<Vec<ListedAccount>, AccountError> {
        self.inner.file.as_ref().map_or(Ok(()), ReadableFile::verify).map_err(QueryError::Changed)?;
        page.iter().map(|row| row.listed().map_err(AccountError::from)).collect()
    }

    async fn by_name(&self, name: &UserName) -> Result<AccountRow, AccountError> {
        self.inner.backend.by_name(name).await?.ok_or(AccountError::NoSuchAccount)
    }
}
