//! Signals end the programs cleanly, and one data folder has one server.

use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::database::on_both_databases;
use crate::process::{assert_contains, program, run};
use crate::server::Server;

#[test]
fn signals_end_clients_and_the_server_cleanly() {
    /// What service managers allow at the least.
    const STOPPED: Duration = Duration::from_secs(5);
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
        assert!(begin.elapsed() < STOPPED, "{:?}", begin.elapsed());
        for client in [&mut alice, &mut bob] {
            client.expect(&["notice server-stopping", "notice reconnecting"]);
        }
        bob.type_line("the server is gone");
        bob.until("summary 1 delivered");
        alice.message();
        for client in [alice, bob] {
            let (code, events) = client.leave();
            assert!(code == Some(0) && events.iter().all(|told| told == "notice reconnecting"), "{code:?} {events:?}");
        }
        assert_eq!(server.presence_log().last().unwrap(), "server stopping");
    });
}

#[test]
fn one_data_folder_has_one_server() {
    on_both_databases(|database| {
        let server = Server::start(database);
        let second = run(server.command().args(["--listen", "127.0.0.1:0"]), "");
        assert_eq!((second.code, second.out.as_str()), (Some(3), ""));
        assert_contains(
            &second.errors,
            &format!("is in use by the server with process number {}\nhint: ", server.process.child.id()),
        );
        let alice = server.client("alice").register().start();
        assert_eq!(alice.welcome, "welcome alice: ", "the first one goes on");
        let elsewhere = run(second_server(&server).args(["--listen", &server.address.to_string()]), "");
        assert_eq!((elsewhere.code, elsewhere.out.as_str()), (Some(3), ""));
        assert_contains(&elsewhere.errors, &format!("cannot listen on {}: the address is in use", server.address));
    });
}

/// With a data folder of its own.
fn second_server(server: &Server) -> Command {
    let home = server.data("../second");
    let mut command = program(env!("CARGO_BIN_EXE_chat-server"), &home);
    command.arg("--data-dir").arg(home.join("data"));
    command
}
