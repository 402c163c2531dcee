//! `chat-server log`: both formats, the choice of records, broken files, and a log that is rotated while it is followed.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use rustix::process::Signal;

use crate::harness::{Finished, Home, Output, Process, Server, assert_in_both_languages, finish, path_text, until};

const TEXT: &str = "\
2026-11-23T04:28:00.123Z server started
2026-11-23T04:28:01.000Z online 小明 192.168.1.7:40001
2026-11-23T04:28:02.000Z online bob 192.168.1.8:40001
2026-11-23T04:29:00.000Z offline 小明 lost
";

const JSON: &str = r#"{"event":"server-started","at":1795408080123}
{"event":"online","user":"小明","address":"192.168.1.7:40001","at":1795408081000}
{"event":"online","user":"bob","address":"192.168.1.8:40001","at":1795408082000}
{"event":"offline","user":"小明","reason":"lost","at":1795408140000}
"#;

/// A home whose data folder has this presence log.
fn home_with(log: &str) -> Home {
    let home = Home::new();
    fs::create_dir(home.join("data")).unwrap();
    fs::write(home.join("data/presence.log"), log).unwrap();
    home
}

fn append(path: &Path, content: &str) {
    OpenOptions::new().append(true).create(true).open(path).unwrap().write_all(content.as_bytes()).unwrap();
}

#[test]
fn either_format_is_shown_in_either_format() {
    for log in [TEXT, JSON] {
        let home = home_with(log);
        for (args, out) in [(&["log"][..], TEXT), (&["log", "--format", "json"], JSON)] {
            let shown = home.operate(args);
            assert_eq!((shown.code, shown.out.as_str(), shown.err.as_str()), (Some(0), out, ""), "{args:?}");
        }
    }
}

#[test]
fn records_are_chosen_by_user_and_time() {
    let home = home_with(TEXT);
    let lines: Vec<&str> = TEXT.lines().collect();
    for (args, chosen) in [
        (&["--user", "小明"][..], &[1, 3][..]),
        (&["--user", "BOB"], &[2]),
        (&["--since", "2026-11-23T04:28:02Z"], &[2, 3]),
        (&["--since", "2026-11-23 04:29"], &[3]),
        (&["--since", "2026-11-23", "--user", "bob"], &[2]),
        (&["--since", "2026-11-24"], &[]),
    ] {
        let shown = home.operate(&[&["log"], args].concat());
        let chosen: Vec<&str> = chosen.iter().map(|line| lines[*line]).collect();
        assert_eq!((shown.code, shown.out.lines().collect::<Vec<_>>()), (Some(0), chosen), "{args:?}: {}", shown.err);
    }
}

#[test]
fn wrong_arguments_and_missing_files_are_explained() {
    let home = home_with(TEXT);
    let nobody = home.operate(&["log", "--user", "bbo"]);
    assert_eq!(
        (nobody.code, nobody.out.as_str(), nobody.err.as_str()),
        (Some(0), "", "note: no record is about bbo; did you mean bob?\n")
    );
    let time = home.operate(&["log", "--since", "noon"]);
    assert_eq!(time.code, Some(2));
    assert!(
        time.err.starts_with("error: invalid value 'noon' for '--since <TIME>': write a time such as 2026-11-23"),
        "{}",
        time.err
    );
    let chinese = home.operate(&["--lang", "zh-CN", "log", "--since", "中午"]);
    assert!(chinese.err.starts_with("错误：“--since <时间>”的值“中午”无效：请写一个时间"), "{}", chinese.err);
    let none = home.operate(&["--presence-log", "none", "log", "--format", "json"]);
    assert_eq!(none.code, Some(1));
    assert_eq!(none.error_code(), "failed");
    assert!(none.err.starts_with("error: there is no presence log none\nhint: "), "{}", none.err);
    let folder = home.operate(&["log", "--presence-log", "."]);
    assert!(folder.err.starts_with("error: the presence log . cannot be read: "), "{}", folder.err);
}

#[test]
fn broken_lines_are_left_out_and_counted() {
    let torn = "2026-11-23T04:28:02.500Z onl";
    let home = home_with(&format!("{TEXT}{torn}\n\nnonsense\n{JSON}{torn}"));
    let shown = home.operate(&["log"]);
    assert_eq!((shown.code, shown.out), (Some(0), format!("{TEXT}{TEXT}")));
    let log = home.join("data/presence.log");
    let log = log.display();
    assert_eq!(
        shown.err,
        format!(
            "note: 2 lines of {log} are not records and are left out\nnote: the last line of {log} is incomplete and is left out\n"
        )
    );
}

#[test]
fn what_the_log_tells_in_both_languages() {
    let home = home_with(&format!("{TEXT}nonsense\n2026-11-23T04:28:02.500Z onl"));
    assert_in_both_languages("log", |language| {
        let mut screen = String::new();
        for args in [
            &["log"][..],
            &["log", "--user", "小红"],
            &["log", "--user", "bbo", "--since", "2026-11-23 04:28"],
            &["log", "--since", "noon"],
            &["log", "--presence-log", "none"],
        ] {
            let Finished { code, out, err } = home.operate(&[&["--lang", language], args].concat());
            let command = args.join(" ");
            screen += &format!("$ chat-server {command}\n{out}{err}exit code {}\n\n", code.unwrap());
        }
        screen.replace(path_text(&home.join("data")), "DATA")
    });
}

#[test]
fn a_log_is_followed_through_a_half_written_line_and_a_rotation() {
    let home = home_with(TEXT);
    let (log, old) = (home.join("data/presence.log"), home.join("data/presence.log.1"));
    let mut command = home.command("chat-server");
    command.args(["--data-dir", path_text(&home.join("data")), "log", "--follow", "--user", "小明"]);
    let mut process = Process::spawn(&mut command);
    let out = Output::collect(process.stdout());
    let shows = |count: usize| until("the records are shown", || out.lines().len() >= count);
    shows(2);
    append(&log, "2026-11-23T04:30:00.000Z online 小明 192.1");
    append(&log, "68.1.7:40001\n2026-11-23T04:30:01.000Z offline bob asked\n");
    shows(3);
    fs::rename(&log, &old).unwrap();
    append(&old, "2026-11-23T04:31:00.000Z moved 小明 192.168.1.9:40001\n");
    shows(4);
    append(&log, "{\"event\":\"offline\",\"user\":\"小明\",\"reason\":\"asked\",\"at\":1795408320000}\n");
    shows(5);
    process.signal(Signal::TERM);
    process.exit();
    assert_eq!(
        out.lines()[2..],
        [
            "2026-11-23T04:30:00.000Z online 小明 192.168.1.7:40001",
            "2026-11-23T04:31:00.000Z moved 小明 192.168.1.9:40001",
            "2026-11-23T04:32:00.000Z offline 小明 asked",
        ]
    );
    assert_eq!(process.errors(), "");
}

#[test]
fn the_log_of_a_running_server_is_shown() {
    for format in ["text", "json"] {
        let home = Home::new();
        let server = Server::start_in(&home, &["--presence-log-format", format]);
        let alice = server.client("alice").register().start();
        drop(alice.leave());
        let mut shown = Finished { code: None, out: String::new(), err: String::new() };
        until("the departure is in the log", || {
            shown = finish(server.command().args(["log", "--user", "alice"]));
            shown.out.lines().count() == 2
        });
        assert!(
            shown.out.contains(" online alice 127.0.0.1:") && shown.out.ends_with(" offline alice asked\n"),
            "{shown:?}"
        );
    }
}
