//! Finding the server: over the first of its addresses that answers, and as soon as the network is back.

use crate::harness::{Namespace, Server};

/// A log that names each attempt to connect.
const LOG: (&str, &str) = ("RUST_LOG", "chat_net=debug");

#[test]
fn an_address_that_does_not_answer_delays_no_connection() {
    // What is sent to the first address goes into this interface, and nobody answers.
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
    let log = alice.process.errors();
    let position = |text: &str| log.find(text).unwrap_or_else(|| panic!("no {text:?} in {log}"));
    let (dead, live) = (format!("connecting to [fd00:1::1]:{port}"), format!("connecting to 10.9.9.1:{port}"));
    assert!(position(&dead) < position(&live), "{log}");
    assert!(!log.contains("cannot connect to"), "the first address had not failed yet: {log}");
}
