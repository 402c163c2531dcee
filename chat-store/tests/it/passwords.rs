//! Password hashes: their cost, and the limit of the queue.

use std::num::NonZeroUsize;

use chat_core::accounts::{AccountError, Accounts, NewStatus, Operator};
use chat_store::SqlAccounts;

use crate::{NOW, both, cheap, error_chain, is_unavailable, name, open, password};

#[tokio::test]
async fn a_login_replaces_a_hash_that_costs_less_than_new_ones() {
    for database in both().await {
        let account = open(&database).await.register(name("alice"), password("correct horse"), NOW).await.unwrap();
        let raised = SqlAccounts::open(&database.url(), cheap(16)).await.unwrap();
        for (plain, hashes) in [("incorrect horse", 1), ("correct horse", 2), ("correct horse", 1)] {
            let before = raised.hashes().computed();
            let result = raised.authenticate(name("alice"), password(plain)).await;
            assert_eq!(raised.hashes().computed() - before, hashes, "{plain}, {database:?}");
            if plain == "correct horse" {
                assert_eq!(result.unwrap(), account, "only the hash changes");
            }
        }
        // A server with the old cost accepts the new hash and keeps it.
        let old = open(&database).await;
        old.authenticate(name("alice"), password("correct horse")).await.unwrap();
        assert_eq!(old.hashes().computed(), 1);
    }
}

#[tokio::test]
async fn every_rejected_login_costs_one_hash() {
    for database in both().await {
        let accounts = open(&database).await;
        for (typed, status) in
            [("alice", NewStatus::Active), ("bob", NewStatus::Disabled), ("carol", NewStatus::Removed)]
        {
            accounts.register(name(typed), password("correct horse"), NOW).await.unwrap();
            accounts.set_status(name(typed), status, NOW).await.unwrap();
        }
        for (typed, plain) in [
            ("alice", "incorrect horse"),
            ("bob", "incorrect horse"),
            ("bob", "correct horse"),
            ("carol", "incorrect horse"),
            ("carol", "correct horse"),
            ("nobody", "correct horse"),
        ] {
            let before = accounts.hashes().computed();
            accounts.authenticate(name(typed), password(plain)).await.unwrap_err();
            assert_eq!(accounts.hashes().computed() - before, 1, "{typed} with {plain}, {database:?}");
        }
    }
}

#[tokio::test]
async fn registration_beyond_the_limit_is_refused_without_a_hash() {
    for database in both().await {
        let mut options = cheap(8);
        options.max_accounts = 2;
        let accounts = SqlAccounts::open(&database.url(), options).await.unwrap();
        for user in ["alice", "bob"] {
            accounts.register(name(user), password("correct horse"), NOW).await.unwrap();
        }
        accounts.set_status(name("bob"), NewStatus::Removed, NOW).await.unwrap();
        let before = accounts.hashes().computed();
        let refused = accounts.register(name("carol"), password("correct horse"), NOW).await;
        assert!(matches!(refused, Err(AccountError::Full)), "a removed name stays reserved: {refused:?}");
        assert_eq!(accounts.hashes().computed(), before);
        accounts.authenticate(name("alice"), password("correct horse")).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_beyond_the_queue_are_busy() {
    let database = &both().await[0];
    let mut options = cheap(19 * 1024);
    (options.hashing.threads, options.hashing.queue) = (NonZeroUsize::MIN, NonZeroUsize::MIN);
    let accounts = SqlAccounts::open(&database.url(), options).await.unwrap();
    accounts.register(name("alice"), password("correct horse"), NOW).await.unwrap();
    let logins: Vec<_> = (0..20)
        .map(|_| {
            let accounts = accounts.clone();
            tokio::spawn(async move { accounts.authenticate(name("alice"), password("correct horse")).await })
        })
        .collect();
    let (mut accepted, mut busy) = (0, 0);
    for login in logins {
        match login.await.unwrap() {
            Ok(_) => accepted += 1,
            Err(AccountError::Busy(retry_after)) => {
                assert!(retry_after.as_secs() >= 1, "{retry_after:?}");
                busy += 1;
            }
            Err(error) => panic!("{error:?}"),
        }
    }
    assert!(accepted >= 1 && busy >= 1, "{accepted} accepted, {busy} busy");
    accounts
        .authenticate(name("alice"), password("correct horse"))
        .await
        .expect("logins succeed when the queue has drained");
}

#[tokio::test]
async fn errors_about_damaged_rows_name_the_account_and_omit_the_hash() {
    for database in both().await {
        let accounts = open(&database).await;
        accounts.register(name("alice"), password("correct horse"), NOW).await.unwrap();
        // The server looks up accounts that have changed.
        let id = accounts.set_password(name("alice"), password("correct horse"), NOW).await.unwrap().id;
        // The faults add up. An invalid name conceals no other fault.
        for (damage, sentence) in [
            ("name = 'two words'", "contains a space"),
            ("password_hash = 'plain text'", "not an argon2id hash"),
            ("status = 9", "its status is 9"),
        ] {
            database.execute(&format!("UPDATE accounts SET {damage} WHERE id = {id};")).await;
            let mut results = vec![accounts.authenticate(name("alice"), password("correct horse")).await.map(drop)];
            if damage.starts_with("status") {
                results = vec![
                    accounts.look_up(vec![id]).await.map(drop),
                    accounts.changed_since(NOW).await.map(drop),
                    accounts.list(None, 9).await.map(drop),
                ];
            }
            for result in results {
                assert!(is_unavailable(&result), "{damage}: {result:?}");
                let line = error_chain(&result.unwrap_err());
                assert!(line.contains(sentence) && line.contains(&format!("account {id}")), "{damage}: {line}");
                assert!(!line.contains("plain text"), "{line}");
            }
        }
    }
}

#[tokio::test]
async fn an_account_with_an_invalid_name_is_listed_and_left_out_of_other_queries() {
    for database in both().await {
        let accounts = open(&database).await;
        let mut ids = Vec::new();
        for user in ["alice", "bob"] {
            ids.push(accounts.register(name(user), password("correct horse"), NOW).await.unwrap().id);
            accounts.set_password(name(user), password("correct horse"), NOW).await.unwrap();
        }
        database.execute(&format!("UPDATE accounts SET name = 'two words' WHERE id = {};", ids[0])).await;
        for found in [accounts.look_up(ids.clone()).await.unwrap(), accounts.changed_since(NOW).await.unwrap()] {
            let found: Vec<_> = found.iter().map(|account| account.id).collect();
            assert_eq!(found, ids[1..], "{database:?}");
        }
        let listed = accounts.list(None, 9).await.unwrap();
        assert_eq!(listed.iter().map(|account| account.id).collect::<Vec<_>>(), ids, "{database:?}");
        let invalid = listed[0].name.as_ref().unwrap_err();
        assert_eq!(invalid.stored, "two words");
        assert!(invalid.reason.to_string().contains("contains a space"), "{invalid:?}");
        assert_eq!(listed[1].name, Ok(name("bob")));
    }
}
