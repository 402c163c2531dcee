//! `chat-server move`: copies all accounts into another database.

use chat_core::error_chain::error_chain;
use chat_store::{StoreUrl, TransferError, transfer};

use super::{missing, no_database};
use crate::error::CliError;
use crate::folder::DataFolder;

/// Copies all accounts into an empty database while no server uses either database. Returns the text for standard output.
///
/// # Errors
/// If the accounts were not copied, or if the copy differs. The accounts in `from` are unchanged in all cases.
pub(super) async fn move_accounts(folder: &DataFolder, from: &StoreUrl, to: &StoreUrl) -> Result<String, CliError> {
    if let Some(path) = missing(from) {
        return Err(no_database(path));
    }
    // An account that is registered during the transfer would be missing from the copy.
    let _lock = folder.lock()?;
    let count = transfer(from, to).await.map_err(|error| describe(&error))?;
    let accounts = if count == 1 { "1 account is".to_owned() } else { format!("{count} accounts are") };
    Ok(format!(
        "{accounts} copied to {to} and the same there\n\
         {from} is unchanged; configure {to} as the database before you start the server again\n"
    ))
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
