//! The database is unavailable for a while.

use chat_store::testing::{self, MySqlServer, TestDatabase};

use crate::harness::{Server, block_on, on_each};

#[test]
fn without_the_database_logins_fail_and_sessions_continue() {
    on_each(
        || {
            // The file stays, but its table does not.
            let rename = |database: &TestDatabase, sql: &str| block_on(database.execute(sql));
            logins_fail_and_sessions_continue(
                testing::sqlite(),
                |database| rename(database, "ALTER TABLE accounts RENAME TO away;"),
                |database| rename(database, "ALTER TABLE away RENAME TO accounts;"),
            );
        },
        || {
            let mut mysql = MySqlServer::start();
            let database = block_on(mysql.database());
            let mysql = std::cell::RefCell::new(&mut mysql);
            logins_fail_and_sessions_continue(
                database,
                |_| mysql.borrow_mut().stop(),
                |_| mysql.borrow_mut().restart(),
            );
        },
    );
}

fn logins_fail_and_sessions_continue(
    database: TestDatabase,
    stop: impl Fn(&TestDatabase),
    restart: impl Fn(&TestDatabase),
) {
    let server = Server::start(database.clone());
    let mut alice = server.client("alice").register().start();
    let mut bob = server.client("bob").register().start();
    alice.expect(&["online bob"]);
    assert_eq!(server.client("carol").register().run("").code, Some(0));
    for client in [&alice, &bob] {
        client.expect(&["online carol", "offline carol asked"]);
    }

    stop(&database);
    for carol in [server.client("carol"), server.client("dave").register()] {
        let refused = carol.run("");
        assert_eq!((refused.code, refused.error_code().as_str()), (Some(3), "storage-unavailable"));
        assert_eq!(refused.err, "error: the server cannot reach its storage; try again later\n");
    }
    alice.type_line("can you hear me?");
    alice.expect(&["sent > everyone to 1", "outcome bob delivered", "summary 1 delivered"]);
    bob.expect(&["message alice > everyone: can you hear me?"]);

    restart(&database);
    let carol = server.client("carol").start();
    assert_eq!(carol.welcome, "welcome carol: alice, bob");
    for client in [&mut alice, &mut bob] {
        client.expect(&["online carol"]);
        client.assert_no_more_events();
    }
}
