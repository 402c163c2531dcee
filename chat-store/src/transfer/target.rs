//! The database that receives the accounts, and the removal of what was created for it.

use super::exclusive;
use crate::backend::Backend;
use crate::claim::Claim;
use crate::error::TransferError;
use crate::migrations::{SchemaOrigin, remove_schema};
#[cfg(feature = "sqlite")]
use crate::url::Location;
use crate::url::StoreUrl;
#[cfg(feature = "sqlite")]
use {crate::blocking::blocking, crate::sqlite, std::fs, std::io::ErrorKind};

/// A claimed database with the current schema.
pub(super) struct Target {
    url: StoreUrl,
    backend: Backend,
    created: Created,
    claim: Claim,
}

/// What [`Target::create`] created.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Created {
    Nothing,
    /// The tables of a database that existed.
    Schema,
    /// An SQLite file.
    #[cfg(feature = "sqlite")]
    File,
}

impl Target {
    /// Claims the database, and creates the file and the schema that are missing.
    pub(super) async fn create(url: &StoreUrl) -> Result<Self, TransferError> {
        let open_error = |source| TransferError::Open { url: url.clone(), source };
        #[cfg(feature = "sqlite")]
        let is_new = match &url.0 {
            Location::Sqlite(path) if matches!(path.try_exists(), Ok(false)) => {
                let path = path.clone();
                blocking(move || sqlite::ensure_private_file(&path)).await.map_err(open_error)?;
                true
            }
            _ => false,
        };
        let claim = exclusive(url).await?;
        match Backend::open(&url.0).await {
            Ok((backend, origin)) => {
                let created = match origin {
                    #[cfg(feature = "sqlite")]
                    _ if is_new => Created::File,
                    SchemaOrigin::Created => Created::Schema,
                    SchemaOrigin::Found => Created::Nothing,
                };
                Ok(Self { url: url.clone(), backend, created, claim })
            }
            Err(source) => {
                #[cfg(feature = "sqlite")]
                if is_new {
                    remove_file(url);
                }
                claim.remove();
                Err(open_error(source))
            }
        }
    }

    pub(super) fn url(&self) -> &StoreUrl {
        &self.url
    }

    pub(super) fn backend(&self) -> &Backend {
        &self.backend
    }

    /// Removes what was created. A failure is only logged, because the transfer has failed already.
    pub(super) async fn undo(self) {
        let Self { url, backend, created, claim } = self;
        drop(backend);
        match created {
            Created::Nothing => {}
            Created::Schema => {
                if let Err(error) = remove_schema(&url.0).await {
                    log::warn!("cannot remove the empty tables in {url}: {error}");
                }
            }
            #[cfg(feature = "sqlite")]
            Created::File => remove_file(&url),
        }
        claim.remove();
    }
}

/// Removes an SQLite file and the files that SQLite creates beside it.
#[cfg(feature = "sqlite")]
fn remove_file(url: &StoreUrl) {
    let Some(path) = url.sqlite_path() else { return };
    for suffix in ["", "-wal", "-shm"] {
        let file = sqlite::beside(path, suffix);
        match fs::remove_file(&file) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                log::warn!("cannot remove {}: {error}", file.display());
            }
            _ => {}
        }
    }
}
