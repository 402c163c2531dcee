//! The running server as its operators see it: the counters of the libraries, and facts that only this program knows.

use std::time::{Duration, Instant};

use chat_core::relay::ParcelResult;
use chat_core::server::{Count, ObservedAddresses, RegistrationPolicy};
use chat_net::ServerHandle;
use chat_net::server::{Distribution, JournalState, JournalStatus, Metric, Metrics, OnlineUser, ServerState};
use chat_store::SqlAccounts;
use chat_store::hashing::HashLoad;
use tokio::sync::{mpsc, oneshot};

use super::invite::InvitationFacts;
use super::reload::{ReloadRequest, Reloaded};
use super::settings::Registration;
use super::status::{Logins, OnlineEntry, RelayStatus, ServerFacts, SharedStatus, Status};

/// The running server, seen from inside its process.
#[derive(Clone, Debug)]
pub(super) struct RunningServer {
    pub(super) server: ServerHandle,
    pub(super) accounts: SqlAccounts,
    pub(super) facts: ServerFacts,
    pub(super) started: Instant,
    pub(super) reloads: mpsc::Sender<ReloadRequest>,
    pub(super) observed_addresses: ObservedAddresses,
    pub(super) is_relaying: bool,
}

/// All counters, each read once. A status or a page of metrics shows one observation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Observation {
    pub(super) server: Metrics,
    pub(super) hashing: HashLoad,
    /// Passwords hashed or checked since the start.
    pub(super) hashed: u64,
}

impl RunningServer {
    /// Reads all counters.
    pub(super) fn observe(&self) -> Observation {
        let hashes = self.accounts.hashes();
        Observation { server: self.server.metrics(), hashing: hashes.load(), hashed: hashes.computed() }
    }

    /// The status that `chat-server status` prints.
    pub(super) fn status(&self) -> Status {
        let Observation { server, hashing, .. } = self.observe();
        Status {
            facts: self.facts.clone(),
            state: state_name(server.state).to_owned(),
            fingerprint: self.server.fingerprint().to_string(),
            uptime_s: self.started.elapsed().as_secs(),
            online: server[Metric::Sessions],
            connections: server[Metric::Connections],
            roster: server[Metric::Roster],
            roster_changes: server[Metric::Revision],
            logins: Logins {
                password: server[Count::Password],
                resumed: server[Count::Resumed],
                fresh: server[Count::Fresh],
            },
            refused: Count::REJECTIONS.iter().map(|reason| (reason.name().to_owned(), server[*reason])).collect(),
            checks_running: hashing.checking,
            checks_waiting: hashing.waiting,
            login_median_ms: millis(&server.login_time, 0.5),
            login_p99_ms: millis(&server.login_time, 0.99),
            turn_p99_ms: millis(&server.turn_time, 0.99),
            too_slow: server[Metric::TooSlow],
            handshakes_failed: server[Metric::HandshakesFailed],
            accept_failed: server[Metric::AcceptFailed],
            presence_log_lost: server[Metric::PresenceLogLost],
            frames_in: server[Metric::FramesIn],
            frames_out: server[Metric::FramesOut],
            bytes_in: server[Metric::BytesIn],
            bytes_out: server[Metric::BytesOut],
            relay: self.is_relaying.then(|| relay_status(&server)),
            shared: server.journal.map(|journal| shared_status(&journal, self.server.nodes())),
        }
    }

    /// The facts of an invitation.
    pub(super) fn invitation(&self) -> InvitationFacts {
        let (registration, code) = match self.server.registration() {
            RegistrationPolicy::Open => (Registration::Open, None),
            RegistrationPolicy::Invited(code) => (Registration::Invited, Some(code.expose().to_owned())),
            // A policy that is newer than this program registers nobody that it knows of.
            _ => (Registration::Closed, None),
        };
        InvitationFacts {
            listening: self.server.address(),
            fingerprint: self.server.fingerprint().to_string(),
            registration,
            invitation_code: code,
            has_forwarder: self.observed_addresses == ObservedAddresses::Ignored,
        }
    }

    /// The sessions that are online. Empty unless the server is serving.
    pub(super) async fn online(&self) -> Vec<OnlineEntry> {
        self.server.roster().await.unwrap_or_default().into_iter().map(OnlineEntry::from).collect()
    }

    /// Reloads the certificate and the presence log. `None` if the server stops.
    pub(super) async fn reload(&self) -> Option<Reloaded> {
        let (reply, reloaded) = oneshot::channel();
        self.reloads.send(reply).await.ok()?;
        reloaded.await.ok()
    }
}

impl From<OnlineUser> for OnlineEntry {
    fn from(online: OnlineUser) -> Self {
        Self {
            user: online.user().as_str().to_owned(),
            session: online.session().to_string(),
            address: online.address().to_string(),
            since: online.since().as_millis(),
        }
    }
}

fn relay_status(server: &Metrics) -> RelayStatus {
    let dropped = ParcelResult::ALL.iter().filter(|result| **result != ParcelResult::Passed);
    RelayStatus {
        sessions: server[Metric::RelayedSessions],
        passed: server[ParcelResult::Passed],
        passed_bytes: server.relay.sent_bytes,
        dropped: dropped.map(|result| (result.name().to_owned(), server[*result])).collect(),
        p99_ms: millis(&server.relay_time, 0.99),
    }
}

fn shared_status(journal: &JournalStatus, nodes: Vec<String>) -> SharedStatus {
    SharedStatus {
        state: journal_state_name(journal.state).to_owned(),
        nodes,
        epoch: journal.epoch.to_string(),
        position: journal.position.get(),
        lag: journal.head.get().saturating_sub(journal.position.get()),
        sessions_here: journal.sessions_here as u64,
        acts_own: journal.counts.own_acts,
        acts_other: journal.counts.other_acts,
        acts_refused: journal.counts.refused,
        epochs: journal.counts.epochs,
        sessions_inherited: journal.counts.inherited,
    }
}

const fn journal_state_name(state: JournalState) -> &'static str {
    match state {
        JournalState::Ready => "ready",
        JournalState::Away => "away",
        JournalState::Incompatible => "incompatible",
        _ => "entering",
    }
}

const fn state_name(state: ServerState) -> &'static str {
    match state {
        ServerState::Waiting => "starting",
        ServerState::Serving => "serving",
        _ => "stopping",
    }
}

fn millis(times: &Distribution, part: f64) -> Option<f64> {
    times.quantile(part).map(|time: Duration| time.as_secs_f64() * 1_000.0)
}
