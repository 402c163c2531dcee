//! The ways in which the machine ends, and the user's commands.

use super::*;
use crate::wire::control::Ended;
use crate::wire::rejection::Rejection;

#[test]
fn leaving_ends_the_machine_once_in_every_state() {
    for (name, mut harness) in Harness::in_every_state() {
        let expected: &[&str] = match name {
            "logging in" | "loading" | "online" | "resuming" => &["leave", "left", "close"],
            "connecting" | "handshaking" | "reconnecting" => &["left", "close"],
            "waiting" => &["left"],
            _ => &[],
        };
        assert_eq!(harness.input(Input::Leave), expected, "{name}");
        assert_eq!(harness.client.deadline(), None, "{name}");
        for input in [Input::Leave, Input::Disconnected, Input::Connected, Input::Tick, Input::Move(offer())] {
            assert_eq!(harness.input(input), [""; 0], "{name}");
        }
        assert_eq!(harness.hello(), [""; 0], "{name}");
    }
}

#[test]
fn a_replaced_or_kicked_client_does_not_come_back() {
    for (ended, lines) in [(Ended::Replaced, "Ended(Replaced)"), (Ended::Kicked, "Ended(Kicked)")] {
        for mut harness in [Harness::online(&[]), Harness::loading(), Harness::resuming(&[])] {
            assert_eq!(harness.reply(&Reply::Ended(ended)), [lines, "close"]);
            assert_eq!(harness.client.deadline(), None);
            assert_eq!(harness.input(Input::Tick), [""; 0]);
        }
    }
}

#[test]
fn a_rejected_ticket_ends_the_machine() {
    let mut harness = Harness::resuming(&[entry("bob", 2)]);
    assert_eq!(harness.reply(&Reply::Rejected(Rejection::TicketRefused)), ["Rejected(TicketRefused)", "close"]);
    assert_eq!(harness.client.deadline(), None);
    let mut harness = Harness::resuming(&[]);
    assert_eq!(harness.reply(&Reply::Rejected(Rejection::Superseded)), ["Ended(Replaced)", "close"]);
    assert_eq!(harness.client.deadline(), None);
}

#[test]
fn an_incompatible_server_after_a_reconnect_ends_the_machine() {
    let mut harness = Harness::waiting(&[]);
    harness.tick();
    harness.input(Input::Connected);
    let lines = harness.input(Input::Frame(&Hello { low: 2, high: 2, features: 0 }.encode()));
    assert!(lines[0].starts_with("NoCommonVersion"), "{lines:?}");
    assert_eq!((&lines[1..], harness.client.deadline()), (&["close".to_owned()][..], None));
}

#[test]
fn a_stopping_server_is_reported_once_and_the_roster_stays() {
    let mut harness = Harness::online(&[entry("bob", 2)]);
    assert_eq!(harness.reply(&Reply::Ended(Ended::Stopping)), ["server stopping", "reconnecting", "close"]);
    assert_eq!(harness.names(), ["bob"]);
    assert_eq!(harness.tick(), ["connect"]);
    assert_eq!(harness.input(Input::Disconnected), ["reconnecting"]);
}

#[test]
fn a_client_that_was_too_slow_resumes_with_its_ticket() {
    let mut harness = Harness::online(&[entry("bob", 2)]);
    assert_eq!(harness.reply(&Reply::Ended(Ended::TooSlow)), ["reconnecting", "close"]);
    harness.reconnect();
}

#[test]
fn every_password_change_is_answered_exactly_once() {
    let change = || Input::ChangePassword { old: password("correct horse"), new: password("battery staple") };
    let answers = [
        (Ok(()), "PasswordChange(Ok(()))"),
        (Err(Rejection::WrongCredentials), "PasswordChange(Err(Rejected(WrongCredentials)))"),
    ];
    for (answer, lines) in answers {
        let mut harness = Harness::online(&[]);
        assert_eq!(harness.input(change()), ["change password correct horse battery staple"]);
        assert_eq!(harness.input(change()), ["PasswordChange(Err(InProgress))"]);
        assert_eq!(harness.reply(&Reply::PasswordChange(answer)), [lines]);
        assert_eq!(
            harness.reply(&Reply::PasswordChange(answer)),
            ["reconnecting", "close"],
            "an answer without a request"
        );
    }
    let mut harness = Harness::online(&[]);
    harness.input(change());
    assert_eq!(harness.input(Input::Disconnected), ["PasswordChange(Err(Unanswered))", "reconnecting"]);
    let mut harness = Harness::online(&[]);
    harness.input(change());
    assert_eq!(harness.input(Input::Leave), ["leave", "PasswordChange(Err(Unanswered))", "left", "close"]);
    for (name, mut harness) in Harness::in_every_state() {
        if !matches!(name, "online" | "loading") {
            assert_eq!(harness.input(change()), ["PasswordChange(Err(NotConnected))"], "{name}");
        }
    }
}

#[test]
fn a_move_is_sent_immediately_or_with_the_next_login() {
    let elsewhere = || Offer { port: 50_000, ..offer() };
    for (name, mut harness) in Harness::in_every_state() {
        let expected: &[&str] = if matches!(name, "online" | "loading") { &["move 50000"] } else { &[] };
        assert_eq!(harness.input(Input::Move(elsewhere())), expected, "{name}");
        assert_eq!(harness.client.offer.port, 50_000, "{name}");
    }
    let mut many = offer();
    many.addresses = vec![many.addresses[0]; 9];
    let mut harness = Harness::online(&[]);
    harness.input(Input::Move(many));
    assert_eq!(harness.client.offer.addresses.len(), Offer::MAX_ADDRESSES);
}

#[test]
fn a_rejected_move_restores_the_previous_addresses() {
    let mut harness = Harness::online(&[]);
    harness.input(Input::Move(Offer { port: 80, ..offer() }));
    assert_eq!(harness.reply(&Reply::Rejected(Rejection::Addresses)), ["MoveRejected(Addresses)"]);
    assert_eq!(harness.client.offer, offer());
    assert_eq!(harness.reply(&Reply::Rejected(Rejection::TooManyRequests)), ["reconnecting", "close"]);
}
