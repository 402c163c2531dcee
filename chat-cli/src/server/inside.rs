//! What operators are shown of a running server: its counters with what only the program knows about it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chat_core::server::{Count, Counts};
use chat_core::time::Timestamp;
use chat_net::server::{Distribution, Metric, Monitor, OnlineUser, Reload, Snapshot, State};
use chat_store::SqlAccounts;
use chat_store::hashing::HashLoad;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The running server, as seen from inside this process.
#[derive(Clone, Debug)]
pub(super) struct Inside {
    pub(super) monitor: Monitor,
    pub(super) reload: Reload,
    pub(super) accounts: SqlAccounts,
    pub(super) facts: Facts,
    pub(super) begin: Instant,
}

/// What does not change while it runs.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct Facts {
    pub(super) version: String,
    pub(super) pid: u32,
    pub(super) listening: String,
    /// Without its password.
    pub(super) database: String,
    /// Unix milliseconds.
    pub(super) started_at: u64,
    pub(super) max_connections: u64,
}

/// The answer to `chat-server status`. These structures are the schema that docs/JSON.md documents.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Status {
    #[serde(flatten)]
    pub(super) facts: Facts,
    pub(super) state: String,
    pub(super) fingerprint: String,
    pub(super) uptime_s: u64,
    pub(super) online: u64,
    pub(super) connections: u64,
    pub(super) roster: u64,
    pub(super) roster_changes: u64,
    pub(super) log_ins: LogIns,
    pub(super) refused: Refused,
    pub(super) checks_running: u64,
    pub(super) checks_waiting: u64,
    pub(super) log_in_median_ms: Option<f64>,
    pub(super) log_in_p99_ms: Option<f64>,
    pub(super) turn_p99_ms: Option<f64>,
    pub(super) too_slow: u64,
    pub(super) handshakes_failed: u64,
    pub(super) accept_failed: u64,
    pub(super) presence_log_lost: u64,
    pub(super) frames_in: u64,
    pub(super) frames_out: u64,
    pub(super) bytes_in: u64,
    pub(super) bytes_out: u64,
}

/// How sessions began or went on, since the start.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct LogIns {
    pub(super) password: u64,
    pub(super) resumed: u64,
    pub(super) fresh: u64,
}

/// Rejections since the start: each reason by the [`name`](Count::name) that metrics and JSON have for it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Refused(Counts);

/// One who is online, in the answer to `chat-server user list --online`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct Online {
    pub(super) user: String,
    pub(super) session: String,
    pub(super) address: String,
    pub(super) since: u64,
}

impl Inside {
    /// Reads every number once.
    pub(super) fn observe(&self) -> Observation {
        let hashes = self.accounts.hashes();
        Observation { seen: self.monitor.snapshot(), load: hashes.load(), computed: hashes.computed() }
    }

    pub(super) fn status(&self) -> Status {
        let Observation { seen, load, .. } = self.observe();
        Status {
            facts: self.facts.clone(),
            state: word(seen.state).to_owned(),
            fingerprint: self.reload.fingerprint().map(|shown| shown.to_string()).unwrap_or_default(),
            uptime_s: self.begin.elapsed().as_secs(),
            online: seen[Metric::Sessions],
            connections: seen[Metric::Connections],
            roster: seen[Metric::Roster],
            roster_changes: seen[Metric::Revision],
            log_ins: LogIns {
                password: seen[Count::Password],
                resumed: seen[Count::Resumed],
                fresh: seen[Count::Fresh],
            },
            refused: Refused(Count::REJECTIONS.into_iter().map(|reason| (reason, seen[reason])).collect()),
            checks_running: load.checking,
            checks_waiting: load.waiting,
            log_in_median_ms: millis(&seen.login_time, 0.5),
            log_in_p99_ms: millis(&seen.login_time, 0.99),
            turn_p99_ms: millis(&seen.turn_time, 0.99),
            too_slow: seen[Metric::TooSlow],
            handshakes_failed: seen[Metric::HandshakesFailed],
            accept_failed: seen[Metric::AcceptFailed],
            presence_log_lost: seen[Metric::PresenceLogLost],
            frames_in: seen[Metric::FramesIn],
            frames_out: seen[Metric::FramesOut],
            bytes_in: seen[Metric::BytesIn],
            bytes_out: seen[Metric::BytesOut],
        }
    }
}

/// The numbers of a running server at one moment. One scrape or one status shows one observation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Observation {
    pub(super) seen: Snapshot,
    pub(super) load: HashLoad,
    /// Total of passwords that were hashed or checked.
    pub(super) computed: u64,
}

impl Refused {
    pub(super) fn by_reason(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Count::REJECTIONS.into_iter().map(|reason| (reason.name(), self.0[reason]))
    }
}

impl Serialize for Refused {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.by_reason())
    }
}

impl<'de> Deserialize<'de> for Refused {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let numbers = BTreeMap::<String, u64>::deserialize(deserializer)?;
        let number = |reason: Count| numbers.get(reason.name()).copied().unwrap_or_default();
        Ok(Self(Count::REJECTIONS.into_iter().map(|reason| (reason, number(reason))).collect()))
    }
}

impl From<OnlineUser> for Online {
    fn from(present: OnlineUser) -> Self {
        Self {
            user: present.user.as_str().to_owned(),
            session: present.session.to_string(),
            address: present.address.to_string(),
            since: present.since.as_millis(),
        }
    }
}

impl Status {
    pub(super) fn started(&self) -> Timestamp {
        Timestamp::from_millis(self.facts.started_at)
    }
}

const fn word(state: State) -> &'static str {
    match state {
        State::Waiting => "starting",
        State::Serving => "serving",
        State::Stopped => "stopping",
    }
}

fn millis(times: &Distribution, part: f64) -> Option<f64> {
    times.quantile(part).map(|time: Duration| time.as_secs_f64() * 1_000.0)
}
