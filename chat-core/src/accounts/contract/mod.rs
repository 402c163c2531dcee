//! The contract suites: the tests that implementations of the port for accounts must pass.
//!
//! [`accounts_contract`] asserts what [`Accounts`] promises, which is all that a server needs. [`operator_contract`]
//! asserts what [`Operator`] adds. Each consists of one function for each rule. A violation panics with a message that
//! states what was expected.
//!
//! In the tests of a crate with the feature `testing` of chat-core in its dev-dependencies:
//!
//! ```
//! use chat_core::accounts::contract::accounts_contract;
//! use chat_core::accounts::memory::MemoryAccounts;
//!
//! # async fn accounts_keep_the_contract() {
//! // Your accounts, empty, and with a cheap hash.
//! accounts_contract(&MemoryAccounts::new()).await;
//! # }
//! ```

pub mod accounts;
pub mod operator;
mod support;

use super::{Accounts, Operator};

/// Asserts the rules of [`accounts`] on an **empty** store, which has no operator.
///
/// Makes about 60 password checks, so use a cheap hash.
///
/// # Panics
/// If the implementation violates the contract.
pub async fn accounts_contract<A: Accounts>(store: &A) {
    accounts::a_registered_account_has_the_requested_values(store).await;
    accounts::names_are_unique_in_canonical_form(store).await;
    accounts::different_names_are_different_accounts(store).await;
    accounts::a_name_that_looks_like_a_taken_one_is_taken(store).await;
    accounts::unknown_names_and_wrong_passwords_have_the_same_error(store).await;
    accounts::a_changed_password_replaces_the_old_one_and_raises_the_generation(store).await;
    accounts::look_up_finds_any_number_of_ids_and_ignores_unknown_ones(store).await;
    accounts::only_raised_generations_count_as_changes(store).await;
    accounts::a_last_seen_time_never_goes_back(store).await;
    accounts::void_tickets_stay_void(store).await;
    accounts::concurrent_registrations_of_one_name_have_one_winner(store).await;
    accounts::concurrent_registrations_of_names_that_look_alike_have_one_winner(store).await;
    accounts::concurrent_changes_of_one_password_have_one_winner(store).await;
}

/// Asserts the rules of [`operator`] on an **empty** store, which is not the one that [`accounts_contract`] has used.
///
/// Makes about 60 password checks, so use a cheap hash.
///
/// # Panics
/// If the implementation violates the contract.
pub async fn operator_contract<A: Accounts + Operator>(store: &A) {
    operator::a_list_is_paged_by_rising_id(store).await;
    operator::a_name_that_looks_like_a_removed_one_is_taken(store).await;
    operator::a_freed_name_frees_the_names_that_look_like_it(store).await;
    operator::an_operator_sets_a_password_without_the_old_one(store).await;
    operator::only_the_right_password_reveals_that_an_account_is_disabled(store).await;
    operator::a_removed_name_stays_reserved_until_it_is_freed(store).await;
    operator::operations_on_an_unknown_name_fail(store).await;
    operator::look_up_finds_accounts_of_any_status(store).await;
    operator::a_new_status_counts_as_a_change(store).await;
    operator::a_raised_generation_leaves_tickets_void(store).await;
    operator::only_unused_accounts_are_deleted(store).await;
}
