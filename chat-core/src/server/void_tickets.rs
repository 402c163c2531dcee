//! Void tickets: once its client has left the session, or its user has logged in again with the password, a ticket logs
//! nobody in, not even after a restart.
//!
//! Until the server ends, `membership` remembers which tickets are void. This part reports that to the accounts.

use std::collections::BTreeMap;
use std::time::Duration;

use super::account_watch::MAX_IDS;
use super::cx::Cx;
use super::io::Job;
use super::jobs::PendingJob;
use super::membership::Membership;
use super::timer::Timer;
use crate::accounts::AccountError;
use crate::id::AccountId;
use crate::time::Timestamp;

/// Reports to the accounts which tickets are void.
///
/// One report is in flight at a time. What becomes void meanwhile goes into the next one, so that a thousand departures
/// cause only a few jobs.
#[derive(Debug)]
pub(super) struct VoidTickets {
    /// The start of the server. Tickets of earlier sessions may exist of which this run knows nothing.
    started: Timestamp,
    /// By account, the beginning of its latest session whose tickets are void, until the accounts have stored it.
    waiting: BTreeMap<AccountId, Timestamp>,
    report: Report,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Report {
    Idle,
    InFlight,
    /// The last one failed. The next one begins after [`RETRY_TIME`].
    Failed,
}

/// The most accounts that wait for a report, about 2 MB. While the accounts are unavailable, nobody can log in, so this
/// many can wait only if the accounts can be read and not written. Beyond it, tickets are void only until a restart.
const MAX_WAITING: usize = 65_536;

/// The time after which a failed report is repeated: as often as the accounts are polled.
const RETRY_TIME: Duration = Duration::from_secs(5);

impl VoidTickets {
    pub(super) fn new(now: Timestamp) -> Self {
        Self { started: now, waiting: BTreeMap::new(), report: Report::Idle }
    }

    /// Voids the tickets of the sessions of `account` that began at `until` or earlier. A session that is online must
    /// have begun later.
    pub(super) fn void(&mut self, cx: &mut Cx<'_>, membership: &mut Membership, account: AccountId, until: Timestamp) {
        if !membership.void_tickets(cx.now.mono, account, until) {
            return;
        }
        if self.waiting.len() < MAX_WAITING || self.waiting.contains_key(&account) {
            let needed = self.waiting.entry(account).or_insert(until);
            *needed = until.max(*needed);
        }
        self.report(cx, membership);
    }

    /// Voids the tickets of all sessions of `account` before the one that is online. `latest` is the beginning of the
    /// latest of them in this run.
    pub(super) fn void_earlier(
        &mut self,
        cx: &mut Cx<'_>,
        membership: &mut Membership,
        account: AccountId,
        latest: Option<Timestamp>,
    ) {
        let Some(since) = membership.session(account).map(|session| session.since) else { return };
        // The earliest time that suffices, so that accounts whose sessions begin one after another fit into one report.
        let until = latest.max(Some(self.started)).filter(|_| !membership.has_gaps(cx.now.mono));
        let before = since.offset_by(-1);
        self.void(cx, membership, account, until.map_or(before, |until| until.min(before)));
    }

    /// A report is done.
    pub(super) fn reported(
        &mut self,
        cx: &mut Cx<'_>,
        membership: &mut Membership,
        ids: &[AccountId],
        until: Timestamp,
        result: Result<(), AccountError>,
    ) {
        if result.is_err() {
            self.report = Report::Failed;
            let next = cx.after(RETRY_TIME);
            return cx.timers.set(Timer::VoidTickets, next);
        }
        for account in ids {
            let since = membership.session(*account).map(|session| session.since.offset_by(-1));
            if self.waiting.get(account).is_some_and(|needed| since.unwrap_or(*needed).min(*needed) <= until) {
                self.waiting.remove(account);
            }
        }
        self.report = Report::Idle;
        self.report(cx, membership);
    }

    /// Repeats a report that failed.
    pub(super) fn retry(&mut self, cx: &mut Cx<'_>, membership: &mut Membership) {
        if self.report == Report::Failed {
            cx.timers.cancel(Timer::VoidTickets);
            self.report = Report::Idle;
            self.report(cx, membership);
        }
    }

    /// Whether a report is in flight.
    pub(super) fn is_reporting(&self) -> bool {
        self.report == Report::InFlight
    }

    fn report(&mut self, cx: &mut Cx<'_>, membership: &mut Membership) {
        if self.report != Report::Idle {
            return;
        }
        let since = |account| membership.session(account).map(|session| session.since);
        let Some((ids, until)) = self.next_report(since) else { return };
        // A session that begins from now on has to begin later than what the accounts store.
        for account in &ids {
            membership.void_tickets(cx.now.mono, *account, until);
        }
        self.report = Report::InFlight;
        cx.start(PendingJob::VoidTickets { ids: ids.clone(), until }, Job::VoidTickets { ids, until });
    }

    /// The accounts of the next report, and the one time for all of them. `since` returns when the session of an
    /// account began that is online: its own tickets stay valid.
    fn next_report(&self, since: impl Fn(AccountId) -> Option<Timestamp>) -> Option<(Vec<AccountId>, Timestamp)> {
        // A session that began at another node, on an earlier clock, keeps its own tickets.
        let needed =
            |account, needed: Timestamp| since(account).map_or(needed, |since| needed.min(since.offset_by(-1)));
        let first = || self.waiting.iter().take(MAX_IDS).map(|(account, until)| (account, needed(*account, *until)));
        let latest = first().map(|(_, needed)| needed).max()?;
        let online = first().filter_map(|(account, _)| since(*account)).min();
        let until = online.map_or(latest, |online| latest.min(online.offset_by(-1)));
        // Never empty: what an account needs is earlier than its session that is online.
        let ids = first().filter(|(_, needed)| *needed <= until).map(|(account, _)| *account).collect();
        Some((ids, until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn waiting(accounts: &[(u64, u64)]) -> VoidTickets {
        let waiting = accounts.iter().map(|(id, until)| (AccountId::new(*id), at(*until))).collect();
        VoidTickets { waiting, ..VoidTickets::new(at(0)) }
    }

    fn next(void: &VoidTickets, online: &[(u64, u64)]) -> Option<(Vec<u64>, u64)> {
        let since =
            |account: AccountId| online.iter().find(|(id, _)| *id == account.get()).map(|(_, since)| at(*since));
        let (ids, until) = void.next_report(since)?;
        Some((ids.into_iter().map(AccountId::get).collect(), until.as_millis()))
    }

    #[test]
    fn one_report_has_the_latest_time_that_keeps_the_tickets_of_those_online() {
        let void = waiting(&[(1, 10), (2, 50), (3, 30)]);
        assert_eq!(next(&void, &[]), Some((vec![1, 2, 3], 50)));
        assert_eq!(next(&void, &[(2, 60), (9, 5)]), Some((vec![1, 2, 3], 50)), "both began later");
        assert_eq!(next(&void, &[(1, 40)]), Some((vec![1, 3], 39)), "the next report has the other");
        assert_eq!(next(&void, &[(1, 11), (3, 31)]), Some((vec![1], 10)));
        assert_eq!(next(&waiting(&[]), &[]), None);
    }

    #[test]
    fn a_report_has_at_most_as_many_accounts_as_one_statement_takes() {
        let accounts: Vec<_> = (1..=1_200).map(|id| (id, id)).collect();
        let (ids, until) = next(&waiting(&accounts), &[]).unwrap();
        assert_eq!((ids.len(), until), (500, 500));
    }
}
