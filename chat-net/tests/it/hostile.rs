//! Clients that misbehave, and servers that are not chat servers.

use std::time::{Duration, Instant};

use chat_core::presence::{OfflineReason, Presence};
use chat_core::wire::control::{Purpose, Reply, Request};
use chat_core::wire::frame;
use chat_core::wire::hello::Hello;
use chat_core::wire::rejection::Rejection;
use chat_net::client::ConnectError;
use chat_net::server::Metric;
use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::harness::{PATIENCE, Server, options};
use crate::raw::{Raw, server_name, tls_config};

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_send_nothing_or_garbage_are_closed_and_affect_nobody_else() {
    let mut options = options();
    options.machine.login_time = Duration::from_millis(500);
    options.handshake_time = Duration::from_millis(500);
    let server = Server::start_with(options).await;
    let alice = server.join("alice").await;

    let mut no_tls = TcpStream::connect(server.address).await.unwrap();
    let read = timeout(PATIENCE, no_tls.read(&mut [0; 1])).await.expect("an end");
    assert!(matches!(read, Ok(0) | Err(_)), "a handshake that does not begin exceeds its time limit");

    let mut not_tls = TcpStream::connect(server.address).await.unwrap();
    not_tls.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut all = Vec::new();
    drop(timeout(PATIENCE, not_tls.read_to_end(&mut all)).await.expect("an end"));
    assert_eq!(all.first(), Some(&21), "the content type of an alert");

    Raw::connect(&server).await.read_to_end().await;

    let mut half = Raw::connect(&server).await;
    half.write(&[0, 0, 0, 16, b'C']).await;
    half.read_to_end().await;

    let mut trickle = Raw::connect(&server).await;
    let mut hello = Vec::new();
    frame::encode_raw(&Hello::OURS.encode(), &mut hello);
    for byte in hello.chunks(1) {
        // The time limit for the login passes before the hello is complete. The server then stops reading.
        if trickle.stream.write_all(byte).await.is_err() || trickle.stream.flush().await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    trickle.read_to_end().await;

    let mut huge = Raw::connect(&server).await;
    huge.write(&u32::MAX.to_be_bytes()).await;
    huge.read_to_end().await;

    let mut garbage = Raw::connect(&server).await;
    garbage.frame(b"GET / HTTP/1.1\r\n").await;
    garbage.read_to_end().await;

    let mut greeted = Raw::connect(&server).await;
    greeted.frame(&Hello::OURS.encode()).await;
    greeted.frame(&[0xff; 100]).await;
    assert!(greeted.read_to_end().await > 0, "the server sends the reason");

    let mut long = Raw::connect(&server).await;
    long.frame(&Hello::OURS.encode()).await;
    long.write(&(frame::MAX_GUEST_FRAME as u32 + 1).to_be_bytes()).await;
    long.read_to_end().await;

    assert!(alice.client.roster().is_empty());
    let bob = server.join("bob").await;
    assert_eq!(bob.client.roster().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_source_cannot_occupy_all_handshakes() {
    let mut options = options();
    options.machine.max_connections_per_address = 3;
    options.handshake_time = Duration::from_secs(3_600);
    let server = Server::start_with(options).await;
    let silent = async || {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
        socket.connect(server.address).await.unwrap()
    };
    let first = silent().await;
    let _others = [silent().await, silent().await];
    let mut too_many = silent().await;
    let read = timeout(PATIENCE, too_many.read(&mut [0; 1])).await.expect("the connection beyond the limit is closed");
    assert!(matches!(read, Ok(0) | Err(_)));
    server.join("alice").await;
    drop(first);
    let mut next = silent().await;
    while timeout(Duration::from_millis(200), next.read(&mut [0; 1])).await.is_ok() {
        // The server may not have noticed yet that the first connection is closed.
        next = silent().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_whose_connection_sends_garbage_is_disconnected_and_then_lost() {
    let server = Server::start().await;
    let mut alice = server.join("alice").await;
    let mut mallory = Raw::connect(&server).await;
    mallory.login("mallory").await;
    alice.sees(&["mallory"]).await;
    mallory.write(&u32::MAX.to_be_bytes()).await;
    mallory.read_to_end().await;
    assert_eq!(alice.presence("mallory").await, Presence::Offline(OfflineReason::Lost));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_is_dropped_and_delays_nobody() {
    let mut options = options();
    options.unread_time = Duration::from_millis(500);
    options.machine.refresh_interval = Duration::from_millis(1);
    options.machine.frames_per_second = 1_000_000;
    options.machine.frame_burst = 1_000_000;
    options.machine.silence = PATIENCE;
    // Small kernel buffers fill up quickly. Accepted sockets inherit the size of the listener.
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener.set_send_buffer_size(4096).unwrap();
    listener.set_nonblocking(true).unwrap();
    listener.bind(&"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap().into()).unwrap();
    listener.listen(16).unwrap();
    let server = Server::start_on(TcpListener::from_std(listener.into()).unwrap(), options);
    let mut alice = server.join("alice").await;

    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut bob = Raw::over(socket.connect(server.address).await.unwrap()).await;
    bob.login("bob").await;
    alice.sees(&["bob"]).await;
    let asking = tokio::spawn(async move {
        let mut refresh = Vec::new();
        frame::encode(&Request::Refresh, &mut refresh);
        while bob.stream.write_all(&refresh).await.is_ok() && bob.stream.flush().await.is_ok() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    assert_eq!(alice.presence("bob").await, Presence::Offline(OfflineReason::TooSlow));
    timeout(PATIENCE, asking).await.expect("the connection is closed").unwrap();
    let carol = server.join("carol").await;
    alice.sees(&["carol"]).await;
    assert_eq!(carol.client.roster().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_neither_reads_nor_closes_does_not_delay_stopping() {
    let mut server = Server::start().await;
    let mut alice = server.join("alice").await;
    let mut stubborn = Raw::connect(&server).await;
    stubborn.login("stubborn").await;
    alice.sees(&["stubborn"]).await;
    let _silent = TcpStream::connect(server.address).await.unwrap();
    let began = Instant::now();
    server.stop().await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert!(stubborn.read_to_end().await > 0, "it received the reason and was closed");
    assert!(TcpStream::connect(server.address).await.is_err(), "the server listens no longer");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_another_protocol_is_reported_as_such() {
    let server = Server::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            stream.write_all(b"220 mail.example ESMTP\r\n").await.unwrap();
            drop(stream.read(&mut [0; 4096]).await);
        }
    });
    let mut options = server.client_options("alice", Purpose::Register);
    options.server = address.try_into().unwrap();
    let error = server.connect(options).await.err().unwrap();
    assert!(matches!(error, ConnectError::NotChat { what: "it does not speak TLS", .. }), "{error}");
}

/// Handshakes end in an error wherever they break off. Each is counted, which shows that no task panicked.
#[tokio::test(flavor = "multi_thread")]
async fn garbage_in_handshakes_ends_in_an_error_and_affects_no_session() {
    let options = options();
    let monitor = options.monitor.clone();
    let server = Server::start_with(options).await;
    let alice = server.join("alice").await;

    let half = [22, 3, 1, 0, 8, 1, 0, 1, 0, 7, 7, 7, 7];
    let mut handshakes = Vec::new();
    for first in [&[22, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff][..], &half] {
        for second in [&b""[..], b"GET / HTTP/1.1", &[23, 3, 3, 0, 1, 7], &half, &[22, 3, 1, 0, 5, 2, 0, 0, 1, 7]] {
            handshakes.push([first, second].concat());
        }
    }
    // The beginning of a hello of 64,000 bytes, in records of 1,000.
    let endless = [&[22, 3, 1, 0x03, 0xe8, 1, 0, 0xfa, 0][..], &[0; 996]].concat();
    handshakes.push([&endless[..], &[&[22, 3, 1, 0x03, 0xe8][..], &[0; 1_000]].concat().repeat(40)].concat());
    // A valid hello, altered or cut off, followed by a part of another one.
    let hello = client_hello();
    for at in (0..hello.len()).step_by(8) {
        for (change, len) in [(0x01, hello.len()), (0x80, hello.len()), (0xff, at + 1), (0, at)] {
            let mut altered = hello.clone();
            altered[at] ^= change;
            handshakes.push([&altered[..len], &hello[..at]].concat());
        }
    }
    for handshake in &handshakes {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        // The server may have rejected the beginning already.
        drop(stream.write_all(handshake).await);
        drop(stream.shutdown().await);
        drop(timeout(PATIENCE, stream.read_to_end(&mut Vec::new())).await.expect("an end"));
    }

    let failed = async {
        while monitor.metrics()[Metric::HandshakesFailed] < handshakes.len() as u64 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(PATIENCE, failed).await.expect("each handshake fails");
    assert!(alice.client.roster().is_empty());
    server.join("bob").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_may_update_its_tls_keys() {
    let server = Server::start().await;
    let mut client = Raw::connect(&server).await;
    client.frame(&Hello::OURS.encode()).await;
    client.payload().await.expect("the server's hello");
    for _ in 0..3 {
        client.stream.get_mut().1.refresh_traffic_keys().unwrap();
        client.request(&Request::Refresh).await;
        assert!(matches!(client.reply().await, Some(Reply::Rejected(Rejection::UnexpectedRequest))));
    }
}

/// The first bytes that a TLS client sends.
fn client_hello() -> Vec<u8> {
    let mut hello = Vec::new();
    let mut client = rustls::ClientConnection::new(tls_config(), server_name()).unwrap();
    client.write_tls(&mut hello).unwrap();
    hello
}
