//! What passes between the model and the thread that talks to the server.

use std::net::SocketAddr;
use std::path::PathBuf;

use chat_core::away::AwayText;
use chat_core::id::MessageId;
use chat_core::invitation::InvitationCode;
use chat_core::message::{Content, Recipient, Scope};
use chat_core::name::UserName;
use chat_core::password::Password;
use chat_core::text::Text;
use chat_core::time::Timestamp;
use chat_net::address::{AdvertisedAddress, ServerAddress};
use chat_net::client::{ChangePasswordError, ConnectError, Event, ReachMode, SendError, SetAwayError};
use chat_net::identity::Fingerprint;

use super::conversation::{LineId, Partner};
use super::roster::Way;

/// The others who are online, with what they say about being away.
pub type People = Vec<(UserName, Option<AwayText>)>;

/// A server that the window can suggest.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KnownServer {
    /// The server.
    pub server: ServerAddress,
    /// The user of the last log-in there.
    pub user: Option<UserName>,
    /// The fingerprint, if it is remembered.
    pub fingerprint: Option<Fingerprint>,
}

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
    /// Tell the way to this user as it is now.
    AskWay(UserName),
    /// Connect to the server now, instead of waiting for the next attempt.
    RetryNow,
    /// Tell everybody that the user is away, or back.
    SetAway(Option<AwayText>),
    /// Read the text of a file that was dropped on the window.
    ReadFile {
        /// The conversation.
        partner: Partner,
        /// The file.
        path: PathBuf,
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
    /// The servers that share its roster.
    pub other_servers: Vec<ServerAddress>,
    /// How to recognise all of them.
    pub trust: TrustBy,
    /// The user.
    pub user: UserName,
    /// The password.
    pub password: Password,
    /// Whether to register the account first.
    pub purpose: Purpose,
    /// The address on which to receive messages.
    pub udp: SocketAddr,
    /// The addresses to advertise instead of those that are found.
    pub advertise: Vec<AdvertisedAddress>,
    /// Which ways messages may take.
    pub reach: ReachMode,
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
    /// By the fingerprint that is remembered for it, or else by this one, which is then remembered.
    Invited(PathBuf, Fingerprint),
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
        people: People,
        /// The addresses at which messages arrive.
        own_addresses: Vec<SocketAddr>,
    },
    /// The whole roster, because the changes that led to it may not be events.
    People(People),
    /// The servers that can be suggested, after a change.
    Servers(Vec<KnownServer>),
    /// Everybody learns that the user is away, or back, or that is not possible.
    AwaySet {
        /// What the user says.
        away: Option<AwayText>,
        /// Whether it is possible.
        result: Result<(), SetAwayError>,
    },
    /// A server was not forgotten.
    NotForgotten(Box<ConnectError>),
    /// A dropped file was read.
    FileRead {
        /// The conversation.
        partner: Partner,
        /// Its text.
        text: Result<String, FileProblem>,
    },
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
    /// Messages to a user take this way.
    Way {
        /// The user.
        user: UserName,
        /// The way.
        way: Way,
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
    /// The system asks the program to stop. The thread says goodbye by itself.
    StopRequested,
    /// Something else happened in the session.
    Event(Box<Event>),
}

/// Why the text of a file cannot be taken over.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum FileProblem {
    /// It is larger than a text may be, or not a text, or not a file.
    NoText,
    /// The system cannot read it.
    Unreadable {
        /// The name of the file.
        name: String,
        /// The system's error.
        reason: String,
    },
}
