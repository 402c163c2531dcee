//! Which servers clients trust, and that they send nothing to others.

use std::fs;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chat_core::wire::control::Purpose;
use chat_net::address::ServerAddress;
use chat_net::client::{ClientOptions, ConnectError};
use chat_net::identity::{CertificateProblem, Fingerprint, ServerIdentity};
use chat_net::trust::{Answer, AskUser, AuthoritiesError, KnownServers, Trust, UnknownServer};
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::harness::{Server, options};

fn store(folder: &TempDir) -> KnownServers {
    KnownServers::open(folder.path().join("known-servers")).unwrap()
}

fn with(server: &Server, user: &str, trust: Trust) -> ClientOptions {
    let mut options = server.client_options(user, Purpose::Register);
    options.trust = trust;
    options
}

struct Says(Answer, Arc<AtomicUsize>);

impl AskUser for Says {
    fn ask<'a>(
        &'a self,
        _server: &'a ServerAddress,
        _shown: Fingerprint,
    ) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        Box::pin(std::future::ready(self.0))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_user_is_asked_once_about_an_accepted_server() {
    let server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let ask = |answer| {
        let unknown = UnknownServer::Ask(Arc::new(Says(answer, Arc::clone(&asked))));
        Trust::Known { store: store(&folder), unknown }
    };
    let refused = server.connect(with(&server, "alice", ask(Answer::Refuse))).await.err();
    assert!(matches!(refused, Some(ConnectError::Untrusted { shown, .. }) if shown == server.fingerprint));
    assert_eq!(store(&folder).get(&server.address.try_into().unwrap()).unwrap(), None);
    let alice = server.connect(with(&server, "alice", ask(Answer::Accept))).await.unwrap();
    assert_eq!(store(&folder).get(&server.address.try_into().unwrap()).unwrap(), Some(server.fingerprint));
    drop(alice);
    server.connect(with(&server, "bob", ask(Answer::Refuse))).await.unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_user_the_settings_decide_about_an_unknown_server() {
    let server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let refuse = Trust::Known { store: store(&folder), unknown: UnknownServer::Refuse };
    let refused = server.connect(with(&server, "alice", refuse)).await.err();
    assert!(matches!(refused, Some(ConnectError::Untrusted { shown, .. }) if shown == server.fingerprint));
    let accept = Trust::Known { store: store(&folder), unknown: UnknownServer::AcceptNew };
    server.connect(with(&server, "alice", accept)).await.unwrap();
    let refuse = Trust::Known { store: store(&folder), unknown: UnknownServer::Refuse };
    server.connect(with(&server, "bob", refuse)).await.unwrap();
}

/// On one thread, so that a client that blocks it would stop everything else.
#[tokio::test(flavor = "current_thread")]
async fn other_tasks_run_while_another_program_holds_the_lock_of_the_known_servers() {
    let server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let lock = fs::File::create(folder.path().join(".known-servers.lock")).unwrap();
    lock.try_lock().unwrap();
    let accept = Trust::Known { store: store(&folder), unknown: UnknownServer::AcceptNew };
    let release = async {
        // The client cannot finish before the lock is free. A thread that is blocked would let its wait expire.
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        drop(lock);
    };
    let (client, ()) = tokio::join!(server.connect(with(&server, "alice", accept)), release);
    client.unwrap();
    assert_eq!(store(&folder).get(&server.address.try_into().unwrap()).unwrap(), Some(server.fingerprint));
}

/// A server with a key of its own. The result of its task is every byte that it receives after the TLS handshake.
async fn impostor() -> (ServerAddress, Fingerprint, tokio::task::JoinHandle<Vec<u8>>) {
    let folder = tempfile::tempdir().unwrap();
    let identity = ServerIdentity::load_or_create(folder.path()).unwrap();
    let pem = fs::read(folder.path().join("identity.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![rustls_pki_types::pem::PemObject::from_pem_slice(&pem).unwrap()],
            rustls_pki_types::pem::PemObject::from_pem_slice(&pem).unwrap(),
        )
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().try_into().unwrap();
    let captured = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = TlsAcceptor::from(Arc::new(config)).accept(stream).await.expect("the TLS handshake succeeds");
        let mut all = Vec::new();
        // The bytes count, however the client closes the connection.
        drop(stream.read_to_end(&mut all).await);
        all
    });
    (address, identity.fingerprint(), captured)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_server_with_another_key_receives_nothing() {
    let server = Server::start().await;
    let (address, shown, captured) = impostor().await;
    let folder = tempfile::tempdir().unwrap();
    store(&folder).remember(&address, server.fingerprint).unwrap();
    let trust = Trust::Known { store: store(&folder), unknown: UnknownServer::AcceptNew };
    let mut options = with(&server, "alice", trust);
    options.server = address.clone();
    match server.connect(options).await.err() {
        Some(ConnectError::FingerprintChanged { server: named, known, shown: is }) => {
            assert_eq!((named, known, is), (address.clone(), server.fingerprint, shown));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(captured.await.unwrap(), b"");
    assert_eq!(
        store(&folder).get(&address).unwrap(),
        Some(server.fingerprint),
        "the file still has the old fingerprint"
    );
}

/// An address at which nothing listens.
async fn closed() -> ServerAddress {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().try_into().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_with_different_known_fingerprints_are_refused_before_they_are_dialled() {
    let server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let north: ServerAddress = listener.local_addr().unwrap().try_into().unwrap();
    let south = closed().await;
    let keys = [1, 2].map(|byte| Fingerprint::new([byte; 32]));
    store(&folder).remember(&north, keys[0]).unwrap();
    store(&folder).remember(&south, keys[1]).unwrap();
    let mut options = with(&server, "alice", Trust::Known { store: store(&folder), unknown: UnknownServer::AcceptNew });
    options.server = north.clone();
    options.other_servers = vec![south.clone()];
    match server.connect(options).await.err() {
        Some(ConnectError::DifferentKeys(it)) => {
            assert_eq!((it.server, it.known, it.other, it.shown), (north, keys[0], south, keys[1]));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "nothing was dialled");
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_about_the_key_name_the_server_that_shows_it() {
    let server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let north = closed().await;
    store(&folder).remember(&north, server.fingerprint).unwrap();
    let (south, key, captured) = impostor().await;
    let known = || Trust::Known { store: store(&folder), unknown: UnknownServer::AcceptNew };
    let at = |trust, south: &ServerAddress| {
        let mut options = with(&server, "alice", trust);
        options.server = north.clone();
        options.other_servers = vec![south.clone()];
        options
    };
    match server.connect(at(known(), &south)).await.err() {
        Some(ConnectError::DifferentKeys(it)) => {
            assert_eq!((it.server, it.known, it.other, it.shown), (north.clone(), server.fingerprint, south, key));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(captured.await.unwrap(), b"");
    let (south, key, captured) = impostor().await;
    match server.connect(at(Trust::Fingerprint(server.fingerprint), &south)).await.err() {
        Some(ConnectError::WrongFingerprint { server: named, shown, .. }) => assert_eq!((named, shown), (south, key)),
        other => panic!("{other:?}"),
    }
    assert_eq!(captured.await.unwrap(), b"");
    // The client remembers the server that showed its key, and not the one that is not there.
    assert!(store(&folder).forget(&north).unwrap());
    let south: ServerAddress = server.address.try_into().unwrap();
    server.connect(at(known(), &south)).await.unwrap();
    assert_eq!(store(&folder).all().unwrap(), [(south, server.fingerprint)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_connection_goes_on_at_another_server_if_one_does_not_speak_tls() {
    let server = Server::start().await;
    // Each accepts and closes every connection.
    let mut wrong = Vec::new();
    for _ in 0..2 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        wrong.push(ServerAddress::try_from(listener.local_addr().unwrap()).unwrap());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                drop(stream);
            }
        });
    }
    // The order is random.
    for user in ["ann", "ben", "cleo", "dan", "eve", "fay"] {
        let mut options = server.client_options(user, Purpose::Register);
        options.server = wrong[0].clone();
        options.other_servers = vec![wrong[1].clone(), server.address.try_into().unwrap()];
        server.connect(options).await.unwrap();
    }
    let mut options = server.client_options("gus", Purpose::Register);
    options.server = wrong[0].clone();
    options.other_servers = vec![wrong[1].clone()];
    let failed = server.connect(options).await.err();
    assert!(
        matches!(&failed, Some(ConnectError::NotChat { server, .. } | ConnectError::Unreachable { server, .. })
            if wrong.contains(server)),
        "{failed:?}"
    );
}

/// Accepts, after another program has remembered a fingerprint.
struct WhileAsked(KnownServers, Fingerprint);

impl AskUser for WhileAsked {
    fn ask<'a>(
        &'a self,
        server: &'a ServerAddress,
        _shown: Fingerprint,
    ) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>> {
        self.0.remember(server, self.1).unwrap();
        Box::pin(std::future::ready(Answer::Accept))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fingerprint_that_another_program_remembers_meanwhile_is_not_overwritten() {
    let server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let true_one = Fingerprint::new([7; 32]);
    let ask = UnknownServer::Ask(Arc::new(WhileAsked(store(&folder), true_one)));
    let refused =
        server.connect(with(&server, "alice", Trust::Known { store: store(&folder), unknown: ask })).await.err();
    assert!(
        matches!(refused, Some(ConnectError::FingerprintChanged { known, shown, .. })
            if known == true_one && shown == server.fingerprint),
        "{refused:?}"
    );
    assert_eq!(store(&folder).get(&server.address.try_into().unwrap()).unwrap(), Some(true_one));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_fingerprint_is_the_only_accepted_one() {
    let server = Server::start().await;
    let (address, shown, captured) = impostor().await;
    let mut options = server.client_options("alice", Purpose::Register);
    options.server = address;
    let refused = server.connect(options).await.err();
    assert!(
        matches!(refused, Some(ConnectError::WrongFingerprint { wanted, shown: is, .. }) if wanted == server.fingerprint && is == shown)
    );
    assert_eq!(captured.await.unwrap(), b"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_an_authority_must_match_the_host() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let ca_key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca = params.self_signed(&ca_key).unwrap();
    let issuer = rcgen::Issuer::new(params, ca_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let leaf = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    fs::write(path("ca.pem"), ca.pem()).unwrap();
    fs::write(path("cert.pem"), leaf.pem()).unwrap();
    fs::write(path("key.pem"), key.serialize_pem()).unwrap();
    let identity = ServerIdentity::from_pem(&path("cert.pem"), &path("key.pem"), &path("ticket.key")).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server::start_as(listener, identity, options());
    let by_name: ServerAddress = format!("localhost:{}", server.address.port()).parse().unwrap();
    let ca = || Trust::Ca(path("ca.pem"));
    let mut right = with(&server, "alice", ca());
    right.server = by_name;
    server.connect(right).await.unwrap();
    let other_host = server.connect(with(&server, "bob", ca())).await.err();
    assert!(
        matches!(&other_host, Some(ConnectError::Certificate { problem: CertificateProblem::OtherHost { host, names }, .. })
            if host == "127.0.0.1" && names == &["localhost"]),
        "{other_host:?}"
    );
    let other_ca = Trust::Ca(path("key.pem"));
    let no_ca = server.connect(with(&server, "bob", other_ca)).await.err();
    assert!(matches!(&no_ca, Some(ConnectError::Authorities { source: AuthoritiesError::Empty, .. })), "{no_ca:?}");
    let own = Server::start().await;
    let mut options = with(&own, "bob", ca());
    options.server = format!("localhost:{}", own.address.port()).parse().unwrap();
    assert!(matches!(
        own.connect(options).await.err(),
        Some(ConnectError::Certificate { problem: CertificateProblem::UnknownAuthority, .. })
    ));
}
