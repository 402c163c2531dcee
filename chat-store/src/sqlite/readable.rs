//! SQLite files that are opened for reading, including files that cannot be written.
//!
//! Readers of a write-ahead log need a file beside the database that they share with the writer. In a folder that is
//! not writable, SQLite cannot create it. Where SQLite can create it, a reader without write permission would leave it
//! behind. Therefore a database that cannot be written and that no program has open is read as it is (`immutable`).
//! [`ReadableFile::verify`] detects a writer that opens it later.

use std::fs;
use std::io;
use std::path::{MAIN_SEPARATOR, Path, PathBuf};
use std::time::SystemTime;

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};

use super::{absolute, applied, beside, is_writable, probe};
use crate::error::OpenError;

/// Executed on every connection that only reads.
pub(crate) const READING_SETUP: &str = "PRAGMA busy_timeout = 5000; PRAGMA query_only = ON;";

/// An existing file, and how SQLite opens it for reading.
#[derive(Clone, Debug)]
pub(crate) struct ReadableFile {
    path: PathBuf,
    url: String,
    /// The state of the file when it was opened, if it is read as it is.
    frozen: Option<FileState>,
}

/// The properties of a file that change when it is written.
#[derive(Clone, Debug, Eq, PartialEq)]
struct FileState {
    length: u64,
    modified: Option<SystemTime>,
}

impl ReadableFile {
    /// Chooses how to open the file at `path`.
    ///
    /// # Errors
    /// The file does not exist, or its path is not UTF-8.
    pub(crate) fn find(path: &Path) -> Result<Self, OpenError> {
        let unreadable = |source: io::Error| OpenError::Unreadable { path: path.to_owned(), source: source.into() };
        let text = absolute(path)?;
        let state = FileState::of(path).map_err(unreadable)?;
        let (options, frozen) = if is_writable(path) {
            ("mode=rw", None)
        } else if has_journal(path) {
            ("mode=ro", None)
        } else {
            ("mode=ro&immutable=1", Some(state))
        };
        Ok(Self { path: path.to_owned(), url: uri(&text, options), frozen })
    }

    /// The URL for SQLite.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Opens a connection and returns the versions of the migrations that were applied.
    pub(crate) fn applied(&self) -> Result<Vec<String>, OpenError> {
        let mut connection = SqliteConnection::establish(&self.url).map_err(|error| self.unreadable(error))?;
        connection.batch_execute(READING_SETUP).map_err(|error| self.unreadable(error))?;
        applied(&mut connection).map_err(|error| self.unreadable(error))
    }

    /// Confirms that everything read so far is as of one moment.
    ///
    /// # Errors
    /// Another program has begun to use a file that was read as it is.
    pub(crate) fn verify(&self) -> io::Result<()> {
        match &self.frozen {
            Some(state) if FileState::of(&self.path)? != *state || has_journal(&self.path) => {
                Err(io::Error::other("another program has changed it meanwhile; try again"))
            }
            _ => Ok(()),
        }
    }

    fn unreadable(&self, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> OpenError {
        let (path, source) = (self.path.clone(), error.into());
        if self.frozen.is_none() && !is_writable(&path) {
            return OpenError::UnreadableJournal { path, source };
        }
        // A file that cannot change needs no locks.
        if self.frozen.is_none() && probe::lacks_locks(&path) {
            return OpenError::NoLocks { path };
        }
        OpenError::Unreadable { path, source }
    }
}

impl FileState {
    fn of(path: &Path) -> io::Result<Self> {
        let file = fs::metadata(path)?;
        Ok(Self { length: file.len(), modified: file.modified().ok() })
    }
}

/// Returns whether the files beside the database hold changes, or another program has it open.
fn has_journal(path: &Path) -> bool {
    let length = |suffix| fs::metadata(beside(path, suffix)).map(|file| file.len()).ok();
    let (log, shared, journal) = (length("-wal"), length("-shm"), length("-journal"));
    log.is_some_and(|length| length > 0 || shared.is_some()) || journal.is_some_and(|length| length > 0)
}

/// A URI with options. SQLite decodes the path.
fn uri(absolute: &str, options: &str) -> String {
    let mut path = String::with_capacity(absolute.len());
    for c in absolute.chars() {
        match c {
            '%' => path.push_str("%25"),
            '?' => path.push_str("%3f"),
            '#' => path.push_str("%23"),
            MAIN_SEPARATOR => path.push('/'),
            c => path.push(c),
        }
    }
    let root = if path.starts_with('/') { "" } else { "/" };
    format!("file://{root}{path}?{options}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_may_contain_any_characters() {
        let folder = tempfile::tempdir().unwrap();
        let names = ["plain", "50%41#x", "小明 [1]&a=b", "50%41?mode=ro#x", "file:x"];
        // Windows forbids '?' and ':' in names.
        let allowed = if cfg!(windows) { 3 } else { names.len() };
        for name in &names[..allowed] {
            let path = folder.path().join(name);
            let text = super::super::ensure_private_file(&path).unwrap();
            super::super::open(&text).unwrap().batch_execute("CREATE TABLE t (a TEXT);").unwrap();
            let file = ReadableFile::find(&path).unwrap();
            assert!(file.applied().unwrap().is_empty(), "{name}");
            let mut connection = SqliteConnection::establish(file.url()).unwrap();
            connection.batch_execute("SELECT a FROM t;").unwrap();
        }
    }

    #[test]
    fn verify_detects_a_change_of_an_immutable_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chat.sqlite");
        fs::write(&path, "before").unwrap();
        let frozen = Some(FileState::of(&path).unwrap());
        let file = ReadableFile { path: path.clone(), url: String::new(), frozen };
        file.verify().unwrap();
        fs::write(beside(&path, "-wal"), "x").unwrap();
        assert!(file.verify().is_err(), "a writer has opened the file");
        fs::remove_file(beside(&path, "-wal")).unwrap();
        file.verify().unwrap();
        fs::write(&path, "afterwards").unwrap();
        assert!(file.verify().is_err());
    }
}
