//! The relay over real sockets: what it passes, what it drops, and whom it does not delay. The clients speak the wire.

use std::time::Duration;

use chat_core::id::SessionId;
use chat_core::relay::{ParcelResult, RelayConfig};
use chat_core::wire::control::{Reply, Request};
use chat_core::wire::datagram::VERSION;
use chat_core::wire::frame;
use chat_core::wire::hello::Hello;
use chat_core::wire::rejection::Rejection;
use chat_core::wire::relay::{Parcel, ParcelFrame, RelayTerms};
use chat_net::server::{Metric, Metrics, Monitor, ServerOptions};
use socket2::{Domain, Socket, Type};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::harness::{PATIENCE, Server, options};
use crate::raw::Raw;

/// A member that relays.
struct Member {
    raw: Raw,
    session: SessionId,
    terms: Option<RelayTerms>,
    heartbeats: u32,
}

impl Member {
    async fn join(server: &Server, user: &str) -> Self {
        Self::with(Raw::connect(server).await, user, Hello::OURS).await
    }

    /// A member whose system holds little that it has not read.
    async fn with_small_buffers(server: &Server, user: &str) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        let raw = Raw::over(socket.connect(server.address).await.unwrap()).await;
        Self::with(raw, user, Hello::OURS).await
    }

    async fn with(mut raw: Raw, user: &str, hello: Hello) -> Self {
        let welcome = raw.login_as(user, hello).await;
        Self { raw, session: welcome.entry.session(), terms: welcome.relay(), heartbeats: 0 }
    }

    /// A datagram of this member with `len` bytes, of which the last is `mark`.
    fn datagram(&self, len: usize, mark: u8) -> Vec<u8> {
        let mut datagram = vec![mark; len];
        datagram[0] = VERSION;
        datagram[1..9].copy_from_slice(&self.session.get().to_be_bytes());
        datagram
    }

    /// Sends parcels to `to`, as few frames as they fit.
    async fn relay<'a>(&mut self, to: SessionId, datagrams: impl IntoIterator<Item = &'a [u8]>) {
        let (mut frame, mut bytes) = (ParcelFrame::new(), Vec::new());
        for datagram in datagrams {
            let parcel = Parcel { to, datagram };
            if !frame.push(parcel) {
                bytes.extend(frame.take().unwrap());
                assert!(frame.push(parcel));
            }
        }
        bytes.extend(frame.take().unwrap_or_default());
        self.raw.write(&bytes).await;
    }

    /// The next datagram that was relayed to this member.
    async fn relayed(&mut self) -> Vec<Vec<u8>> {
        loop {
            if let Reply::Relayed(datagrams) = self.raw.reply().await.expect("the connection is open") {
                return datagrams.iter().map(<[u8]>::to_vec).collect();
            }
        }
    }

    /// Asserts that the connection works, and returns what was relayed before the server's answer.
    async fn is_answered(&mut self) -> Vec<Vec<u8>> {
        self.heartbeats += 1;
        let (number, mut all) = (self.heartbeats, Vec::new());
        self.raw.request(&Request::Heartbeat { number }).await;
        loop {
            match self.raw.reply().await.expect("the connection is open") {
                Reply::Heartbeat { number: answered, .. } if answered == number => return all,
                Reply::Relayed(datagrams) => all.extend(datagrams.iter().map(<[u8]>::to_vec)),
                _ => {}
            }
        }
    }
}

/// Options with this relay, and without the silence that would end clients that only relay.
fn relaying(config: RelayConfig) -> (ServerOptions, Monitor) {
    let mut options = options();
    options.machine.silence = PATIENCE;
    options.relay = Some(config);
    let monitor = options.monitor.clone();
    (options, monitor)
}

/// Waits until `is_so` holds for the server's numbers.
async fn until(monitor: &Monitor, is_so: impl Fn(&Metrics) -> bool) -> Metrics {
    let wait = async {
        loop {
            let metrics = monitor.metrics();
            if is_so(&metrics) {
                return metrics;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    match timeout(PATIENCE, wait).await {
        Ok(metrics) => metrics,
        Err(_) => panic!("{:#?}", monitor.metrics()),
    }
}

/// A server whose sockets hold little for a client that does not read.
fn start_with_small_buffers(options: ServerOptions) -> Server {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener.set_send_buffer_size(4_096).unwrap();
    listener.set_nonblocking(true).unwrap();
    listener.bind(&"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap().into()).unwrap();
    listener.listen(16).unwrap();
    Server::start_on(TcpListener::from_std(listener.into()).unwrap(), options)
}

#[tokio::test(flavor = "multi_thread")]
async fn datagrams_pass_both_ways_as_they_are() {
    let (options, monitor) = relaying(RelayConfig::default());
    let server = Server::start_with(options).await;
    let mut alice = Member::join(&server, "alice").await;
    let mut bob = Member::join(&server, "bob").await;
    assert_eq!(alice.terms, Some(RelayTerms { rate: 262_144, burst: 1_048_576, longest: 1_200 }));
    for len in [33, 64, 700, 1_200] {
        let (to_bob, to_alice) = (alice.datagram(len, 1), bob.datagram(len, 2));
        alice.relay(bob.session, [&to_bob[..]]).await;
        assert_eq!(bob.relayed().await, [to_bob]);
        bob.relay(alice.session, [&to_alice[..]]).await;
        assert_eq!(alice.relayed().await, [to_alice]);
    }
    let metrics = until(&monitor, |metrics| metrics[Metric::RelayedSessions] == 2).await;
    assert_eq!((metrics[ParcelResult::Passed], metrics.relay_time.count()), (8, 8));
    assert_eq!((metrics.relay.received_bytes, metrics.relay.sent_bytes), (2 * (1_997 + 40), 2 * 1_997));
    assert_eq!(metrics[Metric::RelayWaiting], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_for_many_recipients_reaches_each_with_its_own_datagram() {
    let (options, _) = relaying(RelayConfig::default());
    let server = Server::start_with(options).await;
    let mut alice = Member::join(&server, "alice").await;
    let mut others = Vec::new();
    for number in 0..10 {
        others.push(Member::join(&server, &format!("member{number}")).await);
    }
    // More than the relay takes in one turn.
    let mut frame = ParcelFrame::new();
    for mark in 0..20 {
        for other in &others {
            assert!(frame.push(Parcel { to: other.session, datagram: &alice.datagram(100, mark) }));
        }
    }
    alice.raw.write(&frame.take().unwrap()).await;
    for other in &mut others {
        let mut marks = Vec::new();
        while marks.len() < 20 {
            marks.extend(other.relayed().await.iter().map(|datagram| datagram[99]));
        }
        assert_eq!(marks, (0..20).collect::<Vec<u8>>());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_parcels_are_dropped_counted_and_not_answered_and_the_connection_stays() {
    let (options, monitor) = relaying(RelayConfig::default());
    let server = Server::start_with(options).await;
    let mut alice = Member::join(&server, "alice").await;
    let mut bob = Member::join(&server, "bob").await;
    let carol = Member::join(&server, "carol").await;
    let mut other_version = alice.datagram(100, 0);
    other_version[0] = VERSION + 1;
    for (to, datagram, result) in [
        (bob.session, alice.datagram(1_201, 0), ParcelResult::Malformed),
        (bob.session, alice.datagram(32, 0), ParcelResult::Malformed),
        (bob.session, vec![], ParcelResult::Malformed),
        (bob.session, other_version, ParcelResult::Malformed),
        (bob.session, carol.datagram(100, 0), ParcelResult::Foreign),
        (SessionId::new(7), alice.datagram(100, 0), ParcelResult::NoSession),
    ] {
        let before = monitor.metrics()[result];
        alice.relay(bob.session, []).await;
        alice.relay(to, [&datagram[..]]).await;
        until(&monitor, |metrics| metrics[result] == before + 1).await;
        assert_eq!(alice.is_answered().await, Vec::<Vec<u8>>::new());
    }
    let good = alice.datagram(100, 9);
    alice.relay(bob.session, [&good[..]]).await;
    assert_eq!(bob.relayed().await, [good], "and nothing else came before");
    let metrics = monitor.metrics();
    assert_eq!((metrics[ParcelResult::Passed], metrics[Metric::Sessions]), (1, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_relays_in_anothers_name() {
    let (options, monitor) = relaying(RelayConfig::default());
    let server = Server::start_with(options).await;
    let mut alice = Member::join(&server, "alice").await;
    let mut bob = Member::join(&server, "bob").await;
    let mut mallory = Member::join(&server, "mallory").await;
    let (forged, own) = (alice.datagram(100, 66), mallory.datagram(100, 1));
    mallory.relay(bob.session, [&forged[..], &own, &forged]).await;
    mallory.relay(alice.session, [&forged[..], &own]).await;
    assert_eq!(bob.relayed().await, std::slice::from_ref(&own));
    assert_eq!(alice.relayed().await, [own], "not even to whom the name belongs");
    until(&monitor, |metrics| metrics[ParcelResult::Foreign] == 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parcels_beyond_the_rate_are_dropped_and_the_connection_stays() {
    let least = RelayConfig::LEAST;
    let mut config = RelayConfig::default();
    (config.rate, config.burst) = (least, least);
    let (options, monitor) = relaying(config);
    let server = Server::start_with(options).await;
    let mut alice = Member::join(&server, "alice").await;
    let mut bob = Member::join(&server, "bob").await;
    assert_eq!(alice.terms.map(|terms| (terms.rate, terms.burst)), Some((least, least)));
    let datagram = alice.datagram(990, 0);
    alice.relay(bob.session, std::iter::repeat_n(&datagram[..], 200)).await;
    // A quarter more than the burst, and a little for the time that the test takes.
    let metrics = until(&monitor, |metrics| metrics[ParcelResult::Passed] + metrics[ParcelResult::Rate] == 200).await;
    assert!(metrics[ParcelResult::Passed] >= 20, "{metrics:#?}");
    assert!(metrics[ParcelResult::Rate] > 0, "{metrics:#?}");
    let mut received = 0;
    while received < metrics[ParcelResult::Passed] {
        received += bob.relayed().await.len() as u64;
    }
    alice.is_answered().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_floods_frames_is_closed() {
    let (options, _) = relaying(RelayConfig::default());
    let server = Server::start_with(options).await;
    let mut alice = Member::join(&server, "alice").await;
    let mut bob = Member::join(&server, "bob").await;
    let mut bytes = Vec::new();
    frame::encode_raw(&[8, 0], &mut bytes);
    let flood = bytes.repeat(1_000);
    // The server may close the connection while the client still writes.
    use tokio::io::AsyncWriteExt;
    for _ in 0..100 {
        if alice.raw.stream.write_all(&flood).await.is_err() {
            break;
        }
    }
    drop(alice.raw.stream.flush().await);
    let rejected = async {
        while let Some(reply) = alice.raw.reply().await {
            if matches!(reply, Reply::Rejected(Rejection::TooManyRequests)) {
                return true;
            }
        }
        false
    };
    assert!(rejected.await);
    bob.is_answered().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_that_is_not_made_of_parcels_ends_its_connection() {
    let (options, _) = relaying(RelayConfig::default());
    let server = Server::start_with(options).await;
    let mut alice = Member::join(&server, "alice").await;
    alice.raw.frame(&[8, 3, 1, 2, 3]).await;
    let rejected = async {
        loop {
            match alice.raw.reply().await {
                Some(Reply::Rejected(why)) => return Some(why),
                Some(_) => {}
                None => return None,
            }
        }
    };
    assert_eq!(rejected.await, Some(Rejection::Malformed));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_relay_says_so_and_passes_nothing() {
    let mut options = options();
    options.machine.silence = PATIENCE;
    options.relay = None;
    let monitor = options.monitor.clone();
    let server = Server::start_with(options).await;
    let mut alice = Member::join(&server, "alice").await;
    let mut bob = Member::join(&server, "bob").await;
    assert_eq!((alice.terms, bob.terms), (None, None));
    let datagram = alice.datagram(100, 0);
    alice.relay(bob.session, [&datagram[..]]).await;
    assert_eq!(alice.is_answered().await, Vec::<Vec<u8>>::new());
    assert_eq!(bob.is_answered().await, Vec::<Vec<u8>>::new());
    let metrics = monitor.metrics();
    assert!(ParcelResult::ALL.iter().all(|result| metrics[*result] == 0), "{metrics:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_without_the_feature_goes_on_as_before() {
    let (options, monitor) = relaying(RelayConfig::default());
    let server = Server::start_with(options).await;
    let mut alice = Member::join(&server, "alice").await;
    let hello = Hello { features: Hello::OURS.features & !Hello::RELAY, ..Hello::OURS };
    let mut old = Member::with(Raw::connect(&server).await, "old", hello).await;
    assert_eq!(old.terms, None);
    let (to_old, to_alice) = (alice.datagram(100, 0), old.datagram(100, 0));
    alice.relay(old.session, [&to_old[..]]).await;
    until(&monitor, |metrics| metrics[ParcelResult::NoSession] == 1).await;
    old.relay(alice.session, [&to_alice[..]]).await;
    assert_eq!(old.is_answered().await, Vec::<Vec<u8>>::new());
    assert_eq!(alice.is_answered().await, Vec::<Vec<u8>>::new());
    let carol = Member::join(&server, "carol").await;
    assert!(carol.terms.is_some());
    let is_told = async {
        loop {
            if let Some(Reply::Update(_)) = old.raw.reply().await {
                return;
            }
        }
    };
    is_told.await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_passes_to_a_session_whose_connection_has_ended() {
    let (options, monitor) = relaying(RelayConfig::default());
    let server = Server::start_with(options).await;
    let mut alice = Member::join(&server, "alice").await;
    let bob = Member::join(&server, "bob").await;
    let (session, datagram) = (bob.session, alice.datagram(100, 0));
    drop(bob);
    until(&monitor, |metrics| metrics[Metric::Sessions] == 1).await;
    alice.relay(session, [&datagram[..]]).await;
    until(&monitor, |metrics| metrics[ParcelResult::NoSession] == 1).await;
    alice.is_answered().await;
}

/// Relays to a member that does not read until datagrams are dropped.
async fn fill_lane(from: &mut Member, to: SessionId, monitor: &Monitor, len: usize) {
    let datagram = from.datagram(len, 7);
    while monitor.metrics()[ParcelResult::Lane] == 0 {
        from.relay(to, std::iter::repeat_n(&datagram[..], 100)).await;
        from.is_answered().await;
    }
}

/// Rates that a test does not reach.
fn fast() -> RelayConfig {
    let mut config = RelayConfig::default();
    (config.rate, config.burst, config.total) = (1 << 30, 1 << 30, 1 << 30);
    config
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_does_not_read_holds_bounded_memory_and_stops_nobody() {
    let config = fast();
    let (options, monitor) = relaying(config);
    let server = start_with_small_buffers(options);
    let mut alice = Member::join(&server, "alice").await;
    let bob = Member::with_small_buffers(&server, "bob").await;
    let mut carol = Member::join(&server, "carol").await;
    fill_lane(&mut alice, bob.session, &monitor, 1_000).await;
    for mark in 0..50 {
        let datagram = alice.datagram(1_000, mark);
        alice.relay(bob.session, std::iter::repeat_n(&datagram[..], 60)).await;
        alice.relay(carol.session, [&datagram[..]]).await;
        assert_eq!(carol.relayed().await, [datagram]);
        assert!(monitor.metrics()[Metric::RelayWaiting] <= config.lane as u64);
    }
    alice.is_answered().await;
    drop(bob);
    until(&monitor, |metrics| metrics[Metric::RelayWaiting] == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_lane_loses_what_the_heaviest_sender_sent() {
    let mut config = fast();
    config.lane = RelayConfig::LEAST as usize * 2;
    let (options, monitor) = relaying(config);
    let server = start_with_small_buffers(options);
    let mut alice = Member::join(&server, "alice").await;
    let mut carol = Member::join(&server, "carol").await;
    let mut bob = Member::with_small_buffers(&server, "bob").await;
    fill_lane(&mut alice, bob.session, &monitor, 1_000).await;
    for mark in 0..5 {
        let datagram = carol.datagram(300, mark);
        carol.relay(bob.session, [&datagram[..]]).await;
        carol.is_answered().await;
        let before = monitor.metrics()[ParcelResult::Lane];
        let flood = alice.datagram(1_000, 7);
        alice.relay(bob.session, std::iter::repeat_n(&flood[..], 200)).await;
        until(&monitor, |metrics| metrics[ParcelResult::Lane] >= before + 150).await;
    }
    let mut of_carol = Vec::new();
    while of_carol.len() < 5 {
        let own = |datagram: &Vec<u8>| datagram[1..9] == carol.session.get().to_be_bytes();
        of_carol.extend(bob.relayed().await.into_iter().filter(own).map(|datagram| datagram[299]));
    }
    assert_eq!(of_carol, [0, 1, 2, 3, 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_at_the_total_limit_delays_no_presence() {
    let mut config = fast();
    // Far more than what a connection writes at once, so that presence behind the lane would be late.
    (config.total, config.lane, config.memory) = (4 << 20, 2 << 20, 4 << 20);
    config.rate = config.total;
    let (options, monitor) = relaying(config);
    let server = start_with_small_buffers(options);
    let mut alice = Member::join(&server, "alice").await;
    let mut bob = Member::with_small_buffers(&server, "bob").await;
    let mut watcher = server.join("watcher").await;
    let flood = alice.datagram(1_000, 7);
    while monitor.metrics()[ParcelResult::Total] == 0 || monitor.metrics()[Metric::RelayWaiting] < 1 << 20 {
        alice.relay(bob.session, std::iter::repeat_n(&flood[..], 60)).await;
    }
    let carol = TcpStream::connect(server.address).await.unwrap();
    let carol = Member::with(Raw::over(carol).await, "carol", Hello::OURS).await;
    watcher.sees(&["carol"]).await;
    // The hub answers when it has queued the change for everybody. A megabyte waits in Bob's lane.
    monitor.roster().await.unwrap();
    let mut before = 0;
    let told = async {
        loop {
            match bob.raw.reply().await.expect("the connection is open") {
                Reply::Relayed(datagrams) => before += datagrams.iter().map(<[u8]>::len).sum::<usize>(),
                Reply::Update(update) if format!("{update:?}").contains("carol") => return,
                _ => {}
            }
        }
    };
    timeout(PATIENCE, told).await.expect("bob learns of carol");
    assert!(before < 256 * 1024, "{before} bytes were written first");
    drop(carol);
}
