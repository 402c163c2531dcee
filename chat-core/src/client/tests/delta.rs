//! Resuming with a delta instead of a snapshot.

use super::*;
use crate::extras::Extra;

/// Reconnects and returns the roster version in the resume request.
fn known_version(harness: &mut Harness) -> Option<(u64, u64)> {
    harness.reconnect();
    harness.known_version.map(|step| (step.epoch.get(), step.revision.get()))
}

#[test]
fn a_delta_is_reported_change_by_change() {
    let mut harness = Harness::waiting(&[entry("bob", 2), entry("carol", 3)]);
    assert_eq!(known_version(&mut harness), Some((1, 10)));
    assert_eq!(harness.welcome_with_delta(1, 13), ["welcome Continued own key", "heartbeat 1"]);
    assert_eq!(harness.reply(&update(1, 10, vec![offline("bob", OfflineReason::Asked)])), ["offline bob asked"]);
    let changes = vec![Change::Online(entry("dave", 4)), offline("dave", OfflineReason::Kicked)];
    assert_eq!(harness.reply(&update(1, 11, changes)), ["online dave 4", "offline dave kicked", "reconnected"]);
    assert_eq!(harness.names(), ["carol"]);
    assert_eq!(harness.reply(&update(1, 13, vec![moved("carol", "10.0.0.3:5000")])), ["moved carol 10.0.0.3:5000"]);
    assert_eq!(harness.millis_to_deadline(), 10_000, "only the next heartbeat is due");
}

#[test]
fn a_client_that_missed_nothing_is_in_sync_immediately() {
    let mut harness = Harness::resuming(&[entry("bob", 2)]);
    assert_eq!(harness.welcome_with_delta(1, 10), ["welcome Continued own key", "heartbeat 1", "reconnected"]);
    assert_eq!(harness.reply(&update(1, 10, vec![offline("bob", OfflineReason::Lost)])), ["offline bob lost"]);
}

#[test]
fn an_update_may_extend_beyond_the_delta() {
    let mut harness = Harness::resuming(&[entry("bob", 2)]);
    harness.welcome_with_delta(1, 11);
    let changes = vec![Change::Online(entry("carol", 3)), Change::Online(entry("dave", 4))];
    assert_eq!(harness.reply(&update(1, 10, changes)), ["online carol 3", "online dave 4", "reconnected"]);
    assert_eq!(harness.reply(&update(1, 12, vec![offline("dave", OfflineReason::Lost)])), ["offline dave lost"]);
}

#[test]
fn a_resume_states_the_version_of_a_complete_roster_only() {
    let mut harness = Harness::loading();
    harness.reply(&Reply::SnapshotPage(vec![entry("bob", 2)]));
    harness.input(Input::Disconnected);
    assert_eq!(known_version(&mut harness), None, "the first snapshot was never complete");
    harness.welcome(WelcomeKind::Continued, 0);
    harness.snapshot(&[entry("bob", 2)], complete(1, 10));
    harness.reply(&update(1, 10, vec![Change::Online(entry("carol", 3))]));
    harness.input(Input::Disconnected);
    assert_eq!(harness.tick(), ["connect"]);
    assert_eq!(harness.input(Input::Disconnected), ["reconnecting"], "a failed attempt");
    assert_eq!(known_version(&mut harness), Some((1, 11)));

    // The part of a delta that arrived counts.
    harness.welcome_with_delta(1, 13);
    harness.reply(&update(1, 11, vec![Change::Online(entry("dave", 4))]));
    harness.input(Input::Disconnected);
    assert_eq!(known_version(&mut harness), Some((1, 12)));

    // A requested snapshot means that the roster has a gap.
    harness.welcome_with_delta(1, 12);
    assert_eq!(harness.reply(&update(1, 20, vec![])), ["refresh"]);
    harness.input(Input::Disconnected);
    assert_eq!(known_version(&mut harness), None);
}

#[test]
fn a_snapshot_is_accepted_in_place_of_a_delta() {
    let mut harness = Harness::resuming(&[entry("bob", 2), entry("carol", 3)]);
    harness.welcome(WelcomeKind::Continued, 0);
    assert_eq!(
        harness.snapshot(&[entry("carol", 3)], complete(1, 15)),
        ["offline bob lost", "reconnected"],
        "an older server"
    );
    harness.input(Input::Disconnected);
    assert_eq!(known_version(&mut harness), Some((1, 15)));
    harness.welcome_with_delta(1, 17);
    assert_eq!(
        harness.snapshot(&[entry("dave", 4)], complete(1, 18)),
        ["offline carol lost", "online dave 4", "reconnected"]
    );
    assert_eq!(harness.reply(&update(1, 18, vec![offline("dave", OfflineReason::Asked)])), ["offline dave asked"]);
}

#[test]
fn an_update_with_a_gap_requests_a_snapshot() {
    for wrong in
        [update(1, 11, vec![Change::Online(entry("eve", 5))]), update(2, 10, vec![offline("bob", OfflineReason::Lost)])]
    {
        let mut harness = Harness::resuming(&[entry("bob", 2)]);
        harness.welcome_with_delta(1, 12);
        assert_eq!(harness.reply(&wrong), ["refresh"]);
        assert_eq!(harness.names(), ["bob"], "the update is not applied");
        assert_eq!(
            harness.snapshot(&[entry("carol", 3)], complete(1, 12)),
            ["offline bob lost", "online carol 3", "reconnected"]
        );
    }
    // Changes that are known already are not applied twice.
    let mut harness = Harness::resuming(&[entry("bob", 2)]);
    harness.welcome_with_delta(1, 12);
    assert_eq!(harness.reply(&update(1, 5, vec![offline("bob", OfflineReason::Asked)])), [""; 0]);
    let changes =
        vec![offline("bob", OfflineReason::Asked), Change::Online(entry("carol", 3)), moved("bob", "10.0.0.2:5000")];
    assert_eq!(harness.reply(&update(1, 9, changes)), ["online carol 3", "moved bob 10.0.0.2:5000", "reconnected"]);
}

#[test]
fn a_delta_from_another_version_is_refused() {
    for (epoch, to) in [(2, 10), (1, 9), (1, 0), (0, u64::MAX)] {
        let mut harness = Harness::resuming(&[entry("bob", 2)]);
        assert_eq!(harness.welcome_with_delta(epoch, to), ["reconnecting", "close"], "{epoch} {to}");
        assert_eq!(harness.names(), ["bob"], "the roster is unchanged");
        assert_eq!(known_version(&mut harness), None, "the next connection begins with a snapshot");
    }
    for value in [vec![], vec![0xff; 30], vec![1, 10, 0]] {
        let mut harness = Harness::resuming(&[entry("bob", 2)]);
        let welcome = harness.welcome_for(WelcomeOptions { kind: WelcomeKind::Continued, settling_ms: 0 });
        let extras = [Extra { tag: DELTA, value: value.clone() }].into_iter().collect();
        assert_eq!(
            harness.reply(&Reply::Welcome(Welcome { extras, ..welcome })),
            ["reconnecting", "close"],
            "{value:?}"
        );
    }
    let mut harness = Harness::logging_in();
    let welcome = harness.welcome_for(WelcomeOptions { kind: WelcomeKind::LoggedIn, settling_ms: 0 });
    let missed = RosterVersion { epoch: Epoch::new(1), revision: Revision::new(0) };
    let extras = [version_extra(DELTA, missed)].into_iter().collect();
    assert_eq!(
        harness.reply(&Reply::Welcome(Welcome { extras, ..welcome })),
        ["protocol", "close"],
        "there is no roster to continue"
    );
}

#[test]
fn after_an_invalid_delta_the_next_connection_begins_with_a_snapshot() {
    // An unknown kind of change, and an entry without an address.
    let unknown = [&bytes(&update(1, 10, vec![]))[..3], &[11, 1, 7, 9]].concat();
    let homeless = Entry { addresses: vec![], ..entry("carol", 3) };
    for frame in [unknown, bytes(&update(1, 10, vec![Change::Online(homeless)]))] {
        let mut harness = Harness::resuming(&[entry("bob", 2)]);
        harness.welcome_with_delta(1, 11);
        assert_eq!(harness.input(Input::Frame(&frame)), ["reconnecting", "close"]);
        assert_eq!(known_version(&mut harness), None, "the server would send the same delta again");
        harness.welcome(WelcomeKind::Continued, 0);
        assert_eq!(harness.snapshot(&[entry("bob", 2)], complete(1, 11)), ["reconnected"]);
    }
}

#[test]
fn an_overdue_delta_breaks_the_connection_unless_heartbeats_are_answered() {
    let mut harness = Harness::resuming(&[entry("bob", 2)]);
    harness.welcome_with_delta(1, 12);
    harness.advance(15_000);
    assert_eq!(harness.reply(&update(1, 10, vec![Change::Online(entry("carol", 3))])), ["online carol 3"]);
    assert_eq!(harness.input(Input::Tick), ["heartbeat 2"]);
    harness.tick();
    harness.reply(&Reply::Ticket(vec![1, 2, 3]));
    assert_eq!(harness.millis_to_deadline(), 10_000, "20 s after the last update");
    assert_eq!(harness.tick(), ["reconnecting", "close"]);
    assert_eq!(known_version(&mut harness), Some((1, 11)));

    harness.welcome_with_delta(1, 12);
    harness.advance(15_000);
    harness.input(Input::Tick);
    harness.reply(&Reply::Heartbeat { number: 2, at: Timestamp::from_millis(1) });
    harness.advance(10_000);
    assert_eq!(harness.input(Input::Tick), ["heartbeat 3"], "25 s after the welcome");
}

#[test]
fn users_missing_after_a_restart_stay_missing_over_a_reconnect() {
    let mut harness = Harness::resuming(&[entry("bob", 2), entry("carol", 3), entry("dave", 4)]);
    harness.welcome(WelcomeKind::Continued, 8_000);
    assert_eq!(harness.snapshot(&[], complete(2, 1)), ["reconnected"]);
    harness.input(Input::Disconnected);
    assert_eq!(known_version(&mut harness), Some((2, 1)));
    // Settling ended meanwhile, and only the delta shows which users returned.
    harness.welcome_with_delta(2, 3);
    assert_eq!(harness.millis_to_deadline(), 10_000);
    assert_eq!(harness.tick(), ["heartbeat 2"], "nobody is lost before the delta");
    let changes = vec![Change::Online(entry("bob", 2)), Change::Online(entry("carol", 9))];
    assert_eq!(harness.reply(&update(2, 1, changes)), ["replaced carol 9", "offline dave lost", "reconnected"]);
    assert_eq!(harness.names(), ["bob", "carol"]);
}

#[test]
fn after_an_empty_delta_settling_ends_at_its_time() {
    let mut harness = Harness::resuming(&[entry("bob", 2)]);
    harness.welcome(WelcomeKind::Continued, 8_000);
    assert_eq!(harness.snapshot(&[], complete(2, 1)), ["reconnected"]);
    harness.input(Input::Disconnected);
    harness.reconnect();
    let Reply::Welcome(welcome) = harness.continued(Some((2, 1))) else { unreachable!() };
    let lines = harness.reply(&Reply::Welcome(Welcome { settling_ms: 3_000, ..welcome }));
    assert_eq!(lines, ["welcome Continued own key", "heartbeat 1", "reconnected"]);
    assert_eq!((harness.names(), harness.millis_to_deadline()), (vec!["bob"], 3_000));
    assert_eq!(harness.tick(), ["offline bob lost"]);
}
