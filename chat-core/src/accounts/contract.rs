//! The contract suite: the tests that every implementation of [`Accounts`] and [`Operator`] must pass.
//!
//! There is one function for each rule, and [`accounts_contract`] runs them all. A violation panics with a message that
//! states what was expected.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use super::{Account, AccountError, Accounts, FIRST_DAY, ListedAccount, NewStatus, Operator, Status};
use crate::id::AccountId;
use crate::name::UserName;
use crate::password::Password;
use crate::time::Timestamp;

/// Runs the whole contract on an **empty** store.
///
/// Makes about 100 password checks, so use a cheap hash.
///
/// # Panics
/// If the implementation violates the contract.
pub async fn accounts_contract<A: Accounts + Operator>(accounts: &A) {
    a_list_is_paged_by_rising_id(accounts).await;
    a_registered_account_has_the_requested_values(accounts).await;
    names_are_unique_in_canonical_form(accounts).await;
    different_names_are_different_accounts(accounts).await;
    a_name_that_looks_like_a_taken_one_is_taken(accounts).await;
    a_freed_name_frees_the_names_that_look_like_it(accounts).await;
    unknown_names_and_wrong_passwords_have_the_same_error(accounts).await;
    a_changed_password_replaces_the_old_one_and_raises_the_generation(accounts).await;
    an_operator_sets_a_password_without_the_old_one(accounts).await;
    only_the_right_password_reveals_that_an_account_is_disabled(accounts).await;
    a_removed_name_stays_reserved_until_it_is_freed(accounts).await;
    operations_on_an_unknown_name_fail(accounts).await;
    look_up_finds_accounts_of_any_status_and_ignores_unknown_ids(accounts).await;
    only_raised_generations_count_as_changes(accounts).await;
    a_last_seen_time_never_goes_back(accounts).await;
    void_tickets_stay_void(accounts).await;
    only_unused_accounts_are_deleted(accounts).await;
    concurrent_registrations_of_one_name_have_one_winner(accounts).await;
    concurrent_registrations_of_names_that_look_alike_have_one_winner(accounts).await;
    concurrent_changes_of_one_password_have_one_winner(accounts).await;
}

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

/// A registered account has the user name as typed and generation 1, is active, and was never seen.
pub async fn a_registered_account_has_the_requested_values<A: Accounts + Operator>(accounts: &A) {
    let account = register(accounts, "Registered").await;
    assert_eq!(account.name.as_str(), "Registered", "the name must be kept as it was typed");
    assert_eq!(account.generation, 1, "the first generation must be 1");
    assert_eq!(account.status, Status::Active, "a new account must be active");
    assert_eq!(account.created, T0, "the time of registration must be the given one");
    assert_eq!(account.last_seen, None, "a new account must not have been seen");
    assert_eq!(account.tickets_void_until, None, "a new account must have no void tickets");
    let again = ok(login(accounts, "registered", RIGHT).await, "authenticate with the right password");
    assert_eq!(again, account, "authenticate must return the registered account");
    assert_eq!(again.name.as_str(), "Registered", "the name must be as typed at registration, not at login");
}

/// User names are unique in canonical form: names that differ in case or width are the same.
pub async fn names_are_unique_in_canonical_form<A: Accounts + Operator>(accounts: &A) {
    register(accounts, "alice").await;
    for typed in ["alice", "Alice", "ALICE", "ａｌｉｃｅ"] {
        let taken = accounts.register(name(typed), password(RIGHT), T0).await;
        assert!(matches!(taken, Err(AccountError::NameTaken)), "{typed} is alice and must be taken: {taken:?}");
        ok(login(accounts, typed, RIGHT).await, "authenticate as alice in any spelling");
    }
}

/// Names with different canonical forms are different accounts, even if a collation considers them equal.
pub async fn different_names_are_different_accounts<A: Accounts + Operator>(accounts: &A) {
    let names = ["bob", "bób", "bob.", "爱丽丝", "小明", "小红", "strasse", "straße", "ａnna"];
    let mut ids = BTreeSet::new();
    for typed in names {
        ids.insert(register(accounts, typed).await.id);
    }
    assert_eq!(ids.len(), names.len(), "each of {names:?} must have its own account");
    for typed in names {
        let account = ok(login(accounts, typed, RIGHT).await, typed);
        assert_eq!(account.name.as_str(), typed, "each name must find its own account");
    }
    let unknown = login(accounts, "álice", RIGHT).await;
    assert!(matches!(unknown, Err(AccountError::WrongCredentials)), "álice must not be alice: {unknown:?}");
}

/// A name that has a skeleton in common with a taken name is taken, even while the account is removed.
pub async fn a_name_that_looks_like_a_taken_one_is_taken<A: Accounts + Operator>(accounts: &A) {
    for (taken, alike) in [
        ("cope", ["соре", "СОРЕ", "c0pe"]),
        ("Alicia", ["al1cia", "AIicia", "A1icia"]),
        ("mark", ["rnark", "Rnark", "ＲＮＡＲＫ"]),
        ("tim", ["t1m", "tIm", "tirn"]),
    ] {
        let account = register(accounts, taken).await;
        for typed in alike {
            let refused = accounts.register(name(typed), password(RIGHT), T0).await;
            assert!(matches!(refused, Err(AccountError::NameTaken)), "{typed} looks like {taken}: {refused:?}");
        }
        assert_eq!(ok(login(accounts, taken, RIGHT).await, "authenticate"), account, "{taken} must be unaffected");
        let unknown = login(accounts, alike[0], RIGHT).await;
        assert!(matches!(unknown, Err(AccountError::WrongCredentials)), "{} must not log in: {unknown:?}", alike[0]);
    }
    for different in ["copé", "neil", "nell", "士明", "未明"] {
        register(accounts, different).await;
    }
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

/// Unknown names and wrong passwords have the same error.
pub async fn unknown_names_and_wrong_passwords_have_the_same_error<A: Accounts + Operator>(accounts: &A) {
    let account = register(accounts, "guessed").await;
    for (typed, plain) in [("guessed", WRONG), ("guessed", "right passwor"), ("nobody", RIGHT)] {
        let wrong = login(accounts, typed, plain).await;
        assert!(matches!(wrong, Err(AccountError::WrongCredentials)), "{typed}: expected WrongCredentials: {wrong:?}");
    }
    let wrong = accounts.change_password(account.id, password(WRONG), password(OTHER), T1).await;
    assert!(matches!(wrong, Err(AccountError::WrongCredentials)), "a wrong old password must be refused: {wrong:?}");
    let wrong = accounts.change_password(UNKNOWN, password(RIGHT), password(OTHER), T1).await;
    assert!(matches!(wrong, Err(AccountError::WrongCredentials)), "an unknown id must have the same error: {wrong:?}");
    assert_eq!(
        ok(login(accounts, "guessed", RIGHT).await, "authenticate after wrong guesses"),
        account,
        "wrong guesses must change nothing"
    );
}

/// A changed password replaces the old one and raises the generation.
pub async fn a_changed_password_replaces_the_old_one_and_raises_the_generation<A: Accounts + Operator>(accounts: &A) {
    let before = register(accounts, "changer").await;
    let changed = accounts.change_password(before.id, password(RIGHT), password(OTHER), T1).await;
    let changed = ok(changed, "change the password with the right old one");
    assert_eq!(changed, Account { generation: 2, ..before }, "only the generation must differ");
    assert_eq!(ok(login(accounts, "changer", OTHER).await, "authenticate with the new password"), changed);
    let old = login(accounts, "changer", RIGHT).await;
    assert!(matches!(old, Err(AccountError::WrongCredentials)), "the old password must be refused: {old:?}");
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

/// `look_up` finds accounts of any status, takes any number of ids, and ignores unknown ones.
pub async fn look_up_finds_accounts_of_any_status_and_ignores_unknown_ids<A: Accounts + Operator>(accounts: &A) {
    let active = register(accounts, "look1").await;
    register(accounts, "look2").await;
    let disabled = set_status(accounts, "look2", NewStatus::Disabled).await;
    register(accounts, "look3").await;
    let removed = set_status(accounts, "look3", NewStatus::Removed).await;
    let expected = [active, disabled, removed];
    // More ids than one statement of any database can hold.
    let unknown = (1 << 40..(1 << 40) + 70_000).map(AccountId::new).chain([UNKNOWN]);
    let ids = unknown.chain(expected.iter().map(|account| account.id)).collect();
    let mut found = ok(accounts.look_up(ids).await, "look up many ids");
    found.sort_by_key(|account| account.id);
    assert_eq!(found, expected, "exactly the known ids must be found");
    assert_eq!(ok(accounts.look_up(Vec::new()).await, "look up no ids"), [], "no ids must find no accounts");
}

/// `changed_since` returns accounts whose generation rose, including those at the given time.
pub async fn only_raised_generations_count_as_changes<A: Accounts + Operator>(accounts: &A) {
    let (before, at, after) = (LATE.offset_by(-1), LATE, LATE.offset_by(1));
    let quiet = ok(accounts.register(name("quiet"), password(RIGHT), after).await, "register");
    ok(accounts.mark_seen(vec![quiet.id], after).await, "mark as seen");
    ok(accounts.void_tickets(vec![quiet.id], after).await, "void tickets");
    let changed = ok(accounts.changed_since(before).await, "changes before there are any");
    assert_eq!(changed, [], "no registration, last-seen time or void ticket is a change");

    let id = register(accounts, "loud").await.id;
    ok(accounts.set_status(name("loud"), NewStatus::Disabled, at).await, "disable");
    ok(accounts.set_status(name("loud"), NewStatus::Disabled, after).await, "disable again");
    let generations = |accounts: Vec<Account>| accounts.iter().map(|a| (a.id, a.generation)).collect::<Vec<_>>();
    for (since, expected) in [(before, vec![(id, 2)]), (at, vec![(id, 2)]), (after, vec![])] {
        let changed = generations(ok(accounts.changed_since(since).await, "changes"));
        assert_eq!(changed, expected, "changed at {at}, asked for changes since {since}");
    }
    ok(accounts.set_status(name("loud"), NewStatus::RemovedAndFreed, before).await, "remove with a slower clock");
    let changed = generations(ok(accounts.changed_since(at).await, "changes"));
    assert_eq!(changed, [(id, 3)], "neither a change with a slower clock nor freeing the name may hide a change");
    assert_eq!(ok(accounts.changed_since(Timestamp::from_millis(u64::MAX)).await, "changes at the end of time"), []);
}

/// A last-seen time never goes back, and unknown ids are ignored.
pub async fn a_last_seen_time_never_goes_back<A: Accounts + Operator>(accounts: &A) {
    let ids = [register(accounts, "seen1").await.id, register(accounts, "seen2").await.id];
    ok(accounts.mark_seen(vec![ids[0]], T1).await, "mark one as seen");
    ok(accounts.mark_seen(vec![UNKNOWN, ids[0], ids[1]], T0).await, "mark both and an unknown id as seen");
    ok(accounts.mark_seen(Vec::new(), T1).await, "mark no id as seen");
    let mut seen = ok(accounts.look_up(ids.to_vec()).await, "look up both");
    seen.sort_by_key(|account| account.id);
    let times: Vec<_> = seen.iter().map(|account| account.last_seen).collect();
    assert_eq!(times, [Some(T1), Some(T0)], "each must have its latest time");
    assert!(
        seen.iter().all(|account| account.generation == 1),
        "marking as seen must not raise the generation: {seen:?}"
    );
}

/// The time until which tickets are void never goes back, login and look-up return it, and unknown ids are ignored.
pub async fn void_tickets_stay_void<A: Accounts + Operator>(accounts: &A) {
    let ids = [register(accounts, "void1").await.id, register(accounts, "void2").await.id];
    ok(accounts.void_tickets(vec![ids[0]], T1).await, "void the tickets of one");
    ok(accounts.void_tickets(vec![UNKNOWN, ids[0], ids[1]], T0).await, "void those of both and of an unknown id");
    ok(accounts.void_tickets(Vec::new(), T1).await, "void no tickets");
    let mut found = ok(accounts.look_up(ids.to_vec()).await, "look up both");
    found.sort_by_key(|account| account.id);
    let times: Vec<_> = found.iter().map(|account| (account.tickets_void_until, account.last_seen)).collect();
    assert_eq!(times, [(Some(T1), None), (Some(T0), None)], "each must have its latest time, and no last-seen time");
    assert!(
        found.iter().all(|account| account.generation == 1),
        "voiding tickets must not raise the generation: {found:?}"
    );
    let account = ok(login(accounts, "void1", RIGHT).await, "authenticate after voiding tickets");
    assert_eq!(account, found[0], "authenticate must return the time as well");
    let disabled = set_status(accounts, "void1", NewStatus::Disabled).await;
    assert_eq!(disabled.tickets_void_until, Some(T1), "a raised generation must not reset the time");
}

/// Deletion spares accounts that were used later, are newer, are disabled or reserve a name. Names of deleted accounts
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

/// Of concurrent registrations of one name exactly one succeeds, and the others fail because the name is taken.
pub async fn concurrent_registrations_of_one_name_have_one_winner<A: Accounts + Operator>(accounts: &A) {
    let typed = ["race", "Race", "RACE", "ｒａｃｅ", "race", "Race", "RACE", "ｒａｃｅ"];
    let results = all(typed.map(|typed| accounts.register(name(typed), password(RIGHT), T0))).await;
    exactly_one(&results, "NameTaken", |error| matches!(error, AccountError::NameTaken));
}

/// Of concurrent registrations of names that look alike exactly one succeeds, and the others fail because the name is
/// taken.
pub async fn concurrent_registrations_of_names_that_look_alike_have_one_winner<A: Accounts + Operator>(accounts: &A) {
    let typed = ["pope", "роре", "РОРЕ", "p0pe", "pope", "роре", "РОРЕ", "p0pe"];
    let results = all(typed.map(|typed| accounts.register(name(typed), password(RIGHT), T0))).await;
    exactly_one(&results, "NameTaken", |error| matches!(error, AccountError::NameTaken));
}

/// Of concurrent changes of one password exactly one succeeds, and the others fail because their old password is wrong.
pub async fn concurrent_changes_of_one_password_have_one_winner<A: Accounts + Operator>(accounts: &A) {
    let id = register(accounts, "torn").await.id;
    let results = all(["new one 1", "new one 2", "new one 3", "new one 4"]
        .map(|new| accounts.change_password(id, password(RIGHT), password(new), T1)))
    .await;
    exactly_one(&results, "WrongCredentials", |error| matches!(error, AccountError::WrongCredentials));
    let torn = ok(accounts.look_up(vec![id]).await, "look up the account");
    assert_eq!(
        torn.first().map(|account| account.generation),
        Some(2),
        "one change must raise the generation once: {torn:?}"
    );
}

const RIGHT: &str = "right password";
const WRONG: &str = "wrong password";
const OTHER: &str = "other password";
const T0: Timestamp = Timestamp::from_millis(1_795_408_080_000);
const T1: Timestamp = Timestamp::from_millis(1_795_408_081_000);
/// Earlier than the times of all other rules by more than a day.
const LONG_AGO: Timestamp = Timestamp::from_millis(1_700_000_000_000);
/// Later than the times of all other rules, so that the rule about changes finds only its own accounts.
const LATE: Timestamp = Timestamp::from_millis(1_795_500_000_000);
/// An id that no store assigns, and too high for a signed number.
const UNKNOWN: AccountId = AccountId::new(u64::MAX);

fn name(typed: &str) -> UserName {
    UserName::parse(typed).expect("the contract uses valid names")
}

fn password(plain: &str) -> Password {
    Password::parse(plain).expect("the contract uses valid passwords")
}

async fn register<A: Accounts>(accounts: &A, typed: &str) -> Account {
    ok(accounts.register(name(typed), password(RIGHT), T0).await, typed)
}

async fn login<A: Accounts>(accounts: &A, typed: &str, plain: &str) -> Result<Account, AccountError> {
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
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "exactly one must succeed: {results:?}");
    let others = results.iter().filter_map(|result| result.as_ref().err());
    assert!(others.clone().all(lost), "all others must fail with {other}: {results:?}");
}

/// Runs futures concurrently by polling each in turn, without a runtime.
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
