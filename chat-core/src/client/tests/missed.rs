//! Coming back to a server that sends what was missed instead of a copy, or says so.

use super::*;
use crate::extras::Extra;

/// What the client says about its copy when it comes back.
fn said(desk: &mut Desk) -> Option<(u64, u64)> {
    desk.come_back();
    desk.said.map(|step| (step.epoch.get(), step.revision.get()))
}

#[test]
fn what_was_missed_is_told_change_by_change() {
    let mut desk = Desk::waiting(&[entry("bob", 2), entry("carol", 3)]);
    assert_eq!(said(&mut desk), Some((1, 10)));
    assert_eq!(desk.welcome_back(1, 13), ["welcome Continued own key", "beat 1"]);
    assert_eq!(desk.reply(&update(1, 10, vec![offline("bob", OfflineReason::Asked)])), ["offline bob asked"]);
    let changes = vec![Change::Online(entry("dave", 4)), offline("dave", OfflineReason::Kicked)];
    assert_eq!(desk.reply(&update(1, 11, changes)), ["online dave 4", "offline dave kicked", "reconnected"]);
    assert_eq!(desk.names(), ["carol"]);
    assert_eq!(desk.reply(&update(1, 13, vec![moved("carol", "10.0.0.3:5000")])), ["moved carol 10.0.0.3:5000"]);
    assert_eq!(desk.due_in(), 10_000, "nothing but the next heartbeat is waited for");
}

#[test]
fn who_missed_nothing_is_in_step_at_once() {
    let mut desk = Desk::resuming(&[entry("bob", 2)]);
    assert_eq!(desk.welcome_back(1, 10), ["welcome Continued own key", "beat 1", "reconnected"]);
    assert_eq!(desk.reply(&update(1, 10, vec![offline("bob", OfflineReason::Lost)])), ["offline bob lost"]);
}

#[test]
fn what_all_are_told_meanwhile_may_reach_beyond_what_was_missed() {
    let mut desk = Desk::resuming(&[entry("bob", 2)]);
    desk.welcome_back(1, 11);
    let changes = vec![Change::Online(entry("carol", 3)), Change::Online(entry("dave", 4))];
    assert_eq!(desk.reply(&update(1, 10, changes)), ["online carol 3", "online dave 4", "reconnected"]);
    assert_eq!(desk.reply(&update(1, 12, vec![offline("dave", OfflineReason::Lost)])), ["offline dave lost"]);
}

#[test]
fn only_a_whole_copy_is_spoken_of_and_as_far_as_it_is() {
    let mut desk = Desk::loading();
    desk.reply(&Reply::SnapshotPage(vec![entry("bob", 2)]));
    desk.input(Input::Disconnected);
    assert_eq!(said(&mut desk), None, "the first never became whole");
    desk.welcome(WelcomeKind::Continued, 0);
    desk.copy(&[entry("bob", 2)], complete(1, 10));
    desk.reply(&update(1, 10, vec![Change::Online(entry("carol", 3))]));
    desk.input(Input::Disconnected);
    assert_eq!(desk.tick(), ["connect"]);
    assert_eq!(desk.input(Input::Disconnected), ["reconnecting"], "an attempt that comes to nothing");
    assert_eq!(said(&mut desk), Some((1, 11)));

    // Half of what was missed is better than nothing.
    desk.welcome_back(1, 13);
    desk.reply(&update(1, 11, vec![Change::Online(entry("dave", 4))]));
    desk.input(Input::Disconnected);
    assert_eq!(said(&mut desk), Some((1, 12)));

    // A copy that was asked for makes it doubtful what is shown.
    desk.welcome_back(1, 12);
    assert_eq!(desk.reply(&update(1, 20, vec![])), ["refresh"]);
    desk.input(Input::Disconnected);
    assert_eq!(said(&mut desk), None);
}

#[test]
fn a_server_that_sends_a_copy_all_the_same_is_believed() {
    let mut desk = Desk::resuming(&[entry("bob", 2), entry("carol", 3)]);
    desk.welcome(WelcomeKind::Continued, 0);
    assert_eq!(desk.copy(&[entry("carol", 3)], complete(1, 15)), ["offline bob lost", "reconnected"], "an old one");
    desk.input(Input::Disconnected);
    assert_eq!(said(&mut desk), Some((1, 15)));
    desk.welcome_back(1, 17);
    assert_eq!(desk.copy(&[entry("dave", 4)], complete(1, 18)), ["offline carol lost", "online dave 4", "reconnected"]);
    assert_eq!(desk.reply(&update(1, 18, vec![offline("dave", OfflineReason::Asked)])), ["offline dave asked"]);
}

#[test]
fn what_does_not_go_on_from_our_copy_asks_for_another() {
    for wrong in
        [update(1, 11, vec![Change::Online(entry("eve", 5))]), update(2, 10, vec![offline("bob", OfflineReason::Lost)])]
    {
        let mut desk = Desk::resuming(&[entry("bob", 2)]);
        desk.welcome_back(1, 12);
        assert_eq!(desk.reply(&wrong), ["refresh"]);
        assert_eq!(desk.names(), ["bob"], "nothing of it is believed");
        assert_eq!(
            desk.copy(&[entry("carol", 3)], complete(1, 12)),
            ["offline bob lost", "online carol 3", "reconnected"]
        );
    }
    // What is known already is not made twice.
    let mut desk = Desk::resuming(&[entry("bob", 2)]);
    desk.welcome_back(1, 12);
    assert_eq!(desk.reply(&update(1, 5, vec![offline("bob", OfflineReason::Asked)])), [""; 0]);
    let changes =
        vec![offline("bob", OfflineReason::Asked), Change::Online(entry("carol", 3)), moved("bob", "10.0.0.2:5000")];
    assert_eq!(desk.reply(&update(1, 9, changes)), ["online carol 3", "moved bob 10.0.0.2:5000", "reconnected"]);
}

#[test]
fn a_welcome_that_goes_on_from_another_roster_is_refused() {
    for (epoch, to) in [(2, 10), (1, 9), (1, 0), (0, u64::MAX)] {
        let mut desk = Desk::resuming(&[entry("bob", 2)]);
        assert_eq!(desk.welcome_back(epoch, to), ["reconnecting", "close"], "{epoch} {to}");
        assert_eq!(desk.names(), ["bob"], "what is shown is as it was");
        assert_eq!(said(&mut desk), None, "and a whole copy gets out of it");
    }
    for value in [vec![], vec![0xff; 30], vec![1, 10, 0]] {
        let mut desk = Desk::resuming(&[entry("bob", 2)]);
        let welcome = desk.welcome_for(Greeting { kind: WelcomeKind::Continued, settling_ms: 0 });
        let extras = [Extra { tag: DELTA, value: value.clone() }].into_iter().collect();
        assert_eq!(desk.reply(&Reply::Welcome(Welcome { extras, ..welcome })), ["reconnecting", "close"], "{value:?}");
    }
    let mut desk = Desk::asking();
    let welcome = desk.welcome_for(Greeting { kind: WelcomeKind::LoggedIn, settling_ms: 0 });
    let missed = RosterVersion { epoch: Epoch::new(1), revision: Revision::new(0) };
    let extras = [version_extra(DELTA, missed)].into_iter().collect();
    assert_eq!(desk.reply(&Reply::Welcome(Welcome { extras, ..welcome })), ["protocol", "close"], "there is no roster");
}

#[test]
fn who_cannot_understand_what_it_missed_asks_for_a_whole_copy_instead() {
    // A change of a kind that a later version may bring, and one that breaks a rule.
    let unknown = [&bytes(&update(1, 10, vec![]))[..3], &[11, 1, 7, 9]].concat();
    let homeless = Entry { addresses: vec![], ..entry("carol", 3) };
    for frame in [unknown, bytes(&update(1, 10, vec![Change::Online(homeless)]))] {
        let mut desk = Desk::resuming(&[entry("bob", 2)]);
        desk.welcome_back(1, 11);
        assert_eq!(desk.input(Input::Frame(&frame)), ["reconnecting", "close"]);
        assert_eq!(said(&mut desk), None, "or it would be sent the same again, for ever");
        desk.welcome(WelcomeKind::Continued, 0);
        assert_eq!(desk.copy(&[entry("bob", 2)], complete(1, 11)), ["reconnected"]);
    }
}

#[test]
fn a_server_that_owes_what_was_missed_is_left_unless_it_answers_heartbeats() {
    let mut desk = Desk::resuming(&[entry("bob", 2)]);
    desk.welcome_back(1, 12);
    desk.pass(15_000);
    assert_eq!(desk.reply(&update(1, 10, vec![Change::Online(entry("carol", 3))])), ["online carol 3"]);
    assert_eq!(desk.input(Input::Tick), ["beat 2"]);
    desk.tick();
    desk.reply(&Reply::Ticket(vec![1, 2, 3]));
    assert_eq!(desk.due_in(), 10_000, "20 s after the last update");
    assert_eq!(desk.tick(), ["reconnecting", "close"]);
    assert_eq!(said(&mut desk), Some((1, 11)));

    desk.welcome_back(1, 12);
    desk.pass(15_000);
    desk.input(Input::Tick);
    desk.reply(&Reply::Heartbeat { number: 2, at: Timestamp::from_millis(1) });
    desk.pass(10_000);
    assert_eq!(desk.input(Input::Tick), ["beat 3"], "25 s after the welcome");
}

#[test]
fn those_in_doubt_after_a_restart_stay_in_doubt_over_a_break() {
    let mut desk = Desk::resuming(&[entry("bob", 2), entry("carol", 3), entry("dave", 4)]);
    desk.welcome(WelcomeKind::Continued, 8_000);
    assert_eq!(desk.copy(&[], complete(2, 1)), ["reconnected"]);
    desk.input(Input::Disconnected);
    assert_eq!(said(&mut desk), Some((2, 1)));
    // Settling is over meanwhile, and only what was missed tells who has come back.
    desk.welcome_back(2, 3);
    assert_eq!(desk.due_in(), 10_000);
    assert_eq!(desk.tick(), ["beat 2"], "nobody is lost before that");
    let changes = vec![Change::Online(entry("bob", 2)), Change::Online(entry("carol", 9))];
    assert_eq!(desk.reply(&update(2, 1, changes)), ["replaced carol 9", "offline dave lost", "reconnected"]);
    assert_eq!(desk.names(), ["bob", "carol"]);
}

#[test]
fn who_missed_nothing_is_told_the_end_of_settling_when_it_has_come() {
    let mut desk = Desk::resuming(&[entry("bob", 2)]);
    desk.welcome(WelcomeKind::Continued, 8_000);
    assert_eq!(desk.copy(&[], complete(2, 1)), ["reconnected"]);
    desk.input(Input::Disconnected);
    desk.come_back();
    let Reply::Welcome(welcome) = desk.continued(Some((2, 1))) else { unreachable!() };
    let lines = desk.reply(&Reply::Welcome(Welcome { settling_ms: 3_000, ..welcome }));
    assert_eq!(lines, ["welcome Continued own key", "beat 1", "reconnected"]);
    assert_eq!((desk.names(), desk.due_in()), (vec!["bob"], 3_000));
    assert_eq!(desk.tick(), ["offline bob lost"]);
}
