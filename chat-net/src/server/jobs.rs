//! Jobs: the slow work that the machine asks for, each in a task of its own.

use std::collections::HashMap;
use std::sync::Arc;

use chat_core::accounts::{AccountError, Accounts};
use chat_core::id::JobId;
use chat_core::server::{Job, JobResult};
use tokio::task::{Id, JoinSet};

use crate::clock;

/// The jobs under way. The machine bounds how many there are.
pub(super) struct Jobs<A> {
    accounts: Arc<A>,
    tasks: JoinSet<JobResult>,
    /// What to answer for a task that panics: the machine waits for an answer to every job.
    open: HashMap<Id, (JobId, JobResult)>,
}

impl<A: Accounts> Jobs<A> {
    pub(super) fn new(accounts: Arc<A>) -> Self {
        Self { accounts, tasks: JoinSet::new(), open: HashMap::new() }
    }

    pub(super) fn start(&mut self, id: JobId, job: Job) {
        let otherwise = broken(&job);
        let accounts = Arc::clone(&self.accounts);
        let task = self.tasks.spawn(async move { run(&*accounts, job).await });
        self.open.insert(task.id(), (id, otherwise));
    }

    /// The next job that is done; `None` if none is under way. Cancel safe.
    pub(super) async fn next(&mut self) -> Option<(JobId, JobResult)> {
        let (task, result) = match self.tasks.join_next_with_id().await? {
            Ok((task, result)) => (task, Some(result)),
            Err(error) => {
                log::error!("a call to the accounts failed: {error}");
                (error.id(), None)
            }
        };
        let (id, otherwise) = self.open.remove(&task).expect("every task was noted when it was started");
        Some((id, result.unwrap_or(otherwise)))
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
        Job::Seen { ids } => JobResult::Seen(accounts.seen(ids, clock::wall()).await),
    }
}

fn broken(job: &Job) -> JobResult {
    let error = AccountError::Unavailable(Arc::from(Box::from("the call did not end properly")));
    match job {
        Job::Register { .. } | Job::Authenticate { .. } | Job::ChangePassword { .. } => JobResult::Account(Err(error)),
        Job::LookUp { .. } | Job::ChangedSince { .. } => JobResult::Accounts(Err(error)),
        Job::Seen { .. } => JobResult::Seen(Err(error)),
    }
}
