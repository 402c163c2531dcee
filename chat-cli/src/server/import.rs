//! `chat-server user import`: registers the accounts of a file, all of them or none.
//!
//! Each line of the file is a user name, spaces or tabs, and a password or its argon2id hash in PHC form. Empty lines and
//! lines that begin with `#` are left out. What begins with `$argon2` is a hash, so no password can begin like that. Spaces
//! at the end of a line belong to the password.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::Path;

use chat_core::name::UserName;
use chat_core::password::Password;
use chat_core::time::Timestamp;
use chat_store::hashing::PasswordHash;
use chat_store::{ImportError, NewAccount, SqlAccounts};
use serde::Serialize;
use tokio::task::JoinSet;

use super::status::json_lines;
use super::users;
use crate::error::{self, CliError};
use crate::format::Format;
use crate::platform::files;
use crate::progress::Progress;
use crate::text_file;
use crate::texts::{Localised, Sentence, Texts, chain};

/// The maximum size of a file in bytes: a million lines of 64 bytes.
const MAX_FILE: usize = 64 * 1024 * 1024;

/// The passwords that are hashed or wait for it, and so the length of the queue that this needs: enough to keep all threads
/// of the pool busy.
pub(super) const HASHES_IN_PROGRESS: NonZeroUsize = NonZeroUsize::new(64).expect("not zero");

/// The account that a line of the file asks for.
#[derive(Debug)]
struct Entry {
    line: usize,
    name: UserName,
    secret: Secret,
}

#[derive(Debug)]
enum Secret {
    Password(Password),
    Hash(PasswordHash),
}

/// A line that prevents the import.
#[derive(Debug)]
struct BadLine {
    line: usize,
    /// `None` if there is no valid one. What is not a name may be a password, so it is not shown.
    name: Option<UserName>,
    reason: Sentence,
}

/// The lines of a file.
#[derive(Debug, Default)]
pub(super) struct ImportFile {
    entries: Vec<Entry>,
    bad: Vec<BadLine>,
}

impl ImportFile {
    /// Reads a file. Warns on standard error if every user of the machine can read it.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn read(path: &Path, texts: &Texts) -> Result<Self, CliError> {
        let file = path.display().to_string();
        let text = text_file::read(path, MAX_FILE).map_err(|error| {
            let file = file.clone();
            CliError::usage(move |texts: &Texts| texts.say().import_unreadable(&file, error.text(texts)))
        })?;
        if files::is_readable_by_everyone(path) {
            error::note(&texts.say().note_import_readable(file), texts);
        }
        Ok(Self::parse(&text))
    }

    fn parse(text: &str) -> Self {
        let mut file = Self::default();
        let mut looks = BTreeMap::<String, usize>::new();
        for (index, content) in text.lines().enumerate() {
            let (line, content) = (index + 1, content.trim_start());
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            match entry(line, content) {
                Err(bad) => file.bad.push(bad),
                Ok(entry) => {
                    let marks = marks(&entry.name);
                    if let Some(first) = marks.iter().find_map(|mark| looks.get(mark)).copied() {
                        let reason = Sentence::from(move |texts: &Texts| texts.say().import_same_name(first));
                        file.bad.push(BadLine { line, name: Some(entry.name), reason });
                        continue;
                    }
                    looks.extend(marks.map(|mark| (mark, line)));
                    file.entries.push(entry);
                }
            }
        }
        file
    }

    /// Whether lines prevent the import even without a look at the database.
    pub(super) fn has_bad_lines(&self) -> bool {
        !self.bad.is_empty()
    }

    /// Adds the lines whose names are taken in the database.
    ///
    /// # Errors
    /// The database failed.
    pub(super) async fn check_names(&mut self, accounts: &SqlAccounts) -> Result<(), CliError> {
        let names: Vec<UserName> = self.entries.iter().map(|entry| entry.name.clone()).collect();
        let taken = accounts.taken(&names).await.map_err(users::failed)?;
        let taken: BTreeSet<&str> = taken.iter().map(UserName::canonical).collect();
        let is_taken = |entry: &&Entry| taken.contains(entry.name.canonical());
        let bad = self.entries.iter().filter(is_taken).map(taken_line);
        self.bad.extend(bad);
        self.bad.sort_by_key(|bad| bad.line);
        Ok(())
    }

    /// The error about the bad lines, after their report. In JSON the report is on standard output.
    pub(super) fn refuse(self, path: &Path, format: Format, texts: &Texts) -> CliError {
        let count = self.bad.len();
        for BadLine { line, name, reason } in self.bad {
            let reason = reason.text(texts);
            // A closed output has no reader.
            drop(match format {
                Format::Json => {
                    let user = name.as_ref().map(UserName::as_str);
                    let report = LineReport { line, user, result: "refused", text: Some(reason) };
                    write!(io::stdout(), "{}", json_lines([report]))
                }
                Format::Text => {
                    let t = texts.say();
                    let sentence = match name {
                        Some(name) => t.import_bad_user(line, name.as_str(), reason),
                        None => t.import_bad_line(line, reason),
                    };
                    writeln!(io::stderr(), "{sentence}")
                }
            });
        }
        let file = path.display().to_string();
        CliError::failed(move |texts: &Texts| texts.say().import_refused(count, &file))
            .hint(|texts: &Texts| texts.say().hint_import_refused())
    }

    /// Registers all accounts. Returns the report for standard output.
    ///
    /// # Errors
    /// No account was registered.
    pub(super) async fn import(
        mut self,
        accounts: &SqlAccounts,
        path: &Path,
        format: Format,
        now: Timestamp,
        texts: &Texts,
    ) -> Result<String, CliError> {
        let entries = std::mem::take(&mut self.entries);
        let reports: Vec<(usize, UserName, bool)> = entries
            .iter()
            .map(|entry| (entry.line, entry.name.clone(), matches!(entry.secret, Secret::Hash(_))))
            .collect();
        let new = hash_all(entries, accounts, texts).await?;
        let writing = Progress::spinner(texts.say().progress_writing_accounts());
        match accounts.import(&new, now).await {
            Ok(()) => {}
            // Somebody has registered the names since they were checked.
            Err(ImportError::Taken(places)) => {
                drop(writing);
                let lost = places.into_iter().filter_map(|place| reports.get(place));
                self.bad.extend(lost.map(|(line, name, _)| taken_by_other(*line, name.clone())));
                return Err(self.refuse(path, format, texts));
            }
            Err(error) => return Err(CliError::failed(chain(error))),
        }
        drop(writing);
        Ok(report(&reports, format, texts))
    }
}

fn report(reports: &[(usize, UserName, bool)], format: Format, texts: &Texts) -> String {
    if format == Format::Json {
        return json_lines(reports.iter().map(|(line, name, _)| LineReport {
            line: *line,
            user: Some(name.as_str()),
            result: "registered",
            text: None,
        }));
    }
    let t = texts.say();
    let mut out = String::new();
    for (line, name, is_hash) in reports {
        let sentence = if *is_hash {
            t.import_with_hash(*line, name.as_str())
        } else {
            t.import_with_password(*line, name.as_str())
        };
        out.push_str(&sentence);
        out.push('\n');
    }
    out.push_str(&t.import_done(reports.len()));
    out.push('\n');
    out
}

/// The result of a line. docs/JSON.md documents this schema.
#[derive(Serialize)]
struct LineReport<'a> {
    line: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

fn taken_line(entry: &Entry) -> BadLine {
    taken_by_other(entry.line, entry.name.clone())
}

fn taken_by_other(line: usize, name: UserName) -> BadLine {
    BadLine { line, name: Some(name), reason: Sentence::about(chat_core::accounts::AccountError::NameTaken) }
}

/// What no two accounts may have in common: the name, and each of its skeletons.
fn marks(name: &UserName) -> [String; 3] {
    let skeletons = name.skeletons();
    [
        format!("name {}", name.canonical()),
        format!("canonical {}", skeletons.canonical()),
        format!("shown {}", skeletons.shown()),
    ]
}

fn entry(line: usize, content: &str) -> Result<Entry, BadLine> {
    let bad = |name: Option<UserName>, reason: Sentence| BadLine { line, name, reason };
    let Some((name, secret)) = content.split_once([' ', '\t']) else {
        return Err(bad(None, Sentence::from(|texts: &Texts| texts.say().import_no_password())));
    };
    let name = UserName::parse(name).map_err(|error| bad(None, Sentence::about(error)))?;
    if let Err(error) = name.check_new() {
        return Err(bad(Some(name), Sentence::about(error)));
    }
    let secret = secret.trim_start();
    let secret = if secret.starts_with("$argon2") {
        match PasswordHash::parse(secret.trim_end()) {
            Ok(hash) => Secret::Hash(hash),
            Err(_) => return Err(bad(Some(name), Sentence::from(|texts: &Texts| texts.say().import_bad_hash()))),
        }
    } else {
        match Password::parse(secret) {
            Ok(password) => Secret::Password(password),
            Err(error) => return Err(bad(Some(name), Sentence::about(error))),
        }
    };
    Ok(Entry { line, name, secret })
}

/// Hashes the passwords, several in parallel. The accounts keep their order.
async fn hash_all(entries: Vec<Entry>, accounts: &SqlAccounts, texts: &Texts) -> Result<Vec<NewAccount>, CliError> {
    let passwords = entries.iter().filter(|entry| matches!(entry.secret, Secret::Password(_))).count();
    let progress = Progress::bar(passwords as u64, texts.say().progress_hashing());
    let mut hashes: Vec<Option<PasswordHash>> = Vec::new();
    let mut names = Vec::new();
    let mut running = JoinSet::new();
    for (place, Entry { name, secret, .. }) in entries.into_iter().enumerate() {
        names.push(name);
        match secret {
            Secret::Hash(hash) => hashes.push(Some(hash)),
            Secret::Password(password) => {
                hashes.push(None);
                if running.len() == HASHES_IN_PROGRESS.get() {
                    collect(running.join_next().await, &mut hashes, &progress)?;
                }
                let accounts = accounts.clone();
                running.spawn(async move { (place, accounts.hashes().hash(password).await) });
            }
        }
    }
    while let Some(done) = running.join_next().await {
        collect(Some(done), &mut hashes, &progress)?;
    }
    Ok(names.into_iter().zip(hashes).filter_map(|(name, hash)| Some(NewAccount::new(name, hash?))).collect())
}

type Hashed = Result<(usize, Result<PasswordHash, chat_store::hashing::HashError>), tokio::task::JoinError>;

fn collect(done: Option<Hashed>, hashes: &mut [Option<PasswordHash>], progress: &Progress) -> Result<(), CliError> {
    let Some(done) = done else { return Ok(()) };
    let (place, hash) = done.map_err(|error| CliError::failed(error.to_string()))?;
    hashes[place] = Some(hash.map_err(|error| CliError::failed(chain(error)))?);
    progress.advance();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

    fn bad_lines(text: &str) -> Vec<(usize, String)> {
        let english = Texts::default();
        ImportFile::parse(text).bad.iter().map(|bad| (bad.line, bad.reason.text(&english))).collect()
    }

    #[test]
    fn a_line_has_a_name_and_a_password_or_a_hash() {
        let file = ImportFile::parse(&format!(
            "# names\n\n小明 correct horse battery\r\nbob\t\tcorrect horse\ncarol {HASH}\n"
        ));
        assert!(!file.has_bad_lines(), "{:?}", file.bad);
        let [ming, bob, carol] = &file.entries[..] else { panic!("{file:?}") };
        assert_eq!((ming.line, ming.name.as_str(), bob.line, carol.line), (3, "小明", 4, 5));
        assert!(matches!(&ming.secret, Secret::Password(password) if password.expose() == "correct horse battery"));
        assert!(matches!(&bob.secret, Secret::Password(password) if password.expose() == "correct horse"));
        assert!(matches!(&carol.secret, Secret::Hash(hash) if hash.expose() == HASH));
    }

    #[test]
    fn every_bad_line_is_listed_and_none_quotes_a_secret() {
        let text = "alice correct horse\nhush-hush\nbob short\nserver correct horse\n@x correct horse\n\
                    carol $argon2id$nonsense\nALICE correct horse\ndave correct horse\n";
        let bad = bad_lines(text);
        let lines: Vec<usize> = bad.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [2, 3, 4, 5, 6, 7]);
        for ((line, reason), part) in
            bad.iter().zip(["a name and a password", "too short", "is reserved", "contains '@'", "argon2id", "line 1"])
        {
            assert!(reason.contains(part), "{line}: {reason}");
            assert!(!reason.contains("hush") && !reason.contains("nonsense"), "{reason}");
        }
    }

    #[test]
    fn names_that_look_alike_exclude_each_other() {
        assert_eq!(bad_lines("cope correct horse\nсоре correct horse\n").len(), 1);
    }
}
