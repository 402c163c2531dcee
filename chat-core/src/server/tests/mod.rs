//! Tests that drive the machine by hand: the test moves the clock, answers the jobs, and compares outputs as lines of
//! text.

mod addresses;
mod away;
mod clocks;
mod conversation;
mod counts;
mod delta;
mod hints;
mod hostile;
mod limits;
mod login;
mod moves;
mod office;
mod operators;
mod password;
mod presence;
mod publication;
mod recorded;
mod relay;
mod restart;
mod resume;
mod stop;
mod throttle;
mod void_tickets;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::connections::{Connections, State};
use super::logins::LookUps;
use super::publication::Publication;
use super::*;
use crate::accounts::{Account, AccountError, Status};
use crate::extras::{Extra, Extras};
use crate::id::{AccountId, ConnId, JobId};
use crate::invitation::InvitationCode;
use crate::key::PublicKey;
use crate::name::UserName;
use crate::roster::{Change, Entry, LinkVersions, RosterVersion};
use crate::time::Timestamp;
use crate::wire::control::{
    ChangePassword, INVITATION, KNOWN_VERSION, Login, Offer, OfferPolicy, Purpose, RESUME_AWAY, Reply, Request, Resume,
    Welcome, version_extra,
};
use crate::wire::encode;
use crate::wire::hello::Hello;

const PASSWORD: &str = "correct horse";
/// 2026-11-23T04:28:00Z.
const START: u64 = 1_795_408_080_000;

/// A server under test.
struct Bench {
    server: Server,
    now: Now,
    /// Jobs without a result.
    jobs: VecDeque<(JobId, Job)>,
    /// Whether polls and reports of seen accounts are answered and left out of the lines, and snapshots are read
    /// immediately.
    quiet: bool,
    /// Whether the test answers the reports of void tickets. Otherwise they are answered and left out of the lines.
    holds_void_tickets: bool,
    tickets: BTreeMap<u64, Vec<u8>>,
    welcomes: BTreeMap<u64, Welcome>,
}

struct Counting(u64);

impl Generator for Counting {
    fn fill(&mut self, out: &mut [u8]) {
        for byte in out {
            self.0 += 1;
            *byte = self.0 as u8;
        }
    }
}

impl Bench {
    /// A server that publishes every change immediately.
    fn new() -> Self {
        Self::with(untimed())
    }

    fn with(config: ServerConfig) -> Self {
        let now = Now { mono: Mono::at(Duration::from_secs(1_000)), wall: Timestamp::from_millis(START) };
        Self::start(now, config, 0)
    }

    fn start(now: Now, config: ServerConfig, seed: u64) -> Self {
        let mut out = Vec::new();
        let server = Server::new(now, config, TicketKey::new([7; 32]), Box::new(Counting(seed)), &mut out);
        let mut bench = Self {
            server,
            now,
            jobs: VecDeque::new(),
            quiet: true,
            holds_void_tickets: false,
            tickets: BTreeMap::new(),
            welcomes: BTreeMap::new(),
        };
        assert_eq!(bench.take(out), ["log server started"]);
        bench
    }

    /// The next run of the same server, some seconds later.
    fn restarted(self) -> Self {
        let now = Now { mono: Mono::at(Duration::from_secs(50)), wall: self.now.wall + Duration::from_secs(5) };
        Self { tickets: self.tickets, welcomes: self.welcomes, ..Self::start(now, untimed(), 100) }
    }

    fn feed(&mut self, input: Input<'_>) -> Vec<String> {
        let mut out = Vec::new();
        self.server.handle(self.now, input, &mut out);
        self.take(out)
    }

    /// Returns outputs as lines, and keeps the jobs, tickets and welcomes.
    fn take(&mut self, out: Vec<Output>) -> Vec<String> {
        let mut lines = Vec::new();
        for output in out {
            match output {
                Output::Job { id, job: Job::ChangedSince { .. } } if self.quiet => {
                    assert_eq!(self.done(id, JobResult::Accounts(Ok(vec![]))), [""; 0]);
                }
                Output::Job { id, job: Job::Seen { .. } } if self.quiet => {
                    assert_eq!(self.done(id, JobResult::Seen(Ok(()))), [""; 0]);
                }
                Output::Job { id, job: Job::VoidTickets { .. } } if !self.holds_void_tickets => {
                    assert_eq!(self.done(id, JobResult::Voided(Ok(()))), [""; 0]);
                }
                Output::Job { id, job } => {
                    lines.push(show_job(&job));
                    self.jobs.push_back((id, job));
                }
                Output::Send { conn, bytes } => {
                    for payload in payloads(&bytes) {
                        lines.push(format!("{conn} <- {}", self.show_frame(conn, payload)));
                    }
                }
                Output::Broadcast { bytes } => {
                    lines.extend(
                        payloads(&bytes).map(|payload| format!("* <- {}", show(&Reply::decode(payload).unwrap()))),
                    );
                }
                Output::Snapshot { conn, frames } => {
                    for payload in frames.iter().flat_map(|bytes| payloads(bytes)) {
                        lines.push(format!("{conn} <- {}", self.show_frame(conn, payload)));
                    }
                    if self.quiet {
                        lines.extend(self.drain(conn, Missed::Nothing));
                    }
                }
                Output::LimitReached(limit) => lines.push(format!("reached {limit}")),
                Output::Forwarder { observed, offered } => lines.push(format!("forwarder {observed} {offered}")),
                Output::Admit { conn, relay: None } => lines.push(format!("admit {conn}")),
                Output::Admit { conn, relay: Some(_) } => lines.push(format!("admit {conn} to the relay")),
                Output::Close { conn } => lines.push(format!("close {conn}")),
                Output::Record(record) => {
                    lines.push(format!("log {}", &record.to_string()["2026-11-23T04:28:00.123Z ".len()..]));
                }
            }
        }
        lines
    }

    fn show_frame(&mut self, conn: ConnId, payload: &[u8]) -> String {
        if Hello::decode(payload).is_ok() {
            return "hello".into();
        }
        let reply = Reply::decode(payload).unwrap();
        match &reply {
            Reply::Welcome(welcome) => {
                self.tickets.insert(conn.get(), welcome.ticket.clone());
                self.welcomes.insert(conn.get(), welcome.clone());
            }
            Reply::Ticket(ticket) => drop(self.tickets.insert(conn.get(), ticket.clone())),
            _ => {}
        }
        show(&reply)
    }

    fn connect_from(&mut self, conn: u64, from: &str) -> Vec<String> {
        self.feed(Input::Connected { conn: ConnId::new(conn), from: from.parse().unwrap() })
    }

    /// Connects from 192.168.1.(conn) and says hello.
    fn connect(&mut self, conn: u64) {
        self.greet_from(conn, &SocketAddr::from(([192, 168, 1, conn as u8], 50_000)).to_string());
    }

    fn greet_from(&mut self, conn: u64, from: &str) {
        assert_eq!(self.connect_from(conn, from), [""; 0]);
        assert_eq!(self.bytes(conn, &Hello::OURS.encode()), [format!("{conn} <- hello")]);
    }

    fn bytes(&mut self, conn: u64, payload: &[u8]) -> Vec<String> {
        self.feed(Input::Frame { conn: ConnId::new(conn), payload })
    }

    fn send(&mut self, conn: u64, request: &Request<'_>) -> Vec<String> {
        self.bytes(conn, &encoded(request))
    }

    fn request_login(&mut self, conn: u64, user: &str) -> Vec<String> {
        self.send(conn, &Request::Login(login(conn, user)))
    }

    /// Connects, logs in, and returns what follows the password check.
    fn login(&mut self, conn: u64, user: &str) -> Vec<String> {
        self.connect(conn);
        assert_eq!(self.request_login(conn, user), [format!("job authenticate {user}")]);
        self.answer(Ok(account(user)))
    }

    /// Resumes with the last ticket of connection `before`. A fresh session would have the key of `conn`.
    fn resume(&mut self, conn: u64, before: u64) -> Vec<String> {
        let ticket = self.tickets[&before].clone();
        self.send(conn, &Request::Resume(resume(conn, before, &ticket)))
    }

    /// Connects, resumes, and returns what follows the look-up of the account.
    fn reconnect(&mut self, conn: u64, before: u64, user: &str) -> Vec<String> {
        self.connect(conn);
        assert_eq!(self.resume(conn, before), [format!("job look-up {}", account(user).id)]);
        self.look_up(vec![account(user)])
    }

    /// The same for a client that states `revision` of this run as its roster version. It offers the address of the
    /// connection with its account's number.
    fn reconnect_at(&mut self, conn: u64, before: u64, user: &str, revision: u64) -> Vec<String> {
        let version = RosterVersion { revision: Revision::new(revision), ..self.publication().published() };
        self.reconnect_with(conn, before, user, version_extra(KNOWN_VERSION, version))
    }

    /// The same for a client whose user is away.
    fn reconnect_away(&mut self, conn: u64, before: u64, user: &str, text: &str) -> Vec<String> {
        self.reconnect_with(conn, before, user, Extra { tag: RESUME_AWAY, value: text.into() })
    }

    fn reconnect_with(&mut self, conn: u64, before: u64, user: &str, extra: Extra) -> Vec<String> {
        self.connect(conn);
        let ticket = self.tickets[&before].clone();
        let extras = [extra].into_iter().collect();
        let addresses = vec![SocketAddr::from(([192, 168, 1, account(user).id.get() as u8], 40_001))];
        let offer = Offer { policy: OfferPolicy::Advertised, addresses, ..offer(conn) };
        let lines = self.send(conn, &Request::Resume(Resume { offer, extras, ..resume(conn, before, &ticket) }));
        assert_eq!(lines, [format!("job look-up {}", account(user).id)]);
        self.look_up(vec![account(user)])
    }

    fn done(&mut self, job: JobId, result: JobResult) -> Vec<String> {
        self.feed(Input::Done { job, result })
    }

    /// Answers the oldest job, which is about one account.
    fn answer(&mut self, result: Result<Account, AccountError>) -> Vec<String> {
        let (id, _) = self.jobs.pop_front().expect("a job has no result");
        self.done(id, JobResult::Account(result))
    }

    /// Answers the oldest job, which is about several accounts.
    fn look_up(&mut self, accounts: Vec<Account>) -> Vec<String> {
        let (id, _) = self.jobs.pop_front().expect("a job has no result");
        self.done(id, JobResult::Accounts(Ok(accounts)))
    }

    fn drain(&mut self, conn: ConnId, missed: Missed) -> Vec<String> {
        self.feed(Input::Drained { conn, missed })
    }

    fn disconnect(&mut self, conn: u64) -> Vec<String> {
        self.feed(Input::Closed { conn: ConnId::new(conn), why: Closed::Broken })
    }

    /// Lets time pass, with a tick at each deadline, and returns everything that happens.
    fn pass(&mut self, millis: u64) -> Vec<String> {
        let mut lines = Vec::new();
        let end = self.now.mono + Duration::from_millis(millis);
        while let Some(next) = self.server.deadline().filter(|next| *next <= end) {
            self.sleep(self.now.mono.until(next));
            lines.extend(self.feed(Input::Tick));
        }
        self.sleep(self.now.mono.until(end));
        lines
    }

    /// Lets time pass without calling the machine.
    fn sleep(&mut self, time: Duration) {
        self.now = Now { mono: self.now.mono + time, wall: self.now.wall + time };
    }

    /// Lets time pass while these connections send heartbeats. Returns everything that happens besides the replies.
    fn pass_alive(&mut self, conns: &[u64], seconds: u64) -> Vec<String> {
        let mut lines = Vec::new();
        for second in 0..seconds {
            if second % 10 == 0 {
                for conn in conns {
                    assert_eq!(self.send(*conn, &Request::Heartbeat { number: 1 }), [format!("{conn} <- beat 1")]);
                }
            }
            lines.extend(self.pass(1_000));
        }
        lines
    }

    fn publication(&self) -> &Publication {
        self.server.machine.membership.publication()
    }

    fn online(&self) -> Vec<&str> {
        self.server.roster().iter().map(|entry| entry.user.as_str()).collect()
    }

    fn entry(&self, user: &str) -> &Entry {
        self.server.roster().get(&UserName::parse(user).unwrap()).unwrap()
    }
}

fn encoded(request: &Request<'_>) -> Vec<u8> {
    let mut payload = Vec::new();
    encode(request, &mut payload);
    payload
}

fn payloads(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = bytes.split_first_chunk()?;
        let (payload, rest) = rest.split_at(u32::from_be_bytes(*length) as usize);
        bytes = rest;
        Some(payload)
    })
}

fn show(reply: &Reply) -> String {
    match reply {
        Reply::Welcome(welcome) => {
            let delta = welcome.delta().unwrap().map(|version| format!(" up to {}", version.revision));
            let relay = welcome.relay().map(|terms| format!(" relay {}", terms.rate));
            let (delta, relay) = (delta.unwrap_or_default(), relay.unwrap_or_default());
            format!("welcome {:?} {}{delta}{relay}", welcome.kind, welcome.entry.user)
        }
        Reply::Rejected(why) => format!("rejected {why:?}"),
        Reply::SnapshotPage(entries) => {
            let users: Vec<&str> = entries.iter().map(|entry| entry.user.as_str()).collect();
            format!("page {}", users.join(" "))
        }
        Reply::SnapshotComplete { revision, .. } => format!("complete {revision}"),
        Reply::Update(update) => {
            let changes: Vec<String> = update.changes.iter().map(|(_, change)| show_change(change)).collect();
            format!("{}..{} {}", update.from, update.to, changes.join(", "))
        }
        Reply::Heartbeat { number, .. } => format!("beat {number}"),
        Reply::Ticket(_) => "ticket".into(),
        Reply::PasswordChange(result) => format!("password-change {result:?}"),
        Reply::Ended(why) => format!("ended {why:?}"),
        Reply::Relayed(datagrams) => format!("relayed {}", datagrams.iter().count()),
    }
}

fn show_change(change: &Change) -> String {
    let shown = &change.event(Timestamp::default()).to_string()["1970-01-01T00:00:00.000Z ".len()..];
    match change {
        Change::Online(entry) | Change::Replaced(entry) => match entry.away() {
            Some(text) => format!("{shown} (away: {})", text.as_str()),
            None => shown.into(),
        },
        _ => shown.into(),
    }
}

fn show_job(job: &Job) -> String {
    match job {
        Job::Register { name, .. } => format!("job register {name}"),
        Job::Authenticate { name, .. } => format!("job authenticate {name}"),
        Job::ChangePassword { id, .. } => format!("job change-password {id}"),
        Job::LookUp { ids } => format!("job look-up{}", numbers(ids)),
        Job::ChangedSince { since } => format!("job changed-since {}", since.as_millis() as i64 - START as i64),
        Job::Seen { ids } => format!("job seen{}", numbers(ids)),
        Job::Journal(call) => format!("job {call:?}"),
        Job::VoidTickets { ids, until } => {
            format!("job void-tickets{} until {}", numbers(ids), until.as_millis() as i64 - START as i64)
        }
    }
}

fn numbers(ids: &[AccountId]) -> String {
    ids.iter().map(|id| format!(" {id}")).collect()
}

fn login(conn: u64, user: &str) -> Login<'_> {
    Login {
        purpose: Purpose::Login,
        user,
        password: PASSWORD,
        offer: offer(conn),
        key: key(conn),
        versions: LinkVersions { low: 1, high: 1 },
        extras: Extras::default(),
    }
}

/// The request of a client that returns on `conn` and still offers the address of its connection `before`.
fn resume(conn: u64, before: u64, ticket: &[u8]) -> Resume<'_> {
    Resume {
        ticket,
        offer: Offer {
            policy: OfferPolicy::Advertised,
            addresses: vec![SocketAddr::from(([192, 168, 1, before as u8], 40_001))],
            ..offer(conn)
        },
        next_key: key(conn),
        versions: LinkVersions { low: 1, high: 1 },
        extras: Extras::default(),
    }
}

fn offer(_conn: u64) -> Offer {
    Offer { policy: OfferPolicy::Detected, port: 40_001, addresses: vec![] }
}

fn key(number: u64) -> PublicKey {
    let mut bytes = [3; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    PublicKey::new(bytes)
}

/// The account of a user. Its id is the number of the name's first letter in the alphabet.
pub(super) fn account(user: &str) -> Account {
    let name = UserName::parse(user).unwrap();
    Account {
        id: AccountId::new(u64::from(name.canonical().as_bytes()[0] - b'a' + 1)),
        name,
        generation: 1,
        status: Status::Active,
        created: Timestamp::from_millis(1),
        last_seen: None,
        tickets_void_until: None,
    }
}

fn unavailable() -> AccountError {
    AccountError::Unavailable(Arc::new(std::io::Error::other("gone")))
}

/// The lines that follow each successful login of `user` on `conn`.
fn welcomed(conn: u64, kind: &str, user: &str, page: &str, revision: u64) -> [String; 4] {
    [
        format!("admit {conn}"),
        format!("{conn} <- welcome {kind} {user}"),
        format!("{conn} <- page {page}"),
        format!("{conn} <- complete {revision}"),
    ]
}

/// Inserts the welcome into `lines` before the last two, which publish and record the arrival, and appends the
/// snapshot.
fn then(lines: &[&str], [admit, welcome, page, complete]: [String; 4]) -> Vec<String> {
    let (before, arrival) = lines.split_at(lines.len() - 2);
    let strings = |lines: &[&str]| lines.iter().map(ToString::to_string).collect::<Vec<_>>();
    [strings(before), vec![admit, welcome], strings(arrival), vec![page, complete]].concat()
}

/// The default, except that every change is published, and every act appended and read, immediately, so that the lines follow
/// their cause.
fn untimed() -> ServerConfig {
    let zero = Duration::ZERO;
    let publish_interval = PublishInterval { min: zero, per_session: zero, max: zero };
    ServerConfig { publish_interval, journal_interval: zero, ..ServerConfig::default() }
}
