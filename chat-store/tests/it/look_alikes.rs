//! Names that look alike: refused for new accounts, and kept if they are older than the rule.

use chat_core::accounts::{AccountError, Accounts, NewStatus, Operator};
use chat_store::testing::{self, TestDatabase};
use chat_store::{LookAlike, LookAlikes, SqlAccounts, transfer};

use crate::{NOW, both, name, open, password};

/// The schema before the columns of skeletons.
const BEFORE: &str = "20261123000001";

/// Registers accounts in a database with the schema before the columns of skeletons. The password of each is
/// `password of NAME`.
async fn register_before(database: &TestDatabase, names: &[&str]) {
    let accounts = open(database).await;
    // Names that do not look alike, because the program no longer registers the others.
    for (number, user) in names.iter().enumerate() {
        let plain = format!("password of {user}");
        accounts.register(name(&format!("different-{number}-")), password(&plain), NOW).await.unwrap();
    }
    drop(accounts);
    database.revert_above(BEFORE).await;
    for (number, user) in names.iter().enumerate() {
        let canonical = name(user).canonical().to_owned();
        let set = format!("name = '{user}', canonical = '{canonical}'");
        database.execute(&format!("UPDATE accounts SET {set} WHERE name = 'different-{number}-';")).await;
    }
}

async fn assert_all_log_in(accounts: &SqlAccounts, names: &[&str]) {
    for user in names {
        let account = accounts.authenticate(name(user), password(&format!("password of {user}"))).await;
        assert_eq!(account.unwrap_or_else(|error| panic!("{user}: {error:?}")).name.as_str(), *user);
    }
}

async fn assert_taken(accounts: &SqlAccounts, names: &[&str]) {
    for user in names {
        let taken = accounts.register(name(user), password("correct horse"), NOW).await;
        assert!(matches!(taken, Err(AccountError::NameTaken)), "{user}: {taken:?}");
    }
}

/// The pairs, as the names of the newer and the older account.
fn pairs(found: &LookAlikes) -> Vec<(&str, &str)> {
    found.shown.iter().map(|LookAlike { name, like }| (name.as_str(), like.as_str())).collect()
}

#[tokio::test]
async fn accounts_that_look_alike_already_are_kept_and_listed_and_log_in() {
    let names = ["cope", "соре", "Mark", "rnark", "alice", "al1ce", "Elia", "Ella"];
    for database in both().await {
        register_before(&database, &names).await;
        // The second time, no migration is pending.
        for _ in 0..2 {
            let accounts = open(&database).await;
            assert_all_log_in(&accounts, &names).await;
            assert_taken(&accounts, &names).await;
            assert_taken(&accounts, &["c0pe", "СОРЕ", "MARK", "AIice"]).await;
            let found = accounts.look_alikes(10).await.unwrap();
            assert_eq!(pairs(&found), [("соре", "cope"), ("rnark", "Mark"), ("al1ce", "alice")], "{database:?}");
            assert_eq!(found.more, 0);
            let found = accounts.look_alikes(1).await.unwrap();
            assert_eq!((pairs(&found), found.more), (vec![("соре", "cope")], 2));
        }
    }
}

#[tokio::test]
async fn a_removed_account_keeps_its_looks_until_its_name_is_freed() {
    for database in both().await {
        register_before(&database, &["cope", "соре"]).await;
        let accounts = open(&database).await;
        accounts.set_status(name("cope"), NewStatus::Removed, NOW).await.unwrap();
        assert_taken(&accounts, &["cope", "соре", "c0pe"]).await;
        assert_eq!(accounts.look_alikes(10).await.unwrap(), LookAlikes::default(), "a removed account does not log in");
        accounts.set_status(name("cope"), NewStatus::RemovedAndFreed, NOW).await.unwrap();
        assert_taken(&accounts, &["соре"]).await;
        accounts.register(name("cope"), password("correct horse"), NOW).await.unwrap();
        assert_all_log_in(&open(&database).await, &["соре"]).await;
    }
}

#[tokio::test]
async fn a_transfer_keeps_accounts_that_look_alike() {
    let names = ["cope", "соре", "alice"];
    for from in both().await {
        register_before(&from, &names).await;
        let before = open(&from).await.list(None, 10).await.unwrap();
        for to in both().await {
            assert_eq!(transfer(&from.url(), &to.url()).await.unwrap(), 3, "{from:?} to {to:?}");
            let accounts = open(&to).await;
            assert_eq!(accounts.list(None, 10).await.unwrap(), before);
            assert_all_log_in(&accounts, &names).await;
            assert_taken(&accounts, &["c0pe", "al1ce"]).await;
            assert_eq!(pairs(&accounts.look_alikes(10).await.unwrap()), [("соре", "cope")]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_registrations_of_names_that_look_alike_succeed_once() {
    for database in both().await {
        let mut tasks = Vec::new();
        for number in 0..8_usize {
            let accounts = open(&database).await;
            let typed = name(["pope", "роре", "p0pe", "РОРЕ"][number % 4]);
            tasks.push(tokio::spawn(async move { accounts.register(typed, password("correct horse"), NOW).await }));
        }
        let mut won = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(_) => won += 1,
                Err(AccountError::NameTaken) => {}
                Err(error) => panic!("{database:?}: {error:?}"),
            }
        }
        assert_eq!(won, 1, "{database:?}");
    }
}

/// In MySQL, insertions that wait for one that is rolled back can wait for each other.
#[tokio::test(flavor = "multi_thread")]
async fn concurrent_registrations_of_one_name_that_looks_like_a_taken_one_all_fail_as_taken() {
    for database in both().await {
        open(&database).await.register(name("pope"), password("correct horse"), NOW).await.unwrap();
        let mut servers = Vec::new();
        for _ in 0..8 {
            servers.push(open(&database).await);
        }
        for _ in 0..20 {
            let mut tasks = Vec::new();
            for accounts in servers.clone() {
                let register = async move { accounts.register(name("роре"), password("correct horse"), NOW).await };
                tasks.push(tokio::spawn(register));
            }
            for task in tasks {
                let taken = task.await.unwrap();
                assert!(matches!(taken, Err(AccountError::NameTaken)), "{database:?}: {taken:?}");
            }
        }
    }
}

#[tokio::test]
async fn more_accounts_than_a_page_get_their_skeletons() {
    for database in both().await {
        open(&database).await;
        database.revert_above(BEFORE).await;
        insert(&database, (0..1_200).map(|number| format!("u{number}")).chain(["ul".to_owned()])).await;
        let accounts = open(&database).await;
        assert_taken(&accounts, &["u2o", "ull99", "u1199"]).await;
        assert_eq!(pairs(&accounts.look_alikes(10).await.unwrap()), [("ul", "u1")], "{database:?}");
    }
}

/// MySQL commits each change of a schema by itself, so an interruption leaves columns that are not recorded.
#[tokio::test]
#[cfg_attr(windows, ignore = "needs a MySQL server, which the tests start on Unix only")]
async fn an_interrupted_migration_continues() {
    let database = testing::mysql().await;
    open(&database).await;
    insert(&database, ["cope", "coco", "соре"].map(str::to_owned)).await;
    database.execute("UPDATE accounts SET canonical_skeleton = 'cope', shown_skeleton = 'cope' WHERE id = 1;").await;
    database.execute("DELETE FROM __diesel_schema_migrations WHERE version = '20261126000001';").await;
    let accounts = open(&database).await;
    assert_taken(&accounts, &["сосо"]).await;
    assert_eq!(pairs(&accounts.look_alikes(10).await.unwrap()), [("соре", "cope")]);
}

/// Inserts accounts that have no skeletons.
async fn insert(database: &TestDatabase, names: impl IntoIterator<Item = String>) {
    let rows: Vec<String> = names.into_iter().map(|name| format!("('{name}','{name}','$argon2id$x',1,0,0)")).collect();
    let columns = "name, canonical, password_hash, generation, status, created_at";
    database.execute(&format!("INSERT INTO accounts ({columns}) VALUES {};", rows.join(","))).await;
}
