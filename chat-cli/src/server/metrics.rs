//! The page that Prometheus scrapes: the counters in its text format, version 0.0.4.

use std::fmt::{Arguments, Display, Write};

use chat_core::relay::ParcelResult;
use chat_core::server::{Count, Limit};
use chat_net::server::{Distribution, JournalState, JournalStatus, Metric, Metrics};

use super::running::Observation;
use super::status::ServerFacts;
use crate::platform;

/// Renders the page. It contains no user names and no addresses of users.
pub(super) fn page(facts: &ServerFacts, observation: &Observation) -> String {
    let Observation { server, hashing, hashed } = observation;
    let mut page = Page::default();
    page.family("chat_build_info", Kind::Gauge, "The version of the program; always 1.");
    page.labelled("chat_build_info", "version", &facts.version, 1);
    let started = facts.started_at as f64 / 1_000.0;
    page.gauge("chat_start_time_seconds", "Start of the server, in seconds since 1970.", started);
    page.gauge("chat_sessions", "Sessions with a connection.", server[Metric::Sessions]);
    page.gauge(
        "chat_roster_entries",
        "Sessions in the roster, including those in their grace time.",
        server[Metric::Roster],
    );
    page.total("chat_roster_changes_total", "Changes of the roster.", server[Metric::Revision]);
    let help = "Connections with a finished handshake, logged in or not.";
    page.gauge("chat_connections", help, server[Metric::Connections]);
    page.gauge("chat_connections_limit", "Maximum number of connections.", facts.max_connections);
    page.total("chat_connections_accepted_total", "Accepted TCP connections.", server[Metric::Accepted]);
    let help = "Failures to accept a connection, such as for lack of file descriptors.";
    page.total("chat_accept_failures_total", help, server[Metric::AcceptFailed]);
    let help = "Connections closed before their handshake, because too many came from their address.";
    page.total("chat_connections_refused_total", help, server[Metric::Refused]);
    page.gauge("chat_handshakes", "TLS handshakes in progress.", server[Metric::Handshakes]);
    let help = "TLS handshakes that failed or timed out.";
    page.total("chat_handshakes_failed_total", help, server[Metric::HandshakesFailed]);
    page.family("chat_log_ins_total", Kind::Counter, "Successful logins, by how the session began or continued.");
    for &how in Count::LOGINS {
        page.labelled("chat_log_ins_total", "how", how.name(), server[how]);
    }
    let help = "Resumed sessions that received a delta of the roster instead of a snapshot.";
    page.total("chat_caught_up_total", help, server[Count::CaughtUp]);
    page.family("chat_refusals_total", Kind::Counter, "Rejections, by reason.");
    for &reason in Count::REJECTIONS {
        page.labelled("chat_refusals_total", "reason", reason.name(), server[reason]);
    }
    page.family("chat_limits_reached_total", Kind::Counter, "How often clients reached a limit, by limit.");
    for &limit in Limit::ALL {
        page.labelled("chat_limits_reached_total", "limit", limit.name(), server[limit]);
    }
    page.family("chat_password_checks", Kind::Gauge, "Password checks in progress, by state.");
    page.labelled("chat_password_checks", "state", "running", hashing.checking);
    page.labelled("chat_password_checks", "state", "waiting", hashing.waiting);
    page.total("chat_password_checks_total", "Passwords hashed or checked.", *hashed);
    let help = "Clients disconnected because they did not read.";
    page.total("chat_slow_clients_dropped_total", help, server[Metric::TooSlow]);
    page.family("chat_frames_total", Kind::Counter, "Frames received from clients and queued for them.");
    page.labelled("chat_frames_total", "direction", "in", server[Metric::FramesIn]);
    page.labelled("chat_frames_total", "direction", "out", server[Metric::FramesOut]);
    page.family("chat_bytes_total", Kind::Counter, "Bytes of these frames, without TLS.");
    page.labelled("chat_bytes_total", "direction", "in", server[Metric::BytesIn]);
    page.labelled("chat_bytes_total", "direction", "out", server[Metric::BytesOut]);
    let help = "Calls to the accounts that failed.";
    page.total("chat_accounts_failed_total", help, server[Metric::AccountsFailed]);
    let help = "Lines missing from the presence log.";
    page.total("chat_presence_log_lines_lost_total", help, server[Metric::PresenceLogLost]);
    page.histogram("chat_log_in_seconds", "Time from a login request to its welcome.", &server.login_time);
    let help = "Time that the hub, the task that owns the roster, spends on one turn.";
    page.histogram("chat_turn_seconds", help, &server.turn_time);
    relay(&mut page, server);
    if let Some(status) = &server.journal {
        journal(&mut page, status, &server.append_time);
    }
    process(&mut page);
    page.0
}

/// What the relay does. All numbers are zero if it is off.
fn relay(page: &mut Page, server: &Metrics) {
    let help = "Sessions that sent or received a relayed datagram within the last minute.";
    page.gauge("chat_relay_sessions", help, server[Metric::RelayedSessions]);
    let name = "chat_relay_datagrams_total";
    page.family(name, Kind::Counter, "Datagrams that clients sent to the relay, by what became of them.");
    for &result in ParcelResult::ALL {
        page.line(format_args!("{name}{{by=\"tcp\",result=\"{}\"}} {}", result.name(), server[result]));
    }
    let name = "chat_relay_bytes_total";
    page.family(name, Kind::Counter, "Bytes that the relay received from clients and passed on, without TLS.");
    page.line(format_args!("{name}{{by=\"tcp\",direction=\"in\"}} {}", server.relay.received_bytes));
    page.line(format_args!("{name}{{by=\"tcp\",direction=\"out\"}} {}", server.relay.sent_bytes));
    let help = "Memory of relayed datagrams that wait for their recipients to read.";
    page.gauge("chat_relay_lane_bytes", help, server[Metric::RelayWaiting]);
    let help = "Time from when the server has read a relayed datagram until it has written it.";
    page.histogram("chat_relay_seconds", help, &server.relay_time);
}

/// The roster that the server shares with others. A server that is alone has none of these.
fn journal(page: &mut Page, status: &JournalStatus, append_time: &Distribution) {
    let JournalStatus { state, position, head, nodes, counts, .. } = status;
    let help = "1 if the server can log users in: the journal that it shares with other servers is there.";
    page.gauge("chat_journal_up", help, u8::from(*state == JournalState::Ready));
    let help = "Acts in the journal that this server has not applied yet, as far as it knows.";
    page.gauge("chat_journal_lag_acts", help, head.get().saturating_sub(position.get()));
    page.family("chat_journal_acts_total", Kind::Counter, "Applied acts, by the server that proposed them.");
    page.labelled("chat_journal_acts_total", "by", "own", counts.own_acts);
    page.labelled("chat_journal_acts_total", "by", "other", counts.other_acts);
    let help = "Acts of this server that others had overtaken, and that it judged again.";
    page.total("chat_journal_refused_total", help, counts.refused);
    let help = "Epochs of the journal that this server has seen: more than one if the journal has lost acts.";
    page.total("chat_journal_epochs_total", help, counts.epochs);
    page.gauge("chat_nodes", "Servers that share the roster, this one included.", nodes);
    page.gauge(
        "chat_sessions_here",
        "Sessions at this server, those in their grace time included.",
        status.sessions_here,
    );
    let help = "Sessions that this server got from servers that stopped or gave no sign of life.";
    page.total("chat_sessions_inherited_total", help, counts.inherited);
    page.histogram("chat_journal_append_seconds", "Time of a call that appends acts to the journal.", append_time);
}

/// The metrics of this process, on systems that offer them, under the names that other exporters use.
fn process(page: &mut Page) {
    if let Some(files) = platform::process::open_files() {
        page.gauge("process_open_fds", "Open file descriptors, including connections.", files);
    }
    if let Some(most) = platform::process::max_open_files() {
        page.gauge("process_max_fds", "Maximum number of open file descriptors.", most);
    }
    if let Some(bytes) = platform::process::resident_memory() {
        page.gauge("process_resident_memory_bytes", "Resident memory.", bytes);
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// Lines of the text format. All names and label values are constants that need no escaping.
#[derive(Default)]
struct Page(String);

impl Page {
    fn line(&mut self, line: Arguments<'_>) {
        writeln!(self.0, "{line}").expect("writing to a string does not fail");
    }

    fn family(&mut self, name: &str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        self.line(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}"));
    }

    fn total(&mut self, name: &str, help: &str, value: u64) {
        self.family(name, Kind::Counter, help);
        self.line(format_args!("{name} {value}"));
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(name, Kind::Gauge, help);
        self.line(format_args!("{name} {value}"));
    }

    fn labelled(&mut self, name: &str, label: &str, label_value: &str, value: u64) {
        self.line(format_args!("{name}{{{label}=\"{label_value}\"}} {value}"));
    }

    fn histogram(&mut self, name: &str, help: &str, times: &Distribution) {
        self.family(name, Kind::Histogram, help);
        for (bound, count) in times.cumulative() {
            self.line(format_args!("{name}_bucket{{le=\"{}\"}} {count}", bound.as_secs_f64()));
        }
        let count = times.count();
        self.line(format_args!("{name}_bucket{{le=\"+Inf\"}} {count}"));
        self.line(format_args!("{name}_sum {}\n{name}_count {count}", times.sum().as_secs_f64()));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use chat_core::accounts::memory::MemoryAccounts;
    use chat_net::identity::ServerIdentity;
    use chat_net::server::{Monitor, ServerOptions, serve};
    use chat_store::hashing::HashLoad;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    #[tokio::test]
    async fn a_page_shows_one_observation_while_the_server_counts_on() {
        let folder = tempfile::tempdir().unwrap();
        let identity = ServerIdentity::load_or_create(folder.path()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let monitor = Monitor::new();
        let mut options = ServerOptions::default();
        options.monitor = monitor.clone();
        let accounts = Arc::new(MemoryAccounts::new());
        let server = tokio::spawn(serve(listener, identity, accounts, options, |_| {}, std::future::pending()));
        let facts = ServerFacts {
            version: "1".to_owned(),
            pid: 1,
            listening: address.to_string(),
            database: String::new(),
            started_at: 0,
            max_connections: 1,
            roster_url: None,
            node_name: None,
        };
        let mut hashing = HashLoad::default();
        (hashing.checking, hashing.waiting) = (1, 2);
        let observe = || Observation { server: monitor.metrics(), hashing, hashed: 3 };
        let without_process = |page: String| page.split("# HELP process_").next().unwrap().to_owned();

        let before = observe();
        let page_before = without_process(page(&facts, &before));
        assert!(page_before.contains("\nchat_connections_accepted_total 0\n"), "{page_before}");
        let _connection = TcpStream::connect(address).await.unwrap();
        while observe().server[Metric::Accepted] == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(without_process(page(&facts, &before)), page_before);
        let page_after = without_process(page(&facts, &observe()));
        assert!(page_after.contains("\nchat_connections_accepted_total 1\n"), "{page_after}");
        server.abort();
    }

    #[test]
    fn families_follow_the_text_format() {
        let mut page = Page::default();
        page.total("a_total", "What it counts.", 3);
        page.family("b", Kind::Gauge, "By kind.");
        page.labelled("b", "kind", "x", 0);
        page.histogram("c_seconds", "How long.", &Distribution::default());
        let lines: Vec<&str> = page.0.lines().collect();
        assert_eq!(
            lines[..5],
            [
                "# HELP a_total What it counts.",
                "# TYPE a_total counter",
                "a_total 3",
                "# HELP b By kind.",
                "# TYPE b gauge"
            ]
        );
        assert_eq!(
            lines[5..9],
            [
                "b{kind=\"x\"} 0",
                "# HELP c_seconds How long.",
                "# TYPE c_seconds histogram",
                "c_seconds_bucket{le=\"0.0001\"} 0"
            ]
        );
        assert_eq!(
            lines[lines.len() - 3..],
            ["c_seconds_bucket{le=\"+Inf\"} 0", "c_seconds_sum 0", "c_seconds_count 0"]
        );
    }
}
