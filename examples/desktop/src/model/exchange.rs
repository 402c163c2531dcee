//! What passes between the model and the thread that talks to the server.

use std::net::SocketAddr;
use std::path::PathBuf;

use chat_core::id::MessageId;
use chat_core::invitation::InvitationCode;
use chat_core::message::{Content, Recipient, Scope};
use chat_core::name::UserName;
use chat_core::password::Password;
use chat_core::text::Text;
use chat_core::time::Timestamp;
use chat_net::address::{AdvertisedAddress, ServerAddress};
use chat_net::client::{ChangePasswordError, ConnectError, Event, SendError};
use chat_net::identity::Fingerprint;

use super::conversation::LineId;

/// What the model asks for.
#[derive(Debug)]
pub enum Wish {
    /// Connect and log in.
    LogIn(Box<LogIn>),
    /// Give up the log-in that is going on.
    Cancel,
    /// Trust the server that is met for the first time, or do not.
    Trust(bool),
    /// Forget the fingerprint of a server.
    Forget {
        /// The file that remembers it.
        known_servers: PathBuf,
        /// The server.
        server: ServerAddress,
    },
    /// Send a text.
    Send {
        /// The line that shows it.
        line: LineId,
        /// The recipient.
        to: Recipient,
        /// The text.
        text: Text,
    },
    /// Tell the senders that this many messages arrived: the next ones that were not accepted yet.
    Accept(usize),
    /// Change the password.
    ChangePassword {
        /// The password so far.
        old: Password,
        /// The new one.
        new: Password,
    },
    /// Keep the settings of the window.
    SaveSettings {
        /// The file.
        file: PathBuf,
        /// What it contains.
        text: String,
    },
    /// End the session.
    Leave,
}

/// Everything that a log-in needs.
#[derive(Debug)]
pub struct LogIn {
    /// The server.
    pub server: ServerAddress,
    /// How to recognise it.
    pub trust: TrustBy,
    /// The user.
    pub user: UserName,
    /// The password.
    pub password: Password,
    /// Whether to register the account first.
    pub purpose: Purpose,
    /// The address on which to receive messages. Any if absent.
    pub udp: Option<SocketAddr>,
    /// The addresses to advertise instead of those that are found.
    pub advertise: Vec<AdvertisedAddress>,
    /// Whether the next start of a program suggests the server and the user.
    pub is_remembered: bool,
}

/// Whether the account exists.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Purpose {
    /// It does.
    LogIn,
    /// It is to be registered.
    Register {
        /// The invitation code, if one was typed.
        invitation: Option<InvitationCode>,
    },
}

/// How to recognise a server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TrustBy {
    /// By the fingerprint that is remembered for it, or else by asking.
    Known(PathBuf),
    /// By this fingerprint.
    Fingerprint(Fingerprint),
    /// By a certificate of an authority in this file.
    Authority(PathBuf),
}

/// What the thread tells the model.
#[derive(Debug)]
pub enum Happening {
    /// A server is met for the first time. The log-in waits for [`Wish::Trust`].
    FirstMeeting {
        /// The server.
        server: ServerAddress,
        /// The fingerprint that it shows.
        shown: Fingerprint,
    },
    /// The log-in failed.
    NotLoggedIn(Box<ConnectError>),
    /// The session has begun and the roster is complete.
    Welcome {
        /// The server.
        server: ServerAddress,
        /// The user name, in the spelling of its registration.
        user: UserName,
        /// The others who are online.
        people: Vec<UserName>,
    },
    /// The whole roster, because the changes that led to it may not be events.
    People(Vec<UserName>),
    /// A text is on its way.
    Queued {
        /// The line that shows it.
        line: LineId,
        /// The id of the message.
        id: MessageId,
        /// The number of recipients.
        recipients: usize,
        /// The time that the message carries.
        at: Timestamp,
    },
    /// A text was not sent.
    NotSent {
        /// The line that shows it.
        line: LineId,
        /// Why.
        error: SendError,
    },
    /// A message arrived.
    Message {
        /// The sender.
        from: UserName,
        /// Whether it went to everyone.
        scope: Scope,
        /// What it says.
        content: Content,
        /// When it was sent.
        at: Timestamp,
    },
    /// The server answered a change of the password, or will not.
    PasswordAnswer(Result<(), ChangePasswordError>),
    /// The settings were not kept. The value is the system's error.
    SettingsNotSaved(String),
    /// Something else happened in the session.
    Event(Box<Event>),
}
