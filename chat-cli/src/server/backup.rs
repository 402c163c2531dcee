//! `chat-server backup`: copies the database to a new file.

use std::io::ErrorKind;
use std::path::Path;

use chat_core::error_chain::error_chain;
use chat_store::{BackupError, StoreUrl};

use crate::error::CliError;

/// Copies the database at `url` to a new file. Returns the text for standard output.
///
/// # Errors
/// The database was not copied. Nothing remains at `to`.
pub(super) async fn backup(url: &StoreUrl, to: &Path) -> Result<String, CliError> {
    match chat_store::backup(url, to).await {
        Ok(()) => Ok(format!("{url} is copied to {}\n", to.display())),
        Err(error @ BackupError::MySql { .. }) => Err(CliError::failed(error_chain(&error))
            .hint("the command asks for the password; `mariadb ... DATABASE < FILE` restores the copy")),
        Err(BackupError::File { path, source }) if source.kind() == ErrorKind::AlreadyExists => {
            Err(CliError::failed(format_args!("the file {} exists already", path.display()))
                .hint("name a file that does not exist: existing files are not overwritten"))
        }
        Err(error) => Err(CliError::failed(error_chain(&error))),
    }
}
