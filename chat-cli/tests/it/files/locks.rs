//! File systems without locks, such as some network file systems. The same rule applies to the lock of the data folder,
//! the claim on a database file, and the lock of the known servers.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::harness::{ClientSetup, Home, Server, assert_contains, finish, path_text, preload};

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
