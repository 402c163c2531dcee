//! The roster with its numbered changes, and what is published of them.

use std::sync::Arc;

use bytes::Bytes;

use super::condense::{Kind, Pending, condense};
use super::frames::pack;
use super::update_log::UpdateLog;
use crate::id::{Epoch, Revision};
use crate::presence::Record;
use crate::roster::{Change, Entry, Roster, RosterVersion};
use crate::server::cx::encode;
use crate::server::io::Output;
use crate::time::Timestamp;
use crate::wire;
use crate::wire::control::Reply;

/// The variant of `Reply::SnapshotPage` on the wire.
const SNAPSHOT_PAGE: u32 = 2;

/// The variant of `Reply::Update` on the wire.
const UPDATE: u32 = 4;

/// The roster at its revision, and the changes that are pending. What is published leads from one revision to the next
/// without a gap. The revision of a pending change is the highest that it may get, because sessions that begin and end
/// before the publication are left out.
#[derive(Debug)]
pub(super) struct RosterLog {
    epoch: Epoch,
    revision: Revision,
    roster: Roster,
    /// The encoded length of all entries: the length of a snapshot, except for a few bytes.
    entries_len: usize,
    /// The changes that are made and not published.
    pending: Vec<Pending>,
    /// The snapshot at the published revision, if one was encoded.
    snapshot: Option<Arc<[Bytes]>>,
    update_log: UpdateLog,
    numbering: Numbering,
}

/// When changes get their final revisions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Numbering {
    /// When they are published, condensed.
    Published,
    /// When they are made, as at every other node.
    Made,
}

impl RosterLog {
    /// An empty roster at revision 0. The update log keeps at most `log_limit` bytes.
    pub(super) fn new(epoch: Epoch, log_limit: usize) -> Self {
        Self {
            epoch,
            revision: Revision::new(0),
            roster: Roster::new(),
            entries_len: 0,
            pending: Vec::new(),
            snapshot: None,
            update_log: UpdateLog::new(log_limit),
            numbering: Numbering::Published,
        }
    }

    /// Gives changes their final revisions when they are made, from now on. None is left out.
    pub(super) fn number_when_made(&mut self) {
        self.numbering = Numbering::Made;
    }

    /// Continues at another version, with the same roster. Pending changes are not published.
    pub(super) fn restart(&mut self, version: RosterVersion) {
        self.epoch = version.epoch;
        self.revision = version.revision;
        self.pending.clear();
        self.snapshot = None;
        self.update_log = self.update_log.restarted(version.revision);
    }

    /// Empties the roster. The caller [restarts](Self::restart) it once it is filled again.
    pub(super) fn clear(&mut self) {
        self.roster = Roster::new();
        self.entries_len = 0;
        self.pending.clear();
        self.snapshot = None;
    }

    /// Writes the pending changes to the presence log, and drops them.
    pub(super) fn record_pending(&mut self, out: &mut Vec<Output>) {
        record(std::mem::take(&mut self.pending), out);
    }

    pub(super) fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The highest revision that the last change may get when it is published.
    pub(super) fn revision(&self) -> Revision {
        self.revision
    }

    pub(super) fn roster(&self) -> &Roster {
        &self.roster
    }

    /// Makes one change, which is pending until it is published.
    pub(super) fn make(&mut self, at: Timestamp, change: Change) {
        self.add(Pending { at, change, kind: Kind::Presence });
    }

    /// Lets a user go away or come back: `entry` replaces the one of the same session. It is pending until it is
    /// published.
    pub(super) fn make_away(&mut self, at: Timestamp, entry: Entry) {
        self.add(Pending { at, change: Change::Replaced(entry), kind: Kind::Away });
    }

    fn add(&mut self, pending: Pending) {
        let Pending { change, .. } = &pending;
        self.entries_len -= self.roster.get(change.user()).map_or(0, encoded_len);
        self.roster.apply(change);
        self.entries_len += self.roster.get(change.user()).map_or(0, encoded_len);
        self.pending.push(pending);
        self.revision = self.revision.next();
    }

    /// The number of pending changes.
    pub(super) fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Publishes the pending changes, [condensed]: to every session, to the update log and to the presence log.
    ///
    /// [condensed]: super::condense
    pub(super) fn publish(&mut self, out: &mut Vec<Output>) {
        let pending = std::mem::take(&mut self.pending);
        let pending = if self.numbering == Numbering::Published { condense(pending) } else { pending };
        let published = self.published().revision.get();
        self.revision = Revision::new(published + pending.len() as u64);
        if pending.is_empty() {
            return;
        }
        let bytes = self.log(published, pending.iter().map(|pending| (pending.at, &pending.change)));
        self.snapshot = None;
        out.push(Output::Broadcast { bytes });
        record(pending, out);
    }

    /// Begins the update log with changes that were made before and that have led to this roster. None is pending. Each has a
    /// frame of its own: how other nodes have cut their frames is unknown, and a delta begins with a whole frame.
    pub(super) fn recall(&mut self, changes: &[(Timestamp, Change)]) {
        let Some(begin) = self.revision.get().checked_sub(changes.len() as u64) else { return };
        self.update_log = self.update_log.restarted(Revision::new(begin));
        for (revision, (at, change)) in (begin..).zip(changes) {
            self.log(revision, [(*at, change)]);
        }
    }

    /// Encodes changes that follow the revision `begin`, and adds them to the update log. Returns their frames.
    fn log<'a>(&mut self, begin: u64, changes: impl IntoIterator<Item = (Timestamp, &'a Change)>) -> Bytes {
        let epoch = self.epoch;
        let packed = pack(changes, |before, count, payload| {
            let from = begin + before;
            let to = from + u64::from(count);
            wire::encode(&(UPDATE, epoch, Revision::new(from), Revision::new(to), count), payload);
        });
        for (count, frame) in packed.frames() {
            self.update_log.push(Revision::new(begin + count), frame);
        }
        packed.bytes
    }

    /// The version of the roster that is published.
    pub(super) fn published(&self) -> RosterVersion {
        RosterVersion { epoch: self.epoch, revision: self.update_log.end() }
    }

    /// The frames of the snapshot at the published version: pages and a completion. It is encoded at the first call
    /// after a publication, and shared until the next one. `None` while changes are pending, because the roster is then
    /// ahead of the published version.
    pub(super) fn snapshot(&mut self) -> Option<Arc<[Bytes]>> {
        if !self.pending.is_empty() {
            return None;
        }
        let Self { epoch, revision, roster, snapshot, .. } = self;
        let frames = snapshot.get_or_insert_with(|| {
            let pages = pack(roster.iter(), |_, count, payload| wire::encode(&(SNAPSHOT_PAGE, count), payload));
            let complete = encode(&Reply::SnapshotComplete { epoch: *epoch, revision: *revision });
            pages.frames().map(|(_, page)| page).chain([complete]).collect()
        });
        Some(Arc::clone(frames))
    }

    /// Where the frames begin that [`delta`](Self::delta) returns.
    pub(super) fn delta_begin(&self, version: RosterVersion) -> Option<Revision> {
        self.update_log.begin(version.revision)
    }

    /// The frames that lead from `version` to the [published](Self::published) one. There are none if the client of
    /// another node is ahead of that. `None` if a snapshot is not longer, if the update log does not reach back to
    /// `version`, or if `version` is not one that a client can have: of another epoch, or ahead of the last change.
    pub(super) fn delta(&mut self, version: RosterVersion) -> Option<Arc<[Bytes]>> {
        if version.epoch != self.epoch {
            return None;
        }
        let is_made = self.numbering == Numbering::Made && version.revision <= self.revision;
        if is_made && version.revision > self.update_log.end() {
            return Some(Arc::default());
        }
        let delta = self.update_log.since(version.revision, self.entries_len)?;
        Some(Some(delta).filter(|delta| !delta.is_empty()).into_iter().collect())
    }
}

fn record(changes: Vec<Pending>, out: &mut Vec<Output>) {
    let records = changes.into_iter().filter(|pending| pending.kind == Kind::Presence);
    out.extend(records.map(|pending| Output::Record(Record::Presence(pending.change.event(pending.at)))));
}

fn encoded_len(entry: &Entry) -> usize {
    let mut encoded = Vec::new();
    wire::encode(entry, &mut encoded);
    encoded.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extras::Extras;
    use crate::key::PublicKey;
    use crate::presence::OfflineReason;
    use crate::roster::{LinkVersions, Update};
    use crate::wire::frame;

    fn online(number: u64) -> Change {
        Change::Online(Entry {
            user: format!("{}{number:04}", "明".repeat(28)).parse().unwrap(),
            key: PublicKey::new([7; 32]),
            addresses: vec!["[2001:db8::ffff]:65535".parse().unwrap(); Entry::MAX_ADDRESSES],
            since: Timestamp::from_millis(u64::MAX),
            versions: LinkVersions { low: 255, high: 255 },
            extras: Extras::default(),
        })
    }

    fn publish(log: &mut RosterLog) -> (Vec<Update>, usize) {
        let mut out = Vec::new();
        log.publish(&mut out);
        let records = out.iter().filter(|output| matches!(output, Output::Record(_))).count();
        let mut updates = Vec::new();
        for output in out {
            let Output::Broadcast { bytes } = output else { continue };
            let mut rest = &bytes[..];
            while let Some((length, behind)) = rest.split_first_chunk() {
                let (payload, behind) = behind.split_at(u32::from_be_bytes(*length) as usize);
                assert!(payload.len() <= frame::MAX_FRAME);
                let reply = Reply::decode(payload).unwrap();
                let mut typed = Vec::new();
                wire::encode(&reply, &mut typed);
                assert_eq!(typed, payload);
                let Reply::Update(update) = reply else { panic!("not an update") };
                updates.push(update);
                rest = behind;
            }
        }
        (updates, records)
    }

    #[test]
    fn pending_changes_are_published_together_in_frames_of_bounded_length() {
        let mut log = RosterLog::new(Epoch::new(u64::MAX), 0);
        assert_eq!(log.pending(), 0);
        for number in 0..1_000 {
            log.make(Timestamp::from_millis(number), online(number));
        }
        assert_eq!(log.pending(), 1_000);
        let (updates, records) = publish(&mut log);
        assert_eq!(records, 1_000);
        assert!((2..10).contains(&updates.len()), "{} frames", updates.len());
        let mut revision = Revision::new(0);
        let mut made = Vec::new();
        for update in updates {
            assert_eq!((update.epoch, update.from), (Epoch::new(u64::MAX), revision));
            assert_eq!(update.to.get() - update.from.get(), update.changes.len() as u64);
            revision = update.to;
            made.extend(update.changes);
        }
        assert_eq!(revision, Revision::new(1_000));
        assert!(made.into_iter().eq((0..1_000).map(|number| (Timestamp::from_millis(number), online(number)))));
        assert_eq!(publish(&mut log), (vec![], 0));
    }

    #[test]
    fn a_delta_is_the_rest_of_what_was_published() {
        let epoch = Epoch::new(7);
        let mut log = RosterLog::new(epoch, usize::MAX);
        for number in 0..1_000 {
            log.make(Timestamp::from_millis(number), online(number));
        }
        let version = |revision| RosterVersion { epoch, revision: Revision::new(revision) };
        assert_eq!((log.published(), log.delta(version(1_000))), (version(0), None), "nothing is published");
        let mut out = Vec::new();
        log.publish(&mut out);
        let Some(Output::Broadcast { bytes }) = out.first() else { panic!("the changes are published") };
        // A connection may break between two frames that were published together.
        let (mut rest, mut revision) = (&bytes[..], 0);
        while let Some((length, behind)) = rest.split_first_chunk() {
            let delta = log.delta(version(revision));
            // From the first frame on, the delta is longer than the snapshot.
            assert_eq!(delta.map(|delta| delta.concat()).as_deref(), (revision > 0).then_some(rest), "{revision}");
            let within = log.delta(version(revision + 1));
            assert_eq!(within.map(|delta| delta.concat()).as_deref(), (revision > 0).then_some(rest), "within a frame");
            let (payload, behind) = behind.split_at(u32::from_be_bytes(*length) as usize);
            let Ok(Reply::Update(update)) = Reply::decode(payload) else { panic!("not an update") };
            (rest, revision) = (behind, update.to.get());
        }
        assert_eq!((log.published(), log.delta(log.published()).map(|none| none.len())), (version(1_000), Some(0)));
        assert_eq!(log.delta(RosterVersion { epoch: Epoch::new(8), ..version(1_000) }), None);
    }

    #[test]
    fn a_snapshot_shows_the_published_version_and_is_shared_until_the_next_publication() {
        let mut log = RosterLog::new(Epoch::new(1), 0);
        log.make(Timestamp::from_millis(1), online(1));
        assert_eq!(log.snapshot(), None, "nothing is published");
        publish(&mut log);
        let snapshot = log.snapshot().unwrap();
        assert_eq!(snapshot.len(), 2, "a page and the completion");
        assert!(Arc::ptr_eq(&snapshot, &log.snapshot().unwrap()));
        log.make(Timestamp::from_millis(2), online(2));
        assert_eq!(log.snapshot(), None, "the roster is ahead of the published version");
        publish(&mut log);
        assert!(!Arc::ptr_eq(&snapshot, &log.snapshot().unwrap()));
    }

    /// Reads a snapshot as a client does. Returns its entries and the number of its pages.
    fn read(log: &mut RosterLog) -> (Vec<Entry>, usize) {
        let (mut entries, mut pages) = (Vec::new(), 0);
        let snapshot = log.snapshot().unwrap();
        let (complete, frames) = snapshot.split_last().unwrap();
        for frame in frames {
            let (length, payload) = frame.split_first_chunk().unwrap();
            assert_eq!(u32::from_be_bytes(*length) as usize, payload.len());
            assert!(payload.len() <= frame::MAX_FRAME, "{} bytes", payload.len());
            let reply = Reply::decode(payload).unwrap();
            assert_eq!(encode(&reply), *frame);
            let Reply::SnapshotPage(page) = reply else { panic!("not a page") };
            assert!(!page.is_empty());
            entries.extend(page);
            pages += 1;
        }
        let revision = log.revision();
        assert_eq!(*complete, encode(&Reply::SnapshotComplete { epoch: log.epoch(), revision }));
        (entries, pages)
    }

    #[test]
    fn a_snapshot_holds_the_whole_roster_in_few_pages() {
        let mut log = RosterLog::new(Epoch::new(1), 0);
        assert_eq!(read(&mut log), (vec![], 0), "an empty roster has no page");
        // The numbers below 1,009 in a mixed order, as 1,009 is prime.
        let mixed = || (0..1_009).map(|number| number * 577 % 1_009);
        for number in mixed() {
            log.make(Timestamp::from_millis(number), online(number));
        }
        publish(&mut log);
        let (entries, pages) = read(&mut log);
        assert!(entries.iter().eq(log.roster().iter()));
        let bytes: usize = log.snapshot().unwrap().iter().map(Bytes::len).sum();
        assert!(pages <= 2 * bytes.div_ceil(frame::MAX_FRAME), "{pages} pages for {bytes} bytes");
        assert!(log.entries_len < bytes && bytes < log.entries_len + 100, "{bytes} bytes");
        for number in mixed().skip(9) {
            let user = online(number).user().clone();
            log.make(Timestamp::from_millis(number), Change::Offline { user, reason: OfflineReason::Lost });
        }
        publish(&mut log);
        assert!(read(&mut log).0.iter().eq(log.roster().iter()));
        assert_eq!(log.roster().len(), 9);
    }
}
