//! Finding the server: over the first of its addresses that answers, and as soon as the network is back.

use std::time::Duration;

use crate::harness::{Namespace, Server, until};

/// A log that names each attempt to connect.
const LOG: (&str, &str) = ("RUST_LOG", "chat_net=debug");

#[test]
fn an_address_that_does_not_answer_delays_no_connection() {
    // Packets to the first address leave through this interface, and nothing answers them.
    let network = Namespace::new(
        "ip link add void type veth peer name drain; ip link set void up; ip link set drain up; \
         ip addr add fd00:1::9/64 dev void nodad; ip addr add 10.9.9.1/32 dev lo; \
         ip neigh add fd00:1::1 lladdr 02:00:00:00:00:01 dev void nud permanent",
    );
    network.set_hosts("fd00:1::1 chat.test\n10.9.9.1 chat.test\n");
    let server = Server::start_inside(&network, &["--listen", "10.9.9.1:0"]);
    let port = server.address.port();
    let client = server.client_inside(&network, "alice", &format!("chat.test:{port}")).env(LOG.0, LOG.1);
    let alice = client.register().start();
    let (dead, live) = (format!("connecting to [fd00:1::1]:{port}"), format!("connecting to 10.9.9.1:{port}"));
    let log = alice.process.errors_with(&live);
    let position = |text: &str| log.find(text).unwrap_or_else(|| panic!("no {text:?} in {log}"));
    assert!(position(&dead) < position(&live), "{log}");
    assert!(!log.contains("cannot connect to"), "the first address had not failed yet: {log}");
}

/// The log line of a client that dials the server because of a sign of the network.
const SIGN: &str = "the network seems to be back";

/// Longer than the pause of the peers that makes the next answer a sign.
const PAUSE: Duration = Duration::from_millis(3_500);

#[test]
fn a_peer_that_answers_after_a_pause_makes_the_client_try_the_server() {
    let network = Namespace::new("");
    let mut server = Server::start_inside(&network, &["--listen", "127.0.0.1:0"]);
    let found_at = server.address.to_string();
    let client = |user| server.client_inside(&network, user, &found_at).env(LOG.0, LOG.1).register();
    let mut bob = client("bob").start();
    let alice = client("alice").start();
    bob.expect(&["online alice"]);
    server.process.kill();
    until("the client sees the sign", || {
        bob.type_line("are you there?");
        alice.watch(PAUSE);
        alice.process.errors().contains(SIGN)
    });
    server.restart_inside(&network);
    alice.until("notice reconnected");
}

#[test]
fn an_interface_with_a_new_address_makes_the_client_try_the_server() {
    let network = Namespace::new("");
    let mut server = Server::start_inside(&network, &["--listen", "127.0.0.1:0"]);
    let found_at = server.address.to_string();
    let alice = server.client_inside(&network, "alice", &found_at).env(LOG.0, LOG.1).register().start();
    server.process.kill();
    alice.expect(&["notice reconnecting"]);
    let mut number = 0;
    until("the client sees the sign", || {
        number += 1;
        network.run(&format!("ip addr add 10.8.{}.{}/32 dev lo", number / 256, number % 256));
        alice.process.errors().contains(SIGN)
    });
    server.restart_inside(&network);
    alice.until("notice reconnected");
}
