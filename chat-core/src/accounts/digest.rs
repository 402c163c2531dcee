//! Identifies an account in records that may outlive its database.

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};

use super::Account;

/// Identifies an account beyond its id. Ids begin at 1 in every database, and so do generations. A server whose
/// database was replaced and whose ticket key or journal was not must not take the first user of one database for that
/// of another.
///
/// The first 16 bytes of the SHA-256 of the creation time and the canonical user name.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct AccountDigest([u8; 16]);

impl AccountDigest {
    /// The digest of `account`.
    ///
    /// # Panics
    /// Never.
    pub fn of(account: &Account) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(&account.created.as_millis().to_be_bytes());
        context.update(account.name.canonical().as_bytes());
        let hash = context.finish();
        Self(*hash.as_ref().first_chunk().expect("SHA-256 has 32 bytes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::AccountId;
    use crate::name::UserName;
    use crate::time::Timestamp;

    #[test]
    fn accounts_of_other_databases_have_other_digests() {
        let digest = |name, created| {
            let name = UserName::parse(name).unwrap();
            AccountDigest::of(&Account::new(AccountId::new(1), name, Timestamp::from_millis(created)))
        };
        assert_eq!(digest("Alice", 5), digest("alice", 5), "the spelling does not matter");
        assert_ne!(digest("alice", 5), digest("carol", 5));
        assert_ne!(digest("alice", 5), digest("alice", 6));
    }
}
