//! The password of a database never appears, wherever and in whichever form the URL is given.

use std::ffi::OsStr;
use std::fs;

use crate::harness::{Finished, Home, finish, path_text};

/// A part of every password.
const SECRET: &str = "Zx9secret";

/// URLs whose password is not percent-encoded, so that a parser takes a part of it for something else.
const UNREADABLE: [&str; 8] = [
    "mysql://chat:/Zx9secret@127.0.0.1:1/db",
    "mysql://chat:2024?Zx9secret@127.0.0.1:1/db",
    "mysql://chat:2024/Zx9secret@127.0.0.1:1/db",
    "mysql://chat:a#Zx9secret@127.0.0.1:1/db",
    "mysql://chat:2024#Zx9secret@127.0.0.1:1/db",
    "mysql://chat:@/Zx9secret@127.0.0.1:1/db?require_ssl=true",
    "mysql://chat:Zx9secret/@127.0.0.1:1/db?socket=/no/socket",
    "mysql://chat:?Zx9secret=Zx9secret@127.0.0.1:1/db",
];

/// URLs that can be read, or whose scheme is unknown.
const OTHERS: [&str; 6] = [
    "mysql://chat:Zx9@Zx9secret@127.0.0.1:1/db",
    "mysql://chat:%zzZx9secret@127.0.0.1:1/db",
    "mysql://chat:Zx9secret@127.0.0.1/db?socket=/no/socket",
    "mysql://chat:Zx9secret@127.0.0.1:1/db?option=Zx9secret",
    "postgres://chat:/Zx9secret@127.0.0.1:1/db",
    "sqlite:mysql://chat:Zx9secret@127.0.0.1:1/db",
];

/// Runs a program to its end and asserts that it fails without showing the secret, at any level of the log.
#[track_caller]
fn run(home: &Home, variables: &[(&str, &str)], args: &[&str]) -> Finished {
    // An option of serving, which commands refuse.
    let is_command = args.iter().any(|arg| ["user", "backup", "move", "status"].contains(arg));
    let listen: &[&str] = if is_command { &[] } else { &["--listen", "127.0.0.1:0"] };
    let mut command = home.command("chat-server");
    command.env("RUST_LOG", "trace").envs(variables.iter().copied()).args(listen).args(args);
    let finished = finish(&mut command);
    for text in [&finished.out, &finished.err] {
        assert!(!text.contains(SECRET) && !text.contains("Zx9"), "{variables:?} {args:?}: {text}");
    }
    assert!(finished.code.is_some_and(|code| code != 0), "{variables:?} {args:?}: {}", finished.out);
    finished
}

#[test]
fn no_part_of_a_database_password_is_shown_wherever_the_url_comes_from() {
    let home = Home::new();
    let (file, config) = (home.join("url"), home.join("server.toml"));
    let data = home.join("data");
    let data = ["--data-dir", path_text(&data)];
    for url in UNREADABLE.into_iter().chain(OTHERS) {
        fs::write(&file, url).unwrap();
        fs::write(&config, format!("database = '{url}'\n")).unwrap();
        let copy = home.join("copy");
        for task in [&[][..], &["user", "list"], &["backup", path_text(&copy)], &["move", "--to-database", "sqlite:x"]]
        {
            for (variables, args) in [
                (&[("CHAT_DATABASE", url)][..], &[][..]),
                (&[], &["--database-file", path_text(&file)]),
                (&[("CHAT_DATABASE_FILE", path_text(&file))], &[]),
                (&[], &["--config", path_text(&config)]),
            ] {
                let finished = run(&home, variables, &[&data[..], args, task].concat());
                if UNREADABLE.contains(&url) {
                    assert_eq!(finished.code, Some(2), "{url}: {}", finished.err);
                    assert!(finished.err.contains("%2F for /"), "{url}: {}", finished.err);
                }
            }
        }
        let argument = run(&home, &[], &[&data[..], &["--database", url]].concat());
        assert!(argument.err.contains("other users can see arguments"), "{}", argument.err);
    }
}

#[test]
fn no_part_of_the_password_of_the_target_is_shown() {
    let home = Home::new();
    assert_eq!(home.operate(&["user", "add", "bob"]).code, Some(0));
    let (file, data) = (home.join("url"), home.join("data"));
    let to = ["--data-dir", path_text(&data), "move"];
    for url in UNREADABLE.into_iter().chain(OTHERS) {
        fs::write(&file, url).unwrap();
        run(&home, &[("CHAT_TO_DATABASE", url)], &to);
        run(&home, &[], &[&to[..], &["--to-database-file", path_text(&file)]].concat());
        run(&home, &[], &[&to[..], &["--to-database", url]].concat());
    }
}

#[test]
fn no_part_of_a_database_password_is_shown_in_a_place_for_something_else() {
    let home = Home::new();
    let config = home.join("server.toml");
    for url in UNREADABLE.into_iter().chain(OTHERS) {
        let joined = ["--databse=", url].concat();
        for args in [
            &["--database-file", url][..],
            &["move", "--to-database-file", url],
            &["backup", url],
            &["--data-dir", url, "user", "list"],
            &["--config", url],
            &["--databse", url],
            &[&joined],
            &[url],
            &["user", url],
            &["user", "add", url],
            &["user", "list", "--format", url],
            &["status", url],
        ] {
            assert_eq!(run(&home, &[], args).code, Some(2), "{args:?}");
        }
        for variable in
            ["CHAT_DATABASE_FILE", "CHAT_DATA_DIR", "CHAT_CONFIG", "CHAT_CERT", "CHAT_LISTEN", "CHAT_METRICS"]
        {
            assert_eq!(run(&home, &[(variable, url)], &["user", "list"]).code, Some(2), "{variable}");
        }
        for content in [
            format!("database-file = '{url}'"),
            format!("data-dir = '{url}'"),
            format!("listen = '{url}'"),
            format!("max-connections = '{url}'"),
            format!("registration = '{url}'"),
            format!("databse = '{url}'"),
            format!("'{url}' = 1"),
            format!("database = ['{url}']"),
            format!("database = {url}"),
            format!("listen = '''\n{url}'''"),
            url.to_owned(),
        ] {
            fs::write(&config, &content).unwrap();
            let finished = run(&home, &[], &["--config", path_text(&config), "user", "list"]);
            assert_eq!(finished.code, Some(2), "{content}: {}", finished.err);
        }
    }
    let left = fs::read_dir(home.join(".")).unwrap().map(|file| file.unwrap().file_name());
    let left: Vec<_> = left.filter(|name| name != OsStr::new("server.toml") && name != OsStr::new(".local")).collect();
    assert!(left.is_empty(), "no file or folder is named after a URL: {left:?}");
}
