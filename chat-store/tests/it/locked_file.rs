//! An SQLite file that another program has locked.

use chat_core::accounts::{AccountError, Accounts, Operator};
use chat_store::testing;
use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};

use crate::{NOW, is_unavailable, name, open, password};

#[tokio::test]
async fn a_locked_sqlite_file_is_reported_as_unavailable() {
    let database = testing::sqlite();
    let accounts = open(&database).await;
    let url = database.url();
    let mut other = SqliteConnection::establish(url.sqlite_path().unwrap().to_str().unwrap()).unwrap();
    other.batch_execute("BEGIN IMMEDIATE;").unwrap();
    accounts.list(None, 9).await.expect("readers do not wait for a writer");
    let result = accounts.register(name("alice"), password("correct horse"), NOW).await;
    assert!(is_unavailable(&result), "{result:?}");
    other.batch_execute("COMMIT;").unwrap();
    accounts.register(name("alice"), password("correct horse"), NOW).await.expect("calls succeed after the outage");
    let taken = accounts.register(name("alice"), password("correct horse"), NOW).await;
    assert!(matches!(taken, Err(AccountError::NameTaken)), "{taken:?}");
}
