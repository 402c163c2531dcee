//! Finds the output format that the user chose, even if the other options are wrong.

use std::ffi::OsString;
use std::path::Path;

use clap::ValueEnum;
use serde::Deserialize;

use crate::format::Format;
use crate::{config, text_file};

/// Finds the output format in options that may be wrong as a whole: the argument, else the environment variable, else
/// the key of the configuration file. Returns text if there is no valid one.
pub fn chosen_format(args: &[OsString]) -> Format {
    match option(args, "--format", "CHAT_FORMAT") {
        Some(format) => format.to_str().and_then(|format| Format::from_str(format, false).ok()),
        None => option(args, "--config", "CHAT_CONFIG").and_then(|path| in_file(Path::new(&path))),
    }
    .unwrap_or_default()
}

fn option(args: &[OsString], option: &str, variable: &str) -> Option<OsString> {
    let after = |(place, arg): (usize, &OsString)| {
        let rest = arg.to_str()?.strip_prefix(option)?;
        if rest.is_empty() { args.get(place + 1).cloned() } else { rest.strip_prefix('=').map(OsString::from) }
    };
    args.iter().enumerate().find_map(after).or_else(|| std::env::var_os(variable).filter(|value| !value.is_empty()))
}

/// The key `format`. All other keys are ignored.
#[derive(Deserialize)]
struct FormatKey {
    format: Option<Format>,
}

fn in_file(path: &Path) -> Option<Format> {
    // Only a regular file. A pipe can be read only once, and the program has already read it.
    let text = path.is_file().then(|| text_file::read(path, config::MAX_FILE).ok())??;
    toml::from_str::<FormatKey>(&text).ok()?.format
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    fn chosen(args: &[&OsStr]) -> Format {
        chosen_format(&args.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn the_format_is_found_among_wrong_options() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("chat.toml");
        std::fs::write(&file, "no-such-key = 1\nformat = 'json'\n").unwrap();
        let file = file.as_os_str();
        for (args, format) in [
            (&[][..], Format::Text),
            (&["--bogus".as_ref(), "--format".as_ref(), "json".as_ref()], Format::Json),
            (&["--format=json".as_ref(), "two words".as_ref()], Format::Json),
            (&["--format".as_ref(), "xml".as_ref(), "--config".as_ref(), file], Format::Text),
            (&["--format".as_ref()], Format::Text),
            (&["--formatting=json".as_ref()], Format::Text),
            (&["--config".as_ref(), file], Format::Json),
            (&["--config".as_ref(), "/no/such/file".as_ref()], Format::Text),
        ] {
            assert_eq!(chosen(args), format, "{args:?}");
        }
    }
}
