//! Databases: backup and restore, moving accounts, sharing, and missing or failing ones.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use chat_store::testing;

use crate::harness::{Finished, Home, Server, finish, path_text, until};

#[test]
fn a_backup_taken_while_the_server_runs_can_be_copied_back() {
    let home = Home::new();
    let mut server = Server::start_in(&home, &[]);
    let alice = server.client("alice").register().start();
    let copy = home.join("copy.sqlite");
    let made = home.operate(&["backup", path_text(&copy)]);
    assert_eq!((made.code, made.err.as_str()), (Some(0), ""));
    assert!(made.out.ends_with(&format!("is copied to {}\n", copy.display())), "{}", made.out);
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    let again = home.operate(&["backup", path_text(&copy)]);
    assert_eq!((again.code, again.out.as_str()), (Some(1), ""));
    let sentence = format!("error: the file {} exists already\nhint: ", copy.display());
    assert!(again.err.starts_with(&sentence), "{}", again.err);
    assert_eq!(home.operate(&["user", "add", "bob"]).code, Some(0), "after the copy");
    drop(alice);
    server.stop();

    for file in ["chat.sqlite", "chat.sqlite-wal", "chat.sqlite-shm"] {
        // SQLite removes the last two when the last connection closes.
        drop(fs::remove_file(home.join("data").join(file)));
    }
    fs::copy(&copy, home.join("data/chat.sqlite")).unwrap();
    let server = Server::start_in(&home, &[]);
    let list = home.operate(&["user", "list"]).out;
    assert!(list.starts_with("alice\tactive\t") && list.lines().count() == 1, "{list}");
    let back = ["--server", &server.address.to_string(), "--user", "alice", "--fingerprint"];
    let talk = home.run("chat-client", &[&back[..], &[&server.fingerprint]].concat());
    assert_eq!((talk.code, talk.err.as_str()), (Some(0), ""));
    let empty = home.join("empty");
    let nothing = home.run("chat-server", &["--data-dir", path_text(&empty), "backup", path_text(&home.join("x"))]);
    assert_eq!(nothing.code, Some(1));
    assert!(nothing.err.contains("there is no database file ") && !empty.join("chat.sqlite").exists());
}

#[test]
fn commands_with_another_data_folder_report_the_missing_database() {
    let home = Home::new();
    let none = home.join("chat.sqlite");
    let database = format!("sqlite:{}", none.display());
    let at = |args: &[&str]| home.operate(&[&["--database", &database], args].concat());
    let new = home.operate(&["fingerprint"]);
    assert_eq!((new.code, new.err.ends_with(" contained no key; created a new one\n")), (Some(0), true), "{}", new.err);
    let same = home.operate(&["fingerprint"]);
    assert_eq!((same.out, same.err.as_str()), (new.out, ""));
    for task in [&["user", "list"][..], &["user", "disable", "bob"], &["move", "--to-database", "sqlite:other"]] {
        let wrong = at(task);
        assert_eq!((wrong.code, wrong.out.as_str()), (Some(1), ""), "{task:?}");
        let sentence = format!("error: there is no database file {}\nhint: name the data folder", none.display());
        assert!(wrong.err.starts_with(&sentence), "{}", wrong.err);
        assert!(!none.exists());
    }
    let added = at(&["user", "add", "bob"]);
    assert_eq!((added.code, added.out.as_str()), (Some(0), "bob is registered\n"));
    assert_eq!(added.err, format!("note: there was no database file {}; a new one is created\n", none.display()));
    let again = at(&["user", "add", "carol"]);
    assert_eq!((again.code, again.err.as_str()), (Some(0), ""));
}

#[test]
fn a_second_server_on_one_sqlite_file_warns_and_cannot_move_its_accounts() {
    let home = Home::new();
    let file = home.join("shared.sqlite");
    let database = format!("sqlite:{}", file.display());
    let mut first = Server::start_in(&home, &["--database", &database]);
    let folder = home.join("elsewhere");
    let elsewhere = ["--data-dir", path_text(&folder), "--database", &database];
    let target = home.join("target.sqlite");
    let to = format!("sqlite:{}", target.display());
    let moved = home.run("chat-server", &[&elsewhere[..], &["move", "--to-database", &to]].concat());
    assert_eq!((moved.code, moved.out.as_str()), (Some(3), ""));
    assert!(moved.err.starts_with("error: a server uses sqlite:"), "{}", moved.err);
    assert!(!target.exists() && !home.join("target.sqlite.lock").exists(), "a refused move creates no database");
    let mut second = Server::start_in(&Home::new(), &["--database", &database]);
    second.process.errors_with("another server uses this database");
    assert!(!first.process.errors().contains("another server"), "{}", first.process.errors());
    second.stop();
    first.stop();
}

#[test]
fn a_failing_database_is_logged_once_and_clients_do_not_see_the_reason() {
    let home = Home::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let database = testing::sqlite();
    let mut server = Server::start_in(&home, &["--database", database.url_text()]);
    let talk = ["--server", &server.address.to_string(), "--user", "alice", "--accept-new", "--register"];
    runtime.block_on(database.execute("ALTER TABLE accounts RENAME TO away;"));
    for _ in 0..2 {
        let refused = home.run("chat-client", &talk);
        assert_eq!(refused.code, Some(3));
        assert!(refused.err.contains("cannot reach its storage") && !refused.err.contains("table"), "{}", refused.err);
    }
    server.stop();
    let said = server.process.errors();
    assert_eq!(said.matches("the accounts are unavailable").count(), 1, "{said}");
    assert!(said.contains("no such table: accounts"), "{said}");
}

#[test]
fn accounts_move_to_mysql_and_back() {
    let home = Home::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mysql = runtime.block_on(testing::mysql());
    let url = home.join("url");
    fs::write(&url, mysql.url_text()).unwrap();
    fs::set_permissions(&url, PermissionsExt::from_mode(0o600)).unwrap();
    let there = ["move", "--to-database-file", path_text(&url)];
    let mut server = Server::start_in(&home, &[]);
    drop(server.client("小明").register().start());
    assert_eq!(home.operate(&["user", "add", "bob"]).code, Some(0));
    assert_eq!(home.operate(&["user", "disable", "bob"]).code, Some(0));
    let running = home.operate(&there);
    assert_eq!(running.code, Some(3));
    assert!(running.err.contains("is in use by another server (process"), "{}", running.err);
    server.stop();

    let before = home.operate(&["user", "list"]).out;
    let moved = home.operate(&there);
    assert_eq!((moved.code, moved.err.as_str()), (Some(0), ""));
    assert!(moved.out.starts_with("copied 2 accounts to mysql://"), "{}", moved.out);
    let in_mysql = ["--database-file", path_text(&url)];
    assert_eq!(home.operate(&[&in_mysql[..], &["user", "list"]].concat()).out, before);
    let again = home.operate(&there);
    assert_eq!(again.code, Some(1));
    assert!(again.err.contains("holds accounts already (2); name an empty database"), "{}", again.err);

    let mut server = Server::start_in(&home, &in_mysql);
    let talk = ["--server", &server.address.to_string(), "--user", "小明", "--fingerprint"];
    let fingerprint = server.fingerprint.clone();
    let talk = home.run("chat-client", &[&talk[..], &[&fingerprint]].concat());
    assert_eq!((talk.code, talk.err.as_str()), (Some(0), ""), "the password is the same");
    let busy = home.join("busy");
    let back = format!("sqlite:{}", home.join("back.sqlite").display());
    let back = [&in_mysql[..], &["move", "--to-database", &back]].concat();
    let elsewhere = home.run("chat-server", &[&["--data-dir", path_text(&busy)], &back[..]].concat());
    assert_eq!(elsewhere.code, Some(3));
    assert!(elsewhere.err.starts_with("error: a server uses mysql://"), "{}", elsewhere.err);
    server.stop();
    let without_seen =
        |list: &str| -> Vec<String> { list.lines().map(|line| line.rsplit_once('\t').unwrap().0.to_owned()).collect() };
    // The database server notices the end of the claim a moment later.
    until("the claim has ended", || home.operate(&back).code == Some(0));
    let list = home.operate(&["--database", back[4], "user", "list"]).out;
    assert_eq!(without_seen(&list), without_seen(&before));
}

#[test]
fn backup_of_a_mysql_database_names_the_tool_and_hides_the_password() {
    let home = Home::new();
    let mut command = home.command("chat-server");
    command.env("CHAT_DATABASE", "mysql://ann:hush@db:3307/chat").args(["backup", "x"]);
    let Finished { code, out, err } = finish(&mut command);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(err.contains("mariadb-dump --single-transaction --hex-blob") && err.contains("--user=ann"), "{err}");
    assert!(!err.contains("hush"), "{err}");
}
