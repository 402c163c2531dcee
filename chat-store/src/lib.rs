//! Accounts in SQLite or MySQL.
//!
//! `open` opens a database, and `SqlAccounts::open` does so with options. `SqlAccounts` implements the ports [`chat_core::accounts::Accounts`], which a presence server uses, and
//! [`chat_core::accounts::Operator`], which operators use. Opening a database runs pending migrations, unless it is
//! opened for reading. The module [`hashing`] exports the password hashing of this crate, for account systems that
//! store accounts elsewhere.
//!
//! | URL | feature | database |
//! |---|---|---|
//! | `sqlite:PATH` | `sqlite` | one file, for one machine; SQLite is built in |
//! | `mysql://user:password@host[:port]/database` | `mysql` | MySQL 8.0 or MariaDB 10.5, or newer; no client library is needed |
//!
//! Both features are enabled by default. A program that needs one database disables the default features and does not
//! build the other one. Without both, only [`hashing`] is left.
//!
//! The feature `redis` adds `RedisJournal`, an implementation of the port [`chat_core::journal::Journal`], through which
//! several presence servers share one roster.
//!
#![cfg_attr(feature = "sqlite", doc = "```")]
#![cfg_attr(not(feature = "sqlite"), doc = "```ignore")]
//! use chat_core::accounts::Accounts;
//! use chat_core::{name::UserName, password::Password, time::Timestamp};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let url = format!("sqlite:{}", folder.path().join("data/chat.sqlite").display());
//! let accounts = chat_store::open(&url).await?; // for example sqlite:data/chat.sqlite
//! let (alice, password) = (UserName::parse("Alice")?, Password::parse("correct horse")?);
//! accounts.register(alice.clone(), password.clone(), Timestamp::from_millis(1_795_408_080_123)).await?;
//! assert_eq!(accounts.authenticate(alice, password).await?.name.as_str(), "Alice");
//! # Ok(())
//! # }
//! ```

// An exhaustive type needs a reason in its documentation.
#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

#[cfg(database)]
mod accounts;
#[cfg(database)]
mod backend;
#[cfg(database)]
mod backup;
#[cfg(database)]
mod blocking;
#[cfg(database)]
mod claim;
#[cfg(database)]
mod error;
pub mod hashing;
#[cfg(database)]
mod import;
#[cfg(database)]
mod look_alikes;
#[cfg(database)]
mod migrations;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(database)]
mod names;
#[cfg(database)]
mod open;
#[cfg(database)]
mod operator;
#[cfg(any(feature = "mysql", feature = "redis"))]
mod percent;
#[cfg_attr(not(feature = "sqlite"), allow(dead_code, reason = "most of it concerns SQLite files"))]
mod platform;
#[cfg(database)]
mod queries;
#[cfg(feature = "redis")]
mod redis;
#[cfg(database)]
mod row;
#[cfg(database)]
mod schema;
#[cfg(database)]
mod schema_check;
#[cfg(database)]
mod skeletons;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(all(any(database, feature = "redis"), feature = "testing"))]
pub mod testing;
#[cfg(database)]
mod transfer;
#[cfg(database)]
mod url;

#[cfg(database)]
pub use accounts::{SqlAccounts, StoreOptions};
#[cfg(database)]
pub use backup::backup;
#[cfg(database)]
pub use claim::Claim;
#[cfg(database)]
pub use error::{BackupError, OpenError, QueryError, TransferError};
#[cfg(database)]
pub use import::{ImportError, NewAccount};
#[cfg(database)]
pub use look_alikes::{LookAlike, LookAlikes};
#[cfg(feature = "mysql")]
pub use mysql::{ConnectError, Refusal, Stranger, Transport};
#[cfg(database)]
pub use open::open;
#[cfg(feature = "redis")]
pub use redis::{RedisError, RedisJournal, RosterUrl, RosterUrlError};
#[cfg(database)]
pub use transfer::transfer;
#[cfg(database)]
pub use url::{StoreUrl, UrlError};

/// Compiles and runs the example of the README.
#[cfg(all(doctest, feature = "sqlite"))]
#[doc = include_str!("../README.md")]
struct Readme;
