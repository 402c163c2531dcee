//! An empty environment variable counts as not set.

use std::collections::BTreeSet;

use crate::harness::{Finished, Home, PASSWORD, finish};

/// Variables that are no options of clap, because their values are secret or their effect is the library's.
const FURTHER: [&str; 5] = ["CHAT_PASSWORD", "CHAT_INVITATION_CODE", "CHAT_DATABASE", "CHAT_TO_DATABASE", "RUST_LOG"];

/// The variables that the help of a program names.
fn variables(home: &Home, program: &str, commands: &[&[&str]]) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = FURTHER.map(str::to_owned).into();
    for command in commands {
        let help = home.run(program, &[command, &["--help"][..]].concat()).out;
        names.extend(help.split("[env: ").skip(1).map(|rest| rest.split(['=', ' ', ']']).next().unwrap().to_owned()));
    }
    names
}

#[test]
fn every_option_treats_an_empty_variable_like_none() {
    let home = Home::new();
    let mut tried = 0;
    for (program, commands, args) in [
        ("chat-client", &[&[][..], &["forget"]][..], &["--server", "127.0.0.1:1", "--user", "alice"][..]),
        ("chat-client", &[&[], &["forget"]], &["forget", "127.0.0.1:1"]),
        ("chat-server", &[&[], &["move"], &["user", "add"]], &["status"]),
        ("chat-server", &[&[], &["move"], &["user", "add"]], &["user", "list"]),
        ("chat-server", &[&[], &["move"], &["user", "add"]], &["user", "passwd", "alice"]),
        ("chat-server", &[&[], &["move"], &["user", "add"]], &["move"]),
    ] {
        let run = |variable: Option<&str>| {
            let mut command = home.command(program);
            command.args(args).envs(variable.map(|name| (name, "")));
            finish(&mut command)
        };
        let without = run(None);
        for variable in variables(&home, program, commands) {
            assert_eq!(run(Some(&variable)), without, "{program} {args:?} with an empty {variable}");
            tried += 1;
        }
    }
    assert!(tried > 100, "the help names variables: {tried}");
}

#[test]
fn the_help_names_variables_that_are_empty() {
    let home = Home::new();
    let help = |value| finish(home.command("chat-server").envs(value).arg("--help"));
    let Finished { code, out, .. } = help(Some(("CHAT_LISTEN", "")));
    assert_eq!(code, Some(0));
    assert_eq!(out, help(None).out);
}

#[test]
fn an_empty_variable_leaves_the_value_of_the_file() {
    let home = Home::new();
    let file = home.join("client.toml");
    std::fs::write(&file, "server = '127.0.0.1:1'\naccept-new = true\nuser = 'alice'\n").unwrap();
    let mut command = home.command("chat-client");
    command.env("CHAT_PASSWORD", PASSWORD).env("CHAT_CONFIG", &file);
    let Finished { code, err, .. } = finish(command.env("CHAT_SERVER", "").env("CHAT_ACCEPT_NEW", ""));
    assert_eq!(code, Some(3));
    assert!(err.starts_with("error: nothing answers at 127.0.0.1:1: "), "{err}");
}
