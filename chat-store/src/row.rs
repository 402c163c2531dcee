//! The rows of the accounts table as Rust values, and the changes that are made to them.

use chat_core::accounts::{Account, InvalidName, ListedAccount, Status};
use chat_core::id::AccountId;
use chat_core::name::UserName;
use chat_core::time::Timestamp;
use diesel::{AsChangeset, Insertable, Queryable, Selectable};

use crate::error::QueryError;
use crate::hashing::PasswordHash;
use crate::schema::accounts;

/// A stored account, without its canonical name.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = accounts)]
pub(crate) struct AccountRow {
    pub(crate) id: i64,
    name: String,
    pub(crate) password_hash: String,
    pub(crate) generation: i64,
    status: i32,
    created_at: i64,
    pub(crate) changed_at: Option<i64>,
    last_seen: Option<i64>,
    tickets_void_until: Option<i64>,
}

impl AccountRow {
    pub(crate) fn account(&self) -> Result<Account, QueryError> {
        let listed = self.listed()?;
        let invalid = listed.name.as_ref().err().map(|name| name.reason);
        listed.account().ok_or_else(|| self.damaged(invalid.map_or_else(String::new, |reason| reason.to_string())))
    }

    /// The account, even if its user name breaks a rule that is newer than the account.
    pub(crate) fn listed(&self) -> Result<ListedAccount, QueryError> {
        let name = UserName::parse(&self.name).map_err(|reason| InvalidName::new(&self.name, reason));
        let mut account = ListedAccount::new(self.account_id()?, name, timestamp(self.created_at));
        account.generation = self.generation.try_into().map_err(|_| self.damaged("its generation is negative"))?;
        account.status = self.status()?;
        account.last_seen = self.last_seen.map(timestamp);
        account.tickets_void_until = self.tickets_void_until.map(timestamp);
        Ok(account)
    }

    pub(crate) fn status(&self) -> Result<Status, QueryError> {
        match self.status {
            0 => Ok(Status::Active),
            1 => Ok(Status::Disabled),
            2 => Ok(Status::Removed),
            other => Err(self.damaged(format!("its status is {other}"))),
        }
    }

    pub(crate) fn password_hash(&self) -> Result<PasswordHash, QueryError> {
        PasswordHash::parse(&self.password_hash).map_err(|error| self.damaged(error.to_string()))
    }

    /// The row after `changes` were stored.
    pub(crate) fn with(&self, changes: &AccountChangeset) -> Self {
        Self {
            password_hash: changes.password_hash.as_ref().unwrap_or(&self.password_hash).clone(),
            generation: changes.generation.unwrap_or(self.generation),
            status: changes.status.unwrap_or(self.status),
            changed_at: changes.changed_at.or(self.changed_at),
            ..self.clone()
        }
    }

    fn account_id(&self) -> Result<AccountId, QueryError> {
        self.id.try_into().map(AccountId::new).map_err(|_| self.damaged("its id is negative"))
    }

    fn damaged(&self, reason: impl Into<String>) -> QueryError {
        QueryError::Row { id: self.id, reason: reason.into() }
    }
}

/// A new account.
#[derive(Clone, Insertable)]
#[diesel(table_name = accounts)]
pub(crate) struct NewAccountRow {
    pub(crate) name: String,
    pub(crate) canonical: String,
    pub(crate) canonical_skeleton: String,
    pub(crate) shown_skeleton: String,
    pub(crate) password_hash: String,
    pub(crate) generation: i64,
    pub(crate) status: i32,
    pub(crate) created_at: i64,
}

/// New values for the columns of an account. `None` leaves a column unchanged.
#[derive(AsChangeset, Clone, Default)]
#[diesel(table_name = accounts)]
pub(crate) struct AccountChangeset {
    pub(crate) password_hash: Option<String>,
    pub(crate) status: Option<i32>,
    /// `Some(None)` frees the name, as for its skeletons.
    pub(crate) canonical: Option<Option<String>>,
    pub(crate) canonical_skeleton: Option<Option<String>>,
    pub(crate) shown_skeleton: Option<Option<String>>,
    pub(crate) generation: Option<i64>,
    pub(crate) changed_at: Option<i64>,
}

impl AccountChangeset {
    /// The change that frees the user name, and with it the names that look like it.
    pub(crate) fn free_name() -> Self {
        Self { canonical: Some(None), canonical_skeleton: Some(None), shown_skeleton: Some(None), ..Self::default() }
    }
}

/// The column value of a time. Times beyond the column's range, some 292 million years from now, become its maximum.
pub(crate) fn millis(time: Timestamp) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// The column value of a status.
pub(crate) const fn status_number(status: Status) -> i32 {
    match status {
        Status::Active => 0,
        Status::Disabled => 1,
        Status::Removed => 2,
    }
}

/// The time in a column. A negative value, which this program never stores, becomes 1970-01-01.
fn timestamp(millis: i64) -> Timestamp {
    Timestamp::from_millis(u64::try_from(millis).unwrap_or(0))
}
