//! Changes that operators make outside the server.

use super::*;

fn with_visible_polls() -> Bench {
    let mut t = Bench::new();
    t.login(1, "alice");
    t.login(2, "bob");
    t.quiet = false;
    t
}

#[test]
fn the_sessions_of_changed_accounts_end() {
    let mut t = with_visible_polls();
    assert_eq!(t.pass(4_999), [""; 0]);
    assert_eq!(t.pass(1), ["job changed-since -60000"]);
    let changed = |user| Account { generation: 2, status: Status::Disabled, ..account(user) };
    assert_eq!(
        t.look_up(vec![changed("alice"), changed("carol"), account("bob")]),
        ["1 <- ended Kicked", "close 1", "job seen 1", "* <- 2..3 offline alice kicked", "log offline alice kicked"]
    );
    assert_eq!(t.online(), ["bob"], "his generation is the session's");
}

#[test]
fn a_session_in_its_grace_time_ends_too() {
    let mut t = with_visible_polls();
    t.disconnect(1);
    t.pass(5_000);
    let lines = t.look_up(vec![Account { generation: 2, ..account("alice") }]);
    assert_eq!(lines, ["job seen 1", "* <- 2..3 offline alice kicked", "log offline alice kicked"]);
}

#[test]
fn a_result_older_than_the_session_does_not_end_it() {
    let mut t = with_visible_polls();
    t.connect(3);
    t.request_login(3, "carol");
    t.answer(Ok(Account { generation: 3, ..account("carol") }));
    t.pass(5_000);
    let before = Account { generation: 2, status: Status::Disabled, ..account("carol") };
    assert_eq!(t.look_up(vec![before]), [""; 0]);
}

#[test]
fn polls_overlap_and_a_failed_one_is_repeated_from_its_beginning() {
    let mut t = with_visible_polls();
    t.pass(5_000);
    assert_eq!(t.look_up(vec![]), [""; 0]);
    assert_eq!(t.pass(5_000), ["job changed-since -55000"]);
    assert_eq!(t.pass_alive(&[1, 2], 7), [""; 0], "one at a time");
    let (job, _) = t.jobs.pop_front().unwrap();
    assert_eq!(t.done(job, JobResult::Accounts(Err(unavailable()))), [""; 0]);
    assert_eq!(t.pass(5_000), ["job changed-since -55000"]);
    t.look_up(vec![]);
    assert_eq!(t.pass(5_000), ["job changed-since -38000"]);
}

#[test]
fn a_clock_set_back_hides_no_change() {
    let mut t = with_visible_polls();
    t.pass(5_000);
    t.look_up(vec![]);
    t.now.wall = t.now.wall.offset_by(-3_600_000);
    assert_eq!(t.pass(5_000), ["job changed-since -3650000"]);
}

#[test]
fn a_login_under_a_freed_name_ends_the_session_of_the_previous_account() {
    let mut t = with_visible_polls();
    t.connect(3);
    t.request_login(3, "alice");
    let other = Account { id: AccountId::new(99), ..account("Alice") };
    assert_eq!(
        t.answer(Ok(other.clone())),
        [
            "1 <- ended Kicked",
            "close 1",
            "job seen 1",
            "admit 3",
            "3 <- welcome LoggedIn Alice",
            "* <- 2..4 offline alice kicked, online Alice 192.168.1.3:40001",
            "log offline alice kicked",
            "log online Alice 192.168.1.3:40001",
            "3 <- page Alice bob",
            "3 <- complete 4",
        ]
    );
    t.jobs.clear();
    t.pass(5_000);
    let removed = Account { generation: 2, status: Status::Removed, ..account("alice") };
    assert_eq!(t.look_up(vec![removed, other]), [""; 0]);
    assert_eq!(t.online(), ["Alice", "bob"]);
}
