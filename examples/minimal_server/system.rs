//! What a machine does not have: clocks, randomness, and accounts.

use std::future::pending;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chat_core::accounts::Accounts;
use chat_core::generator::Generator;
use chat_core::journal::JournalError;
use chat_core::server::{Job, JobResult};
use chat_core::time::{Mono, Now, Timestamp};
use tokio::time::sleep;

/// A job is one call of the accounts.
pub(crate) async fn run(accounts: &impl Accounts, job: Job) -> JobResult {
    match job {
        Job::Register { name, password } => JobResult::Account(accounts.register(name, password, wall()).await),
        Job::Authenticate { name, password } => JobResult::Account(accounts.authenticate(name, password).await),
        Job::ChangePassword { id, old, new } => {
            JobResult::Account(accounts.change_password(id, old, new, wall()).await)
        }
        Job::LookUp { ids } => JobResult::Accounts(accounts.look_up(ids).await),
        Job::ChangedSince { since } => JobResult::Accounts(accounts.changed_since(since).await),
        Job::Seen { ids } => JobResult::Seen(accounts.mark_seen(ids, wall()).await),
        Job::VoidTickets { ids, until } => JobResult::Voided(accounts.void_tickets(ids, until).await),
        // Only a server that shares its roster with others calls a journal.
        Job::Journal(_) => JobResult::Journal(Err(JournalError::Empty)),
    }
}

/// Both clocks. The monotonic one counts from the start of the driver.
pub(crate) fn now(begin: Instant) -> Now {
    Now { mono: Mono::at(begin.elapsed()), wall: wall() }
}

fn wall() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

pub(crate) async fn sleep_or_forever(time: Option<Duration>) {
    match time {
        Some(time) => sleep(time).await,
        None => pending().await,
    }
}

/// The random generator of the system. Keys are as good as it is.
pub(crate) struct SystemGenerator;

impl Generator for SystemGenerator {
    fn fill(&mut self, out: &mut [u8]) {
        aws_lc_rs::rand::fill(out).expect("the system provides random numbers");
    }
}
