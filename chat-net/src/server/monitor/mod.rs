//! Seeing inside a running server: its counters and its roster, without holding it up.

mod counters;
mod histogram;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use chat_core::id::SessionId;
use chat_core::name::UserName;
use chat_core::roster::Roster;
use chat_core::server::{Counts, Limit};
use chat_core::time::Timestamp;
use tokio::sync::{mpsc, oneshot};

pub(crate) use self::counters::{Counter, Counters, Held};
pub use self::histogram::Distribution;

/// How many questions for the roster may wait for the hub; more wait for these. A copy of ten thousand takes the hub
/// about a millisecond, and one at a time is taken per turn.
const QUESTIONS: usize = 4;

/// A window into one server: put a clone into [`ServerOptions::monitor`](super::ServerOptions::monitor) and look through
/// the other, from any task or thread.
#[derive(Clone, Debug)]
pub struct Monitor(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    counters: Arc<Counters>,
    questions: mpsc::Sender<Question>,
    /// Until the server takes it.
    queue: Mutex<Option<mpsc::Receiver<Question>>>,
}

/// A question for the roster, which is answered by sending it.
pub(crate) type Question = oneshot::Sender<Vec<OnlineUser>>;

impl Monitor {
    /// A window into a server that is not running yet.
    pub fn new() -> Self {
        let (questions, queue) = mpsc::channel(QUESTIONS);
        Self(Arc::new(Shared { counters: Arc::default(), questions, queue: Mutex::new(Some(queue)) }))
    }

    /// The counters as they are now. Never waits; each is right by itself, but two of them may be some events apart.
    pub fn snapshot(&self) -> Snapshot {
        self.0.counters.snapshot()
    }

    /// Who is online now, in the order of canonical names, sessions in grace included.
    ///
    /// # Errors
    /// The server does not run, or ended before it answered.
    ///
    /// # Cancel safety
    /// Safe; the answer is lost.
    pub async fn roster(&self) -> Result<Vec<OnlineUser>, NotServing> {
        if self.queue().is_some() {
            return Err(NotServing);
        }
        let (question, answer) = oneshot::channel();
        self.0.questions.send(question).await.map_err(|_| NotServing)?;
        answer.await.map_err(|_| NotServing)
    }

    pub(crate) fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.0.counters)
    }

    /// The questions for the one server that this window is for. A second server with the same window answers none.
    pub(crate) fn questions(&self) -> mpsc::Receiver<Question> {
        self.queue().take().unwrap_or_else(|| mpsc::channel(1).1)
    }

    fn queue(&self) -> std::sync::MutexGuard<'_, Option<mpsc::Receiver<Question>>> {
        // Held for a look or a take, neither of which panics.
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Monitor {
    fn default() -> Self {
        Self::new()
    }
}

/// One session that is online.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OnlineUser {
    /// Whose it is, as typed at registration.
    pub user: UserName,
    /// Its id.
    pub session: SessionId,
    /// Where its datagrams are best sent to.
    pub address: SocketAddr,
    /// When it logged in.
    pub since: Timestamp,
}

/// A copy of what is shown of a roster.
pub(crate) fn present(roster: &Roster) -> Vec<OnlineUser> {
    let shown = roster.iter().map(|entry| OnlineUser {
        user: entry.user.clone(),
        session: entry.session(),
        address: entry.address(),
        since: entry.since,
    });
    shown.collect()
}

/// What a server is doing.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum State {
    /// It has not begun.
    #[default]
    Waiting,
    /// It serves.
    Serving,
    /// It was asked to stop, or has stopped.
    Stopped,
}

impl State {
    /// How it is kept in a counter.
    pub(crate) const fn number(self) -> u64 {
        self as u64
    }

    const fn of(number: u64) -> Self {
        match number {
            0 => Self::Waiting,
            1 => Self::Serving,
            _ => Self::Stopped,
        }
    }
}

/// The counters of a server. What is not said to be a total is how many there are now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Snapshot {
    /// What it is doing.
    pub state: State,
    /// Connections with a finished handshake, logged in or not.
    pub connections: u64,
    /// Total of connections that the system handed over.
    pub accepted: u64,
    /// Total of failures to accept, as when there are no descriptors left.
    pub accept_failed: u64,
    /// Total of connections that were closed before their handshake, because as many from their address were before it.
    pub refused: u64,
    /// Handshakes under way.
    pub handshakes: u64,
    /// Total of handshakes that failed or took too long.
    pub handshakes_failed: u64,
    /// Sessions with a connection.
    pub sessions: u64,
    /// Sessions that others see, those in grace included.
    pub roster: u64,
    /// Total of changes of the roster.
    pub revision: u64,
    /// Password checks under way or waiting.
    pub password_checks: u64,
    /// Totals of what came of attempts to log in.
    pub log_ins: Counts,
    /// Total of clients that were dropped because they did not read.
    pub too_slow: u64,
    /// Total of frames received.
    pub frames_in: u64,
    /// Total of their bytes, lengths included and TLS not.
    pub bytes_in: u64,
    /// Total of frames put into outboxes.
    pub frames_out: u64,
    /// Total of their bytes, lengths included and TLS not.
    pub bytes_out: u64,
    /// Total of lines that the presence log lacks.
    pub presence_log_lost: u64,
    /// Totals of clients that were refused because of a bound of the machine, all of [`Limit::ALL`].
    pub reached: [(Limit, u64); Limit::ALL.len()],
    /// From a request to log in that was granted to its welcome.
    pub log_in_time: Distribution,
    /// What the hub needed for each turn: up to 64 events, and nothing else happens meanwhile.
    pub turn_time: Distribution,
}

/// There is no server to be asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the server does not run")]
pub struct NotServing;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_is_not_there_does_not_let_anybody_wait() {
        let monitor = Monitor::new();
        assert_eq!(monitor.roster().await, Err(NotServing));
        let mut questions = monitor.questions();
        let asked = tokio::spawn({
            let monitor = monitor.clone();
            async move { monitor.roster().await }
        });
        drop(questions.recv().await.unwrap());
        assert_eq!(asked.await.unwrap(), Err(NotServing), "it ended before it answered");
        drop(questions);
        assert_eq!(monitor.roster().await, Err(NotServing));
        let seen = monitor.snapshot();
        assert_eq!((seen.state, seen.sessions, seen.log_ins), (State::Waiting, 0, Counts::default()));
    }
}
