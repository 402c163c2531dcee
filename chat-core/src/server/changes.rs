//! The roster as the server keeps it: every change goes through one function, which numbers it; everybody is told of
//! several at once.

use std::sync::Arc;

use bytes::Bytes;

use super::io::Output;
use super::pages::Pages;
use super::update_log::UpdateLog;
use crate::id::{Epoch, Revision};
use crate::presence::Record;
use crate::roster::{Change, Roster, RosterVersion};
use crate::time::Timestamp;
use crate::wire::control::Reply;
use crate::wire::{self, frame};

/// The roster, its revision, the encoded copy of it, and the changes that nobody was told yet.
#[derive(Debug)]
pub(super) struct Changes {
    epoch: Epoch,
    revision: Revision,
    roster: Roster,
    pages: Pages,
    /// The whole copy of what was told last, if it was put together before something changed again.
    copy: Option<Arc<[Bytes]>>,
    untold: Untold,
    update_log: UpdateLog,
}

impl Changes {
    /// A roster of nobody at revision 0. The update log keeps at most `log_limit` bytes.
    pub(super) fn new(epoch: Epoch, log_limit: usize) -> Self {
        let revision = Revision::new(0);
        Self {
            epoch,
            revision,
            roster: Roster::new(),
            pages: Pages::default(),
            copy: None,
            untold: Untold::after(revision),
            update_log: UpdateLog::new(log_limit),
        }
    }

    pub(super) fn epoch(&self) -> Epoch {
        self.epoch
    }

    pub(super) fn revision(&self) -> Revision {
        self.revision
    }

    pub(super) fn roster(&self) -> &Roster {
        &self.roster
    }

    /// Makes one change, of which everybody is to be told.
    pub(super) fn make(&mut self, at: Timestamp, change: Change) {
        self.roster.apply(&change);
        self.pages.follow(&change, self.roster.get(change.user()));
        self.untold.push(self.epoch, at, &change);
        self.revision = self.revision.next();
    }

    /// Whether there are changes that nobody was told yet.
    pub(super) fn are_untold(&self) -> bool {
        self.untold() > 0
    }

    /// How many there are.
    pub(super) fn untold(&self) -> usize {
        self.untold.records.len()
    }

    /// Tells the changes that nobody was told yet, and records them.
    pub(super) fn tell(&mut self, out: &mut Vec<Output>) {
        let mut untold = std::mem::replace(&mut self.untold, Untold::after(self.revision));
        untold.end_frame(self.epoch);
        if !untold.frames.is_empty() {
            self.copy = None;
            // The log keeps slices of the broadcast, which must not keep unused capacity.
            untold.frames.shrink_to_fit();
            let bytes = Bytes::from(untold.frames);
            let mut begin = 0;
            for (to, end) in untold.ends {
                self.update_log.push(to, bytes.slice(begin..end));
                begin = end;
            }
            out.push(Output::Broadcast { bytes });
        }
        out.extend(untold.records.into_iter().map(Output::Record));
    }

    /// A copy of what was told last: the pages, and then that this was all. Until the next telling all copies share their
    /// memory. None if something has changed since the telling and nobody had asked for one before that.
    pub(super) fn copy(&mut self) -> Option<Arc<[Bytes]>> {
        if self.copy.is_none() && !self.are_untold() {
            let complete = encoded(&Reply::SnapshotComplete { epoch: self.epoch, revision: self.revision });
            self.copy = Some(self.pages.frames().cloned().chain([complete]).collect());
        }
        self.copy.clone()
    }

    /// How far everybody is who was told everything.
    pub(super) fn told(&self) -> RosterVersion {
        RosterVersion { epoch: self.epoch, revision: self.update_log.end() }
    }

    /// What somebody whose copy is at `step` was not told, up to [`Self::told`]. None if a whole copy is not longer, if not
    /// all of it is known any more, or if no copy can be at `step`, as that is of another run, to come, or in the middle
    /// of a frame.
    pub(super) fn missed(&mut self, step: RosterVersion) -> Option<Arc<[Bytes]>> {
        if step.epoch != self.epoch {
            return None;
        }
        let delta = self.update_log.since(step.revision, self.pages.len())?;
        Some(Some(delta).filter(|delta| !delta.is_empty()).into_iter().collect())
    }
}

/// Changes that wait to be told together, encoded as they come.
#[derive(Debug)]
struct Untold {
    /// Whole frames: the encoding of so many changes that one more did not fit.
    frames: Vec<u8>,
    /// Of each, the revision after it and where it ends.
    ends: Vec<(Revision, usize)>,
    /// The changes of the next frame, one behind the other, how many they are, and after which revision.
    changes: Vec<u8>,
    count: u32,
    from: Revision,
    records: Vec<Record>,
}

/// The number of `Reply::Update` among the replies.
const VARIANT: u32 = 4;

/// The longest encoding of what stands before the changes: variant, epoch, two revisions, how many follow.
const HEAD: usize = 1 + 10 + 10 + 10 + 5;

impl Untold {
    fn after(revision: Revision) -> Self {
        Self {
            frames: Vec::new(),
            ends: Vec::new(),
            changes: Vec::new(),
            count: 0,
            from: revision,
            records: Vec::new(),
        }
    }

    fn push(&mut self, epoch: Epoch, at: Timestamp, change: &Change) {
        let before = self.changes.len();
        wire::encode(&(at, change), &mut self.changes);
        if self.changes.len() > frame::MAX_FRAME - HEAD && self.count > 0 {
            let last = self.changes.split_off(before);
            self.end_frame(epoch);
            self.changes = last;
        }
        self.count += 1;
        self.records.push(Record::Presence(change.event(at)));
    }

    /// Makes the frame that `Reply::Update` would give for the changes.
    fn end_frame(&mut self, epoch: Epoch) {
        if self.count == 0 {
            return;
        }
        let to = Revision::new(self.from.get() + u64::from(self.count));
        let mut payload = Vec::with_capacity(HEAD + self.changes.len());
        wire::encode(&(VARIANT, epoch, self.from, to, self.count), &mut payload);
        payload.append(&mut self.changes);
        frame::encode_raw(&payload, &mut self.frames);
        self.ends.push((to, self.frames.len()));
        self.count = 0;
        self.from = to;
    }
}

/// One frame with `reply` in it.
pub(super) fn encoded(reply: &Reply) -> Bytes {
    let mut bytes = Vec::new();
    frame::encode(reply, &mut bytes);
    bytes.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extras::Extras;
    use crate::key::PublicKey;
    use crate::roster::{Entry, LinkVersions, Update};

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

    fn told(changes: &mut Changes) -> (Vec<Update>, usize) {
        let mut out = Vec::new();
        changes.tell(&mut out);
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
    fn changes_are_told_together_in_frames_that_are_not_too_long() {
        let mut changes = Changes::new(Epoch::new(u64::MAX), 0);
        assert!(!changes.are_untold());
        for number in 0..1_000 {
            changes.make(Timestamp::from_millis(number), online(number));
        }
        assert!(changes.are_untold());
        let (updates, records) = told(&mut changes);
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
        assert_eq!(told(&mut changes), (vec![], 0));
    }

    #[test]
    fn what_was_missed_is_the_rest_of_what_was_told() {
        let epoch = Epoch::new(7);
        let mut changes = Changes::new(epoch, usize::MAX);
        for number in 0..1_000 {
            changes.make(Timestamp::from_millis(number), online(number));
        }
        let step = |revision| RosterVersion { epoch, revision: Revision::new(revision) };
        assert_eq!((changes.told(), changes.missed(step(1_000))), (step(0), None), "nobody was told");
        let mut out = Vec::new();
        changes.tell(&mut out);
        let Some(Output::Broadcast { bytes }) = out.first() else { panic!("they are told") };
        // A connection may break between two frames that were told together.
        let (mut rest, mut revision) = (&bytes[..], 0);
        while let Some((length, behind)) = rest.split_first_chunk() {
            let missed = changes.missed(step(revision));
            // The first frame begins the whole story, which is longer than the copy.
            assert_eq!(missed.map(|missed| missed.concat()).as_deref(), (revision > 0).then_some(rest), "{revision}");
            assert_eq!(changes.missed(step(revision + 1)), None);
            let (payload, behind) = behind.split_at(u32::from_be_bytes(*length) as usize);
            let Ok(Reply::Update(update)) = Reply::decode(payload) else { panic!("not an update") };
            (rest, revision) = (behind, update.to.get());
        }
        assert_eq!((changes.told(), changes.missed(changes.told()).map(|none| none.len())), (step(1_000), Some(0)));
        assert_eq!(changes.missed(RosterVersion { epoch: Epoch::new(8), ..step(1_000) }), None);
    }

    #[test]
    fn a_copy_shows_what_was_told_last_and_is_shared_until_the_next_telling() {
        let mut changes = Changes::new(Epoch::new(1), 0);
        changes.make(Timestamp::from_millis(1), online(1));
        assert_eq!(changes.copy(), None, "nothing was told");
        told(&mut changes);
        let copy = changes.copy().unwrap();
        assert_eq!(copy.len(), 2, "a page and the end");
        changes.make(Timestamp::from_millis(2), online(2));
        assert!(Arc::ptr_eq(&copy, &changes.copy().unwrap()), "which a change that nobody knows does not change");
        told(&mut changes);
        changes.make(Timestamp::from_millis(3), online(3));
        assert_eq!(changes.copy(), None, "too late for one of what was told");
        told(&mut changes);
        assert!(!Arc::ptr_eq(&copy, &changes.copy().unwrap()));
    }
}
