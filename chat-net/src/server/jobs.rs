//! Runs the machine's jobs: calls to the accounts and to the journal, each in its own task.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use chat_core::accounts::{AccountError, Accounts};
use chat_core::error_chain::error_chain;
use chat_core::id::JobId;
use chat_core::journal::{Journal, JournalCall, JournalError, JournalReply};
use chat_core::server::{Job, JobResult};
use tokio::task::{AbortHandle, Id, JoinSet};
use tokio::time::{Instant, timeout};

use super::journal_log::JournalLog;
use super::monitor::{Counters, Metric};
use crate::clock;
use crate::log_throttle::LogThrottle;

/// The jobs in progress. The machine bounds their number.
pub(super) struct Jobs<A, J> {
    accounts: Arc<A>,
    /// The journal that the server shares with others. `None` if it is alone.
    journal: Option<Arc<J>>,
    tasks: JoinSet<JobResult>,
    running: HashMap<Id, Running>,
    counters: Arc<Counters>,
    warnings: LogThrottle,
    journal_log: JournalLog,
}

/// The most time for a call to the journal, which should end by itself long before: without a limit, a journal that never
/// answers would stop the server's part in the roster, and nobody would learn of it. A call that founds an epoch sends
/// several pieces, each of which may take seconds.
const JOURNAL_TIME: Duration = Duration::from_secs(60);

struct Running {
    id: JobId,
    /// The result if the task panics or is aborted: the machine waits for a result of every job.
    fallback: JobResult,
    abort: AbortHandle,
    ends: Ends,
    about: About,
}

/// The subject of a result.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum About {
    Accounts,
    Roster,
    /// The server goes on if they are lost, so the log says nothing of it.
    Hints,
}

/// When a server that stops needs a job no more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Ends {
    /// When it begins to stop: the job changes nothing.
    First,
    /// When the machine has stopped: it hands its sessions over in the journal before that.
    Last,
    /// Never: an account that exists only in part would be worse than one whose client received no answer.
    Never,
}

impl<A: Accounts, J: Journal> Jobs<A, J> {
    pub(super) fn new(accounts: Arc<A>, journal: Option<Arc<J>>, counters: Arc<Counters>) -> Self {
        Self {
            accounts,
            journal,
            tasks: JoinSet::new(),
            running: HashMap::new(),
            counters,
            warnings: LogThrottle::default(),
            journal_log: JournalLog::default(),
        }
    }

    pub(super) fn start(&mut self, id: JobId, job: Job) {
        let (fallback, ends, about) = (unfinished(&job), ends(&job), about(&job));
        let (accounts, journal) = (Arc::clone(&self.accounts), self.journal.clone());
        let counters = Arc::clone(&self.counters);
        let abort = self.tasks.spawn(async move { run(&*accounts, journal.as_deref(), job, &counters).await });
        self.running.insert(abort.id(), Running { id, fallback, abort, ends, about });
    }

    /// Aborts the calls to the accounts that change nothing. A server that stops no longer needs their results.
    pub(super) fn abort_queries(&self) {
        self.running.values().filter(|job| job.ends == Ends::First).for_each(|job| job.abort.abort());
    }

    /// Aborts all jobs but those that change accounts: the machine has stopped.
    pub(super) fn abort_all_but_changes(&self) {
        self.running.values().filter(|job| job.ends != Ends::Never).for_each(|job| job.abort.abort());
    }

    /// Waits for the next result. `None` if no job is in progress. Cancel safe.
    pub(super) async fn next(&mut self) -> Option<(JobId, JobResult)> {
        let (task, result) = match self.tasks.join_next_with_id().await? {
            Ok((task, result)) => (task, Ok(result)),
            Err(error) => (error.id(), Err(error)),
        };
        let Running { id, fallback, about, .. } = self.running.remove(&task).expect("`start` inserts every task");
        match &result {
            Ok(JobResult::Journal(result)) if about == About::Roster => self.journal_log.note(result),
            Ok(result) => {
                if let Some(cause) = unavailable(result) {
                    self.counters.add(Metric::AccountsFailed, 1);
                    if self.warnings.allows() {
                        log::error!(
                            "the accounts are unavailable; clients are asked to try again later: {}",
                            error_chain(cause)
                        );
                    }
                }
            }
            Err(error) if !error.is_cancelled() => {
                self.counters.add(Metric::AccountsFailed, 1);
                log::error!("a call to the accounts failed: {error}");
            }
            Err(_) => {}
        }
        Some((id, result.unwrap_or(fallback)))
    }
}

async fn run(accounts: &impl Accounts, journal: Option<&impl Journal>, job: Job, counters: &Counters) -> JobResult {
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
        Job::Journal(call) => JobResult::Journal(match journal {
            Some(journal) => call_journal(journal, call, counters).await,
            // The machine is alone, and never asks.
            None => Err(JournalError::Empty),
        }),
    }
}

async fn call_journal(
    journal: &impl Journal,
    call: JournalCall,
    counters: &Counters,
) -> Result<JournalReply, JournalError> {
    let begin = matches!(call, JournalCall::Append(..)).then(Instant::now);
    let result = timeout(JOURNAL_TIME, call.make(journal)).await;
    // Failed calls too: those that wait for their limit are the slowest.
    if let Some(begin) = begin {
        counters.append_time.record(begin.elapsed());
    }
    result.unwrap_or_else(|_| Err(JournalError::away(format!("no answer for {} s", JOURNAL_TIME.as_secs()))))
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

const fn about(job: &Job) -> About {
    match job {
        Job::Journal(JournalCall::Hint(_)) => About::Hints,
        Job::Journal(_) => About::Roster,
        _ => About::Accounts,
    }
}

const fn ends(job: &Job) -> Ends {
    match job {
        // A password check may also upgrade the stored hash. If it is aborted, the next check does that.
        Job::Authenticate { .. } | Job::LookUp { .. } | Job::ChangedSince { .. } => Ends::First,
        Job::Journal(_) => Ends::Last,
        Job::Register { .. } | Job::ChangePassword { .. } | Job::Seen { .. } | Job::VoidTickets { .. } => Ends::Never,
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
    use std::future::pending;

    use chat_core::accounts::memory::MemoryAccounts;
    use chat_core::id::{Epoch, Fence, NodeId, Position};
    use chat_core::journal::{
        Appended, Entering, Founding, Head, HintPosition, Proposal, Reading, Signs, States, Writer,
    };
    use chat_core::name::UserName;
    use chat_core::password::Password;

    use super::*;
    use crate::server::alone::Alone;

    #[tokio::test]
    async fn aborting_queries_leaves_registrations_running() {
        let mut jobs = Jobs::<_, Alone>::new(Arc::new(MemoryAccounts::default()), None, Arc::default());
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

    /// A journal that never answers a sign of life.
    struct Stuck;

    impl Journal for Stuck {
        async fn enter(&self, _: Entering) -> Result<Head, JournalError> {
            Err(JournalError::Empty)
        }

        async fn append(&self, _: Writer, _: Vec<Proposal>) -> Result<Appended, JournalError> {
            Err(JournalError::away("at once"))
        }

        async fn read(&self, _: Epoch, _: Position, _: Option<HintPosition>) -> Result<Reading, JournalError> {
            Err(JournalError::Empty)
        }

        async fn hint(&self, _: Vec<Vec<u8>>) -> Result<(), JournalError> {
            Err(JournalError::away("at once"))
        }

        async fn renew(&self, _: Writer) -> Result<Signs, JournalError> {
            pending().await
        }

        async fn states(&self, _: Epoch, _: u64) -> Result<States, JournalError> {
            Err(JournalError::Empty)
        }

        async fn found(&self, _: Option<Epoch>, _: Founding) -> Result<(), JournalError> {
            Err(JournalError::Empty)
        }
    }

    fn writer() -> Writer {
        Writer { node: NodeId::new(1), fence: Fence::new(1), epoch: Epoch::new(1) }
    }

    #[tokio::test(start_paused = true)]
    async fn a_journal_that_never_answers_is_away_and_the_time_of_a_failed_append_counts() {
        let counters = Arc::new(Counters::default());
        let accounts = Arc::new(MemoryAccounts::default());
        let mut jobs = Jobs::new(accounts, Some(Arc::new(Stuck)), Arc::clone(&counters));
        jobs.start(JobId::new(1), Job::Journal(JournalCall::Renew(writer())));
        let begin = Instant::now();
        let (_, result) = jobs.next().await.unwrap();
        assert!(matches!(result, JobResult::Journal(Err(JournalError::Away(_)))), "{result:?}");
        assert_eq!(begin.elapsed().as_secs(), JOURNAL_TIME.as_secs());
        assert_eq!(counters.metrics().append_time.count(), 0);
        jobs.start(JobId::new(2), Job::Journal(JournalCall::Append(writer(), vec![])));
        jobs.next().await.unwrap();
        assert_eq!(counters.metrics().append_time.count(), 1);
    }

    #[tokio::test]
    async fn hints_that_are_lost_do_not_make_the_log_say_that_the_journal_is_away() {
        let accounts = Arc::new(MemoryAccounts::default());
        let mut jobs = Jobs::new(accounts, Some(Arc::new(Stuck)), Arc::default());
        for (call, is_away) in
            [(JournalCall::Hint(vec![vec![1]]), false), (JournalCall::Append(writer(), vec![]), true)]
        {
            jobs.start(JobId::new(1), Job::Journal(call));
            let (_, result) = jobs.next().await.unwrap();
            assert!(matches!(result, JobResult::Journal(Err(JournalError::Away(_)))), "{result:?}");
            assert_eq!(jobs.journal_log.is_away(), is_away);
        }
    }
}
