//! The first log-in: how it goes well, and each way in which it does not.

use std::time::Duration;

use super::*;
use crate::wire::control::Ended;
use crate::wire::rejection::Rejection;

#[test]
fn a_log_in_goes_from_hello_to_the_complete_roster() {
    let mut desk = Desk::new(1);
    assert_eq!(desk.input(Input::Connected), ["hello"]);
    assert_eq!(desk.hello(), ["enter alice correct horse"]);
    assert_eq!(desk.welcome(WelcomeKind::LoggedIn, 0), ["welcome LoggedIn own key", "beat 1"]);
    assert_eq!(desk.client.roster().len(), 0);
    assert_eq!(desk.reply(&Reply::SnapshotPage(vec![entry("bob", 2), entry("Alice", 7)])), [""; 0]);
    assert_eq!(desk.reply(&Reply::SnapshotPage(vec![entry("小明", 3)])), [""; 0]);
    assert_eq!(desk.client.roster().len(), 0, "a copy counts when it is complete");
    assert_eq!(desk.reply(&complete(1, 5)), ["online"]);
    assert_eq!(desk.names(), ["bob", "小明"], "oneself is not in it");
}

#[test]
fn a_copy_without_a_page_is_that_of_nobody() {
    let mut desk = Desk::loading();
    assert_eq!(desk.reply(&complete(1, 1)), ["online"]);
    assert_eq!(desk.client.roster().len(), 0);
}

#[test]
fn a_rejection_is_told_and_ends_the_machine_even_if_it_could_be_tried_again() {
    for (rejection, told) in [
        (Rejection::WrongCredentials, "Rejected(WrongCredentials)"),
        (Rejection::NameTaken, "Rejected(NameTaken)"),
        (Rejection::RegistrationClosed, "Rejected(RegistrationClosed)"),
        (Rejection::slow_down(Duration::from_secs(2)), "Rejected(SlowDown { retry_after_ms: 2000 })"),
        (Rejection::Full, "Rejected(Full)"),
    ] {
        let mut desk = Desk::asking();
        assert_eq!(desk.reply(&Reply::Rejected(rejection)), [told, "close"]);
        assert_eq!(desk.client.deadline(), None);
    }
}

#[test]
fn a_server_that_is_busy_is_asked_again_after_the_pause_it_wants_and_not_for_ever() {
    let mut desk = Desk::asking();
    let busy = Reply::Rejected(Rejection::busy(Duration::from_secs(20)));
    let mut times = 0;
    while desk.client.deadline().is_some() && desk.now().mono < Mono::at(Duration::from_mins(10)) {
        let told = desk.reply(&busy);
        if told != ["busy", "close"] {
            assert_eq!(told, ["Rejected(Busy { retry_after_ms: 20000 })", "close"]);
            break;
        }
        assert!((20_000..=40_000).contains(&desk.due_in()), "{}", desk.due_in());
        assert_eq!(desk.tick(), ["connect"]);
        assert_eq!(desk.input(Input::Connected), ["hello"]);
        assert_eq!(desk.hello(), ["enter alice correct horse"], "the password is kept");
        times += 1;
    }
    assert!((4..10).contains(&times), "{times}");
    assert_eq!(desk.client.deadline(), None);
}

#[test]
fn who_waits_for_a_busy_server_may_leave() {
    let mut desk = Desk::asking();
    desk.reply(&Reply::Rejected(Rejection::busy(Duration::from_secs(2))));
    assert_eq!(desk.input(Input::Disconnected), [""; 0]);
    assert_eq!(desk.input(Input::Leave), ["left"]);
    assert_eq!(desk.client.deadline(), None);
}

#[test]
fn a_server_that_answers_heartbeats_may_take_its_time_for_the_roster_but_not_for_ever() {
    let mut desk = Desk::loading();
    let mut waited = 0;
    let told = loop {
        waited += desk.due_in();
        let told = desk.tick();
        let Some(number) = told.first().and_then(|line| line.strip_prefix("beat ")) else { break told };
        desk.reply(&Reply::Heartbeat { number: number.parse().unwrap(), at: Timestamp::from_millis(5) });
    };
    assert_eq!(told, ["reconnecting", "close"]);
    assert!((300_000..330_000).contains(&waited), "{waited}");
}

#[test]
fn a_server_that_stops_during_log_in_is_told_and_ends_the_machine() {
    let mut desk = Desk::asking();
    assert_eq!(desk.reply(&Reply::Ended(Ended::Stopping)), ["Ended(Stopping)", "close"]);
    assert_eq!(desk.client.deadline(), None);
}

#[test]
fn no_common_version_is_told_with_both_ranges_and_no_password_is_sent() {
    let theirs = Hello { low: 7, high: 9, features: 0 };
    let mut desk = Desk::greeting();
    let told = desk.input(Input::Frame(&theirs.encode()));
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("NoCommonVersion") && told[0].contains("low: 7"), "{told:?}");
    assert_eq!(told[1], "close");
    assert_eq!(desk.client.deadline(), None);
}

#[test]
fn features_that_we_do_not_know_and_versions_beyond_ours_are_fine() {
    let theirs = Hello { low: 1, high: 9, features: u64::MAX };
    assert_eq!(Desk::greeting().input(Input::Frame(&theirs.encode())), ["enter alice correct horse"]);
}

#[test]
fn without_a_connection_the_first_log_in_ends_and_is_not_tried_again() {
    for mut desk in [Desk::new(1), Desk::greeting(), Desk::asking()] {
        assert_eq!(desk.input(Input::Disconnected), ["Failed(Disconnected)"]);
        assert_eq!(desk.client.deadline(), None);
        assert_eq!(desk.input(Input::Connected), [""; 0]);
    }
}

#[test]
fn every_step_of_the_first_log_in_has_its_time() {
    for (mut desk, due, told) in [
        (Desk::new(1), 10_000, "Failed(ConnectTimedOut)"),
        (Desk::greeting(), 20_000, "Failed(AnswerTimedOut)"),
        (Desk::asking(), 20_000, "Failed(AnswerTimedOut)"),
    ] {
        assert_eq!(desk.due_in(), due);
        desk.pass(due - 1);
        assert_eq!(desk.input(Input::Tick), [""; 0]);
        desk.pass(1);
        assert_eq!(desk.input(Input::Tick), [told, "close"]);
    }
}

#[test]
fn after_the_welcome_a_break_is_repaired_even_before_the_first_roster() {
    let mut desk = Desk::loading();
    assert_eq!(desk.input(Input::Disconnected), ["reconnecting"]);
    desk.come_back();
    assert_eq!(desk.welcome(WelcomeKind::Continued, 0), ["welcome Continued own key", "beat 1"]);
    assert_eq!(desk.copy(&[entry("bob", 2)], complete(1, 5)), ["online", "reconnected"]);
}

#[test]
fn a_welcome_that_does_not_fit_is_no_welcome() {
    type Spoil = fn(&mut Welcome);
    let spoils: [(&str, Spoil); 7] = [
        ("continued", |welcome| welcome.kind = WelcomeKind::Continued),
        ("fresh", |welcome| welcome.kind = WelcomeKind::Fresh),
        ("another key", |welcome| welcome.entry.key = PublicKey::new([9; 32])),
        ("another user", |welcome| welcome.entry.user = "bob".parse().unwrap()),
        ("no address", |welcome| welcome.entry.addresses.clear()),
        ("no ticket", |welcome| welcome.ticket.clear()),
        ("a ticket that cannot be sent back", |welcome| welcome.ticket = vec![0; 513]),
    ];
    for (name, spoil) in spoils {
        let mut desk = Desk::asking();
        let mut welcome = desk.welcome_for(Greeting { kind: WelcomeKind::LoggedIn, settling_ms: 0 });
        spoil(&mut welcome);
        assert_eq!(desk.reply(&Reply::Welcome(welcome)), ["protocol", "close"], "{name}");
        assert_eq!(desk.client.deadline(), None, "{name}");
    }
}

#[test]
fn the_password_is_gone_after_the_welcome_and_secrets_are_never_printed() {
    let desk = Desk::asking();
    assert!(matches!(&desk.client.state, super::super::state::State::Asking { pass, .. }
        if matches!(pass, super::super::state::Pass::Password(_))));
    assert!(!format!("{:?}", desk.client).contains("horse"));
    let desk = Desk::online(&[]);
    assert!(matches!(&desk.client.state, super::super::state::State::Online(_)), "which has no place for one");

    let login = Credentials {
        user: "alice".parse().unwrap(),
        password: password("correct horse"),
        purpose: Purpose::Login,
        invitation: None,
    };
    let enter = super::super::requests::enter(&login, &offer(), PublicKey::new([1; 32]));
    let input = Input::ChangePassword { old: password("correct horse"), new: password("correct horse") };
    for printed in [format!("{:?}", Output::Send(enter)), format!("{login:?}"), format!("{input:?}")] {
        assert!(!printed.contains("horse"), "{printed}");
    }
    assert_eq!(format!("{:?}", Input::Frame(&[1, 2, 3])), "Frame(3 bytes)");
}
