//! An eavesdropper between the programs can read nothing.

use std::io::Write;
use std::net::{Ipv4Addr, TcpStream, UdpSocket};

use crate::harness::{ClientSetup, Router, Server, TcpTap, on_both_databases, until};

const NAMES: [&str; 2] = ["wilhelmina", "欧阳小明"];
const PASSWORD: &str = "hush-hush-correct-horse";
const TEXTS: [&str; 3] = ["the treasure is under the oak", "金子埋在橡树下面", "psst, only for you"];
/// Sent in the clear by the test itself, to prove that the search finds it.
const PLANTED: &str = "the canary that was planted";

#[test]
fn no_name_password_or_text_crosses_the_network_in_the_clear() {
    on_both_databases(|database| {
        let server = Server::start(database);
        let (tap, router) = (TcpTap::new(server.address), Router::new(2));
        let client = |number: usize| {
            let home = server.home().of_user(&number.to_string());
            let client = ClientSetup::new(NAMES[number], tap.address, &home).fingerprint(&server.fingerprint);
            router.connect(number, client.env("CHAT_PASSWORD", PASSWORD))
        };
        let mut first = client(0).register().start();
        let mut second = client(1).register().start();
        let online = &first.expect(&[&format!("online {}", NAMES[1])])[0];
        assert_eq!(
            online["address"],
            router.public(1).to_string(),
            "the roster holds another address than the advertised one"
        );
        for (number, text) in TEXTS[..2].iter().enumerate() {
            let (from, to) = if number == 0 { (&mut first, &second) } else { (&mut second, &first) };
            from.type_line(text);
            from.until("summary 1 delivered");
            to.expect(&[&format!("message {} > everyone: {text}", NAMES[number])]);
        }
        second.type_line(&format!("/msg {} {}", NAMES[0], TEXTS[2]));
        second.expect(&[&format!("sent > {} to 1", NAMES[0]), &format!("outcome {} delivered", NAMES[0])]);
        assert_eq!(second.leave().0, Some(0));

        // A login without registration, and a refused one.
        assert_eq!(client(1).run("").code, Some(0));
        let wrong = client(1).env("CHAT_PASSWORD", &format!("{PASSWORD}!")).run("");
        assert_eq!(wrong.code, Some(3));

        let secrets = [&NAMES[..], &[PASSWORD], &TEXTS].concat();
        let (tcp, udp) = recorded(&tap, &router);
        // The recordings hold at least the texts and the logins.
        assert!(udp.iter().map(Vec::len).sum::<usize>() > TEXTS.concat().len(), "the datagrams took another way");
        assert!(
            tap.encrypted_to_server().iter().all(|bytes| *bytes > PASSWORD.len()) && tcp.len() >= 8,
            "the connections took another way"
        );
        for secret in secrets.iter().chain(&[PLANTED]) {
            assert_eq!(occurrences(secret, &tcp) + occurrences(secret, &udp), 0, "{secret} can be read");
        }
        plant(&tap, &router);
        for encoding in encodings(PLANTED) {
            let found = || {
                let (tcp, udp) = recorded(&tap, &router);
                let holds = |recordings: &[Vec<u8>]| recordings.iter().any(|bytes| contains(bytes, &encoding));
                holds(&tcp) && holds(&udp)
            };
            until("the planted text is found", found);
        }
    });
}

/// The recorded streams, and the recorded datagrams.
fn recorded(tap: &TcpTap, router: &Router) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    (tap.recorded(), router.recorded().into_iter().map(|datagram| datagram.bytes).collect())
}

/// Sends a known text in all encodings through the tap and the router.
fn plant(tap: &TcpTap, router: &Router) {
    let mut stream = TcpStream::connect(tap.address).unwrap();
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    // One write is recorded whole, although the server may close the connection.
    stream.write_all(&encodings(PLANTED).concat()).unwrap();
    socket.send_to(&encodings(PLANTED).concat(), router.public(0)).unwrap();
}

fn occurrences(secret: &str, recordings: &[Vec<u8>]) -> usize {
    let encodings = encodings(secret);
    recordings.iter().filter(|bytes| encodings.iter().any(|encoding| contains(bytes, encoding))).count()
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// A text in UTF-8, in UTF-16, and in base64 at each alignment.
fn encodings(text: &str) -> Vec<Vec<u8>> {
    let utf16 = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut encodings = vec![text.as_bytes().to_vec(), utf16];
    for before in 0..3 {
        let bytes = [&b"\0\0"[..before], text.as_bytes()].concat();
        let whole = base64(&bytes[..bytes.len() / 3 * 3]);
        // The first letters also hold bits of the bytes before the text.
        encodings.push(whole[if before == 0 { 0 } else { 4 }..].to_vec());
    }
    encodings
}

/// Base64 of complete groups of three bytes.
fn base64(bytes: &[u8]) -> Vec<u8> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |group: &[u8]| {
        let bits = group.iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
        [18, 12, 6, 0].map(|shift| LETTERS[bits >> shift & 63])
    };
    bytes.chunks_exact(3).flat_map(group).collect()
}

#[test]
fn the_encodings_of_a_text() {
    assert_eq!(base64(b"correct horse!!"), b"Y29ycmVjdCBob3JzZSEh");
    assert_eq!(encodings("ab")[1], b"a\0b\0");
    // "correct", "xcorrect" and "xxcorrect" in base64.
    assert!(contains(b"Y29ycmVjdA==", &encodings("correct")[2]));
    assert!(contains(b"eGNvcnJlY3Q=", &encodings("correct")[3]));
    assert!(contains(b"eHhjb3JyZWN0", &encodings("correct")[4]));
}
