//! Accounts in SQLite or MySQL.
//!
//! [`open`] opens a database, and [`SqlAccounts::open`] does so with options. [`SqlAccounts`] implements the ports [`chat_core::accounts::Accounts`], which a presence server uses, and
//! [`chat_core::accounts::Operator`], which operators use. Opening a database runs pending migrations, unless it is
//! opened for reading. The module [`hashing`] exports the password hashing of this crate, for account systems that
//! store accounts elsewhere.
//!
//! | URL | database |
//! |---|---|
//! | `sqlite:PATH` | one file, for one machine; SQLite is built in |
//! | `mysql://user:password@host[:port]/database` | MySQL 8.0 or MariaDB 10.5, or newer; no client library is needed |
//!
//! ```
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

mod accounts;
mod backend;
mod backup;
mod blocking;
mod claim;
mod error;
pub mod hashing;
mod look_alikes;
mod migrations;
mod mysql;
mod names;
mod open;
mod operator;
mod queries;
mod row;
mod schema;
mod schema_check;
mod skeletons;
mod sqlite;
#[cfg(feature = "testing")]
pub mod testing;
mod transfer;
mod url;

pub use accounts::{SqlAccounts, StoreOptions};
pub use backup::backup;
pub use claim::Claim;
pub use error::{BackupError, OpenError, QueryError, TransferError};
pub use look_alikes::{LookAlike, LookAlikes};
pub use mysql::{ConnectError, Refusal, Stranger, Transport};
pub use open::open;
pub use transfer::transfer;
pub use url::{StoreUrl, UrlError};

/// Compiles and runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
