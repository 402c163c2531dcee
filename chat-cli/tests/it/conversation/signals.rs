//! Signals end the programs cleanly, and a data folder has one server at a time.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::harness::{Home, Server, assert_contains, on_both_databases};

#[test]
fn signals_end_clients_and_the_server_cleanly() {
    /// The shortest time that service managers allow.
    const STOP_TIME: Duration = Duration::from_secs(5);
    on_both_databases(|database| {
        let mut server = Server::start(database);
        let mut alice = server.client("alice").register().start();
        for (name, signal) in [("bob", Signal::TERM), ("carol", Signal::INT)] {
            let client = server.client(name).register().start();
            client.process.signal(signal);
            assert_eq!(client.end(), (Some(0), vec![]));
            alice.expect(&[&format!("online {name}"), &format!("offline {name} asked")]);
        }
        let mut bob = server.client("bob").start();
        alice.expect(&["online bob"]);
        let begin = Instant::now();
        server.process.signal(Signal::TERM);
        assert_eq!(server.process.exit().code(), Some(0), "{}", server.process.errors());
        assert!(begin.elapsed() < STOP_TIME, "{:?}", begin.elapsed());
        for client in [&mut alice, &mut bob] {
            client.expect(&["notice server-stopping", "notice reconnecting"]);
        }
        bob.type_line("the server is gone");
        bob.until("summary 1 delivered");
        alice.message();
        for client in [alice, bob] {
            let (code, events) = client.leave();
            assert!(
                code == Some(0) && events.iter().all(|event| event == "notice reconnecting"),
                "{code:?} {events:?}"
            );
        }
        assert_eq!(server.presence_log().last().unwrap(), "server stopping");
    });
}

#[test]
fn a_data_folder_and_an_address_have_one_server() {
    on_both_databases(|database| {
        let server = Server::start(database);
        let second = server.operate(&["--listen", "127.0.0.1:0"]);
        assert_eq!((second.code, second.out.as_str()), (Some(3), ""));
        assert_contains(
            &second.err,
            &format!("is in use by another server (process {})\nhint: ", server.process.pid()),
        );
        let alice = server.client("alice").register().start();
        assert_eq!(alice.welcome, "welcome alice: ", "the first server continues");
        let other = Home::new();
        let elsewhere = other.operate(&["--listen", &server.address.to_string()]);
        assert_eq!((elsewhere.code, elsewhere.out.as_str()), (Some(3), ""));
        assert_contains(&elsewhere.err, &format!("cannot listen on {}: the address is in use", server.address));
    });
}
