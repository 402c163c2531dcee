//! The roster as applications read it: a shared snapshot, and a watch that reports changes.
//!
//! The driver changes the snapshot in place while nobody holds it. A held snapshot is copied once, at the next change.

use std::collections::BTreeMap;
use std::collections::btree_map::Values;
use std::net::SocketAddr;
use std::sync::Arc;

use chat_core::away::AwayText;
use chat_core::id::SessionId;
use chat_core::name::UserName;
use chat_core::roster::{Change, Entry};
use chat_core::time::Timestamp;
use tokio::sync::watch;

/// The other sessions that are online, as they were at one moment. Sorted by user name.
///
/// Clones are cheap and share the entries. The client copies the entries if the roster changes while a snapshot of it
/// is held: once for each snapshot, however many changes follow. So hold one no longer than it is needed.
#[derive(Clone, Debug, Default)]
pub struct Roster {
    entries: Arc<BTreeMap<UserName, RosterEntry>>,
    revision: u64,
}

impl Roster {
    /// Rises with each change of this client's roster, so that snapshots with the same revision have the same entries.
    /// It says nothing about the rosters of other clients.
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nobody else is online.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry of `user`, if the user is online.
    pub fn get(&self, user: &UserName) -> Option<&RosterEntry> {
        self.entries.get(user)
    }

    /// All entries, in the order of canonical user names.
    pub fn iter(&self) -> Values<'_, UserName, RosterEntry> {
        self.entries.values()
    }

    /// Replaces all entries.
    pub(super) fn set(&mut self, entries: impl Iterator<Item = Entry>) {
        self.entries = Arc::new(entries.map(|entry| (entry.user.clone(), entry.into())).collect());
        self.revision += 1;
    }

    /// Applies one change.
    pub(super) fn apply(&mut self, change: &Change) {
        let entries = Arc::make_mut(&mut self.entries);
        match change {
            Change::Online(entry) | Change::Replaced(entry) => {
                entries.insert(entry.user.clone(), entry.clone().into());
            }
            Change::Offline { user, .. } => {
                entries.remove(user);
            }
            Change::Moved { user, addresses } => {
                if let Some(RosterEntry(entry)) = entries.get_mut(user) {
                    Arc::make_mut(entry).addresses.clone_from(addresses);
                }
            }
        }
        self.revision += 1;
    }

    /// Lets a user go away, or come back.
    pub(super) fn set_away(&mut self, user: &UserName, away: Option<&AwayText>) {
        let entries = Arc::make_mut(&mut self.entries);
        if let Some(RosterEntry(entry)) = entries.get_mut(user) {
            Arc::make_mut(entry).set_away(away);
        }
        self.revision += 1;
    }

    /// Removes all entries, because the session is over. Returns whether there were any.
    pub(super) fn clear(&mut self) -> bool {
        let is_changed = !self.is_empty();
        if is_changed {
            self.set(std::iter::empty());
        }
        is_changed
    }
}

impl<'a> IntoIterator for &'a Roster {
    type Item = &'a RosterEntry;
    type IntoIter = Values<'a, UserName, RosterEntry>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// One session in the roster. Clones are cheap.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RosterEntry(Arc<Entry>);

impl RosterEntry {
    /// The user.
    pub fn user(&self) -> &UserName {
        &self.0.user
    }

    /// The id of the session.
    pub fn session(&self) -> SessionId {
        self.0.session()
    }

    /// When the session began, on the server's clock.
    pub fn since(&self) -> Timestamp {
        self.0.since
    }

    /// The preferred one of the addresses at which the session may receive datagrams. It means nothing if the session
    /// [hides](Self::is_hidden) its addresses.
    pub fn address(&self) -> SocketAddr {
        self.0.address()
    }

    /// The addresses at which the session may receive datagrams, in order of preference. At least one and at most
    /// [`Entry::MAX_ADDRESSES`].
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.0.addresses
    }

    /// Whether the session hides its addresses, and is reached through the relay of the server alone: its client uses
    /// [`ReachMode::Relay`](super::ReachMode::Relay).
    pub fn is_hidden(&self) -> bool {
        self.0.is_hidden()
    }

    /// The away text of a user who is away, which may be empty. `None` if the user is not away.
    pub fn away(&self) -> Option<AwayText> {
        self.0.away()
    }
}

impl From<Entry> for RosterEntry {
    fn from(entry: Entry) -> Self {
        Self(Arc::new(entry))
    }
}

/// Reports changes of the roster. Returned by [`ClientHandle::watch_roster`](super::ClientHandle::watch_roster).
///
/// Changes that come together, or faster than the application asks, are reported as one. Clones are independent. A
/// watch does not keep the session alive.
#[derive(Clone, Debug)]
pub struct RosterWatch {
    receiver: watch::Receiver<Roster>,
    /// The revision that the application has. A channel that wakes late would otherwise report a revision twice.
    seen: u64,
}

impl RosterWatch {
    /// Watches from now on.
    pub(super) fn new(mut receiver: watch::Receiver<Roster>) -> Self {
        let seen = receiver.borrow_and_update().revision();
        Self { receiver, seen }
    }

    /// The current roster. [`changed`](Self::changed) waits for a later one.
    pub fn roster(&mut self) -> Roster {
        let roster = self.receiver.borrow_and_update().clone();
        self.seen = roster.revision();
        roster
    }

    /// Waits until the roster has changed since the last call of a method, or since the watch was created, and returns
    /// it. `None` once the session is over; the last roster before that is empty.
    ///
    /// # Cancel safety
    /// Dropping the future loses no change: the next call reports it.
    pub async fn changed(&mut self) -> Option<Roster> {
        let before = self.seen;
        loop {
            self.receiver.changed().await.ok()?;
            let roster = self.roster();
            if roster.revision() != before {
                return Some(roster);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use chat_core::extras::Extras;
    use chat_core::key::PublicKey;
    use chat_core::presence::OfflineReason;
    use chat_core::roster::LinkVersions;

    use super::*;

    fn entry(user: &str) -> Entry {
        Entry {
            user: user.parse().unwrap(),
            key: PublicKey::new([1; 32]),
            addresses: vec![SocketAddr::from(([10, 0, 0, 1], 40_001))],
            since: Timestamp::from_millis(1),
            versions: LinkVersions { low: 1, high: 1 },
            extras: Extras::default(),
        }
    }

    fn users(roster: &Roster) -> Vec<&str> {
        roster.iter().map(|entry| entry.user().as_str()).collect()
    }

    #[test]
    fn every_change_raises_the_revision_and_leaves_held_snapshots_as_they_were() {
        let mut roster = Roster::default();
        roster.set([entry("bob"), entry("alice")].into_iter());
        let held = roster.clone();
        let moved = vec![SocketAddr::from(([10, 0, 0, 2], 40_002))];
        for (change, online) in [
            (Change::Online(entry("小明")), vec!["alice", "bob", "小明"]),
            (Change::Moved { user: "bob".parse().unwrap(), addresses: moved.clone() }, vec!["alice", "bob", "小明"]),
            (Change::Replaced(entry("alice")), vec!["alice", "bob", "小明"]),
            (Change::Offline { user: "小明".parse().unwrap(), reason: OfflineReason::Asked }, vec!["alice", "bob"]),
        ] {
            let before = roster.revision();
            roster.apply(&change);
            assert_eq!((users(&roster), roster.revision()), (online, before + 1));
        }
        let bob = "bob".parse().unwrap();
        roster.set_away(&bob, "lunch".parse().ok().as_ref());
        assert_eq!(roster.get(&bob).unwrap().away().unwrap().as_str(), "lunch");
        roster.set_away(&bob, None);
        assert_eq!((roster.get(&bob).unwrap().away(), held.get(&bob).unwrap().away()), (None, None));
        assert_eq!(roster.get(&bob).unwrap().addresses(), moved);
        assert_eq!(held.get(&bob).unwrap().address(), entry("bob").address());
        roster.clear();
        assert!(roster.is_empty());
        assert_eq!((users(&held), held.revision()), (vec!["alice", "bob"], 1));
    }

    #[test]
    fn ten_thousand_arrivals_copy_a_held_snapshot_once_and_nothing_otherwise() {
        let mut roster = Roster::default();
        let mut copies = 0;
        let mut arrive = |roster: &mut Roster, number: usize| {
            let before = Arc::as_ptr(&roster.entries);
            roster.apply(&Change::Online(entry(&format!("u{number}"))));
            copies += usize::from(Arc::as_ptr(&roster.entries) != before);
        };
        (0..10_000).for_each(|number| arrive(&mut roster, number));
        let held = roster.clone();
        (10_000..20_000).for_each(|number| arrive(&mut roster, number));
        assert_eq!((copies, held.len(), roster.len()), (1, 10_000, 20_000));
    }

    #[tokio::test]
    async fn a_watch_does_not_report_a_change_that_its_reader_has_seen() {
        let (sender, receiver) = watch::channel(Roster::default());
        let apply_silently = |user| {
            sender.send_if_modified(|roster| {
                roster.apply(&Change::Online(entry(user)));
                false
            })
        };
        apply_silently("alice");
        let mut watch = RosterWatch::new(receiver);
        apply_silently("bob");
        assert_eq!(watch.roster().len(), 2);
        // The driver wakes watches once for all changes of a turn.
        sender.send_modify(|_| {});
        assert!(pin!(watch.changed()).poll(&mut Context::from_waker(Waker::noop())).is_pending());
        apply_silently("carol");
        sender.send_modify(|_| {});
        assert_eq!(watch.changed().await.map(|roster| roster.len()), Some(3));
    }

    #[tokio::test]
    async fn a_watch_reports_changes_since_it_was_read() {
        let (sender, receiver) = watch::channel(Roster::default());
        sender.send_modify(|roster| roster.set([entry("alice")].into_iter()));
        let mut watch = RosterWatch::new(receiver);
        sender.send_modify(|roster| roster.apply(&Change::Online(entry("bob"))));
        sender.send_modify(|roster| roster.apply(&Change::Online(entry("carol"))));
        assert_eq!(watch.changed().await.map(|roster| (roster.len(), roster.revision())), Some((3, 3)));
        sender.send_if_modified(Roster::clear);
        assert!(watch.roster().is_empty());
        drop(sender);
        assert!(watch.changed().await.is_none());
    }
}
