//! The port for accounts. A machine never calls it directly: the machine asks its driver for a job.
//!
//! Callers pass the current time, so that an implementation needs no clock. User names are compared byte by byte in
//! [canonical form](UserName::canonical). A name that looks like one that is taken is taken, too: no two accounts have
//! a [skeleton](crate::name::Skeletons) in common. [`memory::MemoryAccounts`] is the smallest implementation. The
//! suites in `contract` (feature `testing`) assert what this module promises.

#[cfg(feature = "testing")]
pub mod contract;
mod digest;
pub mod memory;
mod shared;

use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

pub use self::digest::AccountDigest;
use crate::id::AccountId;
use crate::name::{NameError, UserName};
use crate::password::Password;
use crate::time::Timestamp;

/// One registered user. [`Account::new`] makes one, whose fields can be changed.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Account {
    /// Never changes and is never assigned to another account, not even after this one was deleted.
    pub id: AccountId,
    /// The user name as typed at registration.
    pub name: UserName,
    /// Rises by 1 when the password changes and when the account is disabled, enabled or removed. Tickets of an older
    /// generation are void.
    pub generation: u64,
    /// Whether the account may log in.
    pub status: Status,
    /// The time of registration. Never changes: tickets of an account with another time, or another user name, are
    /// void.
    pub created: Timestamp,
    /// The last time at which the user was online, if any.
    pub last_seen: Option<Timestamp>,
    /// Tickets of sessions that began at this time or earlier are void, if it is present. Set by
    /// [`Accounts::void_tickets`].
    pub tickets_void_until: Option<Timestamp>,
}

impl Account {
    /// An account as it is right after its registration: active, with generation 1, and nobody was online with it.
    pub const fn new(id: AccountId, name: UserName, created: Timestamp) -> Self {
        Self { id, name, generation: 1, status: Status::Active, created, last_seen: None, tickets_void_until: None }
    }

    /// Whether the user was online later than [`FIRST_DAY`] after the registration. See [`Operator::list_unused`].
    pub fn is_used(&self) -> bool {
        self.last_seen.is_some_and(|seen| seen > self.created + FIRST_DAY)
    }
}

/// One registered user as [`Operator::list`] returns it. Made from an [`Account`], or by [`ListedAccount::new`].
///
/// Its user name may break a rule of [`UserName::parse`] that is newer than the account. The name of an [`Account`]
/// never does.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ListedAccount {
    /// As [`Account::id`].
    pub id: AccountId,
    /// The user name as typed at registration.
    pub name: Result<UserName, InvalidName>,
    /// As [`Account::generation`].
    pub generation: u64,
    /// As [`Account::status`].
    pub status: Status,
    /// As [`Account::created`].
    pub created: Timestamp,
    /// As [`Account::last_seen`].
    pub last_seen: Option<Timestamp>,
    /// As [`Account::tickets_void_until`].
    pub tickets_void_until: Option<Timestamp>,
}

/// A stored user name that the rules no longer allow. Its account cannot log in.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct InvalidName {
    /// The name, which may contain any characters.
    pub stored: String,
    /// The rule that it breaks.
    pub reason: NameError,
}

impl InvalidName {
    /// A stored name that breaks a rule.
    pub fn new(stored: impl Into<String>, reason: NameError) -> Self {
        Self { stored: stored.into(), reason }
    }
}

impl ListedAccount {
    /// An account as [`Account::new`] makes it, with a user name that may be invalid.
    pub const fn new(id: AccountId, name: Result<UserName, InvalidName>, created: Timestamp) -> Self {
        Self { id, name, generation: 1, status: Status::Active, created, last_seen: None, tickets_void_until: None }
    }

    /// The account, unless its user name is invalid.
    pub fn account(self) -> Option<Account> {
        let Self { id, name, generation, status, created, last_seen, tickets_void_until } = self;
        Some(Account { id, name: name.ok()?, generation, status, created, last_seen, tickets_void_until })
    }
}

impl From<Account> for ListedAccount {
    fn from(account: Account) -> Self {
        let Account { id, name, generation, status, created, last_seen, tickets_void_until } = account;
        Self { id, name: Ok(name), generation, status, created, last_seen, tickets_void_until }
    }
}

/// Whether an account may log in.
///
/// Exhaustive, because accounts that do not store one of these let a user in who may not log in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "every implementation of the port stores each status")]
pub enum Status {
    /// The account may log in.
    Active,
    /// An operator has disabled the account. It can be enabled again.
    Disabled,
    /// An operator has removed the account for good.
    Removed,
}

/// The operations that the server needs.
///
/// User names are compared in [canonical form](UserName::canonical), and two names with a
/// [skeleton](crate::name::Skeletons) in common count as one. Test an implementation with
/// `chat_core::accounts::contract::accounts_contract` (feature `testing`, as a dev-dependency): it finds what an
/// implementation forgets.
///
/// No method may block the calling thread. Dropping a returned future must leave the accounts as if the call had either
/// completed or not been made. Work on a blocking pool, such as tokio's `spawn_blocking`, has both properties: it runs
/// to its end once it has begun.
///
/// Any method may fail with [`AccountError::Unavailable`], and those that check or hash a password with
/// [`AccountError::Busy`].
pub trait Accounts: Send + Sync + 'static {
    /// Registers an account, with generation 1. The server has checked the rules for new names
    /// ([`UserName::check_new`]).
    ///
    /// # Errors
    /// [`AccountError::NameTaken`] if an account has the user name or one that looks like it, even a removed one whose
    /// name was not freed; [`AccountError::Full`].
    fn register(
        &self,
        name: UserName,
        password: Password,
        at: Timestamp,
    ) -> impl Future<Output = Result<Account, AccountError>> + Send;

    /// Checks a password and returns the account.
    ///
    /// # Errors
    /// [`AccountError::WrongCredentials`] for a wrong password and, after the same work, for an unknown or removed
    /// name; [`AccountError::Disabled`] only if the password is right.
    fn authenticate(
        &self,
        name: UserName,
        password: Password,
    ) -> impl Future<Output = Result<Account, AccountError>> + Send;

    /// Changes the password and raises the generation.
    ///
    /// # Errors
    /// [`AccountError::WrongCredentials`] if `old` is wrong, and if the id is unknown or the account is removed;
    /// [`AccountError::Disabled`] only if `old` is right.
    fn change_password(
        &self,
        id: AccountId,
        old: Password,
        new: Password,
        at: Timestamp,
    ) -> impl Future<Output = Result<Account, AccountError>> + Send;

    /// Returns the accounts with these ids, including disabled and removed ones, in any order. Ignores unknown ids, and
    /// accounts with an [`InvalidName`].
    ///
    /// # Errors
    /// [`AccountError::Unavailable`].
    fn look_up(&self, ids: Vec<AccountId>) -> impl Future<Output = Result<Vec<Account>, AccountError>> + Send;

    /// Returns the accounts whose generation rose at `since` or later, in any order, except those with an
    /// [`InvalidName`]. A registration, a new last-seen time and void tickets do not count.
    ///
    /// So store with each account the time at which its generation last rose. It never goes back: if a change comes
    /// with an earlier time, because an operator's clock is slow, the stored time stays. The server would otherwise
    /// miss the change.
    ///
    /// # Errors
    /// [`AccountError::Unavailable`].
    fn changed_since(&self, since: Timestamp) -> impl Future<Output = Result<Vec<Account>, AccountError>> + Send;

    /// Records that these accounts were online at `at`. Ignores unknown ids, and never moves a last-seen time back.
    ///
    /// # Errors
    /// [`AccountError::Unavailable`].
    fn mark_seen(&self, ids: Vec<AccountId>, at: Timestamp) -> impl Future<Output = Result<(), AccountError>> + Send;

    /// Voids the tickets of all sessions of these accounts that began at `until` or earlier. Ignores unknown ids, and
    /// never moves the time of an account back. The generation stays the same.
    ///
    /// The server calls this after a client has left its session, and after a login with a password. Until it restarts,
    /// the server also knows by itself which tickets are void.
    ///
    /// # Errors
    /// [`AccountError::Unavailable`]. The server then repeats the call.
    fn void_tickets(
        &self,
        ids: Vec<AccountId>,
        until: Timestamp,
    ) -> impl Future<Output = Result<(), AccountError>> + Send;
}

/// The operations of operators. The server itself does not need them.
///
/// As with [`Accounts`], no method may block the calling thread, and dropping a returned future must leave the accounts
/// as if the call had either completed or not been made. Only [`delete_unused`](Self::delete_unused) may then have
/// deleted some of the accounts and not the others.
pub trait Operator: Send + Sync + 'static {
    /// Sets a password without the old one and raises the generation. The status stays the same.
    ///
    /// # Errors
    /// [`AccountError::NoSuchAccount`] if the account does not exist or is removed.
    fn set_password(
        &self,
        name: UserName,
        new: Password,
        at: Timestamp,
    ) -> impl Future<Output = Result<Account, AccountError>> + Send;

    /// Disables, enables or removes an account and raises the generation. Setting the current status changes nothing.
    ///
    /// The only change of a removed account is [`NewStatus::RemovedAndFreed`]. It frees the user name and does not
    /// raise the generation.
    ///
    /// # Errors
    /// [`AccountError::NoSuchAccount`] if the account does not exist, and for any other change of a removed account.
    fn set_status(
        &self,
        name: UserName,
        status: NewStatus,
        at: Timestamp,
    ) -> impl Future<Output = Result<Account, AccountError>> + Send;

    /// Returns at most `limit` accounts with ids above `after`, including removed ones, in the order of ids.
    ///
    /// # Errors
    /// [`AccountError::Unavailable`].
    fn list(
        &self,
        after: Option<AccountId>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<ListedAccount>, AccountError>> + Send;

    /// Returns at most `limit` unused accounts with ids above `after`, in the order of ids.
    ///
    /// An account is unused if it was registered before `registered_before`, and nobody was online with it later than
    /// [`FIRST_DAY`] after its registration. Disabled accounts do not count, and neither do removed ones whose user
    /// names stay reserved.
    ///
    /// # Errors
    /// [`AccountError::Unavailable`].
    fn list_unused(
        &self,
        registered_before: Timestamp,
        after: Option<AccountId>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<ListedAccount>, AccountError>> + Send;

    /// Deletes those of the accounts with these ids that are unused, as [`list_unused`](Self::list_unused) defines it.
    /// Their user names are free, and they no longer count against the limit of accounts. Their ids are never assigned
    /// again. Returns how many were deleted.
    ///
    /// # Errors
    /// [`AccountError::Unavailable`].
    fn delete_unused(
        &self,
        ids: Vec<AccountId>,
        registered_before: Timestamp,
    ) -> impl Future<Output = Result<u64, AccountError>> + Send;
}

/// The time after a registration that counts as a trial: an account with which nobody is online later is unused.
pub const FIRST_DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The status that an operator sets. Exhaustive, as [`Status`] is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "every implementation of the port sets each status")]
pub enum NewStatus {
    /// The account may log in.
    Active,
    /// The account may not log in until it is enabled again.
    Disabled,
    /// The account is removed for good, and its user name stays reserved.
    Removed,
    /// The account is removed for good, and anyone may register its user name. Also valid for an account that is
    /// removed already.
    RemovedAndFreed,
}

/// Why an operation on accounts failed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// Another account has the user name, or one that looks like it. A removed account keeps its name until an operator
    /// frees it.
    #[error("that user name is taken, or looks like one that is taken")]
    NameTaken,
    /// The user name is unknown or the password is wrong. The error does not reveal which.
    #[error("wrong user name or password")]
    WrongCredentials,
    /// The account is disabled.
    #[error("the account is disabled")]
    Disabled,
    /// The operator named an account that does not exist.
    #[error("no such account")]
    NoSuchAccount,
    /// The limit of accounts is reached.
    #[error("the limit of accounts is reached")]
    Full,
    /// Too many password checks are waiting. The caller may try again after this time.
    #[error("busy, try again in {} s", .0.as_secs().max(1))]
    Busy(Duration),
    /// The storage failed. The source is for the operator's log and must not reach users.
    #[error("the storage is unavailable")]
    Unavailable(#[source] Arc<dyn Error + Send + Sync>),
}

impl From<NewStatus> for Status {
    fn from(status: NewStatus) -> Self {
        match status {
            NewStatus::Active => Self::Active,
            NewStatus::Disabled => Self::Disabled,
            NewStatus::Removed | NewStatus::RemovedAndFreed => Self::Removed,
        }
    }
}
