//! `chat-server status` and `chat-server user list --online`: their JSON, which docs/JSON.md documents, and their text.

use std::collections::BTreeMap;

use chat_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use unicode_width::UnicodeWidthStr;

use crate::table::Table;
use crate::texts::Texts;

/// The state of a running server. Totals count from its start.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
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
    /// `None` if the server relays nothing.
    #[serde(default)]
    pub(super) relay: Option<RelayStatus>,
    /// `None` if the server is alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) shared: Option<SharedStatus>,
}

/// The part of the status that does not change while the server runs.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct ServerFacts {
    pub(super) version: String,
    pub(super) pid: u32,
    pub(super) listening: String,
    /// The URL without its password.
    pub(super) database: String,
    /// Unix time in milliseconds.
    pub(super) started_at: u64,
    pub(super) max_connections: u64,
    /// The URL of the roster that it shares with other servers, without its password. `None` if the server is alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) roster_url: Option<String>,
    /// The name of this server among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) node_name: Option<String>,
}

/// Sessions by how they began or continued.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct Logins {
    pub(super) password: u64,
    pub(super) resumed: u64,
    pub(super) fresh: u64,
}

/// What the relay does.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(super) struct RelayStatus {
    pub(super) sessions: u64,
    pub(super) passed: u64,
    pub(super) passed_bytes: u64,
    /// Dropped datagrams by reason.
    pub(super) dropped: BTreeMap<String, u64>,
    pub(super) p99_ms: Option<f64>,
}

/// The roster that the server shares with others.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct SharedStatus {
    /// The state of the server: `entering`, `ready`, `away` or `incompatible`.
    pub(super) state: String,
    /// The names of the servers that share the roster, this one included.
    pub(super) nodes: Vec<String>,
    pub(super) epoch: String,
    /// The last act that this server has applied.
    pub(super) position: u64,
    /// The number of acts in the journal that it has not applied yet, as far as it knows.
    pub(super) lag: u64,
    pub(super) sessions_here: u64,
    pub(super) acts_own: u64,
    pub(super) acts_other: u64,
    pub(super) acts_refused: u64,
    pub(super) epochs: u64,
    pub(super) sessions_inherited: u64,
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
pub(super) fn text(status: &Status, texts: &Texts) -> String {
    let started = Timestamp::from_millis(status.facts.started_at).to_string();
    columns(&rows(status, texts, started, status.fingerprint.clone()))
}

/// Names and values of the status.
pub(super) fn rows(status: &Status, texts: &Texts, started: String, fingerprint: String) -> Vec<(String, String)> {
    let t = texts.say();
    let Status { facts, logins, .. } = status;
    let state = match status.state.as_str() {
        "starting" => t.state_starting(),
        "serving" => t.state_serving(),
        "stopping" => t.state_stopping(),
        // A state of another version of the server.
        other => other.to_owned(),
    };
    let (incoming, outgoing) = (bytes(status.bytes_in), bytes(status.bytes_out));
    let mut rows = vec![
        (t.status_program(), t.status_program_line(&facts.version, facts.pid.to_string(), state)),
        (t.status_since(), t.status_since_line(started, span(status.uptime_s, texts))),
        (t.status_listening(), facts.listening.clone()),
        (t.status_fingerprint(), fingerprint),
        (t.status_database(), facts.database.clone()),
        (t.status_online(), online(status, texts)),
        (t.status_connections(), t.status_connections_line(status.connections, facts.max_connections)),
        (t.status_logins(), t.status_logins_line(logins.password, logins.resumed, logins.fresh)),
        (String::new(), login_times(status, texts)),
        (t.status_refused(), refused(status, texts)),
        (t.status_checks(), t.status_checks_line(status.checks_running, status.checks_waiting)),
        (t.status_frames(), t.status_frames_line(status.frames_in, incoming, status.frames_out, outgoing)),
        (t.status_relay(), relay(status, texts)),
        (t.status_problems(), problems(status, texts)),
    ];
    if let Some(shared) = &status.shared {
        rows.splice(6..6, shared_rows(status, shared, texts));
    }
    rows
}

/// Names and values of the roster that the server shares.
fn shared_rows(status: &Status, shared: &SharedStatus, texts: &Texts) -> [(String, String); 3] {
    let t = texts.say();
    let SharedStatus { nodes, position, lag, sessions_here, .. } = shared;
    let state = match shared.state.as_str() {
        "ready" => t.shared_ready(),
        "entering" => t.shared_entering(),
        "away" => t.shared_away(),
        "incompatible" => t.shared_incompatible(),
        // A state of another version of the server.
        other => other.to_owned(),
    };
    let url = status.facts.roster_url.clone().unwrap_or_default();
    let name = status.facts.node_name.clone().unwrap_or_default();
    [
        (t.status_shared(), t.status_shared_line(url, state, position.to_string(), *lag)),
        (t.status_nodes(), t.status_nodes_line(nodes.len() as u64, nodes.join(", "), name)),
        (t.status_sessions(), t.status_sessions_line(*sessions_here, status.roster)),
    ]
}

/// Names and values in two columns. Characters may be two columns wide.
fn columns(lines: &[(String, String)]) -> String {
    /// The space between the longest name and the values.
    const GAP: usize = 3;
    let width = lines.iter().map(|(name, _)| name.width()).max().unwrap_or(0) + GAP;
    let line = |(name, value): &(String, String)| format!("{name}{}{value}\n", " ".repeat(width - name.width()));
    lines.iter().map(line).collect()
}

fn online(status: &Status, texts: &Texts) -> String {
    let in_grace = status.roster.saturating_sub(status.online);
    match in_grace {
        0 => status.online.to_string(),
        in_grace => texts.say().status_online_reconnecting(status.online, in_grace),
    }
}

fn login_times(status: &Status, texts: &Texts) -> String {
    let t = texts.say();
    if status.logins.password + status.logins.resumed + status.logins.fresh == 0 {
        return t.status_no_logins();
    }
    let time = |ms: Option<f64>| ms.map_or_else(|| t.time_over_ten_seconds(), |ms| t.time_millis(ms.to_string()));
    t.status_login_times(time(status.login_median_ms), time(status.login_p99_ms))
}

fn relay(status: &Status, texts: &Texts) -> String {
    let t = texts.say();
    let Some(RelayStatus { sessions, passed, passed_bytes, dropped, .. }) = &status.relay else {
        return t.status_relay_off();
    };
    t.status_relay_line(*sessions, *passed, bytes(*passed_bytes), dropped.values().sum::<u64>())
}

fn refused(status: &Status, texts: &Texts) -> String {
    let count = |(reason, count): (&String, &u64)| {
        (*count > 0).then(|| texts.say().refused_count(*count, why_refused(reason, texts)))
    };
    list(status.refused.iter().filter_map(count).collect(), texts)
}

/// The reason of a refusal by its name in JSON and in the metrics.
fn why_refused(name: &str, texts: &Texts) -> String {
    let t = texts.say();
    match name {
        "wrong_credentials" => t.refused_wrong_credentials(),
        "disabled" => t.refused_disabled(),
        "name_taken" => t.refused_name_taken(),
        "registration_closed" => t.refused_registration_closed(),
        "not_invited" => t.refused_not_invited(),
        "registrations" => t.refused_registrations(),
        "accounts_full" => t.refused_accounts_full(),
        "busy" => t.refused_busy(),
        "throttled" => t.refused_throttled(),
        "storage_unavailable" => t.refused_storage_unavailable(),
        "ticket_refused" => t.refused_ticket_refused(),
        "full" => t.refused_full(),
        "too_late" => t.refused_too_late(),
        "too_many_requests" => t.refused_too_many_requests(),
        "other" => t.refused_other(),
        // A reason of another version of the server.
        unknown => unknown.replace('_', " "),
    }
}

fn problems(status: &Status, texts: &Texts) -> String {
    let t = texts.say();
    let counts = [
        (status.too_slow, t.problem_too_slow(status.too_slow)),
        (status.handshakes_failed, t.problem_handshakes(status.handshakes_failed)),
        (status.accept_failed, t.problem_accept(status.accept_failed)),
        (status.presence_log_lost, t.problem_presence_log(status.presence_log_lost)),
    ];
    list(counts.into_iter().filter(|(count, _)| *count > 0).map(|(_, problem)| problem).collect(), texts)
}

fn list(parts: Vec<String>, texts: &Texts) -> String {
    if parts.is_empty() { texts.say().status_none() } else { texts.list(&parts) }
}

/// A span of time in its two largest units.
fn span(seconds: u64, texts: &Texts) -> String {
    let t = texts.say();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => t.span_seconds(seconds),
        (0, 0, minutes) => t.span_minutes(minutes),
        (0, hours, minutes) => t.span_hours(hours, minutes),
        (days, hours, _) => t.span_days(days, hours),
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
pub(super) fn online_table(online: &[OnlineEntry], texts: &Texts) -> String {
    let t = texts.say();
    let mut table = Table::new([t.column_user(), t.column_address(), t.column_since()]);
    for OnlineEntry { user, address, since, .. } in online {
        let since = Timestamp::from_millis(*since).to_string();
        table.row([user.clone().into(), address.clone().into(), since.into()]);
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
    use chat_core::server::Count;

    use super::*;
    use crate::texts::Language;

    fn status() -> Status {
        Status {
            facts: ServerFacts {
                version: "1.2.3".to_owned(),
                pid: 17_213,
                listening: "127.0.0.1:7777".to_owned(),
                database: "sqlite:/var/lib/chat-server/chat.sqlite".to_owned(),
                started_at: 1_795_408_080_123,
                max_connections: 500,
                roster_url: None,
                node_name: None,
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
            relay: Some(RelayStatus {
                sessions: 2,
                passed: 1_200,
                passed_bytes: 345_678,
                dropped: BTreeMap::from([("no_session".to_owned(), 3), ("rate".to_owned(), 4)]),
                p99_ms: Some(2.5),
            }),
            shared: None,
        }
    }

    fn assert_in_both_languages(name: &str, status: &Status) {
        insta::assert_snapshot!(name, text(status, &Texts::default()));
        insta::assert_snapshot!(format!("{name}-zh-CN"), text(status, &Texts::new(Language::Chinese)));
    }

    #[test]
    fn every_reason_of_a_refusal_has_words() {
        for reason in Count::REJECTIONS.iter() {
            let words = why_refused(reason.name(), &Texts::new(Language::Chinese));
            assert!(!words.is_ascii(), "{words}");
        }
    }

    #[test]
    fn text_of_a_quiet_server() {
        assert_in_both_languages("quiet", &status());
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
        assert_in_both_languages("problems", &status);
    }

    #[test]
    fn text_of_a_new_server() {
        let status = Status {
            logins: Logins { password: 0, resumed: 0, fresh: 0 },
            refused: BTreeMap::new(),
            login_median_ms: None,
            login_p99_ms: None,
            relay: None,
            ..status()
        };
        assert_in_both_languages("new", &status);
    }

    fn sharing() -> Status {
        let mut status = status();
        status.facts.roster_url = Some("redis://chat:***@db:6379".to_owned());
        status.facts.node_name = Some("north".to_owned());
        status.shared = Some(SharedStatus {
            state: "ready".to_owned(),
            nodes: vec!["north".to_owned(), "south".to_owned()],
            epoch: "00000000000000ab".to_owned(),
            position: 812,
            lag: 3,
            sessions_here: 2,
            acts_own: 5,
            acts_other: 7,
            acts_refused: 1,
            epochs: 1,
            sessions_inherited: 4,
        });
        status
    }

    #[test]
    fn text_and_json_of_a_server_that_shares_its_roster() {
        assert_in_both_languages("sharing", &sharing());
        insta::assert_snapshot!("sharing-json", json_lines([sharing()]));
    }

    #[test]
    fn json_has_the_documented_keys() {
        insta::assert_snapshot!("json", json_lines([status()]));
    }

    #[test]
    fn spans_and_sizes_use_the_unit_that_fits() {
        for (seconds, text) in [(59, "59 s"), (60, "1 min"), (8_040, "2 h 14 min"), (90_000, "1 d 1 h")] {
            assert_eq!(span(seconds, &Texts::default()), text);
        }
        for (number, text) in
            [(9_999, "9999 B"), (12_345, "12 kB"), (12_345_678, "12 MB"), (u64::MAX, "18446744073 GB")]
        {
            assert_eq!(bytes(number), text);
        }
    }
}
