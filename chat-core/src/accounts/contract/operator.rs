//! What [`Operator`] promises.

use std::collections::BTreeSet;

use super::support::{LATE, LONG_AGO, OTHER, RIGHT, T0, T1, UNKNOWN, WRONG, generations, login, name, ok, password};
use super::support::{register, set_status};
use crate::accounts::{Account, AccountError, Accounts, FIRST_DAY, ListedAccount, NewStatus, Operator, Status};

/// `list` returns pages in the order of ids. Requires an empty store and leaves five accounts in it.
pub async fn a_list_is_paged_by_rising_id<A: Accounts + Operator>(accounts: &A) {
    assert_eq!(ok(accounts.list(None, 10).await, "list an empty store"), [], "the store must be empty");
    let mut registered = Vec::new();
    for name in ["page1", "page2", "page3", "page4", "page5"] {
        registered.push(ListedAccount::from(register(accounts, name).await));
    }
    assert!(registered.is_sorted_by(|a, b| a.id < b.id), "ids must rise: {registered:?}");
    let mut listed = ok(accounts.list(None, 2).await, "the first page");
    assert_eq!(listed.len(), 2, "a page must be full while there are more accounts");
    while let Some(last) = listed.last().map(|account| account.id) {
        let page = ok(accounts.list(Some(last), 2).await, "the next page");
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 2, "a page must not exceed the limit: {page:?}");
        listed.extend(page);
    }
    assert_eq!(listed, registered, "the pages together must contain every account once, in the order of ids");
    assert_eq!(ok(accounts.list(None, 0).await, "list with limit 0"), [], "a page with limit 0 must be empty");
}

/// A name that looks like the name of a removed account is taken.
pub async fn a_name_that_looks_like_a_removed_one_is_taken<A: Accounts + Operator>(accounts: &A) {
    register(accounts, "cope").await;
    set_status(accounts, "cope", NewStatus::Removed).await;
    let refused = accounts.register(name("соре"), password(RIGHT), T1).await;
    assert!(matches!(refused, Err(AccountError::NameTaken)), "the name of a removed account is reserved: {refused:?}");
}

/// Freeing a name also frees the names that look like it, in whatever spelling the operator types it.
pub async fn a_freed_name_frees_the_names_that_look_like_it<A: Accounts + Operator>(accounts: &A) {
    register(accounts, "Coco").await;
    set_status(accounts, "COCO", NewStatus::RemovedAndFreed).await;
    register(accounts, "сосо").await;
    let refused = accounts.register(name("Coco"), password(RIGHT), T1).await;
    assert!(matches!(refused, Err(AccountError::NameTaken)), "coco looks like the new account: {refused:?}");
    set_status(accounts, "сосо", NewStatus::Removed).await;
    set_status(accounts, "сосо", NewStatus::RemovedAndFreed).await;
    register(accounts, "coco").await;
}

/// An operator sets a password without the old one, also of a disabled account, and the generation rises.
pub async fn an_operator_sets_a_password_without_the_old_one<A: Accounts + Operator>(accounts: &A) {
    let before = register(accounts, "forgetful").await;
    let set = ok(accounts.set_password(name("Forgetful"), password(OTHER), T1).await, "set a password");
    assert_eq!(set, Account { generation: 2, ..before }, "only the generation must differ");
    assert_eq!(ok(login(accounts, "forgetful", OTHER).await, "authenticate with the password that was set"), set);
    set_status(accounts, "forgetful", NewStatus::Disabled).await;
    let set = ok(
        accounts.set_password(name("forgetful"), password(RIGHT), T1).await,
        "set the password of a disabled account",
    );
    assert_eq!((set.generation, set.status), (4, Status::Disabled), "the account must stay disabled");
}

/// Only the right password reveals that an account is disabled. An enabled account can log in again.
pub async fn only_the_right_password_reveals_that_an_account_is_disabled<A: Accounts + Operator>(accounts: &A) {
    let before = register(accounts, "suspended").await;
    let disabled = set_status(accounts, "suspended", NewStatus::Disabled).await;
    assert_eq!((disabled.generation, disabled.status), (2, Status::Disabled), "disabling must raise the generation");
    let again = set_status(accounts, "suspended", NewStatus::Disabled).await;
    assert_eq!(again, disabled, "disabling twice must change nothing");
    let right = login(accounts, "suspended", RIGHT).await;
    assert!(matches!(right, Err(AccountError::Disabled)), "the right password must reveal it: {right:?}");
    let wrong = login(accounts, "suspended", WRONG).await;
    assert!(matches!(wrong, Err(AccountError::WrongCredentials)), "a wrong password must not reveal it: {wrong:?}");
    let change = accounts.change_password(before.id, password(RIGHT), password(OTHER), T1).await;
    assert!(
        matches!(change, Err(AccountError::Disabled)),
        "a disabled account must not change its password: {change:?}"
    );
    let enabled = set_status(accounts, "suspended", NewStatus::Active).await;
    assert_eq!((enabled.generation, enabled.status), (3, Status::Active), "enabling must raise the generation");
    assert_eq!(ok(login(accounts, "suspended", RIGHT).await, "authenticate after enabling"), enabled);
}

/// The user name of a removed account stays reserved until it is freed. The account stays, and its id is never reused.
pub async fn a_removed_name_stays_reserved_until_it_is_freed<A: Accounts + Operator>(accounts: &A) {
    let first = register(accounts, "removed").await;
    let removed = set_status(accounts, "removed", NewStatus::Removed).await;
    assert_eq!((removed.generation, removed.status), (2, Status::Removed), "removing must raise the generation");
    let login_again = login(accounts, "removed", RIGHT).await;
    assert!(
        matches!(login_again, Err(AccountError::WrongCredentials)),
        "a removed name must have the same error as an unknown one: {login_again:?}"
    );
    let change = accounts.change_password(first.id, password(RIGHT), password(OTHER), T1).await;
    assert!(
        matches!(change, Err(AccountError::WrongCredentials)),
        "a removed account must not change its password: {change:?}"
    );
    let taken = accounts.register(name("Removed"), password(RIGHT), T1).await;
    assert!(matches!(taken, Err(AccountError::NameTaken)), "a removed name must stay reserved: {taken:?}");
    for status in [NewStatus::Active, NewStatus::Disabled, NewStatus::Removed] {
        let none = accounts.set_status(name("removed"), status, T1).await;
        assert!(
            matches!(none, Err(AccountError::NoSuchAccount)),
            "{status:?}: a removed account must stay removed: {none:?}"
        );
    }
    let none = accounts.set_password(name("removed"), password(OTHER), T1).await;
    assert!(matches!(none, Err(AccountError::NoSuchAccount)), "a removed account must not get a password: {none:?}");

    let freed = set_status(accounts, "removed", NewStatus::RemovedAndFreed).await;
    assert_eq!(freed, removed, "freeing the name of a removed account must change nothing else");
    let second = register(accounts, "removed").await;
    assert!(second.id > first.id, "a freed name must get a new id: {} after {}", second.id, first.id);
    let freed = set_status(accounts, "removed", NewStatus::RemovedAndFreed).await;
    assert_eq!(
        (freed.id, freed.generation),
        (second.id, 2),
        "removing and freeing in one step must raise the generation"
    );
    let third = register(accounts, "removed").await;
    assert!(third.id > second.id, "an id must never be reused: {} after {}", third.id, second.id);
    let kept = ok(accounts.look_up(vec![first.id, second.id]).await, "look up freed accounts");
    assert!(
        kept.len() == 2 && kept.iter().all(|account| account.status == Status::Removed),
        "freed accounts must stay as removed: {kept:?}"
    );
}

/// Operations on a user name without an account fail.
pub async fn operations_on_an_unknown_name_fail<A: Accounts + Operator>(accounts: &A) {
    let none = accounts.set_password(name("nobody"), password(RIGHT), T1).await;
    assert!(matches!(none, Err(AccountError::NoSuchAccount)), "set a password of an unknown name: {none:?}");
    for status in [NewStatus::Active, NewStatus::Disabled, NewStatus::Removed, NewStatus::RemovedAndFreed] {
        let none = accounts.set_status(name("nobody"), status, T1).await;
        assert!(matches!(none, Err(AccountError::NoSuchAccount)), "{status:?} of an unknown name: {none:?}");
    }
}

/// `look_up` finds accounts of any status.
pub async fn look_up_finds_accounts_of_any_status<A: Accounts + Operator>(accounts: &A) {
    let active = register(accounts, "look1").await;
    register(accounts, "look2").await;
    let disabled = set_status(accounts, "look2", NewStatus::Disabled).await;
    register(accounts, "look3").await;
    let removed = set_status(accounts, "look3", NewStatus::Removed).await;
    let expected = [active, disabled, removed];
    let mut found = ok(accounts.look_up(expected.iter().map(|account| account.id).collect()).await, "look up");
    found.sort_by_key(|account| account.id);
    assert_eq!(found, expected, "accounts of each status must be found");
}

/// A status that an operator sets is a change, unless it is the current one. Freeing a name hides no change.
pub async fn a_new_status_counts_as_a_change<A: Accounts + Operator>(accounts: &A) {
    let (before, at, after) = (LATE.offset_by(-1), LATE, LATE.offset_by(1));
    let id = register(accounts, "loud").await.id;
    ok(accounts.set_status(name("loud"), NewStatus::Disabled, at).await, "disable");
    ok(accounts.set_status(name("loud"), NewStatus::Disabled, after).await, "disable again");
    for (since, expected) in [(before, vec![(id, 2)]), (at, vec![(id, 2)]), (after, vec![])] {
        let changed = generations(ok(accounts.changed_since(since).await, "changes"));
        assert_eq!(changed, expected, "changed at {at}, asked for changes since {since}");
    }
    ok(accounts.set_status(name("loud"), NewStatus::RemovedAndFreed, before).await, "remove with a slower clock");
    let changed = generations(ok(accounts.changed_since(at).await, "changes"));
    assert_eq!(changed, [(id, 3)], "neither a change with a slower clock nor freeing the name may hide a change");
}

/// A raised generation does not reset the time until which tickets are void.
pub async fn a_raised_generation_leaves_tickets_void<A: Accounts + Operator>(accounts: &A) {
    let id = register(accounts, "void1").await.id;
    ok(accounts.void_tickets(vec![id], T1).await, "void tickets");
    let disabled = set_status(accounts, "void1", NewStatus::Disabled).await;
    assert_eq!(disabled.tickets_void_until, Some(T1), "a raised generation must not reset the time");
}

/// are free, and their ids are never assigned again.
pub async fn only_unused_accounts_are_deleted<A: Accounts + Operator>(accounts: &A) {
    // Earlier than the times of all other rules, so that their accounts are not deleted.
    let (early, before, day) = (LONG_AGO, LONG_AGO.offset_by(1), FIRST_DAY.as_millis() as i64);
    let register_at = async |typed: &str, at| ok(accounts.register(name(typed), password(RIGHT), at).await, typed).id;
    let never = register_at("unused1", early).await;
    let tried = register_at("unused2", early).await;
    ok(accounts.mark_seen(vec![tried], early.offset_by(day)).await, "mark as seen on the first day");
    ok(accounts.void_tickets(vec![tried], T1).await, "void its tickets");
    let freed = register_at("unused3", early).await;
    set_status(accounts, "unused3", NewStatus::RemovedAndFreed).await;
    let used = register_at("used1", early).await;
    ok(accounts.mark_seen(vec![used], early.offset_by(day + 1)).await, "mark as seen on the second day");
    let newer = register_at("used2", before).await;
    let disabled = register_at("used3", early).await;
    set_status(accounts, "used3", NewStatus::Disabled).await;
    let reserved = register_at("used4", early).await;
    set_status(accounts, "used4", NewStatus::Removed).await;
    let last = register_at("unused4", early).await;

    let unused = [never, tried, freed, last];
    let mut listed = Vec::new();
    loop {
        let page = ok(accounts.list_unused(before, listed.last().copied(), 2).await, "list unused accounts");
        assert!(page.len() <= 2, "a page must not exceed the limit: {page:?}");
        if page.is_empty() {
            break;
        }
        listed.extend(page.iter().map(|account| account.id));
    }
    assert_eq!(listed, unused, "exactly the unused accounts must be listed, in the order of ids");
    let spared = [used, newer, disabled, reserved];
    let all = [&unused[..], &spared, &[UNKNOWN]].concat();
    let deleted = ok(accounts.delete_unused(all.clone(), before).await, "delete");
    assert_eq!(deleted, 4, "exactly the unused accounts must be deleted");
    let left = ok(accounts.look_up(all.clone()).await, "look up what is left");
    let left: BTreeSet<_> = left.iter().map(|account| account.id).collect();
    assert_eq!(left, BTreeSet::from(spared), "all others must be left");
    assert_eq!(ok(accounts.delete_unused(all, before).await, "delete again"), 0, "nothing must be left to delete");
    assert_eq!(ok(accounts.delete_unused(Vec::new(), before).await, "delete no ids"), 0);
    let taken = accounts.register(name("used4"), password(RIGHT), T0).await;
    assert!(matches!(taken, Err(AccountError::NameTaken)), "a removed name must stay reserved: {taken:?}");
    for typed in ["unused1", "unused3"] {
        let id = register(accounts, typed).await.id;
        assert!(id > last, "{typed}: the name must be free, and no id assigned again: {id} after {last}");
    }
}
