//! Scenarios with servers, clients and peers together, with and without faults.
//!
//! The file is long because each test is a short script on the same helpers, and no subset of them has a subject of its
//! own.

use std::net::IpAddr;
use std::time::Duration;

use chat_core::client::Event;
use chat_core::id::SessionId;
use chat_core::message::{Outcome, Recipient, SentAt, UnconfirmedReason};
use chat_core::peer::{Delivered, Output};
use chat_core::presence::{OfflineReason, Presence, Record};
use chat_core::roster::Change;
use chat_core::sim::{
    AddressChange, Application, ConnectionFault, Crash, Direction, Profile, ProgramEvent, Suspension, TimedEvent,
    UserId, World, WorldConfig, texts,
};
use chat_core::wire::control::{Ended, Purpose, WelcomeKind};

const SECOND: Duration = Duration::from_secs(1);

fn world(profile: Profile, seed: u64) -> World {
    World::new(profile, WorldConfig::default(), seed)
}

/// The events that a user would notice, as text and in order.
fn lines(events: &[TimedEvent]) -> Vec<String> {
    events.iter().flat_map(|event| event_lines(&event.event)).collect()
}

fn event_lines(event: &ProgramEvent) -> Vec<String> {
    let line = match event {
        ProgramEvent::Client(Event::Change { change, .. }) => match change {
            Change::Online(entry) => format!("{} came", entry.user),
            Change::Replaced(entry) => format!("{} was replaced", entry.user),
            Change::Offline { user, reason } => format!("{user} left: {reason}"),
            Change::Moved { user, .. } => format!("{user} moved"),
        },
        ProgramEvent::Client(Event::Online { .. }) => "online".into(),
        ProgramEvent::Client(Event::Reconnected) => "reconnected".into(),
        ProgramEvent::Client(Event::Ended(ended)) => format!("ended: {ended:?}"),
        ProgramEvent::Client(Event::ServerStopping) => "the server stops".into(),
        ProgramEvent::Client(Event::Left) => "offline".into(),
        ProgramEvent::Peer(output @ Output::Deliver(delivery)) => {
            return texts([output]).into_iter().map(|text| format!("{}: {text}", delivery.from())).collect();
        }
        ProgramEvent::Peer(Output::Report(reports)) => {
            let line = |outcome: Outcome| format!("{} {} {}", reports.user(), outcome.as_str(), outcome.reason());
            return reports.iter().map(|report| line(report.outcome()).trim().to_owned()).collect();
        }
        ProgramEvent::Peer(Output::NotSent { error, .. }) => error.to_string(),
        _ => return Vec::new(),
    };
    vec![line]
}

fn take_lines(world: &mut World, user: UserId) -> Vec<String> {
    lines(&world.take_events(user))
}

/// Drops the events so far.
fn drop_events<const N: usize>(world: &mut World, users: [UserId; N]) {
    users.iter().for_each(|user| drop(world.take_events(*user)));
}

fn session(world: &World, user: UserId) -> SessionId {
    let name = world.name(user);
    world.server_roster(World::SERVER).and_then(|roster| roster.get(name)).expect("the user is online").session()
}

/// The lines about arrivals, departures and moves.
fn presence(lines: &[String]) -> Vec<&String> {
    let is_presence = |line: &&String| {
        line.ends_with(" came")
            || line.contains(" left: ")
            || line.ends_with(" was replaced")
            || line.ends_with(" moved")
    };
    lines.iter().filter(is_presence).collect()
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

#[test]
fn three_users_register_log_in_talk_and_leave() {
    let mut world = world(Profile::GOOD_WIFI, 1);
    let [ming, bob, eve] = world.add_online(["小明", "bob", "eve"]);
    drop_events(&mut world, [ming, bob, eve]);
    world.send_text(ming, Recipient::Everyone, "大家好");
    let to_ming = world.recipient(ming);
    world.send_text(bob, to_ming, "hello");
    assert!(world.run_until_idle(10 * SECOND));
    assert_eq!(sorted(take_lines(&mut world, ming)), ["bob delivered", "bob: hello", "eve delivered"]);
    assert_eq!(take_lines(&mut world, eve), ["小明: 大家好"]);

    drop_events(&mut world, [bob]);
    world.leave(bob);
    world.run(2 * SECOND);
    assert_eq!(take_lines(&mut world, bob), ["offline"]);
    assert_eq!(take_lines(&mut world, ming), ["bob left: asked"]);
    let to_bob = world.recipient(bob);
    world.send_text(ming, to_bob, "too late");
    assert_eq!(take_lines(&mut world, ming), ["bob is not online"]);
    let left = Presence::Offline(OfflineReason::Asked);
    let is_left = |record: &&Record| matches!(record, Record::Presence(event) if event.presence == left);
    assert_eq!(world.records(World::SERVER).iter().filter(is_left).count(), 1);

    world.login(bob, Purpose::Login);
    assert!(world.run_until(10 * SECOND, |world| world.check_roster(bob).is_ok()));
    world.send_text(bob, Recipient::Everyone, "back");
    assert!(world.run_until_idle(10 * SECOND));
    assert_eq!(take_lines(&mut world, ming), ["bob came", "bob: back"]);
    assert_eq!(world.ledger.check().delivered, 5);
}

#[test]
fn an_unknown_name_and_a_taken_name_are_rejected() {
    let mut world = world(Profile::GOOD_WIFI, 2);
    let [_] = world.add_online(["alice"]);
    let (stranger, thief) = (world.add_user("stranger"), world.add_user("Alice"));
    world.login(stranger, Purpose::Login);
    world.login(thief, Purpose::Register);
    world.run(10 * SECOND);
    for (user, reason) in [(stranger, "WrongCredentials"), (thief, "NameTaken")] {
        let events = world.take_events(user);
        let is_expected = |event: &TimedEvent| format!("{:?}", event.event).contains(reason);
        assert!(events.iter().any(is_expected), "{events:?}");
    }
}

#[test]
fn a_killed_client_is_lost_after_the_grace_time_and_messages_to_it_are_unconfirmed() {
    for (crash, earliest, latest) in [(Crash::Process, 15, 16), (Crash::Power, 30, 41)] {
        let mut world = world(Profile::GOOD_WIFI, 3);
        let [alice, bob] = world.add_online(["alice", "bob"]);
        world.send_text(alice, Recipient::Everyone, "before");
        assert!(world.run_until_idle(10 * SECOND));
        drop_events(&mut world, [alice, bob]);
        let begin = world.now();
        world.kill(bob, crash);
        world.run(SECOND);
        world.send_text(alice, Recipient::Everyone, "meanwhile");
        world.run(60 * SECOND);
        let events = world.take_events(alice);
        assert_eq!(lines(&events), ["bob unconfirmed lost", "bob left: lost"], "{crash:?}");
        let is_lost = |event: &&TimedEvent| matches!(event.event, ProgramEvent::Client(Event::Change { .. }));
        let lost = events.iter().find(is_lost).expect("the line was asserted above").at.since(begin);
        assert!((earliest * SECOND..latest * SECOND).contains(&lost), "{crash:?}: {lost:?}");

        world.login(bob, Purpose::Login);
        world.run(20 * SECOND);
        assert!(
            !take_lines(&mut world, bob).iter().any(|line| line.contains("meanwhile")),
            "the message was delivered to a later session"
        );
        let totals = world.ledger.check();
        assert_eq!((totals.delivered, totals.unconfirmed), (1, 1));
    }
}

#[test]
fn a_restart_after_a_crash_of_the_server_interrupts_no_conversation() {
    for (seed, profile, crash) in [
        (4, Profile::GOOD_WIFI, Crash::Process),
        (5, Profile::GOOD_WIFI, Crash::Power),
        (6, Profile::WEAK_4G, Crash::Process),
        (7, Profile::SATELLITE, Crash::Power),
    ] {
        let mut world = world(profile, seed);
        let users = world.add_online(["alice", "bob", "小明"]);
        let sessions = users.map(|user| session(&world, user));
        world.run(10 * SECOND);
        drop_events(&mut world, users);
        world.kill_server(World::SERVER, crash);
        world.run(3 * SECOND);
        world.send_text(users[0], Recipient::Everyone, "the server is gone");
        assert!(world.run_until_idle(30 * SECOND), "messages need no server");
        world.start_server(World::SERVER);
        world.run(90 * SECOND);
        for user in users {
            let lines = take_lines(&mut world, user);
            assert!(presence(&lines).is_empty(), "{lines:?}");
            assert_eq!(lines.iter().filter(|line| *line == "reconnected").count(), 1, "{lines:?}");
            assert_eq!(world.check_roster(user), Ok(()));
        }
        assert_eq!(users.map(|user| session(&world, user)), sessions);
        world.send_text(users[1], Recipient::Everyone, "all here");
        assert!(world.run_until_idle(30 * SECOND));
        assert_eq!(world.ledger.check().delivered, 4);
    }
}

#[test]
fn a_user_who_does_not_return_after_a_restart_is_lost_when_settling_ends() {
    let mut world = world(Profile::GOOD_WIFI, 8);
    let [alice, bob, eve] = world.add_online(["alice", "bob", "eve"]);
    drop_events(&mut world, [alice, bob, eve]);
    world.kill_server(World::SERVER, Crash::Process);
    world.kill(eve, Crash::Power);
    world.run(SECOND);
    let begin = world.now();
    world.start_server(World::SERVER);
    world.run(60 * SECOND);
    for user in [alice, bob] {
        let events = world.take_events(user);
        let lines = lines(&events);
        assert_eq!(presence(&lines), ["eve left: lost"]);
        let lost =
            events.iter().find(|event| matches!(event.event, ProgramEvent::Client(Event::Change { .. }))).unwrap();
        let after = lost.at.since(begin);
        assert!((44 * SECOND..47 * SECOND).contains(&after), "{after:?}");
    }
}

#[test]
fn a_stopping_server_is_reported_once() {
    let mut world = world(Profile::GOOD_WIFI, 9);
    let users = world.add_online(["alice", "bob", "eve"]);
    drop_events(&mut world, users);
    world.stop_server(World::SERVER);
    world.run(20 * SECOND);
    for user in users {
        assert_eq!(take_lines(&mut world, user), ["the server stops"]);
    }
    world.send_text(users[2], Recipient::Everyone, "still here");
    assert!(world.run_until_idle(5 * SECOND));
    world.start_server(World::SERVER);
    assert!(world.run_until(60 * SECOND, |world| users.iter().all(|user| world.check_roster(*user).is_ok())));
    world.run(60 * SECOND);
    assert!(users.iter().all(|user| presence(&take_lines(&mut world, *user)).is_empty()));
}

#[test]
fn a_second_login_replaces_the_first_which_does_not_reconnect() {
    let mut world = world(Profile::GOOD_WIFI, 10);
    let [alice, bob] = world.add_online(["alice", "bob"]);
    drop_events(&mut world, [alice, bob]);
    let before = session(&world, bob);
    let elsewhere = world.add_user("bob");
    world.login(elsewhere, Purpose::Login);
    world.run(5 * SECOND);
    assert_ne!(session(&world, elsewhere), before);
    world.send_text(alice, Recipient::Everyone, "to the newer one");
    assert!(world.run_until_idle(10 * SECOND));
    world.run(300 * SECOND);
    assert_eq!(take_lines(&mut world, alice), ["bob was replaced", "bob delivered"], "there is exactly one change");
    let first = world.take_events(bob);
    assert!(matches!(first.last().unwrap().event, ProgramEvent::Client(Event::Ended(Ended::Replaced))), "{first:?}");
    assert!(take_lines(&mut world, elsewhere).contains(&"alice: to the newer one".to_owned()));
}

#[test]
fn a_replaced_client_that_was_unreachable_does_not_replace_the_newer_session() {
    let mut world = world(Profile::GOOD_WIFI, 11);
    let [alice, bob] = world.add_online(["alice", "bob"]);
    drop_events(&mut world, [alice, bob]);
    // Bob's first client does not learn of the newer login and resumes with its ticket.
    world.break_connection(bob, ConnectionFault::HalfOpen);
    world.suspend(bob, Suspension::Machine);
    world.run(5 * SECOND);
    let elsewhere = world.add_user("bob");
    world.login(elsewhere, Purpose::Login);
    world.run(5 * SECOND);
    let newer = session(&world, elsewhere);
    world.kill_server(World::SERVER, Crash::Process);
    world.start_server(World::SERVER);
    world.wake(bob);
    world.run(120 * SECOND);
    assert_eq!(session(&world, elsewhere), newer);
    let first = world.take_events(bob);
    assert!(matches!(first.last().unwrap().event, ProgramEvent::Client(Event::Ended(Ended::Replaced))), "{first:?}");
    assert_eq!(presence(&take_lines(&mut world, alice)), ["bob was replaced"]);
}

#[test]
fn a_user_whose_address_changes_stays_online_and_reachable() {
    for change in [AddressChange::Detected, AddressChange::Undetected] {
        let mut world = world(Profile::GOOD_WIFI, 12);
        let [alice, bob] = world.add_online(["alice", "bob"]);
        world.send_text(alice, Recipient::Everyone, "at home");
        assert!(world.run_until_idle(10 * SECOND));
        drop_events(&mut world, [alice, bob]);
        let before = session(&world, bob);
        world.roam(bob, IpAddr::from([10, 9, 9, 9]), change);
        world.send_text(bob, Recipient::Everyone, "from the road");
        assert!(world.run_until_idle(10 * SECOND));
        world.send_text(alice, Recipient::Everyone, "still there?");
        assert!(world.run_until_idle(10 * SECOND), "{change:?}");
        world.run(60 * SECOND);
        assert_eq!(session(&world, bob), before);
        let (alice_told, bob_told) = (take_lines(&mut world, alice), take_lines(&mut world, bob));
        assert_eq!(presence(&alice_told), ["bob moved"], "{change:?}");
        assert!(bob_told.contains(&"alice: still there?".to_owned()));
        let entry = world.roster(alice).unwrap().get(world.name(bob)).unwrap().clone();
        assert_eq!(entry.address(), world.address(bob));
        assert_eq!(world.ledger.check().delivered, 3);
    }
}

#[test]
fn a_client_suspended_for_a_minute_returns_with_a_fresh_session() {
    for kind in [Suspension::Process, Suspension::Machine] {
        let mut world = world(Profile::GOOD_WIFI, 13);
        let [alice, bob] = world.add_online(["alice", "bob"]);
        drop_events(&mut world, [alice, bob]);
        let before = session(&world, bob);
        world.suspend(bob, kind);
        world.run(SECOND);
        world.send_text(alice, Recipient::Everyone, "asleep?");
        world.run(59 * SECOND);
        world.wake(bob);
        world.run(20 * SECOND);
        assert_eq!(world.check_roster(alice), Ok(()));
        assert_eq!(world.check_roster(bob), Ok(()), "{kind:?}");
        assert_ne!(session(&world, bob), before, "the grace time was over, so the session is a fresh one");
        assert_eq!(presence(&take_lines(&mut world, alice)), ["bob left: lost", "bob came"]);
        let bob_events = world.take_events(bob);
        let is_fresh = |event: &TimedEvent| {
            matches!(event.event, ProgramEvent::Client(Event::Welcome { kind: WelcomeKind::Fresh, .. }))
        };
        assert_eq!(bob_events.iter().filter(|event| is_fresh(event)).count(), 1);
        assert!(presence(&lines(&bob_events)).is_empty(), "alice never left");
        world.send_text(alice, Recipient::Everyone, "good morning");
        world.send_text(bob, Recipient::Everyone, "good morning");
        assert!(world.run_until_idle(10 * SECOND));
        let totals = world.ledger.check();
        assert_eq!((totals.delivered, totals.unconfirmed), (2, 1), "{kind:?}");
    }
}

#[test]
fn a_short_suspension_goes_unnoticed() {
    for kind in [Suspension::Process, Suspension::Machine] {
        let mut world = world(Profile::GOOD_WIFI, 14);
        let [alice, bob] = world.add_online(["alice", "bob"]);
        drop_events(&mut world, [alice, bob]);
        world.suspend(bob, kind);
        world.send_text(alice, Recipient::Everyone, "asleep?");
        world.run(20 * SECOND);
        world.wake(bob);
        assert!(world.run_until_idle(5 * SECOND), "messages are not delivered within seconds");
        world.run(30 * SECOND);
        assert!(presence(&take_lines(&mut world, alice)).is_empty());
        assert!(presence(&take_lines(&mut world, bob)).is_empty());
        assert_eq!(world.ledger.check().delivered, 1);
    }
}

#[test]
fn wrong_clocks_and_clocks_set_back_affect_neither_presence_nor_message_times() {
    let mut world = world(Profile::GOOD_WIFI, 15);
    let [alice, bob] = ["alice", "bob"].map(|name| world.add_user(name));
    let now = world.now();
    world.clock(alice).set_wall(3_600_000);
    world.clock(alice).set_drift(now, 200);
    world.clock(bob).set_drift(now, -200);
    [alice, bob].iter().for_each(|user| world.login(*user, Purpose::Register));
    world.run(30 * SECOND);
    for set_back in [0, -3_600_000, -86_400_000] {
        world.clock(bob).set_wall(set_back);
        // The next heartbeats reveal it to the client.
        world.run(30 * SECOND);
        drop_events(&mut world, [alice, bob]);
        world.send_text(alice, Recipient::Everyone, "what time is it?");
        world.send_text(bob, Recipient::Everyone, "late");
        assert!(world.run_until_idle(10 * SECOND));
        for user in [alice, bob] {
            let events = world.take_events(user);
            let message = events.iter().find_map(|event| match &event.event {
                ProgramEvent::Peer(Output::Deliver(delivery)) => delivery.iter().next().map(Delivered::to_message),
                _ => None,
            });
            let message = message.expect("the message was delivered");
            assert!(matches!(message.sent_at, SentAt::Sender(_)), "{message:?}");
            let distance = message.sent_at.timestamp().abs_diff(message.received_at);
            assert!(distance < Duration::from_millis(500), "{distance:?}");
        }
    }
    // The same for the server's clock.
    world.server_clock(World::SERVER).set_wall(-3_600_000);
    world.run(200 * SECOND);
    for user in [alice, bob] {
        assert!(presence(&take_lines(&mut world, user)).is_empty());
    }
    let before = session(&world, bob);
    world.break_connection(bob, ConnectionFault::Reset);
    world.run(30 * SECOND);
    assert_eq!(session(&world, bob), before, "a ticket stays valid when the clock is set back");
}

#[test]
fn others_do_not_notice_a_broken_or_half_open_connection_that_is_resumed() {
    for (seed, fault) in [(16, ConnectionFault::Reset), (17, ConnectionFault::HalfOpen)] {
        let mut world = world(Profile::BUSY_WIFI, seed);
        let [alice, bob] = world.add_online(["alice", "bob"]);
        drop_events(&mut world, [alice, bob]);
        let before = session(&world, bob);
        world.break_connection(bob, fault);
        world.run(60 * SECOND);
        assert!(presence(&take_lines(&mut world, alice)).is_empty(), "{fault:?}");
        assert_eq!((session(&world, bob), world.check_roster(bob)), (before, Ok(())));
    }
}

#[test]
fn a_partition_in_one_direction_is_recovered_from() {
    for direction in [Direction::ToServer, Direction::FromServer] {
        let mut world = world(Profile::GOOD_WIFI, 18);
        let [alice, bob] = world.add_online(["alice", "bob"]);
        drop_events(&mut world, [alice, bob]);
        world.partition(bob, direction);
        world.run(20 * SECOND);
        world.send_text(alice, Recipient::Everyone, "the server is not needed");
        assert!(world.run_until_idle(10 * SECOND));
        world.run(100 * SECOND);
        assert_eq!(presence(&take_lines(&mut world, alice)), ["bob left: lost"], "{direction:?}");
        world.heal(bob);
        world.run(60 * SECOND);
        assert_eq!((world.check_roster(alice), world.check_roster(bob)), (Ok(()), Ok(())), "{direction:?}");
        assert_eq!(presence(&take_lines(&mut world, alice)), ["bob came"]);
        world.send_text(bob, Recipient::Everyone, "back");
        assert!(world.run_until_idle(10 * SECOND));
        world.ledger.check();
    }
}

#[test]
fn datagrams_blocked_in_one_direction_make_a_peer_unresponsive_until_they_flow_again() {
    let mut world = world(Profile::GOOD_WIFI, 19);
    let [alice, bob] = world.add_online(["alice", "bob"]);
    drop_events(&mut world, [alice, bob]);
    let (a, b) = (world.address(alice), world.address(bob));
    world.network().block(b, a);
    world.send_text(alice, Recipient::Everyone, "does this arrive?");
    world.run(5 * SECOND);
    let is_unresponsive = |event: &TimedEvent| matches!(&event.event, ProgramEvent::Peer(Output::Unresponsive(_)));
    assert!(world.take_events(alice).iter().any(is_unresponsive));
    world.network().unblock();
    assert!(world.run_until_idle(2 * SECOND), "messages are not delivered within 2 s of the end of the partition");
    assert_eq!(take_lines(&mut world, bob), ["alice: does this arrive?"]);
    assert_eq!(world.ledger.check().delivered, 1);
}

#[test]
fn a_slow_or_stalled_application_delays_nobody_else() {
    let mut world = world(Profile::GOOD_WIFI, 20);
    let [alice, bob, eve] = world.add_online(["alice", "bob", "eve"]);
    world.set_application(bob, Application::Stalled);
    world.set_application(eve, Application::AcceptsEvery(Duration::from_millis(100)));
    drop_events(&mut world, [alice, bob, eve]);
    for number in 0..20 {
        world.send_text(alice, Recipient::Everyone, &format!("{number} {}", "x".repeat(8_000)));
    }
    world.run(10 * SECOND);
    let lines = take_lines(&mut world, alice);
    assert_eq!(lines, vec!["eve delivered"; 20]);
    world.run(60 * SECOND);
    assert!(take_lines(&mut world, alice).is_empty(), "no user is reported offline");
    world.set_application(bob, Application::Accepts);
    assert!(world.run_until_idle(10 * SECOND));
    assert_eq!(world.ledger.check().delivered, 40);
}

#[test]
fn users_of_different_servers_do_not_see_each_other() {
    let mut world = world(Profile::GOOD_WIFI, 21);
    let [alice, bob] = world.add_online(["alice", "bob"]);
    let other = world.add_server();
    let eve = world.add_user_of(other, "alice");
    world.login(eve, Purpose::Register);
    world.run(10 * SECOND);
    assert_eq!([alice, bob, eve].map(|user| world.check_roster(user)), [Ok(()), Ok(()), Ok(())]);
    world.send_text(eve, Recipient::Everyone, "nobody is here");
    world.send_text(alice, Recipient::Everyone, "bob is here");
    assert!(world.run_until_idle(10 * SECOND));
    assert_eq!(world.ledger.check().delivered, 1);
}

#[test]
fn leaving_resolves_pending_messages_and_a_later_session_receives_none_of_them() {
    let mut world = world(Profile::GOOD_WIFI, 22);
    let [alice, bob] = world.add_online(["alice", "bob"]);
    world.set_application(bob, Application::Stalled);
    world.send_text(alice, Recipient::Everyone, "read me");
    world.run(5 * SECOND);
    world.leave(bob);
    world.run(5 * SECOND);
    let outcomes: Vec<Outcome> = world.ledger.outcomes().map(|(.., outcome)| outcome).collect();
    assert_eq!(outcomes, [Outcome::Unconfirmed(UnconfirmedReason::Left)]);
    world.ledger.check();
}

#[test]
fn a_member_that_acknowledges_and_never_accepts_delays_only_its_own_outcome() {
    let mut world = world(Profile::GOOD, 1);
    let [alice, mallory, bob] = world.add_online(["alice", "mallory", "bob"]);
    world.set_application(mallory, Application::Stalled);
    drop_events(&mut world, [alice, mallory, bob]);
    world.send_text(alice, Recipient::Everyone, "to all");
    let to_bob = world.recipient(bob);
    for second in 1..=60 {
        world.send_text(alice, to_bob.clone(), "to bob");
        world.run(SECOND);
        let lines = take_lines(&mut world, alice);
        assert_eq!(lines, vec!["bob delivered"; if second == 1 { 2 } else { 1 }], "in second {second}");
    }
    world.leave(mallory);
    world.run(5 * SECOND);
    let lines = take_lines(&mut world, alice);
    assert!(lines.iter().any(|line| line.starts_with("mallory unconfirmed")), "{lines:?}");
}
