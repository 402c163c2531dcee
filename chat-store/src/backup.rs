//! Backups: of SQLite by copying, of MySQL by naming the tool for it.

use std::path::Path;

use crate::error::BackupError;
use crate::migrations::blocking;
use crate::sqlite;
use crate::url::{MySqlPlace, Place, StoreUrl};

/// Copies an SQLite database to a new file that only its owner can read, complete as of one moment, while servers go
/// on. The database is left as it is, also if its schema is an older one.
///
/// # Errors
/// [`BackupError::MySql`], with the command that does it, for a MySQL database; otherwise if there is no database, or if
/// `to` exists or cannot be written.
///
/// # Cancel safety
/// The copy goes on to its end if the future is dropped.
pub async fn backup(url: &StoreUrl, to: &Path) -> Result<(), BackupError> {
    let from = match &url.0 {
        Place::Sqlite(path) => path.clone(),
        Place::MySql(place) => return Err(BackupError::MySql { command: dump(place) }),
    };
    let to = to.to_owned();
    blocking(move || {
        // SQLite would make an empty one.
        if !from.exists() {
            return Err(BackupError::NoDatabase(from));
        }
        let source = |source: Box<dyn std::error::Error + Send + Sync>| BackupError::Copy { path: to.clone(), source };
        let from = sqlite::prepare(&from).map_err(|error| source(error.into()))?;
        sqlite::copy(&from, &to)
    })
    .await
}

/// One moment for all tables without holding anybody up, columns of bytes as digits, and nothing that needs rights
/// beyond the database.
fn dump(place: &MySqlPlace) -> String {
    let (host, port) = (place.opts.ip_or_hostname(), place.opts.tcp_port());
    let (user, database) = (place.user(), &place.database);
    format!(
        "mariadb-dump --single-transaction --hex-blob --no-tablespaces --host={} --port={port} --user={} --password {}",
        quoted(host),
        quoted(&user),
        quoted(database)
    )
}

/// As a shell reads it as one word.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_one_that_a_shell_takes() {
        let command = |url: &str| match StoreUrl::parse(url).unwrap().0 {
            Place::MySql(place) => dump(&place),
            Place::Sqlite(_) => panic!("{url}"),
        };
        assert!(command("mysql://ann:hush@db:3307/chat").ends_with("--host=db --port=3307 --user=ann --password chat"));
        assert!(command("mysql://o%27x:hush@db/my%20chat").ends_with(r"--user='o'\''x' --password 'my chat'"));
    }
}
