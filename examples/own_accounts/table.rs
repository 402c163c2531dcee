//! The accounts in memory, the rules for their names, and the format of their file.
//!
//! The first line of the file is the highest id that was ever assigned: it is never assigned again. Each other line is
//! one account, with fields that tabs separate:
//!
//! ```text
//! id  user name  generation  status  name  created  last seen  tickets void until  changed  password hash
//! 1   Alice      1           active  kept  1795...  -          -                   -        $argon2id$v=19$m=19456...
//! ```

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;

use chat_core::accounts::{Account, AccountError, NewStatus, Status};
use chat_core::id::AccountId;
use chat_core::name::UserName;
use chat_core::time::Timestamp;
use chat_store::hashing::PasswordHash;
use tempfile::NamedTempFile;

/// All accounts.
#[derive(Clone, Default)]
pub(crate) struct Table {
    /// The highest id ever assigned, or 0.
    last_id: u64,
    /// In the order of ids.
    rows: Vec<Row>,
}

#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) account: Account,
    pub(crate) hash: PasswordHash,
    /// When the generation last rose, if it did.
    pub(crate) changed: Option<Timestamp>,
    name: NameUse,
}

/// Whether the account still has its user name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum NameUse {
    Kept,
    /// The account is removed, and another one may have the name.
    Freed,
}

impl Table {
    /// The most accounts. Every change writes all of them.
    const MAX_ACCOUNTS: usize = 10_000;

    pub(crate) fn register(
        &mut self,
        name: UserName,
        hash: PasswordHash,
        at: Timestamp,
    ) -> Result<Account, AccountError> {
        if self.rows.len() >= Self::MAX_ACCOUNTS {
            return Err(AccountError::Full);
        }
        let skeletons = name.skeletons();
        let is_taken = |other: &UserName| *other == name || other.skeletons().look_alike(&skeletons);
        if self.named().any(|row| is_taken(&row.account.name)) {
            return Err(AccountError::NameTaken);
        }
        self.last_id += 1;
        let account = Account::new(AccountId::new(self.last_id), name, at);
        self.rows.push(Row { account: account.clone(), hash, changed: None, name: NameUse::Kept });
        Ok(account)
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter()
    }

    pub(crate) fn by_id(&self, id: AccountId) -> Option<&Row> {
        let index = self.rows.binary_search_by_key(&id, |row| row.account.id).ok()?;
        self.rows.get(index)
    }

    pub(crate) fn by_id_mut(&mut self, id: AccountId) -> Option<&mut Row> {
        let index = self.rows.binary_search_by_key(&id, |row| row.account.id).ok()?;
        self.rows.get_mut(index)
    }

    pub(crate) fn by_name(&self, name: &UserName) -> Option<&Row> {
        self.named().find(|row| row.account.name == *name)
    }

    pub(crate) fn by_name_mut(&mut self, name: &UserName) -> Option<&mut Row> {
        self.rows.iter_mut().find(|row| row.name == NameUse::Kept && row.account.name == *name)
    }

    /// Deletes accounts that are unused. Returns their number.
    pub(crate) fn delete_unused(&mut self, ids: &[AccountId], registered_before: Timestamp) -> u64 {
        let before = self.rows.len();
        self.rows.retain(|row| !(ids.contains(&row.account.id) && row.is_unused(registered_before)));
        (before - self.rows.len()) as u64
    }

    /// The accounts that have their names.
    fn named(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.name == NameUse::Kept)
    }

    /// Reads the file. A file that does not exist has no accounts.
    pub(crate) fn read(file: &Path) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let text = match std::fs::read_to_string(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            other => other?,
        };
        let wrong = |line: usize, what: &str| {
            format!("line {line} of {} is not {what}; restore the file from a backup", file.display())
        };
        let mut lines = text.lines();
        let last_id = lines.next().and_then(|line| line.parse().ok()).ok_or_else(|| wrong(1, "the highest id"))?;
        let mut rows: Vec<Row> = Vec::new();
        for (index, line) in lines.enumerate() {
            let row = Row::parse(line).ok_or_else(|| wrong(index + 2, "an account"))?;
            let id = row.account.id;
            if id.get() > last_id || rows.last().is_some_and(|last| last.account.id >= id) {
                return Err(wrong(index + 2, "an account with the next id").into());
            }
            rows.push(row);
        }
        Ok(Self { last_id, rows })
    }

    /// Replaces the file in one step, so that a crash leaves the old or the new one. Only its owner can read it.
    pub(crate) fn write(&self, file: &Path) -> io::Result<()> {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        let mut new = NamedTempFile::new_in(folder)?;
        let rows: String = self.rows.iter().map(Row::line).collect();
        write!(new, "{}\n{rows}", self.last_id)?;
        new.as_file().sync_all()?;
        new.persist(file)?;
        Ok(())
    }
}

impl Row {
    pub(crate) fn set_hash(&mut self, hash: PasswordHash, at: Timestamp) -> Account {
        self.hash = hash;
        self.raise_generation(at)
    }

    pub(crate) fn set_status(&mut self, status: NewStatus, at: Timestamp) -> Result<Account, AccountError> {
        let is_freed = status == NewStatus::RemovedAndFreed;
        if self.account.status == Status::Removed && !is_freed {
            return Err(AccountError::NoSuchAccount);
        }
        if is_freed {
            self.name = NameUse::Freed;
        }
        if self.account.status == status.into() {
            return Ok(self.account.clone());
        }
        self.account.status = status.into();
        Ok(self.raise_generation(at))
    }

    /// Makes the server end the account's sessions and refuse its tickets.
    fn raise_generation(&mut self, at: Timestamp) -> Account {
        self.account.generation += 1;
        self.changed = self.changed.max(Some(at));
        self.account.clone()
    }

    /// Whether nobody has used the account after its first day; see [`Operator::list_unused`].
    ///
    /// [`Operator::list_unused`]: chat_core::accounts::Operator::list_unused
    pub(crate) fn is_unused(&self, registered_before: Timestamp) -> bool {
        let may_go = match self.account.status {
            Status::Active => true,
            Status::Disabled => false,
            Status::Removed => self.name == NameUse::Freed,
        };
        may_go && self.account.created < registered_before && !self.account.is_used()
    }

    fn line(&self) -> String {
        let Self { account, hash, changed, name } = self;
        let Account { id, name: user, generation, status, created, last_seen, tickets_void_until, .. } = account;
        let time = |time: Option<Timestamp>| time.map_or_else(|| "-".to_owned(), |time| time.as_millis().to_string());
        let (id, user, hash) = (id.get(), user.as_str(), hash.expose());
        let status = match status {
            Status::Active => "active",
            Status::Disabled => "disabled",
            Status::Removed => "removed",
        };
        let name = if *name == NameUse::Kept { "kept" } else { "freed" };
        let (created, last_seen) = (created.as_millis(), time(*last_seen));
        let (void, changed) = (time(*tickets_void_until), time(*changed));
        format!("{id}\t{user}\t{generation}\t{status}\t{name}\t{created}\t{last_seen}\t{void}\t{changed}\t{hash}\n")
    }

    fn parse(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.split('\t').collect();
        let [id, user, generation, status, name, created, last_seen, void, changed, hash] = fields[..] else {
            return None;
        };
        let millis = |field: &str| field.parse().ok().map(Timestamp::from_millis);
        let time = |field: &str| if field == "-" { Some(None) } else { millis(field).map(Some) };
        let status = match status {
            "active" => Status::Active,
            "disabled" => Status::Disabled,
            "removed" => Status::Removed,
            _ => return None,
        };
        let name = match name {
            "kept" => NameUse::Kept,
            "freed" => NameUse::Freed,
            _ => return None,
        };
        let id = AccountId::new(id.parse().ok()?);
        let mut account = Account::new(id, UserName::parse(user).ok()?, millis(created)?);
        account.generation = generation.parse().ok()?;
        account.status = status;
        account.last_seen = time(last_seen)?;
        account.tickets_void_until = time(void)?;
        Some(Self { account, hash: PasswordHash::parse(hash).ok()?, changed: time(changed)?, name })
    }
}
