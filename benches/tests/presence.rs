//! Runs each scenario of `presence` with few sessions against the real server, and checks that no client is missing and
//! no roster has faults. Times are not checked.

use assert_cmd::Command;
use serde_json::Value;

fn rows(args: &[&str]) -> Vec<Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_presence"));
    command.args(args).args(["--format", "json", "--server", env!("CARGO_BIN_EXE_presence_server")]);
    let run = command.assert().success();
    let text = String::from_utf8(run.get_output().stdout.clone()).expect("the output is UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("one JSON object per line")).collect()
}

fn assert_no_faults(rows: &[Value]) {
    for row in rows {
        for fault in ["missing", "behind", "wrong", "gaps"] {
            assert!(row.get(fault).is_none_or(|count| *count == 0), "{fault}: {rows:#?}");
        }
    }
}

#[test]
fn in_a_join_storm_every_client_gets_the_complete_roster() {
    let rows = rows(&["join-storm", "--sessions", "60", "--naive", "20"]);
    assert_eq!(
        rows.iter().map(|row| row["who"].as_str().unwrap()).collect::<Vec<_>>(),
        ["ours", "floor", "ours", "naive"]
    );
    assert_no_faults(&rows);
    assert!(rows.iter().all(|row| row["miscounted"] == 0), "{rows:#?}");
    assert_eq!(rows[0]["bytes"], rows[1]["bytes"]);
    assert!(rows[2]["bytes"].as_u64() < rows[3]["bytes"].as_u64(), "{rows:#?}");
}

#[test]
fn in_a_login_storm_every_client_logs_in() {
    let rows = rows(&["login-storm", "--sessions", "20", "--others", "10", "--ceiling", "0.2"]);
    assert_no_faults(&rows);
    assert!(rows.len() == 1 && rows[0]["log_ins"] == 20 && rows[0]["ceiling_per_second"].as_f64() > Some(0.0));
}

#[test]
fn sessions_that_resume_in_time_cause_no_changes() {
    let rows = rows(&["resume-storm", "--sessions", "50", "--runs", "2"]);
    assert_no_faults(&rows);
    assert!(rows.len() == 2 && rows.iter().all(|row| row["events"] == 0), "{rows:#?}");
    assert!(rows.iter().all(|row| row["caught_up"].as_u64() >= Some(49)), "clients resume with a delta: {rows:#?}");
}

#[test]
fn idle_reports_the_memory_of_the_server() {
    let rows = rows(&["idle", "--sessions", "20,60", "--rest", "0.2"]);
    assert_no_faults(&rows);
    assert!(rows.len() == 2 && rows.iter().all(|row| row["resident_bytes"].as_u64() > Some(0)), "{rows:#?}");
}

#[test]
fn every_change_reaches_every_client() {
    let rows = rows(&["broadcast", "--sessions", "30", "--rounds", "3", "--naive", "10"]);
    assert_no_faults(&rows);
    assert_eq!(rows.len(), 6);
    for row in &rows {
        assert_eq!(row["rounds"], 3, "{rows:#?}");
        assert!(row["written_p50_ms"].as_f64() > Some(0.0), "the kernel records arrival times: {rows:#?}");
    }
}

#[test]
fn all_rosters_agree_after_a_churn() {
    let rows = rows(&["churn", "--sessions", "40", "--seconds", "4", "--rate", "40", "--closely", "10"]);
    assert_no_faults(&rows);
    assert!(rows.len() == 1 && rows[0]["online"].as_u64() > Some(0), "{rows:#?}");
}
