//! The jobs in flight, and what each is for.

use std::collections::BTreeMap;

use super::io::{Job, Output};
use super::throttle::Attempt;
use crate::id::{AccountId, ConnId, JobId};
use crate::time::Timestamp;

/// What a job is for.
#[derive(Debug)]
pub(super) enum Pending {
    /// A connection enters with a password.
    Login {
        /// Which; it may be gone.
        conn: ConnId,
        /// To be ended in the throttle.
        attempt: Attempt,
    },
    /// A session changes its password.
    ChangePassword {
        /// The connection that asked; it may be gone.
        conn: ConnId,
        /// Whose session.
        account: AccountId,
        /// To be ended in the throttle.
        attempt: Attempt,
    },
    /// Connections resume.
    LookUp {
        /// Which; they may be gone.
        conns: Vec<ConnId>,
    },
    /// The accounts that changed.
    Poll {
        /// When it was asked.
        at: Timestamp,
    },
    /// Who was seen.
    Seen,
}

/// The jobs in flight.
#[derive(Debug)]
pub(super) struct Jobs {
    next: JobId,
    pending: BTreeMap<JobId, Pending>,
    checks: usize,
}

impl Jobs {
    /// None yet.
    pub(super) fn new() -> Self {
        Self { next: JobId::new(1), pending: BTreeMap::new(), checks: 0 }
    }

    /// Hands a job to the driver.
    pub(super) fn start(&mut self, pending: Pending, job: Job, out: &mut Vec<Output>) -> JobId {
        let id = self.next;
        self.next = id.next();
        self.checks += usize::from(pending.is_check());
        self.pending.insert(id, pending);
        out.push(Output::Job { id, job });
        id
    }

    /// What a job was for that is done now.
    pub(super) fn finish(&mut self, id: JobId) -> Option<Pending> {
        let pending = self.pending.remove(&id)?;
        self.checks -= usize::from(pending.is_check());
        Some(pending)
    }

    /// How many passwords are being checked.
    pub(super) fn checks(&self) -> usize {
        self.checks
    }
}

impl Pending {
    fn is_check(&self) -> bool {
        matches!(self, Self::Login { .. } | Self::ChangePassword { .. })
    }
}
