//! UDP that is blocked between machines: messages go through the server, and straight again once they can.

use std::thread;
use std::time::{Duration, Instant};

use chat_core::sim::SeededGenerator;
use chat_store::testing;
use serde_json::Value;

use crate::harness::{
    Client, ClientSetup, Container, EventLog, Finished, Impairment, Namespace, Network, PASSWORD, PATIENCE, Router,
    Server, Terminal, Udp, assert_contains, text,
};

/// How often a user types while a test waits for another way: a client asks for one while messages flow.
const TYPING_INTERVAL: Duration = Duration::from_millis(500);

/// Longer than a notice about a way waits for others.
const NOTICED: Duration = Duration::from_millis(1_500);

/// The address in the roster of a client that hides its addresses.
const HIDDEN: &str = "[100::1]:1024";

/// A server in the container, with these arguments.
fn server(container: &Container, args: &[&str]) -> Server {
    Server::start_inside(&container.server_network, &[&["--listen", "[::]:0"], args].concat())
}

/// A new user on a machine of the container.
fn client(container: &Container, server: &Server, number: usize, user: &str) -> ClientSetup {
    let found_at = format!("10.17.0.2:{}", server.address.port());
    server.client_inside(&container.machines[number], user, &found_at).register()
}

/// Two users on different machines, who see each other.
fn users(container: &Container, server: &Server) -> [Client; 2] {
    let alice = client(container, server, 0, "alice").start();
    let bob = client(container, server, 1, "bob").start();
    alice.expect(&["online bob"]);
    [alice, bob]
}

/// The datagrams that the server has passed on.
fn passed(server: &Server) -> u64 {
    server.status()["relay"]["passed"].as_u64().unwrap()
}

/// The only entry of the answer to `/who`.
fn who(client: &mut Client) -> Value {
    client.type_line("/who");
    loop {
        let event = client.next_event();
        if event["event"] == "roster" {
            return event["online"][0].clone();
        }
    }
}

/// Types until an event of this short form comes. Returns the short forms until then.
#[track_caller]
fn type_until(client: &mut Client, expected: &str) -> Vec<String> {
    let (begin, mut seen) = (Instant::now(), Vec::new());
    while begin.elapsed() < PATIENCE {
        client.type_line("still here");
        seen.extend(client.watch(TYPING_INTERVAL));
        if seen.iter().any(|event| event == expected) {
            return seen;
        }
    }
    client.fail(&format!("{expected:?} after {seen:?}"))
}

/// Writes to everyone and to `to` alone, and waits until both messages are delivered.
#[track_caller]
fn write_both(from: &mut Client, to: &Client, user: &str, peer: &str) {
    from.type_line("hello");
    from.until("summary 1 delivered");
    from.type_line(&format!("/msg {peer} psst"));
    from.until(&format!("outcome {peer} delivered"));
    for expected in [format!("message {user} > everyone: hello"), format!("message {user} > {peer}: psst")] {
        to.until(&expected);
    }
}

#[test]
fn with_udp_blocked_messages_go_through_the_server_and_straight_again_once_it_is_not() {
    let container = Container::new();
    container.block(Udp::All);
    let server = server(&container, &[]);
    let [mut alice, mut bob] = users(&container, &server);
    write_both(&mut alice, &bob, "alice", "bob");
    write_both(&mut bob, &alice, "bob", "alice");
    assert!(passed(&server) >= 4, "four messages went through the server");
    for client in [&mut alice, &mut bob] {
        let entry = who(client);
        assert_eq!((&entry["way"], entry["round_trip_us"].is_u64()), (&"relayed-tcp".into(), true), "{entry}");
    }

    assert!(alice.watch(NOTICED).contains(&"notice peers-relayed".to_owned()));
    container.unblock(Udp::All);
    let seen = type_until(&mut alice, "notice peers-direct");
    let links: Vec<&String> = seen.iter().filter(|event| event.starts_with("link ")).collect();
    assert_eq!(links, ["link bob lan"], "{seen:?}");
    let entry = who(&mut alice);
    assert_eq!(entry["way"], "lan", "{entry}");
    let before = passed(&server);
    write_both(&mut alice, &bob, "alice", "bob");
    assert_eq!(passed(&server), before, "nothing goes through the server any more");
}

#[test]
fn with_udp_that_works_the_server_passes_nothing_on_and_nobody_reads_about_ways() {
    let container = Container::new();
    let server = server(&container, &[]);
    let [mut alice, mut bob] = users(&container, &server);
    write_both(&mut alice, &bob, "alice", "bob");
    write_both(&mut bob, &alice, "bob", "alice");
    let entry = who(&mut alice);
    assert_eq!(entry["way"], "lan", "{entry}");
    assert_eq!((alice.watch(NOTICED), bob.watch(NOTICED)), (Vec::new(), Vec::new()));
    assert_eq!(passed(&server), 0);
}

#[test]
fn people_read_once_that_messages_go_through_the_server_and_who_shows_it() {
    for (language, relayed, direct, cell) in [
        (
            "en",
            "note: messages to bob go through the server, still sealed",
            "note: messages to bob go straight",
            "server",
        ),
        ("zh-CN", "提示：无法直接连通 bob，消息改经服务器中转", "提示：发给 bob 的消息又改为", "服务器"),
    ] {
        let container = Container::new();
        container.block(Udp::All);
        let server = server(&container, &[]);
        let bob = client(&container, &server, 1, "bob").start();
        let mut command = client(&container, &server, 0, "alice").args(&["--lang", language]).into_interactive();
        command.env("CHAT_PASSWORD", PASSWORD).current_dir(server.data_dir());
        let mut alice = Terminal::start(&command);
        alice.until_output("> ");
        let count = |lines: &[String], part: &str| lines.iter().filter(|line| line.contains(part)).count();
        for line in ["one", "two", "/msg bob three"] {
            alice.type_line(line);
            bob.message();
        }
        alice.until_screen("the notice", |lines| count(lines, relayed) == 1);
        alice.type_line("/who");
        let row = |line: &String| line.starts_with(&format!("  bob   {cell}")) && line.contains(" ms  ");
        alice.until_screen("the way", |lines| lines.iter().any(row));
        container.unblock(Udp::All);
        let begin = Instant::now();
        while count(&alice.lines(), direct) == 0 {
            assert!(begin.elapsed() < PATIENCE, "{:#?}", alice.lines());
            alice.type_line("still here");
            thread::sleep(TYPING_INTERVAL);
        }
        assert_eq!(count(&alice.lines(), relayed), 1, "{:#?}", alice.lines());
    }
}

#[test]
fn udp_that_dies_and_returns_in_the_middle_of_a_conversation_loses_and_doubles_nothing() {
    const TEXTS: usize = 300;
    const PAUSE: Duration = Duration::from_millis(10);
    let container = Container::new();
    let server = server(&container, &[]);
    let mut clients = users(&container, &server);
    for number in 0..TEXTS {
        match number {
            100 => container.block(Udp::All),
            200 => container.unblock(Udp::All),
            _ => {}
        }
        for client in &mut clients {
            client.type_line(&text(number, 64));
        }
        thread::sleep(PAUSE);
    }
    let texts: Vec<String> = (0..TEXTS).map(|number| text(number, 64)).collect();
    let names = ["alice", "bob"];
    for (number, client) in clients.iter().enumerate() {
        let other = names[1 - number];
        let mut log = EventLog::default();
        log.collect(client, TEXTS, TEXTS);
        log.assert_all_delivered_to(&[other]);
        log.assert_received(other, &texts);
        assert!(!log.others.contains(&format!("notice peer-silent {other}")), "{:?}", log.others);
    }
    assert!(passed(&server) > 0, "UDP was blocked for so long that the server was needed");
}

#[test]
fn udp_that_is_blocked_in_one_direction_does_not_make_the_way_change_again_and_again() {
    const TIME: Duration = Duration::from_secs(20);
    let container = Container::new();
    let server = server(&container, &[]);
    let [mut alice, mut bob] = users(&container, &server);
    write_both(&mut alice, &bob, "alice", "bob");
    container.block(Udp::FromFirst);
    let (begin, mut seen) = (Instant::now(), [Vec::new(), Vec::new()]);
    let mut typed = 0;
    while begin.elapsed() < TIME {
        for (client, seen) in [&mut alice, &mut bob].into_iter().zip(&mut seen) {
            client.type_line("hello");
            seen.extend(client.watch(TYPING_INTERVAL));
        }
        typed += 1;
    }
    for (client, seen) in [&mut alice, &mut bob].into_iter().zip(&mut seen) {
        while seen.iter().filter(|event| event.starts_with("summary 1 delivered")).count() < typed {
            seen.push(client.next());
        }
        let links = seen.iter().filter(|event| event.starts_with("link ")).count();
        assert!(links <= 2, "{links} changes: {seen:?}");
        assert!(seen.iter().all(|event| !event.contains("unconfirmed") && !event.contains("failed")), "{seen:?}");
    }
    // Bob's datagrams arrive, so his may still go straight, although the acks come through the server.
    assert_eq!(who(&mut alice)["way"], "relayed-tcp", "hers do not arrive");
}

/// Asserts that no datagram has reached any socket of this network.
fn assert_no_datagrams(network: &Namespace) {
    network.run("awk '/^Udp6?:/ && $2 ~ /^[0-9]+$/ { all += $2 + $3 } END { exit all > 0 }' /proc/net/snmp");
    network.run("awk '/^Udp6(InDatagrams|NoPorts)/ { all += $2 } END { exit all > 0 }' /proc/net/snmp6");
}

#[test]
fn nobody_sees_the_address_of_a_client_that_uses_the_relay_only() {
    let container = Container::new();
    let server = server(&container, &[]);
    let mut alice = client(&container, &server, 0, "alice").args(&["--reach", "relay"]).start();
    let mut bob = client(&container, &server, 1, "bob").start();
    alice.expect(&["online bob"]);
    write_both(&mut alice, &bob, "alice", "bob");
    write_both(&mut bob, &alice, "bob", "alice");
    let entry = who(&mut bob);
    assert_eq!((&entry["address"], &entry["way"]), (&HIDDEN.into(), &"relayed-tcp".into()), "{entry}");
    let entry = who(&mut alice);
    assert_eq!(entry["way"], "relayed-tcp", "{entry}");
    // A user who has chosen the relay expects it, so no notice says so.
    let told = alice.watch(NOTICED);
    assert!(!told.iter().any(|event| event.starts_with("notice")), "{told:?}");
    for machine in &container.machines {
        assert_no_datagrams(machine);
    }
    let Finished { out, .. } = client(&container, &server, 1, "carol").args(&["--format", "text"]).run("/who\n");
    assert_contains(&out, "alice hidden since ");
    let mut dave = client(&container, &server, 1, "dave").start();
    assert_eq!(who(&mut dave)["address"], HIDDEN);
}

#[test]
fn a_client_that_sends_straight_only_gets_nothing_through_the_server() {
    let container = Container::new();
    container.block(Udp::All);
    let server = server(&container, &[]);
    let mut alice = client(&container, &server, 0, "alice").args(&["--reach", "direct"]).start();
    let mut bob = client(&container, &server, 1, "bob").start();
    alice.expect(&["online bob"]);
    alice.type_line("hello");
    bob.type_line("hello");
    alice.until("notice peer-silent bob");
    bob.until("notice peer-silent alice");
    assert_eq!(passed(&server), 0);
}

#[test]
fn with_a_server_that_does_not_relay_it_is_as_before_and_its_users_read_so_once() {
    let container = Container::new();
    container.block(Udp::All);
    let server = server(&container, &["--relay", "off"]);
    let [mut alice, bob] = users(&container, &server);
    let carol = client(&container, &server, 1, "carol").start();
    alice.expect(&["online carol"]);
    alice.type_line("hello");
    let seen = alice.until("notice no-relay");
    assert!(seen.iter().any(|event| event.starts_with("notice peer-silent ")), "{seen:?}");
    let seen = [seen, alice.watch(Duration::from_secs(5))].concat();
    for (notice, count) in [("notice no-relay", 1), ("notice peer-silent bob", 1), ("notice peer-silent carol", 1)] {
        assert_eq!(seen.iter().filter(|event| *event == notice).count(), count, "{notice}: {seen:?}");
    }
    container.unblock(Udp::All);
    alice.until("summary 2 delivered");
    drop((bob, carol));

    let mut hidden = client(&container, &server, 0, "dave").args(&["--reach", "relay"]).start();
    hidden.until("notice no-relay");
    hidden.type_line("/msg alice hello");
    hidden.until("outcome alice failed: no-address");
}

#[test]
fn on_a_bad_network_every_message_arrives_once_and_in_order_with_the_relay_too() {
    const TEXTS: usize = 100;
    let server = Server::start(testing::sqlite());
    let router = Router::new(2);
    let client =
        |number, user| router.connect(number, server.client(user)).env("CHAT_REACH", "auto").register().start();
    let mut alice = client(0, "alice");
    let mut bob = client(1, "bob");
    alice.expect(&["online bob"]);
    router.set_network(Network::Impaired(Box::new(Impairment {
        lost_percent: 60,
        duplicated_percent: 5,
        delay: Duration::from_millis(80),
        generator: SeededGenerator::new(1),
    })));
    for number in 0..TEXTS {
        alice.type_line(&text(number, 64));
        bob.type_line(&text(number, 64));
    }
    let texts: Vec<String> = (0..TEXTS).map(|number| text(number, 64)).collect();
    for (client, other) in [(&alice, "bob"), (&bob, "alice")] {
        let mut log = EventLog::default();
        log.collect(client, TEXTS, TEXTS);
        log.assert_all_delivered_to(&[other]);
        log.assert_received(other, &texts);
    }
}
