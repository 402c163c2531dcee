//! Each story is told twice, on both databases at once.

use std::thread;

use chat_store::testing::{self, TestDatabase};

/// Runs a story on SQLite and on MySQL.
///
/// # Panics
/// If it fails on one of them, with its name.
pub(crate) fn on_both_databases(story: impl Fn(TestDatabase) + Sync) {
    on_each(|| story(testing::sqlite()), || story(wait_for(testing::mysql())));
}

/// The same for a story that brings its databases itself.
pub(crate) fn on_each(sqlite: impl FnOnce() + Send, mysql: impl FnOnce() + Send) {
    let failed: Vec<&str> = thread::scope(|scope| {
        // The threads have names, so that a panic says where it was.
        let sqlite = thread::Builder::new().name("on SQLite".to_owned()).spawn_scoped(scope, sqlite).unwrap();
        let mysql = thread::Builder::new().name("on MySQL".to_owned()).spawn_scoped(scope, mysql).unwrap();
        let results = [("SQLite", sqlite.join()), ("MySQL", mysql.join())];
        results.into_iter().filter_map(|(name, result)| result.is_err().then_some(name)).collect()
    });
    assert!(failed.is_empty(), "the story failed on {}", failed.join(" and "));
}

/// Runs one of the databases' futures.
pub(crate) fn wait_for<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}
