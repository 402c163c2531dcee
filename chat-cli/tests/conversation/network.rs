//! Networks that lose, double, delay and part.

use std::time::{Duration, Instant};

use chat_core::sim::SeededGenerator;
use chat_store::testing;

use crate::client::Client;
use crate::impairment::Impairment;
use crate::router::{Network, Router};
use crate::server::Server;
use crate::tidings::{Tidings, text};

const NAMES: [&str; 3] = ["alice", "bob", "carol"];

/// Longer than a datagram that is still under way, or an ack that waits, takes.
const QUIET: Duration = Duration::from_millis(500);

/// People behind one router, each of whom knows of the others.
fn people(server: &Server, router: &Router, names: &[&str]) -> Vec<Client> {
    let mut clients: Vec<Client> = Vec::new();
    for (number, name) in names.iter().enumerate() {
        let client = router.connect(number, server.client(name)).register().start();
        clients.iter().for_each(|other| drop(other.expect(&[&format!("online {name}")])));
        clients.push(client);
    }
    clients
}

/// What a lossy network may make people be told, beside messages and outcomes.
fn is_about_silence(told: &str) -> bool {
    told.starts_with("notice peer-silent ") || told.starts_with("notice peer-answers ")
}

#[test]
fn through_loss_delay_doubles_and_disorder_all_is_delivered_once_and_in_order() {
    const TEXTS: usize = 200;
    /// One in so many is as long as a text may be.
    const LONG_EVERY: usize = 40;
    const LONGEST: usize = 16_384;
    let server = Server::start(testing::sqlite());
    let router = Router::new(NAMES.len());
    let mut clients = people(&server, &router, &NAMES);
    let delay = Duration::from_millis(80);
    let network = Impairment { lost_percent: 30, doubled_percent: 10, delay, generator: SeededGenerator::new(3) };
    router.set_network(Network::Impaired(Box::new(network)));
    let length = |number: usize| if number % LONG_EVERY == 7 { LONGEST } else { 40 };
    let texts: Vec<String> = (0..TEXTS).map(|number| text(number, length(number))).collect();
    let begin = Instant::now();
    for text in &texts {
        clients.iter_mut().for_each(|client| client.type_line(text));
    }
    let mut tidings = [Tidings::default(), Tidings::default(), Tidings::default()];
    let others = NAMES.len() - 1;
    for (client, tidings) in clients.iter().zip(&mut tidings) {
        tidings.gather(client, TEXTS * others, TEXTS * others);
    }
    println!("{TEXTS} texts of each of {} to everyone: {:?}", NAMES.len(), begin.elapsed());
    for (number, (client, tidings)) in clients.iter().zip(&mut tidings).enumerate() {
        // What comes twice would come now.
        std::iter::from_fn(|| client.events.next(QUIET).ok()).for_each(|event| tidings.add(&event));
        let others = [&NAMES[..number], &NAMES[number + 1..]].concat();
        assert_eq!(tidings.sent.len(), TEXTS);
        tidings.all_was_delivered_to(&others);
        others.iter().for_each(|other| tidings.came_from(other, &texts));
        assert!(tidings.others.iter().all(|told| is_about_silence(told)), "{:?}", tidings.others);
    }
}

#[test]
fn what_is_said_during_a_partition_is_delivered_soon_after_its_end() {
    const PARTED: Duration = Duration::from_secs(10);
    const TEXTS: usize = 20;
    let server = Server::start(testing::sqlite());
    let router = Router::new(2);
    let mut clients = people(&server, &router, &NAMES[..2]);
    for from in [0, 1] {
        clients[from].type_line("before");
        clients[from].until("summary 1 delivered");
        clients[1 - from].message();
    }
    router.set_network(Network::Parted);
    let texts: Vec<String> = (0..TEXTS).map(|number| text(number, 40)).collect();
    for text in &texts {
        clients.iter_mut().for_each(|client| client.type_line(text));
    }
    let mut tidings = [Tidings::default(), Tidings::default()];
    let end = Instant::now() + PARTED;
    for (client, tidings) in clients.iter().zip(&mut tidings) {
        while let Ok(event) = client.events.next(end.saturating_duration_since(Instant::now())) {
            tidings.add(&event);
        }
        assert_eq!((tidings.messages(), tidings.outcomes()), (0, 0), "nothing is claimed");
    }
    router.set_network(Network::Perfect);
    let begin = Instant::now();
    for (client, tidings) in clients.iter().zip(&mut tidings) {
        tidings.gather(client, TEXTS, TEXTS);
    }
    println!("all was delivered {:?} after the end of the partition", begin.elapsed());
    for (number, tidings) in tidings.iter_mut().enumerate() {
        let other = NAMES[1 - number];
        tidings.all_was_delivered_to(&[other]);
        tidings.came_from(other, &texts);
        assert_eq!(tidings.others[0], format!("notice peer-silent {other}"));
        assert!(tidings.others.iter().all(|told| is_about_silence(told)), "{:?}", tidings.others);
    }
}
