//! What operators are shown of a running server: its counters with what only the program knows about it.

use std::time::{Duration, Instant};

use chat_core::server::Counts;
use chat_core::time::Timestamp;
use chat_net::server::{Distribution, Monitor, OnlineUser, Renewal, Snapshot, State};
use chat_store::SqlAccounts;
use chat_store::hashing::HashLoad;
use serde::{Deserialize, Serialize};

/// The running server, as seen from inside this process.
#[derive(Clone, Debug)]
pub(super) struct Inside {
    pub(super) monitor: Monitor,
    pub(super) renewal: Renewal,
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

/// What was refused since the start, by reason.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct Refused {
    pub(super) wrong_credentials: u64,
    pub(super) disabled: u64,
    pub(super) name_taken: u64,
    pub(super) registration_closed: u64,
    pub(super) not_invited: u64,
    pub(super) registrations: u64,
    pub(super) accounts_full: u64,
    pub(super) busy: u64,
    pub(super) throttled: u64,
    pub(super) storage_unavailable: u64,
    pub(super) ticket_refused: u64,
    pub(super) full: u64,
    pub(super) too_late: u64,
    pub(super) too_many_requests: u64,
    pub(super) other: u64,
}

/// One who is online, in the answer to `chat-server user list --online`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct Online {
    pub(super) user: String,
    pub(super) session: String,
    pub(super) address: String,
    pub(super) since: u64,
}

impl Inside {
    pub(super) fn snapshot(&self) -> Snapshot {
        self.monitor.snapshot()
    }

    pub(super) fn load(&self) -> HashLoad {
        self.accounts.hashes().load()
    }

    pub(super) fn status(&self) -> Status {
        let (seen, load) = (self.snapshot(), self.load());
        let Counts { entered, continued, fresh, .. } = seen.log_ins;
        Status {
            facts: self.facts.clone(),
            state: word(seen.state).to_owned(),
            fingerprint: self.renewal.fingerprint().map(|shown| shown.to_string()).unwrap_or_default(),
            uptime_s: self.begin.elapsed().as_secs(),
            online: seen.sessions,
            connections: seen.connections,
            roster: seen.roster,
            roster_changes: seen.revision,
            log_ins: LogIns { password: entered, resumed: continued, fresh },
            refused: Refused::of(&seen.log_ins),
            checks_running: load.checking,
            checks_waiting: load.waiting,
            log_in_median_ms: millis(&seen.log_in_time, 0.5),
            log_in_p99_ms: millis(&seen.log_in_time, 0.99),
            turn_p99_ms: millis(&seen.turn_time, 0.99),
            too_slow: seen.too_slow,
            handshakes_failed: seen.handshakes_failed,
            accept_failed: seen.accept_failed,
            presence_log_lost: seen.presence_log_lost,
            frames_in: seen.frames_in,
            frames_out: seen.frames_out,
            bytes_in: seen.bytes_in,
            bytes_out: seen.bytes_out,
        }
    }
}

impl Refused {
    fn of(counts: &Counts) -> Self {
        Self {
            wrong_credentials: counts.wrong_credentials,
            disabled: counts.disabled,
            name_taken: counts.name_taken,
            registration_closed: counts.registration_closed,
            not_invited: counts.not_invited,
            registrations: counts.registrations,
            accounts_full: counts.accounts_full,
            busy: counts.busy,
            throttled: counts.throttled,
            storage_unavailable: counts.storage_unavailable,
            ticket_refused: counts.ticket_refused,
            full: counts.full,
            too_late: counts.too_late,
            too_many_requests: counts.too_many_requests,
            other: counts.other,
        }
    }

    /// Each reason with its number, under the name that metrics and JSON have for it.
    pub(super) fn by_reason(&self) -> [(&'static str, u64); 15] {
        [
            ("wrong_credentials", self.wrong_credentials),
            ("disabled", self.disabled),
            ("name_taken", self.name_taken),
            ("registration_closed", self.registration_closed),
            ("not_invited", self.not_invited),
            ("registrations", self.registrations),
            ("accounts_full", self.accounts_full),
            ("busy", self.busy),
            ("throttled", self.throttled),
            ("storage_unavailable", self.storage_unavailable),
            ("ticket_refused", self.ticket_refused),
            ("full", self.full),
            ("too_late", self.too_late),
            ("too_many_requests", self.too_many_requests),
            ("other", self.other),
        ]
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
