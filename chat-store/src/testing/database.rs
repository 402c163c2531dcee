//! Databases for tests.

use std::sync::Arc;

#[cfg(feature = "sqlite")]
use {
    crate::blocking::blocking,
    diesel::connection::SimpleConnection,
    diesel::{Connection, SqliteConnection},
    tempfile::TempDir,
};
#[cfg(feature = "mysql")]
use {
    mysql_async::prelude::Queryable,
    mysql_async::{Conn, Opts, OptsBuilder},
    std::process,
    std::sync::atomic::{AtomicU64, Ordering},
    std::thread,
};

use crate::migrations::{remove_schema, revert_above};
use crate::url::{Location, StoreUrl};

#[cfg(feature = "mysql")]
use super::{MySqlServer, process::random};

/// A database for one test, empty at first. Clones share the database, which is removed with the last clone.
#[derive(Clone, Debug)]
pub struct TestDatabase {
    pub(super) url: String,
    pub(super) _cleanup: Arc<Cleanup>,
}

/// Removes a database when it is dropped.
#[derive(Debug)]
pub(super) enum Cleanup {
    #[cfg(feature = "sqlite")]
    Folder(#[expect(dead_code, reason = "removes the folder when dropped")] TempDir),
    /// The database is on a server of this process and is removed with it.
    #[cfg(feature = "mysql")]
    WithServer,
    /// The database is on a server that outlives this process.
    #[cfg(feature = "mysql")]
    SharedServer(#[expect(dead_code, reason = "drops the database when dropped")] SharedServerDatabase),
}

/// Creates a database of each kind whose feature is enabled.
#[cfg_attr(not(feature = "mysql"), allow(clippy::unused_async, reason = "only a MySQL server is waited for"))]
#[allow(clippy::vec_init_then_push, reason = "the features decide what is pushed")]
pub async fn all() -> Vec<TestDatabase> {
    let mut databases = Vec::new();
    #[cfg(feature = "sqlite")]
    databases.push(sqlite());
    #[cfg(feature = "mysql")]
    databases.push(mysql().await);
    databases
}

/// Creates an SQLite database in a temporary folder.
#[cfg(feature = "sqlite")]
pub fn sqlite() -> TestDatabase {
    let folder = tempfile::tempdir().expect("a test needs a temporary folder");
    let url = format!("sqlite:{}/chat.sqlite", folder.path().display());
    TestDatabase { url, _cleanup: Arc::new(Cleanup::Folder(folder)) }
}

/// Creates a MySQL database with a unique name: on the server that `CHAT_TEST_MYSQL_URL` names
/// (`mysql://user:password@host:port`), or on one that this process starts from the installed binary.
#[cfg(feature = "mysql")]
pub async fn mysql() -> TestDatabase {
    match std::env::var("CHAT_TEST_MYSQL_URL") {
        Ok(url) => {
            let opts = Opts::from_url(&url).expect("CHAT_TEST_MYSQL_URL must be mysql://user:password@host:port");
            let database = create_database(&opts).await;
            let url = with_database(&url, &database);
            let cleanup = Cleanup::SharedServer(SharedServerDatabase { opts, database });
            TestDatabase { url, _cleanup: Arc::new(cleanup) }
        }
        Err(_) => MySqlServer::shared().database().await,
    }
}

impl TestDatabase {
    /// The URL of the database.
    pub fn url(&self) -> StoreUrl {
        StoreUrl::parse(&self.url).expect("the tests write valid URLs")
    }

    /// The URL as text, including the password, for the environment of a program.
    pub fn url_text(&self) -> &str {
        &self.url
    }

    /// Executes SQL statements, each terminated by a semicolon.
    pub async fn execute(&self, sql: &str) {
        match self.url().0 {
            #[cfg(feature = "sqlite")]
            Location::Sqlite(path) => {
                // A server may hold the write lock at this moment.
                let (path, sql) = (path.display().to_string(), format!("PRAGMA busy_timeout = 5000; {sql}"));
                let run = move || SqliteConnection::establish(&path).expect("the file opens").batch_execute(&sql);
                blocking(run).await.unwrap_or_else(|error| panic!("a statement of the test failed: {error}"));
            }
            #[cfg(feature = "mysql")]
            Location::MySql(location) => {
                let mut connection = Conn::new(location.opts).await.expect("the test's database answers");
                connection
                    .query_drop(sql)
                    .await
                    .unwrap_or_else(|error| panic!("a statement of the test failed: {error}"));
            }
        }
    }

    /// Reverts the migrations above `version`, so that the schema is that of an earlier version of the program.
    pub async fn revert_above(&self, version: &'static str) {
        revert_above(&self.url().0, version)
            .await
            .unwrap_or_else(|error| panic!("a migration cannot be reverted: {error}"));
    }

    /// Reverts all migrations, so that the database is empty again.
    pub async fn revert(&self) {
        remove_schema(&self.url().0).await.unwrap_or_else(|error| panic!("the migrations cannot be reverted: {error}"));
    }
}

/// A database on a server that outlives this process. Dropping this drops the database.
#[cfg(feature = "mysql")]
#[derive(Debug)]
pub(super) struct SharedServerDatabase {
    opts: Opts,
    database: String,
}

#[cfg(feature = "mysql")]
impl Drop for SharedServerDatabase {
    fn drop(&mut self) {
        let (opts, database) = (self.opts.clone(), self.database.clone());
        // The runtime of the test cannot block, so another thread runs its own.
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let mut connection = Conn::new(opts).await.expect("the server of CHAT_TEST_MYSQL_URL answers");
                connection.query_drop(format!("DROP DATABASE `{database}`")).await.expect("the test's own database");
            });
        });
        if thread.join().is_err() && !thread::panicking() {
            panic!("the test's database {} was not dropped", self.database);
        }
    }
}

/// Creates a database with a unique name, and returns the name.
#[cfg(feature = "mysql")]
pub(super) async fn create_database(opts: &Opts) -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let random = random();
    let database = format!("chat_test_{}_{random:016x}_{}", process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let opts = OptsBuilder::from_opts(opts.clone()).prefer_socket(false);
    let mut connection =
        Conn::new(opts).await.unwrap_or_else(|error| panic!("the MySQL server does not answer: {error}"));
    connection.query_drop(format!("CREATE DATABASE `{database}`")).await.expect("the test may create databases");
    database
}

/// Replaces the database in a URL, or adds one.
#[cfg(feature = "mysql")]
fn with_database(url: &str, database: &str) -> String {
    let (base, options) = url.split_once('?').map_or((url, None), |(base, options)| (base, Some(options)));
    let authority = base.strip_prefix("mysql://").and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let options = options.map(|options| format!("?{options}")).unwrap_or_default();
    format!("mysql://{authority}/{database}{options}")
}
