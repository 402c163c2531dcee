//! Registrations while the journal is away.

use std::cell::Cell;
use std::time::Duration;

use chat_core::client::Event;
use chat_core::sim::{ProgramEvent, announce, each_seed};
use chat_core::wire::control::Purpose;
use chat_core::wire::rejection::Rejection;

use crate::nodes::{Cluster, SECOND, seeds};

/// The journal stops during a registration, for a while. Returns whether the registration was refused.
fn registering_while_the_journal_stops(seed: u64) -> bool {
    let mut cluster = Cluster::new(seed, 2);
    let new = cluster.world.add_user("frank");
    cluster.world.login(new, Purpose::Register);
    cluster.run(600);
    cluster.world.stop_journal();
    cluster.run(9_000);
    cluster.world.start_journal();
    cluster.world.run(90 * SECOND);
    let rejections = cluster.world.take_events(new).into_iter().filter_map(|event| match event.event {
        ProgramEvent::Client(Event::Rejected(why)) => Some(why),
        _ => None,
    });
    let rejections: Vec<_> = rejections.collect();
    let was_refused = !rejections.is_empty();
    if was_refused {
        assert_eq!(rejections, [Rejection::StorageUnavailable]);
        // It has created nothing, so the name is free.
        cluster.world.login(new, Purpose::Register);
        cluster.world.run(Duration::from_secs(10));
    }
    cluster.world.check_roster(new).unwrap_or_else(|difference| panic!("{difference}"));
    was_refused
}

#[test]
fn a_registration_while_the_journal_is_away_has_created_nothing_or_its_client_recognises_the_account() {
    let refused = Cell::new(0);
    let count = each_seed(env!("CARGO_CRATE_NAME"), seeds(200), |seed| {
        refused.set(refused.get() + u64::from(registering_while_the_journal_stops(seed)));
    });
    assert!(count == 1 || (1..count).contains(&refused.get()), "{} refused", refused.get());
    announce(format_args!("registrations while the journal is away: {count} seeds, {} refused", refused.get()));
}
