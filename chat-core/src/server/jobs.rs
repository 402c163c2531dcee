//! The jobs in flight, and what each is for.

use std::collections::{BTreeMap, BTreeSet};

use super::pseudonyms::SourcePseudonym;
use super::throttle::ThrottledAttempt;
use crate::id::{AccountId, ConnId, JobId};
use crate::time::Timestamp;
use crate::wire::control::Purpose;

/// What a job is for.
#[derive(Debug)]
pub(super) enum PendingJob {
    /// A guest logs in with a password, or registers.
    Login {
        /// The guest. It may be gone when the job is done.
        conn: ConnId,
        purpose: Purpose,
        /// Where the request came from.
        from: SourcePseudonym,
        /// The attempt, which must be ended in the throttle.
        attempt: ThrottledAttempt,
    },
    /// A session changes the password of its account.
    ChangePassword {
        /// The connection that sent the request. It may be gone when the job is done.
        conn: ConnId,
        /// The account of the session.
        account: AccountId,
        /// The attempt, which must be ended in the throttle.
        attempt: ThrottledAttempt,
    },
    /// Guests resume with their tickets.
    LookUp {
        /// The guests. They may be gone when the job is done.
        conns: Vec<ConnId>,
    },
    /// A poll for accounts that changed.
    Poll {
        /// When the job started.
        at: Timestamp,
    },
    /// A report of accounts that were seen online.
    Seen,
    /// A report of void tickets.
    VoidTickets {
        /// The accounts in it.
        ids: Vec<AccountId>,
        /// The time in it.
        until: Timestamp,
    },
    /// A call of the journal.
    Journal {
        /// The result counts in this run only.
        run: u64,
        /// The proposals in it.
        numbers: Vec<u64>,
    },
    /// A call that gives hints to the other servers.
    Hints,
}

/// The jobs in flight.
#[derive(Debug)]
pub(super) struct Jobs {
    next: JobId,
    pending: BTreeMap<JobId, PendingJob>,
    checks: usize,
    changes: usize,
}

impl Jobs {
    pub(super) fn new() -> Self {
        Self { next: JobId::new(1), pending: BTreeMap::new(), checks: 0, changes: 0 }
    }

    /// Adds a job and returns its id.
    pub(super) fn start(&mut self, pending: PendingJob) -> JobId {
        let id = self.next;
        self.next = id.next();
        self.checks += usize::from(pending.is_check());
        self.changes += usize::from(pending.is_change());
        self.pending.insert(id, pending);
        id
    }

    /// Removes a job that is done and returns what it was for. `None` if no such job is in flight.
    pub(super) fn finish(&mut self, id: JobId) -> Option<PendingJob> {
        let pending = self.pending.remove(&id)?;
        self.checks -= usize::from(pending.is_check());
        self.changes -= usize::from(pending.is_change());
        Some(pending)
    }

    /// The number of password checks in flight.
    pub(super) fn checks(&self) -> usize {
        self.checks
    }

    /// The number of registrations and password changes in flight.
    pub(super) fn changes(&self) -> usize {
        self.changes
    }

    /// The connections whose registrations are in flight.
    pub(super) fn registering(&self) -> BTreeSet<ConnId> {
        let conns = self.pending.values().filter_map(|pending| match pending {
            PendingJob::Login { conn, purpose: Purpose::Register, .. } => Some(*conn),
            _ => None,
        });
        conns.collect()
    }
}

impl PendingJob {
    fn is_check(&self) -> bool {
        matches!(self, Self::Login { .. } | Self::ChangePassword { .. })
    }

    /// Whether the job changes an account, so that its client must learn the result.
    fn is_change(&self) -> bool {
        matches!(self, Self::Login { purpose: Purpose::Register, .. } | Self::ChangePassword { .. })
    }
}
