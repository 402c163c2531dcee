//! Conversations that were recorded with programs of before: an older client is answered byte for byte as it was then.

use super::relay::TERMS;
use super::*;

/// Clients of the first version that knew being away, and what its server answered. A line is a frame: `1 > hello` is
/// from the client on connection 1, and `* <` goes to all.
const AWAY: &str = include_str!("recorded/away.txt");

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// Sends the frames of the clients in a recording to a server, and returns the recording with its answers.
fn replay(recording: &str, config: ServerConfig) -> String {
    let mut t = Bench::with(config);
    let mut lines = Vec::new();
    for conn in [1, 2] {
        t.connect_from(conn, &format!("192.168.1.{conn}:50000"));
    }
    for line in recording.lines().filter(|line| line.contains(" > ")) {
        lines.push(line.to_owned());
        let (conn, frame) = line.split_once(" > ").unwrap();
        let conn = ConnId::new(conn.parse().unwrap());
        let mut out = Vec::new();
        t.server.handle(t.now, Input::Frame { conn, payload: &unhex(frame) }, &mut out);
        while !out.is_empty() {
            for output in std::mem::take(&mut out) {
                match output {
                    Output::Send { conn, bytes } => lines.push(format!("{conn} < {}", hex(&bytes))),
                    Output::Broadcast { bytes } => lines.push(format!("* < {}", hex(&bytes))),
                    Output::Snapshot { conn, frames } => {
                        lines.extend(frames.iter().map(|bytes| format!("{conn} < {}", hex(bytes))));
                        t.server.handle(t.now, Input::Drained { conn, missed: Missed::Nothing }, &mut out);
                    }
                    Output::Job { id, job: Job::Authenticate { name, .. } } => {
                        let result = JobResult::Account(Ok(account(name.as_str())));
                        t.server.handle(t.now, Input::Done { job: id, result }, &mut out);
                    }
                    Output::Job { id, job: Job::LookUp { .. } } => {
                        let result = JobResult::Accounts(Ok(vec![account("alice")]));
                        t.server.handle(t.now, Input::Done { job: id, result }, &mut out);
                    }
                    _ => {}
                }
            }
        }
    }
    lines.join("\n") + "\n"
}

#[test]
fn an_older_client_is_answered_as_it_was_before() {
    // A server says in its hello what is new. Nothing else differs, whether or not the server relays.
    let hello = |features| format!(" < 00000010{}", hex(&Hello { features, ..Hello::OURS }.encode()));
    let expected = AWAY.replace(&hello(Hello::AWAY), &hello(Hello::OURS.features));
    assert_ne!(expected, AWAY);
    for relay in [None, Some(TERMS)] {
        assert_eq!(replay(AWAY, ServerConfig { relay, ..untimed() }), expected, "{relay:?}");
    }
}
