//! Accounts and tickets for the clients, created before the measurement and kept in the data directory.

use std::fs;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chat_core::accounts::{AccountError, Accounts};
use chat_core::name::UserName;
use chat_core::password::Password;
use chat_core::time::Timestamp;
use chat_net::identity::ServerIdentity;
use chat_net::server::{ServerOptions, serve};
use chat_store::hashing::{HashCost, HashOptions};
use chat_store::{SqlAccounts, StoreOptions, StoreUrl};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::BEAT;
use super::client::{By, Command};
use super::crowd::Crowd;
use super::member::Person;
use super::net::{Arrivals, Net, wall};
use crate::output::Progress;

/// The accounts of a data directory.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct People {
    /// When the tickets were issued, in nanoseconds since the Unix epoch.
    made: u64,
    /// Accounts that log in with a ticket. Their passwords are hashed at the lowest cost, as they are never checked.
    pub(crate) holders: Vec<Person>,
    /// Accounts that log in with a password, hashed at the default cost.
    pub(crate) members: Vec<Person>,
}

/// Maximum age of tickets at the start of a run. They are valid for 24 h, so this leaves 4 h for the run.
const TICKETS_LAST: Duration = Duration::from_secs(20 * 60 * 60);

/// Maximum number of concurrent registrations: below the server's limit for each address, and few enough to keep the
/// roster small.
const AT_ONCE: usize = 64;

/// Timeout for all registrations.
const PATIENCE: Duration = Duration::from_secs(600);

const PASSWORD: &str = "correct horse";

/// The server's data directory inside `folder`.
pub(crate) fn server_folder(folder: &Path) -> PathBuf {
    folder.join("server")
}

impl People {
    /// Loads the accounts from `folder` and creates missing ones, so that there are `holders` and `members` of them.
    ///
    /// A server in this process issues the tickets. It uses the directory's ticket key and hashes passwords at the
    /// lowest cost, since a ticket does not depend on the cost of the password hash.
    ///
    /// # Errors
    /// Returns an error if the directory cannot be read or written, or if an account or ticket cannot be created.
    pub(crate) async fn gather(folder: &Path, holders: usize, members: usize) -> io::Result<Self> {
        let file = folder.join("people.json");
        let mut people: Self = match fs::read(&file) {
            Ok(text) => serde_json::from_slice(&text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::default(),
            Err(error) => return Err(error),
        };
        let mut progress = Progress::default();
        let is_old = Duration::from_nanos(wall().saturating_sub(people.made)) > TICKETS_LAST;
        if people.holders.len() < holders || is_old {
            people.holders = with_tickets(folder, holders.max(people.holders.len()), &mut progress).await?;
            people.made = wall();
        }
        if people.members.len() < members {
            people.members = with_passwords(folder, members, &mut progress).await?;
        }
        fs::write(&file, serde_json::to_vec(&people)?)?;
        people.holders.truncate(holders);
        people.members.truncate(members);
        Ok(people)
    }
}

async fn open(folder: &Path, hashing: HashOptions) -> io::Result<SqlAccounts> {
    let url = StoreUrl::sqlite(server_folder(folder).join("chat.sqlite"));
    SqlAccounts::open(&url, StoreOptions { hashing, ..StoreOptions::default() }).await.map_err(io::Error::other)
}

async fn with_tickets(folder: &Path, count: usize, progress: &mut Progress) -> io::Result<Vec<Person>> {
    let identity = ServerIdentity::load_or_create(&server_folder(folder)).map_err(io::Error::other)?;
    let accounts = open(folder, HashOptions { cost: HashCost::CHEAPEST, ..HashOptions::default() }).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let net = Net::new(listener.local_addr()?, AT_ONCE, Arrivals::Ignored)?;
    let (stop, stopped) = oneshot::channel::<()>();
    let mut options = ServerOptions::default();
    // The benchmark owns the server, so its registrations are not rate limited.
    (options.machine.registrations_per_hour, options.machine.registrations_per_address) = (u32::MAX, u32::MAX);
    let server =
        tokio::spawn(serve(listener, identity, Arc::new(accounts), options, |_| {}, async { drop(stopped.await) }));
    let person = |number| Person { name: format!("guest{number:05}"), password: PASSWORD.into(), ticket: Vec::new() };
    let people: Vec<Person> = (0..count).map(person).collect();
    let crowd = Crowd::gather(&net, &people, 0, BEAT);
    crowd.aim(0);
    for index in 0..count {
        crowd.tell(index, Command::Come(By::Registering));
        crowd.tell(index, Command::Leave);
    }
    let begin = std::time::Instant::now();
    let has_ticket =
        |crowd: &Crowd| crowd.members.iter().filter(|member| !member.lock().person.ticket.is_empty()).count();
    while has_ticket(&crowd) < count {
        if begin.elapsed() > PATIENCE {
            let troubles = crowd.tally.troubles();
            return Err(io::Error::other(format!(
                "only {} of {count} have a ticket: {troubles:?}",
                has_ticket(&crowd)
            )));
        }
        progress.say(|| format!("{} of {count} have a ticket", has_ticket(&crowd)));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let people = crowd.members.iter().map(|member| member.lock().person.clone()).collect();
    crowd.scatter().await;
    drop(stop);
    server.await.map_err(io::Error::other)?.map_err(io::Error::other)?;
    Ok(people)
}

async fn with_passwords(folder: &Path, count: usize, progress: &mut Progress) -> io::Result<Vec<Person>> {
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    // The queue holds all concurrent registrations, so none is rejected as busy.
    let queue = NonZeroUsize::new(AT_ONCE).unwrap_or(NonZeroUsize::MIN);
    let accounts = open(folder, HashOptions { threads, queue, ..HashOptions::default() }).await?;
    let people: Vec<Person> = (0..count)
        .map(|number| Person { name: format!("member{number:05}"), password: PASSWORD.into(), ticket: Vec::new() })
        .collect();
    let mut tasks = JoinSet::new();
    for (number, person) in people.iter().enumerate() {
        while tasks.len() >= AT_ONCE {
            registered(tasks.join_next().await)?;
        }
        progress.say(|| format!("{number} of {count} accounts created"));
        let name: UserName = UserName::parse(&person.name).map_err(io::Error::other)?;
        let password = Password::parse(&person.password).map_err(io::Error::other)?;
        let accounts = accounts.clone();
        let at = Timestamp::from_millis(wall() / 1_000_000);
        tasks.spawn(async move { accounts.register(name, password, at).await });
    }
    while !tasks.is_empty() {
        registered(tasks.join_next().await)?;
    }
    Ok(people)
}

fn registered<T>(result: Option<Result<Result<T, AccountError>, tokio::task::JoinError>>) -> io::Result<()> {
    match result {
        None | Some(Ok(Ok(_) | Err(AccountError::NameTaken))) => Ok(()),
        Some(Ok(Err(error))) => Err(io::Error::other(error)),
        Some(Err(error)) => Err(io::Error::other(error)),
    }
}
