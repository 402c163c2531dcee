//! Informs the operator of user names that look alike: at the start of the server, and in `user list`.

use std::collections::BTreeMap;

use chat_core::accounts::{ListedAccount, Status};
use chat_core::error_chain::error_chain;
use chat_core::name::UserName;
use chat_store::{LookAlike, LookAlikes, SqlAccounts};

/// The most pairs in the warning at the start, so that it stays one line that people read.
const SHOWN: usize = 10;

/// Warns about accounts whose names look alike. They are older than the rule against such names.
pub(super) async fn warn(accounts: &SqlAccounts) {
    match accounts.look_alikes(SHOWN).await {
        Ok(found) if found.shown.is_empty() => {}
        Ok(found) => log::warn!("{}", sentence(&found)),
        Err(error) => log::warn!("user names that look alike cannot be searched for: {}", error_chain(&error)),
    }
}

fn sentence(found: &LookAlikes) -> String {
    let pairs: Vec<String> = found.shown.iter().map(|LookAlike { name, like }| format!("{name} like {like}")).collect();
    let more = if found.more == 0 { String::new() } else { format!(", and {} more", found.more) };
    format!(
        "some user names look alike: {}{more}; `chat-server user list` names all of them; ask the owners, and remove an \
         account that imitates another with `chat-server user remove NAME`",
        pairs.join(", ")
    )
}

/// Finds accounts that look like an earlier one of a list. Removed accounts and those with an invalid name are left out:
/// nobody can log in to them.
#[derive(Debug, Default)]
pub(super) struct LooksSeen {
    canonical: BTreeMap<String, UserName>,
    shown: BTreeMap<String, UserName>,
}

impl LooksSeen {
    /// Adds an account. Returns the name of the first account whose name looks like its own.
    pub(super) fn add(&mut self, account: &ListedAccount) -> Option<UserName> {
        let name = account.name.as_ref().ok().filter(|_| account.status != Status::Removed)?;
        let skeletons = name.skeletons();
        let (canonical, shown) = (skeletons.canonical(), skeletons.shown());
        let like = self.canonical.get(canonical).or_else(|| self.shown.get(shown)).cloned();
        self.canonical.entry(canonical.to_owned()).or_insert_with(|| name.clone());
        self.shown.entry(shown.to_owned()).or_insert_with(|| name.clone());
        like
    }
}

#[cfg(test)]
mod tests {
    use chat_core::accounts::Account;
    use chat_core::id::AccountId;
    use chat_core::time::Timestamp;

    use super::*;

    fn name(name: &str) -> UserName {
        UserName::parse(name).unwrap()
    }

    #[test]
    fn the_warning_names_the_first_pairs_and_counts_the_others() {
        let pair = || LookAlike { name: name("соре"), like: name("cope") };
        let mut found = LookAlikes::default();
        found.shown = vec![pair()];
        let one = sentence(&found);
        assert!(one.starts_with("some user names look alike: соре like cope; `chat-server user list`"), "{one}");
        (found.shown, found.more) = (vec![pair(), pair()], 3);
        let many = sentence(&found);
        assert!(many.contains("соре like cope, соре like cope, and 3 more; "), "{many}");
    }

    #[test]
    fn accounts_that_can_log_in_are_compared_with_earlier_ones() {
        let account = |id, typed: &str, status| {
            let (id, name, created) = (AccountId::new(id), name(typed), Timestamp::from_millis(0));
            let mut account = ListedAccount::from(Account::new(id, name, created));
            account.status = status;
            account
        };
        let mut seen = LooksSeen::default();
        for (id, typed, status, like) in [
            (1, "cope", Status::Active, None),
            (2, "соре", Status::Disabled, Some("cope")),
            (3, "c0pe", Status::Removed, None),
            (4, "mark", Status::Removed, None),
            (5, "rnark", Status::Active, None),
            (6, "MARK", Status::Active, Some("rnark")),
        ] {
            let found = seen.add(&account(id, typed, status));
            assert_eq!(found.as_ref().map(UserName::as_str), like, "{typed}");
        }
    }
}
