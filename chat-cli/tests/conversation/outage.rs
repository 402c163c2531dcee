//! The database goes away while people talk, and comes back.

use chat_store::testing::{self, MySqlServer, TestDatabase};

use crate::database::{on_each, wait_for};
use crate::server::Server;

#[test]
fn without_the_database_nobody_new_comes_in_and_those_online_stay() {
    on_each(
        || {
            // A file does not go away, but what is in it may.
            let rename = |database: &TestDatabase, sql: &str| wait_for(database.execute(sql));
            story(
                testing::sqlite(),
                |database| rename(database, "ALTER TABLE accounts RENAME TO away;"),
                |database| rename(database, "ALTER TABLE away RENAME TO accounts;"),
            );
        },
        || {
            let mut mysql = MySqlServer::start();
            let database = wait_for(mysql.database());
            let mysql = std::cell::RefCell::new(&mut mysql);
            story(database, |_| mysql.borrow_mut().stop(), |_| mysql.borrow_mut().restart());
        },
    );
}

fn story(database: TestDatabase, goes: impl Fn(&TestDatabase), comes_back: impl Fn(&TestDatabase)) {
    let server = Server::start(database);
    let mut alice = server.client("alice").register().start();
    let mut bob = server.client("bob").register().start();
    alice.expect(&["online bob"]);
    assert_eq!(server.client("carol").register().run("").code, Some(0));
    for client in [&alice, &bob] {
        client.expect(&["online carol", "offline carol asked"]);
    }

    goes(&server.database);
    for carol in [server.client("carol"), server.client("dave").register()] {
        let refused = carol.run("");
        assert_eq!((refused.code, refused.out.as_str()), (Some(3), ""));
        assert_eq!(refused.errors, "error: the server cannot reach its storage; try again later\n");
    }
    alice.type_line("can you hear me?");
    alice.expect(&["sent > everyone to 1", "outcome bob delivered", "summary 1 delivered"]);
    bob.expect(&["message alice > everyone: can you hear me?"]);

    comes_back(&server.database);
    let carol = server.client("carol").start();
    assert_eq!(carol.welcome, "welcome carol: alice, bob");
    for client in [&mut alice, &mut bob] {
        client.expect(&["online carol"]);
        client.has_nothing_more_to_tell();
    }
}
