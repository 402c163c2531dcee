//! Each program runs briefly and loses nothing. No test judges a time, because the machine may be busy.

use assert_cmd::Command;
use serde_json::Value;

fn rows(program: &str, args: &[&str]) -> Vec<Value> {
    let mut command = Command::new(program);
    let run = command.args(args).args(["--format", "json"]).assert().success();
    let text = String::from_utf8(run.get_output().stdout.clone()).expect("programs print UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("one JSON object per line")).collect()
}

fn who(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["who"].as_str().expect("a name")).collect()
}

#[test]
fn fan_out_loses_nothing() {
    let args = ["--peers", "1,40", "--size", "64,5000", "--in-flight", "1,16", "--messages", "60", "--runs", "1"];
    let rows = rows(env!("CARGO_BIN_EXE_udp_fanout"), &args);
    assert_eq!(who(&rows), ["chat", "plain sendmmsg", "plain send_to"].repeat(8));
    assert!(rows.iter().all(|row| row["lost"] == 0), "{rows:#?}");
}

#[test]
fn round_trips_come_back() {
    let rows = rows(env!("CARGO_BIN_EXE_latency"), &["--messages", "50", "--peers", "5", "--runs", "1"]);
    assert!(rows.len() == 4 && rows.iter().all(|row| row["lost"] == 0), "{rows:#?}");
}

#[test]
fn sealing_a_datagram_allocates_nothing() {
    let rows = rows(env!("CARGO_BIN_EXE_micro"), &["--messages", "20000", "--peers", "20", "--runs", "1"]);
    for part in [
        "seal, per datagram (1 together)",
        "seal, per datagram (256 together)",
        "send to everyone through the socket, per datagram",
    ] {
        let row = rows.iter().find(|row| row["part"] == part).expect(part);
        assert_eq!(row["allocations"], 0.0, "{rows:#?}");
    }
}

/// The benchmarks of messages measure something for every number of receivers.
#[test]
fn one_receiver_is_measured_and_none_is_refused() {
    let rows = rows(env!("CARGO_BIN_EXE_micro"), &["--peers", "1", "--runs", "1"]);
    assert!(rows.iter().any(|row| row["part"] == "send to everyone through the socket, per datagram"), "{rows:#?}");
    for program in [env!("CARGO_BIN_EXE_micro"), env!("CARGO_BIN_EXE_udp_fanout"), env!("CARGO_BIN_EXE_latency")] {
        for argument in ["--peers", "--runs"] {
            let refused = Command::new(program).args([argument, "0"]).assert().code(2);
            let text = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
            assert!(text.contains("0 is not in 1.."), "{program} {argument}: {text}");
        }
    }
}

#[cfg(feature = "alternatives")]
#[test]
fn chat_and_quic_lose_nothing_beside_brokers() {
    let args = ["--messages", "20", "--peers", "5", "--in-flight", "1,16", "--runs", "1"];
    let rows = rows(env!("CARGO_BIN_EXE_alternatives"), &args);
    let ours: Vec<_> = rows.iter().filter(|row| row["who"] == "chat").collect();
    assert!(ours.len() == 2 && ours.iter().all(|row| row["lost"] == 0), "{rows:#?}");
    let streams: Vec<_> = rows.iter().filter(|row| row["who"] == "quinn streams").collect();
    assert!(streams.len() == 2 && streams.iter().all(|row| row["lost"] == 0), "{rows:#?}");
}

#[test]
fn results_are_drawn_as_a_chart() {
    let rows = [
        r#"{"who":"chat","peers":10,"size":64,"in_flight":1,"delivered_per_second":2e5}"#,
        r#"{"who":"plain sendmmsg","peers":10,"size":64,"in_flight":1,"delivered_per_second":3e5}"#,
        r#"{"who":"NATS","peers":10,"size":64,"in_flight":1,"delivered_per_second":1e5}"#,
        r#"{"who":"chat","peers":10,"size":256,"in_flight":1,"delivered_per_second":2e5}"#,
    ];
    let plot = || Command::new(env!("CARGO_BIN_EXE_plot"));
    let run = plot().args(["--in-flight", "1"]).write_stdin(rows.join("\n")).assert().success();
    let svg = String::from_utf8(run.get_output().stdout.clone()).expect("programs print UTF-8");
    assert_eq!(svg.matches("<circle").count(), 3, "one circle for each reading: {svg}");
    for name in ["chat", "plain sendmmsg", "NATS"] {
        assert!(svg.lines().any(|line| line.trim() == name), "{name} is in the legend: {svg}");
    }
    plot().write_stdin(rows.join("\n")).assert().code(2);
    plot().write_stdin("no rows").assert().code(2);
}

/// Runs a scenario of `presence` with few sessions against the real server.
fn presence(args: &[&str]) -> Vec<Value> {
    let server = ["--server", env!("CARGO_BIN_EXE_presence_server")];
    // The exit code says that no client was missing and every roster was correct.
    rows(env!("CARGO_BIN_EXE_presence"), &[args, &server].concat())
}

#[test]
fn in_a_join_storm_every_client_gets_the_complete_roster() {
    let rows = presence(&["join-storm", "--sessions", "60", "--naive", "20"]);
    assert_eq!(who(&rows), ["ours", "floor", "ours", "naive"]);
    assert_eq!(rows[0]["bytes"], rows[1]["bytes"]);
    assert!(rows[2]["bytes"].as_u64() < rows[3]["bytes"].as_u64(), "{rows:#?}");
}

#[test]
fn in_a_login_storm_every_client_logs_in() {
    let rows = presence(&["login-storm", "--sessions", "20", "--others", "10", "--ceiling", "0.2"]);
    assert!(rows.len() == 1 && rows[0]["logins"] == 20 && rows[0]["ceiling_per_second"].as_f64() > Some(0.0));
}

#[test]
fn sessions_that_resume_in_time_cause_no_changes() {
    let rows = presence(&["resume-storm", "--sessions", "50", "--runs", "2"]);
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| row["deltas"].as_u64() >= Some(49)), "clients resume with a delta: {rows:#?}");
}

#[test]
fn idle_reports_the_memory_of_the_server() {
    let rows = presence(&["idle", "--sessions", "20,60", "--rest", "0.2"]);
    assert!(rows.len() == 2 && rows.iter().all(|row| row["resident_bytes"].as_u64() > Some(0)), "{rows:#?}");
}

#[test]
fn every_change_reaches_every_client() {
    let rows = presence(&["broadcast", "--sessions", "30", "--rounds", "3"]);
    assert_eq!(rows.len(), 2);
    for row in &rows {
        assert_eq!(row["rounds"], 3, "{rows:#?}");
        assert!(row["written_p50_ms"].as_f64() > Some(0.0), "the kernel records arrival times: {rows:#?}");
    }
}

#[test]
fn all_rosters_agree_after_a_churn() {
    let rows = presence(&["churn", "--sessions", "40", "--seconds", "4", "--rate", "40", "--full-rosters", "10"]);
    assert!(rows.len() == 1 && rows[0]["online"].as_u64() > Some(0), "{rows:#?}");
}

#[test]
fn several_servers_are_compared_with_one_in_every_scenario_that_has_both() {
    let storms = presence(&["join-storm", "--sessions", "60", "--nodes", "3"]);
    let resumes = presence(&["resume-storm", "--sessions", "30", "--nodes", "2"]);
    let changes = presence(&["broadcast", "--sessions", "20", "--rounds", "1", "--nodes", "2"]);
    let churn = presence(&["churn", "--sessions", "30", "--seconds", "2", "--rate", "20", "--nodes", "2"]);
    assert_eq!((storms.len(), resumes.len(), changes.len(), churn.len()), (2, 2, 4, 2));
    for row in [storms, resumes, changes, churn].iter().flatten() {
        let alone = row["nodes"] == 1;
        assert_eq!(row["ratio"].is_null(), alone, "{row:#?}");
        assert_eq!(row["servers_cpu_s"].as_array().map(Vec::len), row["nodes"].as_u64().map(|nodes| nodes as usize));
    }
}

#[test]
fn no_client_is_told_anything_when_a_server_or_redis_fails() {
    let rows =
        presence(&["failover", "--sessions", "30", "--nodes", "3", "--fault", "server,redis,empty", "--watch", "0.5"]);
    let faults: Vec<_> = rows.iter().map(|row| row["fault"].as_str().expect("a name")).collect();
    assert_eq!(faults, ["server", "redis", "empty"]);
    assert_eq!(rows[0]["clients"], 10, "a third of the clients is at the killed server: {rows:#?}");
    assert!(rows.iter().all(|row| row["told"] == 0 && row["ms"].as_f64() > Some(0.0)), "{rows:#?}");
    assert_eq!(rows[2]["epochs"], 1, "{rows:#?}");
}

#[test]
fn each_event_is_one_act_and_a_session_that_resumes_at_its_server_is_none() {
    let rows = presence(&["sharing", "--sessions", "40", "--nodes", "3", "--rest", "1"]);
    for row in &rows {
        // A server that the others have declared lost on a busy machine enters again, with an act or two.
        let acts = row["acts"].as_f64().expect("a number").round();
        let expected = if row["event"] == "idle" || row["event"] == "resume at home" { 0.0 } else { 1.0 };
        assert_eq!(acts, expected, "{rows:#?}");
    }
    assert_eq!(rows.len(), 6);
}

/// Runs a scenario of `relay` against the real server.
fn relay(args: &[&str]) -> Vec<Value> {
    let server = ["--server", env!("CARGO_BIN_EXE_presence_server")];
    rows(env!("CARGO_BIN_EXE_relay"), &[args, &server].concat())
}

#[test]
fn relayed_round_trips_come_back_and_are_compared_with_their_legs() {
    let rows = relay(&["round-trip", "--rounds", "100"]);
    let what: Vec<_> = rows.iter().map(|row| row["what"].as_str().expect("a name")).collect();
    let names = [
        "two legs",
        "relayed datagram and answer",
        "private message and answer, straight",
        "private message and answer, relayed",
    ];
    assert_eq!(what, names);
    assert!(rows.iter().all(|row| row["lost"] == 0 && row["p50_us"].as_f64() > Some(0.0)), "{rows:#?}");
}

#[test]
fn a_slow_flood_loses_nothing_in_the_relay() {
    let rows = relay(&["throughput", "--rates", "400,800", "--seconds", "0.5", "--members", "4"]);
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| row["passed_per_second"].as_f64() > Some(100.0)), "{rows:#?}");
}

#[test]
fn changes_reach_every_client_while_the_relay_is_flooded() {
    let args =
        ["presence", "--sessions", "20", "--rounds", "1", "--members", "2", "--size", "1200", "--excess", "0.05"];
    let rows = relay(&args);
    assert_eq!(rows.len(), 4);
    for row in &rows {
        assert_eq!(row["rounds"], 5, "{rows:#?}");
        assert_eq!(row["relayed_per_second"].as_f64() > Some(0.0), row["relay"] == "flooded", "{rows:#?}");
    }
}
