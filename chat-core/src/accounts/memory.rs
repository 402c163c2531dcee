//! An in-memory implementation, for tests and for trying things out.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use subtle::ConstantTimeEq;

use super::{Account, AccountError, Accounts, NewStatus, Operator, Status};
use crate::id::AccountId;
use crate::name::UserName;
use crate::password::Password;
use crate::time::Timestamp;

/// Accounts that live as long as the process.
///
/// For tests, and for embedders who try things out: it keeps the passwords as they are, without hashing, and answers
/// at once, so an unknown name costs nothing like a password check. `chat-store` has what a real server needs.
pub struct MemoryAccounts {
    limit: usize,
    /// Held for the length of one call, and no call waits while it holds it.
    table: Mutex<Table>,
}

impl MemoryAccounts {
    /// No accounts yet, and limit for as many as [`MemoryAccounts::MAX_ACCOUNTS`].
    pub fn new() -> Self {
        Self::with_limit(Self::MAX_ACCOUNTS)
    }

    /// No accounts yet, and limit for `limit`, removed ones included.
    pub fn with_limit(limit: usize) -> Self {
        Self { limit, table: Mutex::default() }
    }

    /// The most accounts by default: some 10 MB.
    pub const MAX_ACCOUNTS: usize = 100_000;

    fn table(&self) -> MutexGuard<'_, Table> {
        // Every call changes one row as its last step, so a panic elsewhere leaves the table whole.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryAccounts {
    fn default() -> Self {
        Self::new()
    }
}

/// Prints how many accounts there are, and nothing of them.
impl fmt::Debug for MemoryAccounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryAccounts").field("accounts", &self.table().rows.len()).finish()
    }
}

impl Accounts for MemoryAccounts {
    async fn register(&self, name: UserName, password: Password, at: Timestamp) -> Result<Account, AccountError> {
        let mut table = self.table();
        if table.names.contains_key(&name) {
            return Err(AccountError::NameTaken);
        }
        if table.rows.len() >= self.limit {
            return Err(AccountError::Full);
        }
        // Rows are never deleted, so the next id is one above the highest there ever was.
        let id = table.rows.last_key_value().map_or(AccountId::new(1), |(id, _)| id.next());
        let account =
            Account { id, name: name.clone(), generation: 1, status: Status::Active, created: at, last_seen: None };
        table.names.insert(name, id);
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
        Ok(row.raise(at))
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
}

impl Operator for MemoryAccounts {
    async fn set_password(&self, name: UserName, new: Password, at: Timestamp) -> Result<Account, AccountError> {
        let mut table = self.table();
        let row = table.by_name(&name)?;
        if row.account.status == Status::Removed {
            return Err(AccountError::NoSuchAccount);
        }
        row.password = new;
        Ok(row.raise(at))
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
                row.raise(at)
            }
        };
        if status == NewStatus::RemovedAndFreed {
            table.names.remove(&name);
        }
        Ok(account)
    }

    async fn list(&self, after: Option<AccountId>, limit: u32) -> Result<Vec<Account>, AccountError> {
        let table = self.table();
        let rows = table.rows.values().filter(|row| Some(row.account.id) > after);
        Ok(rows.take(limit as usize).map(|row| row.account.clone()).collect())
    }
}

#[derive(Default)]
struct Table {
    rows: BTreeMap<AccountId, Row>,
    /// The names that are taken: those of all rows that were not freed.
    names: BTreeMap<UserName, AccountId>,
}

impl Table {
    fn by_name(&mut self, name: &UserName) -> Result<&mut Row, AccountError> {
        let id = self.names.get(name).ok_or(AccountError::NoSuchAccount)?;
        self.rows.get_mut(id).ok_or(AccountError::NoSuchAccount)
    }
}

struct Row {
    account: Account,
    password: Password,
    /// When the generation was last raised, if ever.
    changed: Option<Timestamp>,
}

impl Row {
    fn check(&self, password: &Password) -> Result<(), AccountError> {
        let right: bool = self.password.expose().as_bytes().ct_eq(password.expose().as_bytes()).into();
        match self.account.status {
            Status::Active if right => Ok(()),
            Status::Disabled if right => Err(AccountError::Disabled),
            Status::Active | Status::Disabled | Status::Removed => Err(AccountError::WrongCredentials),
        }
    }

    fn raise(&mut self, at: Timestamp) -> Account {
        self.account.generation += 1;
        self.changed = self.changed.max(Some(at));
        self.account.clone()
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use super::*;
    use crate::accounts::contract::accounts_contract;

    /// Nothing here ever waits, so one poll after another ends.
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
    fn keeps_the_contract() {
        block_on(accounts_contract(&MemoryAccounts::new()));
    }

    #[test]
    fn debug_prints_no_password() {
        let accounts = MemoryAccounts::new();
        let (name, password) = (UserName::parse("alice").unwrap(), Password::parse("correct horse").unwrap());
        block_on(accounts.register(name, password, Timestamp::from_millis(1))).unwrap();
        assert_eq!(format!("{accounts:?}"), "MemoryAccounts { accounts: 1 }");
    }
}
