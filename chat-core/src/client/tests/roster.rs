//! Keeping the roster in sync: updates, gaps, unrequested snapshots, and limits.

use super::*;

fn nothing() -> [&'static str; 0] {
    []
}

#[test]
fn updates_are_reported_change_by_change_without_the_own_session() {
    let mut harness = Harness::online(&[entry("bob", 2)]);
    let changes = vec![
        Change::Online(entry("carol", 3)),
        Change::Replaced(entry("bob", 4)),
        moved("alice", "10.0.0.7:5000"),
        moved("carol", "10.0.0.3:5000"),
        Change::Replaced(entry("ALICE", 9)),
        offline("bob", OfflineReason::Asked),
        offline("alice", OfflineReason::Lost),
    ];
    assert_eq!(
        harness.reply(&update(1, 10, changes)),
        ["online carol 3", "replaced bob 4", "moved carol 10.0.0.3:5000", "offline bob asked"]
    );
    assert_eq!(harness.names(), ["carol"]);
    assert_eq!(harness.reply(&update(1, 17, vec![Change::Online(entry("bob", 5))])), ["online bob 5"]);
}

#[test]
fn a_change_is_reported_relative_to_the_known_roster() {
    let mut harness = Harness::online(&[entry("bob", 2)]);
    let changes = vec![
        Change::Online(entry("bob", 2)),
        Change::Online(entry("bob", 3)),
        Change::Replaced(entry("carol", 4)),
        offline("nobody", OfflineReason::Lost),
        moved("nobody", "10.0.0.1:5000"),
        moved("carol", "192.168.1.4:40001"),
    ];
    assert_eq!(harness.reply(&update(1, 10, changes)), ["replaced bob 3", "online carol 4"]);
}

#[test]
fn a_gap_requests_one_snapshot_and_the_roster_stays_until_it_is_complete() {
    for gap in [update(1, 11, vec![Change::Online(entry("dave", 9))]), update(2, 10, vec![])] {
        let mut harness = Harness::online(&[entry("bob", 2), entry("carol", 3)]);
        assert_eq!(harness.reply(&gap), ["refresh"]);
        assert_eq!(harness.reply(&gap), nothing());
        assert_eq!(harness.reply(&update(1, 12, vec![Change::Online(entry("eve", 9))])), nothing());
        assert_eq!(harness.names(), ["bob", "carol"]);
        let copy = [entry("carol", 4), entry("dave", 5)];
        assert_eq!(
            harness.snapshot(&copy, complete(3, 20)),
            ["offline bob lost", "replaced carol 4", "online dave 5"],
            "the buffered updates belong to another epoch"
        );
        assert_eq!(
            harness.reply(&update(3, 20, vec![offline("dave", OfflineReason::Kicked)])),
            ["offline dave kicked"]
        );
    }
}

#[test]
fn updates_between_pages_are_applied_after_the_snapshot() {
    let mut harness = Harness::online(&[entry("bob", 2)]);
    assert_eq!(harness.reply(&update(1, 12, vec![Change::Online(entry("dave", 5))])), ["refresh"]);
    assert_eq!(harness.reply(&Reply::SnapshotPage(vec![entry("bob", 2)])), nothing());
    assert_eq!(harness.reply(&update(1, 13, vec![Change::Online(entry("eve", 6))])), nothing());
    assert_eq!(harness.reply(&Reply::SnapshotPage(vec![entry("carol", 3)])), nothing());
    // The snapshot is of revision 12: it contains neither dave nor eve.
    assert_eq!(harness.reply(&complete(1, 12)), ["online carol 3", "online dave 5", "online eve 6"]);
    assert_eq!(harness.reply(&update(1, 14, vec![offline("eve", OfflineReason::Asked)])), ["offline eve asked"]);
}

#[test]
fn updates_during_the_first_snapshot_are_applied_without_reports() {
    let mut harness = Harness::loading();
    assert_eq!(harness.reply(&update(1, 4, vec![Change::Online(entry("eve", 6))])), nothing());
    assert_eq!(harness.snapshot(&[entry("bob", 2)], complete(1, 4)), ["online"]);
    assert_eq!(harness.names(), ["bob", "eve"]);
}

#[test]
fn changes_older_than_the_snapshot_are_skipped() {
    let mut harness = Harness::online(&[entry("bob", 2)]);
    let changes = vec![offline("bob", OfflineReason::Asked), Change::Online(entry("carol", 3))];
    assert_eq!(harness.reply(&update(1, 9, changes)), ["online carol 3"]);
    assert_eq!(
        harness.reply(&update(1, 5, vec![offline("bob", OfflineReason::Asked)])),
        nothing(),
        "the whole update is known"
    );
    assert_eq!(harness.reply(&update(1, 11, vec![offline("bob", OfflineReason::Asked)])), ["offline bob asked"]);
}

#[test]
fn too_many_updates_during_a_snapshot_leave_a_gap_that_is_noticed() {
    let mut harness = Harness::loading();
    for n in 0..5_000 {
        assert_eq!(harness.reply(&update(1, 10 + n, vec![offline("bob", OfflineReason::Lost)])), nothing());
    }
    assert_eq!(harness.snapshot(&[entry("bob", 2)], complete(1, 10)), ["online", "refresh"]);
}

#[test]
fn an_unrequested_snapshot_is_accepted() {
    let mut harness = Harness::online(&[entry("bob", 2)]);
    assert_eq!(harness.snapshot(&[entry("bob", 2), entry("carol", 3)], complete(1, 30)), ["online carol 3"]);
    assert_eq!(harness.snapshot(&[], complete(1, 31)), ["offline bob lost", "offline carol lost"]);
}

#[test]
fn an_overdue_page_breaks_the_connection() {
    let mut harness = Harness::loading();
    harness.advance(15_000);
    harness.reply(&Reply::SnapshotPage(vec![entry("bob", 2)]));
    assert_eq!(harness.input(Input::Tick), ["heartbeat 2"]);
    harness.tick();
    harness.reply(&Reply::Ticket(vec![4]));
    assert_eq!(harness.millis_to_deadline(), 10_000, "20 s after the last page");
    let lines = harness.tick();
    assert_eq!(lines, ["reconnecting", "close"]);
}

#[test]
fn an_entry_without_an_address_and_wrong_revisions_break_the_connection() {
    let nowhere = Entry { addresses: vec![], ..entry("carol", 3) };
    let Reply::Update(mut miscounted) = update(1, 10, vec![]) else { unreachable!() };
    miscounted.to = Revision::new(12);
    for reply in [
        Reply::SnapshotPage(vec![nowhere.clone()]),
        update(1, 10, vec![Change::Online(nowhere)]),
        Reply::Update(miscounted),
    ] {
        let mut harness = Harness::online(&[entry("bob", 2)]);
        assert_eq!(harness.reply(&reply), ["reconnecting", "close"], "{reply:?}");
        assert_eq!(harness.names(), ["bob"]);
        assert_eq!(Harness::loading().reply(&reply), ["protocol", "close"], "{reply:?}");
    }
}

#[test]
fn a_roster_beyond_the_limit_is_refused() {
    let mut harness = Harness::loading();
    let page = |start: usize| {
        let entries = (start..start + 1_000).map(|n| entry(&format!("user{n}"), 2));
        Reply::SnapshotPage(entries.collect())
    };
    for start in (0..100_000).step_by(1_000) {
        assert_eq!(harness.reply(&page(start)), nothing());
    }
    assert_eq!(harness.reply(&complete(1, 10)), ["online"]);
    let one_more = update(1, 10, vec![Change::Online(entry("bob", 2))]);
    assert_eq!(harness.reply(&one_more), ["online bob 2", "reconnecting", "close"]);

    let mut harness = Harness::loading();
    for start in (0..100_000).step_by(1_000) {
        assert_eq!(harness.reply(&page(start)), nothing());
    }
    assert_eq!(harness.reply(&page(100_000)), ["protocol", "close"]);
}
