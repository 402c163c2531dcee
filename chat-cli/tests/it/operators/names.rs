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
        assert_eq!(list.err, format!("note: {sentence}\n"));
        let list = server.operate(&["--lang", "zh-CN", "user", "list"]);
        assert_contains(&list.err, "提示：“\\u{200b}eve”（账号 2）已不是有效的用户名，因此其主人无法登录：用户名里有");
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

#[test]
fn accounts_older_than_the_rules_for_new_names_log_in_and_are_listed() {
    on_both_databases(|database| {
        let mut server = Server::start(database.clone());
        for user in ["cope", "second", "third"] {
            assert_eq!(server.operate(&["user", "add", user]).code, Some(0));
        }
        for (user, renamed) in [("second", "соре"), ("third", "\u{301}eve")] {
            let names = format!("name = '{renamed}', canonical = '{renamed}'");
            let skeletons = "canonical_skeleton = NULL, shown_skeleton = NULL";
            block_on(database.execute(&format!("UPDATE accounts SET {names}, {skeletons} WHERE name = '{user}';")));
        }
        assert_eq!(server.process.errors(), "");
        server.stop();
        server.restart();
        let sentence = "some user names look alike: соре like cope; `chat-server user list` names all of them";
        until("the server warns", || server.process.errors().contains(sentence));

        let cope = server.client("cope").start();
        let same = server.client("соре").start();
        cope.expect(&["online соре"]);
        let eve = server.client("\u{301}eve").start();
        cope.expect(&["online \u{301}eve"]);
        drop((same, eve));

        let list = server.operate(&["user", "list"]);
        assert_eq!((list.code, list.out.lines().count()), (Some(0), 3), "{}", list.err);
        assert_eq!(list.err, "note: соре (account 2) looks like cope\n");
        let list = server.operate(&["--lang", "zh-CN", "user", "list"]);
        assert_eq!(list.err, "提示：соре（账号 2）看上去与 cope 相同\n");
        let list = server.operate(&["user", "list", "--format", "json"]).out;
        let looks_like: Vec<Value> =
            list.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["looks_like"].take()).collect();
        assert_eq!(looks_like, [Value::Null, "cope".into(), Value::Null], "{list}");

        let alike = server.client("c0pe").register().try_start().unwrap_err();
        assert_eq!((alike.code, alike.error_code().as_str()), (Some(3), "name-taken"));
        let marks = server.client("\u{301}bob").register().try_start().unwrap_err();
        assert_eq!((marks.code, marks.error_code().as_str()), (Some(3), "name-refused"));
        let added = server.operate(&["user", "add", "\u{301}bob"]);
        assert_eq!(added.code, Some(2));
        assert_contains(&added.err, "the user name starts with a combining mark");
    });
}
