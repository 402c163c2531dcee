//! What goes wrong around a server: no descriptors, no disk, no database, no time, no life.

use std::net::TcpStream;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use chat_store::testing::{self, MySqlServer};
use rustix::process::Signal;

use crate::database::{on_both_databases, wait_for};
use crate::process::{assert_contains, until};
use crate::server::{Limits, Server};

/// Enough for the server itself and for a few clients.
const DESCRIPTORS: usize = 48;

#[test]
fn without_descriptors_nobody_new_comes_in_those_online_stay_and_nothing_spins() {
    let server = Server::start_with(testing::sqlite(), Limits { descriptors: Some(DESCRIPTORS), ..Limits::default() });
    let mut alice = server.client("alice").register().start();
    let bob = server.client("bob").register().start();
    alice.expect(&["online bob"]);
    // The kernel shakes hands for those whom the server cannot accept any more.
    let crowd: Vec<TcpStream> = (0..2 * DESCRIPTORS).map(|_| TcpStream::connect(server.address).unwrap()).collect();
    until("the server notices", || server.process.errors().contains("no connection can be accepted"));
    let before = server.process.processor_time();
    thread::sleep(Duration::from_secs(1));
    let spent = server.process.processor_time() - before;
    assert!(spent < Duration::from_millis(500), "{spent:?} in a second of waiting");
    alice.type_line("still here");
    alice.expect(&["sent > everyone to 1", "outcome bob delivered", "summary 1 delivered"]);
    bob.message();
    drop(crowd);
    let carol = server.client("carol").register().start();
    assert_eq!(carol.welcome, "welcome carol: alice, bob");
    assert_eq!(server.process.errors().matches("no connection can be accepted").count(), 1, "told once a minute");
}

#[test]
fn a_full_disk_loses_lines_of_the_presence_log_and_nothing_else() {
    let log = Some("/dev/full");
    let mut server = Server::start_with(testing::sqlite(), Limits { presence_log: log, ..Limits::default() });
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
    assert_eq!(errors.matches("cannot be written").count(), 1, "one line for all of them: {errors}");
    assert_contains(&errors, "the presence log /dev/full lacks 5 lines");
}

#[test]
fn whose_registration_was_acknowledged_has_an_account_whenever_the_server_is_killed() {
    /// So many registrations end before the server does.
    const ACKNOWLEDGED: usize = 6;
    on_both_databases(|database| {
        let mut server = Server::start(database);
        let acknowledged = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for lane in 0..3 {
                let (server, acknowledged) = (&server, &acknowledged);
                scope.spawn(move || {
                    for number in 0.. {
                        let name = format!("user{lane}-{number}");
                        match server.client(&name).register().attempt() {
                            Ok(client) => acknowledged.lock().unwrap().push((name, client)),
                            Err(_) => return,
                        }
                    }
                });
            }
            until("enough have registered", || acknowledged.lock().unwrap().len() >= ACKNOWLEDGED);
            server.process.signal(Signal::KILL);
        });
        let people = acknowledged.into_inner().unwrap();
        assert!(people.len() >= ACKNOWLEDGED);
        server.process.exit();
        // Every line is whole: the log is read back as it must be written.
        let online = server.presence_log().iter().filter(|line| line.starts_with("online ")).count();
        assert!(online <= people.len() + 3, "{online}");
        drop(people.iter().map(|(_, client)| client.process.signal(Signal::KILL)).collect::<Vec<()>>());
        server.restart();
        for (name, _) in &people {
            let again = server.client(name).attempt();
            assert!(again.is_ok(), "{name} was acknowledged: {again:?}");
        }
    });
}

#[test]
fn a_server_that_was_suspended_tells_nobody_that_somebody_is_gone() {
    /// Longer than the silence after which a connection counts as broken, on either side.
    const SUSPENDED: Duration = Duration::from_secs(30);
    let server = Server::start(testing::sqlite());
    let mut alice = server.client("alice").register().start();
    let mut bob = server.client("bob").register().start();
    alice.expect(&["online bob"]);
    server.process.signal(Signal::STOP);
    thread::sleep(SUSPENDED);
    server.process.signal(Signal::CONT);
    for client in [&alice, &bob] {
        let told = client.until("notice reconnected");
        assert!(told.iter().all(|told| told.starts_with("notice reconnect")), "{told:?}");
    }
    let carol = server.client("carol").register().start();
    assert_eq!(carol.welcome, "welcome carol: alice, bob");
    for client in [&mut alice, &mut bob] {
        client.expect(&["online carol"]);
        client.has_nothing_more_to_tell();
    }
}

#[test]
fn a_database_that_restarts_in_the_middle_of_a_rush_lets_nobody_hang() {
    /// Each of so many logs in again and again.
    const RUSH: usize = 6;
    const ROUNDS: usize = 4;
    let mut mysql = MySqlServer::start();
    let server = Server::start(wait_for(mysql.database()));
    let names: Vec<String> = (0..RUSH).map(|number| format!("user{number}")).collect();
    for name in &names {
        assert_eq!(server.client(name).register().run("").code, Some(0));
    }
    thread::scope(|scope| {
        for name in &names {
            let server = &server;
            scope.spawn(move || {
                for _ in 0..ROUNDS {
                    let ended = server.client(name).run("");
                    match ended.code {
                        Some(0) => {}
                        Some(3) => assert_contains(&ended.errors, "the server cannot reach its storage"),
                        _ => panic!("{name}: {ended:?}"),
                    }
                }
            });
        }
        mysql.restart();
    });
    for name in &names {
        let ended = server.client(name).run("");
        assert_eq!(ended.code, Some(0), "it heals by itself: {ended:?}");
    }
}

#[test]
fn two_servers_on_one_database_share_accounts_and_no_roster() {
    let database = wait_for(testing::mysql());
    let first = Server::start(database.clone());
    let second = Server::start(database);
    assert_contains(&second.process.errors(), "another server uses this database");
    assert!(!first.process.errors().contains("another server"));
    let mut alice = first.client("alice").register().start();
    let there = second.client("alice").start();
    assert_eq!(there.welcome, "welcome alice: ", "the same account");
    let bob = second.client("bob").register().start();
    there.expect(&["online bob"]);
    assert_eq!(bob.welcome, "welcome bob: alice");
    alice.has_nothing_more_to_tell();
    assert_eq!(first.user(&["disable", "alice"]).code, Some(0));
    for alice in [alice, there] {
        let (code, told) = alice.end();
        assert_eq!((code, told), (Some(3), vec!["notice kicked".to_owned()]), "both look at the accounts");
    }
}
