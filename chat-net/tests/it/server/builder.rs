//! What a server is built from, and what is refused.

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use chat_core::accounts::memory::MemoryAccounts;
use chat_core::server::{RegistrationPolicy, ServerConfig};
use chat_core::wire::control::Purpose;
use chat_net::client::RejectionKind;
use chat_net::data_folder::DataFolderError;
use chat_net::identity::{IDENTITY_FILE, IdentityError, ServerIdentity};
use chat_net::server::{Monitor, NotServing, PresenceLogFormat, Reload, ServeError};
use chat_net::{Server, ServerHandle, StartError};
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::{Running, builder};
use crate::harness::{PATIENCE, client_options, rejection};

#[test]
fn server_and_handles_can_move_between_threads() {
    fn is_send<T: Send>() {}
    fn is_shared<T: Clone + Send + Sync + 'static>() {}
    is_send::<Server>();
    is_shared::<ServerHandle>();
    is_shared::<Monitor>();
    is_shared::<Reload>();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_handle_shows_who_is_online() {
    let folder = tempfile::tempdir().unwrap();
    let server = builder(&folder).bind("127.0.0.1:0").await.unwrap();
    let handle = server.handle();
    assert!(matches!(handle.roster().await, Err(NotServing { .. })), "it does not run yet");
    let running = Running::start(server);
    let alice = running.join("alice").await;
    let online = handle.roster().await.unwrap();
    assert_eq!(online.len(), 1);
    assert_eq!((online[0].user(), online[0].session()), (alice.client.user(), alice.client.session()));
    running.stop().await;
    assert!(matches!(handle.roster().await, Err(NotServing { .. })));
}

#[test]
fn a_reload_on_a_runtime_that_has_shut_down_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(builder(&folder).bind("127.0.0.1:0")).unwrap();
    let context = runtime.handle().clone();
    runtime.shutdown_background();
    let _entered = context.enter();
    let handle = server.handle();
    let result = pin!(handle.reload()).poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(&result, Poll::Ready(Err(IdentityError::Stopping(_)))), "{result:?}");
}

#[tokio::test]
async fn the_roster_of_a_stopping_server_is_refused_while_nobody_polls_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let server = builder(&folder).bind("127.0.0.1:0").await.unwrap();
    let handle = server.handle();
    let mut running = pin!(server.run());
    assert!(poll_fn(|context| Poll::Ready(running.as_mut().poll(context).is_pending())).await);
    assert!(handle.roster().await.unwrap().is_empty(), "it runs");
    handle.stop();
    assert!(poll_fn(|context| Poll::Ready(running.as_mut().poll(context).is_pending())).await);
    let refused = timeout(PATIENCE, handle.roster()).await.expect("an answer");
    assert!(matches!(refused, Err(NotServing { .. })), "{refused:?}");
    running.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_keeps_accounts_that_it_shares() {
    let folder = tempfile::tempdir().unwrap();
    let accounts = Arc::new(MemoryAccounts::new());
    let server = Server::builder(Arc::clone(&accounts)).data_dir(folder.path()).bind("127.0.0.1:0").await.unwrap();
    let running = Running::start(server);
    drop(running.join("alice").await);
    assert!(format!("{accounts:?}").contains("accounts: 1"), "{accounts:?}");
    running.stop().await;
}

#[tokio::test]
async fn a_name_is_resolved_and_a_wrong_address_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let server = builder(&folder).bind("localhost:0").await.unwrap();
    assert!(server.address().ip().is_loopback() && server.address().port() != 0);
    let taken = server.address();
    let other = tempfile::tempdir().unwrap();
    let error = builder(&other).bind(taken).await.unwrap_err();
    assert!(matches!(error, StartError::Listen { address, .. } if address == taken), "{error:?}");
    for wrong in ["", "7777", "no-such-host.invalid:1", "127.0.0.1:99999"] {
        let error = builder(&other).bind(wrong).await.unwrap_err();
        assert!(matches!(error, StartError::Resolve(_)), "{wrong}: {error:?}");
        assert!(error.to_string().contains("write IP:PORT or HOST:PORT"), "{error}");
    }
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let config = |change: fn(&mut ServerConfig)| {
        let mut config = ServerConfig::default();
        change(&mut config);
        config
    };
    let new = || builder(&folder);
    for (builder, setting) in [
        (new().config(config(|config| config.heartbeat = Duration::from_secs(30))), "heartbeat"),
        (new().config(config(|config| config.max_sessions = 0)), "max_sessions"),
        (new().config(config(|config| config.max_connections = 255)), "max_connections_per_address"),
        (new().config(config(|config| config.sessions_per_account = 0)), "sessions_per_account"),
        (new().config(config(|config| config.registrations_per_hour = 199)), "registrations_per_address"),
        (new().config(config(|config| config.ticket_life = Duration::from_secs(60))), "ticket_renewal"),
        (new().send_queue(0), "send_queue"),
        (new().unread_time(Duration::ZERO), "unread_time"),
        (new().handshake_time(Duration::ZERO), "handshake_time"),
    ] {
        let error = builder.bind("127.0.0.1:0").await.unwrap_err();
        assert!(matches!(&error, StartError::Setting(error) if error.setting() == setting), "{error:?}");
        assert!(error.to_string().contains(setting), "{error}");
    }
    assert!(!folder.path().join("data").exists(), "nothing is created");
}

#[tokio::test]
async fn a_server_has_either_a_data_folder_or_an_identity() {
    let folder = tempfile::tempdir().unwrap();
    let identity = || ServerIdentity::load_or_create(folder.path()).unwrap();
    let none = Server::builder(MemoryAccounts::new()).bind("127.0.0.1:0").await.unwrap_err();
    assert!(matches!(none, StartError::NoIdentity), "{none:?}");
    let both = builder(&folder).identity(identity()).bind("127.0.0.1:0").await.unwrap_err();
    assert!(matches!(both, StartError::TwoIdentities), "{both:?}");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::builder(MemoryAccounts::new()).identity(identity()).accept_from(listener).await.unwrap();
    assert_eq!((server.address(), server.fingerprint()), (address, identity().fingerprint()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_folder_serves_one_server_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let first = builder(&folder).bind("127.0.0.1:0").await.unwrap();
    let refused = async || {
        let error = builder(&folder).bind("127.0.0.1:0").await.unwrap_err();
        let this = std::process::id();
        let StartError::DataFolder(DataFolderError::InUse { process, .. }) = &error else { panic!("{error:?}") };
        assert_eq!(*process, Some(this), "{error}");
    };
    refused().await;
    let running = Running::start(first);
    refused().await;
    running.stop().await;
    drop(builder(&folder).bind("127.0.0.1:0").await.expect("the folder is free again"));
    drop(builder(&folder).bind("127.0.0.1:0").await.expect("a server that never ran frees it too"));
}

#[tokio::test]
async fn a_presence_log_that_cannot_be_opened_is_an_error_before_the_server_runs() {
    let folder = tempfile::tempdir().unwrap();
    let error = builder(&folder).presence_log(folder.path()).bind("127.0.0.1:0").await.unwrap_err();
    assert!(matches!(error, StartError::PresenceLog(ServeError::PresenceLog { .. })), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn presence_log_and_observer_receive_every_record() {
    let folder = tempfile::tempdir().unwrap();
    let (path, records) = (folder.path().join("presence.jsonl"), Arc::new(Mutex::new(Vec::new())));
    let seen = Arc::clone(&records);
    let server = builder(&folder)
        .presence_log(&path)
        .presence_log_format(PresenceLogFormat::Json)
        .observer(move |record| seen.lock().unwrap().push(record.to_string()))
        .bind("127.0.0.1:0")
        .await
        .unwrap();
    let running = Running::start(server);
    running.join("alice").await.client.leave().await;
    // A client that has left does not wait until the server publishes its departure.
    let published = async {
        while records.lock().unwrap().len() < 3 {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(10), published).await.expect("the departure is published");
    running.stop().await;
    let log = std::fs::read_to_string(path).unwrap();
    assert_eq!(log.lines().count(), 4, "{log}");
    assert_eq!(records.lock().unwrap().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn registration_overrides_the_config_in_any_order() {
    for config_first in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let builder = builder(&folder);
        let builder = if config_first {
            builder.config(ServerConfig::default()).registration(RegistrationPolicy::Closed)
        } else {
            builder.registration(RegistrationPolicy::Closed).config(ServerConfig::default())
        };
        let running = Running::start(builder.bind("127.0.0.1:0").await.unwrap());
        let result = running.connect(running.options("alice", Purpose::Register)).await;
        assert_eq!(result.err().as_ref().and_then(rejection), Some(RejectionKind::RegistrationClosed));
        running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn registration_changes_while_the_server_runs() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(builder(&folder).bind("127.0.0.1:0").await.unwrap());
    let alice = running.join("alice").await;
    assert_eq!(running.handle.registration(), RegistrationPolicy::Open);
    running.handle.set_registration(RegistrationPolicy::Closed);
    assert_eq!(running.handle.registration(), RegistrationPolicy::Closed);
    let refused = running.connect(running.options("bob", Purpose::Register)).await;
    assert_eq!(refused.err().as_ref().and_then(rejection), Some(RejectionKind::RegistrationClosed));
    running.handle.set_registration(RegistrationPolicy::Open);
    running.join("bob").await.client.leave().await;
    let online = running.handle.roster().await.unwrap();
    assert!(online.iter().any(|online| online.user() == alice.client.user()), "no session ended");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_presents_the_key_that_the_data_folder_has_now() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let running = Running::start(builder(&folder).bind("127.0.0.1:0").await.unwrap());
    let before = running.handle.fingerprint();
    running.handle.reload().await.unwrap();
    assert_eq!(running.handle.fingerprint(), before, "the file is the same");
    let next = ServerIdentity::load_or_create(other.path()).unwrap().fingerprint();
    std::fs::copy(other.path().join(IDENTITY_FILE), folder.path().join("data").join(IDENTITY_FILE)).unwrap();
    running.handle.reload().await.unwrap();
    assert_eq!(running.handle.fingerprint(), next);
    // A client that knows the new key connects.
    let options = client_options(running.handle.address(), next, "alice", Purpose::Register);
    running.connect(options).await.unwrap().client.leave().await;
    std::fs::write(folder.path().join("data").join(IDENTITY_FILE), "broken").unwrap();
    running.handle.reload().await.unwrap_err();
    assert_eq!(running.handle.fingerprint(), next, "the previous identity stays");
    std::fs::remove_file(folder.path().join("data").join(IDENTITY_FILE)).unwrap();
    running.handle.reload().await.unwrap_err();
    assert_eq!(running.handle.fingerprint(), next, "the previous identity stays");
    assert!(!folder.path().join("data").join(IDENTITY_FILE).exists(), "no other key is created");
    running.stop().await;
}
