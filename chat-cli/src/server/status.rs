//! `chat-server status` and `chat-server user list --online`, as people and as scripts read them.

use std::fmt::Write as _;

use chat_core::time::Timestamp;
use serde::Serialize;

use super::inside::{LogIns, Online, Status};
use crate::table::Table;

/// The status as lines for people.
pub(super) fn text(status: &Status) -> String {
    let Status { facts, log_ins, .. } = status;
    let mut out = String::new();
    let mut line = |name: &str, value: String| {
        writeln!(out, "{name:<18}{value}").expect("strings take any text");
    };
    let (version, pid, state) = (&facts.version, facts.pid, &status.state);
    line("chat-server", format!("{version}, process {pid}, {state}"));
    line("since", format!("{} ({})", status.started(), long(status.uptime_s)));
    line("listening on", facts.listening.clone());
    line("fingerprint", status.fingerprint.clone());
    line("database", facts.database.clone());
    line("online", online(status));
    line("connections", format!("{} of at most {}", status.connections, facts.max_connections));
    let LogIns { password, resumed, fresh } = log_ins;
    line("log-ins", format!("{password} by password, {resumed} resumed, {fresh} begun anew by ticket"));
    line("", times(status));
    line("refused", refused(status));
    line("password checks", format!("{} running, {} waiting", status.checks_running, status.checks_waiting));
    line(
        "frames",
        format!(
            "{} in ({}), {} out ({})",
            status.frames_in,
            bytes(status.bytes_in),
            status.frames_out,
            bytes(status.bytes_out)
        ),
    );
    line("trouble", trouble(status));
    out
}

fn online(status: &Status) -> String {
    let away = status.roster.saturating_sub(status.online);
    match away {
        0 => status.online.to_string(),
        away => format!("{}, and {away} whose connection broke a moment ago", status.online),
    }
}

fn times(status: &Status) -> String {
    let within = |time: Option<f64>| time.map_or_else(|| "longer than 10 s".to_owned(), |ms| format!("within {ms} ms"));
    if status.log_ins.password + status.log_ins.resumed + status.log_ins.fresh == 0 {
        return "none yet".to_owned();
    }
    format!("half of them {}, 99 of 100 {}", within(status.log_in_median_ms), within(status.log_in_p99_ms))
}

fn refused(status: &Status) -> String {
    let counted = status.refused.by_reason().filter(|(_, count)| *count > 0);
    let parts: Vec<String> = counted.map(|(reason, count)| format!("{count} {}", reason.replace('_', " "))).collect();
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
}

fn trouble(status: &Status) -> String {
    let all = [
        (status.too_slow, "clients that did not read"),
        (status.handshakes_failed, "handshakes that failed"),
        (status.accept_failed, "connections that could not be accepted"),
        (status.presence_log_lost, "lines lost of the presence log"),
    ];
    let parts: Vec<String> =
        all.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

/// A span of time as people say it.
fn long(seconds: u64) -> String {
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

/// Who is online as lines for people.
pub(super) fn roster(online: &[Online]) -> String {
    let mut table = Table::new(["user", "address", "since"]);
    for Online { user, address, since, .. } in online {
        table.row([user.clone(), address.clone(), Timestamp::from_millis(*since).to_string()]);
    }
    table.for_standard_output()
}

/// One JSON object per line.
pub(super) fn json_lines<T: Serialize>(values: impl IntoIterator<Item = T>) -> String {
    let line = |value| serde_json::to_string(&value).expect("names and numbers are JSON") + "\n";
    values.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_sizes_are_said_in_the_unit_that_fits() {
        for (seconds, said) in [(59, "59 s"), (60, "1 min"), (8_040, "2 h 14 min"), (90_000, "1 d 1 h")] {
            assert_eq!(long(seconds), said);
        }
        for (number, said) in
            [(9_999, "9999 B"), (12_345, "12 kB"), (12_345_678, "12 MB"), (u64::MAX, "18446744073 GB")]
        {
            assert_eq!(bytes(number), said);
        }
    }
}
