//! The database goes away and comes back.

use std::time::{Duration, Instant};

use chat_core::accounts::{AccountError, Accounts, Operator};
use chat_store::testing::{self, MySqlServer};

use crate::{NOW, is_unavailable, name, open, password};

#[tokio::test(flavor = "multi_thread")]
async fn while_mysql_is_away_it_is_unavailable_and_then_it_heals() {
    let mut server = MySqlServer::start();
    let database = server.database().await;
    let accounts = open(&database).await;
    let account = accounts.register(name("alice"), password("correct horse"), NOW).await.unwrap();
    // Several connections in the pool, so that each has to be found dead.
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
            assert!(is_unavailable(&result), "neither taken nor wrong, but unavailable: {result:?}");
        }
        assert!(begin.elapsed() < Duration::from_secs(12), "people wait behind this: {:?}", begin.elapsed());
        server.restart();
        let again = accounts.authenticate(name("alice"), password("correct horse")).await;
        assert_eq!(again.expect("the first call after it is back must work"), account);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_mysql_hangs_callers_are_not_held_for_ever() {
    let server = MySqlServer::start();
    let accounts = open(&server.database().await).await;
    accounts.register(name("alice"), password("correct horse"), NOW).await.unwrap();
    server.pause();
    let begin = Instant::now();
    let result = accounts.list(None, 9).await;
    assert!(is_unavailable(&result), "{result:?}");
    assert!(begin.elapsed() < Duration::from_secs(20), "people wait behind this: {:?}", begin.elapsed());
    server.resume();
    accounts.authenticate(name("alice"), password("correct horse")).await.expect("it must heal");
}

#[tokio::test]
async fn a_connection_that_the_server_closed_is_replaced_before_its_query() {
    let database = testing::mysql().await;
    let accounts = open(&database).await;
    accounts.register(name("alice"), password("correct horse"), NOW).await.unwrap();
    database
        .execute(
            "SELECT id INTO @other FROM information_schema.processlist \
             WHERE db = DATABASE() AND id <> CONNECTION_ID(); KILL @other;",
        )
        .await;
    accounts.authenticate(name("alice"), password("correct horse")).await.expect("nobody notices");
}

#[tokio::test]
async fn a_locked_sqlite_file_is_unavailable_and_not_taken() {
    use diesel::connection::SimpleConnection;
    use diesel::{Connection, SqliteConnection};

    let database = testing::sqlite();
    let accounts = open(&database).await;
    let url = database.url();
    let mut other = SqliteConnection::establish(url.sqlite_path().unwrap().to_str().unwrap()).unwrap();
    other.batch_execute("BEGIN IMMEDIATE;").unwrap();
    accounts.list(None, 9).await.expect("readers go on while somebody writes");
    let result = accounts.register(name("alice"), password("correct horse"), NOW).await;
    assert!(is_unavailable(&result), "{result:?}");
    other.batch_execute("COMMIT;").unwrap();
    accounts.register(name("alice"), password("correct horse"), NOW).await.expect("it must heal");
    let taken = accounts.register(name("alice"), password("correct horse"), NOW).await;
    assert!(matches!(taken, Err(AccountError::NameTaken)), "{taken:?}");
}
