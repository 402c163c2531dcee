//! Opening a database: migrations, file permissions, and errors.

use chat_core::accounts::{Accounts, Operator};
use chat_store::testing::TestDatabase;
#[cfg(feature = "mysql")]
use chat_store::{ConnectError, testing::MySqlServer};
use chat_store::{OpenError, SqlAccounts, StoreUrl};
#[cfg(feature = "sqlite")]
use {
    chat_store::{BackupError, backup},
    std::fs,
    std::path::Path,
};

use crate::{NOW, both, cheap, error_chain, name, open, password};

/// Opens a database eight times at the same time, each on its own thread and runtime, like separate processes.
fn open_concurrently(database: &TestDatabase) -> Vec<Result<(), OpenError>> {
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
async fn eight_servers_open_a_new_database_concurrently() {
    for round in 0..5 {
        for database in both().await {
            for result in open_concurrently(&database) {
                assert!(result.is_ok(), "round {round}, {database:?}: {result:?}");
            }
        }
    }
}

#[tokio::test]
async fn migrations_can_be_reverted_and_repeated() {
    for database in both().await {
        for _ in 0..2 {
            let accounts = open(&database).await;
            accounts
                .register(name("alice"), password("correct horse"), NOW)
                .await
                .expect("the revert removed the account");
            database.revert().await;
        }
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_unchanged() {
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

#[cfg(all(unix, feature = "sqlite"))]
#[tokio::test]
async fn the_files_are_accessible_to_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;

    let database = chat_store::testing::sqlite();
    let url = database.url();
    let path = url.sqlite_path().unwrap();
    for widened in [0o600, 0o644] {
        let accounts = open(&database).await;
        accounts.register(name(&format!("mode{widened}")), password("correct horse"), NOW).await.unwrap();
        let files: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().map(|file| file.unwrap().path()).collect();
        assert!(files.len() >= 2, "the write-ahead log exists: {files:?}");
        for file in files {
            let mode = fs::metadata(&file).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{}", file.display());
        }
        drop(accounts);
        fs::set_permissions(path, PermissionsExt::from_mode(widened)).unwrap();
    }
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn open_creates_the_file_and_its_folder_for_the_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("new/data");
    let url = format!("sqlite:{}", data.join("chat.sqlite").display());
    let accounts = chat_store::open(&url).await.unwrap();
    assert_eq!(accounts.list(None, 1).await.unwrap(), []);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(data).unwrap().permissions().mode() & 0o777, 0o700);
    }
    drop(chat_store::open(&url).await.expect("the folder exists already"));
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn a_limit_of_no_accounts_is_refused_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chat.sqlite");
    let url: StoreUrl = format!("sqlite:{}", path.display()).parse().unwrap();
    let mut options = cheap(8);
    options.max_accounts = 0;
    let error = SqlAccounts::open(&url, options).await.unwrap_err();
    assert!(matches!(&error, OpenError::Setting(error) if error.setting() == "max_accounts"), "{error:?}");
    assert!(!path.exists(), "nothing was created");
}

#[tokio::test]
async fn open_refuses_an_invalid_url_without_its_password() {
    for url in ["mysql://ann:hush@db", "mysql://ann:/hush@db/chat", "postgres://ann:hush@db/chat", "sqlite:"] {
        let error = chat_store::open(url).await.unwrap_err();
        assert!(matches!(error, OpenError::Url(_)), "{url}: {error:?}");
        assert!(!format!("{error:?} {}", error_chain(&error)).contains("hush"), "{error:?}");
    }
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn each_error_of_a_file_has_its_own_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text");
    fs::write(&text, "This text is not a database, and it is longer than the header of one. ".repeat(20)).unwrap();
    for (path, sentence) in [
        (folder.path().join("missing/chat.sqlite"), "cannot be created"),
        (text.join("chat.sqlite"), "cannot be created"),
        (text, "must be a writable SQLite database"),
        (folder.path().to_owned(), "must be a writable SQLite database"),
    ] {
        let error = SqlAccounts::open(&StoreUrl::sqlite(&path), cheap(8)).await.unwrap_err();
        assert!(error.to_string().contains(sentence), "{}: {error}", path.display());
        assert!(error.to_string().contains(&path.display().to_string()), "the sentence names the file: {error}");
    }
}

#[cfg(feature = "mysql")]
#[tokio::test]
#[cfg_attr(windows, ignore = "needs a MySQL server, which the tests start on Unix only")]
async fn each_error_of_a_server_has_its_own_sentence() {
    let database = chat_store::testing::mysql().await;
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

/// The server requires TLS for this user, so a login proves that TLS is used.
#[cfg(feature = "mysql")]
#[tokio::test]
#[cfg_attr(windows, ignore = "needs a MySQL server, which the tests start on Unix only")]
async fn with_tls_only_a_trusted_server_receives_the_password() {
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
    assert!(accounts.claim().await.unwrap().is_some());
    assert!(
        matches!(open("").await, Err(OpenError::Connect(ConnectError::Login { .. }))),
        "without TLS the login fails"
    );
    for options in [&ca(&other), "?require_ssl=true", "?require_ssl=true&ca=/missing.pem"] {
        let error = open(options).await.unwrap_err();
        assert!(matches!(error, OpenError::Connect(ConnectError::Tls { .. })), "{options}: {error:?}");
    }
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn a_backup_is_complete_and_never_overwrites() {
    let database = chat_store::testing::sqlite();
    let accounts = open(&database).await;
    accounts.register(name("alice"), password("correct horse"), NOW).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.sqlite");
    backup(&database.url(), &copy).await.unwrap();
    let copied = SqlAccounts::open(&StoreUrl::sqlite(&copy), cheap(8)).await.unwrap();
    copied.authenticate(name("alice"), password("correct horse")).await.unwrap();
    for (to, sentence) in [(copy.as_path(), "does not exist"), (Path::new("/missing/copy"), "that is writable")] {
        let error = backup(&database.url(), to).await.unwrap_err();
        assert!(matches!(error, BackupError::File { .. }) && error.to_string().contains(sentence), "{error:?}");
    }
    let missing = StoreUrl::sqlite(folder.path().join("missing"));
    let error = backup(&missing, &folder.path().join("other")).await.unwrap_err();
    assert!(matches!(error, BackupError::NoDatabase(_)), "{error:?}");
    let files = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    // The copy is open, so its write-ahead log exists.
    let left: Vec<String> = files.filter(|name| !name.starts_with("copy.sqlite")).collect();
    assert!(left.is_empty(), "failed backups leave no files and create no database: {left:?}");
    #[cfg(feature = "mysql")]
    {
        let mysql = StoreUrl::parse("mysql://ann:hush@db:3307/chat").unwrap();
        let error = backup(&mysql, &folder.path().join("other")).await.unwrap_err().to_string();
        assert!(error.contains("mariadb-dump --single-transaction") && !error.contains("hush"), "{error}");
    }
}
