//! How far the server and the window are, and what the operator can do.

use chat_core::accounts::NewStatus;
use chat_core::name::UserName;

use super::accounts::AccountField;
use super::form::{DatabaseKind, Field};
use super::registration::Choice;
use crate::model::settings::Settings;

/// How far the server is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Phase {
    /// It does not run.
    Stopped,
    /// It starts.
    Starting,
    /// It runs.
    Running,
    /// It says goodbye to its clients.
    Stopping,
}

/// What fills the right part of the window while the server runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Tab {
    /// Arrivals and departures.
    Arrivals,
    /// Who is online.
    Online,
    /// The accounts.
    Accounts,
    /// The numbers of the status.
    Numbers,
}

/// How far the end of the program is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Closing {
    /// Nobody asked for it.
    No,
    /// The server stops first.
    Stopping,
    /// The window may go.
    Done,
}

/// What the operator did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Action {
    /// Left a field of the form.
    LeftField(Field),
    /// Changed a field of the form.
    ChangedField(Field),
    /// Chose a kind of database.
    SetDatabase(DatabaseKind),
    /// Chose who may register.
    SetRegistration(Choice),
    /// Asked for another invitation code.
    NewCode,
    /// Pressed the button that starts the server.
    Start,
    /// Gave up the start that is going on.
    Cancel,
    /// Pressed the button that stops the server.
    Stop,
    /// Opened a tab.
    Show(Tab),
    /// Asked for the list of accounts.
    Refresh,
    /// Disabled or enabled an account.
    SetStatus(UserName, NewStatus),
    /// Wants to add an account.
    Add,
    /// Wants to set the password of an account.
    Reset(UserName),
    /// Wants to remove an account.
    Remove(UserName),
    /// Chose whether others may register the name of the account to remove.
    FreeName(bool),
    /// Changed a field of the form of an account.
    ChangedAccount(AccountField),
    /// Asked for a password.
    Suggest,
    /// Pressed the button of the dialog that leads on.
    Confirm,
    /// Closed the dialog.
    Dismiss,
    /// Opened or closed the settings.
    ShowSettings(bool),
    /// Changed a setting.
    SetLook(Settings),
    /// Asked to close the window.
    Close,
}
