//! The configuration file: TOML whose keys are the names of the program's options.

use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, Read};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use crate::error::CliError;
use crate::input_error::most_like;

/// The most bytes of a configuration file: a hundred times what all keys with their comments need.
const MAX_FILE: u64 = 1024 * 1024;

/// Reads a file; `keys` are those that it may hold, to find the one that was meant.
///
/// # Errors
/// It cannot be read, or something in it is wrong: the sentence names the file, the line and the key.
pub fn read<T: DeserializeOwned>(path: &Path, keys: &[&str]) -> Result<T, CliError> {
    let text = text(path).map_err(|error| {
        CliError::usage(format_args!("the configuration file {} cannot be read: {error}", path.display()))
    })?;
    toml::from_str(&text).map_err(|error| wrong(path, &text, keys, &error))
}

/// Warns if a file with something secret in it can be read by others.
pub fn warn_if_open(path: &Path, secret: &str) {
    // Whoever could not look at it could not read it either, and has said so.
    let open = fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0);
    if open {
        log::warn!("{} holds {secret} and can be read by others; chmod 600 closes it", path.display());
    }
}

/// For keys whose values are read as they are from arguments.
///
/// # Errors
/// As the value's own.
pub fn typed<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(deserializer: D) -> Result<Option<T>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(D::Error::custom)
}

/// For keys that name a file or folder.
///
/// # Errors
/// It is empty.
pub fn path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    let path = PathBuf::deserialize(deserializer)?;
    if path.as_os_str().is_empty() {
        return Err(D::Error::custom("the path is empty; write one, or leave the key out"));
    }
    Ok(Some(path))
}

/// For keys that are an address to bind to.
///
/// # Errors
/// What is wrong with it.
pub fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(deserializer)?;
    crate::address::parse(&text).map(Some).map_err(D::Error::custom)
}

fn text(path: &Path) -> io::Result<Zeroizing<String>> {
    let file = File::open(path)?;
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(io::Error::other(format!("it has more than {MAX_FILE} bytes, so it is no configuration file")));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| io::Error::other("it is not UTF-8"))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// The sentence for a file that is wrong. Of the file only the key is shown, as values can be secret.
fn wrong(path: &Path, text: &str, keys: &[&str], error: &toml::de::Error) -> CliError {
    let at = error.span().unwrap_or_default();
    let before = text.get(..at.start).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    let key = text[line_start..].split(['=', '\n']).next().unwrap_or_default().trim();
    let place = format!("{}, line {}", path.display(), before.matches('\n').count() + 1);
    if error.message().starts_with("unknown field") {
        let key = text.get(at).unwrap_or_default().trim_matches('"');
        let sentence = CliError::usage(format_args!("{place}: there is no key '{key}'"));
        return match most_like(key, keys.iter().copied()) {
            Some(meant) => sentence.hint(format_args!("did you mean {meant}?")),
            None => sentence.hint(format_args!("the keys are {}", keys.join(", "))),
        };
    }
    let about = if keys.contains(&key) { format!("{key}: ") } else { String::new() };
    CliError::usage(format_args!("{place}: {about}{}", error.message().replace('\n', "; ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::Number;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
    struct Keys {
        max_things: Option<Number<1, 9>>,
        #[serde(deserialize_with = "path")]
        file: Option<PathBuf>,
        #[serde(deserialize_with = "typed")]
        name: Option<chat_core::name::UserName>,
    }

    const KEYS: &[&str] = &["file", "max-things", "name"];

    fn parse(content: &[u8]) -> Result<Keys, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chat.toml");
        fs::write(&path, content).unwrap();
        read(&path, KEYS).map_err(|error| {
            assert_eq!(error.exit().code(), 2);
            let mut out = Vec::new();
            error.show(&mut Vec::new(), &mut out).unwrap();
            String::from_utf8(out).unwrap().replace(&path.display().to_string(), "FILE")
        })
    }

    #[test]
    fn keys_are_read_and_may_be_left_out() {
        let keys = parse("# 注释\nmax-things = 9\nname = '小明'\n".as_bytes()).unwrap();
        assert_eq!(keys.max_things.map(Number::get), Some(9));
        assert_eq!(keys.name.unwrap().as_str(), "小明");
        assert_eq!((keys.file, parse(b"").unwrap().max_things), (None, None));
    }

    #[test]
    fn each_mistake_is_named_with_its_line_and_key() {
        for (content, sentence) in [
            ("\nmax-thing = 3", "error: FILE, line 2: there is no key 'max-thing'\nhint: did you mean max-things?\n"),
            ("zzz = 3", "error: FILE, line 1: there is no key 'zzz'\nhint: the keys are file, max-things, name\n"),
            ("[server]\nfile = 'x'", "error: FILE, line 1: there is no key 'server'\nhint: the keys are "),
            (
                "\n\nmax-things = 10",
                "error: FILE, line 3: max-things: '10' is not allowed; write a whole number from 1",
            ),
            (
                "max-things = 'x'",
                "error: FILE, line 1: max-things: invalid type: string \"x\", expected a whole number",
            ),
            ("file = ''", "error: FILE, line 1: file: the path is empty; write one"),
            ("name = 'two words'", "error: FILE, line 1: name: the user name contains a space"),
            ("file = 'a'\nfile = 'b'", "error: FILE, line 2: file: duplicate key"),
            ("file = 'a", "error: FILE, line 1: file: "),
            ("file", "error: FILE, line 1: file: "),
        ] {
            let shown = parse(content.as_bytes()).unwrap_err();
            assert!(shown.starts_with(sentence), "{content:?}: {shown}");
        }
    }

    #[test]
    fn what_is_no_text_is_no_configuration() {
        assert_eq!(parse(b"\xff").unwrap_err(), "error: the configuration file FILE cannot be read: it is not UTF-8\n");
        let endless = read::<Keys>(Path::new("/dev/zero"), KEYS).unwrap_err();
        assert_eq!(endless.exit().code(), 2);
    }
}
