//! The accounts as operators see them, and how a generation rises.

use chat_core::accounts::{Account, AccountError, NewStatus, Operator, Status};
use chat_core::id::AccountId;
use chat_core::name::UserName;
use chat_core::password::Password;
use chat_core::time::Timestamp;

use crate::accounts::{SqlAccounts, TRIES, TRY_AGAIN, read};
use crate::queries::{Change, Row, millis, number_of};

impl Operator for SqlAccounts {
    async fn set_password(&self, name: UserName, new: Password, at: Timestamp) -> Result<Account, AccountError> {
        let hash = self.hash(new).await?;
        for _ in 0..TRIES {
            let row = self.by_name(&name).await?;
            if row.status()? == Status::Removed {
                return Err(AccountError::NoSuchAccount);
            }
            let change = Change { password_hash: Some(hash.expose().to_owned()), ..Change::default() };
            if let Some(account) = self.raise(&row, change, at).await? {
                return Ok(account);
            }
        }
        Err(AccountError::Busy(TRY_AGAIN))
    }

    async fn set_status(&self, name: UserName, status: NewStatus, at: Timestamp) -> Result<Account, AccountError> {
        let canonical = || (status == NewStatus::RemovedAndFreed).then_some(None);
        for _ in 0..TRIES {
            let row = self.by_name(&name).await?;
            let account = match (row.status()?, status) {
                (Status::Removed, NewStatus::RemovedAndFreed) => {
                    let free = Change { canonical: canonical(), ..Change::default() };
                    self.inner.backend.change(&row, &free).await?.then(|| row.account()).transpose()?
                }
                (Status::Removed, _) => return Err(AccountError::NoSuchAccount),
                (old, new) if old == new.into() => Some(row.account()?),
                (_, new) => {
                    let change =
                        Change { status: Some(number_of(new.into())), canonical: canonical(), ..Change::default() };
                    self.raise(&row, change, at).await?
                }
            };
            if let Some(account) = account {
                return Ok(account);
            }
        }
        Err(AccountError::Busy(TRY_AGAIN))
    }

    async fn list(&self, after: Option<AccountId>, limit: u32) -> Result<Vec<Account>, AccountError> {
        read(&self.inner.backend.page(after, limit).await?)
    }
}

impl SqlAccounts {
    /// Changes an account and raises its generation, unless somebody else did so since it was read.
    pub(crate) async fn raise(
        &self,
        read: &Row,
        mut change: Change,
        at: Timestamp,
    ) -> Result<Option<Account>, AccountError> {
        change.generation = Some(read.generation + 1);
        // The later of the two, so that a slow clock does not hide an earlier change from those who ask for it.
        change.changed_at = read.changed_at.max(Some(millis(at)));
        if !self.inner.backend.change(read, &change).await? {
            return Ok(None);
        }
        Ok(Some(read.changed_by(&change).account()?))
    }

    async fn by_name(&self, name: &UserName) -> Result<Row, AccountError> {
        self.inner.backend.by_name(name).await?.ok_or(AccountError::NoSuchAccount)
    }
}
