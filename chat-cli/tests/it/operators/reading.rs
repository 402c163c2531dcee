//! Commands that only read need no more than the right to read: from databases on which a user has few rights, and from
//! files that cannot be written.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use chat_store::testing::{self, MySqlServer, TestDatabase};
use rustix::process::Signal;

use crate::harness::{Finished, Home, PASSWORD, Server, assert_contains, block_on, finish, path_text};

/// A `chat-server` command to which file modes apply, even if root runs the tests.
fn bound_by_modes(home: &Home, args: &[&str]) -> Command {
    let server = home.command("chat-server");
    let mut command = if rustix::process::geteuid().is_root() {
        const CAPABILITIES: &str = "-dac_override,-dac_read_search";
        let mut command = home.command("/usr/bin/setpriv");
        command.args(["--bounding-set", CAPABILITIES, "--inh-caps", CAPABILITIES, "--"]).arg(server.get_program());
        command
    } else {
        server
    };
    command.env("CHAT_PASSWORD", PASSWORD).args(args);
    command
}

fn run(home: &Home, args: &[&str]) -> Finished {
    finish(&mut bound_by_modes(home, args))
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

/// All files of a folder with their contents, except the one that a `move` locks.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files
        .filter(|file| file.is_file() && !file.ends_with("lock"))
        .map(|file| (file.clone(), fs::read(file).unwrap()))
        .collect()
}

#[test]
fn an_sqlite_file_that_is_readable_only_is_listed_copied_and_moved() {
    let home = Home::new();
    let data = home.join("data");
    assert_eq!(home.operate(&["user", "add", "bob"]).code, Some(0));
    let file = data.join("chat.sqlite");
    let before = contents(&data);
    let here = ["--data-dir", path_text(&data)];
    for (number, (file_mode, folder_mode)) in [(0o444, 0o555), (0o600, 0o555), (0o444, 0o755)].into_iter().enumerate() {
        set_mode(&file, file_mode);
        set_mode(&data, folder_mode);
        let list = run(&home, &[&here[..], &["user", "list"]].concat());
        assert_eq!((list.code, list.err.as_str()), (Some(0), ""), "{file_mode:o} {folder_mode:o}");
        assert!(list.out.starts_with("bob\tactive\t"), "{}", list.out);
        let copy = home.join(&format!("copy{number}"));
        let copied = run(&home, &[&here[..], &["backup", path_text(&copy)]].concat());
        assert_eq!((copied.code, copied.err.as_str()), (Some(0), ""), "{file_mode:o} {folder_mode:o}");
        let copied = home.run("chat-server", &["--database", &format!("sqlite:{}", copy.display()), "user", "list"]);
        assert_eq!(copied.out, list.out);
        let to = format!("sqlite:{}", home.join(&format!("target{number}")).display());
        let moved = run(&home, &[&here[..], &["move", "--to-database", &to]].concat());
        assert_eq!(moved.code, Some(0), "{file_mode:o} {folder_mode:o}: {}", moved.err);
        assert!(moved.out.starts_with("copied 1 account to sqlite:"), "{}", moved.out);
        if folder_mode == 0o555 {
            assert_contains(&moved.err, &format!("the data folder {} cannot be locked; make sure", data.display()));
            assert_contains(
                &moved.err,
                &format!("sqlite:{} cannot be claimed; make sure that no server", file.display()),
            );
        }
        let database = format!("sqlite:{}", file.display());
        let elsewhere = home.join("elsewhere");
        let elsewhere = ["--data-dir", path_text(&elsewhere), "--database", &database];
        for task in [&["user", "add", "carol"][..], &["--listen", "127.0.0.1:0"]] {
            let refused = run(&home, &[&elsewhere[..], task].concat());
            assert_eq!(refused.code, Some(3), "{task:?}: {}", refused.err);
            let sentence =
                format!("error: the database file {} cannot be changed; this needs a file and a", file.display());
            assert_contains(&refused.err, &sentence);
        }
        set_mode(&data, 0o700);
        assert!(contents(&data) == before, "nothing is changed or left behind: {:?}", contents(&data).keys());
    }
    set_mode(&file, 0o600);
    assert_eq!(home.operate(&["user", "add", "carol"]).code, Some(0), "the file can be used again");
}

#[test]
fn changes_in_the_write_ahead_log_are_read_or_reported() {
    let home = Home::new();
    let data = home.join("data");
    let here = ["--data-dir", path_text(&data), "user", "list"];
    let mut server = Server::start_in(&home, &[]);
    drop(server.client("alice").register().start());
    assert_eq!(server.operate(&["user", "add", "bob"]).code, Some(0));
    server.process.signal(Signal::KILL);
    server.process.exit();
    assert!(fs::metadata(data.join("chat.sqlite-wal")).unwrap().len() > 0, "the log holds the changes");
    set_mode(&data.join("chat.sqlite"), 0o444);
    set_mode(&data, 0o555);
    let list = run(&home, &here);
    assert_eq!((list.code, list.err.as_str()), (Some(0), ""));
    assert_eq!(list.out.lines().count(), 2, "{}", list.out);

    set_mode(&data, 0o755);
    fs::remove_file(data.join("chat.sqlite-shm")).unwrap();
    set_mode(&data, 0o555);
    let list = run(&home, &here);
    assert_eq!((list.code, list.out.as_str()), (Some(3), ""));
    assert_contains(
        &list.err,
        "are in another file beside it, which cannot be read in a folder that is not writable; copy it with its -wal, ",
    );
    set_mode(&data, 0o755);
}

#[test]
fn a_file_in_a_folder_of_others_is_not_reported_as_missing() {
    let home = Home::new();
    assert_eq!(home.operate(&["user", "add", "bob"]).code, Some(0));
    let data = home.join("data");
    set_mode(&data, 0);
    let sentence = "cannot be read; it must be an SQLite database: Permission denied";
    for task in [&["user", "list"][..], &["backup", "copy"]] {
        let refused = run(&home, &[&["--data-dir", path_text(&data)], task].concat());
        assert!(refused.code.is_some_and(|code| code != 0), "{task:?}");
        assert_contains(&refused.err, sentence);
    }
    set_mode(&data, 0o700);
}

/// Creates a user with these rights on the database, and returns the URL for that user.
fn user_with(database: &TestDatabase, user: &str, rights: &str) -> String {
    let (_, rest) = database.url_text().rsplit_once('@').unwrap();
    let own = rest.rsplit_once('/').unwrap().1;
    // The server is shared, and its users are too.
    let user = format!("{user}_{}", &own[own.len() - 8..]);
    block_on(database.execute(&format!("CREATE USER '{user}'@'%' IDENTIFIED BY 'hush-hush';")));
    block_on(database.execute(&format!("GRANT {rights} ON `{own}`.* TO '{user}'@'%';")));
    format!("mysql://{user}:hush-hush@{rest}")
}

const PURGE: [&str; 4] = ["purge", "--unused-for", "30d", "--yes"];

fn with_database(home: &Home, url: &str, args: &[&str]) -> Finished {
    let mut command = home.command("chat-server");
    command.env("CHAT_DATABASE", url).env("CHAT_PASSWORD", PASSWORD);
    finish(command.args(["--data-dir", path_text(&home.join("data"))]).args(args))
}

#[test]
fn a_mysql_user_needs_only_the_rights_of_the_command() {
    let home = Home::new();
    let database = block_on(testing::mysql());
    let reader = user_with(&database, "reader", "SELECT");
    let writer = user_with(&database, "writer", "SELECT, INSERT, UPDATE");
    let purger = user_with(&database, "purger", "SELECT, DELETE");
    let empty = with_database(&home, &reader, &["user", "list"]);
    assert_eq!(empty.code, Some(3));
    assert_contains(&empty.err, "error: the database is empty; start the server with it, or add an account");
    let empty = with_database(&home, &writer, &["user", "add", "bob"]);
    assert_eq!(empty.code, Some(3));
    assert_contains(
        &empty.err,
        "cannot be brought up to date; this needs all rights on the database: CREATE command denied",
    );
    assert_eq!(with_database(&home, database.url_text(), &["user", "add", "bob"]).code, Some(0));

    let list = with_database(&home, &reader, &["user", "list"]);
    assert_eq!((list.code, list.err.as_str()), (Some(0), ""));
    assert!(list.out.starts_with("bob\tactive\t"), "{}", list.out);
    for (user, task) in [(&reader, &PURGE[..3]), (&purger, &PURGE[..])] {
        let purged = with_database(&home, user, &[&["user"], task].concat());
        assert_eq!((purged.code, purged.err.as_str()), (Some(0), ""), "{task:?}");
    }
    let to = format!("sqlite:{}", home.join("target").display());
    let moved = with_database(&home, &reader, &["move", "--to-database", &to]);
    assert_eq!((moved.code, moved.err.as_str()), (Some(0), ""));
    let refused = with_database(&home, &reader, &["user", "add", "carol"]);
    assert_eq!(refused.code, Some(1));
    assert_contains(&refused.err, "INSERT command denied to user");

    for task in [&["user", "add", "carol"][..], &["user", "passwd", "carol"], &["user", "disable", "carol"]] {
        let done = with_database(&home, &writer, task);
        assert_eq!((done.code, done.err.as_str()), (Some(0), ""), "{task:?}");
    }
    let mut command = home.command("chat-server");
    command.env("CHAT_DATABASE", &writer).args(["--data-dir", path_text(&home.join("data"))]);
    let mut server = Server::start_command(&home, command.args(["--listen", "127.0.0.1:0"]));
    drop(server.client("alice").register().start());
    server.stop();
    assert_eq!(server.process.errors(), "");
}

#[test]
fn a_mysql_server_that_is_read_only_is_listed_and_moved_and_can_be_served_from() {
    let home = Home::new();
    let server = MySqlServer::start();
    let database = block_on(server.database());
    let ordinary = user_with(&database, "ordinary", "ALL");
    assert_eq!(with_database(&home, &ordinary, &["user", "add", "bob"]).code, Some(0));
    block_on(database.execute("SET GLOBAL read_only = ON;"));
    assert!(with_database(&home, &ordinary, &["user", "list"]).out.starts_with("bob\tactive\t"));
    let to = format!("sqlite:{}", home.join("target").display());
    let moved = with_database(&home, &ordinary, &["move", "--to-database", &to]);
    assert_eq!((moved.code, moved.err.as_str()), (Some(0), ""));
    let refused = with_database(&home, &ordinary, &["user", "add", "carol"]);
    assert_eq!(refused.code, Some(1));
    assert_contains(&refused.err, "read-only");
    let mut command = home.command("chat-server");
    command.env("CHAT_DATABASE", &ordinary).args(["--data-dir", path_text(&home.join("data"))]);
    let server = Server::start_command(&home, command.args(["--listen", "127.0.0.1:0"]));
    drop(server.client("bob").start());
}
