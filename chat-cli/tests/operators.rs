//! What operators do with the real program: configuring it, looking inside, renewing its certificate, copying its
//! accounts and moving them to another database.

#![allow(clippy::unwrap_used, reason = "all of this is tests; clippy takes helpers for something else")]

mod common;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use chat_store::testing;
use common::{Ended, Home, PASSWORD, path};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Longer than anything takes on a busy machine; whoever waits that long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program whose output can be looked at while it runs. Killed when it is dropped.
struct Running {
    child: Child,
    out: PathBuf,
    err: PathBuf,
}

impl Running {
    fn start(home: &Home, name: &str, command: &mut Command) -> Self {
        let [out, err] = ["out", "err"].map(|stream| home.join(&format!("{name}.{stream}")));
        command.stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap());
        Self { child: command.spawn().unwrap(), out, err }
    }

    fn out(&self) -> String {
        fs::read_to_string(&self.out).unwrap()
    }

    fn err(&self) -> String {
        fs::read_to_string(&self.err).unwrap()
    }

    /// Waits for a line of standard output that begins like this; gives the rest of it.
    fn said(&mut self, beginning: &str) -> String {
        let mut found = None;
        let what = format!("{beginning:?} is said");
        until(&what, || {
            let out = self.out();
            let whole = out.rsplit_once('\n').map(|(lines, _)| lines.to_owned()).unwrap_or_default();
            found = whole.lines().rev().find_map(|line| line.strip_prefix(beginning)).map(str::to_owned);
            assert!(found.is_some() || self.child.try_wait().unwrap().is_none(), "it ended: {out}{}", self.err());
            found.is_some()
        });
        found.unwrap()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn stop(&mut self) {
        self.signal(Signal::TERM);
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "{}", self.err());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < PATIENCE, "waited too long until {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A server on the data folder `data` and a port that the system chooses.
fn serve(home: &Home, args: &[&str]) -> Running {
    let mut command = home.command("chat-server");
    command.args(["--listen", "127.0.0.1:0", "--data-dir", path(&home.join("data"))]).args(args);
    let mut server = Running::start(home, "server", &mut command);
    server.said("20");
    server
}

fn operate(home: &Home, args: &[&str]) -> Ended {
    home.run("chat-server", &[&["--data-dir", path(&home.join("data"))], args].concat())
}

/// A client that is online until it is dropped.
fn online(home: &Home, server: &mut Running, user: &str) -> Running {
    let address = server.said("listening on ");
    let mut command = home.command("chat-client");
    command.args(["--server", &address, "--user", user, "--register", "--accept-new"]);
    command.args(["--known-servers", path(&home.join(&format!("{user}.known"))), "--format", "json"]);
    let mut client = Running::start(home, user, command.env("CHAT_PASSWORD", PASSWORD).stdin(Stdio::piped()));
    client.said("{\"event\":\"welcome\"");
    client
}

fn status(home: &Home) -> Value {
    let Ended { code, out, err } = operate(home, &["status", "--format", "json"]);
    assert_eq!(code, Some(0), "{err}");
    serde_json::from_str(&out).unwrap()
}

fn ask(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn arguments_come_before_the_environment_and_that_before_the_file() {
    let home = Home::new();
    let file = home.join("server.toml");
    let data = home.join("data");
    let content = format!("listen = '127.0.0.1:0'\ndata-dir = '{}'\nmax-connections = 300\n", data.display());
    fs::write(&file, content).unwrap();
    for (environment, args, connections) in
        [(None, &[][..], 300), (Some("250"), &[], 250), (Some("250"), &["--max-connections", "200"], 200)]
    {
        let mut command = home.command("chat-server");
        command.args(["--config", path(&file)]).args(args);
        if let Some(number) = environment {
            command.env("CHAT_MAX_CONNECTIONS", number);
        }
        let mut server = Running::start(&home, "server", &mut command);
        server.said("20");
        assert_eq!(status(&home)["max_connections"], connections);
        server.stop();
    }
    let named = Home::end(home.command("chat-server").env("CHAT_CONFIG", &file).args(["user", "list"]));
    assert_eq!((named.code, named.err.as_str()), (Some(0), ""), "commands read it too");
}

#[test]
fn a_wrong_file_is_named_with_line_and_key_and_shows_no_secret() {
    let home = Home::new();
    let file = home.join("server.toml");
    for (content, sentence) in [
        ("\nmax-conections = 5", "line 2: there is no key 'max-conections'\nhint: did you mean max-connections?\n"),
        ("[limits]\nmax-connections = 5", "line 1: there is no key 'limits'\nhint: the keys are data-dir, database, "),
        (
            "max-connections = 0",
            "line 1: max-connections: '0' is not allowed; write a whole number from 1 to 1000000\n",
        ),
        (
            "login-time = '5s'",
            "line 1: login-time: invalid type: string \"5s\", expected a whole number from 1 to 600\n",
        ),
        ("metrics = 'here'", "line 1: metrics: the address has no port; write IP:PORT, for example"),
        (
            "registration = 'maybe'",
            "line 1: registration: unknown variant `maybe`, expected one of `open`, `invited`, `closed`\n",
        ),
        (
            "database = 'postgres://ann:hush@db/x'",
            "line 1: database: unknown kind of database; allowed are sqlite:PATH",
        ),
        ("listen = ", "line 1: listen: "),
    ] {
        fs::write(&file, content).unwrap();
        let Ended { code, out, err } = home.run("chat-server", &["--config", path(&file)]);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{content}: {err}");
        assert!(err.starts_with(&format!("error: {}, {sentence}", file.display())), "{content}: {err}");
        assert!(!err.contains("hush"), "{err}");
    }
    let missing = home.run("chat-server", &["--config", "/no/file"]);
    assert_eq!(missing.code, Some(2));
    assert!(missing.err.starts_with("error: the configuration file /no/file cannot be read: "), "{}", missing.err);
}

#[test]
fn a_file_with_a_password_that_others_can_read_is_told() {
    let home = Home::new();
    let file = home.join("server.toml");
    fs::write(&file, "database = 'mysql://ann:hush@127.0.0.1:1/x'\n").unwrap();
    for (mode, warned) in [(0o600, false), (0o640, true)] {
        fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
        let Ended { code, err, .. } = operate(&home, &["--config", path(&file), "user", "list"]);
        assert_eq!(code, Some(3), "{err}");
        assert_eq!(err.contains("holds a password and can be read by others; chmod 600 closes it"), warned, "{err}");
        assert!(err.contains("error: the database server at 127.0.0.1:1 does not answer"), "the file counts: {err}");
        assert!(!err.contains("hush"), "{err}");
    }
}

#[test]
fn status_and_roster_are_those_of_the_running_server() {
    let home = Home::new();
    let mut server = serve(&home, &[]);
    let alice = online(&home, &mut server, "alice");
    let _ming = online(&home, &mut server, "小明");
    let wrong = ["--server", &server.said("listening on "), "--user", "nobody", "--fingerprint"];
    let fingerprint = server.said("fingerprint ");
    assert_eq!(home.run("chat-client", &[&wrong[..], &[&fingerprint]].concat()).code, Some(3));

    let seen = status(&home);
    assert_eq!((&seen["state"], &seen["pid"]), (&"serving".into(), &server.child.id().into()));
    assert_eq!((&seen["online"], &seen["roster"], &seen["roster_changes"]), (&2.into(), &2.into(), &2.into()));
    assert_eq!((&seen["log_ins"]["password"], &seen["refused"]["wrong_credentials"]), (&2.into(), &1.into()));
    assert_eq!(seen["fingerprint"].as_str(), Some(&*fingerprint));
    let text = operate(&home, &["status"]).out;
    assert!(
        text.contains("\nonline            2\n") && text.contains("\nrefused           1 wrong credentials\n"),
        "{text}"
    );

    let list = operate(&home, &["user", "list", "--online"]).out;
    let users: Vec<&str> = list.lines().map(|line| line.split('\t').next().unwrap()).collect();
    assert_eq!(users, ["alice", "小明"]);
    let lines = operate(&home, &["user", "list", "--online", "--format", "json"]).out;
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(first["user"], "alice");
    assert!(first["address"].as_str().unwrap().starts_with("127.0.0.1:") && first["since"].is_u64(), "{first}");

    let socket = home.join("data/control.socket");
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    alice.signal(Signal::TERM);
    until("alice is offline", || status(&home)["online"] == 1);
    server.stop();
    assert!(!socket.exists());
    let none = operate(&home, &["status"]);
    assert_eq!((none.code, none.out.as_str()), (Some(3), ""));
    let data = home.join("data");
    assert!(none.err.starts_with(&format!("error: no server runs with the data folder {}\nhint: ", data.display())));
}

#[test]
fn a_server_that_was_killed_is_not_there_and_the_next_one_answers() {
    let home = Home::new();
    let mut server = serve(&home, &[]);
    server.signal(Signal::KILL);
    server.child.wait().unwrap();
    assert!(home.join("data/control.socket").exists());
    for args in [&["status"][..], &["user", "list", "--online"]] {
        assert_eq!(operate(&home, args).code, Some(3), "{args:?}");
        let elsewhere = home.join("nowhere");
        let never = home.run("chat-server", &[&["--data-dir", path(&elsewhere)], args].concat());
        assert!(never.code == Some(3) && !elsewhere.exists(), "to ask makes nothing: {}", never.err);
    }
    let _next = serve(&home, &[]);
    assert_eq!(status(&home)["state"], "serving");
}

#[test]
fn metrics_are_told_to_scrapers_and_nonsense_holds_nobody_up() {
    let home = Home::new();
    let mut server = serve(&home, &["--metrics", "127.0.0.1:0"]);
    let metrics = server.said("metrics at http://");
    let address = metrics.strip_suffix("/metrics").unwrap();
    // As many as are answered at once, and none says anything.
    let silent: Vec<TcpStream> = (0..8).map(|_| TcpStream::connect(address).unwrap()).collect();
    let _alice = online(&home, &mut server, "alice");
    assert_eq!(status(&home)["online"], 1);
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
        "chat_presence_log_lines_lost_total 0",
    ] {
        assert!(page.lines().any(|said| said == line), "{line} is not in {page}");
    }
    assert!(!page.contains("alice"), "nobody is named");
    let document = include_str!("../../docs/OPERATIONS.md");
    for family in page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()) {
        assert!(document.contains(&format!("| `{family}")), "docs/OPERATIONS.md lacks {family}");
    }
    assert!(ask(address, "GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404 "));
    assert!(ask(address, "POST /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405 "));
    assert!(ask(address, "\r\n\r\n").starts_with("HTTP/1.1 400 "));

    let taken = home.join("other");
    let second =
        home.run("chat-server", &["--listen", "127.0.0.1:0", "--data-dir", path(&taken), "--metrics", address]);
    assert_eq!(second.code, Some(3));
    let sentence = format!(
        "error: cannot listen on {address}: the address is in use\nhint: stop what listens there, or choose another port with --metrics IP:PORT\n"
    );
    assert_eq!(second.err, sentence);
    server.stop();
}

#[test]
fn the_certificate_is_renewed_on_sighup_and_a_broken_one_changes_nothing() {
    let home = Home::new();
    // A server's own identity is a certificate with its key in one file.
    let [old, new] = ["old", "new"].map(|name| {
        let folder = home.join(name);
        let said = home.run("chat-server", &["fingerprint", "--data-dir", path(&folder)]).out;
        (fs::read(folder.join("identity.pem")).unwrap(), said.trim_end().to_owned())
    });
    let file = home.join("server.pem");
    fs::write(&file, &old.0).unwrap();
    let mut server = serve(&home, &["--cert", path(&file), "--key", path(&file)]);
    assert_eq!(server.said("fingerprint "), old.1);
    assert_eq!(operate(&home, &["fingerprint"]).out.trim_end(), old.1, "what is shown, not what is in the folder");
    let address = server.said("listening on ");
    // Each time as somebody else, because failures of one are slowed down.
    let knocks = |user: &str, fingerprint: &str| {
        home.run("chat-client", &["--server", &address, "--user", user, "--fingerprint", fingerprint]).err
    };

    fs::write(&file, "no certificate").unwrap();
    server.signal(Signal::HUP);
    until("it is told", || server.err().contains("the certificate is not reloaded, the one before stays in use: "));
    assert!(knocks("ann", &old.1).starts_with("error: wrong user name or password\n"), "the old one is shown");

    fs::write(&file, &new.0).unwrap();
    server.signal(Signal::HUP);
    assert_eq!(server.said("certificate reloaded; fingerprint "), new.1);
    assert!(server.err().contains("clients that know the old fingerprint refuse this server"), "{}", server.err());
    assert!(knocks("ben", &new.1).starts_with("error: wrong user name or password\n"), "the new one is shown");
    assert!(knocks("cleo", &old.1).contains("is not the server with the fingerprint"), "and the old one no more");
    assert_eq!(status(&home)["fingerprint"].as_str(), Some(&*new.1));

    server.signal(Signal::HUP);
    server.said("certificate reloaded; the fingerprint is the same");
    server.stop();
}

#[test]
fn the_presence_log_can_be_json() {
    let home = Home::new();
    let mut server = serve(&home, &["--presence-log-format", "json"]);
    let ming = online(&home, &mut server, "小明");
    ming.signal(Signal::TERM);
    until("he is offline", || status(&home)["online"] == 0);
    server.stop();
    let log = fs::read_to_string(home.join("data/presence.log")).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let events: Vec<&str> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["server-started", "online", "offline", "server-stopping"], "{log}");
    assert_eq!((&lines[1]["user"], &lines[2]["reason"]), (&"小明".into(), &"asked".into()));
    assert!(lines.iter().all(|line| line["at"].is_u64()), "{log}");
}

#[test]
fn a_backup_of_a_running_server_is_restored_by_copying_it_back() {
    let home = Home::new();
    let mut server = serve(&home, &[]);
    let alice = online(&home, &mut server, "alice");
    let copy = home.join("copy.sqlite");
    let made = operate(&home, &["backup", path(&copy)]);
    assert_eq!((made.code, made.err.as_str()), (Some(0), ""));
    assert!(made.out.ends_with(&format!("is copied to {}\n", copy.display())), "{}", made.out);
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    let again = operate(&home, &["backup", path(&copy)]);
    assert_eq!((again.code, again.out.as_str()), (Some(1), ""));
    let sentence = format!("error: the file {} exists already\nhint: ", copy.display());
    assert!(again.err.starts_with(&sentence), "{}", again.err);
    assert_eq!(operate(&home, &["user", "add", "bob"]).code, Some(0), "after the copy");
    drop(alice);
    server.stop();

    for file in ["chat.sqlite", "chat.sqlite-wal", "chat.sqlite-shm"] {
        // The last two are gone once nobody has the database open.
        drop(fs::remove_file(home.join("data").join(file)));
    }
    fs::copy(&copy, home.join("data/chat.sqlite")).unwrap();
    let mut server = serve(&home, &[]);
    let list = operate(&home, &["user", "list"]).out;
    assert!(list.starts_with("alice\tactive\t") && list.lines().count() == 1, "{list}");
    let back = ["--server", &server.said("listening on "), "--user", "alice", "--fingerprint"];
    let talk = home.run("chat-client", &[&back[..], &[&server.said("fingerprint ")]].concat());
    assert_eq!((talk.code, talk.err.as_str()), (Some(0), ""));
    let empty = home.join("empty");
    let nothing = home.run("chat-server", &["--data-dir", path(&empty), "backup", path(&home.join("x"))]);
    assert_eq!(nothing.code, Some(1));
    assert!(nothing.err.contains("there is no database file ") && !empty.join("chat.sqlite").exists());
}

#[test]
fn another_folder_than_the_servers_is_noticed() {
    let home = Home::new();
    let none = home.join("chat.sqlite");
    let database = format!("sqlite:{}", none.display());
    let at = |args: &[&str]| operate(&home, &[&["--database", &database], args].concat());
    let new = operate(&home, &["fingerprint"]);
    assert_eq!((new.code, new.err.contains("this is a new one")), (Some(0), true), "{}", new.err);
    let same = operate(&home, &["fingerprint"]);
    assert_eq!((same.out, same.err.as_str()), (new.out, ""));
    for task in [&["user", "list"][..], &["user", "disable", "bob"], &["move", "--to-database", "sqlite:other"]] {
        let wrong = at(task);
        assert_eq!((wrong.code, wrong.out.as_str()), (Some(1), ""), "{task:?}");
        let sentence = format!("error: there is no database file {}\nhint: name the data folder", none.display());
        assert!(wrong.err.starts_with(&sentence), "{}", wrong.err);
        assert!(!none.exists());
    }
    let added = at(&["user", "add", "bob"]);
    assert_eq!((added.code, added.out.as_str()), (Some(0), "bob is registered\n"));
    assert!(added.err.contains("one is made, with bob in it"), "{}", added.err);
    let again = at(&["user", "add", "carol"]);
    assert_eq!((again.code, again.err.as_str()), (Some(0), ""));
}

#[test]
fn two_servers_on_one_sqlite_file_are_told_and_its_accounts_stay() {
    let home = Home::new();
    let file = home.join("shared.sqlite");
    let database = format!("sqlite:{}", file.display());
    let mut first = serve(&home, &["--database", &database]);
    let folder = home.join("elsewhere");
    let elsewhere = ["--data-dir", path(&folder), "--database", &database];
    let moved = home.run("chat-server", &[&elsewhere[..], &["move", "--to-database", "sqlite:other"]].concat());
    assert_eq!((moved.code, moved.out.as_str()), (Some(3), ""));
    assert!(moved.err.starts_with("error: a server uses sqlite:"), "{}", moved.err);
    let mut command = home.command("chat-server");
    let mut second = Running::start(&home, "second", command.args(["--listen", "127.0.0.1:0"]).args(elsewhere));
    second.said("listening on ");
    assert!(second.err().contains("another server uses this database"), "{}", second.err());
    assert!(!first.err().contains("another server"), "{}", first.err());
    second.stop();
    first.stop();
}

#[test]
fn a_database_that_fails_is_told_with_the_reason_and_not_for_everybody() {
    let home = Home::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let database = testing::sqlite();
    let mut server = serve(&home, &["--database", database.url_text()]);
    let talk = ["--server", &server.said("listening on "), "--user", "alice", "--accept-new", "--register"];
    runtime.block_on(database.execute("ALTER TABLE accounts RENAME TO away;"));
    for _ in 0..2 {
        let refused = home.run("chat-client", &talk);
        assert_eq!(refused.code, Some(3));
        assert!(refused.err.contains("cannot reach its storage") && !refused.err.contains("table"), "{}", refused.err);
    }
    server.stop();
    let said = server.err();
    assert_eq!(said.matches("the accounts fail").count(), 1, "{said}");
    assert!(said.contains("no such table: accounts"), "{said}");
}

#[test]
fn accounts_move_to_mysql_and_back() {
    let home = Home::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mysql = runtime.block_on(testing::mysql());
    let url = home.join("url");
    fs::write(&url, mysql.url_text()).unwrap();
    fs::set_permissions(&url, PermissionsExt::from_mode(0o600)).unwrap();
    let there = ["move", "--to-database-file", path(&url)];
    let mut server = serve(&home, &[]);
    drop(online(&home, &mut server, "小明"));
    assert_eq!(operate(&home, &["user", "add", "bob"]).code, Some(0));
    assert_eq!(operate(&home, &["user", "disable", "bob"]).code, Some(0));
    let running = operate(&home, &there);
    assert_eq!(running.code, Some(3));
    assert!(running.err.contains("is in use by the server with process number"), "{}", running.err);
    server.stop();

    let before = operate(&home, &["user", "list"]).out;
    let moved = operate(&home, &there);
    assert_eq!((moved.code, moved.err.as_str()), (Some(0), ""));
    assert!(moved.out.starts_with("2 accounts are copied to mysql://"), "{}", moved.out);
    let in_mysql = ["--database-file", path(&url)];
    assert_eq!(operate(&home, &[&in_mysql[..], &["user", "list"]].concat()).out, before);
    let again = operate(&home, &there);
    assert_eq!(again.code, Some(1));
    assert!(again.err.contains("holds accounts already (2); name an empty database"), "{}", again.err);

    let mut server = serve(&home, &in_mysql);
    let talk = ["--server", &server.said("listening on "), "--user", "小明", "--fingerprint"];
    let fingerprint = server.said("fingerprint ");
    let talk = home.run("chat-client", &[&talk[..], &[&fingerprint]].concat());
    assert_eq!((talk.code, talk.err.as_str()), (Some(0), ""), "the password is the same");
    let busy = home.join("busy");
    let back = format!("sqlite:{}", home.join("back.sqlite").display());
    let back = [&in_mysql[..], &["move", "--to-database", &back]].concat();
    let elsewhere = home.run("chat-server", &[&["--data-dir", path(&busy)], &back[..]].concat());
    assert_eq!(elsewhere.code, Some(3));
    assert!(elsewhere.err.starts_with("error: a server uses mysql://"), "{}", elsewhere.err);
    server.stop();
    let without_seen =
        |list: &str| -> Vec<String> { list.lines().map(|line| line.rsplit_once('\t').unwrap().0.to_owned()).collect() };
    // The server hears of the end of the claim a moment later.
    until("the claim has ended", || operate(&home, &back).code == Some(0));
    let list = operate(&home, &["--database", back[4], "user", "list"]).out;
    assert_eq!(without_seen(&list), without_seen(&before));
}

#[test]
fn a_backup_of_mysql_names_the_tool_and_no_password() {
    let home = Home::new();
    let mut command = home.command("chat-server");
    command.env("CHAT_DATABASE", "mysql://ann:hush@db:3307/chat").args(["backup", "x"]);
    let Ended { code, out, err } = Home::end(&mut command);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(err.contains("mariadb-dump --single-transaction --hex-blob") && err.contains("--user=ann"), "{err}");
    assert!(!err.contains("hush"), "{err}");
}

#[test]
fn a_client_reads_a_file_too() {
    let home = Home::new();
    let mut server = serve(&home, &[]);
    let file = home.join("client.toml");
    let (address, known) = (server.said("listening on "), home.join("known"));
    let content = format!(
        "server = '{address}'\nuser = '小明'\nregister = true\naccept-new = true\nknown-servers = '{}'\nformat = 'json'\n",
        known.display()
    );
    fs::write(&file, content).unwrap();
    let Ended { code, out, err } = home.run("chat-client", &["--config", path(&file)]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(out.starts_with("{\"event\":\"welcome\",\"user\":\"小明\""), "{out}");
    assert!(known.exists());
    let other = ["--config", path(&file), "--fingerprint", &"0".repeat(64)];
    assert!(
        home.run("chat-client", &other).err.contains("is not the server with the fingerprint"),
        "what is typed counts"
    );
    fs::write(&file, "sever = 'lab'\n").unwrap();
    let wrong = home.run("chat-client", &["--config", path(&file)]);
    assert_eq!(wrong.code, Some(2));
    let sentence = format!("error: {}, line 1: there is no key 'sever'\nhint: did you mean server?\n", file.display());
    assert_eq!(wrong.err, sentence);
}
