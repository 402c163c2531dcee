//! Operators change accounts while the server runs.

use std::time::{Duration, Instant};

use crate::harness::{Client, Finished, PASSWORD, Server, assert_contains, on_both_databases};

/// The server checks the accounts of its sessions every 5 s; the rest is for a busy machine.
const NOTICED: Duration = Duration::from_secs(20);

#[test]
fn operators_change_accounts_while_the_server_runs() {
    on_both_databases(|database| {
        let server = Server::start(database);
        let alice = server.client("alice").register().start();
        let user = |args: &[&str], code: i32, out: &str| {
            let finished = server.operate(&[&["user"], args].concat());
            assert_eq!((finished.code, finished.out.as_str()), (Some(code), out), "{args:?}: {}", finished.err);
            finished.err
        };
        let refused = |password: &str, sentence: &str| {
            let finished = log_in(&server, password).unwrap_err();
            assert_eq!(finished.code, Some(3), "{}", finished.error_code());
            assert_contains(&finished.err, sentence);
        };
        let logs_in = |password: &str| {
            let bob = log_in(&server, password).unwrap();
            alice.expect(&["online bob"]);
            bob
        };
        let kicked = |bob: Client, since: Instant| {
            alice.expect(&["offline bob kicked"]);
            assert!(since.elapsed() < NOTICED, "{:?}", since.elapsed());
            assert_eq!(bob.end(), (Some(3), vec!["notice kicked".to_owned()]));
        };

        user(&["add", "bob"], 0, "bob is registered\n");
        assert!(
            user(&["add", "BOB"], 1, "").starts_with("error: the user name BOB is taken, or looks like one that is\n")
        );
        let bob = logs_in(OLD);
        let password = server.home().join("new password");
        std::fs::write(&password, NEW).unwrap();
        let begin = Instant::now();
        user(
            &["passwd", "bob", "--password-file", password.to_str().unwrap()],
            0,
            "bob has a new password; its session ends within seconds\n",
        );
        kicked(bob, begin);
        refused(OLD, "error: wrong user name or password\n");

        let bob = logs_in(NEW);
        let begin = Instant::now();
        user(&["disable", "bob"], 0, "bob may no longer log in; its session ends within seconds\n");
        kicked(bob, begin);
        refused(NEW, "error: this account is disabled; ask the operator of the server\n");
        user(&["enable", "bob"], 0, "bob may log in\n");

        let bob = logs_in(NEW);
        let begin = Instant::now();
        user(&["remove", "bob"], 0, "bob is removed and its name stays reserved; its session ends within seconds\n");
        kicked(bob, begin);
        refused(NEW, "error: wrong user name or password\n");
        let again = server.client("bob").register().try_start().unwrap_err();
        assert_eq!(again.code, Some(3));
        let sentence = "error: that user name is taken, or looks like one that is taken; choose another\nhint: if the account is yours, omit --register\n";
        assert_contains(&again.err, sentence);
        user(
            &["remove", "bob", "--free-name"],
            0,
            "bob is removed and its name is free; its session ends within seconds\n",
        );
        let bob = server.client("bob").register().start();
        alice.expect(&["online bob"]);
        assert_eq!(bob.leave(), (Some(0), vec![]));
        alice.expect(&["offline bob asked"]);
        assert!(user(&["disable", "carol"], 1, "").starts_with("error: there is no account with the name carol\n"));
        assert_the_list_is_complete(&server);
    });
}

/// Logs bob in. If the server slows the login down, the client waits by itself.
fn log_in(server: &Server, password: &str) -> Result<Client, Finished> {
    server.client("bob").env("CHAT_PASSWORD", password).try_start()
}

fn assert_the_list_is_complete(server: &Server) {
    let list = server.operate(&["user", "list"]);
    assert_eq!(list.code, Some(0), "{}", list.err);
    let rows: Vec<Vec<&str>> = list.out.lines().map(|line| line.split('\t').collect()).collect();
    let mut known: Vec<_> = rows.iter().map(|row| (row[0], row[1])).collect();
    known.sort_unstable();
    assert_eq!(known, [("alice", "active"), ("bob", "active"), ("bob", "removed")], "{}", list.out);
    for row in rows {
        assert!(row.len() == 4 && row[2].parse::<jiff::Timestamp>().is_ok(), "{row:?}");
        assert!(row[3] == "never" || row[3].parse::<jiff::Timestamp>().is_ok(), "{row:?}");
    }
}

const OLD: &str = PASSWORD;
const NEW: &str = "battery staple";
