//! `chat-server move`: copies all accounts into another database.

use std::path::Path;

use chat_store::{StoreUrl, TransferError, transfer};

use super::{missing, no_database};
use crate::error::{self, CliError};
use crate::folder::{DataFolder, FolderLock};
use crate::platform::files;
use crate::progress::Progress;
use crate::texts::{Texts, chain};

/// Copies all accounts into an empty database while no server uses either database. Returns the text for standard output.
///
/// # Errors
/// The accounts were not copied, or the copy differs. The accounts in `from` are unchanged in all cases.
pub(super) async fn move_accounts(
    data_dir: &Path,
    from: &StoreUrl,
    to: &StoreUrl,
    texts: &Texts,
) -> Result<String, CliError> {
    if let Some(path) = missing(from) {
        return Err(no_database(path));
    }
    // An account that is registered during the transfer would be missing from the copy.
    let _lock = lock(data_dir, texts)?;
    let progress = Progress::spinner(texts.say().progress_move());
    let count = transfer(from, to).await.map_err(describe)?;
    drop(progress);
    let (t, from, to) = (texts.say(), from.to_string(), to.to_string());
    Ok(format!("{}\n{}\n", t.move_done(count, &to), t.move_next(&from, &to)))
}

/// Locks the data folder, unless it exists and cannot be written.
fn lock(data_dir: &Path, texts: &Texts) -> Result<Option<FolderLock>, CliError> {
    match files::write_refusal(data_dir) {
        Some(error) => {
            let file = data_dir.display().to_string();
            error::note(&texts.say().note_folder_not_locked(file, error.to_string()), texts);
            Ok(None)
        }
        None => Ok(Some(DataFolder::open(data_dir)?.lock()?)),
    }
}

fn describe(error: TransferError) -> CliError {
    match error {
        TransferError::SameDatabase(_) => {
            CliError::usage(chain(error)).hint(|texts: &Texts| texts.say().hint_move_same())
        }
        TransferError::InUse(_) => {
            CliError::not_there(chain(error)).hint(|texts: &Texts| texts.say().hint_move_in_use())
        }
        TransferError::Open { ref url, .. } => {
            let url = url.to_string();
            CliError::not_there(chain(error)).hint(move |texts: &Texts| texts.say().hint_database_is(&url))
        }
        error => CliError::failed(chain(error)),
    }
}
