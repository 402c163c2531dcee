//! Accounts in memory, for tests and experiments.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use subtle::ConstantTimeEq;

use super::{Account, AccountError, Accounts, ListedAccount, NewStatus, Operator, Status};
use crate::id::AccountId;
use crate::name::{Skeletons, UserName};
use crate::password::Password;
use crate::time::Timestamp;

/// Accounts that are lost when the value is dropped.
///
/// For tests and experiments only: passwords are stored without hashing, so an unknown name is answered faster than any
/// real password check. Use `chat-store` for a real server.
pub struct MemoryAccounts {
    limit: usize,
    /// Locked for one call at a time. No call waits while it holds the lock.
    table: Mutex<Table>,
}

impl MemoryAccounts {
    /// Creates an empty store for at most [`MemoryAccounts::MAX_ACCOUNTS`] accounts.
    pub fn new() -> Self {
        Self::with_limit(Self::MAX_ACCOUNTS)
    }

    /// Creates an empty store for at most `limit` accounts, including removed ones.
    pub fn with_limit(limit: usize) -> Self {
        Self { limit, table: Mutex::default() }
    }

    /// The default limit of accounts, which take about 10 MB.
    pub const MAX_ACCOUNTS: usize = 100_000;

    fn table(&self) -> MutexGuard<'_, Table> {
        // A call changes the table in its last step only, so a panic leaves the table consistent.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryAccounts {
    fn default() -> Self {
        Self::new()
    }
}

/// Prints the number of accounts only.
impl fmt::Debug for MemoryAccounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryAccounts").field("accounts", &self.table().rows.len()).finish()
    }
}

impl Accounts for MemoryAccounts {
    async fn register(&self, name: UserName, password: Password, at: Timestamp) -> Result<Account, AccountError> {
        let mut table = self.table();
        let skeletons = name.skeletons();
        if table.names.contains_key(&name) || table.has_look_alike(&skeletons) {
            return Err(AccountError::NameTaken);
        }
        if table.rows.len() >= self.limit {
            return Err(AccountError::Full);
        }
        let id = table.last_id.map_or(AccountId::new(1), AccountId::next);
        table.last_id = Some(id);
        let account = Account::new(id, name.clone(), at);
        table.names.insert(name, id);
        table.canonical_skeletons.insert(skeletons.canonical().to_owned());
        table.shown_skeletons.insert(skeletons.shown().to_owned());
        table.rows.insert(id, Row { account: account.clone(), password, changed: None });
        Ok(account)
    }

    async fn authenticate(&self, name: UserName, password: Password) -> Result<Account, AccountError> {
        let table = self.table();
        let row = table.names.get(&name).and_then(|id| table.rows.get(id)).ok_or(AccountError::WrongCredentials)?;
        row.check(&password)?;
        Ok(row.account.clone())
    }

    async fn change_password(
        &self,
        id: AccountId,
        old: Password,
        new: Password,
        at: Timestamp,
    ) -> Result<Account, AccountError> {
        let mut table = self.table();
        let row = table.rows.get_mut(&id).ok_or(AccountError::WrongCredentials)?;
        row.check(&old)?;
        row.password = new;
        Ok(row.raise_generation(at))
    }

    async fn look_up(&self, ids: Vec<AccountId>) -> Result<Vec<Account>, AccountError> {
        let table = self.table();
        Ok(ids.iter().filter_map(|id| table.rows.get(id)).map(|row| row.account.clone()).collect())
    }

    async fn changed_since(&self, since: Timestamp) -> Result<Vec<Account>, AccountError> {
        let table = self.table();
        let changed = table.rows.values().filter(|row| row.changed.is_some_and(|at| at >= since));
        Ok(changed.map(|row| row.account.clone()).collect())
    }

    async fn mark_seen(&self, ids: Vec<AccountId>, at: Timestamp) -> Result<(), AccountError> {
        let mut table = self.table();
        for id in ids {
            if let Some(row) = table.rows.get_mut(&id) {
                row.account.last_seen = row.account.last_seen.max(Some(at));
            }
        }
        Ok(())
    }

    async fn void_tickets(&self, ids: Vec<AccountId>, until: Timestamp) -> Result<(), AccountError> {
        let mut table = self.table();
        for id in ids {
            if let Some(row) = table.rows.get_mut(&id) {
                row.account.tickets_void_until = row.account.tickets_void_until.max(Some(until));
            }
        }
        Ok(())
    }
}

impl Operator for MemoryAccounts {
    async fn set_password(&self, name: UserName, new: Password, at: Timestamp) -> Result<Account, AccountError> {
        let mut table = self.table();
        let row = table.by_name(&name)?;
        if row.account.status == Status::Removed {
            return Err(AccountError::NoSuchAccount);
        }
        row.password = new;
        Ok(row.raise_generation(at))
    }

    async fn set_status(&self, name: UserName, status: NewStatus, at: Timestamp) -> Result<Account, AccountError> {
        let mut table = self.table();
        let row = table.by_name(&name)?;
        let account = match (row.account.status, status) {
            (Status::Removed, NewStatus::RemovedAndFreed) => row.account.clone(),
            (Status::Removed, _) => return Err(AccountError::NoSuchAccount),
            (old, new) if old == new.into() => row.account.clone(),
            (_, new) => {
                row.account.status = new.into();
                row.raise_generation(at)
            }
        };
        if status == NewStatus::RemovedAndFreed {
            // The account's own spelling: another one, such as `name`, may have another shown skeleton.
            table.free(&account.name);
        }
        Ok(account)
    }

    async fn list(&self, after: Option<AccountId>, limit: u32) -> Result<Vec<ListedAccount>, AccountError> {
        let table = self.table();
        let rows = table.rows.values().filter(|row| Some(row.account.id) > after);
        Ok(rows.take(limit as usize).map(|row| row.account.clone().into()).collect())
    }

    async fn list_unused(
        &self,
        registered_before: Timestamp,
        after: Option<AccountId>,
        limit: u32,
    ) -> Result<Vec<ListedAccount>, AccountError> {
        let table = self.table();
        let rows = table.rows.values().filter(|row| Some(row.account.id) > after);
        let unused = rows.filter(|row| table.is_unused(row, registered_before));
        Ok(unused.take(limit as usize).map(|row| row.account.clone().into()).collect())
    }

    async fn delete_unused(&self, ids: Vec<AccountId>, registered_before: Timestamp) -> Result<u64, AccountError> {
        let mut table = self.table();
        let mut deleted = 0;
        for id in ids {
            let unused = table.rows.get(&id).filter(|row| table.is_unused(row, registered_before));
            let Some(name) = unused.map(|row| row.account.name.clone()) else { continue };
            table.rows.remove(&id);
            // A name that was freed may belong to another account by now.
            if table.names.get(&name) == Some(&id) {
                table.free(&name);
            }
            deleted += 1;
        }
        Ok(deleted)
    }
}

#[derive(Default)]
struct Table {
    rows: BTreeMap<AccountId, Row>,
    /// The highest id ever assigned.
    last_id: Option<AccountId>,
    /// The names that are taken: those of all rows but the freed ones.
    names: BTreeMap<UserName, AccountId>,
    /// The canonical skeletons of the names that are taken.
    canonical_skeletons: BTreeSet<String>,
    /// The shown skeletons of the names that are taken.
    shown_skeletons: BTreeSet<String>,
}

impl Table {
    /// Whether a name that is taken has a skeleton in common with these.
    fn has_look_alike(&self, skeletons: &Skeletons) -> bool {
        self.canonical_skeletons.contains(skeletons.canonical()) || self.shown_skeletons.contains(skeletons.shown())
    }

    /// Frees the user name of an account, and the names that look like it.
    fn free(&mut self, name: &UserName) {
        let skeletons = name.skeletons();
        self.names.remove(name);
        self.canonical_skeletons.remove(skeletons.canonical());
        self.shown_skeletons.remove(skeletons.shown());
    }

    fn by_name(&mut self, name: &UserName) -> Result<&mut Row, AccountError> {
        let id = self.names.get(name).ok_or(AccountError::NoSuchAccount)?;
        self.rows.get_mut(id).ok_or(AccountError::NoSuchAccount)
    }

    fn is_unused(&self, row: &Row, registered_before: Timestamp) -> bool {
        let Account { id, name, status, created, .. } = &row.account;
        let may_go = match status {
            Status::Active => true,
            Status::Disabled => false,
            Status::Removed => self.names.get(name) != Some(id),
        };
        may_go && *created < registered_before && !row.account.is_used()
    }
}

struct Row {
    account: Account,
    password: Password,
    /// When the generation last rose, if it did.
    changed: Option<Timestamp>,
}

impl Row {
    fn check(&self, password: &Password) -> Result<(), AccountError> {
        let is_right: bool = self.password.expose().as_bytes().ct_eq(password.expose().as_bytes()).into();
        match self.account.status {
            Status::Active if is_right => Ok(()),
            Status::Disabled if is_right => Err(AccountError::Disabled),
            Status::Active | Status::Disabled | Status::Removed => Err(AccountError::WrongCredentials),
        }
    }

    fn raise_generation(&mut self, at: Timestamp) -> Account {
        self.account.generation += 1;
        self.changed = self.changed.max(Some(at));
        self.account.clone()
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use super::*;
    use crate::accounts::contract::{accounts_contract, operator_contract};

    /// Polls a future of these accounts, which never waits for anything.
    fn block_on<F: Future>(future: F) -> F::Output {
        let mut future = std::pin::pin!(future);
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        loop {
            if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return output;
            }
        }
    }

    #[test]
    fn memory_accounts_fulfil_the_contract() {
        block_on(accounts_contract(&MemoryAccounts::new()));
        block_on(operator_contract(&MemoryAccounts::new()));
    }

    #[test]
    fn debug_prints_no_password() {
        let accounts = MemoryAccounts::new();
        let (name, password) = (UserName::parse("alice").unwrap(), Password::parse("correct horse").unwrap());
        block_on(accounts.register(name, password, Timestamp::from_millis(1))).unwrap();
        assert_eq!(format!("{accounts:?}"), "MemoryAccounts { accounts: 1 }");
    }
}
