//! Copies of all accounts: a backup, and the way into another database.

use std::io::ErrorKind;
use std::path::Path;

use chat_core::error_chain::error_chain;
use chat_store::{BackupError, Claim, SqlAccounts, StoreOptions, StoreUrl, transfer};

use super::{missing, no_database, open_accounts};
use crate::error::CliError;
use crate::folder::DataFolder;

/// Copies the database to a new file; gives what is to be printed.
///
/// # Errors
/// It was not copied, and nothing is left at `to`.
pub(super) async fn backup(url: &StoreUrl, to: &Path) -> Result<String, CliError> {
    match chat_store::backup(url, to).await {
        Ok(()) => Ok(format!("{url} is copied to {}\n", to.display())),
        Err(error @ BackupError::MySql { .. }) => Err(CliError::failed(error_chain(&error))
            .hint("it asks for the password; the copy is put back with `mariadb ... DATABASE < FILE`")),
        Err(BackupError::File { path, source }) if source.kind() == ErrorKind::AlreadyExists => {
            Err(CliError::failed(format_args!("the file {} exists already", path.display()))
                .hint("name one that does not exist: nothing is overwritten"))
        }
        Err(error) => Err(CliError::failed(error_chain(&error))),
    }
}

/// Copies all accounts into an empty database, while no server uses either; gives what is to be printed.
///
/// # Errors
/// They were not copied, or are not the same there; those in `from` are as they were in any case.
pub(super) async fn move_all(folder: &DataFolder, from: &StoreUrl, to: &StoreUrl) -> Result<String, CliError> {
    if from.to_string() == to.to_string() {
        return Err(
            CliError::usage(format_args!("the accounts are in {to} already")).hint("name another, empty database")
        );
    }
    if let Some(path) = missing(from) {
        return Err(no_database(path));
    }
    // An account that is made meanwhile would be lost.
    let _lock = folder.lock()?;
    let (source, target) = (open(from).await?, open(to).await?);
    let (_ours, _theirs) = (claim(&source).await?, claim(&target).await?);
    let count = transfer(&source, &target).await.map_err(|error| CliError::failed(error_chain(&error)))?;
    let accounts = if count == 1 { "1 account is".to_owned() } else { format!("{count} accounts are") };
    Ok(format!(
        "{accounts} copied to {to} and the same there\n\
         {from} is as it was; name the other one as the database before the server starts again\n"
    ))
}

async fn open(url: &StoreUrl) -> Result<SqlAccounts, CliError> {
    open_accounts(url, StoreOptions::default()).await
}

async fn claim(accounts: &SqlAccounts) -> Result<Claim, CliError> {
    match accounts.claim().await {
        Ok(Claim::Others) => Err(CliError::not_there(format_args!("a server uses {}", accounts.url()))
            .hint("stop it first: an account that is made meanwhile would be lost")),
        Ok(claim) => Ok(claim),
        Err(error) => Err(CliError::not_there(error_chain(&error))),
    }
}
