//! Moving all accounts from one database into another.

use chat_core::accounts::{Accounts, NewStatus, Operator};
use chat_core::time::Timestamp;
use chat_store::testing::{self, TestDatabase};
use chat_store::{SqlAccounts, TransferError, transfer};

use crate::{NOW, both, name, open, password};

/// Accounts in every state, more than one page of them, with what only some have.
async fn people(accounts: &SqlAccounts) {
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
}

async fn crowd(database: &TestDatabase) {
    let rows: Vec<String> = (0..1_200).map(|n| format!("('u{n}','u{n}','$argon2id$x',1,0,{n})")).collect();
    let columns = "name, canonical, password_hash, generation, status, created_at";
    database.execute(&format!("INSERT INTO accounts ({columns}) VALUES {};", rows.join(","))).await;
}

#[tokio::test]
async fn everything_arrives_from_either_kind_in_either_kind() {
    for from in both().await {
        let source = open(&from).await;
        people(&source).await;
        crowd(&from).await;
        let before = source.list(None, 10_000).await.unwrap();
        for to in both().await {
            let target = open(&to).await;
            assert_eq!(transfer(&source, &target).await.unwrap(), 1_205, "{from:?} to {to:?}");
            assert_eq!(target.list(None, 10_000).await.unwrap(), before);
            assert_eq!(target.changed_since(NOW).await.unwrap(), source.changed_since(NOW).await.unwrap());
            target.authenticate(name("小明"), password("another horse")).await.unwrap();
            assert!(target.authenticate(name("bob"), password("correct horse")).await.is_err(), "still disabled");
            assert!(target.register(name("carol"), password("correct horse"), NOW).await.is_err(), "still reserved");
            let dave = target.register(name("dave"), password("correct horse"), NOW).await.unwrap();
            let highest = before.last().unwrap().id;
            assert!(dave.id > highest, "an id is never used again");
        }
        assert_eq!(source.list(None, 10_000).await.unwrap(), before, "the source is as it was");
    }
}

#[tokio::test]
async fn a_database_with_accounts_is_refused_and_left_alone() {
    let from = testing::sqlite();
    let source = open(&from).await;
    people(&source).await;
    for to in both().await {
        let target = open(&to).await;
        target.register(name("eve"), password("correct horse"), NOW).await.unwrap();
        let error = transfer(&source, &target).await.unwrap_err();
        assert!(matches!(error, TransferError::NotEmpty { count: 1, .. }), "{error:?}");
        assert_eq!(target.list(None, 10).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn what_cannot_be_written_leaves_the_target_empty() {
    let from = testing::sqlite();
    let source = open(&from).await;
    crowd(&from).await;
    // The last account of all is one that MySQL has no room for.
    let long = "x".repeat(300);
    from.execute(&format!(
        "INSERT INTO accounts (name, canonical, password_hash, generation, status, created_at) \
         VALUES ('z', 'z', '{long}', 1, 0, 0);"
    ))
    .await;
    let to = testing::mysql().await;
    let target = open(&to).await;
    let error = transfer(&source, &target).await.unwrap_err();
    assert!(matches!(error, TransferError::Write { .. }), "{error:?}");
    assert_eq!(target.list(None, 10).await.unwrap().len(), 0, "all or nothing");
    assert_eq!(source.look_up(vec![chat_core::id::AccountId::new(1)]).await.unwrap().len(), 1);
}
