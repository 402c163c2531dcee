//! Each limit that docs/OPERATIONS.md lists is reported and counted when it is reached.

use std::io::Read;
use std::net::TcpStream;

use chat_core::wire::control::{Purpose, Request};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::running_server::ask;
use crate::harness::{Home, RawConnection, Server, connect_from, path_text, until};

const DOCUMENT: &str = include_str!("../../../../docs/OPERATIONS.md");

/// The sources from which the tests connect.
const HERE: [u8; 4] = [127, 0, 0, 1];
const ELSEWHERE: [u8; 4] = [127, 0, 0, 2];

#[test]
fn each_documented_limit_is_reported_and_counted_when_it_is_reached() {
    let rows = table("| limit | counted as |");
    assert!(rows.len() >= 18, "{rows:?}");
    for row in &rows {
        let [limit, name, ..] = &row[..] else { panic!("{row:?}") };
        reach(limit, name.trim_matches('`'));
    }
}

#[test]
fn each_key_that_sets_a_limit_is_in_the_table_of_limits() {
    let limits = table("| limit | counted as |");
    for row in table("| key | default | meaning |") {
        let [key, default, ..] = &row[..] else { panic!("{row:?}") };
        if default.parse::<u64>().is_ok() {
            assert!(limits.iter().any(|row| row[0].contains(&key[..])), "{key} is not in the table of limits");
        }
    }
}

/// Reaches this limit of the table, and asserts that the server reports and counts it under this name.
fn reach(limit: &str, name: &str) {
    match limit {
        "`max-connections`" => {
            let server = Limited::start(&["--max-connections", "1"]);
            let (_first, _second) = (server.open(HERE), server.open(ELSEWHERE));
            server.assert_reached(name);
        }
        "`max-connections-per-address`" => {
            let server = Limited::start(&["--max-connections-per-address", "1"]);
            let (_first, _second) = (server.open(HERE), server.open(HERE));
            server.assert_reached(name);
        }
        "`max-connections-per-address`, before the handshake" => {
            let server = Limited::start(&["--max-connections-per-address", "1"]);
            let _first = server.tcp(HERE);
            read_to_end(server.tcp(HERE));
            server.assert_reached(name);
        }
        "`max-guests`" => {
            let server = Limited::start(&["--max-guests", "1"]);
            let (_first, _second) = (server.open(HERE), server.open(HERE));
            server.assert_reached(name);
        }
        "`max-sessions`" => {
            let server = Limited::start(&["--max-sessions", "1"]);
            let _first = server.register(HERE, "alice");
            server.register(HERE, "bob");
            server.assert_reached(name);
        }
        "`sessions-per-account`" => {
            let server = Limited::start(&["--sessions-per-account", "1"]);
            leave(server.register(HERE, "alice"));
            server.open(HERE).log_in(Purpose::Login, "alice");
            server.assert_reached(name);
        }
        "twice `max-connections-per-address` attempts to begin a session or to change a password from one source, then one \
         each second" => {
            let server = Limited::start(&["--max-connections-per-address", "1"]);
            leave(server.register(HERE, "alice"));
            until("a session has to wait", || {
                let mut connection = server.open(HERE);
                connection.log_in(Purpose::Login, "alice");
                leave(connection);
                server.has_reached(name)
            });
            server.assert_reached(name);
        }
        "1,024 TLS handshakes in progress" => {
            let most = getrlimit(Resource::Nofile).maximum;
            setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most }).unwrap();
            let server = Limited::start(&["--max-connections-per-address", "2000", "--handshake-time", "60"]);
            let _silent: Vec<TcpStream> = (0..1_025).map(|_| server.tcp(HERE)).collect();
            server.assert_reached(name);
        }
        "twice `max-connections-per-address` TLS handshakes from one source (at least 50), then 20 each second; four times \
         as many from an IPv6 /56, 16 times from a /48" => {
            let server = Limited::start(&["--max-connections-per-address", "1"]);
            until("a handshake is refused", || {
                (0..20).for_each(|_| drop(server.tcp(HERE)));
                server.has_reached(name)
            });
            server.assert_reached(name);
        }
        "`handshake-time`" => {
            let server = Limited::start(&["--handshake-time", "1"]);
            read_to_end(server.tcp(HERE));
            server.assert_reached(name);
        }
        "`login-time`" => {
            let server = Limited::start(&["--login-time", "1"]);
            let mut guest = server.open(HERE);
            while guest.reply().is_some() {}
            server.assert_reached(name);
        }
        "`frames-per-second`, `frame-burst`" => {
            let server = Limited::start(&["--frames-per-second", "1", "--frame-burst", "1"]);
            server.open(HERE).send(&[const { Request::Refresh }; 3]).unwrap();
            server.assert_reached(name);
        }
        "8 requests before the login" => {
            let server = Limited::start(&[]);
            let mut guest = server.open(HERE);
            guest.send(&[const { Request::Refresh }; 9]).unwrap();
            server.assert_reached(name);
        }
        "`max-password-checks`" => {
            let server = Limited::start(&["--max-password-checks", "1"]);
            // From time to time, the server has checked one password before the next one arrives.
            until("a password check is refused", || {
                let mut guests = ["alice", "bob", "carol"].map(|user| (server.open(HERE), user));
                for (guest, user) in &mut guests {
                    guest.send(&[crate::harness::login(Purpose::Login, user)]).unwrap();
                }
                guests.iter_mut().for_each(|(guest, _)| drop(guest.reply()));
                server.has_reached(name)
            });
            server.assert_reached(name);
        }
        "failed logins" => {
            let server = Limited::start(&[]);
            until("a login has to wait", || {
                let mut guest = server.open(HERE);
                guest.log_in(Purpose::Login, "nobody");
                guest.log_in(Purpose::Login, "nobody");
                server.has_reached(name)
            });
            server.assert_reached(name);
        }
        "`max-accounts`" => {
            let server = Limited::start(&["--max-accounts", "1"]);
            server.register(HERE, "alice");
            server.register(HERE, "bob");
            server.assert_reached(name);
        }
        "`registrations-per-hour`" => {
            let server = Limited::start(&["--registrations-per-hour", "1"]);
            server.register(HERE, "alice");
            server.register(ELSEWHERE, "bob");
            server.assert_reached(name);
        }
        "`registrations-per-address`" => {
            let server = Limited::start(&["--registrations-per-address", "1"]);
            server.register(HERE, "alice");
            server.register(HERE, "bob");
            server.assert_reached(name);
        }
        "`registration = \"invited\"`" => {
            let server = Limited::start(&["--registration", "invited"]);
            server.register(HERE, "alice");
            server.assert_reached(name);
        }
        "`registration = \"closed\"`" => {
            let server = Limited::start(&["--registration", "closed"]);
            server.register(HERE, "alice");
            server.assert_reached(name);
        }
        "users of one account who go away and come back: four times together, then once in 10 s" => {
            let server = Limited::start(&[]);
            let mut session = server.register(HERE, "alice");
            let requests: [Request<'_>; 20] =
                std::array::from_fn(|number| Request::SetAway((number % 2 == 0).then_some("lunch")));
            session.send(&requests).unwrap();
            server.assert_reached(name);
        }
        "30 s without reading, or 1 MiB of unread replies" => {
            let server = Limited::start(&["--frames-per-second", "10000", "--frame-burst", "100000"]);
            let mut session = server.register(HERE, "alice");
            // Large numbers, because they make the replies longer.
            let requests: Vec<Request<'_>> =
                (0..1_000).map(|number| Request::Heartbeat { number: u32::MAX - number }).collect();
            while session.send(&requests).is_ok() {}
            server.assert_reached(name);
        }
        other => panic!("docs/OPERATIONS.md lists the limit {other}, and this test does not reach it"),
    }
}

/// A server with a limit that is easy to reach.
struct Limited {
    server: Server,
    metrics: String,
}

impl Limited {
    fn start(args: &[&str]) -> Self {
        let home = Home::new();
        let mut command = home.command("chat-server");
        command.args(["--data-dir", path_text(&home.join("data")), "--listen", "127.0.0.1:0"]);
        command.args(["--metrics", "127.0.0.1:0"]).args(args);
        if args.contains(&"invited") {
            command.env("CHAT_INVITATION_CODE", "spring-2026");
        }
        let mut server = Server::start_command(&home, &mut command);
        let metrics = server.printed("metrics at http://").strip_suffix("/metrics").unwrap().to_owned();
        Self { server, metrics }
    }

    fn tcp(&self, source: [u8; 4]) -> TcpStream {
        connect_from(source, self.server.address)
    }

    /// A connection after its hello.
    fn open(&self, source: [u8; 4]) -> RawConnection {
        RawConnection::greeted(source, self.server.address)
    }

    /// A connection after the reply to its registration.
    fn register(&self, source: [u8; 4], user: &str) -> RawConnection {
        let mut connection = self.open(source);
        connection.log_in(Purpose::Register, user);
        connection
    }

    fn has_reached(&self, name: &str) -> bool {
        let page = ask(&self.metrics, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
        let counter = format!("chat_limits_reached_total{{limit=\"{name}\"}} ");
        let count = page.lines().find_map(|line| line.strip_prefix(&counter));
        count.unwrap_or_else(|| panic!("no counter {name} in {page}")).parse::<u64>().unwrap() > 0
    }

    #[track_caller]
    fn assert_reached(mut self, name: &str) {
        until(&format!("{name} is counted"), || self.has_reached(name));
        let line = format!("the limit {name}");
        until(&format!("{line} is reported"), || {
            self.server.process.errors().lines().any(|error| error.contains(&line) && error.contains(" is reached; "))
        });
        self.server.stop();
    }
}

/// Ends the session, so that its key is free again, and waits until the server has closed the connection.
fn leave(mut connection: RawConnection) {
    connection.send(&[const { Request::Leave }]).unwrap();
    while connection.reply().is_some() {}
}

fn read_to_end(mut stream: TcpStream) {
    // A connection that is reset has ended as well.
    drop(stream.read_to_end(&mut Vec::new()));
}

/// The rows of the table in the document whose heading begins like this.
fn table(heading: &str) -> Vec<Vec<String>> {
    let lines = DOCUMENT.lines().skip_while(|line| !line.starts_with(heading)).skip(2);
    let rows = lines.take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}
