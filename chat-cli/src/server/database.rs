//! Which database: from an argument if it holds no password, else from a file or `CHAT_DATABASE`.

use std::fs;
use std::path::{Path, PathBuf};

use chat_store::StoreUrl;
use zeroize::Zeroizing;

use crate::error::CliError;

/// The environment variable.
const VARIABLE: &str = "CHAT_DATABASE";

/// The SQLite file in the data folder that is used unless another database is named.
const DEFAULT_FILE: &str = "chat.sqlite";

/// A database that was named, or the one of the data folder.
#[derive(Clone, Debug)]
pub struct Database(Option<StoreUrl>);

impl Database {
    /// Takes the argument if there is one, else the file, else the environment variable.
    ///
    /// # Errors
    /// The URL is none, or it holds a password and is an argument, which all users of the machine can see.
    pub fn choose(argument: Option<String>, file: Option<PathBuf>) -> Result<Self, CliError> {
        if let Some(url) = argument {
            if holds_password(&url) {
                return Err(CliError::usage("the database URL holds a password, and others can see arguments").hint(
                    format_args!("put it into the environment variable {VARIABLE}, or into a file for --database-file"),
                ));
            }
            return parse("--database", &url);
        }
        if let Some(path) = file {
            let text = fs::read_to_string(&path).map(Zeroizing::new).map_err(|error| {
                CliError::usage(format_args!("the database file {} cannot be read: {error}", path.display()))
            })?;
            return parse("--database-file", text.lines().next().unwrap_or_default().trim());
        }
        match std::env::var(VARIABLE).map(Zeroizing::new) {
            Ok(url) => parse(VARIABLE, &url),
            Err(std::env::VarError::NotPresent) => Ok(Self(None)),
            Err(std::env::VarError::NotUnicode(_)) => {
                Err(CliError::usage(format_args!("{VARIABLE} cannot be used: it is not UTF-8")))
            }
        }
    }

    /// Its URL, for a server with this data folder.
    pub fn url(&self, data_dir: &Path) -> StoreUrl {
        self.0.clone().unwrap_or_else(|| StoreUrl::sqlite(data_dir.join(DEFAULT_FILE)))
    }
}

fn parse(from: &str, url: &str) -> Result<Database, CliError> {
    match StoreUrl::parse(url) {
        Ok(url) => Ok(Database(Some(url))),
        Err(error) => Err(CliError::usage(format_args!("{from} cannot be used: {error}"))),
    }
}

/// Whether something stands where passwords stand in URLs. Looks at any URL, so that a mistyped one is not shown either.
fn holds_password(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    // The last @, because people forget to encode those of the password.
    rest.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence(result: Result<Database, CliError>) -> String {
        let error = result.unwrap_err();
        assert_eq!(error.exit().code(), 2);
        let mut out = Vec::new();
        error.show(&mut Vec::new(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_argument_comes_first_and_holds_no_password() {
        let file = Some("does-not-exist".into());
        let named = Database::choose(Some("mysql://ann@db/chat".into()), file).unwrap();
        assert_eq!(named.url(Path::new("data")).to_string(), "mysql://ann@db:3306/chat");
        for url in ["mysql://ann:hush@db/chat", "mysql://ann:hu@sh/@db/chat", "postgres://ann:hush@db/chat"] {
            let sentence = sentence(Database::choose(Some(url.into()), None));
            assert!(sentence.contains("others can see arguments") && !sentence.contains("hush"), "{url}");
        }
    }

    #[test]
    fn a_file_may_hold_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("url");
        fs::write(&path, "mysql://ann:hush@db/chat\n").unwrap();
        let database = Database::choose(None, Some(path.clone())).unwrap();
        assert_eq!(database.url(Path::new("data")).to_string(), "mysql://ann:***@db:3306/chat");
        fs::write(&path, "postgres://ann:hush@db/chat\n").unwrap();
        let wrong = sentence(Database::choose(None, Some(path)));
        assert!(wrong.starts_with("error: --database-file cannot be used: unknown kind of database"), "{wrong}");
        assert!(!wrong.contains("hush"));
        assert!(sentence(Database::choose(None, Some("none".into()))).contains("none cannot be read"));
    }

    #[test]
    fn otherwise_it_is_in_the_data_folder() {
        assert_eq!(Database(None).url(Path::new("data")).to_string(), "sqlite:data/chat.sqlite");
    }
}
