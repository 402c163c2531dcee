//! Accounts and tickets for the clients, created before the measurement and kept in the data directory.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use chat_core::server::ServerConfig;
use chat_net::Server;
use chat_net::data_folder::DataFolder;
use chat_store::hashing::HashCost;
use chat_store::{SqlAccounts, StoreOptions, StoreUrl};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use super::client::{Command, Method};
use super::clients::{Clients, HEARTBEAT};
use super::net::{Arrivals, Net, wall_nanos};
use crate::output::Progress;

/// An account and its credentials.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct TestAccount {
    pub(crate) name: String,
    pub(crate) password: String,
    /// The latest ticket; empty if there is none.
    pub(crate) ticket: Vec<u8>,
}

/// The accounts of a data directory.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct TestAccounts {
    /// When the tickets were issued, in nanoseconds since the Unix epoch.
    issued: u64,
    /// Accounts that log in with a ticket. Their passwords are hashed at the lowest cost, as few are ever checked.
    pub(crate) with_ticket: Vec<TestAccount>,
    /// Accounts that log in with a password, hashed at the default cost.
    pub(crate) with_password: Vec<TestAccount>,
}

/// Maximum age of tickets at the start of a run. They are valid for 24 h, so this leaves 4 h for the run.
const MAX_TICKET_AGE: Duration = Duration::from_hours(20);

/// Maximum number of concurrent registrations: below the server's limit for each address, and few enough to keep the
/// roster small.
const MAX_REGISTRATIONS: usize = 64;

/// Timeout for all registrations.
const REGISTRATION_TIME: Duration = Duration::from_mins(10);

impl TestAccounts {
    /// Loads the accounts from `folder`, and registers missing ones with the database in `server_folder`.
    pub(crate) async fn load_or_create(
        folder: &Path,
        server_folder: &Path,
        with_ticket: usize,
        with_password: usize,
    ) -> io::Result<Self> {
        let file = folder.join("accounts.json");
        let mut accounts: Self = match fs::read(&file) {
            Ok(text) => serde_json::from_slice(&text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::default(),
            Err(error) => return Err(error),
        };
        let age = Duration::from_nanos(wall_nanos().saturating_sub(accounts.issued));
        if accounts.with_ticket.len() < with_ticket || age > MAX_TICKET_AGE {
            let count = with_ticket.max(accounts.with_ticket.len());
            accounts.with_ticket = register(server_folder, "ticket", count, HashCost::CHEAPEST).await?;
            accounts.issued = wall_nanos();
        }
        if accounts.with_password.len() < with_password {
            accounts.with_password = register(server_folder, "password", with_password, HashCost::DEFAULT).await?;
        }
        fs::write(&file, serde_json::to_vec(&accounts)?)?;
        Ok(accounts)
    }
}

/// Registers accounts with a server in this process, which uses the keys in `server_folder`. The server issues the
/// tickets; they do not depend on the cost of the password hash.
async fn register(server_folder: &Path, prefix: &str, count: usize, cost: HashCost) -> io::Result<Vec<TestAccount>> {
    // The database needs the folder before the server does.
    DataFolder::open(server_folder).map_err(io::Error::other)?;
    let url = StoreUrl::sqlite(server_folder.join("chat.sqlite"));
    let mut options = StoreOptions::default();
    options.hashing.cost = cost;
    let store = SqlAccounts::open(&url, options).await.map_err(io::Error::other)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let net = Net::new(listener.local_addr()?, MAX_REGISTRATIONS, Arrivals::Ignored)?;
    let mut config = ServerConfig::default();
    // The benchmark owns the server, so its registrations are not rate limited.
    (config.registrations_per_hour, config.registrations_per_address) = (u32::MAX, u32::MAX);
    // The clients break their connections, because leaving would void their tickets. Their sessions must not accumulate.
    config.grace = Duration::from_millis(100);
    let server = Server::builder(store).data_dir(server_folder).config(config).accept_from(listener).await;
    let server = server.map_err(io::Error::other)?;
    let handle = server.handle();
    let running = tokio::spawn(server.run());

    let account = |number| TestAccount {
        name: format!("{prefix}{number:05}"),
        password: "correct horse".to_owned(),
        ticket: Vec::new(),
    };
    let accounts: Vec<TestAccount> = (0..count).map(account).collect();
    let clients = Clients::new(&net, 0, &accounts, 0, HEARTBEAT);
    for index in 0..count {
        clients.command(index, Command::Login(Method::Register));
        clients.command(index, Command::Break);
    }
    let (begin, mut progress) = (Instant::now(), Progress::default());
    let has_ticket = |account: &TestAccount| !account.ticket.is_empty();
    let accounts = loop {
        let accounts: Vec<_> = clients.states.iter().map(|shared| shared.lock().account.clone()).collect();
        let done = accounts.iter().filter(|account| has_ticket(account)).count();
        if done == count {
            break accounts;
        } else if begin.elapsed() > REGISTRATION_TIME {
            let failures = clients.counters.failures();
            return Err(io::Error::other(format!("only {done} of {count} accounts are registered: {failures:?}")));
        }
        progress.report(|| format!("{done} of {count} accounts are registered"));
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    clients.shut_down().await;
    handle.stop();
    running.await.map_err(io::Error::other)?.map_err(io::Error::other)?;
    handle.stopped().await;
    Ok(accounts)
}
