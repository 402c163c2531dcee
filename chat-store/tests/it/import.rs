//! Importing many accounts: all of them or none.

use chat_core::accounts::{Accounts, NewStatus, Operator};
use chat_store::{ImportError, NewAccount, SqlAccounts};

use crate::{NOW, both, cheap, name, open, password};

async fn account(accounts: &SqlAccounts, typed: &str, plain: &str) -> NewAccount {
    NewAccount::new(name(typed), accounts.hashes().hash(password(plain)).await.unwrap())
}

#[tokio::test]
async fn imported_accounts_log_in_with_their_passwords() {
    for database in both().await {
        let accounts = open(&database).await;
        let new =
            [account(&accounts, "小明", "correct horse").await, account(&accounts, "bob", "battery staple").await];
        accounts.import(&new, NOW).await.unwrap();
        let ming = accounts.authenticate(name("小明"), password("correct horse")).await.unwrap();
        assert_eq!((ming.created, ming.last_seen), (NOW, None));
        assert!(accounts.authenticate(name("bob"), password("battery staple")).await.is_ok());
        accounts.import(&[], NOW).await.unwrap();
        assert_eq!(accounts.list(None, 10).await.unwrap().len(), 2);
    }
}

#[tokio::test]
async fn one_taken_name_prevents_the_whole_import() {
    for database in both().await {
        let accounts = open(&database).await;
        accounts.register(name("cope"), password("correct horse"), NOW).await.unwrap();
        accounts.register(name("gone"), password("correct horse"), NOW).await.unwrap();
        accounts.set_status(name("gone"), NewStatus::Removed, NOW).await.unwrap();
        let mut new = Vec::new();
        for typed in ["alice", "соре", "bob", "Gone", "ALICE"] {
            new.push(account(&accounts, typed, "correct horse").await);
        }
        let taken = accounts.taken(&new.iter().map(|account| account.name.clone()).collect::<Vec<_>>()).await.unwrap();
        assert_eq!(taken, [name("соре"), name("Gone")], "a removed account keeps its name");
        match accounts.import(&new, NOW).await {
            Err(ImportError::Taken(places)) => assert_eq!(places, [1, 3, 4], "the last one is taken by the first"),
            other => panic!("{other:?}"),
        }
        assert_eq!(accounts.list(None, 10).await.unwrap().len(), 2, "nothing is imported");
        accounts.register(name("alice"), password("correct horse"), NOW).await.unwrap();
    }
}

#[tokio::test]
async fn many_accounts_are_imported_up_to_the_limit() {
    for database in both().await {
        let mut options = cheap(8);
        options.max_accounts = 1_200;
        let accounts = SqlAccounts::open(&database.url(), options).await.unwrap();
        let hash = accounts.hashes().hash(password("correct horse")).await.unwrap();
        let new = |count: usize| -> Vec<NewAccount> {
            (0..count).map(|number| NewAccount::new(name(&format!("user{number}")), hash.clone())).collect()
        };
        match accounts.import(&new(1_201), NOW).await {
            Err(ImportError::Full { count, max }) => assert_eq!((count, max), (1_201, 1_200)),
            other => panic!("{other:?}"),
        }
        accounts.import(&new(1_200), NOW).await.unwrap();
        let names: Vec<_> = new(1_200).into_iter().map(|account| account.name).collect();
        assert_eq!(accounts.taken(&names).await.unwrap(), names);
        assert!(accounts.authenticate(name("user1199"), password("correct horse")).await.is_ok());
    }
}
