//! Errors before the conversation, in JSON: each code of the documented list, from the real program.

use std::fs;
use std::io::Write;
use std::net::{TcpListener, UdpSocket};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use chat_core::name::NameError;
use chat_core::password::PasswordError;
use chat_core::wire::hello::Hello;
use chat_core::wire::rejection::Rejection;
use rustix::process::Signal;
use serde_json::Value;

use crate::harness::{
    FakeAnswer, Finished, Home, Output, PASSWORD, Process, assert_contains, fake_server, finish, preload,
};

const DOCUMENT: &str = include_str!("../../../docs/JSON.md");

/// Only bugs lead to `failed` and `internal`. The other two need a server that breaks connections for minutes; the tests of
/// the client machine cover them.
const NOT_PROVOKED: [&str; 4] = ["failed", "internal", "only-registered", "registration-unanswered"];

#[test]
fn every_documented_error_is_one_event_with_its_code_and_the_sentence_of_standard_error() {
    let (_, section) = DOCUMENT.split_once("#### Errors before the conversation\n").unwrap();
    let rows: Vec<(&str, i32)> = section.split("\n#").next().unwrap().lines().filter_map(row).collect();
    assert!(rows.len() > 30, "{rows:?}");
    thread::scope(|scope| {
        for (code, exit) in rows {
            scope.spawn(move || {
                let Finished { code: found, out, err } = provoke(code);
                let event: Value =
                    serde_json::from_str(&out).unwrap_or_else(|_| panic!("{code}: not one event: {out:?} {err}"));
                assert_eq!(found, Some(exit), "{code}: {err}");
                assert_eq!((&event["event"], &event["code"]), (&"error".into(), &code.into()), "{out} {err}");
                assert_eq!(out.lines().count(), 1, "{out}");
                assert_contains(&err, event["text"].as_str().unwrap());
            });
        }
    });
}

/// The code and the exit code of a row of the table.
fn row(line: &str) -> Option<(&str, i32)> {
    let (code, rest) = line.strip_prefix("| `")?.split_once("` | ")?;
    let is_heading = code == "code";
    (!is_heading && !NOT_PROVOKED.contains(&code)).then(|| (code, rest.split_once(' ').unwrap().0.parse().unwrap()))
}

/// Lets a client end with this code.
fn provoke(code: &str) -> Finished {
    let wait = Duration::from_mins(10);
    let home = Home::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let listening = listener.local_addr().unwrap().to_string();
    let to = |server: &str, args: &[&str]| finish(client(&home, server).args(args));
    let rejected = |rejection| rejected(&home, rejection);
    match code {
        "accounts-full" => rejected(Rejection::AccountsFull),
        "addresses-refused" => rejected(Rejection::Addresses),
        "authorities-unusable" => to(&listening, &["--ca", "/no/such/file"]),
        "busy" => rejected(Rejection::busy(wait)),
        "certificate-refused" => {
            let server = fake_server(FakeAnswer::Hello(Hello::OURS)).to_string();
            to(&server, &["--ca", other_authority(&home)])
        }
        "disabled" => rejected(Rejection::Disabled),
        "full" => rejected(Rejection::Full),
        // No label of a DNS name is longer than 63 bytes.
        "host-not-certifiable" => to(&"x".repeat(64), &["--ca", other_authority(&home)]),
        "host-not-found" => to("no-such-host.invalid", &["--accept-new"]),
        "incompatible" => {
            let theirs = Hello { low: 9, high: 9, features: 0 };
            to(&fake_server(FakeAnswer::Hello(theirs)).to_string(), &["--accept-new"])
        }
        "interrupted" => interrupted(&home, &listener),
        "known-servers-unusable" => {
            fs::write(home.join("known"), "nonsense\n").unwrap();
            to(&listening, &["--known-servers", "known"])
        }
        "login-failed" => to(&fake_server(FakeAnswer::Hello(Hello::OURS)).to_string(), &["--accept-new"]),
        "name-refused" => rejected(Rejection::Name(NameError::Char('@'))),
        "name-taken" => rejected(Rejection::NameTaken),
        "no-server" => home.operate(&["status", "--format", "json"]),
        "not-chat" => to_server_that_answers(b"220 mail.example ESMTP\r\n"),
        "not-invited" => rejected(Rejection::NotInvited),
        "password-refused" => rejected(Rejection::Password(PasswordError::TooShort)),
        "registration-closed" => rejected(Rejection::RegistrationClosed),
        "request-refused" => rejected(Rejection::Malformed),
        "server-key-changed" => {
            let server = fake_server(FakeAnswer::Hello(Hello::OURS)).to_string();
            fs::write(home.join("known"), format!("{server} {}\n", "0".repeat(64))).unwrap();
            to(&server, &["--known-servers", "known"])
        }
        "storage-unavailable" => rejected(Rejection::StorageUnavailable),
        "system-refused" => {
            let no_threads = preload(&home, "threads", include_str!("preloads/threads.c"));
            finish(client(&home, &listening).env("LD_PRELOAD", no_threads).env("CHAT_TEST_THREADS", "0"))
        }
        "throttled" => rejected(Rejection::slow_down(wait)),
        // Nobody accepts the connection, so its handshake never begins.
        "timed-out" => to(&listening, &["--accept-new"]),
        // An alert of TLS: the handshake failed.
        "tls-failed" => to_server_that_answers(b"\x15\x03\x03\x00\x02\x02\x28"),
        "too-late" => rejected(Rejection::LoginTimeout),
        "too-many-registrations" => rejected(Rejection::too_many_registrations(wait)),
        "too-many-requests" => rejected(Rejection::TooManyRequests),
        "udp-unusable" => {
            let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
            to(&listening, &["--accept-new", "--udp", &taken.local_addr().unwrap().to_string()])
        }
        "unknown-server" => to(&fake_server(FakeAnswer::Hello(Hello::OURS)).to_string(), &[]),
        "unreachable" => {
            drop(listener);
            to(&listening, &["--accept-new"])
        }
        "wrong-arguments" => to(&listening, &["--bogus"]),
        "wrong-credentials" => rejected(Rejection::WrongCredentials),
        "wrong-fingerprint" => {
            let server = fake_server(FakeAnswer::Hello(Hello::OURS)).to_string();
            to(&server, &["--fingerprint", &"0".repeat(64)])
        }
        _ => panic!("the test does not know how to provoke the documented code {code}"),
    }
}

/// Connects to a server that answers a TLS hello with these bytes.
fn to_server_that_answers(bytes: &'static [u8]) -> Finished {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let answering = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(bytes).unwrap();
        stream
    });
    let finished = finish(client(&Home::new(), &address).arg("--accept-new"));
    drop(answering.join().unwrap());
    finished
}

/// A file with an authority that has signed no server's certificate.
fn other_authority(home: &Home) -> &'static str {
    let authority = rcgen::generate_simple_self_signed(["other".to_owned()]).unwrap();
    fs::write(home.join("ca.pem"), authority.cert.pem()).unwrap();
    // Relative to the home, which is the client's working directory.
    "ca.pem"
}

fn rejected(home: &Home, rejection: Rejection) -> Finished {
    let server = fake_server(FakeAnswer::Rejection(rejection)).to_string();
    finish(client(home, &server).arg("--accept-new"))
}

/// Ends the client by a signal while it connects.
fn interrupted(home: &Home, listener: &TcpListener) -> Finished {
    let server = listener.local_addr().unwrap().to_string();
    let mut process = Process::spawn(client(home, &server).arg("--accept-new").stdin(Stdio::null()));
    let mut out = Output::collect(process.stdout());
    let _stream = listener.accept().unwrap();
    process.signal(Signal::TERM);
    let code = process.exit().code();
    out.wait();
    Finished { code, out: out.text(), err: process.errors() }
}

fn client(home: &Home, server: &str) -> Command {
    let mut command = home.command("chat-client");
    command.args(["--server", server, "--user", "alice", "--format", "json"]).env("CHAT_PASSWORD", PASSWORD);
    command
}

#[test]
fn wrong_options_are_one_event_whatever_names_the_format() {
    let home = Home::new();
    fs::write(home.join("good.toml"), "format = 'json'\n").unwrap();
    fs::write(home.join("bad.toml"), "format = 'json'\nno-such-key = 1\n").unwrap();
    let wrong: [(&[&str], Option<&str>, &str); 8] = [
        (&["--format", "json"], None, "no server is named"),
        (&["--bogus", "--format=json"], None, "unexpected argument '--bogus' found"),
        (&["--user", "a b"], Some("json"), "the user name contains a space"),
        (&["--config", "good.toml"], None, "no server is named"),
        (&["--config", "bad.toml"], None, "there is no key 'no-such-key'"),
        (&["--config", "good.toml", "--stay=perhaps"], None, "invalid value 'perhaps'"),
        (&["--format", "json", "--server", "x"], None, "no user name is given"),
        (&["--format", "json", "--server", "x", "--user", "a"], None, "no password is given"),
    ];
    for (args, format, sentence) in wrong {
        let Finished { code, out, err } =
            finish(home.command("chat-client").args(args).envs(format.map(|format| ("CHAT_FORMAT", format))));
        let event: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{args:?}: {out:?} {err}"));
        assert_eq!((code, &event["code"]), (Some(2), &"wrong-arguments".into()), "{args:?}: {err}");
        assert_contains(&event["text"].as_str().unwrap(), sentence);
        assert_contains(&err, sentence);
    }
    for (args, code) in [(&["--format", "json", "--help"][..], 0), (&["--format", "xml"], 2), (&["--bogus"], 2)] {
        let finished = home.run("chat-client", args);
        assert_eq!((finished.code, finished.out.contains("\"event\"")), (Some(code), false), "{args:?}");
    }
}
