//! What [`Accounts`] promises.

use std::collections::BTreeSet;

use super::support::{LATE, OTHER, RIGHT, T0, T1, UNKNOWN, WRONG, all, exactly_one, generations, login, name, ok};
use super::support::{password, register};
use crate::accounts::{Account, AccountError, Accounts, Status};
use crate::id::AccountId;
use crate::time::Timestamp;

/// A registered account has the user name as typed and generation 1, is active, and was never seen.
pub async fn a_registered_account_has_the_requested_values<A: Accounts>(accounts: &A) {
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
pub async fn names_are_unique_in_canonical_form<A: Accounts>(accounts: &A) {
    register(accounts, "alice").await;
    for typed in ["alice", "Alice", "ALICE", "ａｌｉｃｅ"] {
        let taken = accounts.register(name(typed), password(RIGHT), T0).await;
        assert!(matches!(taken, Err(AccountError::NameTaken)), "{typed} is alice and must be taken: {taken:?}");
        ok(login(accounts, typed, RIGHT).await, "authenticate as alice in any spelling");
    }
}

/// Names with different canonical forms are different accounts, even if a collation considers them equal.
pub async fn different_names_are_different_accounts<A: Accounts>(accounts: &A) {
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

/// A name that has a skeleton in common with a taken name is taken.
pub async fn a_name_that_looks_like_a_taken_one_is_taken<A: Accounts>(accounts: &A) {
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
}

/// Unknown names and wrong passwords have the same error.
pub async fn unknown_names_and_wrong_passwords_have_the_same_error<A: Accounts>(accounts: &A) {
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
pub async fn a_changed_password_replaces_the_old_one_and_raises_the_generation<A: Accounts>(accounts: &A) {
    let before = register(accounts, "changer").await;
    let changed = accounts.change_password(before.id, password(RIGHT), password(OTHER), T1).await;
    let changed = ok(changed, "change the password with the right old one");
    assert_eq!(changed, Account { generation: 2, ..before }, "only the generation must differ");
    assert_eq!(ok(login(accounts, "changer", OTHER).await, "authenticate with the new password"), changed);
    let old = login(accounts, "changer", RIGHT).await;
    assert!(matches!(old, Err(AccountError::WrongCredentials)), "the old password must be refused: {old:?}");
}

/// `look_up` takes any number of ids and ignores unknown ones.
pub async fn look_up_finds_any_number_of_ids_and_ignores_unknown_ones<A: Accounts>(accounts: &A) {
    let expected = [register(accounts, "look1").await, register(accounts, "look2").await];
    // More ids than one statement of any database can hold.
    let unknown = (1 << 40..(1 << 40) + 70_000).map(AccountId::new).chain([UNKNOWN]);
    let ids = unknown.chain(expected.iter().map(|account| account.id)).collect();
    let mut found = ok(accounts.look_up(ids).await, "look up many ids");
    found.sort_by_key(|account| account.id);
    assert_eq!(found, expected, "exactly the known ids must be found");
    assert_eq!(ok(accounts.look_up(Vec::new()).await, "look up no ids"), [], "no ids must find no accounts");
}

/// `changed_since` returns accounts whose generation rose, including those at the given time. The time of a change
/// never goes back.
pub async fn only_raised_generations_count_as_changes<A: Accounts>(accounts: &A) {
    let (before, at, after) = (LATE.offset_by(-1), LATE, LATE.offset_by(1));
    let quiet = ok(accounts.register(name("quiet"), password(RIGHT), after).await, "register");
    ok(accounts.mark_seen(vec![quiet.id], after).await, "mark as seen");
    ok(accounts.void_tickets(vec![quiet.id], after).await, "void tickets");
    let changed = ok(accounts.changed_since(before).await, "changes before there are any");
    assert_eq!(changed, [], "no registration, last-seen time or void ticket is a change");

    let id = register(accounts, "loud").await.id;
    ok(accounts.change_password(id, password(RIGHT), password(OTHER), at).await, "change the password");
    let wrong = accounts.change_password(id, password(RIGHT), password(OTHER), after).await;
    assert!(matches!(wrong, Err(AccountError::WrongCredentials)), "the old password must be refused: {wrong:?}");
    for (since, expected) in [(before, vec![(id, 2)]), (at, vec![(id, 2)]), (after, vec![])] {
        let changed = generations(ok(accounts.changed_since(since).await, "changes"));
        assert_eq!(changed, expected, "changed at {at}, asked for changes since {since}");
    }
    let slower = accounts.change_password(id, password(OTHER), password(RIGHT), before).await;
    ok(slower, "change the password with a slower clock");
    let changed = generations(ok(accounts.changed_since(at).await, "changes"));
    assert_eq!(changed, [(id, 3)], "a change with a slower clock must not move the time of the last change back");
    assert_eq!(ok(accounts.changed_since(Timestamp::from_millis(u64::MAX)).await, "changes at the end of time"), []);
}

/// A last-seen time never goes back, and unknown ids are ignored.
pub async fn a_last_seen_time_never_goes_back<A: Accounts>(accounts: &A) {
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
pub async fn void_tickets_stay_void<A: Accounts>(accounts: &A) {
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
}

/// Of concurrent registrations of one name exactly one succeeds, and the others fail because the name is taken.
pub async fn concurrent_registrations_of_one_name_have_one_winner<A: Accounts>(accounts: &A) {
    let typed = ["race", "Race", "RACE", "ｒａｃｅ", "race", "Race", "RACE", "ｒａｃｅ"];
    let results = all(typed.map(|typed| accounts.register(name(typed), password(RIGHT), T0))).await;
    exactly_one(&results, "NameTaken", |error| matches!(error, AccountError::NameTaken));
}

/// taken.
pub async fn concurrent_registrations_of_names_that_look_alike_have_one_winner<A: Accounts>(accounts: &A) {
    let typed = ["pope", "роре", "РОРЕ", "p0pe", "pope", "роре", "РОРЕ", "p0pe"];
    let results = all(typed.map(|typed| accounts.register(name(typed), password(RIGHT), T0))).await;
    exactly_one(&results, "NameTaken", |error| matches!(error, AccountError::NameTaken));
}

/// Of concurrent changes of one password exactly one succeeds, and the others fail because their old password is wrong.
pub async fn concurrent_changes_of_one_password_have_one_winner<A: Accounts>(accounts: &A) {
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
