//! `user purge`: unused accounts are listed, and deleted when the operator says so.

use crate::harness::{Home, Server, assert_contains, block_on, on_both_databases};

#[test]
fn unused_accounts_are_deleted_beside_a_running_server_and_their_names_are_free() {
    const PURGE: [&str; 4] = ["user", "purge", "--unused-for", "30d"];
    on_both_databases(|database| {
        let server = Server::start(database.clone());
        for user in ["alice", "bob", "carol"] {
            assert_eq!(server.operate(&["user", "add", user]).code, Some(0));
        }
        // Long ago. Carol was online later.
        block_on(database.execute("UPDATE accounts SET created_at = 1000;"));
        block_on(database.execute("UPDATE accounts SET last_seen = 1795408080123 WHERE canonical = 'carol';"));

        let listed = server.operate(&PURGE);
        assert_eq!((listed.code, listed.err.as_str()), (Some(0), ""));
        let names: Vec<_> = listed.out.lines().filter_map(|line| line.split_once('\t')).map(|(name, _)| name).collect();
        assert_eq!(names, ["alice", "bob"]);
        assert_contains(&listed.out, "2 unused accounts; nothing is deleted without --yes\n");
        assert_eq!(server.operate(&["user", "list"]).out.lines().count(), 3);

        let deleted = server.operate(&[&PURGE[..], &["--yes", "--format", "json"]].concat());
        assert_eq!((deleted.code, deleted.out.lines().count()), (Some(0), 2), "{deleted:?}");
        let left = server.operate(&["user", "list"]).out;
        assert!(left.starts_with("carol\t") && left.lines().count() == 1, "{left}");
        let alice = server.client("alice").register().start();
        assert_eq!(alice.leave().0, Some(0));
    });
}

#[test]
fn a_time_is_required_and_has_bounds() {
    let home = Home::new();
    let without = home.operate(&["user", "purge"]);
    assert_eq!(without.code, Some(2));
    assert_contains(&without.err, "--unused-for <DAYS>");
    let short = home.operate(&["user", "purge", "--unused-for", "1d"]);
    assert_eq!(short.code, Some(2));
    assert_contains(&short.err, "1d is not a number of days from 2 to 3650; write for example 30d");
}
