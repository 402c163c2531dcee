//! Real databases and servers for tests, removed after the test. Feature `testing`.
//!
//! All functions panic on failure, because a test without its database has failed.

#[cfg(database)]
mod database;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(any(feature = "mysql", feature = "redis"))]
mod process;
#[cfg(feature = "redis")]
mod redis;

#[cfg(feature = "mysql")]
pub use self::database::mysql;
#[cfg(feature = "sqlite")]
pub use self::database::sqlite;
#[cfg(database)]
pub use self::database::{TestDatabase, all};
#[cfg(feature = "mysql")]
pub use self::mysql::MySqlServer;
#[cfg(feature = "redis")]
pub use self::redis::{Keep, RedisServer, roster};
