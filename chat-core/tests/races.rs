//! Races between two events that travel by different paths, so that either can arrive first.

use std::cell::Cell;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use chat_core::accounts::Accounts;
use chat_core::client::{Event, LoginFailure};
use chat_core::message::{FailReason, Outcome, UnconfirmedReason};
use chat_core::password::Password;
use chat_core::sim::{
    Crash, Profile, ProgramEvent, TimedEvent, UserId, World, WorldConfig, announce, each_seed, outcomes,
};
use chat_core::wire::control::Purpose;

const SECOND: Duration = Duration::from_secs(1);

/// A bye of the replaced session would be a datagram, and the change of the roster comes from the server: either could
/// arrive first.
#[test]
fn messages_to_a_replaced_session_have_that_reason_and_no_other() {
    let replaced = Cell::new(0);
    let count = each_seed(env!("CARGO_CRATE_NAME"), 0..200, |seed| {
        let profiles = [Profile::GOOD, Profile::GOOD_WIFI, Profile::FAR_WIFI];
        let mut world = World::new(profiles[(seed % 3) as usize], WorldConfig::default(), seed);
        let [alice, bob] = world.add_online(["alice", "bob"]);
        let (elsewhere, carol) = (world.add_user("bob"), world.add_user("carol"));
        // After another change, the server publishes the replacement a little later.
        world.login(carol, Purpose::Register);
        world.login(elsewhere, Purpose::Login);
        let to_bob = world.recipient(bob);
        let is_replaced = |world: &World| world.check_roster(elsewhere).is_ok() && world.check_roster(alice).is_ok();
        while !is_replaced(&world) {
            world.send_text(alice, to_bob.clone(), "which one?");
            world.run(SECOND / 1_000);
        }
        assert!(world.run_until_idle(60 * SECOND), "outcomes are missing");
        for event in world.take_events(alice) {
            let ProgramEvent::Peer(output) = event.event else { continue };
            for outcome in outcomes([&output]) {
                match outcome {
                    Outcome::Delivered => {}
                    Outcome::Failed(FailReason::Replaced) | Outcome::Unconfirmed(UnconfirmedReason::Replaced) => {
                        replaced.set(replaced.get() + 1);
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
        world.ledger.check();
    });
    assert!(replaced.get() > 0, "no message was pending when its session was replaced");
    announce(format_args!("takeovers: {count} seeds"));
}

/// The server stops or crashes while users register, and comes back.
#[test]
fn a_client_that_registers_while_the_server_ends_learns_whether_its_account_exists() {
    for ending in [Ending::Stop, Ending::Crash] {
        let lost_answers = Cell::new(0);
        let count = each_seed(env!("CARGO_CRATE_NAME"), 0..300, |seed| {
            let config = WorldConfig { job_time: Duration::from_millis(100), ..WorldConfig::default() };
            let mut world = World::new(Profile::GOOD_WIFI, config, seed);
            let users: Vec<UserId> = (0..6).map(|number| world.add_user(&format!("user{number}"))).collect();
            for user in &users {
                world.login(*user, Purpose::Register);
                world.run(Duration::from_millis(seed % 40));
            }
            world.run(Duration::from_millis(seed % 350));
            match ending {
                Ending::Stop => world.stop_server(World::SERVER),
                Ending::Crash => world.kill_server(World::SERVER, Crash::Process),
            }
            world.run(2 * SECOND);
            let events = users.iter().map(|user| world.take_events(*user));
            let before: Vec<_> = events.collect();
            for (user, events) in users.iter().zip(&before) {
                let is_welcomed = has(events, |event| matches!(event, Event::Welcome { .. }));
                if has_account(&world, *user) && !is_welcomed {
                    assert_eq!(ending, Ending::Crash, "{user:?} has no answer of a server that stops");
                    lost_answers.set(lost_answers.get() + 1);
                }
            }
            world.start_server(World::SERVER);
            world.run(120 * SECOND);
            for (user, before) in users.into_iter().zip(before) {
                let events: Vec<_> = before.into_iter().chain(world.take_events(user)).collect();
                assert!(!has(&events, |event| matches!(event, Event::Rejected(_))), "{user:?}: {events:?}");
                if has(&events, |event| matches!(event, Event::Failed(LoginFailure::Disconnected))) {
                    assert!(!has_account(&world, user), "{user:?} does not know of its account");
                } else {
                    world.check_roster(user).unwrap_or_else(|difference| panic!("{difference}"));
                }
            }
        });
        assert!(ending == Ending::Stop || lost_answers.get() > 0, "no registration was in flight");
        announce(format_args!("registrations while the server ends ({ending:?}): {count} seeds"));
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Ending {
    Stop,
    Crash,
}

/// Whether the client reported such an event.
fn has(events: &[TimedEvent], is_wanted: impl Fn(&Event) -> bool) -> bool {
    events.iter().any(|event| matches!(&event.event, ProgramEvent::Client(event) if is_wanted(event)))
}

/// Whether the user's account exists.
fn has_account(world: &World, user: UserId) -> bool {
    let password = Password::parse("correct horse").expect("the password of every user");
    let check = world.accounts(World::SERVER).authenticate(world.name(user).clone(), password);
    match pin!(check).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result.is_ok(),
        Poll::Pending => unreachable!("calls of the accounts in memory never wait"),
    }
}
