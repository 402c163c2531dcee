//! Whatever happens to a roster: following its updates, loading it afresh, and believing what one is told agree.

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

/// Takes what the client told out of it, and makes it on `told`.
fn believe(desk: &mut Desk, told: &mut Roster) {
    for output in desk.out.drain(..) {
        if let Output::Event(Event::Change { change, .. }) = output {
            told.apply(&change);
        }
    }
}

fn others(roster: &Roster) -> Vec<Entry> {
    roster.iter().filter(|entry| entry.user.as_str() != "alice").cloned().collect()
}

/// What a change tells: `since` and the spelling of a name are not part of it.
fn seen(roster: &Roster) -> Vec<(&str, PublicKey, &[SocketAddr])> {
    roster.iter().map(|entry| (entry.user.canonical(), entry.key, &entry.addresses[..])).collect()
}

fn send(desk: &mut Desk, reply: &Reply) {
    desk.client.handle(desk.now(), Input::Frame(&bytes(reply)), &mut desk.out);
}

fn send_copy(desk: &mut Desk, roster: &Roster, revision: u64) {
    for entry in roster.iter() {
        send(desk, &Reply::SnapshotPage(vec![entry.clone()]));
    }
    send(desk, &complete(1, revision));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn updates_one_by_one_equal_the_fresh_copy(
        updates in prop::collection::vec(prop::collection::vec(change(), 0..5), 0..12),
    ) {
        let start: Roster = [entry("alice", 7), entry("bob", 2), entry("carol", 3)].into_iter().collect();
        let mut server = start.clone();
        let mut following = Desk::loading();
        send_copy(&mut following, &start, 10);
        following.out.clear();
        let mut told = following.client.roster().clone();
        let mut revision = 10;
        for changes in updates {
            for change in &changes {
                server.apply(change);
            }
            let count = changes.len() as u64;
            send(&mut following, &update(1, revision, changes));
            revision += count;
            believe(&mut following, &mut told);
            prop_assert_eq!(following.client.roster().iter().cloned().collect::<Vec<_>>(), others(&server));
            prop_assert_eq!(seen(&told), seen(following.client.roster()));
        }

        let mut fresh = Desk::loading();
        send_copy(&mut fresh, &server, revision);
        prop_assert_eq!(fresh.client.roster(), following.client.roster());

        // And one that had the first roster and then missed everything is told the way.
        let mut late = Desk::loading();
        send_copy(&mut late, &start, 10);
        late.out.clear();
        let mut told = late.client.roster().clone();
        send_copy(&mut late, &server, revision);
        believe(&mut late, &mut told);
        prop_assert_eq!(fresh.client.roster(), late.client.roster());
        prop_assert_eq!(seen(&told), seen(late.client.roster()));
    }

    #[test]
    fn a_copy_may_be_taken_anywhere_within_the_updates(
        changes in prop::collection::vec(change(), 1..20),
        taken in any::<prop::sample::Index>(),
        sizes in prop::collection::vec(1..5_usize, 20),
    ) {
        // The copy is of revision `taken`; all updates from the first on come while it loads.
        let taken = taken.index(changes.len() + 1);
        let (mut at_taken, mut server) = (Roster::new(), Roster::new());
        for (n, change) in changes.iter().enumerate() {
            if n < taken {
                at_taken.apply(change);
            }
            server.apply(change);
        }
        let mut desk = Desk::loading();
        let mut from = 0;
        for size in sizes {
            let part = &changes[from.min(changes.len())..(from + size).min(changes.len())];
            send(&mut desk, &update(1, from.min(changes.len()) as u64, part.to_vec()));
            from += size;
        }
        desk.out.clear();
        send_copy(&mut desk, &at_taken, taken as u64);
        prop_assert_eq!(desk.lines(), ["online"]);
        prop_assert_eq!(desk.client.roster().iter().cloned().collect::<Vec<_>>(), others(&server));
    }

    #[test]
    fn whatever_is_missed_and_however_it_comes_the_roster_is_the_servers(
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
        let mut desk = Desk::loading();
        send_copy(&mut desk, &start, 10);
        desk.out.clear();
        let mut told = desk.client.roster().clone();
        let send_frames = |desk: &mut Desk, from: usize, to: usize| {
            for at in from..to {
                send(desk, &update(1, after[at].0, frames[at].clone()));
            }
        };
        // How far the client and the server are; both go on, and the client is the one that breaks.
        let (mut mine, mut theirs) = (0, 0);
        for (follows, missed, way) in breaks {
            let to = (theirs + follows).min(frames.len());
            send_frames(&mut desk, mine, to);
            believe(&mut desk, &mut told);
            (mine, theirs) = (to, (to + missed).min(frames.len()));
            desk.input(Input::Disconnected);
            desk.come_back();
            let step = desk.said.expect("it was in step");
            prop_assert_eq!(step.revision.get(), after[mine].0);
            match way {
                // A server that does not know of it.
                0 => {
                    let welcome = desk.continued(None);
                    send(&mut desk, &welcome);
                    send_copy(&mut desk, &after[theirs].1, after[theirs].0);
                }
                _ => {
                    let welcome = desk.continued(Some((1, after[theirs].0)));
                    send(&mut desk, &welcome);
                    // Of what was missed perhaps only half comes before it breaks again.
                    let half = if way == 1 { theirs } else { mine + (theirs - mine) / 2 };
                    send_frames(&mut desk, mine, half);
                    theirs = half;
                }
            }
            mine = theirs;
            believe(&mut desk, &mut told);
            prop_assert_eq!(desk.client.roster().iter().cloned().collect::<Vec<_>>(), others(&after[mine].1));
            prop_assert_eq!(seen(&told), seen(desk.client.roster()));
        }
    }
}
