//! What the rules share: times, names and passwords, and steps that must succeed.

use std::fmt::Debug;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use crate::accounts::{Account, AccountError, Accounts, NewStatus, Operator};
use crate::id::AccountId;
use crate::name::UserName;
use crate::password::Password;
use crate::time::Timestamp;

pub(super) const RIGHT: &str = "right password";
pub(super) const WRONG: &str = "wrong password";
pub(super) const OTHER: &str = "other password";
pub(super) const T0: Timestamp = Timestamp::from_millis(1_795_408_080_000);
pub(super) const T1: Timestamp = Timestamp::from_millis(1_795_408_081_000);
/// Earlier than the times of all other rules by more than a day.
pub(super) const LONG_AGO: Timestamp = Timestamp::from_millis(1_700_000_000_000);
/// Later than the times of all other rules, so that the rule about changes finds only its own accounts.
pub(super) const LATE: Timestamp = Timestamp::from_millis(1_795_500_000_000);
/// An id that no store assigns, and too high for a signed number.
pub(super) const UNKNOWN: AccountId = AccountId::new(u64::MAX);

pub(super) fn name(typed: &str) -> UserName {
    UserName::parse(typed).expect("the contract uses valid names")
}

/// Each account with its generation.
pub(super) fn generations(accounts: Vec<Account>) -> Vec<(AccountId, u64)> {
    accounts.into_iter().map(|account| (account.id, account.generation)).collect()
}

pub(super) fn password(plain: &str) -> Password {
    Password::parse(plain).expect("the contract uses valid passwords")
}

pub(super) async fn register<A: Accounts>(accounts: &A, typed: &str) -> Account {
    ok(accounts.register(name(typed), password(RIGHT), T0).await, typed)
}

pub(super) async fn login<A: Accounts>(accounts: &A, typed: &str, plain: &str) -> Result<Account, AccountError> {
    accounts.authenticate(name(typed), password(plain)).await
}

pub(super) async fn set_status<A: Operator>(accounts: &A, typed: &str, status: NewStatus) -> Account {
    ok(accounts.set_status(name(typed), status, T1).await, typed)
}

#[track_caller]
pub(super) fn ok<T>(result: Result<T, AccountError>, what: &str) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{what}: expected success, got {error:?}"),
    }
}

#[track_caller]
pub(super) fn exactly_one<T: Debug>(
    results: &[Result<T, AccountError>],
    other: &str,
    lost: impl Fn(&AccountError) -> bool,
) {
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "exactly one must succeed: {results:?}");
    let others = results.iter().filter_map(|result| result.as_ref().err());
    assert!(others.clone().all(lost), "all others must fail with {other}: {results:?}");
}

/// Runs futures concurrently by polling each in turn, without a runtime.
pub(super) async fn all<F: Future, const N: usize>(futures: [F; N]) -> Vec<F::Output> {
    let mut futures: Vec<Pin<Box<F>>> = futures.into_iter().map(Box::pin).collect();
    let mut outputs: Vec<Option<F::Output>> = futures.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (future, output) in futures.iter_mut().zip(&mut outputs) {
            if output.is_none()
                && let Poll::Ready(value) = future.as_mut().poll(context)
            {
                *output = Some(value);
            }
        }
        if outputs.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    outputs.into_iter().flatten().collect()
}
