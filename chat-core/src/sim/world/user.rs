//! The driver of a simulated user: client machine, peer machine and application, wired as by a real driver.

use std::net::SocketAddr;
use std::sync::Arc;

use super::medium::{End, Medium};
use super::{ProgramEvent, ServerId, TimedEvent, UserId, WorldConfig};
use crate::client::{self, Client, Credentials, Event};
use crate::id::{ConnId, SessionId};
use crate::key::KeyPair;
use crate::name::UserName;
use crate::peer::{self, Datagram, LimitCounts, Loopback, Peer, Slab, Transmit};
use crate::sim::application::{Application, Inbox};
use crate::sim::{Clock, Ledger, SeededGenerator, SimDatagram};
use crate::time::{Mono, Now};
use crate::wire::control::{Ended, Offer, OfferPolicy, WelcomeKind};
use crate::wire::frame::{FrameDecoder, MAX_FRAME};
use crate::wire::relay::{Datagrams, Parcel, ParcelFrame};

/// A computer with a client, running or not.
#[derive(Debug)]
pub(super) struct UserNode {
    pub(super) id: UserId,
    pub(super) user: UserName,
    pub(super) server: ServerId,
    /// The servers that its program dials in random order. Empty if it knows only one.
    pub(super) servers: Vec<ServerId>,
    /// Those that the current attempt has not dialled.
    untried: Vec<ServerId>,
    pub(super) clock: Clock,
    /// The address of its UDP socket.
    pub(super) address: SocketAddr,
    pub(super) client: Option<Client>,
    pub(super) peer: Option<Peer>,
    pub(super) conn: Option<ConnId>,
    /// Which directions to the server a partition blocks, by receiving end.
    pub(super) partitioned: [bool; 2],
    pub(super) inbox: Inbox,
    pub(super) events: Vec<TimedEvent>,
    decoder: FrameDecoder,
    slab: Slab,
    relay_slab: Slab<SessionId>,
    seed: u64,
    peers_started: u64,
    /// The limit counts of peer machines that have ended.
    limits: LimitCounts,
    keys: Option<Arc<KeyPair>>,
    peer_out: Vec<peer::Output>,
    client_out: Vec<client::Output>,
}

/// The size of the slab. Small, so that the peer machine often has more to send than fits.
const SLAB_SLOTS: usize = 4;

impl UserNode {
    pub(super) fn new(id: UserId, user: UserName, server: ServerId, clock: Clock, address: SocketAddr) -> Self {
        Self {
            id,
            user,
            server,
            servers: Vec::new(),
            untried: Vec::new(),
            clock,
            address,
            client: None,
            peer: None,
            conn: None,
            partitioned: [false; 2],
            inbox: Inbox::new(Application::Accepts),
            events: Vec::new(),
            decoder: FrameDecoder::new(MAX_FRAME),
            slab: Slab::new(SLAB_SLOTS),
            relay_slab: Slab::new(SLAB_SLOTS),
            seed: 0,
            peers_started: 0,
            limits: LimitCounts::default(),
            keys: None,
            peer_out: Vec::new(),
            client_out: Vec::new(),
        }
    }

    pub(super) fn now(&self, medium: &Medium) -> Now {
        self.clock.now(medium.now)
    }

    /// When one of the machines or the application has something to do.
    pub(super) fn deadline(&self) -> Option<Mono> {
        let client = self.client.as_ref().and_then(Client::deadline);
        let peer = self.peer.as_ref().and_then(Peer::deadline);
        let machines = [client, peer].into_iter().flatten().map(|at| self.clock.world(at));
        machines.chain(self.inbox.deadline()).min()
    }

    /// How often each limit of its peer machines took effect, over all programs.
    pub(super) fn limit_counts(&self) -> LimitCounts {
        let mut counts = self.limits;
        counts += self.peer.as_ref().map(Peer::limit_counts).unwrap_or_default();
        counts
    }

    /// The offer of its address, as a driver would detect it.
    pub(super) fn offer(&self) -> Offer {
        Offer { policy: OfferPolicy::Detected, port: self.address.port(), addresses: vec![self.address] }
    }

    /// Starts the process.
    pub(super) fn start(&mut self, credentials: Credentials, seed: u64, cx: &mut UserContext<'_>) {
        self.seed = seed;
        let generator = Box::new(SeededGenerator::new(seed));
        let now = self.now(cx.medium);
        let (offer, config) = (self.offer(), cx.config.of_client());
        self.client = Some(Client::new(now, credentials, offer, config, generator, &mut self.client_out));
        self.perform(cx);
    }

    /// Ends the process as if it had been killed.
    pub(super) fn end(&mut self, cx: &mut UserContext<'_>) {
        if let Some(keys) = self.keys.take() {
            cx.ledger.record_crash(keys.session());
        }
        self.client = None;
        self.peer = None;
        self.conn = None;
        self.inbox.clear();
        self.slab.remove(usize::MAX);
    }

    pub(super) fn tick(&mut self, cx: &mut UserContext<'_>) {
        let now = self.now(cx.medium);
        if self.client.as_ref().and_then(Client::deadline).is_some_and(|due| due <= now.mono) {
            self.feed_client(client::Input::Tick, cx);
        }
        if self.peer.as_ref().and_then(Peer::deadline).is_some_and(|due| due <= now.mono) {
            self.feed_peer(peer::Input::Tick, cx);
        }
        self.perform_peer(cx);
    }

    /// Processes bytes from the server.
    pub(super) fn read(&mut self, mut bytes: &[u8], cx: &mut UserContext<'_>) {
        loop {
            match self.decoder.next(&mut bytes) {
                Ok(Some(mut payload)) if Datagrams::are_in(&payload) => self.read_relayed(&mut payload, cx),
                Ok(Some(payload)) => self.feed_client(client::Input::Frame(&payload), cx),
                Ok(None) => return,
                Err(_) => return self.lost(cx),
            }
            if self.conn.is_none() {
                return;
            }
        }
    }

    /// Processes datagrams that the server relayed.
    fn read_relayed(&mut self, payload: &mut [u8], cx: &mut UserContext<'_>) {
        let now = self.now(cx.medium);
        let Some(peer) = &mut self.peer else { return };
        let datagrams = Datagrams::split_mut(payload).expect("servers send frames that clients can read");
        peer.receive(now, datagrams.map(Datagram::relayed), &mut self.peer_out);
        self.perform_peer(cx);
    }

    /// Leaves. As in a real driver, the peers learn of it before the server does.
    pub(super) fn leave(&mut self, cx: &mut UserContext<'_>) {
        self.end_peer(peer::Input::Leave, cx);
        self.feed_client(client::Input::Leave, cx);
    }

    /// The connection is open.
    pub(super) fn connected(&mut self, cx: &mut UserContext<'_>) {
        self.decoder = FrameDecoder::new(MAX_FRAME);
        self.feed_client(client::Input::Connected, cx);
    }

    /// The connection broke or could not be opened.
    pub(super) fn lost(&mut self, cx: &mut UserContext<'_>) {
        if let Some(conn) = self.conn.take() {
            cx.medium.close(conn, End::Server);
            self.feed_peer(peer::Input::Relay(None), cx);
            self.feed_client(client::Input::Disconnected, cx);
        }
    }

    /// Processes the datagrams that have arrived.
    pub(super) fn receive(&mut self, datagrams: &mut [SimDatagram], cx: &mut UserContext<'_>) {
        let now = self.now(cx.medium);
        let Some(peer) = &mut self.peer else { return };
        let batch = datagrams.iter_mut().map(|datagram| Datagram::new(datagram.from, &mut datagram.bytes));
        peer.receive(now, batch, &mut self.peer_out);
        self.perform_peer(cx);
    }

    pub(super) fn feed_peer(&mut self, input: peer::Input, cx: &mut UserContext<'_>) {
        let now = self.now(cx.medium);
        let Some(peer) = &mut self.peer else { return };
        peer.handle(now, input, &mut self.peer_out);
        self.perform_peer(cx);
    }

    pub(super) fn feed_client(&mut self, input: client::Input<'_>, cx: &mut UserContext<'_>) {
        let now = self.now(cx.medium);
        let Some(client) = &mut self.client else { return };
        client.handle(now, input, &mut self.client_out);
        self.perform(cx);
    }

    fn perform(&mut self, cx: &mut UserContext<'_>) {
        let mut out = std::mem::take(&mut self.client_out);
        for output in out.drain(..) {
            match output {
                client::Output::Connect => {
                    self.feed_peer(peer::Input::Relay(None), cx);
                    self.untried.clone_from(&self.servers);
                    self.choose_server(cx.medium);
                    self.dial(cx.medium);
                }
                client::Output::Send(bytes) => {
                    if let Some(conn) = self.conn {
                        cx.medium.write(conn, End::Server, &bytes);
                    }
                }
                client::Output::Close => {
                    if let Some(conn) = self.conn.take() {
                        cx.medium.close(conn, End::Server);
                    }
                }
                client::Output::Event(event) => {
                    self.handle_client_event(&event, cx);
                    self.events.push(TimedEvent { at: cx.medium.now, event: ProgramEvent::Client(event) });
                }
            }
        }
        self.client_out = out;
        let offset = self.client.as_ref().map_or(0, Client::clock_offset);
        self.feed_peer(peer::Input::ClockOffset(offset), cx);
    }

    /// Chooses the next of several servers. Returns whether there is one that the current attempt has not dialled.
    fn choose_server(&mut self, medium: &mut Medium) -> bool {
        let index = match self.untried.len() {
            0 => return false,
            1 => 0,
            count => (medium.random() * count as f64) as usize,
        };
        self.server = self.untried.swap_remove(index);
        true
    }

    fn dial(&mut self, medium: &mut Medium) {
        // Another port for each connection, as a kernel assigns them.
        let port = 32_768 + u16::try_from(medium.number() % 20_000).unwrap_or_default();
        let from = SocketAddr::new(self.address.ip(), port);
        self.conn = Some(medium.dial(self.id, from, self.server, self.partitioned));
    }

    /// Dials the next server, if the program knows several.
    pub(super) fn dial_another(&mut self, cx: &mut UserContext<'_>) {
        self.dial_next(cx);
    }

    /// The server refuses the connection, or cannot be reached. Dials the next one, if the program knows several.
    /// Returns whether there is one.
    pub(super) fn dial_next(&mut self, cx: &mut UserContext<'_>) -> bool {
        let has_next = self.choose_server(cx.medium);
        if has_next {
            self.dial(cx.medium);
        }
        has_next
    }

    fn handle_client_event(&mut self, event: &Event, cx: &mut UserContext<'_>) {
        match event {
            Event::Welcome { kind, keys, relay, .. } => {
                if *kind != WelcomeKind::Continued {
                    self.start_peer(keys, cx);
                }
                self.feed_peer(peer::Input::Relay(*relay), cx);
                if *kind == WelcomeKind::Fresh {
                    // The roster is known already. Its changes will be reported.
                    self.pass_roster(cx);
                }
            }
            Event::Online { .. } => self.pass_roster(cx),
            Event::Change { change, .. } => self.feed_peer(peer::Input::Change(change.clone()), cx),
            Event::Rejected(_)
            | Event::NoCommonVersion(_)
            | Event::Protocol(_)
            | Event::Failed(_)
            | Event::Ended(Ended::Kicked | Ended::TooSlow | Ended::Stopping)
            | Event::Left => self.end_peer(peer::Input::Leave, cx),
            Event::Ended(Ended::Replaced) => self.end_peer(peer::Input::Replaced, cx),
            Event::Away { .. }
            | Event::Busy { .. }
            | Event::TryingElsewhere
            | Event::RegistrationUnanswered { .. }
            | Event::Reconnecting { .. }
            | Event::Reconnected
            | Event::PasswordChange(_)
            | Event::MoveRejected(_)
            | Event::ServerStopping => {}
        }
    }

    /// Starts the peer machine of a new session, after ending the one of the previous session.
    fn start_peer(&mut self, keys: &Arc<KeyPair>, cx: &mut UserContext<'_>) {
        self.end_peer(peer::Input::Leave, cx);
        self.peers_started += 1;
        let seed = self.seed.wrapping_mul(31).wrapping_add(self.peers_started);
        let generator = Box::new(SeededGenerator::new(seed));
        let config = cx.config.peer.clone();
        self.peer = Some(Peer::new(Arc::clone(keys), self.user.clone(), Loopback::Ignored, config, generator));
        self.keys = Some(Arc::clone(keys));
    }

    /// Ends the peer machine with this last input.
    fn end_peer(&mut self, last: peer::Input, cx: &mut UserContext<'_>) {
        self.feed_peer(last, cx);
        self.limits = self.limit_counts();
        self.peer = None;
        self.inbox.clear();
    }

    fn pass_roster(&mut self, cx: &mut UserContext<'_>) {
        let entries = self.client.as_ref().map(|client| client.roster().iter().cloned().collect());
        self.feed_peer(peer::Input::Roster(entries.unwrap_or_default()), cx);
    }

    /// Records the peer machine's outputs, lets the application accept messages, and transmits datagrams.
    fn perform_peer(&mut self, cx: &mut UserContext<'_>) {
        let (now, world) = (self.now(cx.medium), cx.medium.now);
        let (Some(peer), Some(keys)) = (&mut self.peer, &self.keys) else { return };
        loop {
            for output in self.peer_out.drain(..) {
                cx.ledger.record(keys.session(), &self.user, &output);
                self.inbox.add(&output);
                self.events.push(TimedEvent { at: world, event: ProgramEvent::Peer(output) });
            }
            let Some((token, id)) = self.inbox.accept(world) else { break };
            cx.ledger.record_accept(&self.user, id);
            peer.handle(now, peer::Input::Accept(token), &mut self.peer_out);
        }
        loop {
            let more = peer.transmit(now, &mut self.slab);
            for (to, bytes) in self.slab.iter() {
                cx.medium.network.send(world, self.address, to, bytes);
            }
            self.slab.remove(usize::MAX);
            if more == Transmit::Done {
                break;
            }
        }
        let Some(conn) = self.conn else { return };
        let mut frame = ParcelFrame::new();
        loop {
            let more = peer.transmit_relayed(now, &mut self.relay_slab);
            for (to, datagram) in self.relay_slab.iter() {
                assert!(frame.push(Parcel { to, datagram }), "a full slab fits one frame");
            }
            self.relay_slab.remove(usize::MAX);
            if let Some(bytes) = frame.take() {
                cx.medium.write(conn, End::Server, &bytes);
            }
            if more == Transmit::Done {
                return;
            }
        }
    }
}

/// The parts of the world that a user's driver needs.
pub(super) struct UserContext<'a> {
    pub(super) medium: &'a mut Medium,
    pub(super) ledger: &'a mut Ledger,
    pub(super) config: &'a WorldConfig,
}
