//! `chat-server user`: operators manage accounts, whether or not a server runs.

use std::error::Error;

use chat_core::accounts::{Account, AccountError, Accounts, ListedAccount, NewStatus, Operator, Status};
use chat_core::error_chain::error_chain;
use chat_core::id::AccountId;
use chat_core::name::UserName;
use chat_core::password::Password;
use chat_core::time::Timestamp;

use serde::Serialize;

use super::look_alikes::LooksSeen;
use super::status::json_lines;
use super::task::UserTask;
use crate::error::CliError;
use crate::format::Format;
use crate::table::Table;

/// The number of accounts that one query of the list fetches: some 100 KB, in few queries.
const PAGE: u32 = 500;

/// Runs the task. Returns the text for standard output.
///
/// # Errors
/// If the accounts refuse the task or fail.
pub async fn run<A: Accounts + Operator>(
    accounts: &A,
    task: UserTask<Password>,
    now: Timestamp,
) -> Result<String, CliError> {
    match task {
        UserTask::Add(name, password) => {
            let result = accounts.register(name.clone(), password, now).await;
            report(&name, "is registered", result)
        }
        UserTask::SetPassword(name, password) => {
            let result = accounts.set_password(name.clone(), password, now).await;
            report(&name, "has a new password; its session ends within seconds", result)
        }
        UserTask::SetStatus(name, status) => {
            let outcome = match status {
                NewStatus::Active => "may log in",
                NewStatus::Disabled => "may no longer log in; its session ends within seconds",
                NewStatus::Removed => "is removed and its name stays reserved; its session ends within seconds",
                NewStatus::RemovedAndFreed => "is removed and its name is free; its session ends within seconds",
            };
            let result = accounts.set_status(name.clone(), status, now).await;
            report(&name, outcome, result)
        }
        UserTask::List(format) => list(accounts, format).await,
    }
}

fn report(name: &UserName, outcome: &str, result: Result<Account, AccountError>) -> Result<String, CliError> {
    match result {
        Ok(account) => Ok(format!("{} {outcome}\n", account.name)),
        Err(error) => Err(describe(name, &error)),
    }
}

fn describe(name: &UserName, error: &AccountError) -> CliError {
    match error {
        AccountError::NameTaken => {
            CliError::failed(format_args!("the user name {name} is taken, or looks like one that is"))
                .hint("if a removed account reserves it, `chat-server user remove NAME --free-name` frees it")
        }
        AccountError::NoSuchAccount => CliError::failed(format_args!("there is no account with the name {name}"))
            .hint("`chat-server user list` shows all accounts"),
        AccountError::Unavailable(cause) => unavailable(cause.as_ref()),
        other => CliError::failed(other),
    }
}

fn unavailable(cause: &(dyn Error + 'static)) -> CliError {
    CliError::failed(format_args!("the database failed: {}", error_chain(cause)))
}

async fn list<A: Operator>(accounts: &A, format: Format) -> Result<String, CliError> {
    let (mut table, mut lines) = (Table::new(["user", "status", "created", "last seen"]), String::new());
    let (mut after, mut seen): (Option<AccountId>, _) = (None, LooksSeen::default());
    loop {
        let page = accounts.list(after, PAGE).await.map_err(|error| match &error {
            AccountError::Unavailable(cause) => unavailable(cause.as_ref()),
            other => CliError::failed(other),
        })?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        let looks_like: Vec<Option<UserName>> = page.iter().map(|account| seen.add(account)).collect();
        page.iter().zip(&looks_like).for_each(|(account, like)| warn(account, like.as_ref()));
        match format {
            Format::Json => {
                let accounts = page.iter().zip(&looks_like);
                lines.push_str(&json_lines(accounts.map(|(account, like)| AccountLine::of(account, like.as_ref()))));
            }
            Format::Text => page.iter().for_each(|account| {
                let seen = account.last_seen.map_or_else(|| "never".to_owned(), |at| at.to_string());
                let (name, status) = (shown_name(account), word(account.status).to_owned());
                table.row([name, status, account.created.to_string(), seen]);
            }),
        }
    }
    Ok(if format == Format::Json { lines } else { table.for_standard_output() })
}

/// The user name for people. An invalid name may contain characters that control the terminal, so it is escaped.
fn shown_name(account: &ListedAccount) -> String {
    match &account.name {
        Ok(name) => name.to_string(),
        Err(invalid) => invalid.stored.escape_debug().to_string(),
    }
}

/// Warns about an invalid name, and about one that looks like the name of the account `like`.
fn warn(account: &ListedAccount, like: Option<&UserName>) {
    if let Some(like) = like {
        log::warn!("{} (account {}) looks like {like}", shown_name(account), account.id.get());
    }
    if let Err(invalid) = &account.name {
        log::warn!(
            "'{}' (account {}) is no longer a valid user name, so its owner cannot log in: {}; create another account for \
             them with `chat-server user add NAME`",
            shown_name(account),
            account.id.get(),
            invalid.reason
        );
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
    use chat_core::accounts::memory::MemoryAccounts;

    use super::*;

    const NOON: Timestamp = Timestamp::from_millis(1_795_408_080_123);

    fn name(name: &str) -> UserName {
        UserName::parse(name).unwrap()
    }

    async fn run_on(accounts: &MemoryAccounts, task: UserTask<Password>) -> Result<String, String> {
        run(accounts, task, NOON).await.map_err(|error| {
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
    async fn the_list_spans_several_pages() {
        let accounts = MemoryAccounts::default();
        let password = Password::parse("correct horse").unwrap();
        for number in 0..=PAGE {
            accounts.register(name(&format!("u{number}")), password.clone(), NOON).await.unwrap();
        }
        assert_eq!(run_on(&accounts, UserTask::List(Format::Text)).await.unwrap().lines().count(), 501);
    }
}
