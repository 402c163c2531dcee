//! Backups: copies of SQLite databases, and the command that backs up a MySQL database.

use std::path::Path;

#[cfg(feature = "mysql")]
use crate::url::MySqlLocation;
#[cfg(feature = "sqlite")]
use {
    crate::blocking::blocking,
    crate::sqlite::{self, ReadableFile},
    std::path::PathBuf,
};

use crate::error::BackupError;
use crate::url::{Location, StoreUrl};

/// Copies an SQLite database, as of one moment, to a new file that only its owner can access. Servers may use the
/// database meanwhile. An older schema is copied as it is. The database is only read, so read permission is enough.
///
/// # Errors
/// [`BackupError::MySql`], with the command to use instead, for a MySQL database; [`BackupError::NoDatabase`] if the
/// database does not exist; otherwise if `to` exists or cannot be written.
///
/// # Cancel safety
/// If the future is dropped, the copy still completes.
#[cfg_attr(not(feature = "sqlite"), expect(unused_variables, reason = "no database is copied"))]
pub async fn backup(url: &StoreUrl, to: &Path) -> Result<(), BackupError> {
    match &url.0 {
        #[cfg(feature = "sqlite")]
        Location::Sqlite(path) => back_up_file(path.clone(), to.to_owned()).await,
        #[cfg(feature = "mysql")]
        Location::MySql(location) => Err(BackupError::MySql { command: dump_command(location) }),
    }
}

#[cfg(feature = "sqlite")]
async fn back_up_file(from: PathBuf, to: PathBuf) -> Result<(), BackupError> {
    blocking(move || {
        // SQLite would create the file.
        if matches!(from.try_exists(), Ok(false)) {
            return Err(BackupError::NoDatabase(from));
        }
        let source = |source: Box<dyn std::error::Error + Send + Sync>| BackupError::Copy { path: to.clone(), source };
        let from = ReadableFile::find(&from).map_err(|error| source(error.into()))?;
        sqlite::copy(&from, &to)
    })
    .await
}

/// Returns a command that dumps all tables as of one moment without locking them, writes binary columns as hexadecimal
/// digits, and requires no privileges beyond the database.
#[cfg(feature = "mysql")]
fn dump_command(location: &MySqlLocation) -> String {
    let address = match location.socket() {
        Some(path) => format!("--socket={}", quoted(path)),
        None => format!("--host={} --port={}", quoted(location.opts.ip_or_hostname()), location.opts.tcp_port()),
    };
    format!(
        "mariadb-dump --single-transaction --hex-blob --no-tablespaces {address} --user={} --password {}",
        quoted(&location.shown_user()),
        quoted(&location.database)
    )
}

/// Quotes a word for a POSIX shell.
#[cfg(feature = "mysql")]
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
#[cfg(feature = "mysql")]
mod tests {
    use super::*;

    #[test]
    fn the_dump_command_is_quoted_for_a_shell() {
        let command = |url: &str| match StoreUrl::parse(url).unwrap().0 {
            Location::MySql(location) => dump_command(&location),
            #[cfg(feature = "sqlite")]
            Location::Sqlite(_) => panic!("{url}"),
        };
        assert!(command("mysql://ann:hush@db:3307/chat").ends_with("--host=db --port=3307 --user=ann --password chat"));
        let socket = "mysql://ann:hush@localhost/chat?socket=/run/my%20sql.sock";
        assert!(command(socket).ends_with("--socket='/run/my sql.sock' --user=ann --password chat"));
        assert!(command("mysql://o%27x:hush@db/my%20chat").ends_with(r"--user='o'\''x' --password 'my chat'"));
    }
}
