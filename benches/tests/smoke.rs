//! Each program runs briefly and loses nothing. No test judges a time, because the machine may be busy.

use assert_cmd::Command;

fn rows(program: &str, args: &[&str]) -> Vec<serde_json::Value> {
    let mut command = Command::new(match program {
        #[cfg(feature = "brokers")]
        "alternatives" => env!("CARGO_BIN_EXE_alternatives"),
        "udp_fanout" => env!("CARGO_BIN_EXE_udp_fanout"),
        "latency" => env!("CARGO_BIN_EXE_latency"),
        "micro" => env!("CARGO_BIN_EXE_micro"),
        other => panic!("no program {other}"),
    });
    let run = command.args(args).args(["--runs", "1", "--format", "json"]).assert().success();
    let text = String::from_utf8(run.get_output().stdout.clone()).expect("programs print UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("one JSON object per line")).collect()
}

#[test]
fn fan_out_loses_nothing() {
    let args = ["--peers", "1,40", "--size", "64,5000", "--in-flight", "1,16", "--messages", "60"];
    let rows = rows("udp_fanout", &args);
    assert_eq!(rows.len(), 8);
    assert!(rows.iter().all(|row| row["lost"] == 0), "{rows:#?}");
}

#[test]
fn round_trips_come_back() {
    let rows = rows("latency", &["--messages", "50", "--peers", "5"]);
    assert!(rows.len() >= 3 && rows.iter().all(|row| row["lost"] == 0), "{rows:#?}");
}

#[test]
fn sealing_a_datagram_allocates_nothing() {
    let rows = rows("micro", &["--messages", "20000", "--peers", "20"]);
    for together in ["1", "256"] {
        let part = format!("seal, per datagram ({together} together)");
        let row = rows.iter().find(|row| row["part"] == part.as_str()).unwrap();
        assert_eq!(row["allocations"], 0.0, "{rows:#?}");
    }
    let row = rows.iter().find(|row| row["part"] == "send to everyone through the socket, per datagram").unwrap();
    assert_eq!(row["allocations"], 0.0, "{rows:#?}");
}

#[cfg(feature = "brokers")]
#[test]
fn chat_loses_nothing_beside_brokers() {
    let rows = rows("alternatives", &["--messages", "20", "--peers", "5", "--in-flight", "1,16"]);
    let ours: Vec<_> = rows.iter().filter(|row| row["who"] == "chat").collect();
    assert!(ours.len() == 2 && ours.iter().all(|row| row["lost"] == 0), "{rows:#?}");
}

#[test]
fn results_are_drawn_as_a_chart() {
    let rows = [
        r#"{"peers":10,"size":64,"in_flight":1,"delivered_per_second":2e5,"sendmmsg_per_second":3e5,"send_to_per_second":3e5}"#,
        r#"{"who":"NATS","peers":10,"size":64,"in_flight":1,"delivered_per_second":1e5}"#,
        r#"{"peers":10,"size":256,"in_flight":1,"delivered_per_second":2e5}"#,
    ];
    let plot = || Command::new(env!("CARGO_BIN_EXE_plot"));
    let run = plot().args(["--in-flight", "1"]).write_stdin(rows.join("\n")).assert().success();
    let svg = String::from_utf8(run.get_output().stdout.clone()).expect("programs print UTF-8");
    assert_eq!(svg.matches("<circle").count(), 4, "one circle for each reading: {svg}");
    for name in ["chat", "plain sendmmsg", "plain send_to", "NATS"] {
        assert!(svg.lines().any(|line| line.trim() == name), "{name} is in the legend: {svg}");
    }
    plot().write_stdin(rows.join("\n")).assert().code(2);
    plot().write_stdin("no rows").assert().code(2);
}
