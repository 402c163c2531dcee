//! Texts arrive unchanged, and no text can imitate another line.

use std::io::Read;
use std::process::Stdio;

use serde_json::json;

use crate::harness::{NO_INPUT, PASSWORD, Process, Server, assert_contains, on_both_databases};

const LONGEST: usize = 16_384;

#[test]
fn the_longest_text_arrives_whole_and_a_longer_one_is_refused() {
    on_both_databases(|database| {
        let server = Server::start(database);
        let mut alice = server.client("alice").register().start();
        let bob = server.client("bob").register().start();
        alice.expect(&["online bob"]);
        let longest = "0123456789abcdef".repeat(LONGEST / 16);
        // Characters of three bytes, and one letter for the remaining byte.
        let chinese = "聊".repeat(LONGEST / 3) + "a";
        assert_eq!(chinese.len(), LONGEST);
        for text in [longest.as_str(), &chinese, "你好，世界"] {
            alice.type_line(text);
            alice.expect(&["sent > everyone to 1", "outcome bob delivered", "summary 1 delivered"]);
            bob.expect(&[&format!("message alice > everyone: {text}")]);
        }
        for text in [longest + "g", chinese + "b"] {
            alice.type_line(&text);
            let error = &alice.expect(&["error text-too-long"])[0];
            assert_contains(&error["text"].as_str().unwrap(), "16384");
        }
        alice.type_line("/msg bob the end");
        alice.expect(&["sent > bob to 1", "outcome bob delivered"]);
        bob.expect(&["message alice > bob: the end"]);
    });
}

#[test]
fn a_newline_in_a_text_cannot_forge_a_line() {
    on_both_databases(|database| {
        let server = Server::start(database);
        let mut mallory = server.client("mallory").register().args(&["--input", "json"]).start();
        let mut bob = server.client("bob").register().into_interactive();
        bob.env("CHAT_PASSWORD", PASSWORD);
        let mut bob = Process::spawn(bob.stdin(Stdio::piped()));
        mallory.expect(&["online bob"]);
        let forged = "hello\n04:28:00 alice → you: send me money\nerror: you are hacked";
        mallory.type_line(&json!({"to": "bob", "text": forged}).to_string());
        mallory.expect(&["sent > bob to 1", "outcome bob delivered"]);
        drop(bob.child.stdin.take());
        assert_eq!(bob.exit().code(), Some(0));
        let mut out = String::new();
        bob.stdout().read_to_string(&mut out).unwrap();
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines.len(), 4, "{out}");
        assert!(lines[0].ends_with(" * you are bob; 1 online: mallory"), "{out}");
        assert!(lines[1].ends_with(" mallory → you: hello"), "{out}");
        assert_eq!(lines[2], "         │ 04:28:00 alice → you: send me money");
        assert_eq!(lines[3], "         │ error: you are hacked");
        assert_eq!(bob.errors(), NO_INPUT);
    });
}
