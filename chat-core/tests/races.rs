//! Two things that happen at the same time and travel different ways, so that either can come first.

use std::cell::Cell;
use std::time::Duration;

use chat_core::message::{FailReason, Outcome, UnconfirmedReason};
use chat_core::peer::Output;
use chat_core::sim::{Profile, ProgramEvent, World, WorldConfig, announce, each_seed};
use chat_core::wire::control::Purpose;

const SECOND: Duration = Duration::from_secs(1);

/// The goodbye of a replaced session would be a datagram, and the change of the roster comes from the server.
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
            let ProgramEvent::Peer(Output::Report(report)) = event.event else { continue };
            match report.outcome {
                Outcome::Delivered => {}
                Outcome::Failed(FailReason::Replaced) | Outcome::Unconfirmed(UnconfirmedReason::Replaced) => {
                    replaced.set(replaced.get() + 1);
                }
                other => panic!("{other:?}"),
            }
        }
        world.ledger.check();
    });
    assert!(replaced.get() > 0, "no message was pending when its session was replaced");
    announce(format_args!("takeovers: {count} seeds"));
}
