//! The list of accounts, and what is asked before an account changes.

use std::collections::BTreeMap;

use chat_cli::texts::{Sentence, ServerWindowSentence};
use chat_core::accounts::{ListedAccount, Status};
use chat_core::name::UserName;
use chat_core::password::Password;

use super::exchange::{AccountChange, Accounts, ChangeProblem};
use crate::model::secret::Secret;

/// An account of the list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Row {
    /// The account.
    pub account: ListedAccount,
    /// The user name as it is shown. An invalid one may contain any characters, so it is escaped.
    pub name: String,
    /// What a search looks in.
    folded: String,
}

/// The accounts.
#[derive(Debug, Default)]
pub struct AccountList {
    /// What is typed to find an account.
    pub search: String,
    /// Whether a list is on its way.
    pub is_listing: bool,
    /// Whether a change is on its way.
    pub is_changing: bool,
    /// Whether there are more accounts than are listed.
    pub has_more: bool,
    /// Why there is no list.
    pub problem: Option<Sentence>,
    /// The result of the last change.
    pub result: Option<Result<ServerWindowSentence, Sentence>>,
    rows: Vec<Row>,
}

impl AccountList {
    /// Takes a new list: by name, and those that are removed at the end.
    pub fn set(&mut self, listed: Result<Accounts, Sentence>) {
        self.is_listing = false;
        match listed {
            Ok(Accounts { list, has_more }) => {
                self.rows = list.into_iter().map(Row::new).collect();
                self.rows.sort_by(|one, other| one.place().cmp(&other.place()));
                (self.has_more, self.problem) = (has_more, None);
            }
            Err(problem) => self.problem = Some(problem),
        }
    }

    /// Whether the list has an account of this user.
    pub fn contains(&self, user: &UserName) -> bool {
        self.rows.iter().any(|row| row.account.name.as_ref() == Ok(user))
    }

    /// All rows.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The rows in which the search is found.
    pub fn found(&self) -> Vec<&Row> {
        let wanted = self.search.trim().to_lowercase();
        self.rows.iter().filter(|row| row.folded.contains(&wanted)).collect()
    }
}

impl Row {
    fn new(account: ListedAccount) -> Self {
        let name = match &account.name {
            Ok(name) => name.as_str().to_owned(),
            Err(invalid) => invalid.stored.escape_debug().to_string(),
        };
        Self { folded: name.to_lowercase(), name, account }
    }

    fn place(&self) -> (bool, &str) {
        (self.account.status == Status::Removed, &self.folded)
    }
}

/// A place at which a sentence about a wrong input stands.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum AccountField {
    /// The user name.
    User,
    /// The password.
    Password,
    /// Below the fields: none of them is to blame.
    Form,
}

/// The form that creates an account, or sets the password of one.
#[derive(Debug, Default)]
pub struct AccountForm {
    /// The account whose password is set. `None` for a new account.
    pub of: Option<UserName>,
    /// The typed user name of a new account.
    pub user: String,
    /// The typed password.
    pub password: Secret,
    /// Whether the password can be read, because it was made by the program.
    pub is_suggested: bool,
    /// Whether the change is on its way.
    pub is_busy: bool,
    /// What became of the account, at the end.
    pub done: Option<ServerWindowSentence>,
    problems: BTreeMap<AccountField, Sentence>,
}

impl AccountForm {
    /// A form that sets the password of an account.
    pub fn of(user: UserName) -> Self {
        Self { of: Some(user), ..Self::default() }
    }

    /// What is wrong with a field.
    pub fn problem(&self, field: AccountField) -> Option<&Sentence> {
        self.problems.get(&field)
    }

    /// Removes the sentence beside a field, because it is being changed.
    pub fn clear(&mut self, field: AccountField) {
        self.problems.remove(&field);
        self.problems.remove(&AccountField::Form);
        if field == AccountField::Password {
            self.is_suggested = false;
        }
    }

    /// Takes a password that the program made.
    pub fn suggest(&mut self, password: &Password) {
        self.password.clear();
        self.password.insert(0, password.expose());
        self.clear(AccountField::Password);
        self.is_suggested = true;
    }

    /// The change. `None` if a field is wrong, beside which a sentence then stands.
    pub fn submit(&mut self) -> Option<AccountChange> {
        self.problems.clear();
        let password = Password::parse(self.password.as_str());
        let password = password.map_err(|wrong| self.show(AccountField::Password, Sentence::about(wrong)));
        let change = match &self.of {
            Some(user) => AccountChange::SetPassword(user.clone(), password.ok()?),
            None => {
                let user = UserName::parse(self.user.trim()).and_then(|user| user.check_new().map(|()| user));
                let user = user.map_err(|wrong| self.show(AccountField::User, Sentence::about(wrong)));
                AccountChange::Register(user.ok()?, password.ok()?)
            }
        };
        self.is_busy = true;
        Some(change)
    }

    /// Takes the result of the change.
    pub fn answer(&mut self, result: Result<ServerWindowSentence, ChangeProblem>) {
        self.is_busy = false;
        match result {
            Ok(done) => self.done = Some(done),
            Err(problem) => {
                let field = if problem.is_taken { AccountField::User } else { AccountField::Form };
                self.show(field, problem.sentence);
            }
        }
    }

    fn show(&mut self, field: AccountField, problem: Sentence) {
        self.problems.insert(field, problem);
    }
}

/// What the window asks above everything else.
#[derive(Debug)]
pub enum Dialog {
    /// The form of an account.
    Account(AccountForm),
    /// Whether to remove an account for good.
    Remove {
        /// The user.
        user: UserName,
        /// Whether others may register the name.
        frees_name: bool,
    },
    /// Whether to stop the server and close the window.
    Close,
}
