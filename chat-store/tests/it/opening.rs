//! Opening a database: its schema, its file, and what can be wrong with it.

use std::fs;
use std::path::Path;

use chat_core::accounts::{Accounts, Operator};
use chat_store::testing::{self, MySqlServer, TestDatabase};
use chat_store::{BackupError, Claim, OpenError, SqlAccounts, StoreUrl, backup};

use crate::{NOW, both, cheap, error_chain, name, open, password};

/// Each on a thread and a runtime of its own, as processes would be.
fn open_at_once(database: &TestDatabase) -> Vec<Result<(), OpenError>> {
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let url = database.url();
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    SqlAccounts::open(&url, cheap(8)).await?.list(None, 1).await.unwrap();
                    Ok(())
                })
            })
        })
        .collect();
    threads.into_iter().map(|thread| thread.join().unwrap()).collect()
}

#[tokio::test]
async fn eight_servers_may_open_a_fresh_database_at_once() {
    for round in 0..5 {
        for database in both().await {
            for result in open_at_once(&database) {
                assert!(result.is_ok(), "round {round}, {database:?}: {result:?}");
            }
        }
    }
}

#[tokio::test]
async fn migrations_go_up_and_down_and_up_again() {
    for database in both().await {
        for _ in 0..2 {
            let accounts = open(&database).await;
            accounts.register(name("alice"), password("correct horse"), NOW).await.expect("the name is free again");
            database.revert().await;
        }
    }
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_refused_and_left_alone() {
    for database in both().await {
        open(&database).await;
        database.execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000000');").await;
        let error = SqlAccounts::open(&database.url(), cheap(8)).await.unwrap_err();
        assert!(matches!(&error, OpenError::NewerSchema { found } if found == "29990101000000"), "{error:?}");
        assert!(error.to_string().contains("newer than this program knows"), "{error}");
        database.execute("DELETE FROM __diesel_schema_migrations WHERE version = '29990101000000';").await;
        open(&database).await;
    }
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_the_file() {
    use std::os::unix::fs::PermissionsExt;

    let database = testing::sqlite();
    let url = database.url();
    let path = url.sqlite_path().unwrap();
    for widened in [0o600, 0o644] {
        let accounts = open(&database).await;
        accounts.register(name(&format!("mode{widened}")), password("correct horse"), NOW).await.unwrap();
        let files: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().map(|file| file.unwrap().path()).collect();
        assert!(files.len() >= 2, "the write-ahead log too: {files:?}");
        for file in files {
            let mode = fs::metadata(&file).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{}", file.display());
        }
        drop(accounts);
        fs::set_permissions(path, PermissionsExt::from_mode(widened)).unwrap();
    }
}

#[tokio::test]
async fn each_fault_of_a_file_has_its_own_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text");
    fs::write(&text, "This is no database, and it is long enough that nobody could take it for one. ".repeat(20))
        .unwrap();
    for (path, sentence) in [
        (folder.path().join("missing/chat.sqlite"), "cannot be made"),
        (text.join("chat.sqlite"), "cannot be made"),
        (text, "must be an SQLite database"),
        (folder.path().to_owned(), "must be an SQLite database"),
    ] {
        let error = SqlAccounts::open(&StoreUrl::sqlite(&path), cheap(8)).await.unwrap_err();
        assert!(error.to_string().contains(sentence), "{}: {error}", path.display());
        assert!(error.to_string().contains(&path.display().to_string()), "the sentence must name the file: {error}");
    }
}

#[tokio::test]
async fn each_fault_of_a_server_has_its_own_sentence() {
    let database = testing::mysql().await;
    database.execute("CREATE USER IF NOT EXISTS 'poor'@'%' IDENTIFIED BY 'hush-hush';").await;
    let url = database.url_text().to_owned();
    let (server, own) = url.rsplit_once('/').unwrap();
    let address = server.rsplit_once('@').unwrap().1;
    for (url, sentence) in [
        (format!("mysql://poor:wrong-one@{address}/{own}"), format!("{address} refuses the user 'poor'")),
        (format!("mysql://poor:hush-hush@{address}/{own}"), format!("'poor' may not use the database '{own}'")),
        (format!("{server}/nowhere"), format!("{address} has no database 'nowhere'")),
        ("mysql://poor:hush-hush@127.0.0.1:1/chat".to_owned(), "127.0.0.1:1 does not answer".to_owned()),
    ] {
        let error = SqlAccounts::open(&StoreUrl::parse(&url).unwrap(), cheap(8)).await.unwrap_err();
        assert!(error.to_string().contains(&sentence), "{sentence}: {error}");
        assert!(!format!("{error:?} {}", error_chain(&error)).contains("hush-hush"), "{error:?}");
    }
}

/// The user may not log in without TLS, so that a log-in proves it.
#[tokio::test]
async fn with_tls_only_a_trusted_server_hears_the_password() {
    let (server, other) = (MySqlServer::shared(), MySqlServer::start());
    let database = server.database().await;
    database.execute("CREATE USER IF NOT EXISTS 'careful'@'%' IDENTIFIED BY 'hush-hush' REQUIRE SSL;").await;
    database.execute("GRANT ALL ON *.* TO 'careful'@'%';").await;
    let url = format!("mysql://careful:hush-hush@{}", database.url_text().rsplit_once('@').unwrap().1);
    let open =
        async |options: &str| SqlAccounts::open(&StoreUrl::parse(&format!("{url}{options}")).unwrap(), cheap(8)).await;
    let ca = |server: &MySqlServer| format!("?require_ssl=true&ca={}", server.ca_file().display());

    let accounts = open(&ca(server)).await.unwrap();
    accounts.register(name("alice"), password("correct horse"), NOW).await.unwrap();
    assert!(matches!(accounts.claim().await.unwrap(), Claim::Ours(_)));
    assert!(matches!(open("").await, Err(OpenError::Login { .. })), "it must have been TLS that let it in");
    for options in [&ca(&other), "?require_ssl=true", "?require_ssl=true&ca=/missing.pem"] {
        let error = open(options).await.unwrap_err();
        assert!(matches!(error, OpenError::Tls { .. }), "{options}: {error:?}");
    }
}

#[tokio::test]
async fn a_backup_is_complete_and_overwrites_nothing() {
    let database = testing::sqlite();
    let accounts = open(&database).await;
    accounts.register(name("alice"), password("correct horse"), NOW).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.sqlite");
    backup(&database.url(), &copy).await.unwrap();
    let copied = SqlAccounts::open(&StoreUrl::sqlite(&copy), cheap(8)).await.unwrap();
    copied.authenticate(name("alice"), password("correct horse")).await.unwrap();
    for (to, sentence) in [(copy.as_path(), "does not exist"), (Path::new("/missing/copy"), "may be written to")] {
        let error = backup(&database.url(), to).await.unwrap_err();
        assert!(matches!(error, BackupError::File { .. }) && error.to_string().contains(sentence), "{error:?}");
    }
    let missing = StoreUrl::sqlite(folder.path().join("missing"));
    let error = backup(&missing, &folder.path().join("other")).await.unwrap_err();
    assert!(matches!(error, BackupError::NoDatabase(_)), "{error:?}");
    let files = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    // The copy is open, and has its log beside it.
    let left: Vec<String> = files.filter(|name| !name.starts_with("copy.sqlite")).collect();
    assert!(left.is_empty(), "nothing is left of what failed, and no database is made: {left:?}");
    let mysql = StoreUrl::parse("mysql://ann:hush@db:3307/chat").unwrap();
    let error = backup(&mysql, &folder.path().join("other")).await.unwrap_err().to_string();
    assert!(error.contains("mariadb-dump --single-transaction") && !error.contains("hush"), "{error}");
}
