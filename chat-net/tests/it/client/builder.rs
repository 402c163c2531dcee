//! The builder, and errors that say what to change.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::Duration;

use chat_core::client::ClientConfig;
use chat_core::peer::PeerConfig;
use chat_core::wire::hello::Hello;
use chat_net::identity::{CertificateProblem, ServerIdentity};
use chat_net::peers::Endpoint;
use chat_net::trust::{AuthoritiesError, Trust};
use chat_net::{
    AddressError, Client, ClientBuilder, ClientHandle, ClientSettingError, ConnectError, EndReason, Event, Events,
    Fingerprint, LoginFailure, NameError, OfflineReason, PasswordError, Presence, ReachMode, RejectionKind,
    RosterWatch, Sent, ServerAddress, SettingError,
};
use tokio::time::timeout;

use crate::harness::{PASSWORD, PATIENCE, Server};
use crate::other_server::OtherServer;

#[test]
fn client_and_handles_can_move_between_threads() {
    fn is_send<T: Send + 'static>() {}
    fn is_shared<T: Clone + Send + Sync + 'static>() {}
    is_shared::<ClientHandle>();
    is_shared::<RosterWatch>();
    is_send::<Client>();
    is_send::<ClientBuilder>();
    is_send::<Events>();
    is_send::<Sent>();
    is_send::<Endpoint>();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_in_a_few_lines_answers_and_learns_the_outcome() {
    let server = Server::start().await;
    let mut bot = server.builder().register("echo", PASSWORD).await.unwrap();
    let bot = tokio::spawn(async move {
        while let Some(event) = bot.next().await {
            let Event::Message(message) = event else { continue };
            let sent = bot.send(message.from(), format!("you said {}", message.text())).await.unwrap();
            return sent.outcomes().await;
        }
        panic!("the session is over");
    });
    let mut alice = server.builder().register("alice", PASSWORD).await.unwrap();
    let echo = "echo".parse().unwrap();
    assert!(alice.roster().get(&echo).is_some());
    alice.send(&echo, "hello").await.unwrap();
    let answer = timeout(PATIENCE, async {
        loop {
            if let Event::Message(message) = alice.next().await.unwrap() {
                return message;
            }
        }
    });
    let answer = answer.await.expect("an answer");
    assert_eq!((answer.from(), answer.text(), answer.bytes()), (&echo, "you said hello", &b"you said hello"[..]));
    let outcomes = timeout(PATIENCE, bot).await.expect("outcomes").unwrap();
    assert_eq!(outcomes.iter().map(|outcome| outcome.user().as_str()).collect::<Vec<_>>(), ["alice"]);
    assert!(outcomes[0].is_delivered());
}

fn at(server: &str) -> ClientBuilder {
    Client::builder(server).fingerprint("00".repeat(32)).unwrap()
}

async fn refused(builder: ClientBuilder) -> ClientSettingError {
    refusal(builder.login("alice", PASSWORD).await)
}

fn refusal(result: Result<Client, ConnectError>) -> ClientSettingError {
    match result {
        Err(ConnectError::Setting(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_impossible_setting_is_refused_by_its_name() {
    use ClientSettingError as Refused;
    let zero = Duration::ZERO;
    let mut backoff = ClientConfig::default();
    backoff.max_backoff = Duration::from_millis(1);
    let mut no_burst = PeerConfig::default();
    no_burst.burst = 0;
    let mut always_stalled = ClientConfig::default();
    always_stalled.stall_threshold = zero;
    let mut never_responsive = PeerConfig::default();
    never_responsive.unresponsive_after = zero;
    let links = |setting| Refused::Links(SettingError::Zero { setting });
    let mut five = at("lab");
    for _ in 0..5 {
        five = five.advertise("10.0.0.7").unwrap();
    }
    let mut seventeen = at("lab");
    for number in 1..17 {
        seventeen = seventeen.or_server(format!("lab{number}")).unwrap();
    }
    for (error, is, setting) in [
        (refused(at("two words")).await, Refused::Server(AddressError::Host("two words".into())), "server"),
        (refused(seventeen).await, Refused::TooManyServers { count: 17 }, "or_server"),
        (refused(Client::builder("lab")).await, Refused::NoTrust, "trust"),
        (
            at("lab").fingerprint("abc").unwrap_err(),
            Refused::Fingerprint("abc".parse::<Fingerprint>().unwrap_err()),
            "fingerprint",
        ),
        (refusal(at("lab").login("a b", PASSWORD).await), Refused::User(NameError::Char(' ')), "user"),
        (refusal(at("lab").register("a", "short").await), Refused::Password(PasswordError::TooShort), "password"),
        (
            at("lab").advertise("everywhere").unwrap_err(),
            Refused::Advertise(AddressError::Advertised("everywhere".into())),
            "advertise",
        ),
        (
            refused(at("lab").advertise("10.0.0.7").unwrap().reach(ReachMode::Relay)).await,
            Refused::AdvertiseHidden,
            "advertise",
        ),
        (refused(five).await, Refused::TooManyAddresses { count: 5 }, "advertise"),
        (refused(at("lab").invitation("12345678").unwrap()).await, Refused::InvitationForLogin, "invitation"),
        (
            refused(at("lab").connect_timeout(zero)).await,
            Refused::NoTime { setting: "connect_timeout" },
            "connect_timeout",
        ),
        (refused(at("lab").reply_timeout(zero)).await, Refused::NoTime { setting: "reply_timeout" }, "reply_timeout"),
        (refused(at("lab").link_timeout(zero)).await, links("link_timeout"), "link_timeout"),
        (
            refused(at("lab").timing(backoff)).await,
            Refused::Backoff { min: backoff.min_backoff, max: backoff.max_backoff },
            "min_backoff",
        ),
        (refused(at("lab").links(no_burst)).await, links("burst"), "burst"),
        (
            refused(at("lab").timing(always_stalled)).await,
            Refused::NoTime { setting: "stall_threshold" },
            "stall_threshold",
        ),
        (refused(at("lab").links(never_responsive)).await, links("unresponsive_after"), "unresponsive_after"),
    ] {
        assert_eq!((&error, error.setting()), (&is, setting));
        let begins = [format!("`{setting}`: "), format!("{setting} is zero")];
        assert!(begins.iter().any(|begin| error.to_string().starts_with(begin)), "{error}");
    }
    assert!(at("lab").invitation("short").unwrap_err().to_string().starts_with("`invitation`: "));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_longest_times_are_no_limits() {
    let server = Server::start().await;
    let longest =
        server.builder().connect_timeout(Duration::MAX).reply_timeout(Duration::MAX).link_timeout(Duration::MAX);
    let client = timeout(PATIENCE, longest.register("alice", PASSWORD)).await.expect("the login returns");
    client.unwrap().leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_has_a_kind_and_a_sentence() {
    let server = Server::start().await;
    match server.builder().login("nobody", PASSWORD).await.err() {
        Some(ConnectError::Rejected(rejection)) => {
            assert_eq!(rejection.kind(), RejectionKind::WrongCredentials);
            assert_eq!(
                (rejection.to_string().as_str(), rejection.retry_after()),
                ("wrong user name or password", None)
            );
        }
        other => panic!("{other:?}"),
    }
}

/// A server that supports only the versions 7 to 9 of the protocol.
async fn later_server() -> ClientBuilder {
    let server = OtherServer::start().await;
    let builder = Client::builder(server.address).fingerprint(server.fingerprint).unwrap();
    tokio::spawn(async move {
        let mut connection = server.accept().await;
        connection.send_hello(Hello { low: 7, high: 9, features: 0 }).await;
        while connection.payload().await.is_some() {}
    });
    builder
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_another_version_is_a_typed_error() {
    let result = timeout(PATIENCE, later_server().await.login("alice", PASSWORD)).await.expect("login returns");
    match result.err() {
        Some(ConnectError::NoCommonVersion(versions)) => {
            assert_eq!((versions.ours(), versions.theirs()), (1..=1, 7..=9));
            assert!(versions.to_string().ends_with("update this program"), "{versions}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn errors_keep_their_sources() {
    type IsExpected = fn(&(dyn Error + 'static)) -> bool;
    fn is<E: Error + 'static>(source: &(dyn Error + 'static)) -> bool {
        source.is::<E>()
    }
    async fn failed(builder: ClientBuilder) -> ConnectError {
        builder.login("alice", PASSWORD).await.expect_err("the login fails")
    }
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    };
    let ca = |path| Client::builder("lab").trust(Trust::Ca(path));
    let authorities = |error| match error {
        ConnectError::Authorities { source, .. } => source,
        other => panic!("{other:?}"),
    };
    let damaged = |kind| format!("-----BEGIN {kind}-----\nAAAA\n-----END {kind}-----\n");
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (server, problem): (ServerAddress, _) = ("lab".parse().unwrap(), CertificateProblem::NoHost);
    let (missing, broken) = (folder.path().join("none"), file("broken", "-----BEGIN CERTIFICATE-----\nAAAA\n"));
    let not_x509 = file("not-x509", &damaged("CERTIFICATE"));
    let identity = |path: &Path| ServerIdentity::from_pem(path, path, path).unwrap_err();
    let replaced = LoginFailure::Ended(EndReason::Replaced);
    let cases: [(Box<dyn Error>, IsExpected); 12] = [
        (refused(at("two words")).await.into(), is::<AddressError>),
        (ConnectError::from(refused(at("two words")).await).into(), is::<AddressError>),
        (failed(Client::builder(free).fingerprint("00".repeat(32)).unwrap()).await.into(), is::<std::io::Error>),
        (failed(ca(missing.clone())).await.into(), is::<AuthoritiesError>),
        (authorities(failed(ca(missing.clone())).await).into(), is::<std::io::Error>),
        (authorities(failed(ca(broken.clone())).await).into(), |_| true),
        (authorities(failed(ca(not_x509.clone())).await).into(), |_| true),
        (ConnectError::Certificate { server: server.clone(), problem }.into(), is::<CertificateProblem>),
        (ConnectError::LoginFailed { server, source: replaced }.into(), is::<LoginFailure>),
        (replaced.into(), is::<EndReason>),
        (identity(&missing).into(), is::<std::io::Error>),
        (identity(&broken).into(), |_| true),
    ];
    for (error, is_expected) in cases {
        let source = error.source().unwrap_or_else(|| panic!("{error:?} has no source"));
        assert!(is_expected(source), "{error:?}: {source:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_is_dropped_leaves_its_session() {
    let server = Server::start().await;
    let mut alice = server.join("alice").await;
    let login = server.builder().register("bob", PASSWORD);
    tokio::select! {
        biased;
        () = alice.sees(&["bob"]) => {}
        client = login => {
            drop(client.unwrap());
            alice.sees(&["bob"]).await;
        }
    }
    assert_eq!(alice.presence("bob").await, Presence::Offline(OfflineReason::Asked));
}
