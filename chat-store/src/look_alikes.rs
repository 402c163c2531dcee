//! Lists accounts whose names look alike, because they are older than the rule against such names.

use chat_core::accounts::AccountError;
use chat_core::name::UserName;

use crate::accounts::SqlAccounts;

/// The accounts that one query of the list fetches.
const PAGE: i64 = 500;

/// Accounts whose names look like the name of an account with a lower id. Removed accounts are left out.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct LookAlikes {
    /// The first pairs.
    pub shown: Vec<LookAlike>,
    /// The number of further accounts that may look like another one.
    pub more: u64,
}

/// Two accounts whose names look alike.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "a pair of names")]
pub struct LookAlike {
    /// The name of the newer account.
    pub name: UserName,
    /// The name of the older account.
    pub like: UserName,
}

impl SqlAccounts {
    /// Returns at most `limit` pairs of accounts whose names look alike, and the number of further ones. New accounts do
    /// not get such names, so usually there are none, and this is one query.
    ///
    /// # Errors
    /// [`AccountError::Unavailable`].
    ///
    /// # Cancel safety
    /// Cancel safe: nothing changes in any case.
    pub async fn look_alikes(&self, limit: usize) -> Result<LookAlikes, AccountError> {
        let mut found = LookAlikes::default();
        let mut after = i64::MIN;
        loop {
            let page = self.inner.backend.without_skeletons(after, PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(found) };
            after = *last;
            for name in page.iter().filter_map(|(_, name)| UserName::parse(name).ok()) {
                if found.shown.len() == limit {
                    found.more += 1;
                } else if let Some(like) = self.inner.backend.first_like(&name).await?
                    && let Ok(like) = UserName::parse(&like)
                {
                    found.shown.push(LookAlike { name, like });
                }
            }
        }
    }
}
