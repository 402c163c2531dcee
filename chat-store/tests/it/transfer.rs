//! Transferring all accounts into another database.

use std::fs;
use std::path::Path;

use chat_core::accounts::{Accounts, NewStatus, Operator};
use chat_core::time::Timestamp;
use chat_store::testing::{self, TestDatabase};
use chat_store::{SqlAccounts, StoreUrl, TransferError, transfer};

use crate::{NOW, both, cheap, name, open, password};

/// Registers accounts of every status.
async fn register_all_kinds(accounts: &SqlAccounts) {
    for user in ["alice", "小明", "Bob", "carol", "dave"] {
        accounts.register(name(user), password("correct horse"), NOW).await.unwrap();
    }
    let later = Timestamp::from_millis(NOW.as_millis() + 5_000);
    accounts.set_password(name("小明"), password("another horse"), later).await.unwrap();
    accounts.set_status(name("bob"), NewStatus::Disabled, later).await.unwrap();
    accounts.set_status(name("carol"), NewStatus::Removed, later).await.unwrap();
    accounts.set_status(name("dave"), NewStatus::RemovedAndFreed, later).await.unwrap();
    let alice = accounts.authenticate(name("alice"), password("correct horse")).await.unwrap();
    accounts.mark_seen(vec![alice.id], later).await.unwrap();
    accounts.void_tickets(vec![alice.id], NOW).await.unwrap();
}

/// Inserts more accounts than one page holds.
async fn insert_crowd(database: &TestDatabase) {
    let rows: Vec<String> = (0..1_200).map(|n| format!("('u{n}','u{n}','$argon2id$x',1,0,{n})")).collect();
    let columns = "name, canonical, password_hash, generation, status, created_at";
    database.execute(&format!("INSERT INTO accounts ({columns}) VALUES {};", rows.join(","))).await;
}

/// Inserts an account whose hash is longer than the column in MySQL.
async fn insert_oversized(database: &TestDatabase) {
    let long = "x".repeat(300);
    database
        .execute(&format!(
            "INSERT INTO accounts (name, canonical, password_hash, generation, status, created_at) \
             VALUES ('z', 'z', '{long}', 1, 0, 0);"
        ))
        .await;
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn all_columns_arrive_in_a_database_of_either_kind() {
    for from in both().await {
        let source = open(&from).await;
        register_all_kinds(&source).await;
        insert_crowd(&from).await;
        let before = source.list(None, 10_000).await.unwrap();
        for to in both().await {
            assert_eq!(transfer(&from.url(), &to.url()).await.unwrap(), 1_205, "{from:?} to {to:?}");
            let target = open(&to).await;
            assert_eq!(target.list(None, 10_000).await.unwrap(), before);
            assert_eq!(target.changed_since(NOW).await.unwrap(), source.changed_since(NOW).await.unwrap());
            target.authenticate(name("小明"), password("another horse")).await.unwrap();
            assert!(target.authenticate(name("bob"), password("correct horse")).await.is_err(), "still disabled");
            assert!(target.register(name("carol"), password("correct horse"), NOW).await.is_err(), "still reserved");
            let dave = target.register(name("dave"), password("correct horse"), NOW).await.unwrap();
            let highest = before.last().unwrap().id;
            assert!(dave.id > highest, "ids are never reused");
        }
        assert_eq!(source.list(None, 10_000).await.unwrap(), before, "the source is unchanged");
    }
}

#[tokio::test]
async fn a_target_with_accounts_is_refused_and_unchanged() {
    let from = testing::sqlite();
    register_all_kinds(&open(&from).await).await;
    for to in both().await {
        let target = open(&to).await;
        target.register(name("eve"), password("correct horse"), NOW).await.unwrap();
        let error = transfer(&from.url(), &to.url()).await.unwrap_err();
        assert!(matches!(error, TransferError::NotEmpty { count: 1, .. }), "{error:?}");
        assert_eq!(target.list(None, 10).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn one_database_is_not_both_source_and_target() {
    let database = testing::sqlite();
    open(&database).await;
    let url = database.url();
    let path = url.sqlite_path().unwrap();
    // On Windows, only administrators create symbolic links.
    #[cfg(unix)]
    let targets = {
        let link = path.with_file_name("link");
        std::os::unix::fs::symlink(path, &link).unwrap();
        [url.clone(), StoreUrl::sqlite(link)]
    };
    #[cfg(not(unix))]
    let targets = [StoreUrl::sqlite(path.to_owned())];
    for to in targets {
        let error = transfer(&url, &to).await.unwrap_err();
        assert!(matches!(error, TransferError::SameDatabase(_)), "{error:?}");
    }
}

#[tokio::test]
async fn a_source_in_use_leaves_no_target_behind() {
    for from in both().await {
        let server = open(&from).await;
        server.register(name("alice"), password("correct horse"), NOW).await.unwrap();
        let claim = server.claim().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let to = StoreUrl::sqlite(folder.path().join("target.sqlite"));
        let error = transfer(&from.url(), &to).await.unwrap_err();
        assert!(matches!(&error, TransferError::InUse(url) if url.to_string() == from.url().to_string()), "{error:?}");
        assert!(names_in(folder.path()).is_empty(), "{:?}", names_in(folder.path()));
        drop(claim);
    }
}

#[tokio::test]
async fn a_target_in_use_is_refused_and_unchanged() {
    let from = testing::sqlite();
    register_all_kinds(&open(&from).await).await;
    for to in both().await {
        let server = open(&to).await;
        let _claim = server.claim().await.unwrap();
        let error = transfer(&from.url(), &to.url()).await.unwrap_err();
        assert!(matches!(&error, TransferError::InUse(url) if url.to_string() == to.url().to_string()), "{error:?}");
        assert!(server.list(None, 10).await.unwrap().is_empty());
    }
}

#[tokio::test]
#[cfg_attr(windows, ignore = "needs a MySQL server, which the tests start on Unix only")]
async fn a_failed_write_leaves_the_target_empty() {
    let from = testing::sqlite();
    let source = open(&from).await;
    insert_crowd(&from).await;
    insert_oversized(&from).await;
    let to = testing::mysql().await;
    let target = open(&to).await;
    let error = transfer(&from.url(), &to.url()).await.unwrap_err();
    assert!(matches!(error, TransferError::Write { .. }), "{error:?}");
    assert_eq!(target.list(None, 10).await.unwrap().len(), 0, "all accounts are copied or none");
    assert_eq!(source.look_up(vec![chat_core::id::AccountId::new(1)]).await.unwrap().len(), 1);
}

#[tokio::test]
#[cfg_attr(windows, ignore = "needs a MySQL server, which the tests start on Unix only")]
async fn a_failed_write_removes_the_tables_that_it_created() {
    let from = testing::sqlite();
    open(&from).await;
    insert_oversized(&from).await;
    let to = testing::mysql().await;
    let error = transfer(&from.url(), &to.url()).await.unwrap_err();
    assert!(matches!(error, TransferError::Write { .. }), "{error:?}");
    // Fails if either table exists.
    to.execute("CREATE TABLE accounts (id INT); CREATE TABLE __diesel_schema_migrations (version INT);").await;
}

#[tokio::test]
async fn an_unreadable_source_leaves_no_target_behind() {
    let from = testing::sqlite();
    open(&from).await;
    from.execute("ALTER TABLE accounts RENAME TO away;").await;
    let folder = tempfile::tempdir().unwrap();
    let to = StoreUrl::sqlite(folder.path().join("target.sqlite"));
    let error = transfer(&from.url(), &to).await.unwrap_err();
    assert!(matches!(error, TransferError::Read { .. }), "{error:?}");
    assert!(names_in(folder.path()).is_empty(), "{:?}", names_in(folder.path()));
}

#[tokio::test]
#[cfg_attr(windows, ignore = "needs a MySQL server, which the tests start on Unix only")]
async fn a_new_file_is_removed_when_nothing_was_copied() {
    let from = testing::mysql().await;
    open(&from).await;
    // Without its unique index, the source holds one name twice, which the target refuses.
    from.execute("ALTER TABLE accounts DROP INDEX canonical;").await;
    let row = "('twin', 'twin', 'x', 1, 0, 0)";
    from.execute(&format!(
        "INSERT INTO accounts (name, canonical, password_hash, generation, status, created_at) VALUES {row}, {row};"
    ))
    .await;
    let folder = tempfile::tempdir().unwrap();
    let to = StoreUrl::sqlite(folder.path().join("target.sqlite"));
    let error = transfer(&from.url(), &to).await.unwrap_err();
    assert!(matches!(error, TransferError::Write { .. }), "{error:?}");
    assert!(names_in(folder.path()).is_empty(), "{:?}", names_in(folder.path()));
    assert!(SqlAccounts::open(&to, cheap(8)).await.unwrap().list(None, 1).await.unwrap().is_empty());
}
