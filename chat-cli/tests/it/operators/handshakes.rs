//! Strangers with many addresses who hold every TLS handshake.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::running_server::ask;
use crate::harness::{Home, Server, connect_from, until};

/// The behaviour of strangers on their connections.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Script {
    /// They send nothing.
    Silent,
    /// They send nothing, and connect again as soon as the server closes a connection.
    Reconnecting,
    /// The same, and they send one byte of a hello from time to time.
    Dripping,
}

/// The handshakes that may be in progress, and some more.
const CONNECTIONS: u16 = 1_024 + 200;

#[test]
fn a_client_logs_in_at_once_while_strangers_from_many_addresses_hold_every_handshake() {
    let most = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most }).unwrap();
    for (sources, script) in [
        (8, Script::Silent),
        (16, Script::Silent),
        (64, Script::Silent),
        (8, Script::Reconnecting),
        (64, Script::Reconnecting),
        (16, Script::Dripping),
        (64, Script::Dripping),
    ] {
        let home = Home::new();
        let mut server = Server::start_in(&home, &["--handshake-time", "600", "--metrics", "127.0.0.1:0"]);
        let metrics = server.printed("metrics at http://").strip_suffix("/metrics").unwrap().to_owned();
        let strangers = Strangers::start(server.address, sources, script);
        until("all handshakes are in progress", || gauge(&metrics, "chat_handshakes") == 1_024);
        for user in ["alice", "bob", "carol"] {
            // The client would report a connection that ends before it has logged in.
            let client = server.client(user).register().start();
            assert_eq!(client.leave().0, Some(0), "{sources} sources, {script:?}, {user}");
        }
        // The rate of handshakes keeps those that connect again from holding all places.
        if script == Script::Silent {
            assert!(gauge(&metrics, "chat_handshakes") > 1_000, "the strangers are still there");
        }
        assert!(gauge(&metrics, "chat_connections_refused_total") > 0);
        strangers.stop();
        server.stop();
    }
}

/// The strangers' connections, each from one of some sources. Source number n is 127.9.n.1, in a network of its own.
struct Strangers {
    stop: Arc<AtomicBool>,
    thread: thread::JoinHandle<()>,
}

impl Strangers {
    fn start(server: SocketAddr, sources: u16, script: Script) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let connect = move |number: u16| {
            let stream = connect_from([127, 9, (number % sources) as u8, 1], server);
            stream.set_nonblocking(true).unwrap();
            stream
        };
        let thread = thread::spawn(move || {
            let mut streams: BTreeMap<u16, TcpStream> =
                (0..CONNECTIONS).map(|number| (number, connect(number))).collect();
            while !stopped.load(Ordering::Relaxed) {
                for (number, stream) in &mut streams {
                    if script == Script::Dripping {
                        // An error means that the connection is closed, which is looked at below.
                        drop(stream.write(&[22]));
                    }
                    let is_open =
                        stream.peek(&mut [0]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
                    if !is_open && script != Script::Silent {
                        *stream = connect(*number);
                    }
                }
                thread::sleep(Duration::from_millis(5));
            }
        });
        Self { stop, thread }
    }

    fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
    }
}

fn gauge(metrics: &str, name: &str) -> u64 {
    let page = ask(metrics, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    let line = page.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
    line.unwrap_or_else(|| panic!("no {name} in {page}")).parse().unwrap()
}
