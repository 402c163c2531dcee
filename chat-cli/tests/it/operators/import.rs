//! `chat-server user import`: all accounts of a file or none, with a report for each line.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::Value;

use crate::harness::{Finished, Home, Server, path_text};

/// The hash of "password", from the reference implementation.
const HASH: &str = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

/// A private file with this content.
fn file(home: &Home, content: &str) -> PathBuf {
    let path = home.join("accounts");
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    path
}

fn import(home: &Home, content: &str, args: &[&str]) -> Finished {
    let path = file(home, content);
    home.operate(&[&["user", "import", path_text(&path)], args].concat())
}

/// The error without the note about a new database.
fn sentences(finished: &Finished) -> String {
    let is_note = |line: &&str| line.starts_with("note: there was no database file ");
    finished.err.lines().filter(|line| !is_note(line)).map(|line| format!("{line}\n")).collect()
}

#[test]
fn imported_users_log_in_with_a_password_or_the_password_of_a_hash() {
    let home = Home::new();
    let done = import(&home, &format!("# users\n小明 correct horse\n\nbob {HASH}\n"), &[]);
    assert_eq!(
        (done.code, done.out.as_str(), sentences(&done).as_str()),
        (
            Some(0),
            "line 2: 小明 is registered\nline 4: bob is registered with the given hash\n2 accounts imported\n",
            ""
        ),
    );
    let server = Server::start_in(&home, &[]);
    let _ming = server.client("小明").env("CHAT_PASSWORD", "correct horse").start();
    let _bob = server.client("bob").env("CHAT_PASSWORD", "password").start();
    let json = import(&home, "carol correct horse\n", &["--format", "json"]);
    assert_eq!(json.out, "{\"line\":1,\"user\":\"carol\",\"result\":\"registered\"}\n", "while the server runs");
}

#[test]
fn one_bad_line_prevents_the_import_and_all_bad_lines_are_listed() {
    let home = Home::new();
    assert_eq!(home.operate(&["user", "add", "dora"]).code, Some(0));
    let content = "alice correct horse\nhush-hush\nbob short\nDora correct horse\nALICE correct horse\n";
    let refused = import(&home, content, &[]);
    let path = home.join("accounts");
    assert_eq!((refused.code, refused.out.as_str()), (Some(1), ""));
    assert_eq!(
        sentences(&refused),
        format!(
            "line 2: a line needs a name and a password, with a space in between\n\
             line 3, bob: the password is too short; it needs at least 8 characters\n\
             line 4, Dora: that user name is taken, or looks like one that is taken\n\
             line 5, ALICE: the name is that of line 1, or looks like it\n\
             error: 4 lines of {} are wrong, so nothing was imported\n\
             hint: correct or remove these lines, and import the file again\n",
            path.display()
        )
    );
    let list = home.operate(&["user", "list"]).out;
    assert_eq!(list.lines().count(), 1, "{list}");

    let json = import(&home, content, &["--format", "json", "--lang", "zh-CN"]);
    let events: Vec<Value> = json.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let lines: Vec<&Value> = events[..4].iter().map(|event| &event["line"]).collect();
    assert_eq!(lines, [2, 3, 4, 5]);
    assert!(events[0]["user"].is_null() && events[1]["user"] == "bob" && events[1]["result"] == "refused");
    assert_eq!((&events[4]["event"], &events[4]["code"]), (&"error".into(), &"failed".into()));
    assert!(!json.out.contains("hush") && json.err.starts_with("错误："), "{json:?}");
}

#[test]
fn a_file_that_cannot_be_used_creates_nothing() {
    let home = Home::new();
    let missing = home.operate(&["user", "import", "none"]);
    assert_eq!(missing.code, Some(2));
    assert!(missing.err.starts_with("error: the file none cannot be read: "), "{}", missing.err);
    let bad = import(&home, "alice short\n", &[]);
    assert_eq!(bad.code, Some(1));
    assert!(!home.join("data").exists());
    let path = file(&home, "alice correct horse\nbob correct horse\n");
    let full = home.operate(&["--max-accounts", "1", "user", "import", path_text(&path)]);
    assert_eq!(full.code, Some(1), "{}", full.err);
    assert!(
        sentences(&full).starts_with("error: with these accounts there would be 2 accounts; at most 1 are allowed\n"),
        "{}",
        full.err
    );
}

#[test]
fn a_file_that_everybody_can_read_gets_a_warning() {
    let home = Home::new();
    let path = file(&home, "alice correct horse\n");
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let done = home.operate(&["user", "import", path_text(&path)]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    let note = format!("note: every user of this machine can read the passwords in {}; ", path.display());
    assert!(sentences(&done).starts_with(&note), "{}", done.err);
}
