//! Servers that share one roster through a journal.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use chat_core::accounts::memory::MemoryAccounts;
use chat_core::id::{Epoch, Fence, NodeId, Position};
use chat_core::journal::memory::MemoryJournal;
use chat_core::journal::{
    Appended, Entering, Founding, Head, HintPosition, Journal, JournalError, Proposal, Reading, Signs, States, Writer,
};
use chat_core::message::Outcome;
use chat_core::wire::control::Purpose;
use chat_net::client::Event;
use chat_net::identity::ServerIdentity;
use chat_net::server::{JournalState, Metric, ServeError};
use chat_net::{Server, ServerAddress, StartError};
use tempfile::TempDir;
use tokio::time::timeout;

use super::Running;
use crate::harness::{PATIENCE, options, text, to};

/// A server that shares `journal`, with the keys in `folder`.
async fn node(name: &str, journal: &Arc<MemoryJournal>, accounts: &Arc<MemoryAccounts>, folder: &TempDir) -> Server {
    let identity = ServerIdentity::load_or_create(folder.path()).unwrap();
    Server::builder(Arc::clone(accounts))
        .identity(identity)
        .config(options().machine)
        .sharing(Arc::clone(journal), name)
        .bind("127.0.0.1:0")
        .await
        .unwrap()
}

/// Waits until the server has entered the journal, and the given number of others too.
async fn is_ready(server: &Running, nodes: usize) {
    let ready = async {
        loop {
            let journal = server.handle.metrics().journal;
            if journal.is_some_and(|journal| journal.state == JournalState::Ready && journal.nodes == nodes) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, ready).await.expect("the server enters in time");
}

async fn two() -> (Running, Running, Arc<MemoryJournal>, TempDir) {
    let (journal, accounts, folder) = (Arc::default(), Arc::default(), tempfile::tempdir().unwrap());
    let north = Running::start(node("north", &journal, &accounts, &folder).await);
    is_ready(&north, 1).await;
    let south = Running::start(node("south", &journal, &accounts, &folder).await);
    is_ready(&south, 2).await;
    is_ready(&north, 2).await;
    (north, south, journal, folder)
}

/// A journal that does not answer.
struct Silent;

impl Journal for Silent {
    async fn enter(&self, _: Entering) -> Result<Head, JournalError> {
        pending().await
    }

    async fn append(&self, _: Writer, _: Vec<Proposal>) -> Result<Appended, JournalError> {
        pending().await
    }

    async fn read(&self, _: Epoch, _: Position, _: Option<HintPosition>) -> Result<Reading, JournalError> {
        pending().await
    }

    async fn hint(&self, _: Vec<Vec<u8>>) -> Result<(), JournalError> {
        pending().await
    }

    async fn renew(&self, _: Writer) -> Result<Signs, JournalError> {
        pending().await
    }

    async fn states(&self, _: Epoch, _: u64) -> Result<States, JournalError> {
        pending().await
    }

    async fn found(&self, _: Option<Epoch>, _: Founding) -> Result<(), JournalError> {
        pending().await
    }
}

#[tokio::test]
async fn a_server_that_shares_says_so_before_the_journal_has_answered() {
    /// Shorter than the time after which anything makes the hub turn.
    const AT_ONCE: Duration = Duration::from_millis(500);
    let folder = tempfile::tempdir().unwrap();
    let builder = |name: &str| {
        let identity = ServerIdentity::load_or_create(folder.path()).unwrap();
        Server::builder(MemoryAccounts::default()).identity(identity).sharing(Silent, name)
    };
    let server = Running::start(builder("north").bind("127.0.0.1:0").await.unwrap());
    let says_so = async {
        while server.handle.metrics().journal.is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(AT_ONCE, says_so).await.expect("the first numbers are there without a turn");
    for name in ["", "north pole", "\u{1b}[2J", &"a".repeat(65)] {
        let refused = builder(name).bind("127.0.0.1:0").await.map(drop);
        assert!(matches!(refused, Err(StartError::NodeName)), "{name:?}: {refused:?}");
    }
}

#[tokio::test]
async fn users_of_two_servers_see_each_other_and_exchange_messages() {
    let (north, south, _, _folder) = two().await;
    let mut alice = north.join("alice").await;
    let mut bob = south.join("bob").await;
    alice.sees(&["bob"]).await;
    let mut sent = alice.client.send(to("bob"), text("hello")).await.unwrap();
    assert_eq!(bob.message().await, ("alice".to_owned(), "hello".to_owned()));
    let outcome = timeout(PATIENCE, sent.next()).await.unwrap().unwrap();
    assert_eq!(outcome.outcome(), Outcome::Delivered);
    for server in [&north, &south] {
        assert_eq!(server.handle.nodes(), ["north", "south"]);
        assert_eq!(server.handle.roster().await.unwrap().len(), 2);
    }
    let metrics = south.handle.metrics();
    assert_eq!((metrics[Metric::Sessions], metrics[Metric::Roster]), (1, 2));
}

#[tokio::test]
async fn a_later_login_elsewhere_replaces_the_session_here() {
    let (north, south, _, _folder) = two().await;
    let mut here = north.join("alice").await;
    let _there = south.connect(south.options("alice", Purpose::Login)).await.unwrap();
    let ended = here.find(|event| match event {
        Event::Ended(why) => Some(format!("{why:?}")),
        _ => None,
    });
    let ended = timeout(PATIENCE, ended).await.expect("the session ends in time");
    assert!(ended.contains("Replaced"), "{ended}");
}

#[tokio::test]
async fn a_server_that_stops_hands_its_sessions_to_another() {
    let (north, south, _, _folder) = two().await;
    let alice = north.join("alice").await;
    let bob = south.join("bob").await;
    north.stop().await;
    is_ready(&south, 1).await;
    let journal = south.handle.metrics().journal.unwrap();
    assert_eq!((journal.counts.inherited, journal.sessions_here), (1, 2));
    assert_eq!(south.handle.nodes(), ["south".to_owned()]);
    assert_eq!(south.handle.roster().await.unwrap().len(), 2, "nobody is reported offline yet");
    drop((alice, bob));
}

#[tokio::test]
async fn a_client_that_knows_both_servers_continues_at_the_other_one() {
    let (north, south, _, _folder) = two().await;
    let addresses = [&north, &south].map(|server| ServerAddress::try_from(server.handle.address()).unwrap());
    let options = |user| {
        let mut options = north.options(user, Purpose::Register);
        options.other_servers = vec![addresses[1].clone()];
        options
    };
    let mut alice = north.connect(options("alice")).await.unwrap();
    let mut bob = north.connect(options("bob")).await.unwrap();
    alice.sees(&["bob"]).await;
    let session = alice.client.session();
    // Each of the two may be at either server.
    let is_at_north = north.handle.metrics()[Metric::Sessions] > 0;
    let (stopped, other) = if is_at_north { (north, south) } else { (south, north) };
    stopped.stop().await;
    is_ready(&other, 1).await;
    let all_here = async {
        while other.handle.metrics()[Metric::Sessions] < 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, all_here).await.expect("both clients are at the other server in time");
    assert_eq!(alice.client.session(), session);
    let mut sent = alice.client.send(to("bob"), text("still here")).await.unwrap();
    let mut gone = 0;
    let received = bob.find(|event| match event {
        Event::Message(_) => Some(()),
        Event::Presence(_) => {
            gone += 1;
            None
        }
        _ => None,
    });
    timeout(PATIENCE, received).await.expect("the message arrives in time");
    assert_eq!(gone, 0, "nobody saw anybody leave or come");
    assert_eq!(timeout(PATIENCE, sent.next()).await.unwrap().unwrap().outcome(), Outcome::Delivered);
}

#[tokio::test]
async fn a_server_stops_with_a_reason_if_a_later_version_writes_to_the_journal() {
    let (journal, accounts, folder) = (Arc::default(), Arc::default(), tempfile::tempdir().unwrap());
    let server = node("old", &journal, &accounts, &folder).await;
    let handle = server.handle();
    let task = tokio::spawn(server.run());
    let other = NodeId::new(7);
    let entered = async {
        loop {
            // A node without a name: the numbers of two variants, and an empty text.
            let entering = Entering { node: other, fence: Fence::new(1), state: vec![0, 0], act: vec![0xff; 20] };
            if let Ok(head) = journal.enter(entering).await {
                return head;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, entered).await.expect("the server founds an epoch");
    let result = timeout(PATIENCE, task).await.expect("the server stops by itself").unwrap();
    assert!(matches!(result, Err(ServeError::Incompatible)), "{result:?}");
    timeout(PATIENCE, handle.stopped()).await.expect("nothing is left of it");
}
