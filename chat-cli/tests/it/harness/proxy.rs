//! A TCP proxy in front of a server. A test changes its fault while connections go through it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// A fault of the network between the clients of a proxy and the server behind it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fault {
    None,
    /// Connections break, and new ones break at once.
    Reset,
    /// Nothing arrives in either direction. What was sent meanwhile arrives afterwards, as TCP would send it again.
    Silence,
    /// The bytes of clients arrive. The answers arrive after the fault.
    SilentServer,
    /// Every byte takes this long, in either direction.
    Delay(Duration),
    /// A few bytes arrive at a time.
    Drip,
}

/// A running proxy. Its threads end with the connections, and the listener with the process.
#[derive(Debug)]
pub(crate) struct Proxy {
    /// The address that clients connect to instead of the server's.
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    fault: Fault,
    server: SocketAddr,
    /// Those that have ended are only weak.
    connections: Vec<Weak<Connection>>,
}

/// Both ends of a connection. The threads that write to them keep it.
#[derive(Debug)]
struct Connection {
    client: TcpStream,
    server: TcpStream,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Direction {
    ToServer,
    ToClient,
}

/// A piece that was read, and when.
type Piece = (Instant, Vec<u8>);

/// The most pieces that wait in one direction of a connection: more than anybody sends into a silence of a minute.
const MAX_WAITING: usize = 4_096;

/// The bytes that arrive together while a connection drips, and the pause behind them: some 15 KB a second, with which a
/// short call takes 20 ms and the text of a script a quarter of a second.
const DROP: usize = 16;
const DROP_PAUSE: Duration = Duration::from_millis(1);

impl Proxy {
    /// A proxy in front of the server at this port of 127.0.0.1.
    pub(crate) fn start(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let state = State { fault: Fault::None, server: at(port), connections: Vec::new() };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming() {
                // Without the server, or with a fault that breaks connections, dropping this one breaks it.
                drop(accepting.accept(client.unwrap()));
            }
        });
        Self { address, shared }
    }

    /// Changes the fault, for the existing connections too.
    pub(crate) fn set(&self, fault: Fault) {
        let mut state = self.shared.state();
        state.fault = fault;
        if fault == Fault::Reset {
            state.reset();
        }
        drop(state);
        self.shared.changed.notify_all();
    }

    /// Breaks the connections. New ones go to the server at this port of 127.0.0.1.
    pub(crate) fn switch_to(&self, port: u16) {
        let mut state = self.shared.state();
        state.server = at(port);
        state.reset();
    }
}

impl State {
    fn reset(&mut self) {
        for connection in self.connections.drain(..).filter_map(|weak| weak.upgrade()) {
            // Either end may have closed the connection.
            for end in [&connection.client, &connection.server] {
                drop(end.shutdown(Shutdown::Both));
            }
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Connects a client to the server.
    fn accept(self: &Arc<Self>, client: TcpStream) -> std::io::Result<()> {
        let mut state = self.state();
        if state.fault == Fault::Reset {
            return Ok(());
        }
        let server = TcpStream::connect(state.server)?;
        for end in [&client, &server] {
            end.set_nodelay(true)?;
        }
        let readers = [client.try_clone()?, server.try_clone()?];
        let connection = Arc::new(Connection { client, server });
        state.connections.retain(|connection| connection.strong_count() > 0);
        state.connections.push(Arc::downgrade(&connection));
        drop(state);
        for (from, direction) in readers.into_iter().zip([Direction::ToServer, Direction::ToClient]) {
            self.forward(direction, from, Arc::clone(&connection));
        }
        Ok(())
    }

    fn forward(self: &Arc<Self>, direction: Direction, from: TcpStream, connection: Arc<Connection>) {
        let (pieces, waiting) = sync_channel(MAX_WAITING);
        thread::spawn(move || read(from, &pieces));
        let shared = Arc::clone(self);
        thread::spawn(move || {
            let to = match direction {
                Direction::ToServer => &connection.server,
                Direction::ToClient => &connection.client,
            };
            shared.write(direction, &waiting, to);
        });
    }

    /// Writes what was read, as the fault lets it through. The end of a connection waits behind it.
    fn write(&self, direction: Direction, waiting: &Receiver<Piece>, mut to: &TcpStream) {
        for (read_at, bytes) in waiting {
            let written = match self.fault_for(direction) {
                Fault::Delay(time) => {
                    thread::sleep((read_at + time).saturating_duration_since(Instant::now()));
                    to.write_all(&bytes)
                }
                Fault::Drip => bytes.chunks(DROP).try_for_each(|drop| {
                    thread::sleep(DROP_PAUSE);
                    to.write_all(drop)
                }),
                _ => to.write_all(&bytes),
            };
            if written.is_err() {
                break;
            }
        }
        self.fault_for(direction);
        // The other end may have closed the connection first.
        drop(to.shutdown(Shutdown::Write));
    }

    /// Waits while nothing arrives in this direction, and returns the fault.
    fn fault_for(&self, direction: Direction) -> Fault {
        let is_silent = |state: &mut State| match state.fault {
            Fault::Silence => true,
            Fault::SilentServer => direction == Direction::ToClient,
            _ => false,
        };
        self.changed.wait_while(self.state(), is_silent).unwrap().fault
    }
}

/// Reads until the connection ends, or nobody writes any more.
fn read(mut from: TcpStream, pieces: &SyncSender<Piece>) {
    let mut buffer = [0; 16 * 1_024];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        if pieces.send((Instant::now(), buffer[..read].to_vec())).is_err() {
            break;
        }
    }
}

fn at(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}
