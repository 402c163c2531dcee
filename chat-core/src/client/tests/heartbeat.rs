//! Heartbeats, silence, stalls of the client, and the server's clock.

use super::*;

fn heartbeat(number: u32, at: u64) -> Reply {
    Reply::Heartbeat { number, at: Timestamp::from_millis(at) }
}

#[test]
fn heartbeats_are_sent_every_10_s_and_25_s_of_silence_break_the_connection() {
    let mut harness = Harness::online(&[]);
    assert_eq!(harness.millis_to_deadline(), 10_000);
    harness.advance(9_999);
    assert_eq!(harness.input(Input::Tick), [""; 0]);
    harness.advance(1);
    assert_eq!(harness.input(Input::Tick), ["heartbeat 2"]);
    assert_eq!(harness.tick(), ["heartbeat 3"]);
    assert_eq!(harness.millis_to_deadline(), 5_000);
    assert_eq!(harness.tick(), ["reconnecting", "close"]);
}

#[test]
fn any_reply_restarts_the_silence_time() {
    for reply in [heartbeat(1, 0), heartbeat(99, 0), Reply::Ticket(vec![1]), update(1, 10, vec![])] {
        let mut harness = Harness::online(&[]);
        assert_eq!(harness.tick(), ["heartbeat 2"]);
        assert_eq!(harness.reply(&reply), [""; 0]);
        assert_eq!(harness.tick(), ["heartbeat 3"]);
        assert_eq!(harness.tick(), ["heartbeat 4"], "30 s after the welcome, 20 s after the reply");
        assert_eq!(harness.tick(), ["reconnecting", "close"]);
        assert_eq!(harness.millis, 35_000);
    }
}

#[test]
fn a_suspended_client_sends_a_heartbeat_before_it_reconnects() {
    let mut harness = Harness::online(&[]);
    harness.advance(3_600_000);
    assert_eq!(harness.input(Input::Tick), ["heartbeat 2"]);
    assert_eq!(harness.millis_to_deadline(), 5_000);
    harness.advance(1_000);
    assert_eq!(harness.reply(&heartbeat(2, 0)), [""; 0]);
    assert_eq!(harness.tick(), ["heartbeat 3"], "the connection goes on");
}

#[test]
fn a_server_that_vanished_during_a_suspension_is_noticed_within_5_s() {
    let mut harness = Harness::online(&[]);
    harness.advance(3_600_000);
    assert_eq!(harness.input(Input::Tick), ["heartbeat 2"]);
    assert_eq!(harness.tick(), ["reconnecting", "close"]);
    assert_eq!(harness.millis, 3_605_000);
}

#[test]
fn a_tick_that_is_2_s_late_extends_no_deadline() {
    let mut harness = Harness::online(&[]);
    harness.tick();
    harness.tick();
    harness.advance(harness.millis_to_deadline() + 2_000);
    assert_eq!(harness.input(Input::Tick), ["reconnecting", "close"]);
}

#[test]
fn a_stall_extends_the_deadline_in_every_state() {
    for (name, mut harness) in Harness::in_every_state() {
        if matches!(name, "waiting" | "ended") {
            continue;
        }
        harness.advance(harness.millis_to_deadline() + 60_000);
        let lines = harness.input(Input::Tick);
        assert!(!lines.iter().any(|line| line == "close"), "{name}: {lines:?}");
        assert_eq!(harness.millis_to_deadline(), 5_000, "{name}");
        assert!(harness.tick().contains(&"close".into()), "{name}");
    }
}

#[test]
fn the_server_clock_is_estimated_from_the_fastest_round_trip_in_either_direction() {
    for (outward, back) in [(30, 10), (10, 30), (40, 0), (0, 40)] {
        let ahead = 3_600_000;
        let mut harness = Harness::logging_in();
        // The welcome takes 900 ms, most of it for the password check.
        harness.advance(900);
        let mut welcome = harness.welcome_for(WelcomeOptions { kind: WelcomeKind::LoggedIn, settling_ms: 0 });
        welcome.at = harness.now().wall.offset_by(ahead);
        harness.reply(&Reply::Welcome(welcome));
        assert!(harness.client.clock_offset().abs_diff(ahead) <= 450, "{}", harness.client.clock_offset());

        harness.advance(outward);
        let at = harness.now().wall.offset_by(ahead);
        harness.advance(back);
        harness.reply(&heartbeat(1, at.as_millis()));
        let offset = harness.client.clock_offset();
        assert!(offset.abs_diff(ahead) <= 20, "{outward} {back}: {offset}");
        assert_eq!(harness.client.server_time(harness.now()), harness.now().wall.offset_by(offset));
    }
}

#[test]
fn before_the_welcome_the_server_time_is_the_wall_clock() {
    let harness = Harness::logging_in();
    assert_eq!((harness.client.clock_offset(), harness.client.server_time(harness.now())), (0, harness.now().wall));
}
