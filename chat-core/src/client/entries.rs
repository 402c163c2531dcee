//! Roster entries and updates as received: validated, bounded and compared.

use std::net::SocketAddr;

use crate::away::AwayText;
use crate::extras::Extras;
use crate::roster::{Change, Entry, Update};

/// Bounds the memory of an entry, and drops all extras but a valid away text and link features: this version knows no
/// other tags.
///
/// Fails if the entry has no address.
pub(super) fn sanitize_entry(entry: &mut Entry) -> Result<(), &'static str> {
    let (away, link_features) = (entry.away(), entry.link_features());
    entry.extras = Extras::default();
    entry.set_away(away.as_ref());
    entry.set_link_features(link_features);
    sanitize_addresses(&mut entry.addresses)
}

/// Checks a whole update before any of its changes is applied.
pub(super) fn sanitize_update(update: &mut Update) -> Result<(), &'static str> {
    let count = u64::try_from(update.changes.len()).unwrap_or(u64::MAX);
    if update.from.get().checked_add(count) != Some(update.to.get()) {
        return Err("the revisions of an update do not match its number of changes");
    }
    for (_, change) in &mut update.changes {
        match change {
            Change::Online(entry) | Change::Replaced(entry) => sanitize_entry(entry)?,
            Change::Moved { addresses, .. } => sanitize_addresses(addresses)?,
            Change::Offline { .. } => {}
        }
    }
    Ok(())
}

/// The change that leads from the user's known entry to `new`, if there is one. Entries with the same key belong to the
/// same session.
pub(super) fn difference(old: Option<&Entry>, new: &Entry) -> Option<Change> {
    let Some(old) = old else { return Some(Change::Online(new.clone())) };
    if old.key != new.key {
        Some(Change::Replaced(new.clone()))
    } else if old.addresses != new.addresses {
        Some(Change::Moved { user: new.user.clone(), addresses: new.addresses.clone() })
    } else {
        None
    }
}

/// The away text that a session has now, or `Some(None)` if its user is back. `None` if that has not changed. A session
/// begins with a user who is not away, except if its entry says so.
pub(super) fn away_change(old: Option<&Entry>, new: &Entry) -> Option<Option<AwayText>> {
    let (before, now) = (old.filter(|old| old.key == new.key).and_then(Entry::away), new.away());
    (before != now).then_some(now)
}

fn sanitize_addresses(addresses: &mut Vec<SocketAddr>) -> Result<(), &'static str> {
    addresses.truncate(Entry::MAX_ADDRESSES);
    addresses.shrink_to_fit();
    if addresses.is_empty() { Err("a roster entry has no address") } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::tests::entry;
    use crate::extras::Extra;
    use crate::id::{Epoch, Revision};
    use crate::presence::OfflineReason;
    use crate::roster::LinkFeatures;
    use crate::time::Timestamp;

    #[test]
    fn another_key_is_a_replacement_and_other_addresses_are_a_move() {
        let (old, mut moved) = (entry("bob", 1), entry("Bob", 1));
        assert_eq!(difference(None, &old), Some(Change::Online(old.clone())));
        assert_eq!(difference(Some(&old), &old), None);
        moved.addresses = vec![SocketAddr::from(([10, 0, 0, 9], 5_000))];
        assert_eq!(
            difference(Some(&old), &moved),
            Some(Change::Moved { user: moved.user.clone(), addresses: moved.addresses.clone() })
        );
        let replaced = entry("bob", 2);
        assert_eq!(difference(Some(&old), &replaced), Some(Change::Replaced(replaced.clone())));
    }

    #[test]
    fn a_user_who_goes_away_is_no_other_change_of_the_session() {
        let old = entry("bob", 1);
        let mut away = old.clone();
        let text: AwayText = "在开会".parse().unwrap();
        away.set_away(Some(&text));
        // A client without this feature drops the extra and so sees no difference.
        assert_eq!(difference(Some(&old), &away), None);
        away.set_link_features(LinkFeatures::RELAY);
        assert_eq!(difference(Some(&old), &away), None, "nor with these");
        assert_eq!(away_change(Some(&old), &away), Some(Some(text.clone())));
        assert_eq!(away_change(Some(&away), &old), Some(None));
        assert_eq!(away_change(Some(&away), &away), None);
        assert_eq!(away_change(None, &away), Some(Some(text.clone())), "the session begins so");
        assert_eq!(away_change(Some(&entry("bob", 2)), &away), Some(Some(text)), "another session");
        assert_eq!(away_change(Some(&away), &entry("bob", 2)), None, "another session");
        let sane = away.clone();
        away.extras.set(9, Some(vec![0; 60_000]));
        sanitize_entry(&mut away).unwrap();
        assert_eq!(away, sane);
    }

    #[test]
    fn the_memory_of_an_entry_is_bounded() {
        let mut entry = entry("bob", 1);
        entry.addresses = (0..3_000_u16).map(|n| SocketAddr::from(([10, 0, 0, 9], 5_000 + n))).collect();
        entry.extras = [Extra { tag: 1, value: vec![0; 60_000] }].into_iter().collect();
        sanitize_entry(&mut entry).unwrap();
        assert_eq!(entry.addresses.len(), Entry::MAX_ADDRESSES);
        assert_eq!(entry.addresses[0].port(), 5_000);
        assert_eq!(entry.extras, Extras::default());
        entry.addresses.clear();
        assert!(sanitize_entry(&mut entry).is_err());
    }

    #[test]
    fn an_update_with_wrong_revisions_or_without_an_address_is_refused() {
        let at = Timestamp::from_millis(1);
        let user = entry("bob", 1).user;
        let offline = || Change::Offline { user: user.clone(), reason: OfflineReason::Asked };
        for (from, to, change, is_valid) in [
            (4, 5, offline(), true),
            (4, 6, offline(), false),
            (4, 4, offline(), false),
            (u64::MAX, 0, offline(), false),
            (4, 5, Change::Moved { user: user.clone(), addresses: vec![] }, false),
            (4, 5, Change::Online(Entry { addresses: vec![], ..entry("bob", 1) }), false),
        ] {
            let (from, to) = (Revision::new(from), Revision::new(to));
            let mut update = Update { epoch: Epoch::new(1), from, to, changes: vec![(at, change)] };
            assert_eq!(sanitize_update(&mut update).is_ok(), is_valid, "{update:?}");
        }
    }
}
