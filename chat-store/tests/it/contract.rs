//! The contract that every implementation of the accounts keeps.

use chat_core::accounts::contract::accounts_contract;
use chat_core::accounts::{AccountError, Accounts, NewStatus, Operator};
use chat_store::testing;

use crate::{NOW, both, cheap, name, open, password};

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_keeps_the_contract() {
    accounts_contract(&open(&testing::sqlite()).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mysql_keeps_the_contract() {
    accounts_contract(&open(&testing::mysql().await).await).await;
}

#[tokio::test]
async fn accounts_outlive_the_program() {
    for database in both().await {
        let before = open(&database).await.register(name("alice"), password("correct horse"), NOW).await.unwrap();
        let after = open(&database).await.authenticate(name("alice"), password("correct horse")).await.unwrap();
        assert_eq!(after, before, "{database:?}");
    }
}

/// As when an operator works beside the server, and several servers beside each other.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_processes_that_register_one_name_exactly_one_wins() {
    for database in both().await {
        let mut tasks = Vec::new();
        for number in 0..8 {
            let accounts = open(&database).await;
            let plain = format!("password of {number}");
            tasks.push(tokio::spawn(async move { accounts.register(name("race"), password(&plain), NOW).await }));
        }
        let mut won = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(account) => won += account.generation,
                Err(AccountError::NameTaken) => {}
                Err(error) => panic!("{database:?}: {error:?}"),
            }
        }
        assert_eq!(won, 1, "{database:?}");
    }
}

/// Each raises the generation by one whoever raised it before, and none is lost.
#[tokio::test(flavor = "multi_thread")]
async fn changes_from_two_processes_are_all_counted() {
    for database in both().await {
        let (server, operator) = (open(&database).await, open(&database).await);
        let id = server.register(name("alice"), password("correct horse"), NOW).await.unwrap().id;
        let (mut plain, mut raised) = ("correct horse".to_owned(), 0);
        for number in 0..10 {
            let new = format!("password {number}");
            let statuses = [NewStatus::Disabled, NewStatus::Active];
            let (changed, first, second) = tokio::join!(
                server.change_password(id, password(&plain), password(&new), NOW),
                operator.set_status(name("alice"), statuses[0], NOW),
                operator.set_status(name("bob"), statuses[1], NOW),
            );
            assert!(matches!(second, Err(AccountError::NoSuchAccount)), "{second:?}");
            first.unwrap();
            raised += 2;
            match changed {
                Ok(_) => {
                    plain = new;
                    raised += 1;
                }
                Err(AccountError::Disabled) => {}
                Err(error) => panic!("{database:?}: {error:?}"),
            }
            operator.set_status(name("alice"), statuses[1], NOW).await.unwrap();
        }
        let account = server.authenticate(name("alice"), password(&plain)).await.unwrap();
        assert_eq!(account.generation, 1 + raised, "{database:?}");
    }
}

/// On one thread, where a query cannot be waited for when it is dropped.
#[tokio::test]
async fn a_call_that_is_dropped_does_no_harm() {
    for database in both().await {
        let accounts = open(&database).await;
        for round in 0..40_u64 {
            let call = accounts.register(name(&format!("user{round}")), password("correct horse"), NOW);
            // Now before, now in the middle, now after its end.
            drop(tokio::time::timeout(std::time::Duration::from_micros(round * 100), call).await);
            accounts.changed_since(NOW).await.unwrap();
        }
        let accounts = open(&database).await.list(None, 100).await.unwrap();
        assert!(accounts.len() <= 40, "{database:?}: {accounts:?}");
    }
}

#[tokio::test]
async fn nothing_prints_a_password() {
    for database in both().await {
        let accounts = chat_store::SqlAccounts::open(&database.url(), cheap(8)).await.unwrap();
        let taken = [
            accounts.register(name("alice"), password("correct horse"), NOW).await,
            accounts.register(name("alice"), password("correct horse"), NOW).await,
            accounts.authenticate(name("alice"), password("correct horse")).await,
            accounts.authenticate(name("alice"), password("correct horses")).await,
        ];
        let printed =
            format!("{accounts:?} {:?} {:?} {:?} {taken:?}", accounts.hashes(), accounts.url(), database.url());
        assert!(printed.contains("alice"), "{printed}");
        for secret in ["correct", "throw-away", "argon2id$"] {
            assert!(!printed.contains(secret), "{secret} in {printed}");
        }
    }
}
