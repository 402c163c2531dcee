//! The jobs that the server starts by itself: polls for accounts that operators have changed, and reports of accounts
//! that are online.

use std::collections::BTreeSet;

use super::cx::Cx;
use super::io::Job;
use super::jobs::PendingJob;
use super::timer::Timer;
use crate::accounts::{Account, AccountError};
use crate::id::AccountId;
use crate::time::Timestamp;

/// Polls the accounts for changes, and reports the accounts that were seen online.
///
/// One report is in flight at a time. Accounts that are seen meanwhile go into the next one, so that a thousand
/// departures cause only a few jobs.
#[derive(Debug)]
pub(super) struct AccountWatch {
    /// When the last poll that was answered began.
    polled: Timestamp,
    /// Accounts that were seen and are not reported.
    seen: BTreeSet<AccountId>,
    report: Report,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Report {
    Idle,
    InFlight,
}

/// The most accounts in one job: a statement of this length suits every database.
pub(super) const MAX_IDS: usize = 500;

impl AccountWatch {
    /// Begins at `now`. Earlier changes do not matter, because no session is older.
    pub(super) fn new(now: Timestamp) -> Self {
        Self { polled: now, seen: BTreeSet::new(), report: Report::Idle }
    }

    /// Asks for the accounts that have changed since the last poll, with an overlap.
    pub(super) fn poll(&self, cx: &mut Cx<'_>) {
        // A clock that was set back must not hide later changes.
        let since = self.polled.min(cx.now.wall);
        let overlap = i64::try_from(cx.config.poll_overlap.as_millis()).unwrap_or(i64::MAX);
        let job = Job::ChangedSince { since: since.offset_by(-overlap) };
        cx.start(PendingJob::Poll { at: cx.now.wall }, job);
    }

    /// Returns the accounts that have changed, given the result of the poll that began at `at`. After a failure the
    /// next poll covers the same time.
    pub(super) fn polled(
        &mut self,
        cx: &mut Cx<'_>,
        at: Timestamp,
        result: Result<Vec<Account>, AccountError>,
    ) -> Vec<Account> {
        let next = cx.after(cx.config.poll_interval);
        cx.timers.set(Timer::Poll, next);
        let Ok(accounts) = result else { return Vec::new() };
        self.polled = at;
        accounts
    }

    /// Reports that these accounts are online, or were until now.
    pub(super) fn seen(&mut self, cx: &mut Cx<'_>, accounts: impl IntoIterator<Item = AccountId>) {
        self.seen.extend(accounts);
        self.report(cx);
    }

    /// A report is done. A failure is ignored, because the accounts are reported again the next time they are seen.
    pub(super) fn reported(&mut self, cx: &mut Cx<'_>) {
        self.report = Report::Idle;
        self.report(cx);
    }

    fn report(&mut self, cx: &mut Cx<'_>) {
        let Self { seen, report, .. } = self;
        if *report == Report::InFlight || seen.is_empty() {
            return;
        }
        let later = seen.iter().nth(MAX_IDS).copied().map(|first| seen.split_off(&first)).unwrap_or_default();
        let ids = std::mem::replace(seen, later).into_iter().collect();
        *report = Report::InFlight;
        cx.start(PendingJob::Seen, Job::Seen { ids });
    }
}
