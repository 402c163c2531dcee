//! A router between the UDP sockets of clients.
//!
//! Each client has a public address of the router: its peers send to that address and see its datagrams come from there.
//! The router records every datagram. It can hold datagrams back, impair the network, and give a client a new address.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use super::impairment::{self, InFlight};
use super::{ClientSetup, Impairment};

/// A router for a number of clients, each identified by its index.
#[derive(Debug)]
pub(crate) struct Router {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// The public address of each client, which it advertises.
    public: Vec<Arc<UdpSocket>>,
    /// The address that each client is bound to.
    private: Vec<SocketAddr>,
    state: Mutex<State>,
    delayed: Sender<InFlight>,
}

#[derive(Debug, Default)]
struct State {
    recorded: Vec<Datagram>,
    /// The client whose datagrams are held back.
    held: Option<usize>,
    network: Network,
    /// The socket from which each client's datagrams are forwarded.
    outside: Vec<Arc<UdpSocket>>,
    /// The client whose public address drops everything.
    unreachable: Option<usize>,
}

/// What happens to datagrams between the clients.
#[derive(Debug, Default)]
pub(crate) enum Network {
    #[default]
    Perfect,
    Impaired(Box<Impairment>),
    /// Every datagram is lost.
    Partitioned,
}

/// A recorded datagram.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Datagram {
    /// The sender, or `None` if it is not a client.
    pub(crate) from: Option<usize>,
    /// The recipient.
    pub(crate) to: usize,
    pub(crate) bytes: Vec<u8>,
}

/// Larger than any datagram of the protocol, in bytes.
const LARGEST: usize = 2_048;

impl Router {
    pub(crate) fn new(clients: usize) -> Self {
        let bind = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        // All are bound before any is released to its client, so that no two are the same.
        let free: Vec<UdpSocket> = (0..clients).map(|_| bind()).collect();
        let private = free.iter().map(|socket| socket.local_addr().unwrap()).collect();
        let public: Vec<_> = (0..clients).map(|_| Arc::new(bind())).collect();
        drop(free);
        let state = Mutex::new(State { outside: public.clone(), ..State::default() });
        let (delayed, coming) = channel();
        let shared = Arc::new(Shared { public, private, state, delayed });
        let arrive = Arc::clone(&shared);
        impairment::run(coming, move |one| arrive.forward(one.from, one.to, &one.bytes));
        (0..clients).for_each(|to| shared.listen(&shared.public[to], to));
        Self { shared }
    }

    /// Connects a client to its peers through this router.
    pub(crate) fn connect(&self, number: usize, client: ClientSetup) -> ClientSetup {
        let (private, public) = (self.private(number).to_string(), self.public(number).to_string());
        // Without the relay, a test sees what the links do about datagrams that the router drops.
        client.args(&["--advertise", &public]).env("CHAT_UDP", &private).env("CHAT_REACH", "direct")
    }

    pub(crate) fn private(&self, number: usize) -> SocketAddr {
        self.shared.private[number]
    }

    pub(crate) fn public(&self, number: usize) -> SocketAddr {
        self.shared.public[number].local_addr().unwrap()
    }

    /// Sends a datagram to a client that appears to come from another.
    pub(crate) fn forge(&self, from: usize, to: usize, bytes: &[u8]) {
        self.shared.public[from].send_to(bytes, self.private(to)).unwrap();
    }

    /// All datagrams so far.
    pub(crate) fn recorded(&self) -> Vec<Datagram> {
        self.shared.state.lock().unwrap().recorded.clone()
    }

    /// Holds back the datagrams of this client, or of none.
    pub(crate) fn hold(&self, from: Option<usize>) {
        self.shared.state.lock().unwrap().held = from;
    }

    pub(crate) fn set_network(&self, network: Network) {
        self.shared.state.lock().unwrap().network = network;
    }

    /// Forwards a client's datagrams from a new port, like a router that lost its table. Datagrams to the old port still
    /// arrive.
    pub(crate) fn rebind(&self, number: usize) {
        let socket = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
        self.shared.listen(&socket, number);
        self.shared.state.lock().unwrap().outside[number] = socket;
    }

    /// Drops every datagram to the address that a client advertises.
    pub(crate) fn make_unreachable(&self, number: usize) {
        self.shared.state.lock().unwrap().unreachable = Some(number);
    }
}

impl Shared {
    /// Forwards the datagrams that arrive at a socket, in a thread that ends with the process.
    fn listen(self: &Arc<Self>, socket: &Arc<UdpSocket>, to: usize) {
        let (shared, socket) = (Arc::clone(self), Arc::clone(socket));
        thread::spawn(move || {
            let mut buffer = [0; LARGEST];
            loop {
                // A datagram to a client that has ended leaves an error on the socket.
                let Ok((length, source)) = socket.recv_from(&mut buffer) else { continue };
                shared.pass(&socket, source, to, &buffer[..length]);
            }
        });
    }

    fn pass(&self, socket: &Arc<UdpSocket>, source: SocketAddr, to: usize, bytes: &[u8]) {
        let from = self.private.iter().position(|private| *private == source);
        let mut state = self.state.lock().unwrap();
        state.recorded.push(Datagram { from, to, bytes: bytes.to_vec() });
        let held = state.held.is_some() && state.held == from;
        let unreachable = state.unreachable == Some(to) && Arc::ptr_eq(socket, &self.public[to]);
        let Some(from) = from.filter(|_| !held && !unreachable) else { return };
        match &mut state.network {
            Network::Perfect => {
                drop(state);
                self.forward(from, to, bytes);
            }
            Network::Impaired(impairment) => {
                for delay in impairment.delays() {
                    let due = Instant::now() + delay;
                    self.delayed.send(InFlight { due, from, to, bytes: bytes.to_vec() }).unwrap();
                }
            }
            Network::Partitioned => {}
        }
    }

    fn forward(&self, from: usize, to: usize, bytes: &[u8]) {
        let outside = Arc::clone(&self.state.lock().unwrap().outside[from]);
        // A datagram may be lost, as on any network.
        drop(outside.send_to(bytes, self.private[to]));
    }
}
