//! The client's roster: received as a snapshot, kept in sync by updates, and brought up to date after a reconnect by a
//! delta or by comparison with a new snapshot.

use std::collections::BTreeSet;
use std::time::Duration;

use super::entries::{away_change, difference, sanitize_entry, sanitize_update};
use super::io::{Event, Output};
use super::snapshot::{PartialSnapshot, SyncDeadline};
use crate::id::Revision;
use crate::name::UserName;
use crate::presence::OfflineReason;
use crate::roster::{Change, Entry, Roster, RosterVersion, Update};
use crate::time::{Mono, Timestamp};

/// The most entries that are held: ten times what a server is designed for, about 30 MB.
pub(super) const MAX_ENTRIES: usize = 100_000;

/// The longest settling time that is honoured. A faulty server cannot keep departed users online for days.
const MAX_SETTLING: Duration = Duration::from_mins(10);

/// The sessions that the client knows of, without its own. Kept while there is no connection.
#[derive(Debug)]
pub(super) struct LocalRoster {
    own: UserName,
    roster: Roster,
    state: SyncState,
    first_snapshot: FirstSnapshot,
    settling_ends: Mono,
    /// Users that the server's snapshot lacks. They stay in the roster until settling ends.
    missing: BTreeSet<UserName>,
}

/// How the client's roster relates to the server's.
#[derive(Debug)]
enum SyncState {
    /// No connection. The version is known if the roster was complete when the connection broke.
    Disconnected(Option<RosterVersion>),
    /// A snapshot was requested or is being received.
    Loading(PartialSnapshot),
    /// The roster is complete at `version`. A delta up to revision `to` is being received.
    CatchingUp { version: RosterVersion, to: Revision, deadline: SyncDeadline },
    /// Every update is applied when it arrives.
    InSync(RosterVersion),
}

/// Whether a snapshot has ever been complete.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum FirstSnapshot {
    /// None yet. The application knows no other session.
    Missing,
    /// The application has read one. Each later difference is reported as a change.
    Received,
}

/// Whether the client must request a snapshot.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub(super) enum Resync {
    NotNeeded,
    Needed,
}

impl LocalRoster {
    pub(super) fn new(own: UserName) -> Self {
        Self {
            own,
            roster: Roster::new(),
            state: SyncState::Disconnected(None),
            first_snapshot: FirstSnapshot::Missing,
            settling_ends: Mono::ZERO,
            missing: BTreeSet::new(),
        }
    }

    /// The version of the roster, if the roster is complete.
    pub(super) fn version(&self) -> Option<RosterVersion> {
        match &self.state {
            SyncState::Disconnected(version) => *version,
            SyncState::CatchingUp { version, .. } | SyncState::InSync(version) => Some(*version),
            SyncState::Loading(_) => None,
        }
    }

    /// Starts synchronising after a welcome. If `delta` is given, the server sends a delta up to that version,
    /// otherwise a snapshot. The first part must arrive before `deadline`. The settling time lasts for another
    /// `settling`.
    ///
    /// Fails if the delta does not start at [our version](Self::version).
    pub(super) fn start_sync(
        &mut self,
        now: Mono,
        deadline: Mono,
        settling: Duration,
        delta: Option<RosterVersion>,
    ) -> Result<(), &'static str> {
        self.state = match (delta, self.version()) {
            (None, _) => SyncState::Loading(PartialSnapshot::new(deadline)),
            (Some(RosterVersion { epoch, revision: to }), Some(version))
                if epoch == version.epoch && to >= version.revision =>
            {
                SyncState::CatchingUp { version, to, deadline: SyncDeadline::new(deadline) }
            }
            (Some(_), _) => return Err("the welcome announces a delta from another roster version"),
        };
        self.finish_catching_up();
        self.settling_ends = now + settling.min(MAX_SETTLING);
        Ok(())
    }

    /// The connection is gone. The roster stays, so that the next snapshot is compared with it or the next delta
    /// applied to it.
    pub(super) fn disconnect(&mut self) {
        self.state = SyncState::Disconnected(self.version());
    }

    /// Makes the next connection begin with a snapshot, because the server sent something invalid: resuming from the
    /// same version would bring the same content again. The roster stays until then.
    pub(super) fn invalidate(&mut self) {
        self.state = SyncState::Disconnected(None);
    }

    /// Adds a page of a snapshot, requested or not. The next page must arrive before `deadline`.
    pub(super) fn add_page(&mut self, page: Vec<Entry>, deadline: Mono) -> Result<(), &'static str> {
        if !matches!(self.state, SyncState::Loading(_)) {
            self.state = SyncState::Loading(PartialSnapshot::new(deadline));
        }
        let SyncState::Loading(snapshot) = &mut self.state else { return Ok(()) };
        snapshot.deadline.restart(deadline);
        for mut entry in page {
            sanitize_entry(&mut entry)?;
            if entry.user != self.own {
                snapshot.entries.insert(entry);
            }
        }
        if snapshot.entries.len() > MAX_ENTRIES { Err(TOO_MANY_ENTRIES) } else { Ok(()) }
    }

    /// Completes the snapshot: reports how it differs from the roster, then applies the buffered updates. If those reveal
    /// a gap, the next snapshot must begin before `deadline`.
    pub(super) fn complete_snapshot(
        &mut self,
        now: Mono,
        at: Timestamp,
        version: RosterVersion,
        deadline: Mono,
        out: &mut Vec<Output>,
    ) -> Result<Resync, &'static str> {
        let (snapshot, buffered) = match std::mem::replace(&mut self.state, SyncState::InSync(version)) {
            SyncState::Loading(snapshot) => snapshot.into_parts(),
            // A snapshot without a page is empty.
            SyncState::Disconnected(_) | SyncState::CatchingUp { .. } | SyncState::InSync(_) => {
                (Roster::new(), Vec::new())
            }
        };
        let first_output = out.len();
        match self.first_snapshot {
            FirstSnapshot::Missing => self.roster = snapshot,
            FirstSnapshot::Received => self.apply_snapshot(now, at, snapshot, out),
        }
        let mut resync = Resync::NotNeeded;
        // Updates of another epoch do not apply to this snapshot. After a gap the rest is buffered again.
        for update in buffered.into_iter().filter(|update| update.epoch == version.epoch) {
            match &mut self.state {
                SyncState::Loading(snapshot) => snapshot.buffer(update),
                _ => resync = self.apply_update(update, deadline, out)?,
            }
        }
        if self.first_snapshot == FirstSnapshot::Missing {
            // The application reads the first roster as a whole.
            out.truncate(first_output);
            self.first_snapshot = FirstSnapshot::Received;
        }
        Ok(resync)
    }

    /// Applies an update, or buffers it while a snapshot is being received. If the update does not continue our version, a
    /// snapshot is needed, which must begin before `deadline`.
    pub(super) fn update(
        &mut self,
        mut update: Update,
        deadline: Mono,
        out: &mut Vec<Output>,
    ) -> Result<Resync, &'static str> {
        sanitize_update(&mut update)?;
        if let SyncState::Loading(snapshot) = &mut self.state {
            snapshot.buffer(update);
            return Ok(Resync::NotNeeded);
        }
        self.apply_update(update, deadline, out)
    }

    /// Once settling has ended, reports the users that did not return as lost.
    pub(super) fn end_settling(&mut self, now: Mono, at: Timestamp, out: &mut Vec<Output>) {
        if self.is_in_sync() && self.settling_ends <= now {
            for user in std::mem::take(&mut self.missing) {
                self.remove_lost(user, at, out);
            }
        }
    }

    /// Postpones all decisions to `deadline` after a stall of the client, so that the driver first reads what waits in
    /// the socket.
    pub(super) fn extend_deadline(&mut self, deadline: Mono) {
        if let Some(current) = self.sync_deadline() {
            current.extend(deadline);
        }
        if !self.missing.is_empty() {
            self.settling_ends = self.settling_ends.max(deadline);
        }
    }

    /// Postpones the deadline because the server answered a heartbeat: it is alive, and may be sending to other clients
    /// first.
    pub(super) fn extend_within_limit(&mut self, deadline: Mono) {
        if let Some(current) = self.sync_deadline() {
            current.extend_within_limit(deadline);
        }
    }

    /// When settling ends for a missing user, or the next part of a snapshot or delta is overdue.
    pub(super) fn deadline(&self) -> Option<Mono> {
        match &self.state {
            SyncState::Loading(PartialSnapshot { deadline, .. }) | SyncState::CatchingUp { deadline, .. } => {
                Some(deadline.get())
            }
            SyncState::InSync(_) if !self.missing.is_empty() => Some(self.settling_ends),
            SyncState::InSync(_) | SyncState::Disconnected(_) => None,
        }
    }

    /// Whether the next part of a snapshot or delta is overdue.
    pub(super) fn is_overdue(&self, now: Mono) -> bool {
        match &self.state {
            SyncState::Loading(PartialSnapshot { deadline, .. }) | SyncState::CatchingUp { deadline, .. } => {
                deadline.get() <= now
            }
            SyncState::InSync(_) | SyncState::Disconnected(_) => false,
        }
    }

    pub(super) fn is_in_sync(&self) -> bool {
        matches!(self.state, SyncState::InSync(_))
    }

    pub(super) fn own(&self) -> &UserName {
        &self.own
    }

    pub(super) fn roster(&self) -> &Roster {
        &self.roster
    }

    pub(super) fn first_snapshot(&self) -> FirstSnapshot {
        self.first_snapshot
    }

    fn apply_snapshot(&mut self, now: Mono, at: Timestamp, snapshot: Roster, out: &mut Vec<Output>) {
        let is_settling = now < self.settling_ends;
        self.missing.clear();
        let missing: Vec<UserName> =
            self.roster.iter().map(|entry| &entry.user).filter(|user| snapshot.get(user).is_none()).cloned().collect();
        for user in missing {
            if is_settling {
                self.missing.insert(user);
            } else {
                self.remove_lost(user, at, out);
            }
        }
        for entry in snapshot.iter() {
            self.set_entry(entry.clone(), at, out);
        }
    }

    /// Applies those changes of `update` that follow our revision.
    fn apply_update(&mut self, update: Update, deadline: Mono, out: &mut Vec<Output>) -> Result<Resync, &'static str> {
        let (SyncState::InSync(version) | SyncState::CatchingUp { version, .. }) = &mut self.state else {
            return Ok(Resync::NotNeeded);
        };
        if update.epoch != version.epoch || update.from > version.revision {
            let mut snapshot = PartialSnapshot::new(deadline);
            snapshot.buffer(update);
            self.state = SyncState::Loading(snapshot);
            return Ok(Resync::Needed);
        }
        // An update that the server built before our snapshot begins with changes that the snapshot contains.
        let known = version.revision.get() - update.from.get();
        version.revision = update.to.max(version.revision);
        if let Some(current) = self.sync_deadline() {
            current.restart(deadline);
        }
        self.finish_catching_up();
        for (at, change) in update.changes.into_iter().skip(usize::try_from(known).unwrap_or(usize::MAX)) {
            self.apply_change(at, change, out);
        }
        if self.roster.len() > MAX_ENTRIES { Err(TOO_MANY_ENTRIES) } else { Ok(Resync::NotNeeded) }
    }

    /// Enters `InSync` once the delta has been received.
    fn finish_catching_up(&mut self) {
        if let SyncState::CatchingUp { version, to, .. } = self.state
            && version.revision >= to
        {
            self.state = SyncState::InSync(version);
        }
    }

    fn sync_deadline(&mut self) -> Option<&mut SyncDeadline> {
        match &mut self.state {
            SyncState::Loading(PartialSnapshot { deadline, .. }) | SyncState::CatchingUp { deadline, .. } => {
                Some(deadline)
            }
            SyncState::InSync(_) | SyncState::Disconnected(_) => None,
        }
    }

    fn apply_change(&mut self, at: Timestamp, change: Change, out: &mut Vec<Output>) {
        if *change.user() == self.own {
            return;
        }
        match change {
            Change::Online(entry) | Change::Replaced(entry) => self.set_entry(entry, at, out),
            Change::Offline { ref user, .. } => {
                self.missing.remove(user);
                if self.roster.remove(user).is_some() {
                    out.push(Output::Event(Event::Change { at, change }));
                }
            }
            Change::Moved { ref user, ref addresses } => {
                // The server cannot move a user that its snapshot lacks.
                let moves = |entry: &Entry| entry.addresses != *addresses && !self.missing.contains(user);
                if self.roster.get(user).is_some_and(moves) {
                    self.roster.apply(&change);
                    out.push(Output::Event(Event::Change { at, change }));
                }
            }
        }
    }

    /// Inserts an entry and reports how it differs from the previous one of its user.
    fn set_entry(&mut self, entry: Entry, at: Timestamp, out: &mut Vec<Output>) {
        self.missing.remove(&entry.user);
        let known = self.roster.get(&entry.user);
        let away = away_change(known, &entry);
        if let Some(change) = difference(known, &entry) {
            out.push(Output::Event(Event::Change { at, change }));
        }
        if let Some(away) = away {
            out.push(Output::Event(Event::Away { at, user: entry.user.clone(), away }));
        }
        self.roster.insert(entry);
    }

    fn remove_lost(&mut self, user: UserName, at: Timestamp, out: &mut Vec<Output>) {
        self.roster.remove(&user);
        let change = Change::Offline { user, reason: OfflineReason::Lost };
        out.push(Output::Event(Event::Change { at, change }));
    }
}

const TOO_MANY_ENTRIES: &str = "the roster has more than 100000 entries";
