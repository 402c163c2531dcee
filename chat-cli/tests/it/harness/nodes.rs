//! Several servers that share one roster through a Redis server of their own.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use chat_store::testing::{self, Keep, RedisServer, TestDatabase};
use serde_json::Value;

use super::{Client, ClientSetup, EventLog, Home, Proxy, Server, path_text, until};

/// The files that the servers have in common.
const KEYS: [&str; 2] = ["identity.pem", "ticket.key"];

/// Running servers with one database, one roster and the same keys, and the Redis server that the test may stop.
#[derive(Debug)]
pub(crate) struct Nodes {
    pub(crate) redis: RedisServer,
    pub(crate) roster: String,
    database: TestDatabase,
    pub(crate) servers: Vec<Server>,
    /// The URL of the roster for each server.
    rosters: Vec<String>,
}

impl Nodes {
    /// Starts servers, and waits until each has met all others.
    #[track_caller]
    pub(crate) fn start(count: usize, keep: Keep) -> Self {
        let mut nodes = Self::new(RedisServer::start(keep));
        (0..count).for_each(|_| nodes.add(nodes.roster.clone()));
        nodes.are_ready(&(0..count).collect::<Vec<_>>());
        nodes
    }

    /// Starts two servers, and waits until each has met the other. The first reaches Redis through the proxy.
    #[track_caller]
    pub(crate) fn start_first_behind_proxy(keep: Keep) -> (Self, Proxy) {
        let mut nodes = Self::new(RedisServer::start(keep));
        let proxy = Proxy::start(nodes.redis.port());
        nodes.add(nodes.roster_behind(&proxy));
        nodes.add(nodes.roster.clone());
        nodes.are_ready(&[0, 1]);
        (nodes, proxy)
    }

    /// Starts servers that all reach Redis through the proxy, and waits until each has met all others.
    #[track_caller]
    pub(crate) fn start_behind_proxy(count: usize, keep: Keep) -> (Self, Proxy) {
        let mut nodes = Self::new(RedisServer::start(keep));
        let proxy = Proxy::start(nodes.redis.port());
        (0..count).for_each(|_| nodes.add(nodes.roster_behind(&proxy)));
        nodes.are_ready(&(0..count).collect::<Vec<_>>());
        (nodes, proxy)
    }

    /// No server yet.
    pub(crate) fn new(redis: RedisServer) -> Self {
        let (roster, database) = (redis.roster(), testing::sqlite());
        Self { redis, roster, database, servers: Vec::new(), rosters: Vec::new() }
    }

    /// Starts another server, with this URL of the roster.
    #[track_caller]
    pub(crate) fn add(&mut self, roster: String) {
        self.rosters.push(roster);
        let (home, number) = (self.new_home(), self.servers.len());
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = Server::start_command(&home, &mut self.command(&home, number, any_port));
        self.servers.push(server);
    }

    /// The URL of the roster for a server that reaches Redis through the proxy.
    pub(crate) fn roster_behind(&self, proxy: &Proxy) -> String {
        let behind = self.roster.replace(&format!(":{}?", self.redis.port()), &format!(":{}?", proxy.address.port()));
        assert_ne!(behind, self.roster);
        behind
    }

    /// A home with the keys of the servers.
    pub(crate) fn new_home(&self) -> Home {
        let home = Home::new();
        let data = home.join("data");
        if let Some(first) = self.servers.first() {
            fs::create_dir(&data).unwrap();
            fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
            for key in KEYS {
                fs::copy(first.data(key), data.join(key)).unwrap();
            }
        }
        home
    }

    /// The command that starts a server, which operators know as `node0`, `node1` and so on.
    pub(crate) fn command(&self, home: &Home, number: usize, listen: SocketAddr) -> Command {
        let mut command = home.command("chat-server");
        command.args(["--data-dir", path_text(&home.join("data")), "--listen", &listen.to_string()]);
        command.args(["--node-name", &format!("node{number}")]);
        command
            .env("CHAT_DATABASE", self.database.url_text())
            .env("CHAT_ROSTER", self.rosters.get(number).unwrap_or(&self.roster));
        command
    }

    /// Starts a server again that has ended.
    pub(crate) fn restart(&mut self, number: usize) {
        let before = &self.servers[number];
        let (home, address) = (before.home().clone(), before.address);
        self.servers[number] = Server::start_command(&home, &mut self.command(&home, number, address));
    }

    /// A client that knows all servers. It begins at any of them.
    pub(crate) fn client(&self, user: &str) -> ClientSetup {
        let [first, others @ ..] = &*self.servers else { panic!("there is no server") };
        others.iter().fold(first.client(user), |setup, other| setup.args(&["--server", &other.address.to_string()]))
    }

    /// What a server says about the roster that it shares.
    pub(crate) fn shared(&self, number: usize) -> Value {
        self.servers[number].status()["shared"].clone()
    }

    /// Waits until these servers, and no others, share the roster.
    #[track_caller]
    pub(crate) fn are_ready(&self, numbers: &[usize]) {
        for number in numbers {
            until("the servers have met", || {
                let shared = self.shared(*number);
                // Absent until the server has begun to share.
                let Some(nodes) = shared["nodes"].as_array() else { return false };
                let mut nodes: Vec<_> = nodes.iter().map(Value::to_string).collect();
                nodes.sort_unstable();
                let wanted: Vec<_> = numbers.iter().map(|number| format!("\"node{number}\"")).collect();
                shared["state"] == "ready" && nodes == wanted
            });
        }
    }

    /// Waits until each server knows that the roster is away, and asserts that it lets nobody in.
    #[track_caller]
    pub(crate) fn let_nobody_in(&self) {
        for (number, server) in self.servers.iter().enumerate() {
            until("the server notices", || self.shared(number)["state"] == "away");
            let refused = server.client("dave").register().run("");
            assert_eq!((refused.code, refused.error_code().as_str()), (Some(3), "storage-unavailable"));
        }
    }

    /// Waits until the servers share the roster again, and asserts that nothing was lost: dave logs in, meets `others`, and
    /// is seen by them.
    #[track_caller]
    pub(crate) fn are_back(&self, others: &[Client], names: &str) {
        let numbers: Vec<_> = (0..self.servers.len()).collect();
        self.are_ready(&numbers);
        let dave = self.client("dave").register().start();
        assert_eq!(dave.welcome, format!("welcome dave: {names}"));
        see(others, "online dave");
        for number in numbers {
            self.servers[number].process.errors_with("the roster that the servers share is back");
            assert_eq!(self.shared(number)["epochs"], 1);
        }
    }

    /// The server with the most connected users.
    pub(crate) fn busiest(&self) -> usize {
        let online = |number: &usize| self.servers[*number].status()["online"].as_u64().unwrap();
        (0..self.servers.len()).max_by_key(online).unwrap()
    }

    /// Waits until these servers together have this number of connected users.
    #[track_caller]
    pub(crate) fn have_online(&self, numbers: &[usize], users: u64) {
        until("the users are back", || {
            numbers.iter().map(|number| self.servers[*number].status()["online"].as_u64().unwrap()).sum::<u64>()
                == users
        });
    }
}

/// Registers these users, each at any server. Each sees all before, and is seen by them.
#[track_caller]
pub(crate) fn join(nodes: &Nodes, users: &[&str]) -> Vec<Client> {
    join_with(users.iter().map(|user| (*user, nodes.client(user))))
}

/// Registers these users, each at the server of this number, and with no other. Each sees all before, and is seen by them.
#[track_caller]
pub(crate) fn join_at(nodes: &Nodes, users: &[(usize, &str)]) -> Vec<Client> {
    join_with(users.iter().map(|(number, user)| (*user, nodes.servers[*number].client(user))))
}

#[track_caller]
fn join_with<'a>(users: impl Iterator<Item = (&'a str, ClientSetup)>) -> Vec<Client> {
    let mut clients: Vec<Client> = Vec::new();
    for (user, setup) in users {
        let new = setup.register().start();
        for client in &clients {
            client.expect(&[&format!("online {user}")]);
        }
        clients.push(new);
    }
    clients
}

/// Each user says something, and every other one receives it. Asserts that until then no client reports that a user came
/// or left.
#[track_caller]
pub(crate) fn talk(clients: &mut [Client], words: &str) {
    clients.iter_mut().for_each(|client| client.type_line(words));
    let others = clients.len() - 1;
    for client in clients {
        let mut log = EventLog::default();
        log.collect(client, others, others);
        assert!(log.messages.values().all(|texts| texts == &[words]), "{:?}", log.messages);
        assert!(log.outcomes.values().all(|outcomes| outcomes == &["delivered"]), "{:?}", log.outcomes);
        log.others.retain(|event| !event.starts_with("notice "));
        assert_eq!(log.others, [""; 0], "only notices of the own connection");
    }
}

/// Waits until each client reports this, and asserts that until then none reports that any other user came or left.
#[track_caller]
pub(crate) fn see(clients: &[Client], event: &str) {
    for client in clients {
        let presence: Vec<_> = client.until(event).into_iter().filter(|event| is_presence(event)).collect();
        assert_eq!(presence, [event]);
    }
}

/// The next reports of a client that a user came or left, sorted.
#[track_caller]
pub(crate) fn presence_until(client: &Client, count: usize) -> Vec<String> {
    let next = || std::iter::repeat_with(|| client.next()).find(|event| is_presence(event));
    let mut presence: Vec<_> = std::iter::from_fn(next).take(count).collect();
    presence.sort_unstable();
    presence
}

/// Whether the short form of an event says that a user came or left.
pub(crate) fn is_presence(event: &str) -> bool {
    ["online ", "offline ", "replaced ", "moved "].iter().any(|kind| event.starts_with(kind))
}
