//! The contracts of the ports `Accounts` and `Operator`, and what holds between programs that share a database.

use chat_core::accounts::contract::{accounts_contract, operator_contract};
use chat_core::accounts::{AccountError, Accounts, NewStatus, Operator};
use chat_store::testing;

use crate::{NOW, both, cheap, name, open, password};

#[cfg(feature = "sqlite")]
#[tokio::test(flavor = "multi_thread")]
async fn sqlite_keeps_the_contract() {
    accounts_contract(&open(&testing::sqlite()).await).await;
    operator_contract(&open(&testing::sqlite()).await).await;
}

#[cfg(feature = "mysql")]
#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(windows, ignore = "needs a MySQL server, which the tests start on Unix only")]
async fn mysql_keeps_the_contract() {
    accounts_contract(&open(&testing::mysql().await).await).await;
    operator_contract(&open(&testing::mysql().await).await).await;
}

#[tokio::test]
async fn accounts_survive_a_restart() {
    for database in both().await {
        let before = open(&database).await.register(name("alice"), password("correct horse"), NOW).await.unwrap();
        let after = open(&database).await.authenticate(name("alice"), password("correct horse")).await.unwrap();
        assert_eq!(after, before, "{database:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_registrations_of_one_name_succeed_once() {
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

/// Each change raises the generation by one.
#[tokio::test(flavor = "multi_thread")]
async fn concurrent_changes_of_one_account_all_take_effect() {
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

/// On a runtime with one thread, dropping a query cannot wait for the query's end.
#[tokio::test]
async fn a_dropped_call_leaves_the_accounts_usable() {
    for database in both().await {
        let accounts = open(&database).await;
        for round in 0..40_u64 {
            let call = accounts.register(name(&format!("user{round}")), password("correct horse"), NOW);
            // The rounds drop the call before it begins, while it runs, and after its end.
            drop(tokio::time::timeout(std::time::Duration::from_micros(round * 100), call).await);
            accounts.changed_since(NOW).await.unwrap();
        }
        let accounts = open(&database).await.list(None, 100).await.unwrap();
        assert!(accounts.len() <= 40, "{database:?}: {accounts:?}");
    }
}

#[tokio::test]
async fn debug_forms_and_errors_omit_passwords() {
    for database in both().await {
        let accounts = chat_store::SqlAccounts::open(&database.url(), cheap(8)).await.unwrap();
        let results = [
            accounts.register(name("alice"), password("correct horse"), NOW).await,
            accounts.register(name("alice"), password("correct horse"), NOW).await,
            accounts.authenticate(name("alice"), password("correct horse")).await,
            accounts.authenticate(name("alice"), password("correct horses")).await,
        ];
        let printed =
            format!("{accounts:?} {:?} {:?} {:?} {results:?}", accounts.hashes(), accounts.url(), database.url());
        assert!(printed.contains("alice"), "{printed}");
        for secret in ["correct", "throw-away", "argon2id$"] {
            assert!(!printed.contains(secret), "{secret} in {printed}");
        }
    }
}

/// Earlier versions stored the canonical names `νίκος` and `νίκοσ` as two users.
#[tokio::test]
async fn canonical_names_with_a_final_sigma_are_renewed_and_no_account_is_lost() {
    for database in both().await {
        let accounts = open(&database).await;
        for (user, stale) in [("first", "αρης"), ("second", "νίκος"), ("third", "νίκοσ")] {
            let plain = format!("password of {user}");
            accounts.register(name(user), password(&plain), NOW).await.unwrap();
            database
                .execute(&format!("UPDATE accounts SET name = '{stale}', canonical = '{stale}' WHERE name = '{user}'"))
                .await;
        }
        for _ in 0..2 {
            let accounts = open(&database).await;
            for (typed, user) in [("ΑΡΗΣ", "first"), ("Νίκος-2", "second"), ("ΝΊΚΟΣ", "third")] {
                let plain = password(&format!("password of {user}"));
                let account = accounts.authenticate(name(typed), plain).await;
                assert!(account.is_ok(), "{database:?}: {typed}: {account:?}");
            }
        }
    }
}
