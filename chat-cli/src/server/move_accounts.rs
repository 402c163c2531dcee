//! `chat-server move`: copies all accounts into another database.

use std::path::Path;

use chat_core::error_chain::error_chain;
use chat_store::{StoreUrl, TransferError, transfer};
use rustix::fs::{Access, access};
use rustix::io::Errno;

use super::{missing, no_database};
use crate::error::CliError;
use crate::folder::{DataFolder, FolderLock};

/// Copies all accounts into an empty database while no server uses either database. Returns the text for standard output.
///
/// # Errors
/// The accounts were not copied, or the copy differs. The accounts in `from` are unchanged in all cases.
pub(super) async fn move_accounts(data_dir: &Path, from: &StoreUrl, to: &StoreUrl) -> Result<String, CliError> {
    if let Some(path) = missing(from) {
        return Err(no_database(path));
    }
    // An account that is registered during the transfer would be missing from the copy.
    let _lock = lock(data_dir)?;
    let count = transfer(from, to).await.map_err(|error| describe(&error))?;
    let (accounts, them) = if count == 1 { ("account", "it") } else { ("accounts", "them") };
    Ok(format!(
        "copied {count} {accounts} to {to} and verified {them}\n\
         {from} is unchanged; configure {to} as the database before you start the server again\n"
    ))
}

/// Locks the data folder, unless it exists and cannot be written.
fn lock(data_dir: &Path) -> Result<Option<FolderLock>, CliError> {
    match access(data_dir, Access::WRITE_OK) {
        Err(error @ (Errno::ACCESS | Errno::PERM | Errno::ROFS)) => {
            log::warn!(
                "the data folder {} cannot be locked; make sure that no server uses it until its accounts are copied: {}",
                data_dir.display(),
                std::io::Error::from(error)
            );
            Ok(None)
        }
        _ => Ok(Some(DataFolder::open(data_dir)?.lock()?)),
    }
}

fn describe(error: &TransferError) -> CliError {
    let sentence = error_chain(error);
    match error {
        TransferError::SameDatabase(_) => CliError::usage(sentence).hint("name another, empty database"),
        TransferError::InUse(_) => CliError::not_there(sentence)
            .hint("stop the server first: accounts that are registered during the transfer would be lost"),
        TransferError::Open { url, .. } => CliError::not_there(sentence).hint(format_args!("the database is {url}")),
        _ => CliError::failed(sentence),
    }
}
