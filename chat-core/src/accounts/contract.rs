//! What every implementation promises, as code.
//!
//! One function per sentence of the contract; [`accounts_contract`] says them all. A sentence that does not hold is a
//! panic whose message says what was expected.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use super::{Account, AccountError, Accounts, NewStatus, Operator, Status};
use crate::id::AccountId;
use crate::name::UserName;
use crate::password::Password;
use crate::time::Timestamp;

/// Everything that the implementations of [`Accounts`] and [`Operator`] promise, told to an **empty** store.
///
/// Takes about 60 password checks: choose a cheap hash.
///
/// # Panics
/// If a promise is broken.
pub async fn accounts_contract<A: Accounts + Operator>(accounts: &A) {
    a_list_is_paged_by_rising_id(accounts).await;
    a_registered_account_is_as_it_was_asked_for(accounts).await;
    names_are_taken_by_their_canonical_form(accounts).await;
    different_names_are_different_accounts(accounts).await;
    unknown_names_and_wrong_passwords_are_told_the_same(accounts).await;
    a_changed_password_replaces_the_old_one_and_raises_the_generation(accounts).await;
    an_operator_sets_a_password_without_the_old_one(accounts).await;
    a_disabled_account_is_told_only_to_who_knows_its_password(accounts).await;
    a_removed_name_stays_reserved_until_it_is_freed(accounts).await;
    an_operator_of_an_unknown_name_is_told(accounts).await;
    look_up_finds_accounts_of_any_status_and_leaves_out_the_unknown(accounts).await;
    only_raised_generations_count_as_changes(accounts).await;
    a_last_seen_time_never_goes_back(accounts).await;
    of_many_who_register_one_name_exactly_one_wins(accounts).await;
    of_many_who_change_one_password_exactly_one_wins(accounts).await;
}

/// Needs an empty store; leaves five accounts in it.
pub async fn a_list_is_paged_by_rising_id<A: Accounts + Operator>(accounts: &A) {
    assert_eq!(ok(accounts.list(None, 10).await, "to list an empty store"), [], "the store must be empty at first");
    let mut registered = Vec::new();
    for name in ["page1", "page2", "page3", "page4", "page5"] {
        registered.push(register(accounts, name).await);
    }
    assert!(registered.is_sorted_by(|a, b| a.id < b.id), "ids must rise: {registered:?}");
    let mut listed = ok(accounts.list(None, 2).await, "the first page");
    assert_eq!(listed.len(), 2, "a page must hold as many as were asked for");
    while let Some(last) = listed.last().map(|account| account.id) {
        let page = ok(accounts.list(Some(last), 2).await, "the next page");
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 2, "a page must hold no more than were asked for: {page:?}");
        listed.extend(page);
    }
    assert_eq!(listed, registered, "all pages together must be all accounts, each once, by rising id");
    assert_eq!(ok(accounts.list(None, 0).await, "a page of none"), [], "a page of none must be empty");
}

/// A registered account is as it was asked for: name as typed, generation 1, active, never seen.
pub async fn a_registered_account_is_as_it_was_asked_for<A: Accounts + Operator>(accounts: &A) {
    let account = register(accounts, "Registered").await;
    assert_eq!(account.name.as_str(), "Registered", "the name must be kept as it was typed");
    assert_eq!(account.generation, 1, "the first generation must be 1");
    assert_eq!(account.status, Status::Active, "a new account must be active");
    assert_eq!(account.created, T0, "the time of registration must be the one that was given");
    assert_eq!(account.last_seen, None, "a new account must not have been seen");
    let again = ok(log_in(accounts, "registered", RIGHT).await, "the right password of a new account");
    assert_eq!(again, account, "authenticate must give the account that was registered");
    assert_eq!(again.name.as_str(), "Registered", "the name must be as typed at registration, not at log-in");
}

/// Names are taken by their canonical form: case and width do not make another name.
pub async fn names_are_taken_by_their_canonical_form<A: Accounts + Operator>(accounts: &A) {
    register(accounts, "alice").await;
    for typed in ["alice", "Alice", "ALICE", "ａｌｉｃｅ"] {
        let taken = accounts.register(name(typed), password(RIGHT), T0).await;
        assert!(matches!(taken, Err(AccountError::NameTaken)), "{typed} must be taken by alice: {taken:?}");
        ok(log_in(accounts, typed, RIGHT).await, "any way to write alice");
    }
}

/// Different names are different accounts, whatever a collation thinks of them.
pub async fn different_names_are_different_accounts<A: Accounts + Operator>(accounts: &A) {
    let names = ["bob", "bób", "bob.", "爱丽丝", "小明", "小红", "strasse", "straße", "ａnna"];
    let mut ids = BTreeSet::new();
    for typed in names {
        ids.insert(register(accounts, typed).await.id);
    }
    assert_eq!(ids.len(), names.len(), "each of {names:?} must be an account of its own");
    for typed in names {
        let account = ok(log_in(accounts, typed, RIGHT).await, typed);
        assert_eq!(account.name.as_str(), typed, "each name must find its own account");
    }
    let unknown = log_in(accounts, "álice", RIGHT).await;
    assert!(matches!(unknown, Err(AccountError::WrongCredentials)), "álice must not be alice: {unknown:?}");
}

/// Unknown names and wrong passwords are told the same.
pub async fn unknown_names_and_wrong_passwords_are_told_the_same<A: Accounts + Operator>(accounts: &A) {
    let account = register(accounts, "guessed").await;
    for (typed, plain) in [("guessed", WRONG), ("guessed", "right passwor"), ("nobody", RIGHT)] {
        let wrong = log_in(accounts, typed, plain).await;
        assert!(matches!(wrong, Err(AccountError::WrongCredentials)), "{typed}: expected the one answer: {wrong:?}");
    }
    let wrong = accounts.change_password(account.id, password(WRONG), password(OTHER), T1).await;
    assert!(matches!(wrong, Err(AccountError::WrongCredentials)), "a wrong old password must be refused: {wrong:?}");
    let wrong = accounts.change_password(UNKNOWN, password(RIGHT), password(OTHER), T1).await;
    assert!(matches!(wrong, Err(AccountError::WrongCredentials)), "an unknown id must be told the same: {wrong:?}");
    assert_eq!(ok(log_in(accounts, "guessed", RIGHT).await, "guesses"), account, "guesses must change nothing");
}

/// A changed password replaces the old one and raises the generation.
pub async fn a_changed_password_replaces_the_old_one_and_raises_the_generation<A: Accounts + Operator>(accounts: &A) {
    let before = register(accounts, "changer").await;
    let changed = accounts.change_password(before.id, password(RIGHT), password(OTHER), T1).await;
    let changed = ok(changed, "a change with the right old password");
    assert_eq!(changed, Account { generation: 2, ..before }, "only the generation must differ");
    assert_eq!(ok(log_in(accounts, "changer", OTHER).await, "the new password"), changed);
    let old = log_in(accounts, "changer", RIGHT).await;
    assert!(matches!(old, Err(AccountError::WrongCredentials)), "the old password must be worth nothing: {old:?}");
}

/// An operator sets a password without the old one; the generation rises, also if the account is disabled.
pub async fn an_operator_sets_a_password_without_the_old_one<A: Accounts + Operator>(accounts: &A) {
    let before = register(accounts, "forgetful").await;
    let set = ok(accounts.set_password(name("Forgetful"), password(OTHER), T1).await, "to set a password");
    assert_eq!(set, Account { generation: 2, ..before }, "only the generation must differ");
    assert_eq!(ok(log_in(accounts, "forgetful", OTHER).await, "the password that was set"), set);
    set_status(accounts, "forgetful", NewStatus::Disabled).await;
    let set = ok(accounts.set_password(name("forgetful"), password(RIGHT), T1).await, "to set it while disabled");
    assert_eq!((set.generation, set.status), (4, Status::Disabled), "the account must stay disabled");
}

/// That an account is disabled is told only to who knows its password; enabling it lets it in again.
pub async fn a_disabled_account_is_told_only_to_who_knows_its_password<A: Accounts + Operator>(accounts: &A) {
    let before = register(accounts, "suspended").await;
    let disabled = set_status(accounts, "suspended", NewStatus::Disabled).await;
    assert_eq!((disabled.generation, disabled.status), (2, Status::Disabled), "disabling must raise the generation");
    let again = set_status(accounts, "suspended", NewStatus::Disabled).await;
    assert_eq!(again, disabled, "disabling twice must change nothing");
    let right = log_in(accounts, "suspended", RIGHT).await;
    assert!(matches!(right, Err(AccountError::Disabled)), "the right password must be told: {right:?}");
    let wrong = log_in(accounts, "suspended", WRONG).await;
    assert!(matches!(wrong, Err(AccountError::WrongCredentials)), "a wrong password must not be told: {wrong:?}");
    let change = accounts.change_password(before.id, password(RIGHT), password(OTHER), T1).await;
    assert!(matches!(change, Err(AccountError::Disabled)), "a disabled account must not change it: {change:?}");
    let enabled = set_status(accounts, "suspended", NewStatus::Active).await;
    assert_eq!((enabled.generation, enabled.status), (3, Status::Active), "enabling must raise the generation");
    assert_eq!(ok(log_in(accounts, "suspended", RIGHT).await, "an enabled account"), enabled);
}

/// A removed name stays reserved until it is freed; its account stays, and its id is never used again.
pub async fn a_removed_name_stays_reserved_until_it_is_freed<A: Accounts + Operator>(accounts: &A) {
    let first = register(accounts, "removed").await;
    let removed = set_status(accounts, "removed", NewStatus::Removed).await;
    assert_eq!((removed.generation, removed.status), (2, Status::Removed), "removing must raise the generation");
    let log_in_again = log_in(accounts, "removed", RIGHT).await;
    assert!(
        matches!(log_in_again, Err(AccountError::WrongCredentials)),
        "a removed name must be told like an unknown one: {log_in_again:?}"
    );
    let change = accounts.change_password(first.id, password(RIGHT), password(OTHER), T1).await;
    assert!(matches!(change, Err(AccountError::WrongCredentials)), "a removed account must not change it: {change:?}");
    let taken = accounts.register(name("Removed"), password(RIGHT), T1).await;
    assert!(matches!(taken, Err(AccountError::NameTaken)), "a removed name must stay reserved: {taken:?}");
    for status in [NewStatus::Active, NewStatus::Disabled, NewStatus::Removed] {
        let none = accounts.set_status(name("removed"), status, T1).await;
        assert!(matches!(none, Err(AccountError::NoSuchAccount)), "{status:?}: it must be gone for good: {none:?}");
    }
    let none = accounts.set_password(name("removed"), password(OTHER), T1).await;
    assert!(matches!(none, Err(AccountError::NoSuchAccount)), "a removed account must get no password: {none:?}");

    let freed = set_status(accounts, "removed", NewStatus::RemovedAndFreed).await;
    assert_eq!(freed, removed, "freeing the name of a removed account must change nothing else");
    let second = register(accounts, "removed").await;
    assert!(second.id > first.id, "a freed name must get a new id: {} after {}", second.id, first.id);
    let freed = set_status(accounts, "removed", NewStatus::RemovedAndFreed).await;
    assert_eq!((freed.id, freed.generation), (second.id, 2), "removing and freeing at once must raise the generation");
    let third = register(accounts, "removed").await;
    assert!(third.id > second.id, "an id must never be used again: {} after {}", third.id, second.id);
    let kept = ok(accounts.look_up(vec![first.id, second.id]).await, "to look up freed accounts");
    assert!(
        kept.len() == 2 && kept.iter().all(|account| account.status == Status::Removed),
        "freed accounts must stay known as removed: {kept:?}"
    );
}

/// An operator who names an account that does not exist is told.
pub async fn an_operator_of_an_unknown_name_is_told<A: Accounts + Operator>(accounts: &A) {
    let none = accounts.set_password(name("nobody"), password(RIGHT), T1).await;
    assert!(matches!(none, Err(AccountError::NoSuchAccount)), "to set a password of nobody: {none:?}");
    for status in [NewStatus::Active, NewStatus::Disabled, NewStatus::Removed, NewStatus::RemovedAndFreed] {
        let none = accounts.set_status(name("nobody"), status, T1).await;
        assert!(matches!(none, Err(AccountError::NoSuchAccount)), "{status:?} of nobody: {none:?}");
    }
}

/// A look-up finds accounts of any status, many at once, and leaves out the unknown.
pub async fn look_up_finds_accounts_of_any_status_and_leaves_out_the_unknown<A: Accounts + Operator>(accounts: &A) {
    let active = register(accounts, "look1").await;
    register(accounts, "look2").await;
    let disabled = set_status(accounts, "look2", NewStatus::Disabled).await;
    register(accounts, "look3").await;
    let removed = set_status(accounts, "look3", NewStatus::Removed).await;
    let expected = [active, disabled, removed];
    // More than any implementation can put into one statement.
    let unknown = (1 << 40..(1 << 40) + 70_000).map(AccountId::new).chain([UNKNOWN]);
    let ids = unknown.chain(expected.iter().map(|account| account.id)).collect();
    let mut found = ok(accounts.look_up(ids).await, "to look up many");
    found.sort_by_key(|account| account.id);
    assert_eq!(found, expected, "exactly the known ones must be found");
    assert_eq!(ok(accounts.look_up(Vec::new()).await, "to look up none"), [], "no ids must find no accounts");
}

/// Only raised generations count as changes, and the time asked for is included.
pub async fn only_raised_generations_count_as_changes<A: Accounts + Operator>(accounts: &A) {
    let (before, at, after) = (LATE.offset_by(-1), LATE, LATE.offset_by(1));
    let quiet = ok(accounts.register(name("quiet"), password(RIGHT), after).await, "to register late");
    ok(accounts.mark_seen(vec![quiet.id], after).await, "to be seen late");
    let changed = ok(accounts.changed_since(before).await, "changes before there are any");
    assert_eq!(changed, [], "neither a registration nor being seen is a change");

    let id = register(accounts, "loud").await.id;
    ok(accounts.set_status(name("loud"), NewStatus::Disabled, at).await, "to disable");
    ok(accounts.set_status(name("loud"), NewStatus::Disabled, after).await, "to disable what is disabled");
    let generations = |accounts: Vec<Account>| accounts.iter().map(|a| (a.id, a.generation)).collect::<Vec<_>>();
    for (since, expected) in [(before, vec![(id, 2)]), (at, vec![(id, 2)]), (after, vec![])] {
        let changed = generations(ok(accounts.changed_since(since).await, "changes"));
        assert_eq!(changed, expected, "changed at {at}: asked since {since}");
    }
    ok(accounts.set_status(name("loud"), NewStatus::RemovedAndFreed, before).await, "to remove by a slow clock");
    let changed = generations(ok(accounts.changed_since(at).await, "changes"));
    assert_eq!(changed, [(id, 3)], "a change by a slower clock must not hide an earlier one, nor a freed name its own");
    assert_eq!(ok(accounts.changed_since(Timestamp::from_millis(u64::MAX)).await, "changes at the end of time"), []);
}

/// A last-seen time never goes back, and unknown ids are passed over.
pub async fn a_last_seen_time_never_goes_back<A: Accounts + Operator>(accounts: &A) {
    let ids = [register(accounts, "seen1").await.id, register(accounts, "seen2").await.id];
    ok(accounts.mark_seen(vec![ids[0]], T1).await, "to see one");
    ok(accounts.mark_seen(vec![UNKNOWN, ids[0], ids[1]], T0).await, "to see both, and somebody unknown");
    ok(accounts.mark_seen(Vec::new(), T1).await, "to see nobody");
    let mut seen = ok(accounts.look_up(ids.to_vec()).await, "to look up both");
    seen.sort_by_key(|account| account.id);
    let times: Vec<_> = seen.iter().map(|account| account.last_seen).collect();
    assert_eq!(times, [Some(T1), Some(T0)], "each must have its latest time");
    assert!(seen.iter().all(|account| account.generation == 1), "being seen must not raise the generation: {seen:?}");
}

/// Of many who register one name at once exactly one wins, and the others are told that it is taken.
pub async fn of_many_who_register_one_name_exactly_one_wins<A: Accounts + Operator>(accounts: &A) {
    let typed = ["race", "Race", "RACE", "ｒａｃｅ", "race", "Race", "RACE", "ｒａｃｅ"];
    let results = all(typed.map(|typed| accounts.register(name(typed), password(RIGHT), T0))).await;
    exactly_one(&results, "NameTaken", |error| matches!(error, AccountError::NameTaken));
}

/// Of many who change one password at once exactly one wins, and the others' old password is wrong by then.
pub async fn of_many_who_change_one_password_exactly_one_wins<A: Accounts + Operator>(accounts: &A) {
    let id = register(accounts, "torn").await.id;
    let results = all(["new one 1", "new one 2", "new one 3", "new one 4"]
        .map(|new| accounts.change_password(id, password(RIGHT), password(new), T1)))
    .await;
    exactly_one(&results, "WrongCredentials", |error| matches!(error, AccountError::WrongCredentials));
    let torn = ok(accounts.look_up(vec![id]).await, "to look it up");
    assert_eq!(torn.first().map(|account| account.generation), Some(2), "one change must raise it once: {torn:?}");
}

const RIGHT: &str = "right password";
const WRONG: &str = "wrong password";
const OTHER: &str = "other password";
const T0: Timestamp = Timestamp::from_millis(1_795_408_080_000);
const T1: Timestamp = Timestamp::from_millis(1_795_408_081_000);
/// Later than all other times here, so that the sentence about changes sees only its own.
const LATE: Timestamp = Timestamp::from_millis(1_795_500_000_000);
/// An id that no store gives; too high for a signed number.
const UNKNOWN: AccountId = AccountId::new(u64::MAX);

fn name(typed: &str) -> UserName {
    UserName::parse(typed).expect("the contract's names are valid")
}

fn password(plain: &str) -> Password {
    Password::parse(plain).expect("the contract's passwords are valid")
}

async fn register<A: Accounts>(accounts: &A, typed: &str) -> Account {
    ok(accounts.register(name(typed), password(RIGHT), T0).await, typed)
}

async fn log_in<A: Accounts>(accounts: &A, typed: &str, plain: &str) -> Result<Account, AccountError> {
    accounts.authenticate(name(typed), password(plain)).await
}

async fn set_status<A: Operator>(accounts: &A, typed: &str, status: NewStatus) -> Account {
    ok(accounts.set_status(name(typed), status, T1).await, typed)
}

#[track_caller]
fn ok<T>(result: Result<T, AccountError>, what: &str) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{what}: expected success, got {error:?}"),
    }
}

#[track_caller]
fn exactly_one<T: Debug>(results: &[Result<T, AccountError>], other: &str, lost: impl Fn(&AccountError) -> bool) {
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "exactly one must win: {results:?}");
    let others = results.iter().filter_map(|result| result.as_ref().err());
    assert!(others.clone().all(lost), "all others must get {other}: {results:?}");
}

/// Runs all at once, each polled in turn, as no runtime is at hand.
async fn all<F: Future, const N: usize>(futures: [F; N]) -> Vec<F::Output> {
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
