//! A user of the world: client machine, peer machine and application, wired as a real driver does it.

use std::net::SocketAddr;
use std::sync::Arc;

use super::medium::{End, LineId, Medium};
use super::{ProgramEvent, ServerId, TimedEvent, UserId, WorldConfig};
use crate::client::{self, Client, Credentials, Event};
use crate::key::KeyPair;
use crate::name::UserName;
use crate::peer::{self, Datagram, Loopback, Peer, Slab, Transmit};
use crate::sim::application::{Application, Inbox};
use crate::sim::{Clock, Ledger, SeededGenerator, SimDatagram};
use crate::time::{Mono, Now};
use crate::wire::control::{Offer, OfferPolicy, WelcomeKind};
use crate::wire::frame::{FrameDecoder, MAX_FRAME};

/// A computer on which a client runs, or ran.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) id: UserId,
    pub(super) user: UserName,
    pub(super) server: ServerId,
    pub(super) clock: Clock,
    /// Where its socket is.
    pub(super) address: SocketAddr,
    pub(super) client: Option<Client>,
    pub(super) peer: Option<Peer>,
    pub(super) line: Option<LineId>,
    /// Which of the two ways to the server a partition holds.
    pub(super) held: [bool; 2],
    pub(super) inbox: Inbox,
    pub(super) told: Vec<TimedEvent>,
    decoder: FrameDecoder,
    slab: Slab,
    seed: u64,
    peers_begun: u64,
    keys: Option<Arc<KeyPair>>,
    peer_out: Vec<peer::Output>,
    client_out: Vec<client::Output>,
}

/// A slab as small as this makes the machine say "more" often.
const SLOTS: usize = 4;

impl Desk {
    pub(super) fn new(id: UserId, user: UserName, server: ServerId, clock: Clock, address: SocketAddr) -> Self {
        Self {
            id,
            user,
            server,
            clock,
            address,
            client: None,
            peer: None,
            line: None,
            held: [false; 2],
            inbox: Inbox::new(Application::Accepts),
            told: Vec::new(),
            decoder: FrameDecoder::new(MAX_FRAME),
            slab: Slab::new(SLOTS),
            seed: 0,
            peers_begun: 0,
            keys: None,
            peer_out: Vec::new(),
            client_out: Vec::new(),
        }
    }

    pub(super) fn now(&self, medium: &Medium) -> Now {
        self.clock.now(medium.now)
    }

    /// When one of its machines, or its application, has something to do.
    pub(super) fn deadline(&self) -> Option<Mono> {
        let client = self.client.as_ref().and_then(Client::deadline);
        let peer = self.peer.as_ref().and_then(Peer::deadline);
        let machines = [client, peer].into_iter().flatten().map(|at| self.clock.world(at));
        machines.chain(self.inbox.deadline()).min()
    }

    /// Its addresses, as a driver finds them.
    pub(super) fn offer(&self) -> Offer {
        Offer { policy: OfferPolicy::Detected, port: self.address.port(), addresses: vec![self.address] }
    }

    /// Starts the program.
    pub(super) fn start(&mut self, login: Credentials, seed: u64, at: &mut At<'_>) {
        self.seed = seed;
        let generator = Box::new(SeededGenerator::new(seed));
        let now = self.now(at.medium);
        let (offer, config) = (self.offer(), at.config.client);
        self.client = Some(Client::new(now, login, offer, config, generator, &mut self.client_out));
        self.perform(at);
    }

    /// Ends the program, as if it had been killed.
    pub(super) fn end(&mut self, at: &mut At<'_>) {
        if let Some(keys) = self.keys.take() {
            at.ledger.record_crash(keys.session());
        }
        self.client = None;
        self.peer = None;
        self.line = None;
        self.inbox.clear();
        self.slab.remove(usize::MAX);
    }

    pub(super) fn tick(&mut self, at: &mut At<'_>) {
        let now = self.now(at.medium);
        if self.client.as_ref().and_then(Client::deadline).is_some_and(|due| due <= now.mono) {
            self.feed_client(client::Input::Tick, at);
        }
        if self.peer.as_ref().and_then(Peer::deadline).is_some_and(|due| due <= now.mono) {
            self.feed_peer(peer::Input::Tick, at);
        }
        self.after_peer(at);
    }

    /// Bytes from the server.
    pub(super) fn read(&mut self, mut bytes: &[u8], at: &mut At<'_>) {
        loop {
            match self.decoder.next(&mut bytes) {
                Ok(Some(payload)) => self.feed_client(client::Input::Frame(&payload), at),
                Ok(None) => return,
                Err(_) => return self.lost(at),
            }
            if self.line.is_none() {
                return;
            }
        }
    }

    /// The connection is there.
    pub(super) fn connected(&mut self, at: &mut At<'_>) {
        self.decoder = FrameDecoder::new(MAX_FRAME);
        self.feed_client(client::Input::Connected, at);
    }

    /// The connection is gone, or did not come about.
    pub(super) fn lost(&mut self, at: &mut At<'_>) {
        if let Some(line) = self.line.take() {
            at.medium.close(line, End::Server);
            self.feed_client(client::Input::Disconnected, at);
        }
    }

    /// Datagrams from the socket, as many as there are.
    pub(super) fn receive(&mut self, flights: &mut [SimDatagram], at: &mut At<'_>) {
        let now = self.now(at.medium);
        let Some(peer) = &mut self.peer else { return };
        let batch = flights.iter_mut().map(|flight| Datagram { from: flight.from, bytes: &mut flight.bytes });
        peer.receive(now, batch, &mut self.peer_out);
        self.after_peer(at);
    }

    pub(super) fn feed_peer(&mut self, input: peer::Input, at: &mut At<'_>) {
        let now = self.now(at.medium);
        let Some(peer) = &mut self.peer else { return };
        peer.handle(now, input, &mut self.peer_out);
        self.after_peer(at);
    }

    pub(super) fn feed_client(&mut self, input: client::Input<'_>, at: &mut At<'_>) {
        let now = self.now(at.medium);
        let Some(client) = &mut self.client else { return };
        client.handle(now, input, &mut self.client_out);
        self.perform(at);
    }

    fn perform(&mut self, at: &mut At<'_>) {
        let mut out = std::mem::take(&mut self.client_out);
        for output in out.drain(..) {
            match output {
                client::Output::Connect => {
                    // Another port each time, as a kernel does it.
                    let port = 32_768 + u16::try_from(at.medium.number() % 20_000).unwrap_or_default();
                    let from = SocketAddr::new(self.address.ip(), port);
                    self.line = Some(at.medium.dial(self.id, from, self.server, self.held));
                }
                client::Output::Send(bytes) => {
                    if let Some(line) = self.line {
                        at.medium.write(line, End::Server, &bytes);
                    }
                }
                client::Output::Close => {
                    if let Some(line) = self.line.take() {
                        at.medium.close(line, End::Server);
                    }
                }
                client::Output::Event(event) => {
                    self.told_by_client(&event, at);
                    self.told.push(TimedEvent { at: at.medium.now, event: ProgramEvent::Client(event) });
                }
            }
        }
        self.client_out = out;
        let offset = self.client.as_ref().map_or(0, Client::clock_offset);
        self.feed_peer(peer::Input::ClockOffset(offset), at);
    }

    fn told_by_client(&mut self, event: &Event, at: &mut At<'_>) {
        match event {
            Event::Welcome { kind: WelcomeKind::LoggedIn, keys, .. } => self.begin(keys, at),
            Event::Welcome { kind: WelcomeKind::Fresh, keys, .. } => {
                self.begin(keys, at);
                // The roster is known already, and what changes in it will be told.
                self.roster(at);
            }
            Event::Welcome { kind: WelcomeKind::Continued, .. } => {}
            Event::Online { .. } => self.roster(at),
            Event::Change { change, .. } => self.feed_peer(peer::Input::Change(change.clone()), at),
            Event::Rejected(_)
            | Event::NoCommonVersion(_)
            | Event::Protocol(_)
            | Event::Failed(_)
            | Event::Ended(_)
            | Event::Left => self.finish(at),
            Event::Busy { .. }
            | Event::Reconnecting { .. }
            | Event::Reconnected
            | Event::PasswordChange(_)
            | Event::MoveRejected(_)
            | Event::ServerStopping => {}
        }
    }

    /// Ends the peer machine of the session before, if there was one, and begins that of the new one.
    fn begin(&mut self, keys: &Arc<KeyPair>, at: &mut At<'_>) {
        self.finish(at);
        self.peers_begun += 1;
        let seed = self.seed.wrapping_mul(31).wrapping_add(self.peers_begun);
        let generator = Box::new(SeededGenerator::new(seed));
        let config = at.config.peer.clone();
        self.peer = Some(Peer::new(Arc::clone(keys), self.user.clone(), Loopback::Ignored, config, generator));
        self.keys = Some(Arc::clone(keys));
    }

    /// Says good-bye to all peers.
    fn finish(&mut self, at: &mut At<'_>) {
        self.feed_peer(peer::Input::Leave, at);
        self.peer = None;
        self.inbox.clear();
    }

    fn roster(&mut self, at: &mut At<'_>) {
        let entries = self.client.as_ref().map(|client| client.roster().iter().cloned().collect());
        self.feed_peer(peer::Input::Roster(entries.unwrap_or_default()), at);
    }

    /// Tells what the peer machine has told, lets the application take what it wants, and sends what is to be sent.
    fn after_peer(&mut self, at: &mut At<'_>) {
        let (now, world) = (self.now(at.medium), at.medium.now);
        let (Some(peer), Some(keys)) = (&mut self.peer, &self.keys) else { return };
        loop {
            for output in self.peer_out.drain(..) {
                at.ledger.record(keys.session(), &self.user, &output);
                self.inbox.note(&output);
                self.told.push(TimedEvent { at: world, event: ProgramEvent::Peer(output) });
            }
            let Some((token, id)) = self.inbox.take(world) else { break };
            at.ledger.record_accept(&self.user, id);
            peer.handle(now, peer::Input::Accept(token), &mut self.peer_out);
        }
        loop {
            let more = peer.transmit(now, &mut self.slab);
            for (to, bytes) in self.slab.iter() {
                at.medium.network.send(world, self.address, to, bytes);
            }
            self.slab.remove(usize::MAX);
            if more == Transmit::Done {
                return;
            }
        }
    }
}

/// What a user's machines need of the world.
pub(super) struct At<'a> {
    pub(super) medium: &'a mut Medium,
    pub(super) ledger: &'a mut Ledger,
    pub(super) config: &'a WorldConfig,
}
