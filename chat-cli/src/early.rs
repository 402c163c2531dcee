//! What is chosen before the arguments are parsed, because it decides how errors in them are shown: the language and
//! the output format. The other options need not be valid.

use std::env;
use std::ffi::OsString;
use std::path::Path;

use clap::ValueEnum;

use crate::format::Format;
use crate::platform::process;
use crate::texts::Language;
use crate::{config, text_file};

/// Finds the output format: the argument, else the environment variable, else the key of the configuration file. Returns
/// text if there is no valid one.
pub(crate) fn format(args: &[OsString], default_file: Option<&Path>) -> Format {
    let format = |name: &str| Format::from_str(name, false).ok();
    match argument(args, "--format").or_else(|| variable("CHAT_FORMAT")) {
        Some(name) => format(&name),
        None => key(args, default_file, "format").and_then(|name| format(&name)),
    }
    .unwrap_or_default()
}

/// Finds the output format of a command that takes it only from an argument. Returns text if there is no valid one.
pub(crate) fn format_argument(args: &[OsString]) -> Format {
    argument(args, "--format").and_then(|name| Format::from_str(&name, false).ok()).unwrap_or_default()
}

/// Finds the language; see [`Language::choose`]. `default_file` is the configuration file that is read if none is named.
pub(crate) fn language(args: &[OsString], default_file: Option<&Path>) -> Language {
    language_or(args, default_file, None)
}

/// As [`language`], but what is `remembered` takes precedence over the configuration file.
pub(crate) fn language_or(args: &[OsString], default_file: Option<&Path>, remembered: Option<Language>) -> Language {
    let in_key = || key(args, default_file, "lang").and_then(|name| Language::from_str(&name, true).ok());
    let in_file = || remembered.or_else(in_key);
    let locale = |name: &str| variable(name).or_else(|| if name == "LANG" { process::locale() } else { None });
    Language::choose(argument(args, "--lang").as_deref(), variable("CHAT_LANG").as_deref(), in_file, locale)
}

/// The value of an option among the arguments.
fn argument(args: &[OsString], option: &str) -> Option<String> {
    let value = |(place, arg): (usize, &OsString)| {
        let rest = arg.to_str()?.strip_prefix(option)?;
        match rest.strip_prefix('=') {
            Some(value) => Some(value.to_owned()),
            None if rest.is_empty() => args.get(place + 1)?.to_str().map(str::to_owned),
            None => None,
        }
    };
    args.iter().enumerate().find_map(value)
}

/// The value of an environment variable. An empty one counts as not set.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// The value of a key in the configuration file.
fn key(args: &[OsString], default_file: Option<&Path>, key: &str) -> Option<String> {
    let named = argument(args, "--config").or_else(|| variable("CHAT_CONFIG"));
    let path = named.as_deref().map(Path::new).or(default_file)?;
    // Only a regular file. A pipe can be read only once.
    let text = path.is_file().then(|| text_file::read(path, config::MAX_FILE).ok())??;
    text.parse::<toml::Table>().ok()?.get(key)?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(args: &[&str]) -> Vec<OsString> {
        args.iter().map(OsString::from).collect()
    }

    #[test]
    fn format_and_language_are_found_among_wrong_options() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("chat.toml");
        std::fs::write(&file, "no-such-key = 1\nformat = 'json'\nlang = 'zh-CN'\n").unwrap();
        let file = file.to_str().unwrap();
        for (args, chosen) in [
            (&[][..], Format::Text),
            (&["--bogus", "--format", "json"], Format::Json),
            (&["--format=json", "two words"], Format::Json),
            (&["--format", "xml", "--config", file], Format::Text),
            (&["--format"], Format::Text),
            (&["--formatting=json"], Format::Text),
            (&["--config", file], Format::Json),
            (&["--config", "/no/such/file"], Format::Text),
        ] {
            assert_eq!(format(&arguments(args), None), chosen, "{args:?}");
        }
        for (args, chosen) in [
            (&["--bogus", "--config", file][..], Language::Chinese),
            (&["--lang", "en", "--config", file], Language::English),
            (&["forget", "--lang=zh-CN"], Language::Chinese),
        ] {
            assert_eq!(language(&arguments(args), None), chosen, "{args:?}");
        }
        for (args, chosen) in
            [(&["--config", file][..], Language::English), (&["--lang", "zh-CN", "--config", file], Language::Chinese)]
        {
            assert_eq!(language_or(&arguments(args), None, Some(Language::English)), chosen, "{args:?}");
        }
        let default = Some(Path::new(file));
        assert_eq!(language(&arguments(&[]), default), Language::Chinese);
        assert_eq!(format(&arguments(&["--config", "/no/such/file"]), default), Format::Text, "the named file counts");
    }
}
