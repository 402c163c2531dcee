//! How a server ends: stopped, dropped while it runs, or dropped before.

use std::net::TcpListener;

use chat_core::wire::control::Purpose;
use chat_net::client::{Event, Notice};
use chat_net::server::{Metric, ServerState, listen};
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::{Running, builder};
use crate::harness::{PATIENCE, Person};

async fn lost_connection(person: &mut Person) {
    person.find(|event| matches!(event, Event::Notice(Notice::Reconnecting { .. })).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_notifies_the_clients_and_frees_the_port() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(builder(&folder).bind("127.0.0.1:0").await.unwrap());
    let handle = running.handle.clone();
    let mut alice = running.join("alice").await;
    assert_eq!(handle.metrics().state, ServerState::Serving);
    running.stop().await;
    alice.notice(&Notice::ServerStopping).await;
    assert_eq!(handle.metrics().state, ServerState::Stopped);
    drop(listen(handle.address()).expect("the port is free"));
    handle.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_stops_when_its_shutdown_future_resolves_with_any_value() {
    let folder = tempfile::tempdir().unwrap();
    let server = builder(&folder).bind("127.0.0.1:0").await.unwrap();
    timeout(PATIENCE, server.run_until(async { "a value" })).await.expect("it stops").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_stopped_before_it_runs_ends_as_soon_as_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let server = builder(&folder).bind("127.0.0.1:0").await.unwrap();
    server.handle().stop();
    timeout(PATIENCE, server.run()).await.expect("it stops").unwrap();
}

/// On a runtime without other tasks, so that those of the server can be counted.
#[tokio::test]
async fn a_dropped_run_ends_all_tasks_and_frees_port_and_folder() {
    let folder = tempfile::tempdir().unwrap();
    let tasks = || Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    let server = builder(&folder).presence_log(folder.path().join("log")).bind("127.0.0.1:0").await.unwrap();
    let handle = server.handle();
    let running = Running::start(server);
    let mut stranger = tokio::net::TcpStream::connect(handle.address()).await.unwrap();
    while handle.metrics()[Metric::Handshakes] == 0 {
        tokio::task::yield_now().await;
    }
    assert!(tasks() >= before + 4, "the run, the hub, the acceptor and a connection");
    running.task.abort();
    timeout(PATIENCE, handle.stopped()).await.expect("everything ends");
    drop(running.task.await);
    assert_eq!(tasks(), before);
    assert_eq!(handle.metrics().state, ServerState::Stopped);
    let mut byte = [0];
    let read = timeout(PATIENCE, tokio::io::AsyncReadExt::read(&mut stranger, &mut byte)).await.expect("it is closed");
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    drop(listen(handle.address()).expect("the port is free"));
    drop(builder(&folder).bind("127.0.0.1:0").await.expect("the folder is free"));
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_continue_with_the_next_server_after_a_run_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let accounts = std::sync::Arc::new(chat_core::accounts::memory::MemoryAccounts::new());
    let start = async |address| {
        let server = chat_net::Server::builder(accounts.clone()).data_dir(folder.path().join("data"));
        Running::start(server.bind(address).await.unwrap())
    };
    let first = start("127.0.0.1:0".parse().unwrap()).await;
    let address: std::net::SocketAddr = first.handle.address();
    let mut alice = first.join("alice").await;
    let session = alice.client.session();
    first.task.abort();
    first.handle.stopped().await;
    lost_connection(&mut alice).await;
    let second = start(address).await;
    alice.notice(&Notice::Reconnected).await;
    assert_eq!(alice.client.session(), session);
    assert_eq!(second.handle.roster().await.unwrap().len(), 1);
    second.stop().await;
}

#[tokio::test]
async fn a_server_that_is_dropped_before_it_runs_frees_everything_immediately() {
    let folder = tempfile::tempdir().unwrap();
    let server = builder(&folder).bind("127.0.0.1:0").await.unwrap();
    let handle = server.handle();
    // The system accepts the connection, and the server closes it.
    let stranger = std::net::TcpStream::connect(handle.address()).unwrap();
    drop(server);
    timeout(PATIENCE, handle.stopped()).await.expect("it has ended");
    drop(stranger);
    drop(TcpListener::bind(handle.address()).expect("the port is free"));
    assert_eq!(handle.metrics().state, ServerState::Stopped);
    drop(builder(&folder).bind("127.0.0.1:0").await.expect("the folder is free"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_waits_until_the_server_runs() {
    let folder = tempfile::tempdir().unwrap();
    let server = builder(&folder).bind("127.0.0.1:0").await.unwrap();
    let options = crate::harness::client_options(server.address(), server.fingerprint(), "alice", Purpose::Register);
    let connecting = tokio::spawn(chat_net::client::connect(options));
    tokio::task::yield_now().await;
    let running = Running::start(server);
    let alice = timeout(PATIENCE, connecting).await.expect("it connects").unwrap().unwrap();
    alice.leave().await;
    running.stop().await;
}
