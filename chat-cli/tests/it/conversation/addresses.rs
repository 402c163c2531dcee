//! Addresses in unusual networks: without IPv6, behind a forwarder, link-local, and out of reach.

use std::net::SocketAddr;

use crate::harness::{
    Client, Container, Forwarder, Home, Namespace, PASSWORD, Server, assert_contains, finish, path_text, preload, until,
};

/// Makes sockets fail as on a machine whose kernel has no IPv6.
const NO_IPV6: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <sys/socket.h>
int socket(int domain, int type, int protocol) {
    if (domain == AF_INET6) { errno = EAFNOSUPPORT; return -1; }
    return ((int (*)(int, int, int))dlsym(RTLD_NEXT, "socket"))(domain, type, protocol);
}
"#;

/// The port after the last colon.
fn port(address: &str) -> &str {
    address.rsplit_once(':').unwrap().1.trim_end_matches("/metrics")
}

/// The address in an event about a user.
fn address(event: &serde_json::Value) -> SocketAddr {
    event["address"].as_str().unwrap().parse().unwrap()
}

/// Lets both users write to each other.
#[track_caller]
fn converse(alice: &mut Client, bob: &mut Client) {
    alice.type_line("hello");
    alice.expect(&["sent > everyone to 1", "outcome bob delivered", "summary 1 delivered"]);
    bob.expect(&["message alice > everyone: hello"]);
    bob.type_line("/msg alice hi");
    bob.expect(&["sent > alice to 1", "outcome alice delivered"]);
    alice.expect(&["message bob > alice: hi"]);
}

#[test]
fn without_ipv6_all_addresses_are_those_of_ipv4() {
    let home = Home::new();
    let no_ipv6 = preload(&home, "no-ipv6", NO_IPV6);
    let no_ipv6 = path_text(&no_ipv6);
    let serve = |listen: &str| {
        let mut command = home.command("chat-server");
        command.args(["--data-dir", path_text(&home.join("data")), "--listen", listen, "--metrics", "[::]:0"]);
        command.env("LD_PRELOAD", no_ipv6);
        command
    };
    let refused = finish(&mut serve("[::1]:0"));
    assert_eq!(refused.code, Some(3));
    assert_eq!(refused.err, "error: cannot listen on [::1]:0: this machine has no IPv6; use an IPv4 address\n");

    let mut server = Server::start_command(&home, &mut serve("[::]:0"));
    assert!(server.address.is_ipv4() && server.address.ip().is_unspecified(), "{}", server.address);
    let metrics: SocketAddr = server.printed("metrics at http://").trim_end_matches("/metrics").parse().unwrap();
    assert!(metrics.is_ipv4(), "{metrics}");
    drop(std::net::TcpStream::connect(("127.0.0.1", metrics.port())).unwrap());
    server.address.set_ip([127, 0, 0, 1].into());
    let client = |user| server.client(user).register().env("LD_PRELOAD", no_ipv6).env("CHAT_UDP", "[::]:0");
    let mut alice = client("alice").args(&["--advertise", "127.0.0.1"]).start();
    let mut bob = client("bob").args(&["--advertise", "127.0.0.1"]).start();
    alice.expect(&["online bob"]);
    converse(&mut alice, &mut bob);
}

#[test]
fn all_addresses_include_ipv4_whatever_the_system_says_about_ipv6() {
    for setting in ["net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.bindv6only=1"] {
        let network = Namespace::new(&format!("sysctl -q -w {setting}"));
        let mut server = Server::start_inside(&network, &["--listen", "[::]:0", "--metrics", "[::]:0"]);
        let metrics = server.printed("metrics at http://");
        network.run(&format!(
            "exec 3<>/dev/tcp/127.0.0.1/{}; printf 'GET /metrics HTTP/1.1\\r\\n\\r\\n' >&3; grep -q chat_sessions <&3",
            port(&metrics)
        ));
        let found_at = format!("127.0.0.1:{}", server.address.port());
        let mut alice = server.client_inside(&network, "alice", &found_at).register().start();
        let mut bob = server.client_inside(&network, "bob", &found_at).register().start();
        alice.expect(&["online bob"]);
        converse(&mut alice, &mut bob);
    }
}

/// Logs both users in at `found_at`, and asserts that each sees the other at the address of the other's machine.
fn converse_behind(container: &Container, server: &Server, found_at: &str) {
    let client = |number: usize, user| server.client_inside(&container.machines[number], user, found_at);
    let mut alice = client(0, "alice").register().start();
    let mut bob = client(1, "bob").register().start();
    let mut seen = alice.expect(&["online bob"]).remove(0);
    assert_eq!(address(&seen).ip().to_string(), Container::MACHINES[1]);
    bob.type_line("/who");
    // Alice may move when bob's arrival reveals the forwarder.
    let is_right = |event: &serde_json::Value| {
        event["online"][0]["address"].as_str().is_some_and(|address| address.starts_with(Container::MACHINES[0]))
    };
    loop {
        seen = bob.next_event();
        if seen["event"] == "roster" && is_right(&seen) {
            break;
        } else if seen["event"] == "moved" {
            bob.type_line("/who");
        }
    }
    converse(&mut alice, &mut bob);
}
#[test]
fn behind_a_port_forwarder_users_see_each_others_own_addresses() {
    let container = Container::new();
    let server = Server::start_inside(&container.server_network, &["--listen", "[::]:0"]);
    let target = SocketAddr::new("10.17.0.2".parse().unwrap(), server.address.port());
    let _forwarder = Forwarder::start(&container.router, "0.0.0.0:7000", target);
    converse_behind(&container, &server, "10.1.1.1:7000");
    let warning = "clients connect from 10.17.0.1, but one has the address ";
    until("the server warns", || server.process.errors().contains(warning));
    assert_eq!(server.process.errors().matches(warning).count(), 1, "{}", server.process.errors());
}

#[test]
fn behind_a_tunnel_to_loopback_users_see_each_others_own_addresses() {
    let container = Container::new();
    let server = Server::start_inside(&container.server_network, &["--listen", "127.0.0.1:0"]);
    let _forwarder = Forwarder::start(&container.server_network, "10.17.0.2:7000", server.address);
    converse_behind(&container, &server, "10.17.0.2:7000");
    let warning = "clients connect from 127.0.0.1, but one has the address ";
    until("the server warns", || server.process.errors().contains(warning));
    assert_eq!(server.process.errors().matches(warning).count(), 1, "{}", server.process.errors());
}

#[test]
fn with_trust_observed_off_users_see_the_addresses_that_clients_offer() {
    let container = Container::new();
    let server = Server::start_inside(&container.server_network, &["--listen", "[::]:0", "--trust-observed", "no"]);
    let target = SocketAddr::new("10.17.0.2".parse().unwrap(), server.address.port());
    let _forwarder = Forwarder::start(&container.router, "0.0.0.0:7000", target);
    let client = |number: usize, user| server.client_inside(&container.machines[number], user, "10.1.1.1:7000");
    let bob = client(1, "bob").register().start();
    let _alice = client(0, "alice").register().start();
    assert_eq!(
        address(&bob.expect(&["online alice"])[0]).ip().to_string(),
        Container::MACHINES[0],
        "from the first user on"
    );
    assert_eq!(server.process.errors(), "");
}

#[test]
fn a_client_in_a_tunnel_of_its_own_is_seen_at_its_machines_address() {
    // As with `ssh -L`: the client connects to its own machine, and the tunnel ends at the server's loopback address.
    let container = Container::new();
    let server = Server::start_inside(&container.server_network, &["--listen", "127.0.0.1:0"]);
    let _far_end = Forwarder::start(&container.server_network, "10.17.0.2:7000", server.address);
    let _tunnels = container
        .machines
        .each_ref()
        .map(|machine| Forwarder::start(machine, "127.0.0.1:7000", "10.17.0.2:7000".parse().unwrap()));
    converse_behind(&container, &server, "127.0.0.1:7000");
}

#[test]
fn the_first_client_that_comes_through_a_tunnel_of_its_own_is_seen_at_its_machines_address() {
    let container = Container::new();
    let server = Server::start_inside(&container.server_network, &["--listen", "[::]:0"]);
    let bob = server.client_inside(&container.machines[1], "bob", &format!("10.17.0.2:{}", server.address.port()));
    let bob = bob.register().start();
    // The tunnel goes through another machine, whose address the server observes.
    let target = SocketAddr::new("10.17.0.2".parse().unwrap(), server.address.port());
    let _far_end = Forwarder::start(&container.router, "10.1.1.1:7000", target);
    let _tunnel = Forwarder::start(&container.machines[0], "127.0.0.1:7000", "10.1.1.1:7000".parse().unwrap());
    let _alice = server.client_inside(&container.machines[0], "alice", "127.0.0.1:7000").register().start();
    assert_eq!(address(&bob.expect(&["online alice"])[0]).ip().to_string(), Container::MACHINES[0]);
}

#[test]
fn a_user_on_the_servers_machine_reaches_the_others() {
    let container = Container::new();
    let server = Server::start_inside(&container.server_network, &["--listen", "[::]:0"]);
    let port = server.address.port();
    let local = format!("127.0.0.1:{port}");
    let mut alice = server.client_inside(&container.server_network, "alice", &local).register().start();
    let mut bob = server.client_inside(&container.machines[0], "bob", &format!("10.17.0.2:{port}")).register().start();
    alice.expect(&["online bob"]);
    converse(&mut alice, &mut bob);
    assert_eq!(server.process.errors(), "", "this is no forwarder");
}

#[test]
fn a_message_to_a_user_without_a_usable_address_fails_at_once_with_its_own_reason() {
    let network = Namespace::new("ip addr add 10.9.9.1/32 dev lo; ip addr add fd00::9/128 dev lo nodad");
    let server = Server::start_inside(&network, &["--listen", "[::]:0", "--relay", "off"]);
    let port = server.address.port();
    let client = |user, ip: &str| {
        let udp = if ip.contains(':') { format!("[{ip}]:0") } else { format!("{ip}:0") };
        let found_at = udp.replace(":0", &format!(":{port}"));
        server
            .client_inside(&network, user, &found_at)
            .env("CHAT_UDP", &udp)
            .env("CHAT_REACH", "direct")
            .register()
            .start()
    };
    let mut alice = client("alice", "10.9.9.1");
    let _bob = client("bob", "fd00::9");
    alice.expect(&["online bob"]);
    for notice in [&["notice peer-no-address bob"][..], &[]] {
        alice.type_line("/msg bob hello");
        alice.expect(&["sent > bob to 1"]);
        alice.expect(notice);
        alice.expect(&["outcome bob failed: no-address"]);
    }
}

#[test]
fn link_local_addresses_have_zones() {
    let network = Namespace::new("");
    let machine = network.beside("");
    network.link("wire0", &machine, "cable0");
    network.run("ip link set wire0 addrgenmode none; ip link set wire0 up; ip addr add fe80::1/64 dev wire0 nodad");
    machine.run("ip link set cable0 addrgenmode none; ip link set cable0 up; ip addr add fe80::2/64 dev cable0 nodad");
    let server = Server::start_inside(&network, &["--listen", "[fe80::1%wire0]:0"]);
    let port = server.address.port();
    let mut alice = server.client_inside(&machine, "alice", &format!("[fe80::1%cable0]:{port}")).register().start();
    let bob = server.client_inside(&network, "bob", &format!("[fe80::1%wire0]:{port}"));
    let mut bob = bob.env("CHAT_UDP", "[fe80::1%wire0]:0").register().start();
    assert_eq!(address(&alice.expect(&["online bob"])[0]).ip().to_string(), "fe80::1");
    converse(&mut alice, &mut bob);

    for (found_at, sentence) in [
        (
            "[fe80::1]:7777",
            "fe80::1 is link-local, so it needs the name of the network interface, for example [fe80::1%cable0]:7777",
        ),
        ("[fd00::1%cable0]:7777", "fd00::1 is not link-local, so it has no zone"),
        (
            "[fe80::1%eth7]:7777",
            "this machine has no network interface 'eth7'; interfaces with link-local IPv6 addresses here: cable0",
        ),
    ] {
        let refused = server.client_inside(&machine, "carol", found_at).run("");
        assert_ne!(refused.code, Some(0));
        assert_contains(&refused.err, sentence);
    }
    for option in ["--listen", "--metrics"] {
        let home = Home::new();
        let mut command = home.command("chat-server");
        command.args(["--data-dir", path_text(&home.join("data")), option, "[fe80::1%eth7]:0"]);
        let refused = finish(machine.enter(&command).env("CHAT_PASSWORD", PASSWORD));
        assert_eq!(refused.code, Some(2), "{}", refused.err);
        assert_contains(&refused.err, "this machine has no network interface 'eth7'");
    }
}
