//! Networks that lose, duplicate, delay and reorder datagrams, and partitions.

use std::time::{Duration, Instant};

use chat_core::sim::SeededGenerator;
use chat_store::testing;

use crate::harness::{Client, EventLog, Impairment, Network, Router, Server, text};

const NAMES: [&str; 3] = ["alice", "bob", "carol"];

/// Longer than a datagram in flight or a delayed ack takes.
const QUIET: Duration = Duration::from_millis(500);

/// Clients behind one router that have seen each other come online.
fn clients(server: &Server, router: &Router, names: &[&str]) -> Vec<Client> {
    let mut clients: Vec<Client> = Vec::new();
    for (number, name) in names.iter().enumerate() {
        let client = router.connect(number, server.client(name)).register().start();
        clients.iter().for_each(|other| drop(other.expect(&[&format!("online {name}")])));
        clients.push(client);
    }
    clients
}

/// Whether an event is a notice that a lossy network may cause.
fn is_about_silence(event: &str) -> bool {
    event.starts_with("notice peer-silent ") || event.starts_with("notice peer-answers ")
}

#[test]
fn an_impaired_network_delivers_everything_once_and_in_order() {
    const TEXTS: usize = 200;
    /// One text in this many has the maximum length.
    const LONG_EVERY: usize = 40;
    const LONGEST: usize = 16_384;
    let server = Server::start(testing::sqlite());
    let router = Router::new(NAMES.len());
    let mut clients = clients(&server, &router, &NAMES);
    let delay = Duration::from_millis(80);
    let network = Impairment { lost_percent: 30, duplicated_percent: 10, delay, generator: SeededGenerator::new(3) };
    router.set_network(Network::Impaired(Box::new(network)));
    let length = |number: usize| if number % LONG_EVERY == 7 { LONGEST } else { 40 };
    let texts: Vec<String> = (0..TEXTS).map(|number| text(number, length(number))).collect();
    let begin = Instant::now();
    for text in &texts {
        clients.iter_mut().for_each(|client| client.type_line(text));
    }
    let mut logs = [EventLog::default(), EventLog::default(), EventLog::default()];
    let others = NAMES.len() - 1;
    for (client, log) in clients.iter().zip(&mut logs) {
        log.collect(client, TEXTS * others, TEXTS * others);
    }
    println!("{TEXTS} texts of each of {} to everyone: {:?}", NAMES.len(), begin.elapsed());
    for (number, (client, log)) in clients.iter().zip(&mut logs).enumerate() {
        // A duplicate would arrive now.
        std::iter::from_fn(|| client.events.next(QUIET).ok()).for_each(|event| log.add(&event));
        let others = [&NAMES[..number], &NAMES[number + 1..]].concat();
        assert_eq!(log.sent.len(), TEXTS);
        log.assert_all_delivered_to(&others);
        others.iter().for_each(|other| log.assert_received(other, &texts));
        assert!(log.others.iter().all(|event| is_about_silence(event)), "{:?}", log.others);
    }
}

#[test]
fn messages_sent_during_a_partition_are_delivered_after_it() {
    const PARTITION: Duration = Duration::from_secs(10);
    const TEXTS: usize = 20;
    // Messages would go through the server.
    let server = Server::start_with(testing::sqlite(), &["--relay", "off"]);
    let router = Router::new(2);
    let mut clients = clients(&server, &router, &NAMES[..2]);
    for from in [0, 1] {
        clients[from].type_line("before");
        clients[from].until("summary 1 delivered");
        clients[1 - from].message();
    }
    router.set_network(Network::Partitioned);
    let texts: Vec<String> = (0..TEXTS).map(|number| text(number, 40)).collect();
    for text in &texts {
        clients.iter_mut().for_each(|client| client.type_line(text));
    }
    let mut logs = [EventLog::default(), EventLog::default()];
    let end = Instant::now() + PARTITION;
    for (client, log) in clients.iter().zip(&mut logs) {
        while let Ok(event) = client.events.next(end.saturating_duration_since(Instant::now())) {
            log.add(&event);
        }
        assert_eq!((log.messages(), log.outcomes()), (0, 0), "an event during the partition");
    }
    router.set_network(Network::Perfect);
    let begin = Instant::now();
    for (client, log) in clients.iter().zip(&mut logs) {
        log.collect(client, TEXTS, TEXTS);
    }
    println!("everything was delivered {:?} after the end of the partition", begin.elapsed());
    for (number, log) in logs.iter().enumerate() {
        let other = NAMES[1 - number];
        log.assert_all_delivered_to(&[other]);
        log.assert_received(other, &texts);
        assert_eq!(log.others[0], format!("notice peer-silent {other}"));
        assert!(log.others.iter().all(|event| is_about_silence(event)), "{:?}", log.others);
    }
}
