//! The client's copy of the roster: loaded in pages, kept in step by updates, and after a break compared with a fresh
//! one, or brought up to date by what was missed.

use std::collections::BTreeSet;
use std::time::Duration;

use super::difference::{difference, tidy, tidy_update};
use super::io::{Event, Output};
use super::loading::{Loading, Wait};
use crate::id::Revision;
use crate::name::UserName;
use crate::presence::OfflineReason;
use crate::roster::{Change, Entry, Roster, RosterVersion, Update};
use crate::time::{Mono, Timestamp};

/// The most entries that are held: ten times what a server is built for, and about 30 MB.
pub(super) const MAX_ENTRIES: usize = 100_000;

/// The longest settling that is believed: a server that is wrong about it does not keep ghosts online for days.
const LONGEST_SETTLING: Duration = Duration::from_mins(10);

/// Everybody but oneself, as far as known, whether or not there is a connection.
#[derive(Debug)]
pub(super) struct RosterCopy {
    own: UserName,
    shown: Roster,
    standing: Standing,
    history: History,
    settle_until: Mono,
    /// Who is shown but missing in the server's copy, until settling ends.
    doubtful: BTreeSet<UserName>,
}

/// How the copy stands to the server's roster.
#[derive(Debug)]
enum Standing {
    /// There is no connection. What was whole when it broke is as far as it was then.
    Apart(Option<RosterVersion>),
    /// A fresh copy was asked for, or has begun to come.
    Loading(Loading),
    /// It is whole, and what it missed comes update by update, up to revision `to`.
    Behind { step: RosterVersion, to: Revision, wait: Wait },
    /// Update by update.
    InStep(RosterVersion),
}

/// Whether a copy was ever complete.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum History {
    /// Not yet, so nobody was told anything.
    Empty,
    /// Yes, so that every difference is a change.
    Known,
}

/// What the server has to be asked for, if anything.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub(super) enum Need {
    Nothing,
    FreshCopy,
}

impl RosterCopy {
    pub(super) fn new(own: UserName) -> Self {
        Self {
            own,
            shown: Roster::new(),
            standing: Standing::Apart(None),
            history: History::Empty,
            settle_until: Mono::ZERO,
            doubtful: BTreeSet::new(),
        }
    }

    /// How far what is shown is, if it is a whole copy.
    pub(super) fn step(&self) -> Option<RosterVersion> {
        match &self.standing {
            Standing::Apart(step) => *step,
            Standing::Behind { step, .. } | Standing::InStep(step) => Some(*step),
            Standing::Loading(_) => None,
        }
    }

    /// After a welcome: before `until` comes the first page of a fresh copy, or of what was `missed` since our
    /// [step](Self::step), and where that leads to. The server settles for `settling` more.
    pub(super) fn begin(
        &mut self,
        now: Mono,
        until: Mono,
        settling: Duration,
        missed: Option<RosterVersion>,
    ) -> Result<(), &'static str> {
        self.standing = match (missed, self.step()) {
            (None, _) => Standing::Loading(Loading::new(until)),
            (Some(RosterVersion { epoch, revision: to }), Some(step)) if epoch == step.epoch && to >= step.revision => {
                Standing::Behind { step, to, wait: Wait::new(until) }
            }
            (Some(_), _) => return Err("its welcome goes on from another roster than ours"),
        };
        self.catch_up();
        self.settle_until = now + settling.min(LONGEST_SETTLING);
        Ok(())
    }

    /// The connection is gone. What is shown stays, and the next copy will be compared with it, or what was missed is
    /// made on it.
    pub(super) fn part(&mut self) {
        self.standing = Standing::Apart(self.step());
    }

    /// What the server said could not be understood. Whoever went on from here would only be told the same again, so the
    /// next copy has to be a whole one; what is shown stays until then.
    pub(super) fn doubt(&mut self) {
        self.standing = Standing::Apart(None);
    }

    /// A part of a fresh copy; the next must come before `until`. One that was not asked for is as good.
    pub(super) fn page(&mut self, page: Vec<Entry>, until: Mono) -> Result<(), &'static str> {
        if !matches!(self.standing, Standing::Loading(_)) {
            self.standing = Standing::Loading(Loading::new(until));
        }
        let Standing::Loading(loading) = &mut self.standing else { return Ok(()) };
        loading.wait.until(until);
        for mut entry in page {
            tidy(&mut entry)?;
            if entry.user != self.own {
                loading.entries.insert(entry);
            }
        }
        if loading.entries.len() > MAX_ENTRIES { Err(TOO_MANY) } else { Ok(()) }
    }

    /// The fresh copy is complete: tells its differences to what was shown, and makes the updates that came meanwhile.
    /// The next copy, if that one is out of step already, must begin before `until`.
    pub(super) fn complete(
        &mut self,
        now: Mono,
        at: Timestamp,
        step: RosterVersion,
        until: Mono,
        out: &mut Vec<Output>,
    ) -> Result<Need, &'static str> {
        let (fresh, held) = match std::mem::replace(&mut self.standing, Standing::InStep(step)) {
            Standing::Loading(loading) => loading.into_parts(),
            // A copy without a page is that of nobody.
            Standing::Apart(_) | Standing::Behind { .. } | Standing::InStep(_) => (Roster::new(), Vec::new()),
        };
        let silent_from = out.len();
        match self.history {
            History::Empty => self.shown = fresh,
            History::Known => self.compare(now, at, fresh, out),
        }
        let mut need = Need::Nothing;
        // Those of another epoch say nothing about this copy. After a gap the rest is held again.
        for update in held.into_iter().filter(|update| update.epoch == step.epoch) {
            match &mut self.standing {
                Standing::Loading(loading) => loading.hold(update),
                _ => need = self.make(update, until, out)?,
            }
        }
        if self.history == History::Empty {
            // The first copy is told as a whole.
            out.truncate(silent_from);
            self.history = History::Known;
        }
        Ok(need)
    }

    /// The roster changed. If the update does not follow on what we have, a fresh copy is needed, which must begin
    /// before `until`.
    pub(super) fn update(
        &mut self,
        mut update: Update,
        until: Mono,
        out: &mut Vec<Output>,
    ) -> Result<Need, &'static str> {
        tidy_update(&mut update)?;
        if let Standing::Loading(loading) = &mut self.standing {
            loading.hold(update);
            return Ok(Need::Nothing);
        }
        self.make(update, until, out)
    }

    /// Once settling has ended, tells as lost who did not come back.
    pub(super) fn settle(&mut self, now: Mono, at: Timestamp, out: &mut Vec<Output>) {
        if self.is_in_step() && self.settle_until <= now {
            for user in std::mem::take(&mut self.doubtful) {
                self.lose(user, at, out);
            }
        }
    }

    /// After a delay of our own: nothing is decided before `until`, so that what waits in the socket is read first.
    pub(super) fn forgive(&mut self, until: Mono) {
        if let Some(wait) = self.wait() {
            wait.forgive(until);
        }
        if !self.doubtful.is_empty() {
            self.settle_until = self.settle_until.max(until);
        }
    }

    /// A server that answers heartbeats is there: others get their copies first, and ours may come until `until`.
    pub(super) fn hope(&mut self, until: Mono) {
        if let Some(wait) = self.wait() {
            wait.hope(until);
        }
    }

    /// When settling ends for somebody, or the server must have sent more of a copy, or of what we missed.
    pub(super) fn deadline(&self) -> Option<Mono> {
        match &self.standing {
            Standing::Loading(Loading { wait, .. }) | Standing::Behind { wait, .. } => Some(wait.end()),
            Standing::InStep(_) if !self.doubtful.is_empty() => Some(self.settle_until),
            Standing::InStep(_) | Standing::Apart(_) => None,
        }
    }

    /// Whether the server leaves us waiting for more of a copy, or of what we missed.
    pub(super) fn is_overdue(&self, now: Mono) -> bool {
        match &self.standing {
            Standing::Loading(Loading { wait, .. }) | Standing::Behind { wait, .. } => wait.end() <= now,
            Standing::InStep(_) | Standing::Apart(_) => false,
        }
    }

    /// Whether what is shown is all that the server has told so far.
    pub(super) fn is_in_step(&self) -> bool {
        matches!(self.standing, Standing::InStep(_))
    }

    pub(super) fn own(&self) -> &UserName {
        &self.own
    }

    pub(super) fn shown(&self) -> &Roster {
        &self.shown
    }

    pub(super) fn history(&self) -> History {
        self.history
    }

    fn compare(&mut self, now: Mono, at: Timestamp, fresh: Roster, out: &mut Vec<Output>) {
        let settling = now < self.settle_until;
        self.doubtful.clear();
        let missing: Vec<UserName> =
            self.shown.iter().map(|entry| &entry.user).filter(|user| fresh.get(user).is_none()).cloned().collect();
        for user in missing {
            if settling {
                self.doubtful.insert(user);
            } else {
                self.lose(user, at, out);
            }
        }
        for entry in fresh.iter() {
            self.show(entry.clone(), at, out);
        }
    }

    /// Makes the changes of `update` that are not made yet: its numbers tell which.
    fn make(&mut self, update: Update, until: Mono, out: &mut Vec<Output>) -> Result<Need, &'static str> {
        let (Standing::InStep(step) | Standing::Behind { step, .. }) = &mut self.standing else {
            return Ok(Need::Nothing);
        };
        if update.epoch != step.epoch || update.from > step.revision {
            let mut loading = Loading::new(until);
            loading.hold(update);
            self.standing = Standing::Loading(loading);
            return Ok(Need::FreshCopy);
        }
        // An update that was put together before our copy was made begins with changes that the copy holds.
        let known = step.revision.get() - update.from.get();
        step.revision = update.to.max(step.revision);
        if let Some(wait) = self.wait() {
            wait.until(until);
        }
        self.catch_up();
        for (at, change) in update.changes.into_iter().skip(usize::try_from(known).unwrap_or(usize::MAX)) {
            self.change(at, change, out);
        }
        if self.shown.len() > MAX_ENTRIES { Err(TOO_MANY) } else { Ok(Need::Nothing) }
    }

    /// Is in step as soon as nothing is missed any more.
    fn catch_up(&mut self) {
        if let Standing::Behind { step, to, .. } = self.standing
            && step.revision >= to
        {
            self.standing = Standing::InStep(step);
        }
    }

    fn wait(&mut self) -> Option<&mut Wait> {
        match &mut self.standing {
            Standing::Loading(Loading { wait, .. }) | Standing::Behind { wait, .. } => Some(wait),
            Standing::InStep(_) | Standing::Apart(_) => None,
        }
    }

    fn change(&mut self, at: Timestamp, change: Change, out: &mut Vec<Output>) {
        if *change.user() == self.own {
            return;
        }
        match change {
            Change::Online(entry) | Change::Replaced(entry) => self.show(entry, at, out),
            Change::Offline { ref user, .. } => {
                self.doubtful.remove(user);
                if self.shown.remove(user).is_some() {
                    out.push(Output::Event(Event::Change { at, change }));
                }
            }
            Change::Moved { ref user, ref addresses } => {
                // Of whom the server's copy lacks it cannot tell a move.
                let moves = |entry: &Entry| entry.addresses != *addresses && !self.doubtful.contains(user);
                if self.shown.get(user).is_some_and(moves) {
                    self.shown.apply(&change);
                    out.push(Output::Event(Event::Change { at, change }));
                }
            }
        }
    }

    /// Puts an entry in, and tells how it differs from what was shown of its user.
    fn show(&mut self, entry: Entry, at: Timestamp, out: &mut Vec<Output>) {
        self.doubtful.remove(&entry.user);
        if let Some(change) = difference(self.shown.get(&entry.user), &entry) {
            out.push(Output::Event(Event::Change { at, change }));
        }
        self.shown.insert(entry);
    }

    fn lose(&mut self, user: UserName, at: Timestamp, out: &mut Vec<Output>) {
        self.shown.remove(&user);
        let change = Change::Offline { user, reason: OfflineReason::Lost };
        out.push(Output::Event(Event::Change { at, change }));
    }
}

const TOO_MANY: &str = "the roster has more than 100000 entries";
