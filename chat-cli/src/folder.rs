//! The data folder: its default place, and what the operator can do about one that cannot be used.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use chat_net::data_folder::DataFolderError;
pub use chat_net::data_folder::{DataFolder, FolderLock};
use directories::ProjectDirs;

use crate::error::CliError;
use crate::texts::Texts;

/// The default data folder of `program`, which `option` overrides.
///
/// # Errors
/// The user has no home folder.
pub fn default(program: &str, option: &'static str) -> Result<PathBuf, CliError> {
    ProjectDirs::from("", "", program).map(|folders| folders.data_dir().to_owned()).ok_or_else(|| {
        CliError::usage(|texts: &Texts| texts.say().no_home())
            .hint(move |texts: &Texts| texts.say().hint_no_home(option))
    })
}

/// Warns if other users can read a file that contains `secret`, such as "a password".
pub fn warn_if_open(path: &Path, secret: &str) {
    // A file without readable metadata could not be read either, and that is an error elsewhere.
    let open = fs::metadata(path).is_ok_and(|file| file.mode() & 0o077 != 0);
    if open {
        log::warn!("{} contains {secret} and other users can read it; restrict it with chmod 600", path.display());
    }
}

impl From<DataFolderError> for CliError {
    fn from(error: DataFolderError) -> Self {
        let hint = match &error {
            DataFolderError::Unusable { .. } => Some("choose a folder that you can write to with --data-dir DIR"),
            DataFolderError::OtherOwner { .. } => {
                Some("run this command as that user, or choose a folder of your own with --data-dir DIR")
            }
            DataFolderError::WritableByEveryone { .. } => Some(
                "choose another folder with --data-dir DIR, or restrict this one with chmod 700 if all files in it are \
                 yours",
            ),
            DataFolderError::InUse { .. } => Some("stop that server, or choose another folder with --data-dir DIR"),
            _ => None,
        };
        let sentence = Self::not_there(error);
        match hint {
            Some(hint) => sentence.hint(hint),
            None => sentence,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_about_a_folder_in_use_names_the_process_and_the_remedy() {
        let outer = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(outer.path()).unwrap();
        let _lock = folder.lock().unwrap();
        let error = CliError::from(folder.lock().unwrap_err());
        assert_eq!(error.exit().code(), 3);
        let mut out = Vec::new();
        error.show(&mut Vec::new(), &mut out).unwrap();
        let shown = String::from_utf8(out).unwrap();
        let holder = format!("is in use by another server (process {})\nhint: stop that server", std::process::id());
        assert!(shown.contains(&holder), "{shown}");
    }
}
