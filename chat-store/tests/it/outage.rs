//! Outages of a MySQL server.

use std::time::{Duration, Instant};

use chat_core::accounts::{Accounts, Operator};
use chat_store::testing::{self, MySqlServer, TestDatabase};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts, OptsBuilder};

use crate::{NOW, is_unavailable, name, open, password};

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(windows, ignore = "needs a MySQL server, which the tests start on Unix only")]
async fn calls_fail_while_mysql_is_down_and_succeed_afterwards() {
    let mut server = MySqlServer::start();
    let database = server.database().await;
    let accounts = open(&database).await;
    let account = accounts.register(name("alice"), password("correct horse"), NOW).await.unwrap();
    // Fills the pool with connections that the outage breaks.
    let busy: Vec<_> = (0..8).map(|_| accounts.list(None, 9)).collect();
    for call in busy {
        call.await.unwrap();
    }
    for _ in 0..2 {
        server.stop();
        let begin = Instant::now();
        for result in [
            accounts.authenticate(name("alice"), password("correct horse")).await.map(drop),
            accounts.register(name("alice"), password("correct horse"), NOW).await.map(drop),
            accounts.mark_seen(vec![account.id], NOW).await,
            accounts.list(None, 9).await.map(drop),
        ] {
            assert!(is_unavailable(&result), "an outage is not reported as another error: {result:?}");
        }
        assert!(begin.elapsed() < Duration::from_secs(12), "users wait for this: {:?}", begin.elapsed());
        server.restart();
        let again = accounts.authenticate(name("alice"), password("correct horse")).await;
        assert_eq!(again.expect("the first call after the outage succeeds"), account);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(windows, ignore = "needs a MySQL server, which the tests start on Unix only")]
async fn calls_time_out_while_mysql_hangs() {
    let server = MySqlServer::start();
    let accounts = open(&server.database().await).await;
    accounts.register(name("alice"), password("correct horse"), NOW).await.unwrap();
    server.pause();
    let begin = Instant::now();
    let result = accounts.list(None, 9).await;
    assert!(is_unavailable(&result), "{result:?}");
    assert!(begin.elapsed() < Duration::from_secs(20), "users wait for this: {:?}", begin.elapsed());
    server.resume();
    accounts.authenticate(name("alice"), password("correct horse")).await.expect("calls succeed after the outage");
}

#[tokio::test]
#[cfg_attr(windows, ignore = "needs a MySQL server, which the tests start on Unix only")]
async fn a_connection_that_the_server_closed_is_replaced_before_a_query() {
    let database = testing::mysql().await;
    let accounts = open(&database).await;
    accounts.register(name("alice"), password("correct horse"), NOW).await.unwrap();
    close_connections(&database).await;
    accounts.authenticate(name("alice"), password("correct horse")).await.expect("the pool replaces the connection");
}

/// Closes all connections to the database at the server, and waits until they have ended. There must be one.
async fn close_connections(database: &TestDatabase) {
    // Otherwise the driver connects a second time, through the socket.
    let opts = OptsBuilder::from_opts(Opts::from_url(database.url_text()).unwrap()).prefer_socket(false);
    let mut connection = Conn::new(opts).await.unwrap();
    let others = "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()";
    for round in 0.. {
        let ids: Vec<u64> = connection.query(others).await.unwrap();
        if ids.is_empty() {
            assert!(round > 0, "the pool has a connection");
            return;
        }
        for id in ids {
            // The connection may have ended by now.
            drop(connection.query_drop(format!("KILL {id}")).await);
        }
    }
}
