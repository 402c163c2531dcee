//! What fills the window, and what the user can do in it.

use std::path::PathBuf;

use chat_net::address::ServerAddress;
use chat_net::identity::Fingerprint;

use super::conversation::{LineId, Partner};
use super::login::{Field, Mode};
use super::settings::Settings;

/// A panel at the side of the session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Side {
    /// What became of an own line of the open conversation.
    Outcomes(LineId),
    /// The notices.
    Notices,
    /// The settings.
    Settings,
    /// What the user says about being away.
    Away,
    /// The keys and the marks.
    Help,
}

/// What fills the window.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Screen {
    /// The form of the log-in.
    LogIn,
    /// A server is met for the first time.
    FirstMeeting {
        /// The server.
        server: ServerAddress,
        /// The fingerprint that it shows.
        shown: Fingerprint,
    },
    /// A server shows another key than before.
    OtherKey {
        /// The server.
        server: ServerAddress,
        /// The fingerprint that is remembered.
        known: Fingerprint,
        /// The fingerprint that it shows.
        shown: Fingerprint,
    },
    /// The session.
    Chat,
}

/// How far the end of the program is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Closing {
    /// Nobody asked for it.
    No,
    /// The user is asked whether to leave before all outcomes are known.
    Asking,
    /// The client says goodbye.
    Leaving,
    /// The window may go.
    Done,
}

/// What the user did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Action {
    /// Left a field of the form.
    LeftField(Field),
    /// Changed a field of the form.
    ChangedField(Field),
    /// Chose between log-in and registration.
    SetMode(Mode),
    /// Chose a server that is known.
    ChooseServer(ServerAddress),
    /// Pressed the button of the form.
    Submit,
    /// Gave up the log-in that is going on.
    Cancel,
    /// Said whether the fingerprint is the right one.
    Trust(bool),
    /// Went back from a key that changed.
    Back,
    /// Forgot the fingerprint of a server whose key changed.
    ForgetKey,
    /// Forgot the fingerprint of a server in the settings.
    ForgetServer(ServerAddress),
    /// Wants to connect to the server now.
    RetryNow,
    /// Said to be away, with what is typed.
    GoAway,
    /// Said to be back.
    BeBack,
    /// Dropped a file on the window.
    DropFile(PathBuf),
    /// Opened a conversation.
    Open(Partner),
    /// Opened the next conversation with unread lines.
    OpenNextUnread,
    /// Sent the draft.
    Send,
    /// Saw the end of the open conversation, in a window that has the focus.
    Read,
    /// Went offline, or wants to log in after the end of the session.
    GoOffline,
    /// Opened a panel.
    ShowSide(Side),
    /// Closed the panel.
    CloseSide,
    /// Sent a line again to those for whom it certainly failed.
    SendAgain(LineId),
    /// Cleared the notices.
    ClearNotices,
    /// Changed a setting.
    SetSettings(Settings),
    /// Pressed the button that changes the password.
    ChangePassword,
    /// Asked to close the window.
    Close,
    /// Wants to stay until all outcomes are known.
    Stay,
    /// Wants to leave at once.
    LeaveNow,
}
