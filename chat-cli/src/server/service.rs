//! `chat-server install-service` and `uninstall-service`: the server as a service of Windows.

use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::path::PathBuf;

use chat_store::{RosterUrl, StoreUrl};
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command};

use super::database;
use super::roster;
use super::settings::ServerSettings;
use crate::error::{self, CliError};
use crate::folder::DataFolder;
use crate::platform::service;
use crate::texts::Texts;
use crate::{environment, invitation};

/// The file in the data folder that receives what the server writes to standard error.
const LOG_FILE: &str = "service.log";

/// The command that the system runs.
const RUN: &str = "run-service";

/// The command that the service runs.
const SERVE: &str = "serve-until-input-ends";

/// The service to install.
#[derive(Debug)]
pub struct NewService {
    /// The options that the operator gave, except for the data folder.
    pub options: Vec<OsString>,
    /// The data folder, if the operator named one.
    pub data_dir: Option<PathBuf>,
    /// The address on which the server will listen.
    pub listen: SocketAddr,
}

impl NewService {
    /// The service that runs with these settings. The options are arguments that mean the same in another environment and
    /// another working folder.
    ///
    /// # Errors
    /// A secret comes from the environment, which a service does not have.
    pub(super) fn new(given: &ArgMatches, settings: &ServerSettings, listen: SocketAddr) -> Result<Self, CliError> {
        let is_argument = |id| given.value_source(id) == Some(ValueSource::CommandLine);
        if database::SOURCES.is_in_environment() && !is_argument("database") && !is_argument("database_file") {
            return Err(secret(database::SOURCES.variable).hint(|texts: &Texts| texts.say().hint_service_database()));
        }
        if roster::SOURCES.is_in_environment() && !is_argument("roster") && !is_argument("roster_file") {
            return Err(secret(roster::SOURCES.variable).hint(|texts: &Texts| texts.say().hint_service_roster()));
        }
        if environment::is_set(invitation::VARIABLE) {
            return Err(secret(invitation::VARIABLE).hint(|texts: &Texts| texts.say().hint_service_invitation()));
        }
        let definition = ServerSettings::augment_args(Command::new("settings"));
        let mut options = Vec::new();
        for option in definition.get_arguments().filter(|option| option.get_id() != "data_dir") {
            let id = option.get_id().as_str();
            let is_given = matches!(given.value_source(id), Some(ValueSource::CommandLine | ValueSource::EnvVariable));
            let (true, Some(name)) = (is_given, option.get_long()) else { continue };
            for value in given.get_raw(id).into_iter().flatten() {
                let mut argument = OsString::from(format!("--{name}="));
                argument.push(absolute(id, value));
                options.push(argument);
            }
        }
        Ok(Self { options, data_dir: settings.data_dir.clone(), listen })
    }

    /// Installs the service, and starts it. Returns what the operator should know.
    ///
    /// # Errors
    /// The system refuses, or the server does not run.
    pub(super) fn install(self, texts: &Texts) -> Result<String, CliError> {
        // Before anything is created.
        service::check_installable().map_err(refused)?;
        let folder = match self.data_dir {
            Some(folder) => std::path::absolute(&folder).unwrap_or(folder),
            None => service::default_folder().map_err(refused)?,
        };
        let folder = DataFolder::open(folder)?;
        let log = folder.join(LOG_FILE);
        let mut arguments: Vec<OsString> = vec![RUN.into(), "--log".into(), log.clone().into(), "--".into()];
        let mut data_dir = OsString::from("--data-dir=");
        data_dir.push(folder.path());
        arguments.push(data_dir);
        arguments.extend(self.options);
        arguments.push(SERVE.into());
        service::install(arguments, folder.path()).map_err(refused)?;
        let (log, folder) = (log.display().to_string(), folder.path().display().to_string());
        if !service::start().map_err(refused)? {
            return Err(CliError::not_there(move |texts: &Texts| texts.say().service_ended(&log))
                .hint(|texts: &Texts| texts.say().hint_service_ended()));
        }
        let t = texts.say();
        error::note(&t.note_service_folder(&folder), texts);
        if !self.listen.ip().is_loopback() {
            error::note(&t.note_service_firewall(self.listen.port().to_string()), texts);
        }
        Ok(format!("{}\n{}\n{}\n", t.service_runs(), t.start_folder(&folder), t.service_log(&log)))
    }
}

/// Stops the service, and removes it. Returns what the operator should know.
///
/// # Errors
/// The system refuses.
pub(super) fn uninstall(texts: &Texts) -> Result<String, CliError> {
    service::uninstall().map_err(refused)?;
    Ok(format!("{}\n", texts.say().service_removed()))
}

/// Runs as the service, with this log and the arguments of the server.
///
/// # Errors
/// The system did not start this process as a service.
pub(super) fn run(log: PathBuf, arguments: Vec<OsString>) -> Result<(), CliError> {
    service::run(log, arguments).map_err(refused)
}

/// The value of an option, with an absolute path if it is a path: services start in a folder of the system.
fn absolute(option: &str, value: &OsStr) -> OsString {
    match option {
        "config" | "database_file" | "roster_file" | "cert" | "key" | "presence_log" => {
            std::path::absolute(value).map_or_else(|_| value.to_owned(), OsString::from)
        }
        "database" => {
            let url = value.to_str().and_then(|text| StoreUrl::parse(text).ok());
            let path = url.as_ref().and_then(|url| url.sqlite_path()).and_then(|path| std::path::absolute(path).ok());
            path.map_or_else(|| value.to_owned(), |path| StoreUrl::sqlite(path).to_string().into())
        }
        "roster" => value.to_str().and_then(absolute_roster).map_or_else(|| value.to_owned(), Into::into),
        _ => value.to_owned(),
    }
}

/// The URL of a roster with an absolute path of its file of certificate authorities. `None` if it names none.
fn absolute_roster(url: &str) -> Option<String> {
    let parsed = RosterUrl::parse(url).ok()?;
    let file = std::path::absolute(parsed.ca_file()?).ok()?;
    // The characters that separate the parts of a URL, or encode one.
    let encode = |c: char| if "%&#?@".contains(c) { format!("%{:02X}", u32::from(c)) } else { c.to_string() };
    let file: String = file.to_str()?.chars().map(encode).collect();
    let (address, options) = url.split_once('?')?;
    let option = |option: &str| if option.starts_with("ca=") { format!("ca={file}") } else { option.to_owned() };
    Some(format!("{address}?{}", options.split('&').map(option).collect::<Vec<_>>().join("&")))
}

fn secret(variable: &str) -> CliError {
    let variable = variable.to_owned();
    CliError::usage(move |texts: &Texts| texts.say().service_secret(&variable))
}

fn refused(error: io::Error) -> CliError {
    match error.kind() {
        ErrorKind::Unsupported => CliError::usage(|texts: &Texts| texts.say().service_elsewhere())
            .hint(|texts: &Texts| texts.say().hint_service_elsewhere()),
        ErrorKind::PermissionDenied => CliError::not_there(|texts: &Texts| texts.say().service_not_allowed())
            .hint(|texts: &Texts| texts.say().hint_service_not_allowed()),
        ErrorKind::AlreadyExists => CliError::failed(|texts: &Texts| texts.say().service_exists())
            .hint(|texts: &Texts| texts.say().hint_service_exists()),
        ErrorKind::NotFound => CliError::failed(|texts: &Texts| texts.say().service_missing())
            .hint(|texts: &Texts| texts.say().hint_service_missing()),
        ErrorKind::ResourceBusy => CliError::not_there(|texts: &Texts| texts.say().service_being_removed())
            .hint(|texts: &Texts| texts.say().hint_service_being_removed()),
        ErrorKind::TimedOut => CliError::not_there(|texts: &Texts| texts.say().service_silent())
            .hint(|texts: &Texts| texts.say().hint_service_silent()),
        ErrorKind::NotConnected => CliError::usage(|texts: &Texts| texts.say().service_only_by_system())
            .hint(|texts: &Texts| texts.say().hint_service_missing()),
        _ => {
            let detail = error.to_string();
            CliError::not_there(move |texts: &Texts| texts.say().service_refused(&detail))
                .hint(|texts: &Texts| texts.say().hint_service_refused())
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::FromArgMatches;

    use super::*;

    fn options(args: &[&str]) -> Vec<String> {
        let given = ServerSettings::augment_args(Command::new("chat-server"))
            .get_matches_from([&["chat-server"], args].concat());
        let settings = ServerSettings::from_arg_matches(&given).unwrap();
        let service = NewService::new(&given, &settings, SocketAddr::from(([0; 4], 0))).unwrap();
        service.options.into_iter().map(|option| option.into_string().unwrap()).collect()
    }

    #[test]
    fn a_service_gets_the_options_that_were_given_with_absolute_paths() {
        let here = std::env::current_dir().unwrap();
        let at = |file: &str| here.join(file).display().to_string();
        assert_eq!(options(&["--data-dir", "data"]), [""; 0], "the data folder is added later");
        assert_eq!(
            options(&["--listen", "[::]:7777", "--max-guests=9", "--config", "我 的.toml", "--database", "sqlite:x y"]),
            [
                format!("--config={}", at("我 的.toml")),
                format!("--database=sqlite:{}", at("x y")),
                "--listen=[::]:7777".to_owned(),
                "--max-guests=9".to_owned(),
            ]
        );
        assert_eq!(options(&["--database", "mysql://ann@db/chat"]), ["--database=mysql://ann@db/chat"]);
        assert_eq!(options(&["--roster", "redis://db?room=a"]), ["--roster=redis://db?room=a"]);
        let roster = format!("--roster=rediss://chat@db?ca={}&room=a", at("a%40b.pem"));
        assert_eq!(options(&["--roster", "rediss://chat@db?ca=a%40b.pem&room=a"]), [roster]);
    }

    #[test]
    fn each_refusal_has_its_sentence_and_a_remedy() {
        for (kind, exit, sentence) in [
            (ErrorKind::Unsupported, 2, "only Windows has such services"),
            (ErrorKind::PermissionDenied, 3, "only an administrator can"),
            (ErrorKind::AlreadyExists, 1, "exists already"),
            (ErrorKind::NotFound, 1, "there is no service chat-server"),
            (ErrorKind::ResourceBusy, 3, "is still removing the service"),
            (ErrorKind::TimedOut, 3, "does not reach the state"),
            (ErrorKind::NotConnected, 2, "only Windows itself"),
            (ErrorKind::OutOfMemory, 3, "out of memory"),
        ] {
            let error = refused(kind.into());
            let mut shown = Vec::new();
            error.show(&mut Vec::new(), &mut shown).unwrap();
            let shown = String::from_utf8(shown).unwrap();
            assert!(shown.contains(sentence) && shown.contains("\nhint: "), "{kind:?}: {shown}");
            assert_eq!(error.exit().code(), exit, "{kind:?}");
        }
    }
}
