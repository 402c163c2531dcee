//! The form that starts a server: what is typed, and what is wrong with it, each beside its field.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chat_cli::server_desktop::{self, DatabaseUrl, HostDatabase, HostError, HostSettings, StartPart};
use chat_cli::texts::{Sentence, ServerWindowSentence};
use chat_core::server::RegistrationPolicy;

use crate::model::secret::Secret;

/// All addresses of this machine, because a server is there for others. Clients know the port.
pub const DEFAULT_ADDRESS: &str = "0.0.0.0:7777";

/// The longest URL in characters: many times one with a long password and the path of a certificate.
const MAX_URL: usize = 1_024;

/// A place at which a sentence about a wrong input stands.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Field {
    /// The address to listen on.
    Address,
    /// The data folder.
    Folder,
    /// The choice of the database, or its URL.
    Database,
    /// Below the button: no field is to blame.
    Form,
}

/// Which database.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum DatabaseKind {
    /// The SQLite file in the data folder.
    #[default]
    InFolder,
    /// The one that arguments, environment or configuration file name.
    Named,
    /// The one at the typed URL.
    Url,
}

/// The form.
#[derive(Debug)]
pub struct StartForm {
    /// The typed address to listen on.
    pub address: String,
    /// The typed data folder. The default one if empty.
    pub folder: String,
    /// The chosen kind of database.
    pub database: DatabaseKind,
    /// The typed URL. It may contain a password.
    pub url: Secret,
    /// The default data folder. `None` if the user has no home folder.
    pub default_folder: Option<PathBuf>,
    /// The database that is named already, without its password.
    pub named_database: Option<String>,
    /// Whether the first wrong field is to have the focus, because the button was pressed in vain. An answer may come before
    /// the window has drawn that it waits for one.
    pub is_refused: bool,
    problems: BTreeMap<Field, Sentence>,
}

impl StartForm {
    /// A form with the default address.
    pub fn new(default_folder: Option<PathBuf>, named_database: Option<String>) -> Self {
        let database = if named_database.is_some() { DatabaseKind::Named } else { DatabaseKind::InFolder };
        Self {
            address: DEFAULT_ADDRESS.to_owned(),
            folder: String::new(),
            database,
            url: Secret::with_limit(MAX_URL),
            default_folder,
            named_database,
            is_refused: false,
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
    pub fn show(&mut self, field: Field, problem: Sentence) {
        self.problems.insert(field, problem);
    }

    /// Removes the sentence beside a field, because it is being changed.
    pub fn clear(&mut self, field: Field) {
        self.problems.remove(&field);
        self.problems.remove(&Field::Form);
    }

    /// Chooses a kind of database. What was typed stays.
    pub fn set_database(&mut self, database: DatabaseKind) {
        self.database = database;
        self.clear(Field::Database);
    }

    /// Checks a field that was left. An empty one is not wrong before the button is pressed.
    pub fn check(&mut self, field: Field) {
        let is_empty = match field {
            Field::Address => self.address.trim().is_empty(),
            Field::Folder => self.folder.trim().is_empty(),
            Field::Database => self.url.is_empty(),
            Field::Form => true,
        };
        let wrong = match field {
            _ if is_empty => None,
            Field::Address => server_desktop::listen_address(self.address.trim()).err(),
            Field::Folder => self.parse_folder().err(),
            Field::Database | Field::Form => self.parse_database().err(),
        };
        // A sentence about a refused start stays until the field is changed.
        if let Some(sentence) = wrong {
            self.problems.insert(field, sentence);
        }
    }

    /// Everything that a start needs. `None` if a field is wrong, beside which a sentence then stands.
    pub fn submit(&mut self, registration: RegistrationPolicy) -> Option<HostSettings> {
        self.problems.clear();
        let listen = server_desktop::listen_address(self.address.trim());
        let (data_dir, database) = (self.parse_folder(), self.parse_database());
        let listen = listen.map_err(|wrong| self.problems.insert(Field::Address, wrong)).ok();
        let data_dir = data_dir.map_err(|wrong| self.problems.insert(Field::Folder, wrong)).ok();
        let database = database.map_err(|wrong| self.problems.insert(Field::Database, wrong)).ok();
        self.is_refused = !self.problems.is_empty();
        Some(HostSettings { listen: listen?, data_dir: data_dir?, database: database?, registration })
    }

    /// Puts the sentence about a failed start beside the field that caused it. What was typed stays.
    pub fn refuse(&mut self, error: HostError) {
        let field = match error.part {
            StartPart::Address => Field::Address,
            StartPart::Folder => Field::Folder,
            StartPart::Database => Field::Database,
            StartPart::Other => Field::Form,
        };
        self.problems.insert(field, error.sentence);
        self.is_refused = true;
    }

    fn parse_folder(&self) -> Result<PathBuf, Sentence> {
        let typed = Path::new(self.folder.trim());
        if typed.as_os_str().is_empty() {
            let none = || Sentence::about(ServerWindowSentence::NoDefaultFolder);
            return self.default_folder.clone().ok_or_else(none);
        }
        // A window has no folder of its own, from which another path could lead on.
        if !typed.is_absolute() {
            let example = self.default_folder.clone().unwrap_or_else(|| std::path::MAIN_SEPARATOR_STR.into());
            let example = example.display().to_string();
            return Err(Sentence::about(ServerWindowSentence::FolderNotWhole { example }));
        }
        Ok(typed.to_owned())
    }

    fn parse_database(&self) -> Result<HostDatabase, Sentence> {
        match self.database {
            DatabaseKind::InFolder => Ok(HostDatabase::InFolder),
            DatabaseKind::Named => Ok(HostDatabase::Named),
            DatabaseKind::Url => DatabaseUrl::parse(self.url.as_str().trim()).map(HostDatabase::Url),
        }
    }
}
