//! Generates a function for each sentence in `locales`, so that a call with a wrong name or a wrong argument does not
//! compile. Writes to the build's own folder only.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{env, fmt, fs, io};

use fluent_typed::{BuildOptions, FtlOutputOptions, LintLevel, try_build_from_locales_folder};

/// The language whose comments state the types of the arguments. The others have to agree with it.
const DEFAULT_LANGUAGE: &str = "en";

/// Generated functions that this crate may leave unused. All others are sentences, and an unused sentence is a warning.
const MAY_BE_UNUSED: [&str; 4] = ["iter()", "load_all()", "new_external(", "language_name(&self) -> &'static str"];

fn main() -> Result<(), Wrong> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or_else(|| Wrong("cargo sets no OUT_DIR".to_owned()))?);
    let code = out.join("sentences.rs");
    let path = |path: &Path| path.to_str().map(str::to_owned).ok_or_else(|| Wrong(format!("{path:?} is not UTF-8")));
    check_languages(Path::new("locales"))?;
    let options = BuildOptions::default()
        .with_default_language(DEFAULT_LANGUAGE)
        .with_output_file_path(&path(&code)?)
        .with_ftl_output(FtlOutputOptions::single_file(&path(&out.join("sentences.ftl"))?))
        .with_prefix("")
        .with_lint_level(LintLevel::Strict)
        // Isolation marks are invisible characters around each argument. Terminals without bidirectional text show them
        // as boxes, and scripts would find them in what they search for. Both languages are written from left to right.
        .without_bidi_isolation()
        .without_format();
    try_build_from_locales_folder(options).map_err(|error| Wrong(error.to_string()))?;
    let mut generated = fs::read_to_string(&code)?;
    for function in MAY_BE_UNUSED {
        generated = generated.replace(&format!("pub fn {function}"), &format!("#[allow(dead_code)] pub fn {function}"));
    }
    fs::write(&code, generated)?;
    Ok(())
}

/// Fails unless all languages have the same Fluent messages with the same arguments. The generator only warns about
/// some of the differences.
fn check_languages(locales: &Path) -> Result<(), Wrong> {
    let wanted = messages(&locales.join(DEFAULT_LANGUAGE))?;
    let mut wrong = Vec::new();
    for folder in fs::read_dir(locales)? {
        let folder = folder?.path();
        let found = messages(&folder)?;
        let folder = folder.display();
        for (message, arguments) in &wanted {
            match found.get(message) {
                None => wrong.push(format!("{folder} has no message {message}")),
                Some(found) if found != arguments => {
                    wrong.push(format!("{message} in {folder} has the arguments {found:?} instead of {arguments:?}"));
                }
                Some(_) => {}
            }
        }
        let unknown = found.keys().filter(|message| !wanted.contains_key(*message));
        wrong.extend(unknown.map(|message| format!("{folder} has a message {message} that {DEFAULT_LANGUAGE} lacks")));
    }
    if wrong.is_empty() { Ok(()) } else { Err(Wrong(wrong.join("\n"))) }
}

/// The Fluent messages in a folder, and the arguments of each.
fn messages(folder: &Path) -> Result<BTreeMap<String, BTreeSet<String>>, Wrong> {
    let mut messages = BTreeMap::<String, BTreeSet<String>>::new();
    for file in fs::read_dir(folder)? {
        let mut message = String::new();
        for line in fs::read_to_string(file?.path())?.lines().filter(|line| !line.starts_with('#')) {
            if line.starts_with(|ch: char| ch.is_ascii_lowercase())
                && let Some((name, _)) = line.split_once(" =")
            {
                name.clone_into(&mut message);
                messages.entry(message.clone()).or_default();
            }
            let argument = |rest: &str| {
                rest.split(|ch: char| !ch.is_ascii_alphanumeric() && ch != '-').next().unwrap_or_default().to_owned()
            };
            let arguments = line.split("{ $").skip(1).map(argument);
            messages.entry(message.clone()).or_default().extend(arguments);
        }
    }
    messages.remove("");
    Ok(messages)
}

/// Why the sentences cannot be used. Cargo prints it as [`fmt::Debug`].
struct Wrong(String);

impl fmt::Debug for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<io::Error> for Wrong {
    fn from(error: io::Error) -> Self {
        Self(error.to_string())
    }
}
