//! A server without descriptors, disk space, database or processor time, and one that is killed.

use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use chat_store::testing::{self, MySqlServer};
use rustix::process::Signal;

use crate::harness::{Server, assert_contains, block_on, on_both_databases, until};

/// Enough for the server itself and a few clients.
const DESCRIPTORS: usize = 48;

#[test]
fn without_descriptors_connections_wait_sessions_continue_and_accepting_is_retried_with_pauses() {
    /// The shortest pause of the server after a failed accept.
    const SHORTEST_PAUSE: Duration = Duration::from_millis(20);
    let server = Server::start_with_descriptors(testing::sqlite(), DESCRIPTORS);
    let mut alice = server.client("alice").register().start();
    let bob = server.client("bob").register().start();
    alice.expect(&["online bob"]);
    let begin = Instant::now();
    // The kernel completes the handshakes of connections that the server cannot accept.
    let crowd: Vec<TcpStream> = (0..2 * DESCRIPTORS).map(|_| TcpStream::connect(server.address).unwrap()).collect();
    until("accepting fails", || server.process.errors().contains("cannot accept connections"));
    alice.type_line("still here");
    alice.expect(&["sent > everyone to 1", "outcome bob delivered", "summary 1 delivered"]);
    bob.message();
    drop(crowd);
    let carol = server.client("carol").register().start();
    assert_eq!(carol.welcome, "welcome carol: alice, bob");
    assert_eq!(server.process.errors().matches("cannot accept connections").count(), 1, "one warning a minute");
    let (failures, time) = (server.status()["accept_failed"].as_u64().unwrap(), begin.elapsed());
    let most = time.as_millis() / SHORTEST_PAUSE.as_millis() + 1;
    assert!(failures > 0 && u128::from(failures) <= most, "accepting failed {failures} times in {time:?}");
}

#[test]
fn a_full_disk_loses_records_of_the_presence_log_and_nothing_else() {
    let mut server = Server::start_with(testing::sqlite(), &["--presence-log", "/dev/full"]);
    let mut alice = server.client("alice").register().start();
    let bob = server.client("bob").register().start();
    alice.expect(&["online bob"]);
    alice.type_line("does it work?");
    alice.expect(&["sent > everyone to 1", "outcome bob delivered", "summary 1 delivered"]);
    assert_eq!(bob.leave().0, Some(0));
    alice.expect(&["offline bob asked"]);
    server.process.signal(Signal::TERM);
    assert_eq!(server.process.exit().code(), Some(0));
    let errors = server.process.errors();
    assert_eq!(errors.matches("cannot be written").count(), 1, "one warning for all records: {errors}");
    assert_contains(&errors, "the presence log /dev/full lacks 5 lines");
}

#[test]
fn an_acknowledged_registration_survives_a_killed_server() {
    /// The number of registrations after which the server is killed.
    const ACKNOWLEDGED: usize = 6;
    on_both_databases(|database| {
        let server = Mutex::new(Server::start(database));
        let acknowledged = Mutex::new(Vec::new());
        let has_restarted = AtomicBool::new(false);
        let users = thread::scope(|scope| {
            for lane in 0..3 {
                let (server, acknowledged, has_restarted) = (&server, &acknowledged, &has_restarted);
                scope.spawn(move || {
                    for number in 0.. {
                        let name = format!("user{lane}-{number}");
                        let client = server.lock().unwrap().client(&name).register();
                        // A registration without an answer is repeated when the server is there again.
                        match client.try_start() {
                            Ok(_) if has_restarted.load(Ordering::Relaxed) => return,
                            Ok(client) => acknowledged.lock().unwrap().push((name, client)),
                            Err(finished) => assert!(!finished.err.contains("taken"), "{}", finished.err),
                        }
                    }
                });
            }
            until("enough users have registered", || acknowledged.lock().unwrap().len() >= ACKNOWLEDGED);
            let mut server = server.lock().unwrap();
            server.process.signal(Signal::KILL);
            server.process.exit();
            let users = std::mem::take(&mut *acknowledged.lock().unwrap());
            // Reading the log asserts that every line is complete.
            let online = server.presence_log().iter().filter(|line| line.starts_with("online ")).count();
            assert!(online <= users.len() + 3, "{online}");
            drop(users.iter().map(|(_, client)| client.process.signal(Signal::KILL)).collect::<Vec<()>>());
            has_restarted.store(true, Ordering::Relaxed);
            server.restart();
            users
        });
        let server = server.into_inner().unwrap();
        for (name, _) in &users {
            let again = server.client(name).try_start();
            assert!(again.is_ok(), "{name} had registered: {again:?}");
        }
    });
}

#[test]
fn a_suspended_server_declares_no_session_lost() {
    /// Longer than the silence after which a connection counts as broken (25 s), on either side.
    const SUSPENDED: Duration = Duration::from_secs(30);
    let server = Server::start(testing::sqlite());
    let mut alice = server.client("alice").register().start();
    let mut bob = server.client("bob").register().start();
    alice.expect(&["online bob"]);
    server.process.signal(Signal::STOP);
    thread::sleep(SUSPENDED);
    server.process.signal(Signal::CONT);
    for client in [&alice, &bob] {
        let events = client.until("notice reconnected");
        assert!(events.iter().all(|event| event.starts_with("notice reconnect")), "{events:?}");
    }
    let carol = server.client("carol").register().start();
    assert_eq!(carol.welcome, "welcome carol: alice, bob");
    for client in [&mut alice, &mut bob] {
        client.expect(&["online carol"]);
        client.assert_no_more_events();
    }
}

#[test]
fn logins_during_a_restart_of_the_database_succeed_or_fail_and_none_hangs() {
    const USERS: usize = 6;
    const ROUNDS: usize = 4;
    let mut mysql = MySqlServer::start();
    let server = Server::start(block_on(mysql.database()));
    let names: Vec<String> = (0..USERS).map(|number| format!("user{number}")).collect();
    for name in &names {
        assert_eq!(server.client(name).register().run("").code, Some(0));
    }
    thread::scope(|scope| {
        for name in &names {
            let server = &server;
            scope.spawn(move || {
                for _ in 0..ROUNDS {
                    let finished = server.client(name).run("");
                    match finished.code {
                        Some(0) => {}
                        Some(3) => assert_contains(&finished.err, "the server cannot reach its storage"),
                        _ => panic!("{name}: {finished:?}"),
                    }
                }
            });
        }
        mysql.restart();
    });
    for name in &names {
        let finished = server.client(name).run("");
        assert_eq!(finished.code, Some(0), "after the restart: {finished:?}");
    }
}

#[test]
fn two_servers_on_one_database_share_accounts_but_not_the_roster() {
    let database = block_on(testing::mysql());
    let first = Server::start(database.clone());
    let second = Server::start(database);
    second.process.errors_with("another server uses this database");
    assert!(!first.process.errors().contains("another server"));
    let mut alice = first.client("alice").register().start();
    let there = second.client("alice").start();
    assert_eq!(there.welcome, "welcome alice: ", "the same account");
    let bob = second.client("bob").register().start();
    there.expect(&["online bob"]);
    assert_eq!(bob.welcome, "welcome bob: alice");
    alice.assert_no_more_events();
    assert_eq!(first.operate(&["user", "disable", "alice"]).code, Some(0));
    for alice in [alice, there] {
        assert_eq!(alice.end(), (Some(3), vec!["notice kicked".to_owned()]), "each server checks the accounts");
    }
}
