//! Three servers share one roster through Redis, and one of them is killed in the middle of a conversation of six people.
//! Needs a `redis-server` program, which the example starts itself. Each server has a runtime of its own, as if it were a
//! process, and loses everything at once when it is killed.
//!
//! ```text
//! cargo run -p chat-examples --example cluster
//! ```
//!
//! prints, with other numbers:
//!
//! ```text
//! Redis listens at port 40123
//! north, east and south share one roster
//! alice, bob, carol, dave, erin and 小明 are online: 2, 3 and 1 of them at each server
//! alice says hello to all: 5 of 5 received it
//! the server with the most people is killed: 3 lose their connection
//! 1.2 s later all 6 are connected to the 2 others
//! bob asks whether anybody noticed: 5 of 5 received it
//! 6.4 s after its death the others have declared the server lost
//! it starts again, and 3 servers share the roster
//! frank comes, and 6 people see it
//! carol says hello to frank and all: 6 of 6 received it
//! until now, 7.9 s after the death, people were told 0 times that anybody left
//! ```

mod node;

use std::error::Error;
use std::io::{Write, stdout};
use std::time::{Duration, Instant};

use chat_net::{Client, Event, Presence, Recipient};
use chat_store::RosterUrl;
use chat_store::testing::{Keep, RedisServer};
use tokio::runtime::Runtime;

use node::{Node, Shared};

const SERVERS: [&str; 3] = ["north", "east", "south"];
const PEOPLE: [&str; 6] = ["alice", "bob", "carol", "dave", "erin", "小明"];

fn main() -> Result<(), Box<dyn Error>> {
    converse(&mut stdout())
}

fn converse(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let redis = RedisServer::start(Keep::Nothing);
    writeln!(out, "Redis listens at port {}", redis.port())?;

    // All servers share the accounts, the keys, and the roster.
    let folder = tempfile::tempdir()?;
    let shared = Shared {
        database: format!("sqlite:{}", folder.path().join("chat.sqlite").display()),
        keys: folder.path().join("keys"),
        roster: RosterUrl::parse(&redis.roster())?,
    };
    let mut nodes = Vec::new();
    for name in SERVERS {
        nodes.push(Node::start(name, "127.0.0.1:0".parse()?, &shared)?);
    }
    wait_until(|| nodes.iter().all(|node| node.servers() == 3));
    writeln!(out, "{} share one roster", list(&SERVERS))?;

    // Every client knows all servers, and begins at any of them.
    let runtime = Runtime::new()?;
    let mut clients = Vec::new();
    for user in PEOPLE {
        clients.push(runtime.block_on(join(user, &nodes))?);
    }
    runtime.block_on(see(&mut clients, 5));
    wait_until(|| nodes.iter().map(Node::people).sum::<usize>() == 6);
    let [north, east, south] = [0, 1, 2].map(|at: usize| nodes[at].people());
    writeln!(out, "{} are online: {north}, {east} and {south} of them at each server", list(&PEOPLE))?;
    let (reached, _) = runtime.block_on(say(&mut clients, 0, "hello"))?;
    writeln!(out, "alice says hello to all: {reached} of 5 received it")?;

    let busiest = (0..3).max_by_key(|at| nodes[*at].people()).unwrap_or_default();
    let killed = nodes.remove(busiest);
    let (lost, address) = (killed.people(), killed.address());
    killed.kill();
    let begin = Instant::now();
    writeln!(out, "the server with the most people is killed: {lost} lose their connection")?;
    wait_until(|| nodes.iter().map(Node::people).sum::<usize>() == 6);
    writeln!(out, "{:.1} s later all 6 are connected to the 2 others", begin.elapsed().as_secs_f32())?;
    let (reached, mut told) = runtime.block_on(say(&mut clients, 1, "did anybody notice?"))?;
    writeln!(out, "bob asks whether anybody noticed: {reached} of 5 received it")?;

    wait_until(|| nodes.iter().all(|node| node.servers() == 2));
    let took = begin.elapsed().as_secs_f32();
    writeln!(out, "{took:.1} s after its death the others have declared the server lost")?;
    nodes.push(Node::start(SERVERS[busiest], address, &shared)?);
    wait_until(|| nodes.iter().all(|node| node.servers() == 3));
    writeln!(out, "it starts again, and 3 servers share the roster")?;
    let frank = runtime.block_on(join("frank", &nodes))?;
    let (seen, departures) = runtime.block_on(see(&mut clients, 6));
    writeln!(out, "frank comes, and {seen} people see it")?;
    told += departures;
    clients.push(frank);
    let (reached, departures) = runtime.block_on(say(&mut clients, 2, "hello again"))?;
    writeln!(out, "carol says hello to frank and all: {reached} of 6 received it")?;
    told += departures;
    // Whoever does not come back is offline after 46 s. That takes longer than this conversation.
    let took = begin.elapsed().as_secs_f32();
    writeln!(out, "until now, {took:.1} s after the death, people were told {told} times that anybody left")?;
    assert_eq!(told, 0, "a server's death is not a departure of its people");
    Ok(())
}

/// Registers a user at any of the servers. They have one key, so one fingerprint identifies all.
async fn join(user: &str, nodes: &[Node]) -> Result<Client, Box<dyn Error>> {
    let [first, others @ ..] = nodes else { return Err("there is no server".into()) };
    let mut builder = Client::builder(first.address()).fingerprint(first.fingerprint())?;
    for other in others {
        builder = builder.or_server(other.address())?;
    }
    Ok(builder.register(user, "correct horse").await?)
}

/// Sends a text to everyone, and lets the others read until they have it. Returns to how many it was delivered, and how often
/// they have read until then that somebody left.
async fn say(clients: &mut [Client], from: usize, text: &str) -> Result<(usize, usize), Box<dyn Error>> {
    let sent = clients[from].send(Recipient::Everyone, text).await?;
    let mut told = 0;
    for (_, client) in clients.iter_mut().enumerate().filter(|(at, _)| *at != from) {
        while let Some(event) = client.next().await {
            told += usize::from(is_departure(&event));
            if matches!(event, Event::Message(_)) {
                break;
            }
        }
    }
    Ok((sent.outcomes().await.iter().filter(|outcome| outcome.is_delivered()).count(), told))
}

/// Lets every client read its events until it sees this number of others. Returns how many clients do, and how often they have read
/// until then that somebody left.
async fn see(clients: &mut [Client], others: usize) -> (usize, usize) {
    let (mut seen, mut told) = (0, 0);
    for client in clients {
        while client.roster().len() < others {
            let Some(event) = client.next().await else { break };
            told += usize::from(is_departure(&event));
        }
        seen += usize::from(client.roster().len() == others);
    }
    (seen, told)
}

fn is_departure(event: &Event) -> bool {
    matches!(event, Event::Presence(event) if matches!(event.presence, Presence::Offline(_)))
}

fn list(names: &[&str]) -> String {
    names.split_last().map_or_else(String::new, |(last, rest)| format!("{} and {last}", rest.join(", ")))
}

/// Waits until something holds, for a minute at most.
fn wait_until(holds: impl Fn() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < Duration::from_secs(60), "it takes too long");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn it_prints_what_its_header_says() {
    let mut out = Vec::new();
    converse(&mut out).expect("the conversation succeeds");
    chat_examples::assert_prints_its_header("cluster/main.rs", &out);
}
