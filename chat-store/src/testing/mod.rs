//! Databases for tests: temporary, real, and gone afterwards. Feature `testing`.
//!
//! Everything here panics with a sentence when it fails, because a test that cannot have its database has failed.

mod server;

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use diesel_async::AsyncMysqlConnection;
use diesel_migrations::MigrationHarness;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts, OptsBuilder};
use tempfile::TempDir;

use crate::migrations::{MYSQL, SQLITE, Wrapped, blocking};
use crate::url::{Place, StoreUrl};

pub use server::MySqlServer;

/// A database for one test, empty at first. Clones are the same one.
#[derive(Clone, Debug)]
pub struct TestDatabase {
    url: String,
    /// Dropped with the last clone, after the test.
    _keep: Arc<Keep>,
}

#[derive(Debug)]
enum Keep {
    Folder(#[expect(dead_code, reason = "removes the folder when dropped")] TempDir),
    /// On a server of our own, which goes with all its databases.
    Nothing,
    /// On a server that others use.
    Elsewhere(#[expect(dead_code, reason = "drops the database when dropped")] Foreign),
}

/// An SQLite database in a folder of its own.
pub fn sqlite() -> TestDatabase {
    let folder = tempfile::tempdir().expect("a test needs a temporary folder");
    let url = format!("sqlite:{}/chat.sqlite", folder.path().display());
    TestDatabase { url, _keep: Arc::new(Keep::Folder(folder)) }
}

/// A MySQL database with a name of its own: on the server that `CHAT_TEST_MYSQL_URL` names
/// (`mysql://user:password@host:port`), or on one that is started for this process from the installed binary.
pub async fn mysql() -> TestDatabase {
    match std::env::var("CHAT_TEST_MYSQL_URL") {
        Ok(url) => {
            let opts = Opts::from_url(&url).expect("CHAT_TEST_MYSQL_URL must be mysql://user:password@host:port");
            let database = create(&opts).await;
            let url = with_database(&url, &database);
            TestDatabase { url, _keep: Arc::new(Keep::Elsewhere(Foreign { opts, database })) }
        }
        Err(_) => MySqlServer::shared().database().await,
    }
}

impl TestDatabase {
    /// Where it is.
    pub fn url(&self) -> StoreUrl {
        StoreUrl::parse(&self.url).expect("this module writes valid URLs")
    }

    /// The same as text, with the password, for the environment of a program.
    pub fn url_text(&self) -> &str {
        &self.url
    }

    /// Runs statements on it, each ended by a semicolon.
    pub async fn execute(&self, sql: &str) {
        match self.url().0 {
            Place::Sqlite(path) => {
                // A server may be writing at this moment; a test waits for it as long as anybody would.
                let (path, sql) = (path.display().to_string(), format!("PRAGMA busy_timeout = 5000; {sql}"));
                let run = move || SqliteConnection::establish(&path).expect("it opens").batch_execute(&sql);
                blocking(run).await.unwrap_or_else(|error| panic!("a statement of the test failed: {error}"));
            }
            Place::MySql(place) => {
                let mut connection = Conn::new(place.opts).await.expect("the test's database answers");
                connection
                    .query_drop(sql)
                    .await
                    .unwrap_or_else(|error| panic!("a statement of the test failed: {error}"));
            }
        }
    }

    /// Undoes all migrations.
    pub async fn revert(&self) {
        let reverted = match self.url().0 {
            Place::Sqlite(path) => {
                let path = path.display().to_string();
                let run = move || {
                    let mut connection = SqliteConnection::establish(&path).expect("it opens");
                    connection.revert_all_migrations(SQLITE).map(|versions| versions.len()).map_err(|e| e.to_string())
                };
                blocking(run).await
            }
            Place::MySql(place) => {
                let connection = Conn::new(place.opts).await.expect("the test's database answers");
                let connection = AsyncMysqlConnection::try_from(connection).await.expect("it can be set up");
                let run = move || {
                    let mut connection = Wrapped::from(connection);
                    connection.revert_all_migrations(MYSQL).map(|versions| versions.len()).map_err(|e| e.to_string())
                };
                blocking(run).await
            }
        };
        assert_ne!(reverted, Ok(0), "there must be something to revert");
        reverted.unwrap_or_else(|error| panic!("the migrations cannot be reverted: {error}"));
    }
}

/// A database on a server that others use.
#[derive(Debug)]
struct Foreign {
    opts: Opts,
    database: String,
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let (opts, database) = (self.opts.clone(), self.database.clone());
        // On a thread of its own, as the test's runtime cannot be waited for from inside.
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

/// Makes a database whose name nobody else uses, and gives the name.
async fn create(opts: &Opts) -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let random = server::random();
    let database = format!("chat_test_{}_{random:016x}_{}", process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let opts = OptsBuilder::from_opts(opts.clone()).prefer_socket(false);
    let mut connection =
        Conn::new(opts).await.unwrap_or_else(|error| panic!("the MySQL server does not answer: {error}"));
    connection.query_drop(format!("CREATE DATABASE `{database}`")).await.expect("the test may create databases");
    database
}

/// Puts the name of a database into a URL, in place of one that may be there.
fn with_database(url: &str, database: &str) -> String {
    let (base, options) = url.split_once('?').map_or((url, None), |(base, options)| (base, Some(options)));
    let authority = base.strip_prefix("mysql://").and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let options = options.map(|options| format!("?{options}")).unwrap_or_default();
    format!("mysql://{authority}/{database}{options}")
}
