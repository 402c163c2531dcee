//! What passes between the model of a server's window and the thread that runs the server.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use chat_cli::server_desktop::{HostError, HostFacts, HostSettings, HostStatus};
use chat_cli::texts::{Sentence, ServerWindowSentence};
use chat_core::accounts::{ListedAccount, NewStatus};
use chat_core::invitation::InvitationCode;
use chat_core::name::UserName;
use chat_core::password::Password;
use chat_core::presence::Record;
use chat_core::server::RegistrationPolicy;
use chat_core::time::Timestamp;
use zeroize::Zeroizing;

/// What the model asks for.
#[derive(Debug)]
pub enum Wish {
    /// Start the server.
    Start(Box<HostSettings>),
    /// Give up the start that is going on.
    Cancel,
    /// Stop the server, with a goodbye to its clients.
    Stop,
    /// Set who may register.
    SetRegistration(RegistrationPolicy),
    /// Make an invitation code.
    NewCode,
    /// Make a password.
    Suggest,
    /// List the accounts.
    List,
    /// Change an account. The answer comes before the next change.
    Change(AccountChange),
    /// Keep the settings of the window.
    SaveSettings {
        /// The file.
        file: PathBuf,
        /// What it contains.
        text: PrivateText,
    },
}

/// A change of an account.
#[derive(Clone, Debug)]
pub enum AccountChange {
    /// Create it.
    Register(UserName, Password),
    /// Set its password.
    SetPassword(UserName, Password),
    /// Disable, enable or remove it.
    SetStatus(UserName, NewStatus),
}

/// What the thread tells the model.
#[derive(Debug)]
pub enum Happening {
    /// The server did not start.
    NotStarted(HostError),
    /// The server runs.
    Running(Box<HostFacts>),
    /// The server has stopped: why, if nobody asked for it.
    Stopped(Option<Sentence>),
    /// Arrivals, departures, and the beginning and end of the server.
    Records {
        /// In their order.
        records: Vec<Record>,
        /// How many were left out before them, because the window was too slow.
        left_out: usize,
    },
    /// The numbers of the server.
    Status(Box<HostStatus>),
    /// Who is online, sorted by name.
    Online(Vec<OnlineUser>),
    /// All accounts that are listed, or why there is no list.
    Accounts(Result<Accounts, Sentence>),
    /// The result of a change.
    Changed(Result<ServerWindowSentence, ChangeProblem>),
    /// A new invitation code.
    Code(InvitationCode),
    /// A new password.
    Suggested(Password),
    /// The settings were not kept. The value is the system's error.
    SettingsNotSaved(String),
    /// The system asks the program to stop. The thread says goodbye by itself.
    StopRequested,
}

/// Why an account was not changed.
#[derive(Clone, Debug)]
pub struct ChangeProblem {
    /// Whether the user name is taken.
    pub is_taken: bool,
    /// The sentence about it.
    pub sentence: Sentence,
}

/// A user who is online.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OnlineUser {
    /// The user.
    pub user: UserName,
    /// The address for messages.
    pub address: SocketAddr,
    /// The time of the login.
    pub since: Timestamp,
}

/// The accounts of a server.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Accounts {
    /// Those that are listed.
    pub list: Vec<ListedAccount>,
    /// Whether there are more.
    pub has_more: bool,
}

/// A text with a secret in it. Wiped when dropped.
#[derive(Clone, Eq, PartialEq)]
pub struct PrivateText(pub Zeroizing<String>);

/// Prints only the name of the type.
impl fmt::Debug for PrivateText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateText")
    }
}
