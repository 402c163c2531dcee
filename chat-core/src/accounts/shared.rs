//! Accounts that several owners share.

use std::sync::Arc;

use super::{Account, AccountError, Accounts};
use crate::id::AccountId;
use crate::name::UserName;
use crate::password::Password;
use crate::time::Timestamp;

/// Forwards every call. An application that also uses the accounts itself passes an `Arc` to the server.
impl<A: Accounts> Accounts for Arc<A> {
    async fn register(&self, name: UserName, password: Password, at: Timestamp) -> Result<Account, AccountError> {
        (**self).register(name, password, at).await
    }

    async fn authenticate(&self, name: UserName, password: Password) -> Result<Account, AccountError> {
        (**self).authenticate(name, password).await
    }

    async fn change_password(
        &self,
        id: AccountId,
        old: Password,
        new: Password,
        at: Timestamp,
    ) -> Result<Account, AccountError> {
        (**self).change_password(id, old, new, at).await
    }

    async fn look_up(&self, ids: Vec<AccountId>) -> Result<Vec<Account>, AccountError> {
        (**self).look_up(ids).await
    }

    async fn changed_since(&self, since: Timestamp) -> Result<Vec<Account>, AccountError> {
        (**self).changed_since(since).await
    }

    async fn mark_seen(&self, ids: Vec<AccountId>, at: Timestamp) -> Result<(), AccountError> {
        (**self).mark_seen(ids, at).await
    }

    async fn void_tickets(&self, ids: Vec<AccountId>, until: Timestamp) -> Result<(), AccountError> {
        (**self).void_tickets(ids, until).await
    }
}
