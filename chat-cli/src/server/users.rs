//! `chat-server user`: operators manage accounts, whether or not a server runs.

use std::collections::BTreeSet;
use std::iter;

use chat_core::accounts::{AccountError, Accounts, ListedAccount, NewStatus, Operator, Status};
use chat_core::id::AccountId;
use chat_core::name::UserName;
use chat_core::password::Password;
use chat_core::time::Timestamp;

use serde::Serialize;

use super::look_alikes::LooksSeen;
use super::status::json_lines;
use super::task::{PurgeMode, UserTask};
use crate::error::{self, CliError};
use crate::format::Format;
use crate::table::{Cell, Table};
use crate::texts::{Localised, Sentence, Texts, chain_of};

/// The number of accounts that one query of the list fetches: few enough for some 100 KB of memory, and enough for few
/// queries.
const PAGE: u32 = 500;

/// Runs the task. Returns the text for standard output.
///
/// # Errors
/// The accounts refuse the task or fail.
pub async fn run<A: Accounts + Operator>(
    accounts: &A,
    task: UserTask<Password>,
    now: Timestamp,
    texts: &Texts,
) -> Result<String, CliError> {
    let t = texts.say();
    match task {
        UserTask::Add(name, password) => {
            let account = accounts.register(name.clone(), password, now).await;
            let account = account.map_err(|error| describe(name, error))?;
            Ok(t.user_registered(account.name.as_str()) + "\n")
        }
        UserTask::SetPassword(name, password) => {
            let account = accounts.set_password(name.clone(), password, now).await;
            let account = account.map_err(|error| describe(name, error))?;
            Ok(t.user_new_password(account.name.as_str()) + "\n")
        }
        UserTask::SetStatus(name, status) => {
            let account = accounts.set_status(name.clone(), status, now).await;
            let account = account.map_err(|error| describe(name, error))?;
            let user = account.name.as_str();
            let outcome = match status {
                NewStatus::Active => t.user_may_log_in(user),
                NewStatus::Disabled => t.user_disabled(user),
                NewStatus::Removed => t.user_removed(user),
                NewStatus::RemovedAndFreed => t.user_removed_and_freed(user),
            };
            Ok(outcome + "\n")
        }
        UserTask::List(format) => list(accounts, format, texts).await,
        UserTask::Purge { unused_for, mode, format } => {
            let before = now.offset_by(-i64::try_from(unused_for.duration().as_millis()).unwrap_or(i64::MAX));
            purge(accounts, before, mode, format, texts).await
        }
    }
}

pub(super) fn describe(name: UserName, error: AccountError) -> CliError {
    match error {
        AccountError::NameTaken => CliError::failed(move |texts: &Texts| texts.say().user_name_taken(name.as_str()))
            .hint(|texts: &Texts| texts.say().hint_user_name_taken()),
        AccountError::NoSuchAccount => CliError::failed(move |texts: &Texts| texts.say().user_unknown(name.as_str()))
            .hint(|texts: &Texts| texts.say().hint_user_unknown()),
        error => failed(error),
    }
}

async fn list<A: Operator>(accounts: &A, format: Format, texts: &Texts) -> Result<String, CliError> {
    let (mut listing, mut seen) = (Listing::new(format, texts), LooksSeen::default());
    let mut after: Option<AccountId> = None;
    loop {
        let page = accounts.list(after, PAGE).await.map_err(failed)?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        for account in &page {
            let like = seen.add(account);
            warn(account, like.as_ref(), texts);
            listing.add(account, like.as_ref());
        }
    }
    Ok(listing.finish())
}

/// Lists the accounts that were registered before this time and that nobody has used, and deletes them if `mode` says so.
async fn purge<A: Operator>(
    accounts: &A,
    before: Timestamp,
    mode: PurgeMode,
    format: Format,
    texts: &Texts,
) -> Result<String, CliError> {
    let (mut listing, mut count) = (Listing::new(format, texts), 0);
    let mut after: Option<AccountId> = None;
    loop {
        let mut page = accounts.list_unused(before, after, PAGE).await.map_err(failed)?;
        let Some(last) = page.last().map(|account| account.id) else { break };
        if mode == PurgeMode::Delete {
            let ids = page.iter().map(|account| account.id).collect();
            let deleted = accounts.delete_unused(ids, before).await.map_err(failed)?;
            if deleted < page.len() as u64 {
                // Somebody has used one of them in the meantime.
                let kept = existing(accounts, after, last).await?;
                page.retain(|account| !kept.contains(&account.id));
            }
        }
        after = Some(last);
        count += page.len();
        page.iter().for_each(|account| listing.add(account, None));
    }
    let mut text = listing.finish();
    if format == Format::Text {
        let t = texts.say();
        text.push_str(&match mode {
            PurgeMode::DryRun if count == 0 => t.purge_nothing(),
            PurgeMode::DryRun => t.purge_found(count),
            PurgeMode::Delete => t.purge_deleted(count),
        });
        text.push('\n');
    }
    Ok(text)
}

/// The ids of all accounts above `after`, up to `last`.
async fn existing<A: Operator>(
    accounts: &A,
    mut after: Option<AccountId>,
    last: AccountId,
) -> Result<BTreeSet<AccountId>, CliError> {
    let mut ids = BTreeSet::new();
    while after < Some(last) {
        let page = accounts.list(after, PAGE).await.map_err(failed)?;
        after = page.last().map_or(Some(last), |account| Some(account.id));
        ids.extend(page.iter().map(|account| account.id));
    }
    Ok(ids)
}

/// The error of a failed call to the accounts.
pub(super) fn failed(error: AccountError) -> CliError {
    match error {
        AccountError::Unavailable(cause) => {
            CliError::failed(move |texts: &Texts| texts.say().database_failed(chain_of(cause.as_ref(), texts)))
        }
        other => CliError::failed(Sentence::about(other)),
    }
}

/// A list of accounts in either format.
struct Listing<'a> {
    format: Format,
    table: Table<4>,
    lines: String,
    texts: &'a Texts,
}

impl<'a> Listing<'a> {
    fn new(format: Format, texts: &'a Texts) -> Self {
        let t = texts.say();
        let heading = [t.column_user(), t.column_status(), t.column_created(), t.column_last_seen()];
        Self { format, table: Table::new(heading), lines: String::new(), texts }
    }

    /// Adds an account, whose user name may look like that of the account `like`.
    fn add(&mut self, account: &ListedAccount, like: Option<&UserName>) {
        match self.format {
            Format::Json => self.lines.push_str(&json_lines(iter::once(AccountLine::of(account, like)))),
            Format::Text => {
                let t = self.texts.say();
                let never = || Cell::new("never", t.account_never_seen());
                let seen = account.last_seen.map_or_else(never, |at| at.to_string().into());
                let status = match account.status {
                    Status::Active => t.account_active(),
                    Status::Disabled => t.account_disabled(),
                    Status::Removed => t.account_removed(),
                };
                let status = Cell::new(word(account.status), status);
                self.table.row([shown_name(account).into(), status, account.created.to_string().into(), seen]);
            }
        }
    }

    fn finish(self) -> String {
        if self.format == Format::Json { self.lines } else { self.table.for_standard_output() }
    }
}

/// The user name for people. An invalid name may contain characters that control the terminal, so it is escaped.
fn shown_name(account: &ListedAccount) -> String {
    match &account.name {
        Ok(name) => name.to_string(),
        Err(invalid) => invalid.stored.escape_debug().to_string(),
    }
}

/// Warns about an invalid name, and about one that looks like the name of the account `like`.
fn warn(account: &ListedAccount, like: Option<&UserName>, texts: &Texts) {
    let (t, user, id) = (texts.say(), shown_name(account), account.id.get());
    if let Some(like) = like {
        error::note(&t.note_looks_like(&user, id, like.as_str()), texts);
    }
    if let Err(invalid) = &account.name {
        error::note(&t.note_invalid_name(&user, id, invalid.reason.text(texts)), texts);
    }
}

/// One line of the list. docs/JSON.md documents this schema.
#[derive(Serialize)]
struct AccountLine<'a> {
    user: &'a str,
    status: &'static str,
    created: u64,
    last_seen: Option<u64>,
    /// Why the user name is no longer valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    invalid: Option<String>,
    /// An older account whose user name looks like this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    looks_like: Option<&'a str>,
}

impl<'a> AccountLine<'a> {
    fn of(account: &'a ListedAccount, like: Option<&'a UserName>) -> Self {
        let (user, invalid) = match &account.name {
            Ok(name) => (name.as_str(), None),
            Err(invalid) => (invalid.stored.as_str(), Some(invalid.reason.to_string())),
        };
        Self {
            user,
            status: word(account.status),
            created: account.created.as_millis(),
            last_seen: account.last_seen.map(Timestamp::as_millis),
            invalid,
            looks_like: like.map(UserName::as_str),
        }
    }
}

const fn word(status: Status) -> &'static str {
    match status {
        Status::Active => "active",
        Status::Disabled => "disabled",
        Status::Removed => "removed",
    }
}

#[cfg(test)]
mod tests {
    use chat_core::accounts::Account;
    use chat_core::accounts::memory::MemoryAccounts;

    use super::*;

    const NOON: Timestamp = Timestamp::from_millis(1_795_408_080_123);

    fn name(name: &str) -> UserName {
        UserName::parse(name).unwrap()
    }

    async fn run_on(accounts: &MemoryAccounts, task: UserTask<Password>) -> Result<String, String> {
        run(accounts, task, NOON, &Texts::default()).await.map_err(|error| {
            assert_eq!(error.exit().code(), 1);
            let mut out = Vec::new();
            error.show(&mut Vec::new(), &mut out).unwrap();
            String::from_utf8(out).unwrap()
        })
    }

    #[tokio::test]
    async fn an_account_passes_through_all_statuses() {
        let password = || Password::parse("correct horse").unwrap();
        let accounts = MemoryAccounts::default();
        let add = |typed: &str| UserTask::Add(name(typed), password());
        let set = |status| UserTask::SetStatus(name("小明"), status);
        assert_eq!(run_on(&accounts, add("小明")).await.unwrap(), "小明 is registered\n");
        assert!(
            run_on(&accounts, add("小明")).await.unwrap_err().starts_with("error: the user name 小明 is taken, or")
        );
        assert!(run_on(&accounts, UserTask::SetPassword(name("小明"), password())).await.is_ok());
        assert!(run_on(&accounts, set(NewStatus::Disabled)).await.unwrap().starts_with("小明 may no longer log in"));
        assert_eq!(
            run_on(&accounts, UserTask::List(Format::Text)).await.unwrap(),
            "小明\tdisabled\t2026-11-23T04:28:00.123Z\tnever\n"
        );
        assert_eq!(
            run_on(&accounts, UserTask::List(Format::Json)).await.unwrap(),
            "{\"user\":\"小明\",\"status\":\"disabled\",\"created\":1795408080123,\"last_seen\":null}\n"
        );
        assert_eq!(run_on(&accounts, set(NewStatus::Active)).await.unwrap(), "小明 may log in\n");
        assert!(run_on(&accounts, set(NewStatus::Removed)).await.unwrap().contains("stays reserved"));
        assert!(run_on(&accounts, add("小明")).await.is_err());
        assert!(run_on(&accounts, set(NewStatus::RemovedAndFreed)).await.unwrap().contains("its name is free"));
        assert!(run_on(&accounts, add("小明")).await.is_ok());
        let none = run_on(&accounts, UserTask::SetStatus(name("bob"), NewStatus::Disabled)).await.unwrap_err();
        assert!(none.starts_with("error: there is no account with the name bob\n"), "{none}");
    }

    #[tokio::test]
    async fn a_name_that_looks_like_a_taken_one_is_refused() {
        let accounts = MemoryAccounts::default();
        let add = |typed: &str| UserTask::Add(name(typed), Password::parse("correct horse").unwrap());
        run_on(&accounts, add("cope")).await.unwrap();
        let refused = run_on(&accounts, add("соре")).await.unwrap_err();
        assert!(refused.starts_with("error: the user name соре is taken, or looks like one that is\n"), "{refused}");
    }

    #[tokio::test]
    async fn unused_accounts_are_listed_and_deleted_only_when_asked() {
        let accounts = MemoryAccounts::default();
        let password = Password::parse("correct horse").unwrap();
        let long_ago = NOON.offset_by(-31 * 86_400_000);
        for number in 0..=PAGE {
            accounts.register(name(&format!("u{number}")), password.clone(), long_ago).await.unwrap();
        }
        accounts.register(name("alice"), password, NOON).await.unwrap();
        let purge = |mode, format| UserTask::Purge { unused_for: "30d".parse().unwrap(), mode, format };
        let listed = run_on(&accounts, purge(PurgeMode::DryRun, Format::Text)).await.unwrap();
        assert_eq!(listed.lines().count(), 502);
        assert!(listed.ends_with("\n501 unused accounts; nothing is deleted without --yes\n"), "{listed}");
        let deleted = run_on(&accounts, purge(PurgeMode::Delete, Format::Json)).await.unwrap();
        assert_eq!(deleted.lines().count(), 501);
        assert_eq!(run_on(&accounts, UserTask::List(Format::Text)).await.unwrap().lines().count(), 1);
        let nothing = run_on(&accounts, purge(PurgeMode::Delete, Format::Text)).await.unwrap();
        assert_eq!(nothing, "0 unused accounts deleted\n");
        assert_eq!(run_on(&accounts, purge(PurgeMode::DryRun, Format::Text)).await.unwrap(), "no account is unused\n");
    }

    /// Accounts one of which is used right before unused ones are deleted.
    struct UsedMeanwhile(MemoryAccounts, AccountId);

    impl Operator for UsedMeanwhile {
        async fn set_password(&self, name: UserName, new: Password, at: Timestamp) -> Result<Account, AccountError> {
            self.0.set_password(name, new, at).await
        }

        async fn set_status(&self, name: UserName, to: NewStatus, at: Timestamp) -> Result<Account, AccountError> {
            self.0.set_status(name, to, at).await
        }

        async fn list(&self, after: Option<AccountId>, limit: u32) -> Result<Vec<ListedAccount>, AccountError> {
            self.0.list(after, limit).await
        }

        async fn list_unused(
            &self,
            before: Timestamp,
            after: Option<AccountId>,
            limit: u32,
        ) -> Result<Vec<ListedAccount>, AccountError> {
            self.0.list_unused(before, after, limit).await
        }

        async fn delete_unused(&self, ids: Vec<AccountId>, before: Timestamp) -> Result<u64, AccountError> {
            self.0.mark_seen(vec![self.1], NOON).await?;
            self.0.delete_unused(ids, before).await
        }
    }

    #[tokio::test]
    async fn an_account_that_is_used_before_it_is_deleted_is_not_listed() {
        let accounts = MemoryAccounts::default();
        let long_ago = NOON.offset_by(-31 * 86_400_000);
        let mut used = None;
        for user in ["alice", "bob", "carol"] {
            let password = Password::parse("correct horse").unwrap();
            let account = accounts.register(name(user), password, long_ago).await.unwrap();
            if user == "bob" {
                used = Some(account.id);
            }
        }
        let accounts = UsedMeanwhile(accounts, used.unwrap());
        let deleted = purge(&accounts, NOON, PurgeMode::Delete, Format::Text, &Texts::default()).await.unwrap();
        let users: Vec<_> = deleted.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
        assert_eq!(users, ["alice", "carol", "2"], "{deleted}");
        assert_eq!(accounts.0.list(None, PAGE).await.unwrap().len(), 1, "bob");
    }

    #[tokio::test]
    async fn the_list_spans_several_pages() {
        let accounts = MemoryAccounts::default();
        let password = Password::parse("correct horse").unwrap();
        for number in 0..=PAGE {
            accounts.register(name(&format!("u{number}")), password.clone(), NOON).await.unwrap();
        }
        assert_eq!(run_on(&accounts, UserTask::List(Format::Text)).await.unwrap().lines().count(), 501);
    }
}
