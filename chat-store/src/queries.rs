//! The queries on accounts. Each is written once and compiled for both databases.

use chat_core::accounts::{FIRST_DAY, Status};
use chat_core::id::AccountId;
use chat_core::name::UserName;
use chat_core::time::Timestamp;
use diesel::{
    BoolExpressionMethods, ExpressionMethods, NullableExpressionMethods, QueryDsl, SelectableHelper,
    TextExpressionMethods,
};
use diesel_async::RunQueryDsl;

use crate::backend::{Backend, query};
use crate::error::QueryError;
use crate::hashing::PasswordHash;
use crate::row::{AccountChangeset, AccountRow, NewAccountRow, millis, status_number};
use crate::schema::accounts;

/// Whether an account is unused, as [`chat_core::accounts::Operator::list_unused`] defines it. A macro, because the type of
/// the expression has no short name.
macro_rules! is_unused {
    ($registered_before:expr) => {{
        let (active, removed) = (status_number(Status::Active), status_number(Status::Removed));
        let is_freed = accounts::status.eq(removed).and(accounts::canonical.is_null());
        let is_new = accounts::last_seen.le((accounts::created_at + FIRST_DAY_MILLIS).nullable());
        accounts::created_at
            .lt(millis($registered_before))
            .and(accounts::status.eq(active).or(is_freed))
            .and(accounts::last_seen.is_null().or(is_new))
    }};
}

impl Backend {
    pub(crate) async fn insert(&self, row: NewAccountRow) -> Result<(), QueryError> {
        query!(self, |c| diesel::insert_into(accounts::table).values(row).execute(c)).map(drop)
    }

    /// Counts the accounts, including removed ones.
    pub(crate) async fn count(&self) -> Result<i64, QueryError> {
        query!(self, |c| accounts::table.count().get_result(c))
    }

    // Not `first`: its LIMIT is a parameter, and SQLite compiles the statement again for each value.
    pub(crate) async fn by_name(&self, name: &UserName) -> Result<Option<AccountRow>, QueryError> {
        let named = accounts::table.filter(accounts::canonical.eq(name.canonical().to_owned()));
        optional(query!(self, |c| named.select(AccountRow::as_select()).get_result(c)))
    }

    /// The ids and names of accounts whose canonical name contains a final sigma.
    pub(crate) async fn names_with_final_sigma(&self) -> Result<Vec<(i64, String)>, QueryError> {
        let stale = accounts::table.filter(accounts::canonical.like("%ς%"));
        query!(self, |c| stale.select((accounts::id, accounts::name)).load(c))
    }

    /// Sets the canonical form of the name that an account has. Its skeletons stay as they are, because they do not
    /// depend on the canonical form that was stored.
    pub(crate) async fn renew(&self, id: i64, name: &UserName) -> Result<(), QueryError> {
        let canonical = accounts::canonical.eq(Some(name.canonical().to_owned()));
        query!(self, |c| diesel::update(accounts::table.find(id)).set(canonical).execute(c)).map(drop)
    }

    /// Gives another name to an account.
    pub(crate) async fn rename(&self, id: i64, name: &UserName) -> Result<(), QueryError> {
        let skeletons = name.skeletons();
        let names = (
            accounts::name.eq(name.as_str().to_owned()),
            accounts::canonical.eq(Some(name.canonical().to_owned())),
            accounts::canonical_skeleton.eq(Some(skeletons.canonical().to_owned())),
            accounts::shown_skeleton.eq(Some(skeletons.shown().to_owned())),
        );
        query!(self, |c| diesel::update(accounts::table.find(id)).set(names).execute(c)).map(drop)
    }

    /// The ids and names of the first accounts above `after` that have a name and no skeletons. Removed accounts are
    /// left out.
    pub(crate) async fn without_skeletons(&self, after: i64, limit: i64) -> Result<Vec<(i64, String)>, QueryError> {
        let named = accounts::table.filter(accounts::canonical.is_not_null()).filter(accounts::status.ne(REMOVED));
        let without = named.filter(accounts::canonical_skeleton.is_null()).filter(accounts::id.gt(after));
        let page = without.order(accounts::id.asc()).limit(limit);
        query!(self, |c| page.select((accounts::id, accounts::name)).load(c))
    }

    /// The name of the first account that has a skeleton in common with `name`. Removed accounts are left out.
    pub(crate) async fn first_like(&self, name: &UserName) -> Result<Option<String>, QueryError> {
        let skeletons = name.skeletons();
        let same_canonical = accounts::canonical_skeleton.eq(Some(skeletons.canonical().to_owned()));
        let same_shown = accounts::shown_skeleton.eq(Some(skeletons.shown().to_owned()));
        let alike = accounts::table.filter(accounts::status.ne(REMOVED)).filter(same_canonical.or(same_shown));
        let names: Vec<String> = query!(self, |c| alike.order(accounts::id.asc()).select(accounts::name).load(c))?;
        Ok(names.into_iter().next())
    }

    /// What accounts have in common with these names, as [`looks`](crate::import::looks) marks it. Removed accounts whose
    /// names are reserved are included.
    pub(crate) async fn with_looks_of(&self, names: &[UserName]) -> Result<Vec<String>, QueryError> {
        let canonical: Vec<String> = names.iter().map(|name| name.canonical().to_owned()).collect();
        let skeletons: Vec<_> = names.iter().map(UserName::skeletons).collect();
        let (looks, shown): (Vec<String>, Vec<String>) =
            skeletons.iter().map(|skeletons| (skeletons.canonical().to_owned(), skeletons.shown().to_owned())).unzip();
        let alike = accounts::table.filter(
            accounts::canonical
                .eq_any(canonical)
                .or(accounts::canonical_skeleton.eq_any(looks))
                .or(accounts::shown_skeleton.eq_any(shown)),
        );
        let columns = (accounts::canonical, accounts::canonical_skeleton, accounts::shown_skeleton);
        let rows: Vec<(Option<String>, Option<String>, Option<String>)> =
            query!(self, |c| alike.select(columns).load(c))?;
        let marked = |(name, canonical, shown): (Option<String>, Option<String>, Option<String>)| {
            [("name", name), ("canonical", canonical), ("shown", shown)]
        };
        let marked = rows.into_iter().flat_map(marked);
        Ok(marked.filter_map(|(column, value)| Some(format!("{column} {}", value?))).collect())
    }

    pub(crate) async fn by_id(&self, id: AccountId) -> Result<Option<AccountRow>, QueryError> {
        let Ok(id) = i64::try_from(id.get()) else { return Ok(None) };
        optional(query!(self, |c| accounts::table.find(id).select(AccountRow::as_select()).get_result(c)))
    }

    pub(crate) async fn by_ids(&self, ids: &[AccountId]) -> Result<Vec<AccountRow>, QueryError> {
        let mut rows = Vec::new();
        for ids in column_values(ids).chunks(MAX_IDS_PER_QUERY) {
            let among = accounts::table.filter(accounts::id.eq_any(ids.to_vec()));
            rows.extend(query!(self, |c| among.select(AccountRow::as_select()).load(c))?);
        }
        Ok(rows)
    }

    pub(crate) async fn changed_since(&self, since: Timestamp) -> Result<Vec<AccountRow>, QueryError> {
        let changed = accounts::table.filter(accounts::changed_at.ge(millis(since)));
        query!(self, |c| changed.select(AccountRow::as_select()).load(c))
    }

    pub(crate) async fn page(&self, after: Option<AccountId>, limit: u32) -> Result<Vec<AccountRow>, QueryError> {
        let page =
            accounts::table.filter(accounts::id.gt(lower_bound(after))).order(accounts::id.asc()).limit(limit.into());
        query!(self, |c| page.select(AccountRow::as_select()).load(c))
    }

    /// The unused accounts with the lowest ids above `after`.
    pub(crate) async fn unused(
        &self,
        registered_before: Timestamp,
        after: Option<AccountId>,
        limit: u32,
    ) -> Result<Vec<AccountRow>, QueryError> {
        let page = accounts::table.filter(accounts::id.gt(lower_bound(after))).filter(is_unused!(registered_before));
        let page = page.order(accounts::id.asc()).limit(limit.into());
        query!(self, |c| page.select(AccountRow::as_select()).load(c))
    }

    /// Deletes the unused accounts among these. Returns how many there were.
    pub(crate) async fn delete_unused(
        &self,
        ids: &[AccountId],
        registered_before: Timestamp,
    ) -> Result<u64, QueryError> {
        let mut deleted = 0;
        for ids in column_values(ids).chunks(MAX_IDS_PER_QUERY) {
            let rows = accounts::table.filter(accounts::id.eq_any(ids.to_vec())).filter(is_unused!(registered_before));
            deleted += query!(self, |c| diesel::delete(rows).execute(c))? as u64;
        }
        Ok(deleted)
    }

    /// Raises last-seen times. An account that was seen later than `at` keeps its time.
    pub(crate) async fn seen(&self, ids: &[AccountId], at: Timestamp) -> Result<(), QueryError> {
        let at = millis(at);
        let earlier = || accounts::last_seen.is_null().or(accounts::last_seen.lt(at));
        for ids in column_values(ids).chunks(MAX_IDS_PER_QUERY) {
            let rows = accounts::table.filter(accounts::id.eq_any(ids.to_vec())).filter(earlier());
            query!(self, |c| diesel::update(rows).set(accounts::last_seen.eq(at)).execute(c))?;
        }
        Ok(())
    }

    /// Raises the times until which tickets are void. An account with a later time keeps it.
    pub(crate) async fn void_tickets(&self, ids: &[AccountId], until: Timestamp) -> Result<(), QueryError> {
        let until = millis(until);
        let earlier = || accounts::tickets_void_until.is_null().or(accounts::tickets_void_until.lt(until));
        for ids in column_values(ids).chunks(MAX_IDS_PER_QUERY) {
            let rows = accounts::table.filter(accounts::id.eq_any(ids.to_vec())).filter(earlier());
            query!(self, |c| diesel::update(rows).set(accounts::tickets_void_until.eq(until)).execute(c))?;
        }
        Ok(())
    }

    /// Changes an account unless its generation has changed since `read` was read. Returns whether the account was
    /// changed.
    pub(crate) async fn change(&self, read: &AccountRow, changes: &AccountChangeset) -> Result<bool, QueryError> {
        let row = accounts::table.find(read.id).filter(accounts::generation.eq(read.generation));
        let changes = changes.clone();
        Ok(query!(self, |c| diesel::update(row).set(changes).execute(c))? == 1)
    }

    /// Replaces the stored hash by another hash of the same password, unless the stored hash has changed since `read`
    /// was read.
    pub(crate) async fn rehash(&self, read: &AccountRow, hash: &PasswordHash) -> Result<(), QueryError> {
        let row = accounts::table.find(read.id).filter(accounts::password_hash.eq(read.password_hash.clone()));
        let hash = accounts::password_hash.eq(hash.expose().to_owned());
        query!(self, |c| diesel::update(row).set(hash).execute(c)).map(drop)
    }
}

/// The column value below all ids of a page.
fn lower_bound(after: Option<AccountId>) -> i64 {
    after.map_or(0, |id| i64::try_from(id.get()).unwrap_or(i64::MAX))
}

/// The ids within the column's range, sorted, so that concurrent updates lock their rows in the same order.
fn column_values(ids: &[AccountId]) -> Vec<i64> {
    let mut ids: Vec<i64> = ids.iter().filter_map(|id| i64::try_from(id.get()).ok()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn optional<T>(result: Result<T, QueryError>) -> Result<Option<T>, QueryError> {
    match result {
        Err(error) if error.is_not_found() => Ok(None),
        result => result.map(Some),
    }
}

const REMOVED: i32 = status_number(Status::Removed);

/// [`FIRST_DAY`] as a column value.
const FIRST_DAY_MILLIS: i64 = FIRST_DAY.as_millis() as i64;

/// The most ids in one statement: well below the most parameters of a statement, which are 32,766 in SQLite and 65,535
/// in MySQL.
const MAX_IDS_PER_QUERY: usize = 1_000;
