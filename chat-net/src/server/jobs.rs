//! Jobs: the slow work that the machine asks for, each in a task of its own.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;

use chat_core::accounts::{AccountError, Accounts};
use chat_core::error_chain::error_chain;
use chat_core::id::JobId;
use chat_core::server::{Job, JobResult};
use tokio::task::{AbortHandle, Id, JoinSet};

use crate::clock;
use crate::pace::Pace;

/// The jobs under way. The machine bounds how many there are.
pub(super) struct Jobs<A> {
    accounts: Arc<A>,
    tasks: JoinSet<JobResult>,
    open: HashMap<Id, Open>,
    warnings: Pace,
}

/// A job under way.
struct Open {
    id: JobId,
    /// What to answer if its task panics: the machine waits for an answer to every job.
    otherwise: JobResult,
    /// If it changes nothing.
    question: Option<AbortHandle>,
}

impl<A: Accounts> Jobs<A> {
    pub(super) fn new(accounts: Arc<A>) -> Self {
        Self { accounts, tasks: JoinSet::new(), open: HashMap::new(), warnings: Pace::warnings() }
    }

    pub(super) fn start(&mut self, id: JobId, job: Job) {
        let (otherwise, is_question) = (broken(&job), is_question(&job));
        let accounts = Arc::clone(&self.accounts);
        let task = self.tasks.spawn(async move { run(&*accounts, job).await });
        self.open.insert(task.id(), Open { id, otherwise, question: is_question.then_some(task) });
    }

    /// Ends those that change nothing, when nobody will hear the answers any more. The others go on.
    pub(super) fn drop_questions(&self) {
        self.open.values().filter_map(|open| open.question.as_ref()).for_each(AbortHandle::abort);
    }

    /// The next job that is done; `None` if none is under way. Cancel safe.
    pub(super) async fn next(&mut self) -> Option<(JobId, JobResult)> {
        let (task, result) = match self.tasks.join_next_with_id().await? {
            Ok((task, result)) => {
                if let Some(cause) = unavailable(&result)
                    && self.warnings.allows()
                {
                    log::error!("the accounts fail, who needs them is told to try again later: {}", error_chain(cause));
                }
                (task, Some(result))
            }
            Err(error) => {
                if !error.is_cancelled() {
                    log::error!("a call to the accounts failed: {error}");
                }
                (error.id(), None)
            }
        };
        let Open { id, otherwise, .. } = self.open.remove(&task).expect("every task was noted when it was started");
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
        Job::Seen { ids } => JobResult::Seen(accounts.mark_seen(ids, clock::wall()).await),
    }
}

/// Why the accounts did not do a job that they could not do: those who wait are told that, but not why.
fn unavailable(result: &JobResult) -> Option<&(dyn Error + 'static)> {
    let error = match result {
        JobResult::Account(result) => result.as_ref().err(),
        JobResult::Accounts(result) => result.as_ref().err(),
        JobResult::Seen(result) => result.as_ref().err(),
    };
    match error? {
        AccountError::Unavailable(cause) => Some(&**cause),
        _ => None,
    }
}

const fn is_question(job: &Job) -> bool {
    match job {
        // A hash that is made anew on the way is made another time.
        Job::Authenticate { .. } | Job::LookUp { .. } | Job::ChangedSince { .. } => true,
        Job::Register { .. } | Job::ChangePassword { .. } | Job::Seen { .. } => false,
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

#[cfg(test)]
mod tests {
    use chat_core::accounts::memory::MemoryAccounts;
    use chat_core::name::UserName;
    use chat_core::password::Password;

    use super::*;

    #[tokio::test]
    async fn at_the_end_accounts_are_still_made_and_questions_are_dropped() {
        let mut jobs = Jobs::new(Arc::new(MemoryAccounts::default()));
        let (name, password) = (|| UserName::parse("alice").unwrap(), || Password::parse("correct horse").unwrap());
        jobs.start(JobId::new(1), Job::Register { name: name(), password: password() });
        jobs.start(JobId::new(2), Job::Authenticate { name: name(), password: password() });
        // Neither has begun, as there is one thread, and it is this one.
        jobs.drop_questions();
        let mut ends = [jobs.next().await.unwrap(), jobs.next().await.unwrap()];
        ends.sort_by_key(|(id, _)| *id);
        assert!(matches!(&ends[0].1, JobResult::Account(Ok(account)) if account.name == name()), "{ends:?}");
        assert!(matches!(&ends[1].1, JobResult::Account(Err(AccountError::Unavailable(_)))), "{ends:?}");
        assert!(jobs.next().await.is_none());
    }
}
