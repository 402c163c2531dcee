//! For any changes, applying updates, loading a snapshot, and applying the reported changes give the same roster.

use proptest::prelude::*;

use super::*;
use crate::roster::Roster;

const USERS: [&str; 5] = ["alice", "bob", "carol", "dave", "小明"];

fn change() -> impl Strategy<Value = Change> {
    let user = || prop::sample::select(&USERS[..]);
    let reason = prop::sample::select(&[OfflineReason::Asked, OfflineReason::Lost, OfflineReason::Kicked][..]);
    prop_oneof![
        (user(), 1..9_u8).prop_map(|(user, key)| Change::Online(entry(user, key))),
        (user(), 1..9_u8).prop_map(|(user, key)| Change::Replaced(entry(user, key))),
        (user(), 1..9_u8).prop_map(|(user, host)| moved(user, &format!("10.0.0.{host}:5000"))),
        (user(), reason).prop_map(|(user, reason)| offline(user, reason)),
    ]
}

/// Takes the changes that the client reported, and applies them to `reported`.
fn believe(harness: &mut Harness, reported: &mut Roster) {
    for output in harness.out.drain(..) {
        if let Output::Event(Event::Change { change, .. }) = output {
            reported.apply(&change);
        }
    }
}

fn others(roster: &Roster) -> Vec<Entry> {
    roster.iter().filter(|entry| entry.user.as_str() != "alice").cloned().collect()
}

/// The parts of a roster that changes convey: neither `since` nor the spelling of a name.
fn seen(roster: &Roster) -> Vec<(&str, PublicKey, &[SocketAddr])> {
    roster.iter().map(|entry| (entry.user.canonical(), entry.key, &entry.addresses[..])).collect()
}

fn send(harness: &mut Harness, reply: &Reply) {
    harness.client.handle(harness.now(), Input::Frame(&bytes(reply)), &mut harness.out);
}

fn send_copy(harness: &mut Harness, roster: &Roster, revision: u64) {
    for entry in roster.iter() {
        send(harness, &Reply::SnapshotPage(vec![entry.clone()]));
    }
    send(harness, &complete(1, revision));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn updates_lead_to_the_same_roster_as_a_snapshot(
        updates in prop::collection::vec(prop::collection::vec(change(), 0..5), 0..12),
    ) {
        let start: Roster = [entry("alice", 7), entry("bob", 2), entry("carol", 3)].into_iter().collect();
        let mut server = start.clone();
        let mut following = Harness::loading();
        send_copy(&mut following, &start, 10);
        following.out.clear();
        let mut reported = following.client.roster().clone();
        let mut revision = 10;
        for changes in updates {
            for change in &changes {
                server.apply(change);
            }
            let count = changes.len() as u64;
            send(&mut following, &update(1, revision, changes));
            revision += count;
            believe(&mut following, &mut reported);
            prop_assert_eq!(following.client.roster().iter().cloned().collect::<Vec<_>>(), others(&server));
            prop_assert_eq!(seen(&reported), seen(following.client.roster()));
        }

        let mut fresh = Harness::loading();
        send_copy(&mut fresh, &server, revision);
        prop_assert_eq!(fresh.client.roster(), following.client.roster());

        // A client that had the first roster and missed all updates reports changes to the same result.
        let mut late = Harness::loading();
        send_copy(&mut late, &start, 10);
        late.out.clear();
        let mut reported = late.client.roster().clone();
        send_copy(&mut late, &server, revision);
        believe(&mut late, &mut reported);
        prop_assert_eq!(fresh.client.roster(), late.client.roster());
        prop_assert_eq!(seen(&reported), seen(late.client.roster()));
    }

    #[test]
    fn updates_around_a_snapshot_lead_to_the_servers_roster(
        changes in prop::collection::vec(change(), 1..20),
        taken in any::<prop::sample::Index>(),
        sizes in prop::collection::vec(1..5_usize, 20),
    ) {
        // The snapshot is of revision `taken`. All updates, from the first on, arrive while it loads.
        let taken = taken.index(changes.len() + 1);
        let (mut at_taken, mut server) = (Roster::new(), Roster::new());
        for (n, change) in changes.iter().enumerate() {
            if n < taken {
                at_taken.apply(change);
            }
            server.apply(change);
        }
        let mut harness = Harness::loading();
        let mut from = 0;
        for size in sizes {
            let part = &changes[from.min(changes.len())..(from + size).min(changes.len())];
            send(&mut harness, &update(1, from.min(changes.len()) as u64, part.to_vec()));
            from += size;
        }
        harness.out.clear();
        send_copy(&mut harness, &at_taken, taken as u64);
        prop_assert_eq!(harness.lines(), ["online"]);
        prop_assert_eq!(harness.client.roster().iter().cloned().collect::<Vec<_>>(), others(&server));
    }

    #[test]
    fn after_any_breaks_the_roster_equals_the_servers(
        frames in prop::collection::vec(prop::collection::vec(change(), 1..5), 1..12),
        breaks in prop::collection::vec((0..4_usize, 0..3_usize, 0..3_u8), 1..6),
    ) {
        let start: Roster = [entry("alice", 7), entry("bob", 2), entry("carol", 3)].into_iter().collect();
        // The roster after each frame, with its revision.
        let mut after = vec![(10, start.clone())];
        for changes in &frames {
            let (revision, mut roster) = after.last().cloned().unwrap();
            changes.iter().for_each(|change| roster.apply(change));
            after.push((revision + changes.len() as u64, roster));
        }
        let mut harness = Harness::loading();
        send_copy(&mut harness, &start, 10);
        harness.out.clear();
        let mut reported = harness.client.roster().clone();
        let send_frames = |harness: &mut Harness, from: usize, to: usize| {
            for at in from..to {
                send(harness, &update(1, after[at].0, frames[at].clone()));
            }
        };
        // The positions of the client and the server in `frames`.
        let (mut mine, mut theirs) = (0, 0);
        for (follows, missed, way) in breaks {
            let to = (theirs + follows).min(frames.len());
            send_frames(&mut harness, mine, to);
            believe(&mut harness, &mut reported);
            (mine, theirs) = (to, (to + missed).min(frames.len()));
            harness.input(Input::Disconnected);
            harness.reconnect();
            let step = harness.known_version.expect("the roster was complete");
            prop_assert_eq!(step.revision.get(), after[mine].0);
            match way {
                // A server that sends a snapshot.
                0 => {
                    let welcome = harness.continued(None);
                    send(&mut harness, &welcome);
                    send_copy(&mut harness, &after[theirs].1, after[theirs].0);
                }
                _ => {
                    let welcome = harness.continued(Some((1, after[theirs].0)));
                    send(&mut harness, &welcome);
                    // Perhaps only half of the delta arrives before the connection breaks again.
                    let half = if way == 1 { theirs } else { mine + (theirs - mine) / 2 };
                    send_frames(&mut harness, mine, half);
                    theirs = half;
                }
            }
            mine = theirs;
            believe(&mut harness, &mut reported);
            prop_assert_eq!(harness.client.roster().iter().cloned().collect::<Vec<_>>(), others(&after[mine].1));
            prop_assert_eq!(seen(&reported), seen(harness.client.roster()));
        }
    }
}
