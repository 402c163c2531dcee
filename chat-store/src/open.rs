//! The short way to open accounts: from a URL as text, with the default options.

use std::path::{Path, PathBuf};

use crate::accounts::{SqlAccounts, StoreOptions};
use crate::blocking::blocking;
use crate::error::OpenError;
use crate::platform;
use crate::url::StoreUrl;

/// Opens the accounts at `url` with the default [`StoreOptions`]: `sqlite:PATH` or
/// `mysql://user:password@host[:port]/database`. Runs pending migrations.
///
/// Creates an SQLite file that does not exist, and the missing folders of its path with mode 0700. A MySQL database must
/// exist. A presence server also [claims](SqlAccounts::claim) the database, so that no second server uses it unnoticed.
///
/// # Errors
/// [`OpenError`], whose variants are sorted by who can remedy the error. No text contains the password.
///
/// # Cancel safety
/// If the future is dropped, a migration that has begun completes, and nothing else happens.
pub async fn open(url: &str) -> Result<SqlAccounts, OpenError> {
    let url = StoreUrl::parse(url)?;
    if let Some(file) = url.sqlite_path() {
        let file = file.to_owned();
        blocking(move || create_folder_of(&file)).await?;
    }
    SqlAccounts::open(&url, StoreOptions::default()).await
}

/// Creates the folder of `file` and its missing parents with mode 0700.
fn create_folder_of(file: &Path) -> Result<(), OpenError> {
    let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    platform::create_private_folder(folder)
        .map_err(|source| OpenError::CreateFile { path: PathBuf::from(file), source })
}
