//! Every query, each written once for both databases.

use chat_core::accounts::{Account, Status};
use chat_core::id::AccountId;
use chat_core::name::UserName;
use chat_core::time::Timestamp;
use diesel::{AsChangeset, BoolExpressionMethods, ExpressionMethods, Insertable, OptionalExtension, QueryDsl};
use diesel::{Queryable, Selectable, SelectableHelper};
use diesel_async::RunQueryDsl;

use crate::backend::{Backend, query};
use crate::error::QueryError;
use crate::hashing::PasswordHash;
use crate::schema::accounts;

/// An account as it is stored.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = accounts)]
pub(crate) struct Row {
    pub(crate) id: i64,
    name: String,
    password_hash: String,
    pub(crate) generation: i64,
    status: i32,
    created_at: i64,
    pub(crate) changed_at: Option<i64>,
    last_seen: Option<i64>,
}

impl Row {
    pub(crate) fn account(&self) -> Result<Account, QueryError> {
        Ok(Account {
            id: self.account_id()?,
            name: UserName::parse(&self.name).map_err(|error| self.damaged(error.to_string()))?,
            generation: self.generation.try_into().map_err(|_| self.damaged("its generation is negative"))?,
            status: self.status()?,
            created: timestamp(self.created_at),
            last_seen: self.last_seen.map(timestamp),
        })
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

    /// What the row is once `change` was made.
    pub(crate) fn changed_by(&self, change: &Change) -> Self {
        Self {
            password_hash: change.password_hash.as_ref().unwrap_or(&self.password_hash).clone(),
            generation: change.generation.unwrap_or(self.generation),
            status: change.status.unwrap_or(self.status),
            changed_at: change.changed_at.or(self.changed_at),
            ..self.clone()
        }
    }

    fn account_id(&self) -> Result<AccountId, QueryError> {
        self.id.try_into().map(AccountId::new).map_err(|_| self.damaged("its id is negative"))
    }

    fn damaged(&self, what: impl Into<String>) -> QueryError {
        QueryError::Row { id: self.id, what: what.into() }
    }
}

/// An account as it is first stored.
#[derive(Insertable)]
#[diesel(table_name = accounts)]
pub(crate) struct NewRow {
    pub(crate) name: String,
    pub(crate) canonical: String,
    pub(crate) password_hash: String,
    pub(crate) generation: i64,
    pub(crate) status: i32,
    pub(crate) created_at: i64,
}

/// What becomes of an account; `None` leaves a column as it is.
#[derive(AsChangeset, Clone, Default)]
#[diesel(table_name = accounts)]
pub(crate) struct Change {
    pub(crate) password_hash: Option<String>,
    pub(crate) status: Option<i32>,
    /// `Some(None)` frees the name.
    pub(crate) canonical: Option<Option<String>>,
    pub(crate) generation: Option<i64>,
    pub(crate) changed_at: Option<i64>,
}

impl Backend {
    pub(crate) async fn insert(&self, row: NewRow) -> Result<(), QueryError> {
        query!(self, |c| diesel::insert_into(accounts::table).values(row).execute(c)).map(drop)
    }

    /// How many accounts there are, removed ones included.
    pub(crate) async fn count(&self) -> Result<i64, QueryError> {
        query!(self, |c| accounts::table.count().get_result(c))
    }

    // Not `first`: its LIMIT is a parameter, for each value of which SQLite compiles the statement anew.
    pub(crate) async fn by_name(&self, name: &UserName) -> Result<Option<Row>, QueryError> {
        let named = accounts::table.filter(accounts::canonical.eq(name.canonical().to_owned()));
        optional(query!(self, |c| named.select(Row::as_select()).get_result(c)))
    }

    pub(crate) async fn by_id(&self, id: AccountId) -> Result<Option<Row>, QueryError> {
        let Ok(id) = i64::try_from(id.get()) else { return Ok(None) };
        optional(query!(self, |c| accounts::table.find(id).select(Row::as_select()).get_result(c)))
    }

    pub(crate) async fn by_ids(&self, ids: &[AccountId]) -> Result<Vec<Row>, QueryError> {
        let mut rows = Vec::new();
        for ids in known_ids(ids).chunks(IDS_AT_ONCE) {
            let among = accounts::table.filter(accounts::id.eq_any(ids.to_vec()));
            rows.extend(query!(self, |c| among.select(Row::as_select()).load(c))?);
        }
        Ok(rows)
    }

    pub(crate) async fn changed_since(&self, since: Timestamp) -> Result<Vec<Row>, QueryError> {
        let changed = accounts::table.filter(accounts::changed_at.ge(millis(since)));
        query!(self, |c| changed.select(Row::as_select()).load(c))
    }

    pub(crate) async fn page(&self, after: Option<AccountId>, limit: u32) -> Result<Vec<Row>, QueryError> {
        let after = after.map_or(0, |id| i64::try_from(id.get()).unwrap_or(i64::MAX));
        let page = accounts::table.filter(accounts::id.gt(after)).order(accounts::id.asc()).limit(limit.into());
        query!(self, |c| page.select(Row::as_select()).load(c))
    }

    pub(crate) async fn seen(&self, ids: &[AccountId], at: Timestamp) -> Result<(), QueryError> {
        let at = millis(at);
        let earlier = || accounts::last_seen.is_null().or(accounts::last_seen.lt(at));
        for ids in known_ids(ids).chunks(IDS_AT_ONCE) {
            let rows = accounts::table.filter(accounts::id.eq_any(ids.to_vec())).filter(earlier());
            query!(self, |c| diesel::update(rows).set(accounts::last_seen.eq(at)).execute(c))?;
        }
        Ok(())
    }

    /// Changes an account if it is still the one that was read; whether it was.
    pub(crate) async fn change(&self, read: &Row, change: &Change) -> Result<bool, QueryError> {
        let row = accounts::table.find(read.id).filter(accounts::generation.eq(read.generation));
        let change = change.clone();
        Ok(query!(self, |c| diesel::update(row).set(change).execute(c))? == 1)
    }

    /// Stores another hash of the same password, if it is still the same.
    pub(crate) async fn rehash(&self, read: &Row, hash: &PasswordHash) -> Result<(), QueryError> {
        let row = accounts::table.find(read.id).filter(accounts::password_hash.eq(read.password_hash.clone()));
        let hash = accounts::password_hash.eq(hash.expose().to_owned());
        query!(self, |c| diesel::update(row).set(hash).execute(c)).map(drop)
    }
}

/// Times beyond the range of the column, some 292 million years from now, are its end.
pub(crate) fn millis(time: Timestamp) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

pub(crate) const fn number_of(status: Status) -> i32 {
    match status {
        Status::Active => 0,
        Status::Disabled => 1,
        Status::Removed => 2,
    }
}

/// Times before 1970 were not written by us, and are its beginning.
fn timestamp(millis: i64) -> Timestamp {
    Timestamp::from_millis(u64::try_from(millis).unwrap_or(0))
}

/// The ids that a store can have given, sorted so that two updates lock their rows in the same order.
fn known_ids(ids: &[AccountId]) -> Vec<i64> {
    let mut ids: Vec<i64> = ids.iter().filter_map(|id| i64::try_from(id.get()).ok()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn optional<T>(result: Result<T, QueryError>) -> Result<Option<T>, QueryError> {
    match result {
        Err(QueryError::Query(error)) => Err(error).optional().map_err(QueryError::Query),
        result => result.map(Some),
    }
}

/// Well below what one statement may hold: 32,766 in SQLite, 65,535 in MySQL.
const IDS_AT_ONCE: usize = 1_000;
