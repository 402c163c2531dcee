//! The presence server as a machine: guests, sessions, and the roster that it publishes.
//!
//! A driver owns the sockets, the accounts and the clocks. It feeds the machine with [`Input`]s, performs the
//! [`Output`]s in order, and sends [`Input::Tick`] when the [deadline](Server::deadline) has come. Any input may come
//! at any time. An input that makes no sense is rejected or ignored, and never fatal. A connection that has not logged
//! in costs a bounded amount of memory.
//!
//! # Sessions
//! A session begins with a password, or with a ticket whose own session has ended ([`Fresh`]). When its connection
//! breaks, nothing is published: the session waits for the grace time to continue with a ticket ([`Continued`]), and is
//! lost only after that. A client that continues and states its roster version receives a delta, if that is shorter
//! than a snapshot. A session ends immediately when its client leaves, when a newer login of the account replaces it,
//! when the account changes, or when the client does not read. A session that ended in a run of the server never
//! continues in that run. Once its client has left it, or its user has logged in again with the password, its tickets
//! are void and begin no session either.
//!
//! # A restart
//! A server that stops first finishes the registrations and password changes in flight, for a bounded time, so that
//! their clients learn the result, and the reports of void tickets. It publishes no departures: its sessions survive in
//! their tickets. The next run starts with an empty roster and another epoch, by which it recognises older tickets.
//! Their sessions return as they were, with their id, key and beginning, unless a later session of the account is
//! online. The request of the client says whether its user is away. Each return is an `Online` change and a record.
//! Clients keep the entries that a snapshot lacks for the settling time, recognise the sessions that return, and report
//! only the others.
//!
//! # How connections and sessions end
//!
//! | verb | of | meaning |
//! | --- | --- | --- |
//! | close | a connection | The server closes it. Its session, if it has one, is detached. |
//! | detach | a session | Its connection is gone. The grace time begins. |
//! | reject | a guest | It receives the reason, and may try again. |
//! | end | a session | It is over for good. The reason is published. |
//! | leave | a session | It ends because its client asked for it. Its tickets are void. |
//! | remove | a connection | Its state and everything that waits for it is dropped. All verbs but reject include it. |
//!
//! # Parts
//! Each part does one job, and calls only parts above it in this list:
//!
//! | part | job |
//! | --- | --- |
//! | `publication` | the roster with its numbered changes, and what each connection is sent of it |
//! | `membership` | which sessions are online: judges requests, and applies what was judged |
//! | `connections` | the connections and how far each has come |
//! | `known_sources` | the sources from which somebody has logged in |
//! | `forwarders` | whether clients connect through a port forwarder, so that observed addresses mislead |
//! | `shared` | the journal that several servers share: what is proposed, and how far this server is |
//! | `hints` | what the other servers have to know of attempts to guess a password or to register |
//! | `logins` | logging in: passwords, tickets, registrations, and their limits |
//! | `account_watch` | jobs that the server starts by itself: polls for changed accounts, reports of those online |
//! | `void_tickets` | reports which tickets are void, so that they stay void after a restart |
//! | `machine` | handles the inputs with the other parts |
//!
//! [`Fresh`]: crate::wire::control::WelcomeKind::Fresh
//! [`Continued`]: crate::wire::control::WelcomeKind::Continued

mod account_watch;
mod addresses;
mod away_changes;
mod clock;
mod config;
mod config_check;
mod connections;
mod counts;
mod cx;
mod forwarders;
mod hints;
mod io;
mod jobs;
mod known_sources;
mod limit;
mod logins;
mod machine;
mod membership;
mod moves;
mod pseudonyms;
mod publication;
mod refusal;
mod registration;
mod session_rates;
mod session_request;
mod shared;
mod throttle;
mod tickets;
mod timer;
mod void_tickets;

#[cfg(test)]
mod tests;

pub use config::{ObservedAddresses, RegistrationPolicy, ServerConfig, ThrottleConfig};
pub use counts::{Count, Counts};
pub use io::{Closed, Input, Job, JobResult, Missed, Output};
pub use limit::Limit;
pub use publication::PublishInterval;
pub use tickets::TicketKey;

pub use crate::setting::SettingError;

use account_watch::AccountWatch;
use away_changes::AwayChanges;
use clock::StallClock;
use connections::Connections;
use cx::Cx;
use forwarders::Forwarders;
use jobs::Jobs;
use known_sources::KnownSources;
use logins::Logins;
use machine::{Machine, Phase};
use membership::Membership;
use moves::Moves;
use shared::Shared;
use timer::Timer;
use void_tickets::VoidTickets;

use crate::generator::Generator;
use crate::id::{Epoch, NodeId, Position, Revision, Tag};
use crate::journal::NodeRow;
use crate::presence::Record;
use crate::roster::Roster;
use crate::time::{Mono, Now};
use crate::timers::Timers;

/// How far a server is with the journal that it shares.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct JournalStatus {
    /// The state of the server.
    pub state: JournalState,
    /// The node that it is.
    pub node: NodeId,
    /// The epoch of the journal.
    pub epoch: Epoch,
    /// The last act that it has applied.
    pub position: Position,
    /// The tag of that act.
    pub tip: Tag,
    /// The revision of the roster after that act.
    pub revision: Revision,
    /// The number of nodes that are not lost, this one included.
    pub nodes: usize,
    /// The number of sessions that are at this server.
    pub sessions_here: usize,
    /// The last act in the journal, as far as this server knows.
    pub head: Position,
    /// Counters since the start.
    pub counts: JournalCounts,
}

/// Totals of a server that shares a journal, from its start.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct JournalCounts {
    /// Its own acts that it has applied.
    pub own_acts: u64,
    /// Acts of others that it has applied.
    pub other_acts: u64,
    /// Its own acts that other acts had overtaken.
    pub refused: u64,
    /// The epochs of the journal that it has seen, the first included.
    pub epochs: u64,
    /// The sessions that it has inherited from nodes that were lost or have left.
    pub inherited: u64,
}

/// The state of a server that shares a journal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum JournalState {
    /// It reads the journal, and nobody can log in yet.
    Entering,
    /// It proposes and applies acts.
    Ready,
    /// The journal cannot be reached. Those who are online stay, and nobody else can log in.
    Away,
    /// A later version writes to the journal. The server stops.
    Incompatible,
}

/// The epoch of a roster that is not loaded yet.
struct OneNumber(u64);

impl Generator for OneNumber {
    fn fill(&mut self, out: &mut [u8]) {
        out.iter_mut().zip(self.0.to_be_bytes().iter().cycle()).for_each(|(to, from)| *to = *from);
    }
}

/// The server machine.
#[derive(Debug)]
pub struct Server {
    config: ServerConfig,
    clock: StallClock,
    timers: Timers<Timer>,
    jobs: Jobs,
    counts: Counts,
    machine: Machine,
}

impl Server {
    /// A server that starts now, with a new epoch from `generator`. Appends its first outputs to `out`.
    pub fn new(
        now: Now,
        config: ServerConfig,
        ticket_key: TicketKey,
        mut generator: Box<dyn Generator>,
        out: &mut Vec<Output>,
    ) -> Self {
        let mut timers = Timers::default();
        timers.set(Timer::Poll, now.mono + config.poll_interval);
        timers.set(Timer::Seen, now.mono + config.seen_interval);
        out.push(Output::Record(Record::Started(now.wall)));
        Self {
            clock: StallClock::new(now.mono, config.stall),
            timers,
            jobs: Jobs::new(),
            counts: Counts::default(),
            machine: Machine {
                connections: Connections::default(),
                known_sources: KnownSources::new(&config.throttle),
                logins: Logins::new(ticket_key, &config),
                membership: Membership::new(Epoch::new(generator.number()), &config),
                moves: Moves::new(config.move_interval),
                away_changes: AwayChanges::new(config.away_interval),
                forwarders: Forwarders::default(),
                accounts: AccountWatch::new(now.wall),
                void_tickets: VoidTickets::new(now.wall),
                settled_at: now.mono + config.settling,
                phase: Phase::Serving,
                shared: None,
            },
            config,
        }
    }

    /// A server that shares the roster with others. It is a node of the journal that its driver calls for it, from the
    /// first job on. Until it has read the journal, nobody can log in. `row` tells operators which node it is. All nodes
    /// have the same accounts and the same `ticket_key`.
    pub fn sharing(
        now: Now,
        config: ServerConfig,
        ticket_key: TicketKey,
        mut generator: Box<dyn Generator>,
        row: NodeRow,
        out: &mut Vec<Output>,
    ) -> Self {
        let unused = generator.number();
        let mut server = Self::new(now, config, ticket_key, Box::new(OneNumber(unused)), out);
        let shared = Shared::new(row, generator);
        server.machine.membership.share(shared.node());
        server.machine.shared = Some(Box::new(shared));
        server.machine.logins.share();
        let Self { config, timers, jobs, counts, machine, .. } = &mut server;
        machine.enter_journal(&mut Cx { now, config, timers, jobs, counts, out });
        server
    }

    /// How far this server is with the journal that it shares. `None` if it is alone.
    pub fn journal(&self) -> Option<JournalStatus> {
        let shared = self.machine.shared.as_ref()?;
        let membership = &self.machine.membership;
        let state = match &shared.phase {
            _ if shared.is_incompatible => JournalState::Incompatible,
            shared::Phase::Ready if !shared.is_held => JournalState::Ready,
            shared::Phase::Away(shared::Next::Enter) => JournalState::Away,
            _ if shared.is_away => JournalState::Away,
            _ => JournalState::Entering,
        };
        Some(JournalStatus {
            state,
            node: shared.node(),
            epoch: membership.publication().epoch(),
            position: membership.position(),
            tip: shared.tip,
            revision: membership.publication().revision(),
            nodes: membership.nodes().alive().count(),
            sessions_here: membership.accounts().count(),
            head: shared.head.max(membership.position()),
            counts: shared.counts,
        })
    }

    /// The names of the nodes that share the roster and are not lost, this one included. Empty if the server is alone.
    pub fn nodes(&self) -> impl Iterator<Item = &str> {
        self.machine.membership.nodes().alive().map(|(_, row)| row.name.as_str())
    }

    /// Handles one input and appends its outputs to `out`. Does nothing once the server has stopped; see
    /// [`is_stopped`](Self::is_stopped).
    pub fn handle(&mut self, now: Now, input: Input<'_>, out: &mut Vec<Output>) {
        if self.is_stopped() {
            return;
        }
        let now = Now { mono: self.clock.read(now.mono, self.timers.next()), wall: now.wall };
        let Self { config, timers, jobs, counts, machine, .. } = self;
        machine.handle(&mut Cx { now, config, timers, jobs, counts, out }, input);
    }

    /// Whether the server has stopped after [`Input::Stop`]: every connection has its last frames and is closed, and
    /// the results of further jobs need not be reported.
    pub fn is_stopped(&self) -> bool {
        self.machine.phase == Phase::Stopped
    }

    /// When to send [`Input::Tick`] if no other input comes first, by the driver's clock. `None` once the server
    /// has stopped.
    pub fn deadline(&self) -> Option<Mono> {
        self.timers.next().map(|next| self.clock.driver(next))
    }

    /// The roster, with sessions in their grace time and pending changes.
    pub fn roster(&self) -> &Roster {
        self.machine.membership.roster()
    }

    /// The revision of the last published change of the roster.
    pub fn revision(&self) -> Revision {
        self.machine.membership.publication().published().revision
    }

    /// The number of password checks in flight: running, or waiting to run.
    pub fn checks(&self) -> usize {
        self.jobs.checks()
    }

    /// Totals of logins and rejections since the machine began.
    pub fn counts(&self) -> Counts {
        self.counts
    }
}
