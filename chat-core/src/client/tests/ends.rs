//! How it ends, and what the user asks for meanwhile.

use super::*;
use crate::wire::control::Ended;
use crate::wire::rejection::Rejection;

#[test]
fn leaving_works_in_every_state_and_says_so_once() {
    for (name, mut desk) in Desk::everywhere() {
        let expected: &[&str] = match name {
            "asking" | "loading" | "online" | "resuming" => &["leave", "left", "close"],
            "connecting" | "greeting" | "reconnecting" => &["left", "close"],
            "waiting" => &["left"],
            _ => &[],
        };
        assert_eq!(desk.input(Input::Leave), expected, "{name}");
        assert_eq!(desk.client.deadline(), None, "{name}");
        for input in [Input::Leave, Input::Disconnected, Input::Connected, Input::Tick, Input::Move(offer())] {
            assert_eq!(desk.input(input), [""; 0], "{name}");
        }
        assert_eq!(desk.hello(), [""; 0], "{name}");
    }
}

#[test]
fn a_replaced_or_kicked_client_does_not_come_back() {
    for (ended, told) in [(Ended::Replaced, "Ended(Replaced)"), (Ended::Kicked, "Ended(Kicked)")] {
        for mut desk in [Desk::online(&[]), Desk::loading(), Desk::resuming(&[])] {
            assert_eq!(desk.reply(&Reply::Ended(ended)), [told, "close"]);
            assert_eq!(desk.client.deadline(), None);
            assert_eq!(desk.input(Input::Tick), [""; 0]);
        }
    }
}

#[test]
fn a_ticket_that_is_worth_nothing_ends_the_machine() {
    let mut desk = Desk::resuming(&[entry("bob", 2)]);
    assert_eq!(desk.reply(&Reply::Rejected(Rejection::TicketRefused)), ["Rejected(TicketRefused)", "close"]);
    assert_eq!(desk.client.deadline(), None);
    let mut desk = Desk::resuming(&[]);
    assert_eq!(desk.reply(&Reply::Rejected(Rejection::Superseded)), ["Ended(Replaced)", "close"]);
    assert_eq!(desk.client.deadline(), None);
}

#[test]
fn a_server_that_was_updated_meanwhile_is_told() {
    let mut desk = Desk::waiting(&[]);
    desk.tick();
    desk.input(Input::Connected);
    let told = desk.input(Input::Frame(&Hello { low: 2, high: 2, features: 0 }.encode()));
    assert!(told[0].starts_with("NoCommonVersion"), "{told:?}");
    assert_eq!((&told[1..], desk.client.deadline()), (&["close".to_owned()][..], None));
}

#[test]
fn a_stopping_server_is_told_once_and_nobody_departs() {
    let mut desk = Desk::online(&[entry("bob", 2)]);
    assert_eq!(desk.reply(&Reply::Ended(Ended::Stopping)), ["server stopping", "reconnecting", "close"]);
    assert_eq!(desk.names(), ["bob"]);
    assert_eq!(desk.tick(), ["connect"]);
    assert_eq!(desk.input(Input::Disconnected), ["reconnecting"]);
}

#[test]
fn who_was_too_slow_comes_back_with_the_ticket() {
    let mut desk = Desk::online(&[entry("bob", 2)]);
    assert_eq!(desk.reply(&Reply::Ended(Ended::TooSlow)), ["reconnecting", "close"]);
    desk.come_back();
}

#[test]
fn a_change_of_password_is_answered_always_and_once() {
    let change = || Input::ChangePassword { old: password("correct horse"), new: password("battery staple") };
    let answers = [
        (Ok(()), "PasswordChange(Ok(()))"),
        (Err(Rejection::WrongCredentials), "PasswordChange(Err(Rejected(WrongCredentials)))"),
    ];
    for (answer, told) in answers {
        let mut desk = Desk::online(&[]);
        assert_eq!(desk.input(change()), ["change password correct horse battery staple"]);
        assert_eq!(desk.input(change()), ["PasswordChange(Err(InProgress))"]);
        assert_eq!(desk.reply(&Reply::PasswordChange(answer)), [told]);
        assert_eq!(desk.reply(&Reply::PasswordChange(answer)), ["reconnecting", "close"], "nobody asked again");
    }
    let mut desk = Desk::online(&[]);
    desk.input(change());
    assert_eq!(desk.input(Input::Disconnected), ["PasswordChange(Err(Unanswered))", "reconnecting"]);
    let mut desk = Desk::online(&[]);
    desk.input(change());
    assert_eq!(desk.input(Input::Leave), ["leave", "PasswordChange(Err(Unanswered))", "left", "close"]);
    for (name, mut desk) in Desk::everywhere() {
        if !matches!(name, "online" | "loading") {
            assert_eq!(desk.input(change()), ["PasswordChange(Err(NotConnected))"], "{name}");
        }
    }
}

#[test]
fn a_move_is_said_at_once_or_with_the_next_log_in() {
    let elsewhere = || Offer { port: 50_000, ..offer() };
    for (name, mut desk) in Desk::everywhere() {
        let expected: &[&str] = if matches!(name, "online" | "loading") { &["move 50000"] } else { &[] };
        assert_eq!(desk.input(Input::Move(elsewhere())), expected, "{name}");
        assert_eq!(desk.client.offer.port, 50_000, "{name}");
    }
    let mut many = offer();
    many.addresses = vec![many.addresses[0]; 9];
    let mut desk = Desk::online(&[]);
    desk.input(Input::Move(many));
    assert_eq!(desk.client.offer.addresses.len(), Offer::MAX_ADDRESSES);
}

#[test]
fn a_refused_move_leaves_the_addresses_before() {
    let mut desk = Desk::online(&[]);
    desk.input(Input::Move(Offer { port: 80, ..offer() }));
    assert_eq!(desk.reply(&Reply::Rejected(Rejection::Addresses)), ["MoveRejected(Addresses)"]);
    assert_eq!(desk.client.offer, offer());
    assert_eq!(desk.reply(&Reply::Rejected(Rejection::TooManyRequests)), ["reconnecting", "close"]);
}
