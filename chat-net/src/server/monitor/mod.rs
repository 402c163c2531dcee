//! A view into a running server: its numbers and its roster, read without delaying the hub.

mod counters;
mod histogram;

use std::net::SocketAddr;
use std::ops::Index;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chat_core::id::SessionId;
use chat_core::name::UserName;
use chat_core::relay::{ParcelResult, RelayCounts};
use chat_core::roster::Roster;
use chat_core::server::{Count, Counts, JournalStatus, Limit};
use chat_core::time::Timestamp;
use tokio::sync::{mpsc, oneshot};

use self::counters::METRICS;
pub use self::counters::Metric;
pub(crate) use self::counters::{Counters, Held};
pub use self::histogram::Distribution;

/// The most requests for the roster that may wait for the hub. Further callers wait for a place in this queue. The hub
/// answers one per turn, because copying ten thousand entries takes it about a millisecond.
const ROSTER_REQUESTS: usize = 4;

/// A view into one server. Put a clone into [`ServerOptions::monitor`](super::ServerOptions::monitor), and use the
/// original from any task or thread.
#[derive(Clone, Debug)]
pub struct Monitor(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    counters: Arc<Counters>,
    requests: mpsc::Sender<RosterRequest>,
    /// Present until a server takes it.
    queue: Mutex<Option<mpsc::Receiver<RosterRequest>>>,
}

/// Where the hub sends a copy of the roster.
pub(crate) type RosterRequest = oneshot::Sender<Vec<OnlineUser>>;

impl Monitor {
    /// Creates the view for a server that does not run yet.
    pub fn new() -> Self {
        let (requests, queue) = mpsc::channel(ROSTER_REQUESTS);
        Self(Arc::new(Shared { counters: Arc::default(), requests, queue: Mutex::new(Some(queue)) }))
    }

    /// Reads all numbers, without waiting. Each number is correct by itself, but two of them may be a few events apart.
    pub fn metrics(&self) -> Metrics {
        self.0.counters.metrics()
    }

    /// Returns the sessions that are online, sorted by canonical user name. Sessions in their grace time are included.
    ///
    /// # Errors
    /// The server does not run, or it ended before it answered.
    ///
    /// # Cancel safety
    /// Cancel safe: dropping the future discards the answer and nothing else.
    pub async fn roster(&self) -> Result<Vec<OnlineUser>, NotServing> {
        if self.queue().is_some() {
            return Err(NotServing);
        }
        let (request, answer) = oneshot::channel();
        self.0.requests.send(request).await.map_err(|_| NotServing)?;
        answer.await.map_err(|_| NotServing)
    }

    /// The names of the servers that share this one's roster, this one included, in order. Empty if the server is alone.
    pub fn nodes(&self) -> Vec<String> {
        self.0.counters.nodes()
    }

    pub(crate) fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.0.counters)
    }

    /// The requests for the server of this view. A second server with the same view receives none.
    pub(crate) fn roster_requests(&self) -> mpsc::Receiver<RosterRequest> {
        self.queue().take().unwrap_or_else(|| mpsc::channel(1).1)
    }

    fn queue(&self) -> MutexGuard<'_, Option<mpsc::Receiver<RosterRequest>>> {
        // Locked only to look at the value or to take it, which does not panic.
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
    user: UserName,
    session: SessionId,
    address: SocketAddr,
    since: Timestamp,
}

impl OnlineUser {
    /// The user name in the form in which it was registered.
    pub const fn user(&self) -> &UserName {
        &self.user
    }

    /// The session's id.
    pub const fn session(&self) -> SessionId {
        self.session
    }

    /// The session's preferred address for datagrams.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The time of the login.
    pub const fn since(&self) -> Timestamp {
        self.since
    }
}

/// Copies what a [`Monitor`] shows of the roster.
pub(crate) fn online_users(roster: &Roster) -> Vec<OnlineUser> {
    let users = roster.iter().map(|entry| OnlineUser {
        user: entry.user.clone(),
        session: entry.session(),
        address: entry.address(),
        since: entry.since,
    });
    users.collect()
}

/// Whether a server runs.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum ServerState {
    /// The server has not started yet.
    #[default]
    Waiting,
    /// The server accepts connections.
    Serving,
    /// The server was asked to stop, or has stopped.
    Stopped,
}

/// The numbers of a server at one moment. Index it with a [`Metric`], with a [`Count`] of logins or rejections, with a
/// [`Limit`] to get how often clients reached that limit, or with a [`ParcelResult`] to get how many parcels had it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Metrics {
    /// Whether the server runs.
    pub state: ServerState,
    /// The times from a granted login request to its welcome.
    pub login_time: Distribution,
    /// The times of the hub's turns. A turn handles up to 64 events, and the hub does nothing else meanwhile.
    pub turn_time: Distribution,
    /// The times from when the relay received the oldest datagram of a frame until the recipient's connection had written
    /// the frame.
    pub relay_time: Distribution,
    /// What the relay has passed and dropped.
    pub relay: RelayCounts,
    /// How far the server is with the journal that it shares, as of the last second. `None` if it is alone.
    pub journal: Option<JournalStatus>,
    /// The times of the calls that append acts to the journal, failed ones included.
    pub append_time: Distribution,
    metrics: [u64; METRICS],
    limits: [u64; Limit::ALL.len()],
    counts: Counts,
}

impl Index<Metric> for Metrics {
    type Output = u64;

    fn index(&self, metric: Metric) -> &u64 {
        &self.metrics[metric as usize]
    }
}

impl Index<Limit> for Metrics {
    type Output = u64;

    fn index(&self, limit: Limit) -> &u64 {
        &self.limits[limit as usize]
    }
}

impl Index<Count> for Metrics {
    type Output = u64;

    fn index(&self, count: Count) -> &u64 {
        &self.counts[count]
    }
}

impl Index<ParcelResult> for Metrics {
    type Output = u64;

    fn index(&self, result: ParcelResult) -> &u64 {
        &self.relay[result]
    }
}

/// The error of a request to a server that does not run.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the server does not run")]
#[non_exhaustive]
pub struct NotServing;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_roster_request_fails_at_once_without_a_running_server() {
        let monitor = Monitor::new();
        assert_eq!(monitor.roster().await, Err(NotServing));
        let mut requests = monitor.roster_requests();
        let request = tokio::spawn({
            let monitor = monitor.clone();
            async move { monitor.roster().await }
        });
        drop(requests.recv().await.unwrap());
        assert_eq!(request.await.unwrap(), Err(NotServing), "the server ended before it answered");
        drop(requests);
        assert_eq!(monitor.roster().await, Err(NotServing));
        let seen = monitor.metrics();
        assert_eq!((seen.state, seen[Metric::Sessions], seen.counts), (ServerState::Waiting, 0, Counts::default()));
    }
}
