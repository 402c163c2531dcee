//! Unanswered registrations.

use super::*;
use crate::wire::rejection::Rejection;

/// Alice's client after it sent her registration.
fn registering() -> Harness {
    let mut harness = Harness::with_purpose(1, Purpose::Register);
    assert_eq!(harness.input(Input::Connected), ["hello"]);
    assert_eq!(harness.hello(), ["register alice correct horse"]);
    harness
}

/// The same after its connection broke and it has sent the registration again.
fn repeating() -> Harness {
    let mut harness = registering();
    assert_eq!(harness.input(Input::Disconnected), ["unanswered"]);
    repeat(&mut harness);
    harness
}

fn repeat(harness: &mut Harness) {
    assert_eq!(harness.tick(), ["connect"]);
    assert_eq!(harness.input(Input::Connected), ["hello"]);
    assert_eq!(harness.hello(), ["register alice correct horse"]);
}

fn rejected(rejection: Rejection) -> Reply {
    Reply::Rejected(rejection)
}

#[test]
fn a_registration_that_did_not_arrive_succeeds_when_it_is_repeated() {
    let mut harness = repeating();
    assert_eq!(harness.welcome(WelcomeKind::LoggedIn, 0), ["welcome LoggedIn own key", "heartbeat 1"]);
}

#[test]
fn a_client_recognises_the_account_that_its_own_registration_created() {
    for rejection in [
        Rejection::NameTaken,
        Rejection::RegistrationClosed,
        Rejection::NotInvited,
        Rejection::AccountsFull,
        Rejection::too_many_registrations(Duration::from_secs(9)),
    ] {
        let mut harness = repeating();
        assert_eq!(harness.reply(&rejected(rejection)), ["login alice correct horse"], "{rejection:?}");
        assert_eq!(harness.millis_to_deadline(), 20_000, "the login has its own timeout");
        assert_eq!(harness.welcome(WelcomeKind::LoggedIn, 0), ["welcome LoggedIn own key", "heartbeat 1"]);
    }
}

#[test]
fn a_registration_that_a_server_refuses_without_its_storage_has_created_nothing() {
    let mut harness = Harness::with(1, Purpose::Register, ClientConfig { other_servers: 1, ..ClientConfig::default() });
    harness.input(Input::Connected);
    harness.hello();
    assert_eq!(harness.reply(&rejected(Rejection::StorageUnavailable)), ["trying elsewhere", "close"]);
    repeat(&mut harness);
    let taken = harness.reply(&rejected(Rejection::NameTaken));
    assert_eq!(taken, ["Rejected(NameTaken)", "close"], "the account belongs to somebody else, whatever its password");
}

#[test]
fn a_name_that_another_client_registered_is_taken() {
    let mut harness = repeating();
    harness.reply(&rejected(Rejection::NameTaken));
    assert_eq!(harness.reply(&rejected(Rejection::WrongCredentials)), ["Rejected(NameTaken)", "close"]);
    assert_eq!(harness.client.deadline(), None);
}

#[test]
fn only_a_repeated_registration_tries_the_password() {
    assert_eq!(registering().reply(&rejected(Rejection::NameTaken)), ["Rejected(NameTaken)", "close"]);
    let mut harness = Harness::with_purpose(1, Purpose::Register);
    assert_eq!(harness.input(Input::Disconnected), ["Failed(Disconnected)"], "no registration was sent");
}

#[test]
fn a_login_that_stays_without_an_answer_begins_again_with_the_registration() {
    let mut harness = repeating();
    harness.reply(&rejected(Rejection::NameTaken));
    assert_eq!(harness.input(Input::Disconnected), ["unanswered"]);
    repeat(&mut harness);
    harness.reply(&rejected(Rejection::NameTaken));
    assert_eq!(harness.reply(&rejected(Rejection::busy(Duration::from_secs(2)))), ["unanswered", "close"]);
    repeat(&mut harness);
    assert_eq!(harness.tick(), ["unanswered", "close"], "after the timeout of a reply");
}

#[test]
fn a_registration_without_an_answer_is_repeated_for_a_minute() {
    let mut harness = registering();
    let begin = harness.now().mono;
    let mut lines = harness.input(Input::Disconnected);
    while lines == ["unanswered"] {
        assert_eq!(harness.tick(), ["connect"]);
        lines = harness.input(Input::Disconnected);
    }
    assert_eq!(lines, ["Failed(RegistrationUnanswered)"]);
    let elapsed = harness.now().mono.since(begin);
    assert!((60..91).contains(&elapsed.as_secs()), "{elapsed:?}");
    assert_eq!(harness.client.deadline(), None);
}

#[test]
fn a_client_whose_registration_has_no_answer_can_leave() {
    let mut harness = registering();
    harness.input(Input::Disconnected);
    assert_eq!(harness.input(Input::Leave), ["left"]);
}
