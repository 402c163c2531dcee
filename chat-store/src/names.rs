//! Renews the canonical names that an earlier version stored with a final sigma.
//!
//! `ς` and `σ` are one letter in the canonical form, so that `Νίκος` and `ΝΊΚΟΣ` are one user. Accounts that were
//! registered before that rule have a canonical name that no login computes any more.

use chat_core::error_chain::error_chain;
use chat_core::name::UserName;

use crate::backend::Backend;
use crate::error::QueryError;

/// The highest number that is tried as a suffix for an account whose name now belongs to another account. Accounts that
/// differ only in sigmas are rare, so the first or the second name is free.
const MAX_SUFFIX: u32 = 99;

impl Backend {
    /// Renews stale canonical names. If another account already has the renewed name, the account is renamed, and a
    /// warning informs the operator. A database that cannot be written stays as it is, with a warning.
    pub(crate) async fn renew_canonical_names(&self) -> Result<(), QueryError> {
        for (id, name) in self.names_with_final_sigma().await? {
            if let Err(error) = self.renew_canonical_name(id, &name).await {
                log::warn!("account {id} ({name}) cannot log in until its name is renewed: {}", error_chain(&error));
            }
        }
        Ok(())
    }

    async fn renew_canonical_name(&self, id: i64, name: &str) -> Result<(), QueryError> {
        let damaged = |error: chat_core::name::NameError| QueryError::Row { id, reason: error.to_string() };
        let renewed = UserName::parse(name).map_err(damaged)?;
        if is_free(self.renew(id, &renewed).await)? {
            return Ok(());
        }
        for number in 2..=MAX_SUFFIX {
            let suffix = format!("-{number}");
            let kept: String = name.chars().take(UserName::MAX_CHARS - suffix.len()).collect();
            let other = UserName::parse(&(kept + &suffix)).map_err(damaged)?;
            if is_free(self.rename(id, &other).await)? {
                log::warn!(
                    "account {id} was renamed from {name} to {other}, because the name of another account differs only in a \
                     final sigma; inform the owner of account {id}"
                );
                return Ok(());
            }
        }
        Err(QueryError::Row { id, reason: format!("{MAX_SUFFIX} accounts have similar names") })
    }
}

/// Returns whether no other account had the name that an account was given.
fn is_free(given: Result<(), QueryError>) -> Result<bool, QueryError> {
    match given {
        Err(error) if error.is_unique_violation() => Ok(false),
        result => result.map(|()| true),
    }
}
