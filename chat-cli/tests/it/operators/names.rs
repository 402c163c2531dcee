//! Accounts of earlier versions whose user names break a newer rule.

use serde_json::Value;

use crate::harness::{Server, assert_contains, block_on, on_both_databases, until};

#[test]
fn an_account_whose_name_is_no_longer_valid_is_listed_and_affects_no_other() {
    on_both_databases(|database| {
        let server = Server::start(database.clone());
        let alice = server.client("alice").register().start();
        // An account as an earlier version stored it. Its change lies in the future, so that the server's query for
        // changes returns it.
        let columns = "name, canonical, password_hash, generation, status, created_at, changed_at";
        let values = "'\u{200b}eve', '\u{200b}eve', '$argon2id$x', 1, 0, 1795408080123, 4000000000000";
        block_on(database.execute(&format!("INSERT INTO accounts ({columns}) VALUES ({values});")));

        let list = server.operate(&["user", "list"]);
        assert_eq!(list.code, Some(0), "{}", list.err);
        let lines: Vec<&str> = list.out.lines().collect();
        assert!(lines[0].starts_with("alice\tactive\t"), "{}", list.out);
        assert_eq!(lines[1], "\\u{200b}eve\tactive\t2026-11-23T04:28:00.123Z\tnever");
        let sentence = "'\\u{200b}eve' (account 2) is no longer a valid user name, so its owner cannot log in: the user name \
                        contains the character U+200B; only letters and digits of any script, '_', '-' and '.' are allowed; \
                        create another account for them with `chat-server user add NAME`";
        assert_contains(&list.err, sentence);
        let list = server.operate(&["user", "list", "--format", "json"]).out;
        let lines: Vec<Value> = list.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((&lines[0]["user"], lines[0].get("invalid")), (&"alice".into(), None));
        assert_eq!(lines[1]["user"], "\u{200b}eve");
        assert!(lines[1]["invalid"].as_str().unwrap().contains("U+200B"), "{list}");

        drop(server.client("bob").register().start());
        assert_eq!(server.operate(&["user", "disable", "alice"]).code, Some(0));
        until("the session of the disabled user ends", || server.status()["online"] == 0);
        drop(alice);
        assert!(!server.process.errors().contains("unavailable"), "{}", server.process.errors());
    });
}
