//! Database URLs with a password in places where they do not belong: arguments, and options that take something else.
//!
//! A message about a wrong value quotes the value. A URL with a password is therefore refused first, with a message
//! that does not quote it.

use std::ffi::{OsStr, OsString};

use clap::Command;

use crate::error::CliError;
use crate::texts::Texts;

/// The options that take the URL of a database, each with its environment variable.
const OPTIONS: [(&str, &str); 3] =
    [("--database", "CHAT_DATABASE"), ("--to-database", "CHAT_TO_DATABASE"), (ROSTER, "CHAT_ROSTER")];

/// The option that takes the URL of a roster.
const ROSTER: &str = "--roster";

/// The environment variables that may contain anything, because no message quotes them.
const SECRET_VARIABLES: [&str; 5] =
    ["CHAT_DATABASE", "CHAT_TO_DATABASE", "CHAT_ROSTER", "CHAT_PASSWORD", "CHAT_INVITATION_CODE"];

/// The beginnings of database URLs. The schemes match URLs in which the slashes are missing.
const MARKS: [&str; 7] = ["://", "mysql:", "mariadb:", "postgres:", "postgresql:", "redis:", "rediss:"];

/// Returns whether a text contains a URL with any text in the place of a password. The scheme may be mistyped, and the
/// password may contain characters that are not percent-encoded.
pub fn holds_password(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let Some((scheme, rest)) = MARKS.iter().find_map(|mark| text.split_once(mark)) else { return false };
    if scheme.ends_with("sqlite") && rest.starts_with('/') {
        // The path of a file may contain anything.
        return holds_password(rest);
    }
    let in_login = rest.rsplit_once('@').is_some_and(|(login, _)| login.contains(':'));
    in_login || rest.contains("password=")
}

/// Whether a text with a URL that holds a password is about a roster: the scheme decides, and if it is another one, the
/// option, key or variable that the text belongs to. The scheme may follow other text, and its slashes may be missing.
pub fn is_of_roster(name: &str, text: &str) -> bool {
    let before = text.split_once(':').map_or("", |(before, _)| before).to_ascii_lowercase();
    match before.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default() {
        "redis" | "rediss" => true,
        "mysql" | "mariadb" | "postgres" | "postgresql" | "sqlite" => false,
        _ => name.to_ascii_lowercase().contains("roster"),
    }
}

/// Refuses arguments with a database URL that holds a password, which other users of the machine can see.
///
/// # Errors
/// An argument holds one. The message does not quote it.
pub fn check_arguments(args: &[OsString]) -> Result<(), CliError> {
    let Some(index) = args.iter().position(|arg| holds_password(&arg.to_string_lossy())) else { return Ok(()) };
    let names_target = |arg: Option<&OsString>| arg.is_some_and(|arg| arg.to_string_lossy().starts_with("--to-"));
    let is_target = names_target(args.get(index)) || names_target(index.checked_sub(1).and_then(|at| args.get(at)));
    let (arg, before) = (args[index].to_string_lossy(), index.checked_sub(1).and_then(|at| args.get(at)));
    let name =
        if arg.starts_with("--") { arg.clone() } else { before.map(|arg| arg.to_string_lossy()).unwrap_or_default() };
    let name = name.split('=').next().unwrap_or_default();
    let option = if is_of_roster(name, &arg) { ROSTER } else { OPTIONS[usize::from(is_target)].0 };
    Err(argument_error(option))
}

/// The error of an argument with a password, for an option that takes the URL of a database.
pub fn argument_error(option: &str) -> CliError {
    let variable = OPTIONS.iter().find(|(known, _)| *known == option).map_or(OPTIONS[0].1, |(_, variable)| variable);
    let (variable, option) = (variable.to_owned(), option.to_owned());
    let is_roster = option == ROSTER;
    let sentence = move |texts: &Texts| match is_roster {
        true => texts.say().roster_url_in_argument(),
        false => texts.say().database_url_in_argument(),
    };
    CliError::usage(sentence).hint(move |texts: &Texts| texts.say().hint_database_url_in_argument(&variable, &option))
}

/// Refuses environment variables of the options of `command` that hold a database URL although they are for something
/// else. No message quotes other variables.
///
/// # Errors
/// A variable holds one. The message does not quote it.
pub fn check_environment(
    command: &Command,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<(), CliError> {
    for (name, value) in variables {
        let text = name.to_string_lossy();
        if is_of_option(command, &name) && !SECRET_VARIABLES.contains(&&*text) {
            check_value(&text, &value)?;
        }
    }
    Ok(())
}

fn is_of_option(command: &Command, variable: &OsStr) -> bool {
    command.get_arguments().any(|option| option.get_env() == Some(variable))
        || command.get_subcommands().any(|command| is_of_option(command, variable))
}

/// Refuses the value of an option, key or variable that holds a database URL although it is for something else.
///
/// # Errors
/// The value holds one. The message does not quote it.
pub fn check_value(name: &str, value: &OsStr) -> Result<(), CliError> {
    let value = value.to_string_lossy();
    if !holds_password(&value) {
        return Ok(());
    }
    let (is_roster, name) = (is_of_roster(name, &value), name.to_owned());
    let error = CliError::usage(move |texts: &Texts| match is_roster {
        true => texts.say().roster_url_misplaced(&name),
        false => texts.say().database_url_misplaced(&name),
    });
    Err(error.hint(move |texts: &Texts| match is_roster {
        true => texts.say().hint_roster_url_misplaced(),
        false => texts.say().hint_database_url_misplaced(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_found_in_any_url() {
        for text in [
            "mysql://ann:hush@db/chat",
            "mysql://ann:/hush@db/chat",
            "mysql://ann:2024?hush@db/chat",
            "mysql://ann:hu#sh@db/chat",
            "mysql://:hush@db/chat",
            "postgres://ann:hu@sh@db/chat",
            "--databse=mysql://ann:hush@db/chat",
            "mysql:ann:hush@db/chat",
            "MySQL:/ann:hush@db/chat",
            "mariadb:/ann:hush@db/chat",
            "redis://:hush@db",
            "rediss:chat:hush@db",
            "sqlite://ann:hush@db/chat",
            "sqlite:mysql://ann:hush@db/chat",
            "sqlite:///mysql://ann:hush@db/chat",
            "jdbc:mysql://db/chat?user=ann&Password=hush",
        ] {
            assert!(holds_password(text), "{text}");
        }
        for text in [
            "",
            "chat.sqlite",
            "sqlite:/a:b@c",
            "sqlite:///a:b@c",
            "mysql://ann@db:3306/chat",
            "mysql://db:3306/chat",
            "127.0.0.1:7777",
            "[::1]:7777",
            "/etc/chat@home:1.pem",
        ] {
            assert!(!holds_password(text), "{text}");
        }
    }

    #[test]
    fn the_hint_names_the_option_that_was_meant() {
        let url = "mysql://ann:hush@db/chat";
        for (args, option) in [
            (&["--database", url][..], "--database"),
            (&[url], "--database"),
            (&["--to-database", url], "--to-database"),
            (&["--to-database=mysql://ann:hush@db/chat"], "--to-database"),
            (&["move", "--to-database-file", url], "--to-database"),
            (&["--roster", "redis://chat:hush@db"], "--roster"),
            (&["--rooster=rediss://:hush@db?ca=x"], "--roster"),
            (&["--database", "mysql://ann:hush@redis.example/chat"], "--database"),
            (&["--database=mysql://ann:hush@redis.example/chat"], "--database"),
            (&["--database", "redis://chat:hush@db"], "--roster"),
            (&["--roster", "valkey://chat:hush@db"], "--roster"),
            (&["--roster=valkey://chat:hush@db"], "--roster"),
        ] {
            let args: Vec<OsString> = args.iter().map(Into::into).collect();
            let shown = format!("{:?}", check_arguments(&args).unwrap_err());
            assert!(shown.contains(&format!("a file for {option}-file")) && !shown.contains("hush"), "{shown}");
        }
    }

    #[test]
    fn a_misplaced_url_of_a_roster_belongs_elsewhere_than_that_of_a_database() {
        for (name, value, remedy) in [
            ("CHAT_ROSTER_FILE", "redis://chat:hush@db", "CHAT_ROSTER, into the key roster"),
            ("FILE: cert", "rediss:/:hush@db", "CHAT_ROSTER, into the key roster"),
            ("CHAT_ROSTER_FILE", "valkey://chat:hush@db", "CHAT_ROSTER, into the key roster"),
            ("CHAT_DATABASE_FILE", "mysql://ann:hush@redis/chat", "CHAT_DATABASE, into the key database"),
            ("CHAT_CONFIG", "jdbc://ann:hush@db", "CHAT_DATABASE, into the key database"),
        ] {
            let shown = format!("{:?}", check_value(name, value.as_ref()).unwrap_err());
            assert!(shown.contains(remedy) && !shown.contains("hush"), "{shown}");
        }
    }

    #[test]
    fn only_variables_for_something_else_are_refused() {
        let url = "mysql://ann:hush@db/chat";
        let option = |name: &'static str| clap::Arg::new(name).long(name).env(name);
        let command = Command::new("server")
            .args(["CHAT_DATABASE", "CHAT_CONFIG", "CHAT_LISTEN"].map(option))
            .subcommand(Command::new("move").arg(option("CHAT_DATABASE_FILE")));
        let check = |name: &str| check_environment(&command, [(name.into(), url.into())]);
        for name in ["CHAT_DATABASE", "CHAT_TO_DATABASE", "CHAT_PASSWORD", "CHAT_TEST_MYSQL_URL", "HOME"] {
            assert!(check(name).is_ok(), "{name}");
        }
        for name in ["CHAT_DATABASE_FILE", "CHAT_CONFIG", "CHAT_LISTEN"] {
            let shown = format!("{:?}", check(name).unwrap_err());
            assert!(shown.contains(name) && !shown.contains("hush"), "{shown}");
        }
    }
}
