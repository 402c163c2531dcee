//! File systems without locks, such as some network file systems. The same rule applies to the lock of the data folder,
//! the claim on a database file, and the lock of the known servers. SQLite itself needs locks, of another kind.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::harness::{
    ClientSetup, Finished, Home, LANGUAGES, PASSWORD, Server, assert_contains, finish, launcher, path_text, preload,
};

/// Compiles a library with which every attempt to lock a file fails, and returns its path.
fn failing(home: &Home, error: &str) -> PathBuf {
    let function = format!("int flock(int file, int operation) {{ errno = {error}; return -1; }}\n");
    preload(home, "locks", &format!("#include <errno.h>\n{function}"))
}

fn chat_server(home: &Home, library: &PathBuf, args: &[&str]) -> Command {
    let mut command = home.command("chat-server");
    command.args(["--data-dir", path_text(&home.join("data"))]).args(args).env("LD_PRELOAD", library);
    command
}

#[test]
fn without_locks_the_programs_warn_and_continue() {
    for error in ["ENOLCK", "ENOSYS", "EOPNOTSUPP"] {
        let home = Home::new();
        let library = failing(&home, error);
        let mut server = Server::start_command(&home, &mut chat_server(&home, &library, &["--listen", "127.0.0.1:0"]));
        server.process.errors_with("data has no locks, so a second server with this folder would not be noticed: ");
        let claim = "data/chat.sqlite.lock has no locks; make sure that only one server uses";
        let errors = server.process.errors_with(claim);
        assert!(!errors.contains("another server"), "{errors}");

        let known = home.join("known");
        let alice = ClientSetup::new("alice", server.address, &home).register();
        let alice = alice.args(&["--accept-new", "--known-servers", path_text(&known)]);
        let joined = alice.env("LD_PRELOAD", path_text(&library)).run("");
        assert_eq!(joined.code, Some(0), "{error}: {}", joined.err);
        assert_contains(&joined.err, "the file system cannot lock ");
        assert_contains(&fs::read_to_string(&known).unwrap(), &server.fingerprint);

        server.stop();
        let to = format!("sqlite:{}", home.join("target").display());
        let moved = finish(&mut chat_server(&home, &library, &["move", "--to-database", &to]));
        assert_eq!(moved.code, Some(0), "{error}: {}", moved.err);
        assert_contains(&moved.err, claim);
    }
}

#[test]
fn another_failure_of_a_lock_ends_the_server() {
    let home = Home::new();
    let refused = finish(&mut chat_server(&home, &failing(&home, "EIO"), &["--listen", "127.0.0.1:0"]));
    assert_eq!(refused.code, Some(3));
    assert_contains(&refused.err, "data cannot be locked: Input/output error");
}

/// The errors are those by which file systems without locks answer. SQLite says "database is locked" after the first, and
/// "disk I/O error" after the others.
#[test]
fn a_database_on_a_file_system_without_locks_is_refused_with_a_sentence_that_says_so() {
    let (enolck, enosys, eopnotsupp) = (37, 38, 95);
    let sentences = [
        (
            "the file system of the database file ",
            " has no locks, which SQLite needs; use a folder on a disk of this machine",
        ),
        ("数据库文件 ", " 所在的文件系统没有文件锁，而 SQLite 需要文件锁；请使用本机磁盘上的目录"),
    ];
    for error in [enolck, enosys, eopnotsupp] {
        let home = Home::new();
        let launcher = launcher(&home, "without-locks", include_str!("../launchers/without_locks.c"));
        let run = |language: &str, args: &[&str]| {
            let mut command = home.command(path_text(&launcher));
            command.args([&error.to_string(), env!("CARGO_BIN_EXE_chat-server"), "--lang", language]);
            finish(command.args(["--data-dir", "data"]).args(args).env("CHAT_PASSWORD", PASSWORD))
        };
        for (language, (begin, end)) in LANGUAGES.iter().zip(sentences) {
            let served = run(language, &["--listen", "127.0.0.1:0"]);
            assert_eq!((served.code, served.out.as_str()), (Some(3), ""), "{error}: {}", served.err);
            assert_contains(&served.err, begin);
            assert_contains(&served.err, &format!("data/chat.sqlite{end}"));
            assert_contains(
                &served.err,
                "data has no locks, so a second server with this folder would not be noticed: ",
            );
        }
        // The programs keep what they need later, and nothing of the attempts.
        let mut files: Vec<_> =
            fs::read_dir(home.join("data")).unwrap().map(|file| file.unwrap().file_name()).collect();
        files.sort();
        assert_eq!(files, ["chat.sqlite", "identity.pem", "lock", "ticket.key"], "{error}");

        // Commands that only read say the same about a database that was made elsewhere.
        fs::remove_file(home.join("data/chat.sqlite")).unwrap();
        let Finished { code, err, .. } = home.operate(&["user", "add", "alice"]);
        assert_eq!(code, Some(0), "{err}");
        for (language, (begin, end)) in LANGUAGES.iter().zip(sentences) {
            let listed = run(language, &["user", "list"]);
            assert_eq!((listed.code, listed.out.as_str()), (Some(3), ""), "{error}: {}", listed.err);
            assert_contains(&listed.err, begin);
            assert_contains(&listed.err, &format!("data/chat.sqlite{end}"));
        }
    }
}

/// A damaged disk has locks.
#[test]
fn another_failure_of_sqlite_is_not_said_to_be_one_of_locks() {
    let home = Home::new();
    fs::create_dir(home.join("data")).unwrap();
    fs::write(home.join("data/chat.sqlite"), "no database".repeat(1_000)).unwrap();
    let refused = home.operate(&["--listen", "127.0.0.1:0"]);
    assert_eq!(refused.code, Some(3), "{}", refused.err);
    assert_contains(&refused.err, "data/chat.sqlite cannot be used; it must be a writable SQLite database");
}
