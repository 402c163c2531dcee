//! The invitation code: from a file or from `CHAT_INVITATION_CODE`, never from an argument.

use std::path::Path;

use chat_core::invitation::InvitationCode;

use crate::error::CliError;
use crate::texts::{Localised, Texts};
use crate::{environment, text_file};

/// Reads the code from the first line of `file`, or from the environment without a file. `None` if neither has one.
///
/// # Errors
/// The file cannot be read, or the code breaks a rule. The message does not quote the code.
pub fn read(file: Option<&Path>) -> Result<Option<InvitationCode>, CliError> {
    file.map_or_else(from_environment, |path| from_file(path).map(Some))
}

/// Reads the code from `CHAT_INVITATION_CODE`. `None` if the variable is not set, or empty.
///
/// # Errors
/// The code breaks a rule. The message does not quote it.
pub fn from_environment() -> Result<Option<InvitationCode>, CliError> {
    let code = environment::secret(VARIABLE)?.map(|code| InvitationCode::parse(&code)).transpose();
    code.map_err(|error| CliError::usage(environment::unusable(VARIABLE, error)))
}

/// The environment variable with the code.
pub const VARIABLE: &str = "CHAT_INVITATION_CODE";

fn from_file(path: &Path) -> Result<InvitationCode, CliError> {
    let line = text_file::first_line(path).map_err(|error| unusable(path, error))?;
    InvitationCode::parse(&line).map_err(|error| unusable(path, error))
}

fn unusable(path: &Path, reason: impl Localised + Send + Sync + 'static) -> CliError {
    let file = path.display().to_string();
    CliError::usage(move |texts: &Texts| texts.say().invitation_file_unusable(&file, reason.text(texts)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn shown(error: &CliError) -> String {
        let mut out = Vec::new();
        error.show(&mut Vec::new(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_first_line_of_a_file_is_the_code() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("invitation");
        for (content, sentence) in [
            ("spring-2026\nsecond line\n", None),
            ("\u{feff}spring-2026\r\n", None),
            ("short", Some("an invitation code needs 8 to 64 characters")),
            ("spring 2026", Some("no spaces")),
        ] {
            fs::write(&path, content).unwrap();
            match (read(Some(&path)), sentence) {
                (Ok(Some(code)), None) => assert!(code.matches(b"spring-2026")),
                (Err(error), Some(sentence)) => {
                    assert!(shown(&error).contains(sentence) && !shown(&error).contains(content), "{}", shown(&error));
                    assert_eq!(error.exit().code(), 2);
                }
                (result, _) => panic!("{content:?}: {result:?}"),
            }
        }
        let missing = read(Some(&folder.path().join("none"))).unwrap_err();
        assert!(shown(&missing).contains("none cannot be used: "), "{}", shown(&missing));
    }
}
