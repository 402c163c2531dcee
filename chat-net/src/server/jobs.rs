//! Runs the machine's jobs: calls to the accounts, each in its own task.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;

use chat_core::accounts::{AccountError, Accounts};
use chat_core::error_chain::error_chain;
use chat_core::id::JobId;
use chat_core::journal::JournalError;
use chat_core::server::{Job, JobResult};
use tokio::task::{AbortHandle, Id, JoinSet};

use super::monitor::{Counters, Metric};
use crate::clock;
use crate::log_throttle::LogThrottle;

/// The jobs in progress. The machine bounds their number.
pub(super) struct Jobs<A> {
    accounts: Arc<A>,
    tasks: JoinSet<JobResult>,
    running: HashMap<Id, Running>,
    counters: Arc<Counters>,
    warnings: LogThrottle,
}

struct Running {
    id: JobId,
    /// The result if the task panics or is aborted: the machine waits for a result of every job.
    fallback: JobResult,
    /// Present if the job is a query.
    query: Option<AbortHandle>,
}

impl<A: Accounts> Jobs<A> {
    pub(super) fn new(accounts: Arc<A>, counters: Arc<Counters>) -> Self {
        Self { accounts, tasks: JoinSet::new(), running: HashMap::new(), counters, warnings: LogThrottle::default() }
    }

    pub(super) fn start(&mut self, id: JobId, job: Job) {
        let (fallback, is_query) = (unfinished(&job), is_query(&job));
        let accounts = Arc::clone(&self.accounts);
        let task = self.tasks.spawn(async move { run(&*accounts, job).await });
        self.running.insert(task.id(), Running { id, fallback, query: is_query.then_some(task) });
    }

    /// Aborts the jobs that change nothing. A server that stops no longer needs their results.
    pub(super) fn abort_queries(&self) {
        self.running.values().filter_map(|job| job.query.as_ref()).for_each(AbortHandle::abort);
    }

    /// Waits for the next result. `None` if no job is in progress. Cancel safe.
    pub(super) async fn next(&mut self) -> Option<(JobId, JobResult)> {
        let (task, result) = match self.tasks.join_next_with_id().await? {
            Ok((task, result)) => {
                if let Some(cause) = unavailable(&result) {
                    self.counters.add(Metric::AccountsFailed, 1);
                    if self.warnings.allows() {
                        log::error!(
                            "the accounts are unavailable; clients are asked to try again later: {}",
                            error_chain(cause)
                        );
                    }
                }
                (task, Some(result))
            }
            Err(error) => {
                if !error.is_cancelled() {
                    self.counters.add(Metric::AccountsFailed, 1);
                    log::error!("a call to the accounts failed: {error}");
                }
                (error.id(), None)
            }
        };
        let Running { id, fallback, .. } = self.running.remove(&task).expect("`start` inserts every task");
        Some((id, result.unwrap_or(fallback)))
    }
}

async fn run(accounts: &impl Accounts, job: Job) -> JobResult {
    match job {
        Job::Register { name, password } => JobResult::Account(accounts.register(name, password, clock::wall()).await),
        Job::Authenticate { name, password } => JobResult::Account(accounts.authenticate(name, password).await),
        Job::ChangePassword { id, old, new } => {
            JobResult::Account(accounts.change_password(id, old, new, clock::wall()).await)
        }
        Job::LookUp { ids } => JobResult::Accounts(accounts.look_up(ids).await),
        Job::ChangedSince { since } => JobResult::Accounts(accounts.changed_since(since).await),
        Job::Seen { ids } => JobResult::Seen(accounts.mark_seen(ids, clock::wall()).await),
        Job::VoidTickets { ids, until } => JobResult::Voided(accounts.void_tickets(ids, until).await),
        // The machine is alone.
        Job::Journal(_) => JobResult::Journal(Err(JournalError::Empty)),
    }
}

/// Why the accounts were unavailable. Clients do not receive the cause.
fn unavailable(result: &JobResult) -> Option<&(dyn Error + 'static)> {
    let error = match result {
        JobResult::Account(result) => result.as_ref().err(),
        JobResult::Accounts(result) => result.as_ref().err(),
        JobResult::Seen(result) | JobResult::Voided(result) => result.as_ref().err(),
        JobResult::Journal(_) => None,
    };
    match error? {
        AccountError::Unavailable(cause) => Some(&**cause),
        _ => None,
    }
}

const fn is_query(job: &Job) -> bool {
    match job {
        // A password check may also upgrade the stored hash. If it is aborted, the next check does that.
        Job::Authenticate { .. } | Job::LookUp { .. } | Job::ChangedSince { .. } | Job::Journal(_) => true,
        Job::Register { .. } | Job::ChangePassword { .. } | Job::Seen { .. } | Job::VoidTickets { .. } => false,
    }
}

fn unfinished(job: &Job) -> JobResult {
    let error = AccountError::Unavailable(Arc::from(Box::from("the call did not finish")));
    match job {
        Job::Register { .. } | Job::Authenticate { .. } | Job::ChangePassword { .. } => JobResult::Account(Err(error)),
        Job::LookUp { .. } | Job::ChangedSince { .. } => JobResult::Accounts(Err(error)),
        Job::Seen { .. } => JobResult::Seen(Err(error)),
        Job::Journal(_) => JobResult::Journal(Err(JournalError::away("the call did not finish"))),
        Job::VoidTickets { .. } => JobResult::Voided(Err(error)),
    }
}

#[cfg(test)]
mod tests {
    use chat_core::accounts::memory::MemoryAccounts;
    use chat_core::name::UserName;
    use chat_core::password::Password;

    use super::*;

    #[tokio::test]
    async fn aborting_queries_leaves_registrations_running() {
        let mut jobs = Jobs::new(Arc::new(MemoryAccounts::default()), Arc::default());
        let (name, password) = (|| UserName::parse("alice").unwrap(), || Password::parse("correct horse").unwrap());
        jobs.start(JobId::new(1), Job::Register { name: name(), password: password() });
        jobs.start(JobId::new(2), Job::Authenticate { name: name(), password: password() });
        // Neither has begun, because this thread is the runtime's only one.
        jobs.abort_queries();
        let mut results = [jobs.next().await.unwrap(), jobs.next().await.unwrap()];
        results.sort_by_key(|(id, _)| *id);
        assert!(matches!(&results[0].1, JobResult::Account(Ok(account)) if account.name == name()), "{results:?}");
        assert!(matches!(&results[1].1, JobResult::Account(Err(AccountError::Unavailable(_)))), "{results:?}");
        assert!(jobs.next().await.is_none());
    }
}
