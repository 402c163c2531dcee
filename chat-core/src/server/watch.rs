//! The server's own questions to the accounts: what operators have changed, and telling who was seen.

use std::collections::BTreeSet;

use super::Server;
use super::io::{Job, Output};
use super::jobs::Pending;
use super::timer::Timer;
use crate::accounts::{Account, AccountError};
use crate::id::AccountId;
use crate::presence::OfflineReason;
use crate::time::{Now, Timestamp};
use crate::wire::control::Ended;

/// Accounts whose owners were seen and of which the accounts do not know yet. One job is in flight at a time; what comes
/// meanwhile goes with the next, so that a thousand departures are a few jobs.
#[derive(Debug, Default)]
pub(super) struct Seen {
    waiting: BTreeSet<AccountId>,
    in_flight: bool,
}

/// The most accounts in one job: a statement of this length suits every database.
pub(super) const MAX_IDS: usize = 500;

impl Server {
    /// Asks for the accounts that changed since the question before, and a little longer.
    pub(super) fn poll(&mut self, now: Now, out: &mut Vec<Output>) {
        // A clock that was set back must not hide what is changed from now on.
        let since = self.polled.min(now.wall);
        let overlap = i64::try_from(self.config.poll_overlap.as_millis()).unwrap_or(i64::MAX);
        let job = Job::ChangedSince { since: since.offset_by(-overlap) };
        self.jobs.start(Pending::Poll { at: now.wall }, job, out);
    }

    /// Ends the sessions whose accounts have changed. A question that failed is asked again from where it began.
    pub(super) fn polled(
        &mut self,
        now: Now,
        at: Timestamp,
        result: Result<Vec<Account>, AccountError>,
        out: &mut Vec<Output>,
    ) {
        self.timers.set(Timer::Poll, now.mono + self.config.poll_interval);
        let Ok(accounts) = result else { return };
        self.polled = at;
        for account in accounts {
            let Some(session) = self.sessions.get_mut(account.id) else { continue };
            match &mut session.changing {
                Some(changing) => changing.seen = changing.seen.max(account.generation),
                None if account.generation > session.generation => self.kick(now, account.id, out),
                None => {}
            }
        }
    }

    /// Ends a session for good because its account has changed.
    pub(super) fn kick(&mut self, now: Now, account: AccountId, out: &mut Vec<Output>) {
        if let Some(conn) = self.sessions.get(account).and_then(|session| session.conn) {
            self.dismiss(conn, Ended::Kicked, out);
        }
        self.end(now, account, OfflineReason::Kicked, out);
    }

    /// Tells the accounts that the owner of one was just here.
    pub(super) fn seen(&mut self, account: AccountId, out: &mut Vec<Output>) {
        self.seen.waiting.insert(account);
        self.tell_seen(out);
    }

    /// Tells the accounts who is here.
    pub(super) fn all_seen(&mut self, now: Now, out: &mut Vec<Output>) {
        self.timers.set(Timer::Seen, now.mono + self.config.seen_interval);
        self.seen.waiting.extend(self.sessions.accounts());
        self.tell_seen(out);
    }

    /// A failure is passed over: the next time the owner is seen is a better one anyway.
    pub(super) fn seen_told(&mut self, out: &mut Vec<Output>) {
        self.seen.in_flight = false;
        self.tell_seen(out);
    }

    fn tell_seen(&mut self, out: &mut Vec<Output>) {
        let Seen { waiting, in_flight } = &mut self.seen;
        if *in_flight || waiting.is_empty() {
            return;
        }
        let later = waiting.iter().nth(MAX_IDS).copied().map(|first| waiting.split_off(&first)).unwrap_or_default();
        let ids = std::mem::replace(waiting, later).into_iter().collect();
        *in_flight = true;
        self.jobs.start(Pending::Seen, Job::Seen { ids }, out);
    }
}
