//! Heartbeats, silence, our own delays, and the server's clock.

use super::*;

fn beat(number: u32, at: u64) -> Reply {
    Reply::Heartbeat { number, at: Timestamp::from_millis(at) }
}

#[test]
fn a_heartbeat_goes_every_ten_seconds_and_silence_breaks_the_connection_after_twenty_five() {
    let mut desk = Desk::online(&[]);
    assert_eq!(desk.due_in(), 10_000);
    desk.pass(9_999);
    assert_eq!(desk.input(Input::Tick), [""; 0]);
    desk.pass(1);
    assert_eq!(desk.input(Input::Tick), ["beat 2"]);
    assert_eq!(desk.tick(), ["beat 3"]);
    assert_eq!(desk.due_in(), 5_000);
    assert_eq!(desk.tick(), ["reconnecting", "close"]);
}

#[test]
fn whatever_the_server_says_is_a_sign_of_life() {
    for reply in [beat(1, 0), beat(99, 0), Reply::Ticket(vec![1]), update(1, 10, vec![])] {
        let mut desk = Desk::online(&[]);
        assert_eq!(desk.tick(), ["beat 2"]);
        assert_eq!(desk.reply(&reply), [""; 0]);
        assert_eq!(desk.tick(), ["beat 3"]);
        assert_eq!(desk.tick(), ["beat 4"], "30 s after the welcome, 20 s after the sign");
        assert_eq!(desk.tick(), ["reconnecting", "close"]);
        assert_eq!(desk.millis, 35_000);
    }
}

#[test]
fn a_suspended_client_asks_before_it_declares_the_server_dead() {
    let mut desk = Desk::online(&[]);
    desk.pass(3_600_000);
    assert_eq!(desk.input(Input::Tick), ["beat 2"]);
    assert_eq!(desk.due_in(), 5_000);
    desk.pass(1_000);
    assert_eq!(desk.reply(&beat(2, 0)), [""; 0]);
    assert_eq!(desk.tick(), ["beat 3"], "and goes on as if nothing had been");
}

#[test]
fn a_server_that_went_away_meanwhile_is_noticed_soon() {
    let mut desk = Desk::online(&[]);
    desk.pass(3_600_000);
    assert_eq!(desk.input(Input::Tick), ["beat 2"]);
    assert_eq!(desk.tick(), ["reconnecting", "close"]);
    assert_eq!(desk.millis, 3_605_000);
}

#[test]
fn a_delay_below_two_seconds_forgives_nothing() {
    let mut desk = Desk::online(&[]);
    desk.tick();
    desk.tick();
    desk.pass(desk.due_in() + 2_000);
    assert_eq!(desk.input(Input::Tick), ["reconnecting", "close"]);
}

#[test]
fn a_delay_of_our_own_forgives_in_every_state() {
    for (name, mut desk) in Desk::everywhere() {
        if matches!(name, "waiting" | "over") {
            continue;
        }
        desk.pass(desk.due_in() + 60_000);
        let lines = desk.input(Input::Tick);
        assert!(!lines.iter().any(|line| line == "close"), "{name}: {lines:?}");
        assert_eq!(desk.due_in(), 5_000, "{name}");
        assert!(desk.tick().contains(&"close".into()), "{name}");
    }
}

#[test]
fn the_servers_clock_is_estimated_from_the_quickest_round_trip_whichever_way_is_slower() {
    for (there, back) in [(30, 10), (10, 30), (40, 0), (0, 40)] {
        let ahead = 3_600_000;
        let mut desk = Desk::asking();
        // The welcome takes 900 ms, most of which the password check did.
        desk.pass(900);
        let mut welcome = desk.welcome_for(Greeting { kind: WelcomeKind::LoggedIn, settling_ms: 0 });
        welcome.at = desk.now().wall.offset_by(ahead);
        desk.reply(&Reply::Welcome(welcome));
        assert!(desk.client.clock_offset().abs_diff(ahead) <= 450, "{}", desk.client.clock_offset());

        desk.pass(there);
        let at = desk.now().wall.offset_by(ahead);
        desk.pass(back);
        desk.reply(&beat(1, at.as_millis()));
        let offset = desk.client.clock_offset();
        assert!(offset.abs_diff(ahead) <= 20, "{there} {back}: {offset}");
        assert_eq!(desk.client.server_time(desk.now()), desk.now().wall.offset_by(offset));
    }
}

#[test]
fn before_the_welcome_the_wall_clock_serves() {
    let desk = Desk::asking();
    assert_eq!((desk.client.clock_offset(), desk.client.server_time(desk.now())), (0, desk.now().wall));
}
