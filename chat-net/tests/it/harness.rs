//! Starts a server and clients for one test.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chat_core::accounts::memory::MemoryAccounts;
use chat_core::client::Credentials;
use chat_core::message::{Content, Recipient};
use chat_core::name::UserName;
use chat_core::password::Password;
use chat_core::presence::{Presence, Record};
use chat_core::text::Text;
use chat_core::wire::control::Purpose;
use chat_net::client::{
    Client, ClientBuilder, ClientHandle, ClientOptions, ConnectError, Event, Events, Notice, RejectionKind, connect,
};
use chat_net::identity::{Fingerprint, ServerIdentity};
use chat_net::server::{ServeError, ServerOptions, serve};
use chat_net::trust::Trust;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// The limit on every wait. No step takes that long, even on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) const PASSWORD: &str = "correct horse";

/// A running server, with the state that survives a restart.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) accounts: Arc<MemoryAccounts>,
    pub(crate) records: Arc<Mutex<Vec<Record>>>,
    folder: TempDir,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<Result<(), ServeError>>>,
}

/// Timeouts that are short enough to wait for, and long enough for a busy machine.
pub(crate) fn options() -> ServerOptions {
    let mut options = ServerOptions::default();
    options.machine.heartbeat = Duration::from_millis(300);
    options.machine.silence = Duration::from_millis(2_000);
    options.machine.grace = Duration::from_millis(600);
    options.machine.settling = Duration::from_millis(3_000);
    options.machine.max_connections_per_address = 1_000;
    options
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_with(options()).await
    }

    pub(crate) async fn start_with(options: ServerOptions) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::start_on(listener, options)
    }

    pub(crate) fn start_on(listener: TcpListener, options: ServerOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let identity = ServerIdentity::load_or_create(folder.path()).unwrap();
        Self { folder, ..Self::start_as(listener, identity, options) }
    }

    pub(crate) fn start_as(listener: TcpListener, identity: ServerIdentity, options: ServerOptions) -> Self {
        let mut server = Self {
            address: listener.local_addr().unwrap(),
            fingerprint: identity.fingerprint(),
            accounts: Arc::new(MemoryAccounts::new()),
            records: Arc::default(),
            folder: tempfile::tempdir().unwrap(),
            stop: None,
            task: None,
        };
        server.run(listener, identity, options);
        server
    }

    fn run(&mut self, listener: TcpListener, identity: ServerIdentity, options: ServerOptions) {
        let (stop, stopped) = oneshot::channel();
        let records = Arc::clone(&self.records);
        let observer = move |record: &Record| records.lock().unwrap().push(record.clone());
        let accounts = Arc::clone(&self.accounts);
        let stopped = async { drop(stopped.await) };
        self.stop = Some(stop);
        self.task = Some(tokio::spawn(serve(listener, identity, accounts, options, observer, stopped)));
    }

    /// Stops the server in an orderly way, as SIGTERM does.
    pub(crate) async fn stop(&mut self) {
        drop(self.stop.take());
        let task = self.task.take().expect("the server runs");
        timeout(PATIENCE, task).await.expect("the server stops in time").unwrap().unwrap();
    }

    /// Aborts the server without notice, as a power cut does.
    pub(crate) async fn kill(&mut self) {
        let task = self.task.take().expect("the server runs");
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
    }

    /// Starts the server again at the same address, with the same identity and accounts.
    pub(crate) async fn restart(&mut self) {
        // The tasks of a server that was killed end soon after it, and one of them has the previous listener.
        let bind = async {
            loop {
                match TcpListener::bind(self.address).await {
                    Ok(listener) => return listener,
                    Err(error) => assert_eq!(error.kind(), ErrorKind::AddrInUse, "{error}"),
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let listener = timeout(PATIENCE, bind).await.expect("the port is free in time");
        let identity = ServerIdentity::load_or_create(self.folder.path()).unwrap();
        assert_eq!(identity.fingerprint(), self.fingerprint);
        self.run(listener, identity, options());
    }

    pub(crate) fn client_options(&self, user: &str, purpose: Purpose) -> ClientOptions {
        client_options(self.address, self.fingerprint, user, purpose)
    }

    /// The settings of a client of this server, with short delays, on loopback only.
    pub(crate) fn builder(&self) -> ClientBuilder {
        let ClientOptions { machine, udp, .. } = self.client_options("nobody", Purpose::Login);
        Client::builder(self.address).trust(Trust::Fingerprint(self.fingerprint)).timing(machine).udp(udp)
    }

    /// Registers `user` and logs in.
    pub(crate) async fn join(&self, user: &str) -> Person {
        self.connect(self.client_options(user, Purpose::Register)).await.unwrap()
    }

    pub(crate) async fn log_in(&self, user: &str) -> Person {
        self.connect(self.client_options(user, Purpose::Login)).await.unwrap()
    }

    pub(crate) async fn connect(&self, options: ClientOptions) -> Result<Person, ConnectError> {
        let client = timeout(PATIENCE, connect(options)).await.expect("connect returns in time")?;
        let (client, events) = client.split();
        Ok(Person { client, events })
    }

    /// Three clients, each with a complete roster.
    pub(crate) async fn three(&self) -> [Person; 3] {
        let mut alice = self.join("alice").await;
        let mut bob = self.join("bob").await;
        let carol = self.join("carol").await;
        alice.sees(&["bob", "carol"]).await;
        bob.sees(&["carol"]).await;
        [alice, bob, carol]
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let records = self.records.lock().unwrap();
        records.iter().map(|record| record.to_string().split_once(' ').unwrap().1.to_owned()).collect()
    }
}

pub(crate) fn client_options(
    address: SocketAddr,
    fingerprint: Fingerprint,
    user: &str,
    purpose: Purpose,
) -> ClientOptions {
    let login = Credentials::new(name(user), Password::parse(PASSWORD).unwrap(), purpose);
    let mut options = ClientOptions::new(address.try_into().unwrap(), Trust::Fingerprint(fingerprint), login);
    options.machine.min_backoff = Duration::from_millis(50);
    options.machine.max_backoff = Duration::from_millis(200);
    // Loopback only, so that the machine's network does not matter.
    options.udp = ([127, 0, 0, 1], 0).into();
    options
}

/// The kind of the rejection, if the server rejected the login.
pub(crate) fn rejection(error: &ConnectError) -> Option<RejectionKind> {
    if let ConnectError::Rejected(rejection) = error { Some(rejection.kind()) } else { None }
}

pub(crate) fn name(user: &str) -> UserName {
    user.parse().unwrap()
}

pub(crate) fn text(text: &str) -> Content {
    Content::Text(Text::parse(text).unwrap())
}

pub(crate) fn to(user: &str) -> Recipient {
    Recipient::One(name(user))
}

/// A client and its events.
pub(crate) struct Person {
    pub(crate) client: ClientHandle,
    pub(crate) events: Events,
}

impl Person {
    /// The next event. Skips the notice about the receive buffer, which depends on the system.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            match timeout(PATIENCE, self.events.next()).await.expect("an event in time") {
                Some(Event::Notice(Notice::ReceiveBufferSmall { .. })) => {}
                event => return event,
            }
        }
    }

    /// The result of `pick` for the first event that it picks. Drops the events before.
    pub(crate) async fn find<T>(&mut self, mut pick: impl FnMut(&Event) -> Option<T>) -> T {
        loop {
            let event = self.next().await.expect("the stream has not ended");
            if let Some(found) = pick(&event) {
                return found;
            }
        }
    }

    /// Waits until `users` have come online, in this order.
    pub(crate) async fn sees(&mut self, users: &[&str]) {
        for user in users {
            let presence = self.presence(user).await;
            assert!(matches!(presence, Presence::Online(_)), "{user}: {presence:?}");
        }
    }

    /// The next presence event about `user`.
    pub(crate) async fn presence(&mut self, user: &str) -> Presence {
        let user = name(user);
        self.find(|event| match event {
            Event::Presence(event) if event.user == user => Some(event.presence),
            _ => None,
        })
        .await
    }

    /// The sender and the text of the next message.
    pub(crate) async fn message(&mut self) -> (String, String) {
        self.find(|event| match event {
            Event::Message(message) => Some((message.from().to_string(), message.text().to_owned())),
            _ => None,
        })
        .await
    }

    /// Waits for `notice`.
    pub(crate) async fn notice(&mut self, notice: &Notice) {
        self.find(|event| matches!(event, Event::Notice(is) if is == notice).then_some(())).await;
    }
}
