//! Nobody between the programs reads what they say.

use std::io::Write;
use std::net::{Ipv4Addr, TcpStream, UdpSocket};

use crate::client::Starting;
use crate::database::on_both_databases;
use crate::process::until;
use crate::router::Router;
use crate::server::Server;
use crate::tap::TcpTap;

const NAMES: [&str; 2] = ["wilhelmina", "欧阳小明"];
const PASSWORD: &str = "hush-hush-correct-horse";
const TEXTS: [&str; 3] = ["the treasure is under the oak", "金子埋在橡树下面", "psst, only for you"];
/// Sent in the clear by the test itself, to prove that it would be found.
const PLANTED: &str = "the canary that was planted";

#[test]
fn no_name_password_or_text_can_be_read_on_the_way() {
    on_both_databases(|database| {
        let server = Server::start(database);
        let (tap, router) = (TcpTap::new(server.address), Router::new(2));
        let client = |number: usize| {
            let home = server.data("../homes").join(number.to_string());
            let client = Starting::new(NAMES[number], tap.address, &home).fingerprint(&server.fingerprint);
            router.connect(number, client.env("CHAT_PASSWORD", PASSWORD))
        };
        let mut first = client(0).register().start();
        let mut second = client(1).register().start();
        let come = &first.expect(&[&format!("online {}", NAMES[1])])[0];
        assert_eq!(come["address"], router.public(1).to_string(), "only what was advertised is told");
        for (number, text) in TEXTS[..2].iter().enumerate() {
            let (from, to) = if number == 0 { (&mut first, &second) } else { (&mut second, &first) };
            from.type_line(text);
            from.until("summary 1 delivered");
            to.expect(&[&format!("message {} > everyone: {text}", NAMES[number])]);
        }
        second.type_line(&format!("/msg {} {}", NAMES[0], TEXTS[2]));
        second.expect(&[&format!("sent > {} to 1", NAMES[0]), &format!("outcome {} delivered", NAMES[0])]);
        assert_eq!(second.leave().0, Some(0));

        // A later log-in without registration, and a refused one.
        assert_eq!(client(1).run("").code, Some(0));
        let wrong = client(1).env("CHAT_PASSWORD", &format!("{PASSWORD}!")).run("");
        assert_eq!(wrong.code, Some(3));

        let secrets = [&NAMES[..], &[PASSWORD], &TEXTS].concat();
        let (tcp, udp) = heard(&tap, &router);
        // There is enough to look through: the texts alone, and the log-ins.
        assert!(udp.iter().map(Vec::len).sum::<usize>() > TEXTS.concat().len(), "datagrams went this way");
        assert!(
            tap.sealed_up().iter().all(|sealed| *sealed > PASSWORD.len()) && tcp.len() >= 8,
            "connections went this way"
        );
        for secret in secrets.iter().chain(&[PLANTED]) {
            assert_eq!(places(secret, &tcp) + places(secret, &udp), 0, "{secret} can be read");
        }
        plant(&tap, &router);
        for form in forms(PLANTED) {
            let found = || {
                let (tcp, udp) = heard(&tap, &router);
                let holds = |heard: &[Vec<u8>]| heard.iter().any(|bytes| contains(bytes, &form));
                holds(&tcp) && holds(&udp)
            };
            until("what was planted is found", found);
        }
    });
}

/// What was heard of TCP, and the datagrams.
fn heard(tap: &TcpTap, router: &Router) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    (tap.heard(), router.heard().into_iter().map(|datagram| datagram.bytes).collect())
}

/// Sends a known text in all its forms through both.
fn plant(tap: &TcpTap, router: &Router) {
    let mut stream = TcpStream::connect(tap.address).unwrap();
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    // The server may refuse it in the middle; one write is heard whole.
    stream.write_all(&forms(PLANTED).concat()).unwrap();
    socket.send_to(&forms(PLANTED).concat(), router.public(0)).unwrap();
}

fn places(secret: &str, heard: &[Vec<u8>]) -> usize {
    let forms = forms(secret);
    heard.iter().filter(|bytes| forms.iter().any(|form| contains(bytes, form))).count()
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The bytes by which a text may be known: UTF-8, UTF-16, and what base64 makes of it wherever it begins.
fn forms(text: &str) -> Vec<Vec<u8>> {
    let utf16 = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut forms = vec![text.as_bytes().to_vec(), utf16];
    for before in 0..3 {
        let bytes = [&b"\0\0"[..before], text.as_bytes()].concat();
        let whole = base64(&bytes[..bytes.len() / 3 * 3]);
        // The first letters hold bits of what stands before.
        forms.push(whole[if before == 0 { 0 } else { 4 }..].to_vec());
    }
    forms
}

/// Of whole groups of three bytes.
fn base64(bytes: &[u8]) -> Vec<u8> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |group: &[u8]| {
        let bits = group.iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
        [18, 12, 6, 0].map(|shift| LETTERS[bits >> shift & 63])
    };
    bytes.chunks_exact(3).flat_map(group).collect()
}

#[test]
fn the_forms_of_a_text_are_those_it_has() {
    assert_eq!(base64(b"correct horse!!"), b"Y29ycmVjdCBob3JzZSEh");
    assert_eq!(forms("ab")[1], b"a\0b\0");
    // "correct", "xcorrect" and "xxcorrect" in base64.
    assert!(contains(b"Y29ycmVjdA==", &forms("correct")[2]));
    assert!(contains(b"eGNvcnJlY3Q=", &forms("correct")[3]));
    assert!(contains(b"eHhjb3JyZWN0", &forms("correct")[4]));
}
