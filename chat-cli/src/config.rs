//! Merges the options of a program: its arguments, its environment variables, and its configuration file.
//!
//! The file is TOML, and its keys are the long names of the options. [`merge`] reads it into the same structure as the
//! arguments and lets the arguments override it, so an option is declared once for all three sources.

use std::fmt::{self, Display};
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{Arg, ArgMatches, Args, Command};
use serde::de::{DeserializeOwned, Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::database_url::{holds_password, is_of_roster};
use crate::error::CliError;
use crate::input_error::most_like;
use crate::path;
use crate::text_file;
use crate::texts::{Language, Localised, Sentence, Texts, parse_error};

/// The options of a program, as arguments and as keys of a file.
///
/// Implementations derive [`Args`] and [`Deserialize`] with `default`, `deny_unknown_fields` and `kebab-case`. One of
/// their fields is `config: Option<PathBuf>`, which serde skips. No option has a default, so that an option that one
/// source omits can come from the next source.
pub trait Settings: Args + DeserializeOwned + Default {
    /// Keys of the file that are not arguments, because other users of the machine can read arguments.
    const SECRET_KEYS: &'static [&'static str] = &[];

    /// Keys of the file that are not arguments, because they are tables.
    const FILE_KEYS: &'static [&'static str] = &[];

    /// Checks the keys of the file at `path` against each other, before arguments override them.
    ///
    /// # Errors
    /// Two keys exclude each other.
    fn check_file(&self, path: &Path) -> Result<(), CliError>;

    /// Describes the wrong value of a key that is parsed otherwise than the argument of its name.
    fn describe(_key: &str, _value: &str) -> Option<Sentence> {
        None
    }

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
    merge_or(given, None)
}

/// As [`merge`], with the file at `default` if the option `config` names none.
///
/// # Errors
/// As [`merge`].
pub fn merge_or<S: Settings>(given: &ArgMatches, default: Option<&Path>) -> Result<S, CliError> {
    let mut settings = S::default();
    if let Some(path) = given.get_one::<PathBuf>("config").map(PathBuf::as_path).or(default) {
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
    options.chain([S::SECRET_KEYS, S::FILE_KEYS].concat()).map(str::to_owned).collect()
}

/// Deserializes an option whose type parses the same text as the argument.
///
/// # Errors
/// The error of the type's [`FromStr`].
pub fn from_str<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(deserializer: D) -> Result<Option<T>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(D::Error::custom)
}

/// Deserializes an option that may be given several times: one text, or a list of texts.
///
/// # Errors
/// The error of the type's [`FromStr`].
pub fn one_or_more<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    struct OneOrMore<T>(PhantomData<T>);

    impl<'de, T: FromStr<Err: Display>> Visitor<'de> for OneOrMore<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text or a list of texts")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Vec<T>, E> {
            text.parse().map(|value| vec![value]).map_err(E::custom)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
            let mut values = Vec::new();
            while let Some(text) = list.next_element::<String>()? {
                values.push(text.parse().map_err(A::Error::custom)?);
            }
            Ok(values)
        }
    }

    deserializer.deserialize_any(OneOrMore(PhantomData))
}

/// Deserializes the path of a file or folder.
///
/// # Errors
/// The path is empty, or Windows reserves its name for a device.
pub fn path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    let path = PathBuf::deserialize(deserializer)?;
    if path.as_os_str().is_empty() {
        return Err(D::Error::custom(Texts::default().say().config_empty_path()));
    }
    path::checked(path).map(Some).map_err(D::Error::custom)
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
        let file = path.display().to_string();
        CliError::usage(move |texts: &Texts| texts.say().config_unreadable(&file, error.text(texts)))
    })?;
    toml::from_str(&text).map_err(|error| invalid::<S>(path, &text, &error))
}

/// The message for an invalid file. It quotes keys only, because values can be secret.
fn invalid<S: Settings>(path: &Path, text: &str, error: &toml::de::Error) -> CliError {
    let span = error.span().unwrap_or_default();
    let before = text.get(..span.start).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    let key = text[line_start..].split(['=', '\n']).next().unwrap_or_default().trim();
    let (file, number) = (path.display().to_string(), before.matches('\n').count() + 1);
    let wrong = |problem: Sentence| {
        CliError::usage(move |texts: &Texts| texts.say().config_problem(&file, number, problem.text(texts)))
    };
    let line = text[line_start..].lines().next().unwrap_or_default();
    // The errors of a database URL itself quote nothing.
    if !matches!(key, "database" | "roster") && (holds_password(line) || holds_password(error.message())) {
        return match is_of_roster(key, line) {
            true => wrong(Sentence::from(|texts: &Texts| texts.say().config_misplaced_roster()))
                .hint(|texts: &Texts| texts.say().hint_config_roster()),
            false => wrong(Sentence::from(|texts: &Texts| texts.say().config_misplaced_url()))
                .hint(|texts: &Texts| texts.say().hint_config_database()),
        };
    }
    let (value, keys) = (text.get(span).unwrap_or_default(), keys::<S>());
    if error.message().starts_with("unknown field") {
        let keys = expected(error.message()).filter(|_| is_in_table(before)).unwrap_or(keys);
        let key = value.trim_matches('"').to_owned();
        let suggestion = most_like(&key, keys.iter().map(String::as_str));
        let error = wrong(Sentence::from(move |texts: &Texts| texts.say().config_unknown_key(&key)));
        return match suggestion {
            Some(suggestion) => error.hint(move |texts: &Texts| texts.say().did_you_mean(&suggestion)),
            None => error.hint(move |texts: &Texts| texts.say().hint_config_keys(texts.list(&keys))),
        };
    }
    let problem = problem::<S>(key, value, error.message());
    if !keys.iter().any(|known| known == key) {
        return wrong(problem);
    }
    let key = key.to_owned();
    wrong(Sentence::from(move |texts: &Texts| texts.say().config_key_problem(&key, problem.text(texts))))
}

/// Whether what follows this text belongs to a table.
fn is_in_table(before: &str) -> bool {
    before.lines().any(|line| line.trim_start().starts_with('['))
}

/// The keys that the parser names as expected, each between backquotes.
fn expected(message: &str) -> Option<Vec<String>> {
    let (_, expected) = message.split_once("expected")?;
    Some(expected.split('`').skip(1).step_by(2).map(str::to_owned).collect())
}

/// What is wrong with the value of a key. The argument of the same name has the same values and so the same errors, and
/// these are known in each language. Errors of the parser are English.
fn problem<S: Settings>(key: &str, value: &str, message: &str) -> Sentence {
    let english = Texts::default();
    if message == english.say().config_empty_path() {
        return Sentence::from(|texts: &Texts| texts.say().config_empty_path());
    }
    let value = value.trim_matches(['"', '\'']);
    if let Some(sentence) = S::describe(key, value).filter(|sentence| sentence.text(&english) == message) {
        return sentence;
    }
    let argument = format!("--{key}={value}");
    match S::augment_args(Command::new("file")).try_get_matches_from(["file", argument.as_str()]) {
        Err(error) if parse_error::reason(&error, &english) == message => {
            Sentence::from(move |texts: &Texts| parse_error::reason(&error, texts))
        }
        Err(error) if message.starts_with("unknown variant") => {
            let message = message.to_owned();
            // The parser's English message also lists the possible values.
            Sentence::from(move |texts: &Texts| match texts.language() {
                Language::English => message.clone(),
                Language::Chinese => parse_error::on_one_line(&error, texts),
            })
        }
        _ => message.replace('\n', "; ").into(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

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
            (
                "\ncode = mysql://ann:hush@redis/chat",
                "error: FILE, line 2: there is a database URL with a password, which only the key database may have\nhint: \
                 write database = \"URL\"",
            ),
            (
                "code = redis://chat:hush@db",
                "error: FILE, line 1: there is a roster URL with a password, which only the key roster may have\nhint: \
                 write roster = \"URL\"",
            ),
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
