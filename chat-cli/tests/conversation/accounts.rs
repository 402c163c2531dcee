//! What operators do about accounts while the server runs.

use std::thread;
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::database::on_both_databases;
use crate::process::{Ended, until};
use crate::server::Server;

/// The server looks at the accounts every 5 s; the rest is for a busy machine.
const NOTICED: Duration = Duration::from_secs(8);

#[test]
fn operators_change_accounts_beside_the_running_server() {
    on_both_databases(|database| {
        let server = Server::start(database);
        let alice = server.client("alice").register().start();
        let does = |args: &[&str], code: i32, said: &str| {
            let ended = server.user(args);
            assert_eq!((ended.code, ended.out.as_str()), (Some(code), said), "{args:?}: {}", ended.errors);
            ended.errors
        };
        let refused = |password: &str, sentence: &str| {
            let ended = log_in(&server, password).unwrap_err();
            assert_eq!((ended.code, ended.out.as_str()), (Some(3), ""));
            assert!(ended.errors.starts_with(sentence), "{}", ended.errors);
        };
        let comes = |password: &str| {
            let bob = log_in(&server, password).unwrap();
            alice.expect(&["online bob"]);
            bob
        };
        let kicked = |bob: Client, since: Instant| {
            alice.expect(&["offline bob kicked"]);
            assert!(since.elapsed() < NOTICED, "{:?}", since.elapsed());
            assert_eq!(bob.end(), (Some(3), vec!["notice kicked".to_owned()]));
        };

        does(&["add", "bob"], 0, "bob is registered\n");
        assert!(does(&["add", "BOB"], 1, "").starts_with("error: the user name BOB is taken\n"));
        let bob = comes(OLD);
        let password = server.data("new password");
        std::fs::write(&password, NEW).unwrap();
        let begin = Instant::now();
        does(
            &["passwd", "bob", "--password-file", password.to_str().unwrap()],
            0,
            "bob has a new password; a session of it ends within seconds\n",
        );
        kicked(bob, begin);
        refused(OLD, "error: wrong user name or password\n");

        let bob = comes(NEW);
        let begin = Instant::now();
        does(&["disable", "bob"], 0, "bob may not log in any more; a session of it ends within seconds\n");
        kicked(bob, begin);
        refused(NEW, "error: this account is disabled; ask whoever runs the server\n");
        does(&["enable", "bob"], 0, "bob may log in\n");

        let bob = comes(NEW);
        let begin = Instant::now();
        does(
            &["remove", "bob"],
            0,
            "bob is removed and its name stays reserved; a session of it ends within seconds\n",
        );
        kicked(bob, begin);
        refused(NEW, "error: wrong user name or password\n");
        let again = unhurried(|| server.client("bob").register().attempt()).unwrap_err();
        assert_eq!(
            (again.code, again.errors.as_str()),
            (Some(3), "error: that user name is taken; choose another\nhint: if it is yours, leave --register out\n")
        );
        does(
            &["remove", "bob", "--free-name"],
            0,
            "bob is removed and its name is free; a session of it ends within seconds\n",
        );
        let bob = unhurried(|| server.client("bob").register().attempt()).unwrap();
        alice.expect(&["online bob"]);
        assert_eq!(bob.leave(), (Some(0), vec![]));
        alice.expect(&["offline bob asked"]);
        assert!(does(&["disable", "carol"], 1, "").starts_with("error: there is no account of the name carol\n"));
        the_list_tells_all(&server);
    });
}

fn log_in(server: &Server, password: &str) -> Result<Client, Ended> {
    unhurried(|| server.client("bob").env("CHAT_PASSWORD", password).attempt())
}

/// After each failure the next try has to wait a little longer.
fn unhurried(attempt: impl Fn() -> Result<Client, Ended>) -> Result<Client, Ended> {
    let mut result = attempt();
    until("the server takes another try", || {
        let hurried = result
            .as_ref()
            .is_err_and(|ended| ended.errors.starts_with("error: too many failed attempts; try again in "));
        if hurried {
            thread::sleep(PAUSE);
            result = attempt();
        }
        !hurried
    });
    result
}

fn the_list_tells_all(server: &Server) {
    let list = server.user(&["list"]);
    assert_eq!(list.code, Some(0), "{}", list.errors);
    let rows: Vec<Vec<&str>> = list.out.lines().map(|line| line.split('\t').collect()).collect();
    let mut known: Vec<_> = rows.iter().map(|row| (row[0], row[1])).collect();
    known.sort_unstable();
    assert_eq!(known, [("alice", "active"), ("bob", "active"), ("bob", "removed")], "{}", list.out);
    for row in rows {
        assert!(row.len() == 4 && row[2].parse::<jiff::Timestamp>().is_ok(), "{row:?}");
        assert!(row[3] == "never" || row[3].parse::<jiff::Timestamp>().is_ok(), "{row:?}");
    }
}

/// Between two tries to log in: much shorter than what the server may ask for.
const PAUSE: Duration = Duration::from_millis(200);

const OLD: &str = crate::client::PASSWORD;
const NEW: &str = "battery staple";
