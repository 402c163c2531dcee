//! Runs a test on SQLite and on MySQL.

use std::thread;

use chat_store::testing::{self, TestDatabase};

/// Runs a test on both databases, concurrently.
///
/// # Panics
/// If the test fails on one of them. The message names the database.
pub(crate) fn on_both_databases(test: impl Fn(TestDatabase) + Sync) {
    on_each(|| test(testing::sqlite()), || test(block_on(testing::mysql())));
}

/// The same for a test that creates its databases itself.
pub(crate) fn on_each(sqlite: impl FnOnce() + Send, mysql: impl FnOnce() + Send) {
    let failed: Vec<&str> = thread::scope(|scope| {
        // The names appear in panic messages.
        let sqlite = thread::Builder::new().name("on SQLite".to_owned()).spawn_scoped(scope, sqlite).unwrap();
        let mysql = thread::Builder::new().name("on MySQL".to_owned()).spawn_scoped(scope, mysql).unwrap();
        let results = [("SQLite", sqlite.join()), ("MySQL", mysql.join())];
        results.into_iter().filter_map(|(name, result)| result.is_err().then_some(name)).collect()
    });
    assert!(failed.is_empty(), "the test failed on {}", failed.join(" and "));
}

/// Runs a future, such as a query, to its end.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}
