//! The port to whatever keeps the accounts. Machines never call it: they ask their driver, by a job.
//!
//! Times are given, so that an implementation needs no clock and all of them agree. Names are compared by
//! [`UserName::canonical`], byte for byte. [`memory::MemoryAccounts`] shows the smallest implementation, and every
//! implementation runs `contract` (feature `testing`), which says in code what is promised here in words.

#[cfg(feature = "testing")]
pub mod contract;
pub mod memory;

use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::id::AccountId;
use crate::name::UserName;
use crate::password::Password;
use crate::time::Timestamp;

/// One registered user.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Account {
    /// For ever the same, never given to another account.
    pub id: AccountId,
    /// As typed at registration.
    pub name: UserName,
    /// Raised by 1 whenever the password changes and whenever the account is disabled, enabled or removed, so that
    /// tickets made before that are worth nothing.
    pub generation: u64,
    /// Whether it may log in.
    pub status: Status,
    /// When it was registered.
    pub created: Timestamp,
    /// When it was last online, if ever.
    pub last_seen: Option<Timestamp>,
}

/// Whether an account may log in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Status {
    /// It may.
    Active,
    /// An operator has disabled it for now.
    Disabled,
    /// An operator has removed it.
    Removed,
}

/// What the server needs of the accounts.
///
/// No call may block the caller's thread, and a call that is dropped must leave the accounts in a state that some
/// other order of calls could have led to.
pub trait Accounts: Send + Sync + 'static {
    /// Makes an account, with generation 1.
    ///
    /// # Errors
    /// [`AccountError::NameTaken`] also if the name belonged to a removed account and was not freed.
    fn register(
        &self,
        name: UserName,
        password: Password,
        at: Timestamp,
    ) -> impl Future<Output = Result<Account, AccountError>> + Send;

    /// Checks a password and gives the account.
    ///
    /// # Errors
    /// [`AccountError::WrongCredentials`] for an unknown or removed name as for a wrong password, after the same work;
    /// [`AccountError::Disabled`] only if the password was right.
    fn authenticate(
        &self,
        name: UserName,
        password: Password,
    ) -> impl Future<Output = Result<Account, AccountError>> + Send;

    /// Changes the password and raises the generation.
    ///
    /// # Errors
    /// [`AccountError::WrongCredentials`] if `old` is wrong or the account is removed; [`AccountError::Disabled`].
    fn change_password(
        &self,
        id: AccountId,
        old: Password,
        new: Password,
        at: Timestamp,
    ) -> impl Future<Output = Result<Account, AccountError>> + Send;

    /// The accounts with these ids, disabled and removed ones too, in any order; unknown ids are left out.
    ///
    /// # Errors
    /// [`AccountError::Unavailable`].
    fn look_up(&self, ids: Vec<AccountId>) -> impl Future<Output = Result<Vec<Account>, AccountError>> + Send;

    /// The accounts whose generation was raised at `since` or later, in any order. A registration or a last-seen time
    /// does not count.
    ///
    /// # Errors
    /// [`AccountError::Unavailable`].
    fn changed_since(&self, since: Timestamp) -> impl Future<Output = Result<Vec<Account>, AccountError>> + Send;

    /// Notes that these accounts were online at `at`; unknown ids are passed over and a time never goes back.
    ///
    /// # Errors
    /// [`AccountError::Unavailable`].
    fn mark_seen(&self, ids: Vec<AccountId>, at: Timestamp) -> impl Future<Output = Result<(), AccountError>> + Send;
}

/// What operators do; the server itself needs none of it.
pub trait Operator: Send + Sync + 'static {
    /// Sets a password without knowing the old one, and raises the generation. The status stays as it is.
    ///
    /// # Errors
    /// [`AccountError::NoSuchAccount`], also for a removed account.
    fn set_password(
        &self,
        name: UserName,
        new: Password,
        at: Timestamp,
    ) -> impl Future<Output = Result<Account, AccountError>> + Send;

    /// Disables, enables or removes an account. Asking for the status that it has already changes nothing; of a removed
    /// account only [`NewStatus::RemovedAndFreed`] may be asked, which frees its name and raises nothing.
    ///
    /// # Errors
    /// [`AccountError::NoSuchAccount`], also for anything else asked of an account that was removed before.
    fn set_status(
        &self,
        name: UserName,
        status: NewStatus,
        at: Timestamp,
    ) -> impl Future<Output = Result<Account, AccountError>> + Send;

    /// At most `limit` accounts with ids above `after`, by rising id, removed ones too.
    ///
    /// # Errors
    /// [`AccountError::Unavailable`].
    fn list(
        &self,
        after: Option<AccountId>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<Account>, AccountError>> + Send;
}

/// What an operator makes of an account.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NewStatus {
    /// It may log in again.
    Active,
    /// It may not log in for now.
    Disabled,
    /// It is gone for good, and nobody may register its name.
    Removed,
    /// It is gone for good, and its name may be registered by anybody. May also be asked for a removed account.
    RemovedAndFreed,
}

/// Why the accounts did not do what was asked, by whose fault it is.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AccountError {
    /// The user's: somebody has this name, or had it.
    #[error("that user name is taken")]
    NameTaken,
    /// The user's: unknown name or wrong password, which of them is not told.
    #[error("wrong user name or password")]
    WrongCredentials,
    /// An operator disabled the account.
    #[error("the account is disabled")]
    Disabled,
    /// The operator's: there is no such account.
    #[error("no such account")]
    NoSuchAccount,
    /// There are as many accounts as there may be.
    #[error("there is no room for more accounts")]
    Full,
    /// Nobody's: too many passwords are being checked; to be tried again after this time.
    #[error("busy, try again in {} s", .0.as_secs().max(1))]
    Busy(Duration),
    /// The operator's: the storage does not answer. The cause is for the log, not for users.
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
