//! A running server: status, roster, metrics, presence log, and renewal of the certificate.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;

use rustix::process::Signal;
use serde_json::Value;

use crate::harness::{Home, PATIENCE, Server, assert_contains, path_text, until};

#[test]
fn status_and_online_list_describe_the_running_server() {
    let home = Home::new();
    let mut server = Server::start_in(&home, &[]);
    let alice = server.client("alice").register().start();
    let _ming = server.client("小明").register().start();
    let wrong = ["--server", &server.address.to_string(), "--user", "nobody", "--fingerprint"];
    let fingerprint = server.fingerprint.clone();
    assert_eq!(home.run("chat-client", &[&wrong[..], &[&fingerprint]].concat()).code, Some(3));

    let seen = server.status();
    assert_eq!((&seen["state"], &seen["pid"]), (&"serving".into(), &server.process.pid().into()));
    assert_eq!((&seen["online"], &seen["roster"], &seen["roster_changes"]), (&2.into(), &2.into(), &2.into()));
    assert_eq!((&seen["log_ins"]["password"], &seen["refused"]["wrong_credentials"]), (&2.into(), &1.into()));
    assert_eq!(seen["fingerprint"].as_str(), Some(&*fingerprint));
    let text = home.operate(&["status"]).out;
    assert!(
        text.contains("\nonline            2\n") && text.contains("\nrefused           1 wrong credentials\n"),
        "{text}"
    );

    let list = home.operate(&["user", "list", "--online"]).out;
    let users: Vec<&str> = list.lines().map(|line| line.split('\t').next().unwrap()).collect();
    assert_eq!(users, ["alice", "小明"]);
    let lines = home.operate(&["user", "list", "--online", "--format", "json"]).out;
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(first["user"], "alice");
    assert!(first["address"].as_str().unwrap().starts_with("127.0.0.1:") && first["since"].is_u64(), "{first}");

    let socket = home.join("data/control.socket");
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    alice.process.signal(Signal::TERM);
    until("alice is offline", || server.status()["online"] == 1);
    server.stop();
    assert!(!socket.exists());
    let none = home.operate(&["status"]);
    assert_eq!((none.code, none.out.as_str()), (Some(3), ""));
    let data = home.join("data");
    assert!(none.err.starts_with(&format!("error: no server runs with the data folder {}\nhint: ", data.display())));
}

#[test]
fn commands_report_a_killed_server_as_not_running_and_reach_the_next_one() {
    let home = Home::new();
    let mut server = Server::start_in(&home, &[]);
    server.process.signal(Signal::KILL);
    server.process.exit();
    assert!(home.join("data/control.socket").exists());
    for args in [&["status"][..], &["user", "list", "--online"]] {
        assert_eq!(home.operate(args).code, Some(3), "{args:?}");
        let elsewhere = home.join("nowhere");
        let never = home.run("chat-server", &[&["--data-dir", path_text(&elsewhere)], args].concat());
        assert!(never.code == Some(3) && !elsewhere.exists(), "a query creates no folder: {}", never.err);
    }
    let _next = Server::start_in(&home, &[]);
    assert_eq!(server.status()["state"], "serving");
}

#[test]
fn metrics_can_be_scraped_and_silent_clients_delay_nobody() {
    let home = Home::new();
    let mut server = Server::start_in(&home, &["--metrics", "127.0.0.1:0"]);
    let metrics = server.printed("metrics at http://");
    let address = metrics.strip_suffix("/metrics").unwrap();
    // Silent connections occupy all slots that are served in parallel.
    let silent: Vec<TcpStream> = (0..8).map(|_| TcpStream::connect(address).unwrap()).collect();
    let _alice = server.client("alice").register().start();
    assert_eq!(server.status()["online"], 1);
    drop(silent);

    let page = ask(address, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(
        page.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"),
        "{page}"
    );
    for line in [
        "chat_sessions 1",
        "chat_roster_entries 1",
        "chat_log_ins_total{how=\"password\"} 1",
        "chat_log_in_seconds_count 1",
        "chat_connections_limit 10000",
        "chat_accounts_failed_total 0",
        "chat_presence_log_lines_lost_total 0",
    ] {
        assert!(page.lines().any(|printed| printed == line), "{line} is not in {page}");
    }
    assert!(!page.contains("alice"), "metrics name no user");
    let document = include_str!("../../../../docs/OPERATIONS.md");
    for family in page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()) {
        assert!(document.contains(&format!("| `{family}")), "docs/OPERATIONS.md lacks {family}");
    }
    assert!(ask(address, "GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404 "));
    assert!(ask(address, "POST /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405 "));
    assert!(ask(address, "\r\n\r\n").starts_with("HTTP/1.1 400 "));

    let taken = home.join("other");
    let second =
        home.run("chat-server", &["--listen", "127.0.0.1:0", "--data-dir", path_text(&taken), "--metrics", address]);
    assert_eq!(second.code, Some(3));
    let sentence = format!(
        "error: cannot listen on {address}: the address is in use\nhint: stop the program that listens there, or choose another port with --metrics IP:PORT\n"
    );
    assert_eq!(second.err, sentence);
    server.stop();
}

#[test]
fn sighup_reloads_the_certificate_and_a_broken_one_is_ignored() {
    let home = Home::new();
    let [old, new] = ["old", "new"].map(|name| certificate(&home, name));
    let file = home.join("server.pem");
    fs::write(&file, &old.0).unwrap();
    let mut server = Server::start_in(&home, &["--cert", path_text(&file), "--key", path_text(&file)]);
    assert_eq!(server.fingerprint, old.1);
    assert_eq!(
        home.operate(&["fingerprint"]).out.trim_end(),
        old.1,
        "the fingerprint of the running server, not of the data folder"
    );
    let address = server.address.to_string();
    // Each attempt as another user, because the throttle delays further failures of one.
    let login_error = |user: &str, fingerprint: &str| {
        home.run("chat-client", &["--server", &address, "--user", user, "--fingerprint", fingerprint]).err
    };

    fs::write(&file, "no certificate").unwrap();
    server.process.signal(Signal::HUP);
    server.process.errors_with("the certificate was not reloaded, the previous one stays in use: ");
    assert!(
        login_error("ann", &old.1).starts_with("error: wrong user name or password\n"),
        "the server keeps the old certificate"
    );

    fs::write(&file, &new.0).unwrap();
    server.process.signal(Signal::HUP);
    assert_eq!(server.printed("certificate reloaded; fingerprint "), new.1);
    server.process.errors_with("clients that know the previous fingerprint will refuse this server");
    assert!(
        login_error("ben", &new.1).starts_with("error: wrong user name or password\n"),
        "the server uses the new certificate"
    );
    assert!(
        login_error("cleo", &old.1).contains("does not have the fingerprint"),
        "the server no longer uses the old certificate"
    );
    assert_eq!(server.status()["fingerprint"].as_str(), Some(&*new.1));

    server.process.signal(Signal::HUP);
    server.printed("certificate reloaded; the fingerprint is the same");
    server.stop();
}

/// A file with a certificate and its key, and the fingerprint of the key.
fn certificate(home: &Home, name: &str) -> (Vec<u8>, String) {
    let folder = home.join(name);
    let printed = home.run("chat-server", &["fingerprint", "--data-dir", path_text(&folder)]).out;
    // The file with a server's own identity contains both.
    (fs::read(folder.join("identity.pem")).unwrap(), printed.trim_end().to_owned())
}

#[test]
fn the_command_reload_renews_the_certificate_and_says_what_became_of_it() {
    const LOG: &str = "the presence log is reopened before its next line\n";
    let home = Home::new();
    let [old, new] = ["old", "new"].map(|name| certificate(&home, name));
    let file = home.join("server.pem");
    fs::write(&file, &old.0).unwrap();
    let mut server = Server::start_in(&home, &["--cert", path_text(&file), "--key", path_text(&file)]);
    assert_eq!(server.fingerprint, old.1);

    fs::write(&file, "no certificate").unwrap();
    let refused = home.operate(&["reload"]);
    assert_eq!((refused.code, refused.out.as_str()), (Some(1), ""));
    let sentence = "error: the certificate was not reloaded, the previous one stays in use: ";
    assert!(refused.err.starts_with(sentence), "{}", refused.err);
    assert_contains(&refused.err, "\nhint: correct the files that the server's --cert and --key name");
    assert_eq!(server.status()["fingerprint"].as_str(), Some(&*old.1));

    fs::write(&file, &new.0).unwrap();
    let renewed = home.operate(&["reload"]);
    assert_eq!(renewed.code, Some(0), "{}", renewed.err);
    assert_eq!(renewed.out, format!("{LOG}certificate reloaded; fingerprint {}\n", new.1));
    assert_eq!(renewed.err, "note: clients that know the previous fingerprint will refuse this server\n");
    assert_eq!(server.printed("certificate reloaded; fingerprint "), new.1);
    assert_eq!(server.status()["fingerprint"].as_str(), Some(&*new.1));

    let same = home.operate(&["reload"]);
    assert_eq!(
        (same.out, same.err),
        (format!("{LOG}certificate reloaded; the fingerprint is the same\n"), String::new())
    );
    server.stop();
    assert_eq!(home.operate(&["reload"]).code, Some(3), "no server runs");
}

#[test]
fn after_the_command_reload_a_renamed_presence_log_is_followed_by_a_new_one() {
    let home = Home::new();
    let mut server = Server::start_in(&home, &[]);
    let _alice = server.client("alice").register().start();
    let (log, old) = (home.join("data/presence.log"), home.join("data/presence.log.1"));
    until("alice is in the log", || fs::read_to_string(&log).unwrap().contains(" alice "));
    fs::rename(&log, &old).unwrap();
    let reloaded = home.operate(&["reload"]);
    assert_eq!(
        (reloaded.code, reloaded.out.as_str()),
        (Some(0), "the presence log is reopened before its next line\n")
    );
    let _ben = server.client("ben").register().start();
    until("ben is in the new log", || fs::read_to_string(&log).is_ok_and(|log| log.contains(" ben ")));
    assert!(!fs::read_to_string(&old).unwrap().contains(" ben "));
    server.stop();
}

#[test]
fn the_presence_log_can_be_json() {
    let home = Home::new();
    let mut server = Server::start_in(&home, &["--presence-log-format", "json"]);
    let ming = server.client("小明").register().start();
    ming.process.signal(Signal::TERM);
    until("the user is offline", || server.status()["online"] == 0);
    server.stop();
    let log = fs::read_to_string(home.join("data/presence.log")).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let events: Vec<&str> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["server-started", "online", "offline", "server-stopping"], "{log}");
    assert_eq!((&lines[1]["user"], &lines[2]["reason"]), (&"小明".into(), &"asked".into()));
    assert!(lines.iter().all(|line| line["at"].is_u64()), "{log}");
}

/// Sends an HTTP request and returns the whole response.
pub(super) fn ask(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    response
}
