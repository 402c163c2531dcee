//! The form of the log-in: what is typed, and what is wrong with it, each beside its field.

mod place;
mod typed;

use std::collections::BTreeMap;
use std::path::PathBuf;

use chat_cli::desktop::TrustChoice;
use chat_cli::texts::{Sentence, WindowSentence};
use chat_core::time::Timestamp;
use chat_net::address::ServerAddress;
use chat_net::client::{ConnectError, ReachMode, RejectionKind, ServerRejection};

use super::exchange::KnownServer;
use super::secret::Secret;

/// A place at which a sentence about a wrong input stands.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Field {
    /// The server's address.
    Server,
    /// The user name.
    User,
    /// The password.
    Password,
    /// The password once more.
    Again,
    /// The invitation code.
    Invitation,
    /// The address on which to receive messages.
    OwnAddress,
    /// The port on which to receive messages.
    OwnPort,
    /// The addresses to advertise.
    Advertised,
    /// How to recognise the server.
    ServerTrust,
    /// Below the button: no field is to blame.
    Form,
}

/// What the button does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// It logs in.
    LogIn,
    /// It registers an account.
    Register,
}

/// The form.
#[derive(Debug)]
pub struct Form {
    /// The typed server, or several that share a roster, separated by commas.
    pub server: String,
    /// The typed user name.
    pub user: String,
    /// The typed password.
    pub password: Secret,
    /// The password once more, for a registration.
    pub again: Secret,
    /// The typed invitation code, for a registration.
    pub invitation: String,
    /// The typed address on which to receive messages. Any if empty.
    pub own_address: String,
    /// The typed port on which to receive messages. Any if empty.
    pub own_port: String,
    /// The typed addresses to advertise, separated by commas. Those that are found if empty.
    pub advertised: String,
    /// Which ways messages may take.
    pub reach: ReachMode,
    /// The typed fingerprint of the server, or file of an authority. As the settings say if empty.
    pub server_trust: String,
    /// The servers that can be chosen instead of typed.
    pub servers: Vec<KnownServer>,
    /// What the button does.
    pub mode: Mode,
    /// Whether the fields about the network are shown.
    pub shows_network: bool,
    /// Whether a log-in is going on.
    pub is_busy: bool,
    /// Until when the server wants no further attempt.
    pub retry_at: Option<Timestamp>,
    /// Whether the first wrong field is to have the focus, because the button was pressed in vain. An answer may come before
    /// the window has drawn that it waits for one.
    pub is_refused: bool,
    /// The file of known servers.
    pub known_servers: PathBuf,
    /// Whether the next start of a program suggests the server and the user of a log-in.
    pub remembers: bool,
    trust: TrustChoice,
    /// The server to which a fingerprint of the settings belongs.
    trusted: Option<ServerAddress>,
    problems: BTreeMap<Field, Sentence>,
}

impl Form {
    /// A form for this file of known servers and this way to recognise the server.
    pub fn new(known_servers: PathBuf, trust: TrustChoice, trusted: Option<ServerAddress>) -> Self {
        Self {
            server: String::new(),
            user: String::new(),
            password: Secret::default(),
            again: Secret::default(),
            invitation: String::new(),
            own_address: String::new(),
            own_port: String::new(),
            advertised: String::new(),
            reach: ReachMode::default(),
            server_trust: String::new(),
            servers: Vec::new(),
            mode: Mode::LogIn,
            shows_network: false,
            is_busy: false,
            retry_at: None,
            is_refused: false,
            known_servers,
            remembers: false,
            trust,
            trusted,
            problems: BTreeMap::new(),
        }
    }

    /// What is wrong with a field.
    pub fn problem(&self, field: Field) -> Option<&Sentence> {
        self.problems.get(&field)
    }

    /// The first field with a problem.
    pub fn first_problem(&self) -> Option<Field> {
        self.problems.keys().next().copied()
    }

    /// Shows a sentence beside a field.
    pub fn show(&mut self, field: Field, problem: impl Into<Sentence>) {
        self.problems.insert(field, problem.into());
        if matches!(field, Field::OwnAddress | Field::OwnPort | Field::Advertised | Field::ServerTrust) {
            self.shows_network = true;
        }
    }

    /// Removes the sentence beside a field, because it is being changed.
    pub fn clear(&mut self, field: Field) {
        self.problems.remove(&field);
        self.problems.remove(&Field::Form);
    }

    /// A field is being changed, so what was said about it is gone. Only the password once more is compared at once: its
    /// user cannot see what differs, and types it for no other reason.
    pub fn changed(&mut self, field: Field) {
        self.clear(field);
        if matches!(field, Field::Password | Field::Again) {
            self.problems.remove(&Field::Again);
            if !self.password.as_str().starts_with(self.again.as_str()) {
                self.show(Field::Again, Sentence::about(WindowSentence::PasswordsDiffer));
            }
        }
    }

    /// Changes between log-in and registration. What was typed stays.
    pub fn set_mode(&mut self, mode: Mode) {
        self.mode = mode;
        self.again.clear();
        self.problems.clear();
    }

    /// Fills in a server that was chosen, with the user of the last log-in there.
    pub fn choose(&mut self, server: &ServerAddress) {
        self.server = server.to_string();
        if let Some(KnownServer { user: Some(user), .. }) = self.servers.iter().find(|known| known.server == *server) {
            self.user = user.as_str().to_owned();
            self.clear(Field::User);
        }
        self.clear(Field::Server);
    }

    /// Puts the sentence about a failed log-in beside the field that caused it. Nothing but the password is cleared, and
    /// only if it is wrong.
    pub fn refuse(&mut self, error: ConnectError, now: Timestamp) {
        self.is_busy = false;
        self.is_refused = true;
        let field = match place::place(&error) {
            // Then the field says what the server is recognised by.
            Field::Server if place::is_about_trust(&error) && !self.server_trust.trim().is_empty() => {
                Field::ServerTrust
            }
            field => field,
        };
        if let ConnectError::Rejected(rejection) = &error {
            self.obey(rejection, now);
        }
        if matches!(error, ConnectError::OnlyRegistered { .. } | ConnectError::RegistrationUnanswered { .. }) {
            self.set_mode(Mode::LogIn);
        }
        self.show(field, Sentence::about(error));
    }

    fn obey(&mut self, rejection: &ServerRejection, now: Timestamp) {
        if rejection.kind() == RejectionKind::WrongCredentials {
            self.password.clear();
            self.again.clear();
        }
        self.retry_at = rejection.retry_after().map(|after| now + after);
    }
}

#[cfg(test)]
mod tests;
