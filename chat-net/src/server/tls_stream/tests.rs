//! Against the client's end, which is another implementation of the same over rustls.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream as ClientStream;

use super::*;
use crate::identity::ServerIdentity;
use crate::server::Renewal;
use crate::tls;

type ServerStream = TlsStream<DuplexStream>;

fn config() -> Arc<ServerConfig> {
    let folder = tempfile::tempdir().unwrap();
    let shown = Renewal::default();
    shown.renew(&ServerIdentity::load_or_create(folder.path()).unwrap()).unwrap();
    tls::server(Arc::new(shown)).unwrap()
}

/// Both ends, with so many bytes between them.
async fn pair(between: usize) -> (ServerStream, ClientStream<DuplexStream>) {
    let (near, far) = duplex(between);
    let connector = TlsConnector::from(tls::client_by_key().unwrap());
    let name = ServerName::try_from("chat-server").unwrap();
    let (server, client) = tokio::join!(TlsStream::accept(config(), near), connector.connect(name, far));
    (server.unwrap(), client.unwrap())
}

fn owned(stream: &ServerStream) -> usize {
    stream.incoming.capacity() + stream.opened.capacity() + stream.outgoing.capacity()
}

/// Of no period that is one of a record.
fn text(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at % 251) as u8).collect()
}

#[tokio::test]
async fn texts_of_all_lengths_arrive_whole_both_ways_through_the_thinnest_pipe() {
    for between in [10, 61, 100_000] {
        let (mut server, mut client) = pair(between).await;
        for len in [1, 2, READ, READ + 1, 1 << 14, (1 << 14) + 1, 100_000] {
            let text = text(len);
            let (mut there, mut back) = (vec![0; len], vec![0; len]);
            let (said, heard) = tokio::join!(
                async {
                    server.read_exact(&mut there).await?;
                    server.write_all(&there).await?;
                    server.flush().await
                },
                async {
                    client.write_all(&text).await?;
                    client.flush().await?;
                    client.read_exact(&mut back).await
                }
            );
            said.unwrap();
            heard.unwrap();
            assert!(there == text && back == text, "{len} bytes, {between} at a time");
            assert_eq!(owned(&server), 0, "it owns nothing while nothing is under way");
        }
    }
}

#[tokio::test]
async fn many_texts_written_together_come_in_order() {
    let (mut server, mut client) = pair(1 << 20).await;
    // Short and long ones, and one that is longer than all that is taken at once.
    let lens = [1, 0, 3_000, 2, 2_047, 20_000, 5, 6, 40_000, 7];
    let texts: Vec<Vec<u8>> = lens.iter().map(|&len| text(len)).collect();
    let whole = texts.concat();
    let mut left = &mut texts.iter().map(|text| IoSlice::new(text)).collect::<Vec<_>>()[..];
    while !left.is_empty() {
        let count = server.write_vectored(left).await.unwrap();
        assert!(count > 0);
        IoSlice::advance_slices(&mut left, count);
    }
    let mut heard = vec![0; whole.len()];
    client.read_exact(&mut heard).await.unwrap();
    assert!(heard == whole);
    let few: Vec<_> = (0..64).map(|_| IoSlice::new(&whole[..60])).collect();
    assert_eq!(server.write_vectored(&few).await.unwrap(), 64 * 60);
    let mut one = [0; 64 * 60];
    assert_eq!(client.read(&mut one).await.unwrap(), one.len(), "in one record");
}

#[tokio::test]
async fn what_does_not_fit_is_bounded_and_more_is_taken_when_it_is_written() {
    let (mut server, mut client) = pair(1_000).await;
    let text = text(1 << 20);
    let count = server.write(&text).await.unwrap();
    assert!(count < text.len());
    let kept = owned(&server);
    assert!(kept < 34 * 1024, "{kept}");
    let mut cx = Context::from_waker(std::task::Waker::noop());
    assert!(Pin::new(&mut server).poll_write(&mut cx, &text).is_pending(), "the other side has read nothing");
    let mut heard = vec![0; count];
    tokio::join!(async { client.read_exact(&mut heard).await.unwrap() }, async { server.flush().await.unwrap() });
    assert!(heard == text[..count]);
    assert_eq!(owned(&server), 0);
}

#[tokio::test]
async fn an_end_that_was_said_is_an_end_and_one_that_was_not_is_an_error() {
    let (mut server, mut client) = pair(1_000).await;
    client.write_all(b"one").await.unwrap();
    client.shutdown().await.unwrap();
    let mut heard = Vec::new();
    server.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, b"one");
    server.write_all(b"two").await.unwrap();
    server.shutdown().await.unwrap();
    server.shutdown().await.unwrap();
    let mut heard = Vec::new();
    client.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, b"two", "the other direction stayed open until it was closed");
    assert!(server.write_all(b"three").await.is_err());

    let (mut server, mut client) = pair(1_000).await;
    client.write_all(b"one").await.unwrap();
    client.flush().await.unwrap();
    drop(client);
    let error = server.read_to_end(&mut heard).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn new_keys_are_taken_and_answered() {
    let (mut server, mut client) = pair(1_000).await;
    let mut byte = [0];
    for _ in 0..3 {
        client.get_mut().1.refresh_traffic_keys().unwrap();
        client.write_all(b"?").await.unwrap();
        client.flush().await.unwrap();
        server.read_exact(&mut byte).await.unwrap();
        server.write_all(b"!").await.unwrap();
        client.read_exact(&mut byte).await.unwrap();
        assert_eq!(&byte, b"!");
    }
    assert_eq!(owned(&server), 0);
}

#[tokio::test]
async fn who_does_not_speak_tls_is_told_so() {
    let (near, mut far) = duplex(1_000);
    let accepting = tokio::spawn(TlsStream::accept(config(), near));
    far.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let error = accepting.await.unwrap().map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    let mut alert = Vec::new();
    far.read_to_end(&mut alert).await.unwrap();
    assert_eq!(alert.first(), Some(&21), "the content type of an alert");
}

#[tokio::test]
async fn a_record_that_was_changed_ends_the_connection_with_an_alert() {
    let (mut server, client) = pair(1_000).await;
    let (mut socket, _session) = client.into_inner();
    socket.write_all(&[&[23, 3, 3, 0, 30][..], &[7; 30]].concat()).await.unwrap();
    let error = server.read(&mut [0; 10]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    let mut alert = [0; 1];
    socket.read_exact(&mut alert).await.unwrap();
    assert_eq!(alert, [23], "sealed, as all that follows the handshake");
    assert!(server.write_all(b"more").await.is_err());
    server.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_handshake_message_without_end_is_not_collected() {
    let (near, mut far) = duplex(100_000);
    let accepting = tokio::spawn(TlsStream::accept(config(), near));
    // The beginning of a hello of 64,000 bytes, in records of 1,000.
    let mut record = vec![22, 3, 1, 0x03, 0xe8, 1, 0, 0xfa, 0];
    record.resize(5 + 1_000, 0);
    for _ in 0..40 {
        if far.write_all(&record).await.is_err() {
            break;
        }
        record[5..].fill(0);
    }
    let error = accepting.await.unwrap().map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
}

#[tokio::test]
async fn handshakes_that_make_no_sense_end_in_an_error_wherever_they_break_off() {
    let half = [22, 3, 1, 0, 8, 1, 0, 1, 0, 7, 7, 7, 7];
    for first in [&[22, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff][..], &half] {
        for second in [&b""[..], b"GET / HTTP/1.1", &[23, 3, 3, 0, 1, 7], &half, &[22, 3, 1, 0, 5, 2, 0, 0, 1, 7]] {
            let (near, mut far) = duplex(1_000);
            let accepting = tokio::spawn(TlsStream::accept(config(), near));
            far.write_all(first).await.unwrap();
            tokio::task::yield_now().await;
            // It may have been refused already.
            drop(far.write_all(second).await);
            drop(far.shutdown().await);
            let error = accepting.await.expect("it does not panic").map(drop).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof), "{error}");
        }
    }
}

/// What a client says first.
fn hello() -> Vec<u8> {
    let name = ServerName::try_from("chat-server").unwrap();
    let mut client = rustls::client::UnbufferedClientConnection::new(tls::client_by_key().unwrap(), name).unwrap();
    let mut hello = Vec::new();
    let UnbufferedStatus { state, .. } = client.process_tls_records(&mut []);
    let ConnectionState::EncodeTlsData(mut data) = state.unwrap() else { panic!("a client speaks first") };
    seal::encode(&mut data, &mut hello).unwrap();
    hello
}

#[tokio::test]
async fn a_hello_that_was_changed_or_broken_off_anywhere_ends_in_an_error() {
    let (config, hello) = (config(), hello());
    for at in 0..hello.len() {
        for (change, len) in [(0x01, hello.len()), (0x80, hello.len()), (0xff, at + 1), (0, at)] {
            let mut changed = hello.clone();
            changed[at] ^= change;
            let (near, mut far) = duplex(10_000);
            far.write_all(&changed[..len]).await.unwrap();
            // Something behind it, that is as unexpected.
            far.write_all(&hello[..at]).await.unwrap();
            far.shutdown().await.unwrap();
            let accepting = tokio::spawn(TlsStream::accept(Arc::clone(&config), near));
            let error = accepting.await.expect("it does not panic").map(drop).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof), "{error}");
        }
    }
}

/// A client whose records are made here, so that they can be those of no decent client.
#[tokio::test]
async fn a_message_for_new_keys_that_comes_in_part_does_not_keep_the_server_from_speaking() {
    let (near, mut far) = duplex(10_000);
    let accepting = tokio::spawn(TlsStream::accept(config(), near));
    let mut client = (*tls::client_by_key().unwrap()).clone();
    client.enable_secret_extraction = true;
    let name = ServerName::try_from("chat-server").unwrap();
    let mut session = rustls::client::UnbufferedClientConnection::new(Arc::new(client), name).unwrap();
    let mut incoming = Vec::new();
    loop {
        let UnbufferedStatus { discard, state } = session.process_tls_records(&mut incoming);
        match state.unwrap() {
            ConnectionState::EncodeTlsData(mut data) => {
                let mut record = vec![0; 10_000];
                let count = data.encode(&mut record).unwrap();
                far.write_all(&record[..count]).await.unwrap();
            }
            ConnectionState::TransmitTlsData(data) => data.done(),
            ConnectionState::BlockedHandshake => {
                incoming.drain(..discard);
                let mut some = [0; 4_096];
                let count = far.read(&mut some).await.unwrap();
                incoming.extend_from_slice(&some[..count]);
                continue;
            }
            ConnectionState::WriteTraffic(_) => break,
            other => panic!("{other:?}"),
        }
        incoming.drain(..discard);
    }
    let mut server = accepting.await.unwrap().unwrap();
    let (secrets, _) = session.dangerous_into_kernel_connection().unwrap();
    let (number, keys) = secrets.tx;
    let rustls::ConnectionTrafficSecrets::Aes256Gcm { key, iv } = keys else { panic!("another cipher") };
    let key = aws_lc_rs::aead::UnboundKey::new(&aws_lc_rs::aead::AES_256_GCM, key.as_ref()).unwrap();
    let key = aws_lc_rs::aead::LessSafeKey::new(key);
    let seal = |number: u64, kind: u8, text: &[u8]| {
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&number.to_be_bytes());
        nonce.iter_mut().zip(iv.as_ref()).for_each(|(byte, iv)| *byte ^= iv);
        let mut sealed = [text, &[kind]].concat();
        let header = [23, 3, 3, 0, u8::try_from(sealed.len() + 16).unwrap()];
        key.seal_in_place_append_tag(
            aws_lc_rs::aead::Nonce::assume_unique_for_key(nonce),
            aws_lc_rs::aead::Aad::from(header),
            &mut sealed,
        )
        .unwrap();
        [&header[..], &sealed].concat()
    };
    // The first three of the five bytes, a pause in which the server speaks, and the rest.
    let update = [24, 0, 0, 1, 0];
    far.write_all(&seal(number, 22, &update[..3])).await.unwrap();
    let mut cx = Context::from_waker(std::task::Waker::noop());
    let mut buffer = [0; 10];
    assert!(Pin::new(&mut server).poll_read(&mut cx, &mut ReadBuf::new(&mut buffer)).is_pending());
    server.write_all(b"hello").await.unwrap();
    server.flush().await.unwrap();
    far.write_all(&seal(number + 1, 22, &update[3..])).await.unwrap();
    assert!(Pin::new(&mut server).poll_read(&mut cx, &mut ReadBuf::new(&mut buffer)).is_pending());
    server.write_all(b"again").await.unwrap();
    server.shutdown().await.unwrap();
    assert!(server.incoming.is_empty(), "it was taken");
}
