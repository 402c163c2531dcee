//! Merges the options of a program: its arguments, its environment variables, and its configuration file.
//!
//! The file is TOML, and its keys are the long names of the options. [`merge`] reads it into the same structure as the
//! arguments and lets the arguments override it, so an option is declared once for all three sources.

use std::fmt::Display;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{Arg, ArgMatches, Args, Command};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};

use crate::database_url::holds_password;
use crate::error::CliError;
use crate::input_error::most_like;
use crate::text_file;

/// The options of a program, as arguments and as keys of a file.
///
/// Implementations derive [`Args`] and [`Deserialize`] with `default`, `deny_unknown_fields` and `kebab-case`. One of
/// their fields is `config: Option<PathBuf>`, which serde skips. No option has a default, so that an option that one
/// source omits can come from the next source.
pub trait Settings: Args + DeserializeOwned + Default {
    /// Keys of the file that are not arguments, because other users of the machine can read arguments.
    const SECRET_KEYS: &'static [&'static str] = &[];

    /// Checks the keys of the file at `path` against each other, before arguments override them.
    ///
    /// # Errors
    /// Two keys exclude each other.
    fn check_file(&self, path: &Path) -> Result<(), CliError>;

    /// Removes the file's values that an argument or environment variable in `given` replaces by another option, such
    /// as `ca` in the file by `--fingerprint`.
    fn yield_to(&mut self, given: &Self);
}

/// Combines the arguments and environment variables with the file that the option `config` names, if it names one. An
/// argument takes precedence over the environment, and the environment over the file.
///
/// # Errors
/// The file cannot be read, or one of its keys or values is wrong. The message names the file, the line and the key.
pub fn merge<S: Settings>(given: &ArgMatches) -> Result<S, CliError> {
    let mut settings = S::default();
    if let Some(path) = given.get_one::<PathBuf>("config") {
        settings = read(path)?;
        settings.check_file(path)?;
        settings.yield_to(&S::from_arg_matches(given)?);
    }
    settings.update_from_arg_matches(given)?;
    Ok(settings)
}

/// The keys that a configuration file may contain.
pub fn keys<S: Settings>() -> Vec<String> {
    let command = S::augment_args(Command::new("keys"));
    let options = command.get_arguments().filter_map(Arg::get_long).filter(|name| *name != "config");
    options.chain(S::SECRET_KEYS.iter().copied()).map(str::to_owned).collect()
}

/// Warns if other users can read a file that contains `secret`, such as "a password".
pub fn warn_if_open(path: &Path, secret: &str) {
    // A file without readable metadata could not be read either, and that is an error elsewhere.
    let open = fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0);
    if open {
        log::warn!("{} contains {secret} and other users can read it; restrict it with chmod 600", path.display());
    }
}

/// Deserializes an option whose type parses the same text as the argument.
///
/// # Errors
/// The error of the type's [`FromStr`].
pub fn from_str<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(deserializer: D) -> Result<Option<T>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(D::Error::custom)
}

/// Deserializes the path of a file or folder.
///
/// # Errors
/// The path is empty.
pub fn path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    let path = PathBuf::deserialize(deserializer)?;
    if path.as_os_str().is_empty() {
        return Err(D::Error::custom("the path is empty; write one, or leave the key out"));
    }
    Ok(Some(path))
}

/// Deserializes an address to bind to.
///
/// # Errors
/// A [`BindAddressError`](crate::address::BindAddressError).
pub fn bind_address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(deserializer)?;
    crate::address::parse(&text).map(Some).map_err(D::Error::custom)
}

/// The maximum size of a configuration file in bytes: a hundred times the size of a file with all keys and their
/// comments.
pub(crate) const MAX_FILE: usize = 1024 * 1024;

fn read<S: Settings>(path: &Path) -> Result<S, CliError> {
    let text = text_file::read(path, MAX_FILE).map_err(|error| {
        CliError::usage(format_args!("the configuration file {} cannot be read: {error}", path.display()))
    })?;
    toml::from_str(&text).map_err(|error| invalid(path, &text, &keys::<S>(), &error))
}

/// The message for an invalid file. It quotes keys only, because values can be secret.
fn invalid(path: &Path, text: &str, keys: &[String], error: &toml::de::Error) -> CliError {
    let span = error.span().unwrap_or_default();
    let before = text.get(..span.start).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    let key = text[line_start..].split(['=', '\n']).next().unwrap_or_default().trim();
    let place = format!("{}, line {}", path.display(), before.matches('\n').count() + 1);
    let line = text[line_start..].lines().next().unwrap_or_default();
    // The errors of a database URL itself quote nothing.
    if key != "database" && (holds_password(line) || holds_password(error.message())) {
        return CliError::usage(format_args!(
            "{place}: there is a database URL with a password, which only the key database may have"
        ))
        .hint("write database = \"URL\", with the quotation marks");
    }
    if error.message().starts_with("unknown field") {
        let key = text.get(span).unwrap_or_default().trim_matches('"');
        let error = CliError::usage(format_args!("{place}: there is no key '{key}'"));
        return match most_like(key, keys.iter().map(String::as_str)) {
            Some(suggestion) => error.hint(format_args!("did you mean {suggestion}?")),
            None => error.hint(format_args!("the keys are {}", keys.join(", "))),
        };
    }
    let about = if keys.iter().any(|known| known == key) { format!("{key}: ") } else { String::new() };
    CliError::usage(format_args!("{place}: {about}{}", error.message().replace('\n', "; ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::Number;

    #[derive(Args, Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
    struct Keys {
        #[arg(long)]
        #[serde(skip)]
        config: Option<PathBuf>,
        #[arg(long)]
        #[serde(deserialize_with = "path")]
        file: Option<PathBuf>,
        #[arg(long)]
        max_things: Option<Number<1, 9>>,
        #[arg(long)]
        #[serde(deserialize_with = "from_str")]
        name: Option<chat_core::name::UserName>,
        #[arg(long)]
        extras: Vec<String>,
        #[arg(skip)]
        code: Option<String>,
    }

    impl Settings for Keys {
        const SECRET_KEYS: &'static [&'static str] = &["code"];

        fn check_file(&self, _: &Path) -> Result<(), CliError> {
            if self.extras.len() == 1 { Err(CliError::usage("one extra is none")) } else { Ok(()) }
        }

        fn yield_to(&mut self, given: &Self) {
            if given.name.is_some() {
                self.file = None;
            }
        }
    }

    fn merged(content: &[u8], args: &[&str]) -> Result<Keys, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chat.toml");
        fs::write(&path, content).unwrap();
        let args = [&["keys", "--config", path.to_str().unwrap()], args].concat();
        let given = Keys::augment_args(Command::new("keys")).try_get_matches_from(args).unwrap();
        merge(&given).map_err(|error| {
            assert_eq!(error.exit().code(), 2);
            let mut out = Vec::new();
            error.show(&mut Vec::new(), &mut out).unwrap();
            String::from_utf8(out).unwrap().replace(&path.display().to_string(), "FILE")
        })
    }

    #[test]
    fn keys_are_optional() {
        let keys = merged("# 注释\nmax-things = 9\nname = '小明'\ncode = 'x'\n".as_bytes(), &[]).unwrap();
        assert_eq!(keys.max_things.map(Number::get), Some(9));
        assert_eq!(keys.name.unwrap().as_str(), "小明");
        assert_eq!((keys.file, keys.code.as_deref()), (None, Some("x")));
        let marked = merged("\u{feff}max-things = 9\n".as_bytes(), &[]).unwrap();
        assert_eq!(marked.max_things.map(Number::get), Some(9));
        assert_eq!(merged(b"", &[]).unwrap().max_things, None);
    }

    #[test]
    fn arguments_override_the_file_and_leave_the_rest_of_it() {
        let file = b"file = 'a'\nmax-things = 3\nextras = ['x', 'y']\ncode = 'z'\n";
        let keys = merged(file, &["--max-things", "4", "--extras", "w"]).unwrap();
        assert_eq!((keys.max_things.map(Number::get), keys.extras), (Some(4), vec!["w".to_owned()]));
        assert_eq!((keys.file, keys.code.as_deref()), (Some("a".into()), Some("z")));
        let keys = merged(file, &["--name", "bob"]).unwrap();
        assert_eq!((keys.file, keys.extras.len()), (None, 2), "the name overrides the file's key `file`");
        assert!(keys.config.is_some());
    }

    #[test]
    fn each_error_names_the_line_and_the_key() {
        for (content, sentence) in [
            ("\nmax-thing = 3", "error: FILE, line 2: there is no key 'max-thing'\nhint: did you mean max-things?\n"),
            (
                "zzz = 3",
                "error: FILE, line 1: there is no key 'zzz'\nhint: the keys are file, max-things, name, extras, code\n",
            ),
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
            ("extras = ['x']", "error: one extra is none\n"),
        ] {
            let shown = merged(content.as_bytes(), &["--max-things", "1"]).unwrap_err();
            assert!(shown.starts_with(sentence), "{content:?}: {shown}");
        }
    }

    #[test]
    fn binary_and_endless_files_are_refused() {
        let error = merged(b"\xff", &[]).unwrap_err();
        assert_eq!(error, "error: the configuration file FILE cannot be read: it is not UTF-8\n");
        assert_eq!(read::<Keys>(Path::new("/dev/zero")).unwrap_err().exit().code(), 2);
    }
}
