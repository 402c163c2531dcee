//! `chat-server status` and `chat-server user list --online`: their JSON, which docs/JSON.md documents, and their text.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chat_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::table::Table;

/// The state of a running server. Totals count from its start.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Status {
    #[serde(flatten)]
    pub(super) facts: ServerFacts,
    pub(super) state: String,
    pub(super) fingerprint: String,
    pub(super) uptime_s: u64,
    pub(super) online: u64,
    pub(super) connections: u64,
    pub(super) roster: u64,
    pub(super) roster_changes: u64,
    #[serde(rename = "log_ins")]
    pub(super) logins: Logins,
    /// Rejections by reason.
    pub(super) refused: BTreeMap<String, u64>,
    pub(super) checks_running: u64,
    pub(super) checks_waiting: u64,
    #[serde(rename = "log_in_median_ms")]
    pub(super) login_median_ms: Option<f64>,
    #[serde(rename = "log_in_p99_ms")]
    pub(super) login_p99_ms: Option<f64>,
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

/// The part of the status that does not change while the server runs.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct ServerFacts {
    pub(super) version: String,
    pub(super) pid: u32,
    pub(super) listening: String,
    /// The URL without its password.
    pub(super) database: String,
    /// Unix time in milliseconds.
    pub(super) started_at: u64,
    pub(super) max_connections: u64,
}

/// Sessions by how they began or continued.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct Logins {
    pub(super) password: u64,
    pub(super) resumed: u64,
    pub(super) fresh: u64,
}

/// One session that is online.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct OnlineEntry {
    pub(super) user: String,
    pub(super) session: String,
    pub(super) address: String,
    /// Unix time of the login in milliseconds.
    pub(super) since: u64,
}

/// The status as text.
pub(super) fn text(status: &Status) -> String {
    let Status { facts, logins, .. } = status;
    let mut out = String::new();
    let mut line = |name: &str, value: String| {
        writeln!(out, "{name:<18}{value}").expect("writing to a string does not fail");
    };
    line("chat-server", format!("{}, process {}, {}", facts.version, facts.pid, status.state));
    let started = Timestamp::from_millis(facts.started_at);
    line("since", format!("{started} ({})", span(status.uptime_s)));
    line("listening on", facts.listening.clone());
    line("fingerprint", status.fingerprint.clone());
    line("database", facts.database.clone());
    line("online", online(status));
    line("connections", format!("{} of at most {}", status.connections, facts.max_connections));
    let Logins { password, resumed, fresh } = logins;
    line("logins", format!("{password} by password, {resumed} resumed, {fresh} fresh by ticket"));
    line("", login_times(status));
    line("refused", refused(status));
    line("password checks", format!("{} running, {} waiting", status.checks_running, status.checks_waiting));
    let (incoming, outgoing) = (bytes(status.bytes_in), bytes(status.bytes_out));
    line("frames", format!("{} in ({incoming}), {} out ({outgoing})", status.frames_in, status.frames_out));
    line("problems", problems(status));
    out
}

fn online(status: &Status) -> String {
    let in_grace = status.roster.saturating_sub(status.online);
    match in_grace {
        0 => status.online.to_string(),
        in_grace => format!("{}, and {in_grace} reconnecting", status.online),
    }
}

fn login_times(status: &Status) -> String {
    if status.logins.password + status.logins.resumed + status.logins.fresh == 0 {
        return "none yet".to_owned();
    }
    let time = |ms: Option<f64>| ms.map_or_else(|| "over 10 s".to_owned(), |ms| format!("{ms} ms"));
    format!("median {}, 99th percentile {}", time(status.login_median_ms), time(status.login_p99_ms))
}

fn refused(status: &Status) -> String {
    list(status.refused.iter().map(|(reason, count)| (*count, reason.replace('_', " "))))
}

fn problems(status: &Status) -> String {
    let counts = [
        (status.too_slow, "clients disconnected as too slow"),
        (status.handshakes_failed, "failed handshakes"),
        (status.accept_failed, "connections that could not be accepted"),
        (status.presence_log_lost, "lines missing from the presence log"),
    ];
    list(counts.map(|(count, what)| (count, what.to_owned())).into_iter())
}

/// The counts that are not zero.
fn list(counts: impl Iterator<Item = (u64, String)>) -> String {
    let parts: Vec<_> = counts.filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

/// A span of time in its two largest units.
fn span(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

fn bytes(number: u64) -> String {
    match number {
        0..10_000 => format!("{number} B"),
        10_000..10_000_000 => format!("{} kB", number / 1_000),
        10_000_000..10_000_000_000 => format!("{} MB", number / 1_000_000),
        _ => format!("{} GB", number / 1_000_000_000),
    }
}

/// The sessions that are online, as a table.
pub(super) fn online_table(online: &[OnlineEntry]) -> String {
    let mut table = Table::new(["user", "address", "since"]);
    for OnlineEntry { user, address, since, .. } in online {
        table.row([user.clone(), address.clone(), Timestamp::from_millis(*since).to_string()]);
    }
    table.for_standard_output()
}

/// One JSON object per line.
pub(super) fn json_lines<T: Serialize>(values: impl IntoIterator<Item = T>) -> String {
    let line = |value| serde_json::to_string(&value).expect("names and numbers serialize") + "\n";
    values.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status() -> Status {
        Status {
            facts: ServerFacts {
                version: "1.2.3".to_owned(),
                pid: 17_213,
                listening: "127.0.0.1:7777".to_owned(),
                database: "sqlite:/var/lib/chat-server/chat.sqlite".to_owned(),
                started_at: 1_795_408_080_123,
                max_connections: 500,
            },
            state: "serving".to_owned(),
            fingerprint: "ab".repeat(32),
            uptime_s: 8_040,
            online: 3,
            connections: 5,
            roster: 3,
            roster_changes: 9,
            logins: Logins { password: 4, resumed: 2, fresh: 1 },
            refused: BTreeMap::from([("busy".to_owned(), 0), ("wrong_credentials".to_owned(), 2)]),
            checks_running: 1,
            checks_waiting: 0,
            login_median_ms: Some(50.0),
            login_p99_ms: Some(2_500.0),
            turn_p99_ms: Some(0.25),
            too_slow: 0,
            handshakes_failed: 0,
            accept_failed: 0,
            presence_log_lost: 0,
            frames_in: 12,
            frames_out: 34,
            bytes_in: 567,
            bytes_out: 89_012,
        }
    }

    #[test]
    fn text_of_a_quiet_server() {
        insta::assert_snapshot!("quiet", text(&status()));
    }

    #[test]
    fn text_of_a_server_with_problems() {
        let status = Status {
            roster: 5,
            refused: BTreeMap::from([("busy".to_owned(), 7), ("throttled".to_owned(), 1)]),
            login_p99_ms: None,
            too_slow: 1,
            handshakes_failed: 2,
            accept_failed: 3,
            presence_log_lost: 4,
            ..status()
        };
        insta::assert_snapshot!("problems", text(&status));
    }

    #[test]
    fn text_of_a_new_server() {
        let status = Status {
            logins: Logins { password: 0, resumed: 0, fresh: 0 },
            refused: BTreeMap::new(),
            login_median_ms: None,
            login_p99_ms: None,
            ..status()
        };
        insta::assert_snapshot!("new", text(&status));
    }

    #[test]
    fn json_has_the_documented_keys() {
        insta::assert_snapshot!("json", json_lines([status()]));
    }

    #[test]
    fn spans_and_sizes_use_the_unit_that_fits() {
        for (seconds, text) in [(59, "59 s"), (60, "1 min"), (8_040, "2 h 14 min"), (90_000, "1 d 1 h")] {
            assert_eq!(span(seconds), text);
        }
        for (number, text) in
            [(9_999, "9999 B"), (12_345, "12 kB"), (12_345_678, "12 MB"), (u64::MAX, "18446744073 GB")]
        {
            assert_eq!(bytes(number), text);
        }
    }
}
