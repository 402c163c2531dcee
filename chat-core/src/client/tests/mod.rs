//! A harness for one client machine: a fake clock, a fake server, and outputs as lines of text to compare.

mod away;
mod delta;
mod ends;
mod garbage;
mod heartbeat;
mod login;
mod property;
mod registration;
mod relay;
mod resume;
mod roster;

use std::net::SocketAddr;
use std::time::Duration;

use super::{Client, ClientConfig, Credentials, Event, Input, Output};
use crate::away::AwayText;
use crate::extras::Extras;
use crate::generator::Generator;
use crate::id::{Epoch, Revision};
use crate::key::PublicKey;
use crate::password::Password;
use crate::presence::OfflineReason;
use crate::roster::{Change, Entry, LinkVersions, RosterVersion, Update};
use crate::time::{Mono, Now, Timestamp};
use crate::wire::control::{
    DELTA, Offer, OfferPolicy, Purpose, Reply, Request, Timings, Welcome, WelcomeKind, version_extra,
};
use crate::wire::frame::{FrameDecoder, MAX_FRAME};
use crate::wire::hello::Hello;

/// A deterministic generator (splitmix64).
pub(super) struct TestGenerator(u64);

impl TestGenerator {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }
}

impl Generator for TestGenerator {
    fn fill(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(z ^ (z >> 31)).to_be_bytes()[..chunk.len()]);
        }
    }
}

/// A roster entry with a key and an address derived from `key`.
pub(super) fn entry(user: &str, key: u8) -> Entry {
    Entry {
        user: user.parse().unwrap(),
        key: PublicKey::new([key; 32]),
        addresses: vec![SocketAddr::from(([192, 168, 1, key], 40_001))],
        since: Timestamp::from_millis(u64::from(key)),
        versions: LinkVersions { low: 1, high: 1 },
        extras: Extras::default(),
    }
}

fn offline(user: &str, reason: OfflineReason) -> Change {
    Change::Offline { user: user.parse().unwrap(), reason }
}

fn moved(user: &str, address: &str) -> Change {
    Change::Moved { user: user.parse().unwrap(), addresses: vec![address.parse().unwrap()] }
}

fn password(typed: &str) -> Password {
    Password::parse(typed).unwrap()
}

fn offer() -> Offer {
    Offer { policy: OfferPolicy::Detected, port: 40_001, addresses: vec!["192.168.1.7:40001".parse().unwrap()] }
}

fn complete(epoch: u64, revision: u64) -> Reply {
    Reply::SnapshotComplete { epoch: Epoch::new(epoch), revision: Revision::new(revision) }
}

fn update(epoch: u64, from: u64, changes: Vec<Change>) -> Reply {
    let to = Revision::new(from + changes.len() as u64);
    let changes = changes.into_iter().map(|change| (Timestamp::from_millis(7), change)).collect();
    Reply::Update(Update { epoch: Epoch::new(epoch), from: Revision::new(from), to, changes })
}

fn bytes(reply: &Reply) -> Vec<u8> {
    let mut out = Vec::new();
    crate::wire::encode(reply, &mut out);
    out
}

/// One client machine, its clocks, and what a server would know about the client.
struct Harness {
    client: Client,
    millis: u64,
    out: Vec<Output>,
    /// The key in the client's last login or resume request.
    offered: PublicKey,
    /// The key of the client's session.
    session: PublicKey,
    /// The roster version in the client's last resume request.
    known_version: Option<RosterVersion>,
}

/// The parts of a welcome that differ between tests.
#[derive(Clone, Copy)]
struct WelcomeOptions {
    kind: WelcomeKind,
    settling_ms: u32,
}

impl Harness {
    /// Alice's client before it is connected.
    fn new(seed: u64) -> Self {
        Self::with_purpose(seed, Purpose::Login)
    }

    fn with_purpose(seed: u64, purpose: Purpose) -> Self {
        Self::with(seed, purpose, ClientConfig::default())
    }

    fn with_config(seed: u64, config: ClientConfig) -> Self {
        Self::with(seed, Purpose::Login, config)
    }

    fn with(seed: u64, purpose: Purpose, config: ClientConfig) -> Self {
        let mut out = Vec::new();
        let now = Now { mono: Mono::ZERO, wall: Timestamp::from_millis(1_000_000) };
        let credentials = Credentials {
            user: "alice".parse().unwrap(),
            password: password("correct horse"),
            purpose,
            invitation: None,
        };
        let generator = Box::new(TestGenerator::new(seed));
        let client = Client::new(now, credentials, offer(), config, generator, &mut out);
        let none = PublicKey::new([0; 32]);
        let mut harness = Self { client, millis: 0, out, offered: none, session: none, known_version: None };
        assert_eq!(harness.lines(), ["connect"]);
        harness
    }

    /// Alice's client after it sent its hello.
    fn handshaking() -> Self {
        let mut harness = Self::new(1);
        assert_eq!(harness.input(Input::Connected), ["hello"]);
        harness
    }

    /// Alice's client after it sent her password.
    fn logging_in() -> Self {
        let mut harness = Self::handshaking();
        assert_eq!(harness.hello(), ["login alice correct horse"]);
        harness
    }

    /// Alice's client after the welcome, before the snapshot is complete.
    fn loading() -> Self {
        let mut harness = Self::logging_in();
        assert_eq!(harness.welcome(WelcomeKind::LoggedIn, 0), ["welcome LoggedIn own key", "heartbeat 1"]);
        harness
    }

    /// Alice's client, online with `others` at revision 10 of epoch 1.
    fn online(others: &[Entry]) -> Self {
        let mut harness = Self::loading();
        assert_eq!(harness.snapshot(others, complete(1, 10)), ["online"]);
        harness
    }

    /// Alice's client after its connection broke, waiting to reconnect.
    fn waiting(others: &[Entry]) -> Self {
        let mut harness = Self::online(others);
        assert_eq!(harness.input(Input::Disconnected), ["reconnecting"]);
        harness
    }

    /// Alice's client after it reconnected and sent its ticket.
    fn resuming(others: &[Entry]) -> Self {
        let mut harness = Self::waiting(others);
        harness.reconnect();
        harness
    }

    /// A client in each state, with the name of the state.
    fn in_every_state() -> Vec<(&'static str, Self)> {
        let bob = [entry("bob", 2)];
        let mut reconnecting = Self::waiting(&bob);
        assert_eq!(reconnecting.tick(), ["connect"]);
        let mut over = Self::online(&bob);
        assert_eq!(over.input(Input::Leave), ["leave", "left", "close"]);
        vec![
            ("connecting", Self::new(1)),
            ("handshaking", Self::handshaking()),
            ("logging in", Self::logging_in()),
            ("loading", Self::loading()),
            ("online", Self::online(&bob)),
            ("waiting", Self::waiting(&bob)),
            ("reconnecting", reconnecting),
            ("resuming", Self::resuming(&bob)),
            ("ended", over),
        ]
    }

    fn now(&self) -> Now {
        Now {
            mono: Mono::at(Duration::from_millis(self.millis)),
            wall: Timestamp::from_millis(1_000_000 + self.millis),
        }
    }

    fn advance(&mut self, millis: u64) {
        self.millis += millis;
    }

    /// Milliseconds until the deadline.
    fn millis_to_deadline(&self) -> u64 {
        let due = self.now().mono.until(self.client.deadline().expect("a deadline"));
        u64::try_from(due.as_nanos().div_ceil(1_000_000)).unwrap()
    }

    /// Advances to the deadline and sends a tick.
    fn tick(&mut self) -> Vec<String> {
        self.advance(self.millis_to_deadline());
        self.input(Input::Tick)
    }

    fn input(&mut self, input: Input<'_>) -> Vec<String> {
        self.client.handle(self.now(), input, &mut self.out);
        self.lines()
    }

    fn hello(&mut self) -> Vec<String> {
        self.input(Input::Frame(&Hello::OURS.encode()))
    }

    fn reply(&mut self, reply: &Reply) -> Vec<String> {
        self.input(Input::Frame(&bytes(reply)))
    }

    fn snapshot(&mut self, entries: &[Entry], complete: Reply) -> Vec<String> {
        for page in entries.chunks(2) {
            assert_eq!(self.reply(&Reply::SnapshotPage(page.to_vec())), [""; 0]);
        }
        self.reply(&complete)
    }

    fn welcome(&mut self, kind: WelcomeKind, settling_ms: u32) -> Vec<String> {
        let welcome = self.welcome_for(WelcomeOptions { kind, settling_ms });
        self.session = welcome.entry.key;
        self.reply(&Reply::Welcome(welcome))
    }

    /// Continues the session, with a delta up to this version to follow.
    fn welcome_with_delta(&mut self, epoch: u64, to: u64) -> Vec<String> {
        let welcome = self.continued(Some((epoch, to)));
        self.reply(&welcome)
    }

    /// The welcome of a continued session, announcing a delta up to this version or else a snapshot.
    fn continued(&self, missed: Option<(u64, u64)>) -> Reply {
        let missed = missed.map(|(epoch, to)| RosterVersion { epoch: Epoch::new(epoch), revision: Revision::new(to) });
        let extras = missed.map(|missed| version_extra(DELTA, missed)).into_iter().collect();
        let welcome = self.welcome_for(WelcomeOptions { kind: WelcomeKind::Continued, settling_ms: 0 });
        Reply::Welcome(Welcome { extras, ..welcome })
    }

    fn welcome_for(&self, options: WelcomeOptions) -> Welcome {
        let key = if options.kind == WelcomeKind::Continued { self.session } else { self.offered };
        Welcome {
            kind: options.kind,
            entry: Entry { key, ..entry("Alice", 7) },
            at: self.now().wall,
            observed: "192.168.1.7:5".parse().unwrap(),
            timings: Timings { heartbeat_ms: 10_000, silence_ms: 25_000, grace_ms: 15_000 },
            ticket: vec![1, 2, 3],
            settling_ms: options.settling_ms,
            extras: Extras::default(),
        }
    }

    /// Advances from waiting to the resume request.
    fn reconnect(&mut self) {
        self.reconnect_with("resume [1, 2, 3]");
    }

    /// Advances from waiting to this resume request.
    fn reconnect_with(&mut self, request: &str) {
        assert_eq!(self.tick(), ["connect"]);
        assert_eq!(self.input(Input::Connected), ["hello"]);
        assert_eq!(self.hello(), [request]);
    }

    fn names(&self) -> Vec<&str> {
        self.client.roster().iter().map(|entry| entry.user.as_str()).collect()
    }

    /// Takes all outputs so far, one line each.
    fn lines(&mut self) -> Vec<String> {
        std::mem::take(&mut self.out).into_iter().map(|output| self.line(output)).collect()
    }

    fn line(&mut self, output: Output) -> String {
        match output {
            Output::Connect => "connect".into(),
            Output::Close => "close".into(),
            Output::Send(frame) => self.frame(&frame),
            Output::Event(event) => self.event(event),
        }
    }

    fn frame(&mut self, mut frame: &[u8]) -> String {
        let payload = FrameDecoder::new(MAX_FRAME).next(&mut frame).unwrap().expect("a complete frame");
        assert!(frame.is_empty(), "more than one frame");
        if Hello::decode(&payload) == Ok(Hello::OURS) {
            return "hello".into();
        }
        match Request::decode(&payload).unwrap() {
            Request::Login(login) => {
                self.offered = login.key;
                let what = if login.purpose == Purpose::Register { "register" } else { "login" };
                format!("{what} {} {}", login.user, login.password)
            }
            Request::Resume(resume) => {
                self.offered = resume.next_key;
                self.known_version = resume.known_version();
                let away = resume.away().map(|text| format!(" away: {}", text.as_str())).unwrap_or_default();
                format!("resume {:?}{away}", resume.ticket)
            }
            Request::Leave => "leave".into(),
            Request::Heartbeat { number } => format!("heartbeat {number}"),
            Request::Move(offer) => format!("move {}", offer.port),
            Request::Refresh => "refresh".into(),
            Request::ChangePassword(change) => format!("change password {} {}", change.old, change.new),
            Request::SetAway(away) => format!("set away {away:?}"),
            Request::Relay(parcels) => format!("relay {}", parcels.iter().count()),
        }
    }

    fn event(&self, event: Event) -> String {
        match event {
            Event::Welcome { kind, keys, entry, .. } => {
                assert_eq!(keys.public(), entry.key);
                format!("welcome {kind:?} {} key", if keys.public() == self.session { "own" } else { "another" })
            }
            Event::Online { .. } => "online".into(),
            Event::Change { change, .. } => match change {
                Change::Online(entry) => format!("online {} {}", entry.user, entry.key.as_bytes()[0]),
                Change::Offline { user, reason } => format!("offline {user} {reason}"),
                Change::Replaced(entry) => format!("replaced {} {}", entry.user, entry.key.as_bytes()[0]),
                Change::Moved { user, addresses } => format!("moved {user} {}", addresses[0]),
            },
            Event::Away { user, away: Some(text), .. } => format!("{user} is away: {}", text.as_str()),
            Event::Away { user, away: None, .. } => format!("{user} is back"),
            Event::Reconnecting { .. } => "reconnecting".into(),
            Event::Busy { .. } => "busy".into(),
            Event::TryingElsewhere => "trying elsewhere".into(),
            Event::RegistrationUnanswered { .. } => "unanswered".into(),
            Event::Reconnected => "reconnected".into(),
            Event::ServerStopping => "server stopping".into(),
            Event::Left => "left".into(),
            Event::Protocol(_) => "protocol".into(),
            other => format!("{other:?}"),
        }
    }
}
