//! Parsing of the paths of files and folders.

use std::path::PathBuf;

use clap::builder::{PathBufValueParser, TypedValueParser};

use crate::platform::files;
use crate::texts::{Localised, Texts};

/// Parses the path of a file or folder; see [`checked`].
pub fn parser() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(checked)
}

/// Returns the path if it can be one of a file. Otherwise a program would wait for a console or a serial port, or write what
/// it keeps into the null device.
///
/// # Errors
/// Windows reserves the name for a device, such as `CON`, `COM1` or `NUL`. A user who means a device names it explicitly:
/// `\\.\NUL`.
pub fn checked(path: PathBuf) -> Result<PathBuf, DeviceName> {
    if files::has_device_name(&path) { Err(DeviceName) } else { Ok(path) }
}

/// Windows reserves a name for a device.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("Windows reserves this name for a device; choose another name")]
pub struct DeviceName;

impl Localised for DeviceName {
    fn text(&self, texts: &Texts) -> String {
        texts.say().path_is_device()
    }
}

#[cfg(test)]
mod tests {
    use clap::{Arg, Command};

    use super::*;
    use crate::texts::parse_error;

    fn parse(path: &str) -> Result<PathBuf, String> {
        let command = Command::new("test").arg(Arg::new("file").long("file").value_parser(parser()));
        let parsed = command.try_get_matches_from(["test", "--file", path]);
        parsed
            .map(|parsed| parsed.get_one::<PathBuf>("file").unwrap().clone())
            .map_err(|error| parse_error::reason(&error, &Texts::default()))
    }

    #[test]
    fn names_of_devices_are_refused_where_they_are_reserved() {
        for path in ["CON", "com1", "logs/nul.txt"] {
            let reserved = "Windows reserves this name for a device; choose another name".to_owned();
            let expected = if cfg!(windows) { Err(reserved) } else { Ok(path.into()) };
            assert_eq!(parse(path), expected, "{path}");
        }
    }

    #[test]
    fn files_and_explicit_devices_are_accepted() {
        for path in ["console", "con/chat.sqlite", r"\\.\NUL", "/dev/null"] {
            assert_eq!(parse(path), Ok(path.into()));
        }
    }
}
