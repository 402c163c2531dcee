//! Stands between the UDP sockets of clients, as a router does: each client is reached at a public address of ours, and
//! what it sends comes from there. Keeps every datagram, can hold some back, be as bad as a network gets, and give a
//! client another address.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use crate::client::Starting;
use crate::impairment::{self, Impairment, UnderWay};

/// A router for some clients, each known by its number.
#[derive(Debug)]
pub(crate) struct Router {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// Where each client is reached: it advertises that.
    public: Vec<Arc<UdpSocket>>,
    /// Where each client really is.
    private: Vec<SocketAddr>,
    state: Mutex<State>,
    delayed: Sender<UnderWay>,
}

#[derive(Debug, Default)]
struct State {
    heard: Vec<Datagram>,
    /// From whom nothing is passed on.
    held: Option<usize>,
    network: Network,
    /// Where what each client sends comes from now.
    outside: Vec<Arc<UdpSocket>>,
    /// At whose advertised address nothing arrives any more.
    unreachable: Option<usize>,
}

/// What happens to datagrams between the clients.
#[derive(Debug, Default)]
pub(crate) enum Network {
    #[default]
    Perfect,
    Impaired(Box<Impairment>),
    /// Nothing arrives.
    Parted,
}

/// What was sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Datagram {
    /// Which client it came from; `None` is a stranger.
    pub(crate) from: Option<usize>,
    /// Which client it is for.
    pub(crate) to: usize,
    pub(crate) bytes: Vec<u8>,
}

/// More than any datagram of ours has.
const LARGEST: usize = 2_048;

impl Router {
    pub(crate) fn new(clients: usize) -> Self {
        let bind = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        // Limit together so that all differ, and freed for the clients.
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

    /// Lets a client, which is to be started, go by this router.
    pub(crate) fn connect(&self, number: usize, client: Starting) -> Starting {
        let (private, public) = (self.private(number).to_string(), self.public(number).to_string());
        client.args(&["--advertise", &public]).env("CHAT_UDP", &private)
    }

    pub(crate) fn private(&self, number: usize) -> SocketAddr {
        self.shared.private[number]
    }

    pub(crate) fn public(&self, number: usize) -> SocketAddr {
        self.shared.public[number].local_addr().unwrap()
    }

    /// Sends something to a client that seems to come from another.
    pub(crate) fn forge(&self, from: usize, to: usize, bytes: &[u8]) {
        self.shared.public[from].send_to(bytes, self.private(to)).unwrap();
    }

    /// All that was sent so far.
    pub(crate) fn heard(&self) -> Vec<Datagram> {
        self.shared.state.lock().unwrap().heard.clone()
    }

    /// Passes nothing on any more that a client sends, or everything again.
    pub(crate) fn hold(&self, from: Option<usize>) {
        self.shared.state.lock().unwrap().held = from;
    }

    /// Makes the network between the clients better or worse.
    pub(crate) fn set_network(&self, network: Network) {
        self.shared.state.lock().unwrap().network = network;
    }

    /// Lets a client's datagrams come from another port from now on, as routers do that forgot their table. What goes to
    /// the old one still arrives.
    pub(crate) fn rebind(&self, number: usize) {
        let socket = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
        self.shared.listen(&socket, number);
        self.shared.state.lock().unwrap().outside[number] = socket;
    }

    /// Lets nothing arrive any more at the address that a client advertises.
    pub(crate) fn make_unreachable(&self, number: usize) {
        self.shared.state.lock().unwrap().unreachable = Some(number);
    }
}

impl Shared {
    /// Passes on what comes to a socket, in a thread that ends with the process.
    fn listen(self: &Arc<Self>, socket: &Arc<UdpSocket>, to: usize) {
        let (shared, socket) = (Arc::clone(self), Arc::clone(socket));
        thread::spawn(move || {
            let mut buffer = [0; LARGEST];
            loop {
                // A client that has gone leaves an error on the socket it was sent from, and no datagram.
                let Ok((length, source)) = socket.recv_from(&mut buffer) else { continue };
                shared.pass(&socket, source, to, &buffer[..length]);
            }
        });
    }

    fn pass(&self, socket: &Arc<UdpSocket>, source: SocketAddr, to: usize, bytes: &[u8]) {
        let from = self.private.iter().position(|private| *private == source);
        let mut state = self.state.lock().unwrap();
        state.heard.push(Datagram { from, to, bytes: bytes.to_vec() });
        let held = state.held.is_some() && state.held == from;
        let unreachable = state.unreachable == Some(to) && Arc::ptr_eq(socket, &self.public[to]);
        let Some(from) = from.filter(|_| !held && !unreachable) else { return };
        match &mut state.network {
            Network::Perfect => {
                drop(state);
                self.forward(from, to, bytes);
            }
            Network::Impaired(impairment) => {
                for delay in impairment.fate() {
                    let due = Instant::now() + delay;
                    self.delayed.send(UnderWay { due, from, to, bytes: bytes.to_vec() }).unwrap();
                }
            }
            Network::Parted => {}
        }
    }

    fn forward(&self, from: usize, to: usize, bytes: &[u8]) {
        let outside = Arc::clone(&self.state.lock().unwrap().outside[from]);
        // As on any network, it may be lost.
        drop(outside.send_to(bytes, self.private[to]));
    }
}
