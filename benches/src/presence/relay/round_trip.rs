//! `round-trip`: how long a datagram and its answer take through the relay, compared with the two legs that they consist
//! of: a request and its reply between either member and the server.
//!
//! Legs and relayed round trips alternate, so that both meet the same load. The members run in one thread, and the server in
//! a process of its own. **Two legs** is the sum of a leg of either member in the same round. Each row compares itself with
//! that: the ratio of the medians, and how much more the median and the 99th percentile are.
//!
//! Two real clients also exchange private messages, straight and through the relay: from sending a message until its answer,
//! another message, has come.

use std::io;
use std::path::Path;
use std::time::Instant;

use chat_core::client::Credentials;
use chat_core::message::Recipient;
use chat_core::name::UserName;
use chat_core::password::Password;
use chat_core::wire::control::Purpose;
use chat_net::client::{self, Client, ClientOptions, Event, ReachMode};
use chat_net::trust::{KnownServers, Trust, UnknownServer};

use super::super::Settings;
use super::super::accounts::TestAccount;
use super::super::net::{Arrivals, Net};
use super::super::server::{Design, Server};
use super::limits;
use super::member::{Member, frames};
use crate::output::{Row, Table};
use crate::stats::Histogram;

/// The bytes of each datagram: a text of 64 bytes and what seals it.
const SIZE: usize = 117;

/// The text of each message of the real clients.
const TEXT: &str = "sixty-four bytes of text, which is what people write in a chat...";

/// The rate of the relay in KiB each second: no round trip waits for its sender's rate.
const RATE: u64 = 1_048_576;

/// The frames that a connection may send each second: the most that the server permits, because heartbeats follow one
/// another at once.
const FRAMES: &str = "10000";

/// Runs the scenario.
///
/// # Errors
/// The accounts cannot be created, or the server or a client fails.
pub async fn run(settings: &Settings, table: &mut Table, rounds: u64) -> io::Result<()> {
    const MEMBERS: usize = 6;
    let accounts = settings.accounts(MEMBERS, 0).await?.with_ticket;
    let mut limits = limits(RATE, RATE);
    limits.extend(["--frames-per-second", FRAMES].map(str::to_owned));
    let server = Server::start_with(settings, Design::Ours, &limits)?;
    let net = Net::new(server.address, settings.dialling, Arrivals::Ignored)?;
    let mut alice = Member::join(&net, 0, &accounts[0]).await?;
    let mut bob = Member::join(&net, 1, &accounts[1]).await?;
    let [to_bob, to_alice] = [(&alice, bob.session), (&bob, alice.session)]
        .map(|(from, to)| frames(&from.datagram(SIZE), |_| to, &mut 0, 1).concat());
    let (mut legs, mut relayed) = (Histogram::default(), Histogram::default());
    for _ in 0..rounds {
        let start = Instant::now();
        alice.leg().await.map_err(io::Error::other)?;
        bob.leg().await.map_err(io::Error::other)?;
        legs.record(start.elapsed());
        let start = Instant::now();
        alice.send(&to_bob).await.map_err(io::Error::other)?;
        bob.receive().await.map_err(io::Error::other)?;
        bob.send(&to_alice).await.map_err(io::Error::other)?;
        alice.receive().await.map_err(io::Error::other)?;
        relayed.record(start.elapsed());
    }
    let folder = tempfile::tempdir()?;
    let mut messages = Vec::new();
    for (reach, pair) in [(ReachMode::Direct, &accounts[2..4]), (ReachMode::Relay, &accounts[4..6])] {
        messages.push(private_messages(&server, folder.path(), reach, pair, rounds).await?);
    }
    for (what, times) in [
        ("two legs", &legs),
        ("relayed datagram and answer", &relayed),
        ("private message and answer, straight", &messages[0]),
        ("private message and answer, relayed", &messages[1]),
    ] {
        let over = |share: f64| times.millis(share).zip(legs.millis(share)).map(|(this, legs)| this - legs);
        let row = Row::default()
            .with("p50_us", times.micros(0.5))
            .with("p99_us", times.micros(0.99))
            .with("ratio", times.micros(0.5).zip(legs.micros(0.5)).map(|(this, legs)| this / legs))
            .with("over_legs_p50_ms", over(0.5))
            .with("over_legs_p99_ms", over(0.99))
            .with_faults("lost", rounds - times.count())
            .with("what", what);
        table.row(&row);
    }
    Ok(())
}

/// The times of private messages between two clients, each with its answer.
async fn private_messages(
    server: &Server,
    folder: &Path,
    reach: ReachMode,
    accounts: &[TestAccount],
    count: u64,
) -> io::Result<Histogram> {
    let mut clients = Vec::new();
    for account in accounts {
        clients.push(log_in(server, folder, reach, account).await?);
    }
    let [alice, bob] = &mut clients[..] else { return Err(io::Error::other("two accounts make two clients")) };
    let [to_alice, to_bob] = [&*alice, &*bob].map(|client| Recipient::One(client.user().clone()));
    // Users of the pair before may still be in the rosters.
    wait_for(alice, bob.user()).await?;
    wait_for(bob, alice.user()).await?;
    let mut times = Histogram::default();
    let questions = async {
        // The first message derives the keys of the link and does not count.
        for number in 0..=count {
            let start = Instant::now();
            alice.send(to_bob.clone(), TEXT).await.map_err(io::Error::other)?;
            next_message(alice).await?;
            if number > 0 {
                times.record(start.elapsed());
            }
        }
        io::Result::Ok(())
    };
    let answers = async {
        loop {
            next_message(bob).await?;
            bob.send(to_alice.clone(), TEXT).await.map_err(io::Error::other)?;
        }
    };
    tokio::select! {
        result = questions => result?,
        result = answers => return result,
    }
    Ok(times)
}

/// Waits until `user` is in the roster of `client`.
async fn wait_for(client: &mut Client, user: &UserName) -> io::Result<()> {
    while client.roster().get(user).is_none() {
        client.next().await.ok_or_else(|| io::Error::other("a session has ended"))?;
    }
    Ok(())
}

async fn next_message(client: &mut Client) -> io::Result<()> {
    loop {
        match client.next().await {
            Some(Event::Message(_)) => return Ok(()),
            Some(_) => {}
            None => return Err(io::Error::other("a session has ended")),
        }
    }
}

async fn log_in(server: &Server, folder: &Path, reach: ReachMode, account: &TestAccount) -> io::Result<Client> {
    let store = KnownServers::open(folder.join("known-servers")).map_err(io::Error::other)?;
    let trust = Trust::Known { store, unknown: UnknownServer::AcceptNew };
    let user = UserName::parse(&account.name).map_err(io::Error::other)?;
    let password = Password::parse(&account.password).map_err(io::Error::other)?;
    let address = server.address.try_into().map_err(io::Error::other)?;
    let mut options = ClientOptions::new(address, trust, Credentials::new(user, password, Purpose::Login));
    options.reach = reach;
    client::connect(options).await.map_err(io::Error::other)
}
