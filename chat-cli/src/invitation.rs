//! The invitation code: from a file or from `CHAT_INVITATION_CODE`. Never from an argument.

use std::fs;
use std::path::Path;

use chat_core::invitation::InvitationCode;
use zeroize::Zeroizing;

use crate::error::CliError;

/// The environment variable.
const VARIABLE: &str = "CHAT_INVITATION_CODE";

/// The code, if one is given: from the file if there is one, else from the environment.
///
/// # Errors
/// It cannot be read, or is none.
pub fn given(file: Option<&Path>) -> Result<Option<InvitationCode>, CliError> {
    if let Some(path) = file {
        let unusable = |why: &dyn std::fmt::Display| {
            CliError::usage(format_args!("the invitation file {} cannot be used: {why}", path.display()))
        };
        let text = fs::read_to_string(path).map(Zeroizing::new).map_err(|error| unusable(&error))?;
        let code = InvitationCode::parse(text.lines().next().unwrap_or_default()).map_err(|error| unusable(&error))?;
        return Ok(Some(code));
    }
    match std::env::var(VARIABLE).map(Zeroizing::new) {
        Ok(typed) => InvitationCode::parse(&typed)
            .map(Some)
            .map_err(|error| CliError::usage(format_args!("{VARIABLE} cannot be used: {error}"))),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => {
            Err(CliError::usage(format_args!("{VARIABLE} cannot be used: it is not UTF-8")))
        }
    }
}

#[cfg(test)]
mod tests {
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
            ("short", Some("an invitation code needs 8 to 64 characters")),
            ("spring 2026", Some("no spaces")),
        ] {
            fs::write(&path, content).unwrap();
            match (given(Some(&path)), sentence) {
                (Ok(Some(code)), None) => assert!(code.matches(b"spring-2026")),
                (Err(error), Some(sentence)) => {
                    assert!(shown(&error).contains(sentence) && !shown(&error).contains(content), "{}", shown(&error));
                    assert_eq!(error.exit().code(), 2);
                }
                (result, _) => panic!("{content:?}: {result:?}"),
            }
        }
        let missing = given(Some(&folder.path().join("none"))).unwrap_err();
        assert!(shown(&missing).contains("none cannot be used: "), "{}", shown(&missing));
    }
}
