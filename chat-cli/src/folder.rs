//! The data folder: its default place, and what the operator can do about one that cannot be used.

use std::path::{Path, PathBuf};

use chat_net::data_folder::DataFolderError;
pub use chat_net::data_folder::{DataFolder, FolderLock};
use directories::ProjectDirs;

use crate::error::CliError;
use crate::platform::files;
use crate::texts::{Sentence, Texts};

/// The default data folder of `program`, which `option` overrides.
///
/// # Errors
/// The user has no home folder.
pub fn default(program: &str, option: &'static str) -> Result<PathBuf, CliError> {
    ProjectDirs::from("", "", program).map(|folders| folders.data_local_dir().to_owned()).ok_or_else(|| {
        CliError::usage(|texts: &Texts| texts.say().no_home())
            .hint(move |texts: &Texts| texts.say().hint_no_home(option))
    })
}

/// The configuration file that `program` reads if none is named: `config.toml` in the user's configuration folder, if
/// it exists.
pub fn config(program: &str) -> Option<PathBuf> {
    let file = ProjectDirs::from("", "", program)?.config_dir().join("config.toml");
    file.is_file().then_some(file)
}

/// Warns if other users can read a file that contains `secret`, such as "a password".
pub fn warn_if_open(path: &Path, secret: &str) {
    if files::is_open_to_others(path) {
        let restrict = files::RESTRICT;
        log::warn!("{} contains {secret} and other users can read it; restrict it with {restrict}", path.display());
    }
}

impl From<DataFolderError> for CliError {
    fn from(error: DataFolderError) -> Self {
        let hint = match &error {
            DataFolderError::Unusable { .. } | DataFolderError::Device { .. } => {
                Some(Sentence::from(|texts: &Texts| texts.say().hint_folder_unusable()))
            }
            DataFolderError::OtherOwner { .. } => {
                Some(Sentence::from(|texts: &Texts| texts.say().hint_folder_of_other_user()))
            }
            DataFolderError::WritableByEveryone { .. } => {
                Some(Sentence::from(|texts: &Texts| texts.say().hint_folder_writable_by_everyone()))
            }
            DataFolderError::InUse { .. } => Some(Sentence::from(|texts: &Texts| texts.say().hint_folder_in_use())),
            _ => None,
        };
        let sentence = Self::not_there(Sentence::about(error));
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
