//! Keeping the roster in step: updates, gaps, copies that nobody asked for, and bounds.

use super::*;

fn nothing() -> [&'static str; 0] {
    []
}

#[test]
fn updates_are_told_change_by_change_and_never_about_oneself() {
    let mut desk = Desk::online(&[entry("bob", 2)]);
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
        desk.reply(&update(1, 10, changes)),
        ["online carol 3", "replaced bob 4", "moved carol 10.0.0.3:5000", "offline bob asked"]
    );
    assert_eq!(desk.names(), ["carol"]);
    assert_eq!(desk.reply(&update(1, 17, vec![Change::Online(entry("bob", 5))])), ["online bob 5"]);
}

#[test]
fn a_change_is_told_relative_to_what_was_shown() {
    let mut desk = Desk::online(&[entry("bob", 2)]);
    let changes = vec![
        Change::Online(entry("bob", 2)),
        Change::Online(entry("bob", 3)),
        Change::Replaced(entry("carol", 4)),
        offline("nobody", OfflineReason::Lost),
        moved("nobody", "10.0.0.1:5000"),
        moved("carol", "192.168.1.4:40001"),
    ];
    assert_eq!(desk.reply(&update(1, 10, changes)), ["replaced bob 3", "online carol 4"]);
}

#[test]
fn an_update_that_is_out_of_step_asks_once_and_nothing_is_shown_until_the_copy_is_complete() {
    for gap in [update(1, 11, vec![Change::Online(entry("dave", 9))]), update(2, 10, vec![])] {
        let mut desk = Desk::online(&[entry("bob", 2), entry("carol", 3)]);
        assert_eq!(desk.reply(&gap), ["refresh"]);
        assert_eq!(desk.reply(&gap), nothing());
        assert_eq!(desk.reply(&update(1, 12, vec![Change::Online(entry("eve", 9))])), nothing());
        assert_eq!(desk.names(), ["bob", "carol"]);
        let copy = [entry("carol", 4), entry("dave", 5)];
        assert_eq!(
            desk.copy(&copy, complete(3, 20)),
            ["offline bob lost", "replaced carol 4", "online dave 5"],
            "what came meanwhile belongs to another epoch"
        );
        assert_eq!(desk.reply(&update(3, 20, vec![offline("dave", OfflineReason::Kicked)])), ["offline dave kicked"]);
    }
}

#[test]
fn updates_that_come_between_pages_are_made_afterwards() {
    let mut desk = Desk::online(&[entry("bob", 2)]);
    assert_eq!(desk.reply(&update(1, 12, vec![Change::Online(entry("dave", 5))])), ["refresh"]);
    assert_eq!(desk.reply(&Reply::SnapshotPage(vec![entry("bob", 2)])), nothing());
    assert_eq!(desk.reply(&update(1, 13, vec![Change::Online(entry("eve", 6))])), nothing());
    assert_eq!(desk.reply(&Reply::SnapshotPage(vec![entry("carol", 3)])), nothing());
    // The copy is of revision 12: it holds neither dave nor eve.
    assert_eq!(desk.reply(&complete(1, 12)), ["online carol 3", "online dave 5", "online eve 6"]);
    assert_eq!(desk.reply(&update(1, 14, vec![offline("eve", OfflineReason::Asked)])), ["offline eve asked"]);
}

#[test]
fn before_the_first_roster_they_are_made_silently() {
    let mut desk = Desk::loading();
    assert_eq!(desk.reply(&update(1, 4, vec![Change::Online(entry("eve", 6))])), nothing());
    assert_eq!(desk.copy(&[entry("bob", 2)], complete(1, 4)), ["online"]);
    assert_eq!(desk.names(), ["bob", "eve"]);
}

#[test]
fn of_an_update_that_began_before_the_copy_only_the_rest_is_made() {
    let mut desk = Desk::online(&[entry("bob", 2)]);
    let changes = vec![offline("bob", OfflineReason::Asked), Change::Online(entry("carol", 3))];
    assert_eq!(desk.reply(&update(1, 9, changes)), ["online carol 3"]);
    assert_eq!(desk.reply(&update(1, 5, vec![offline("bob", OfflineReason::Asked)])), nothing(), "all of it is known");
    assert_eq!(desk.reply(&update(1, 11, vec![offline("bob", OfflineReason::Asked)])), ["offline bob asked"]);
}

#[test]
fn too_many_updates_while_loading_are_forgotten_and_the_gap_is_noticed() {
    let mut desk = Desk::loading();
    for n in 0..5_000 {
        assert_eq!(desk.reply(&update(1, 10 + n, vec![offline("bob", OfflineReason::Lost)])), nothing());
    }
    assert_eq!(desk.copy(&[entry("bob", 2)], complete(1, 10)), ["online", "refresh"]);
}

#[test]
fn a_copy_that_nobody_asked_for_is_as_good() {
    let mut desk = Desk::online(&[entry("bob", 2)]);
    assert_eq!(desk.copy(&[entry("bob", 2), entry("carol", 3)], complete(1, 30)), ["online carol 3"]);
    assert_eq!(desk.copy(&[], complete(1, 31)), ["offline bob lost", "offline carol lost"]);
}

#[test]
fn a_server_that_stops_in_the_middle_of_a_copy_is_left() {
    let mut desk = Desk::loading();
    desk.pass(15_000);
    desk.reply(&Reply::SnapshotPage(vec![entry("bob", 2)]));
    assert_eq!(desk.input(Input::Tick), ["beat 2"]);
    desk.tick();
    desk.reply(&Reply::Ticket(vec![4]));
    assert_eq!(desk.due_in(), 10_000, "20 s after the last page");
    let lines = desk.tick();
    assert_eq!(lines, ["reconnecting", "close"]);
}

#[test]
fn an_entry_without_an_address_and_an_update_that_miscounts_break_the_connection() {
    let nowhere = Entry { addresses: vec![], ..entry("carol", 3) };
    let Reply::Update(mut miscounted) = update(1, 10, vec![]) else { unreachable!() };
    miscounted.to = Revision::new(12);
    for reply in [
        Reply::SnapshotPage(vec![nowhere.clone()]),
        update(1, 10, vec![Change::Online(nowhere)]),
        Reply::Update(miscounted),
    ] {
        let mut desk = Desk::online(&[entry("bob", 2)]);
        assert_eq!(desk.reply(&reply), ["reconnecting", "close"], "{reply:?}");
        assert_eq!(desk.names(), ["bob"]);
        assert_eq!(Desk::loading().reply(&reply), ["protocol", "close"], "{reply:?}");
    }
}

#[test]
fn a_roster_without_end_is_refused() {
    let mut desk = Desk::loading();
    let page = |start: usize| {
        let entries = (start..start + 1_000).map(|n| entry(&format!("user{n}"), 2));
        Reply::SnapshotPage(entries.collect())
    };
    for start in (0..100_000).step_by(1_000) {
        assert_eq!(desk.reply(&page(start)), nothing());
    }
    assert_eq!(desk.reply(&complete(1, 10)), ["online"]);
    let one_more = update(1, 10, vec![Change::Online(entry("bob", 2))]);
    assert_eq!(desk.reply(&one_more), ["online bob 2", "reconnecting", "close"]);

    let mut desk = Desk::loading();
    for start in (0..100_000).step_by(1_000) {
        assert_eq!(desk.reply(&page(start)), nothing());
    }
    assert_eq!(desk.reply(&page(100_000)), ["protocol", "close"]);
}
