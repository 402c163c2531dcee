//! Copies all accounts into another database of the same or the other kind.

pub(crate) mod connection;
mod target;

use self::connection::{BEFORE_ALL, CompleteRow, DatabaseError, DedicatedConnection};
use self::target::Target;
use crate::backend::{Backend, ReadableFile};
use crate::claim::{Claim, claim};
use crate::error::TransferError;
use crate::url::{Location, StoreUrl};
#[cfg(feature = "sqlite")]
use crate::{error::OpenError, sqlite::forbids_writing};

/// Copies all accounts from the database at `from` into the database at `to`, which must be empty or not exist, and
/// compares them afterwards: ids, names, hashes, generations, statuses and times are identical. Returns the number of
/// accounts.
///
/// The source is only read. If it is an SQLite file beside which no lock file can be created, it is not claimed, and a
/// warning is logged.
///
/// The copy is one transaction on each side: it contains all accounts as of one moment, or none. The source is claimed
/// before anything else happens, because a running server could change accounts that are already copied. The target is
/// created last, and removed again if nothing was copied.
///
/// # Errors
/// [`TransferError`], whose variants are sorted by who can remedy the error. After [`TransferError::Different`] the copy
/// remains in the target. After any other error the target is as it was before.
///
/// # Cancel safety
/// If the future is dropped before the comparison begins, nothing is copied, but a new target may remain, empty.
pub async fn transfer(from: &StoreUrl, to: &StoreUrl) -> Result<u64, TransferError> {
    if is_same(from, to) {
        return Err(TransferError::SameDatabase(to.clone()));
    }
    let source_claim = claim_source(from).await?;
    let copied = transfer_from_claimed(from, to).await;
    if let Some(claim) = source_claim {
        claim.remove();
    }
    copied
}

async fn transfer_from_claimed(from: &StoreUrl, to: &StoreUrl) -> Result<u64, TransferError> {
    let open_error = |source| TransferError::Open { url: from.clone(), source };
    let read_error = |source| TransferError::Read { source_url: from.clone(), source };
    let (backend, file) = Backend::open_for_reading(&from.0).await.map_err(open_error)?;
    let mut source = DedicatedConnection::open(&backend).await.map_err(read_error)?;
    source.begin_reading().await.map_err(read_error)?;
    let first_page = source.page(BEFORE_ALL).await.map_err(read_error)?;

    let target = Target::create(to).await?;
    match copy(&mut source, first_page, from, file.as_ref(), &target).await {
        Ok(()) => {}
        Err(error) => {
            target.undo().await;
            return Err(error);
        }
    }
    compare(&mut source, from, &target).await
}

/// Copies all accounts in one transaction, which is rolled back on failure.
async fn copy(
    source: &mut DedicatedConnection,
    mut page: Vec<CompleteRow>,
    from: &StoreUrl,
    file: Option<&ReadableFile>,
    target: &Target,
) -> Result<(), TransferError> {
    let read_error = |source| TransferError::Read { source_url: from.clone(), source };
    let write_error = |source| write_error(target.url(), source);
    let mut sink = DedicatedConnection::open(target.backend()).await.map_err(write_error)?;
    sink.begin_writing().await.map_err(write_error)?;
    let count = sink.count().await.map_err(write_error)?;
    if count != 0 {
        return Err(TransferError::NotEmpty { target: target.url().clone(), count });
    }
    while let Some(last) = page.last() {
        let after = last.id;
        sink.insert(page).await.map_err(write_error)?;
        page = source.page(after).await.map_err(read_error)?;
    }
    file.map_or(Ok(()), ReadableFile::verify).map_err(|error| read_error(error.into()))?;
    sink.commit().await.map_err(write_error)
}

/// Compares all accounts with their copies, on a new connection, which sees what other programs will see. Returns the
/// number of accounts.
async fn compare(source: &mut DedicatedConnection, from: &StoreUrl, target: &Target) -> Result<u64, TransferError> {
    let read_error = |source| TransferError::Read { source_url: from.clone(), source };
    let write_error = |source| write_error(target.url(), source);
    let mut sink = DedicatedConnection::open(target.backend()).await.map_err(write_error)?;
    let (mut after, mut compared) = (BEFORE_ALL, 0);
    loop {
        let originals = source.page(after).await.map_err(read_error)?;
        let copies = sink.page(after).await.map_err(write_error)?;
        if let Some(id) = first_difference(&originals, &copies) {
            return Err(TransferError::Different { target: target.url().clone(), id });
        }
        let Some(last) = originals.last() else { return Ok(compared) };
        after = last.id;
        compared += originals.len() as u64;
    }
}

fn first_difference(originals: &[CompleteRow], copies: &[CompleteRow]) -> Option<i64> {
    let differing = originals.iter().zip(copies).find(|(original, copy)| original != copy).map(|(row, _)| row.id);
    let unpaired = originals.get(copies.len()).or_else(|| copies.get(originals.len()));
    differing.or_else(|| unpaired.map(|row| row.id))
}

/// Claims the source. Returns `None`, with a warning, if the lock file cannot be written.
async fn claim_source(url: &StoreUrl) -> Result<Option<Claim>, TransferError> {
    match exclusive(url).await {
        #[cfg(feature = "sqlite")]
        Err(TransferError::Open { source: OpenError::ClaimFile { source, .. }, .. }) if forbids_writing(&source) => {
            log::warn!(
                "{url} cannot be claimed; make sure that no server uses it until its accounts are copied: {source}"
            );
            Ok(None)
        }
        claimed => claimed.map(Some),
    }
}

/// Claims a database, so that no server changes it during the transfer.
async fn exclusive(url: &StoreUrl) -> Result<Claim, TransferError> {
    match claim(url).await {
        Ok(Some(claim)) => Ok(claim),
        Ok(None) => Err(TransferError::InUse(url.clone())),
        Err(source) => Err(TransferError::Open { url: url.clone(), source }),
    }
}

/// Whether both URLs name the same database. If two different URLs lead to one database, this does not notice, and
/// claiming the database twice fails.
fn is_same(from: &StoreUrl, to: &StoreUrl) -> bool {
    match (&from.0, &to.0) {
        #[cfg(feature = "sqlite")]
        (Location::Sqlite(from), Location::Sqlite(to)) => {
            from == to || from.canonicalize().is_ok_and(|from| to.canonicalize().is_ok_and(|to| from == to))
        }
        #[cfg(feature = "mysql")]
        (Location::MySql(from), Location::MySql(to)) => (from.server(), &from.database) == (to.server(), &to.database),
        #[cfg(all(feature = "mysql", feature = "sqlite"))]
        _ => false,
    }
}

fn write_error(target: &StoreUrl, source: DatabaseError) -> TransferError {
    TransferError::Write { target: target.clone(), source }
}
