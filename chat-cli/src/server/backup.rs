//! `chat-server backup`: copies the database to a new file.

use std::io::ErrorKind;
use std::path::Path;

use chat_store::{BackupError, StoreUrl};

use crate::error::CliError;
use crate::progress::Progress;
use crate::texts::{Texts, chain};

/// Copies the database at `url` to a new file. Returns the text for standard output.
///
/// # Errors
/// The database was not copied. Nothing remains at `to`.
pub(super) async fn backup(url: &StoreUrl, to: &Path, texts: &Texts) -> Result<String, CliError> {
    let progress = Progress::spinner(texts.say().progress_backup());
    let result = chat_store::backup(url, to).await;
    drop(progress);
    match result {
        Ok(()) => Ok(texts.say().backup_done(url.to_string(), to.display().to_string()) + "\n"),
        Err(error @ BackupError::MySql { .. }) => {
            Err(CliError::failed(chain(error)).hint(|texts: &Texts| texts.say().hint_backup_mysql()))
        }
        Err(BackupError::File { path, source }) if source.kind() == ErrorKind::AlreadyExists => {
            let file = path.display().to_string();
            Err(CliError::failed(move |texts: &Texts| texts.say().backup_file_exists(&file))
                .hint(|texts: &Texts| texts.say().hint_backup_file_exists()))
        }
        Err(error) => Err(CliError::failed(chain(error))),
    }
}
