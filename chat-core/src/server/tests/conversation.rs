//! Long random conversations that check the invariants after each step. One invariant: every client that follows the
//! roster has the server's roster, regardless of how often it reconnected and which roster version it stated.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// One step. The numbers choose a connection, a user or a ticket.
#[derive(Clone, Debug)]
enum Step {
    Connect,
    Login(usize, usize),
    Resume(usize, usize, Claim),
    Answer { right: bool },
    Send(usize, usize),
    Break(usize, Closed),
    Drain(usize, Missed),
    Pass(u64),
    Stall(u64),
    Raise(usize),
}

/// The roster version that a client states when it resumes.
#[derive(Clone, Copy, Debug)]
enum Claim {
    Nothing,
    /// This number of revisions before the published one. No snapshot of that revision need have been sent.
    Behind(u64),
    /// This number of revisions after the published one.
    Ahead(u64),
    OtherRun,
}

fn claim() -> impl Strategy<Value = Claim> {
    prop_oneof![
        2 => Just(Claim::Nothing),
        8 => (0_u64..8).prop_map(Claim::Behind),
        1 => prop_oneof![1_u64..4, Just(u64::MAX)].prop_map(Claim::Ahead),
        1 => Just(Claim::OtherRun),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Connect),
        3 => (0_usize..9, 0..USERS.len()).prop_map(|(conn, user)| Step::Login(conn, user)),
        4 => (0_usize..9, 0_usize..9, claim()).prop_map(|(conn, ticket, claim)| Step::Resume(conn, ticket, claim)),
        6 => (0_u8..8).prop_map(|dice| Step::Answer { right: dice > 0 }),
        3 => (0_usize..9, 0_usize..7).prop_map(|(conn, what)| Step::Send(conn, what)),
        2 => (0_usize..9).prop_map(|conn| Step::Break(conn, Closed::Broken)),
        1 => (0_usize..9).prop_map(|conn| Step::Break(conn, Closed::TooSlow)),
        4 => (0_usize..9).prop_map(|reader| Step::Drain(reader, Missed::Nothing)),
        1 => (0_usize..9).prop_map(|reader| Step::Drain(reader, Missed::Changes)),
        3 => (0_u64..20_000).prop_map(Step::Pass),
        1 => (0_u64..100_000).prop_map(Step::Stall),
        3 => (0_u64..30).prop_map(Step::Pass),
        1 => (0..USERS.len()).prop_map(Step::Raise),
    ]
}

/// A driver that performs the outputs and checks them.
struct World {
    server: Server,
    now: Now,
    next: u64,
    open: BTreeSet<ConnId>,
    admitted: BTreeSet<ConnId>,
    /// The connections that have not reported the snapshot or delta as read.
    reading: BTreeSet<ConnId>,
    jobs: VecDeque<(JobId, Job)>,
    tickets: Vec<Vec<u8>>,
    generations: [u64; USERS.len()],
    /// Until when the tickets of each user are void, according to the accounts.
    void_until: [Option<Timestamp>; USERS.len()],
    /// The roster of a client that receives every change.
    roster: Roster,
    revision: u64,
    /// The roster at each published revision.
    steps: BTreeMap<u64, Roster>,
    /// The revision that each connection stated.
    claims: BTreeMap<ConnId, u64>,
    /// The connections to which a welcome promised a delta.
    behind: BTreeSet<ConnId>,
    /// The number of such welcomes.
    caught_up: u64,
    /// The roster of each connection that follows it.
    rosters: BTreeMap<ConnId, Roster>,
    records: usize,
    /// The number of times that a user went away or came back.
    away_changes: usize,
    /// The keys of all sessions that ended or were replaced.
    gone: BTreeSet<PublicKey>,
}

const USERS: [&str; 5] = ["alice", "bob", "carol", "dave", "eve"];

impl World {
    fn new(interval: Duration, max_update_log: usize) -> Self {
        let publish_interval = PublishInterval { min: interval, ..untimed().publish_interval };
        let config = ServerConfig { publish_interval, max_update_log, ..ServerConfig::default() };
        let Bench { server, now, .. } = Bench::with(config);
        Self {
            server,
            now,
            next: 1,
            open: BTreeSet::new(),
            admitted: BTreeSet::new(),
            reading: BTreeSet::new(),
            jobs: VecDeque::new(),
            tickets: vec![],
            generations: [1; USERS.len()],
            void_until: [None; USERS.len()],
            roster: Roster::new(),
            revision: 0,
            steps: BTreeMap::from([(0, Roster::new())]),
            claims: BTreeMap::new(),
            behind: BTreeSet::new(),
            caught_up: 0,
            rosters: BTreeMap::new(),
            records: 0,
            away_changes: 0,
            gone: BTreeSet::new(),
        }
    }

    fn feed(&mut self, input: Input<'_>) {
        let mut out = Vec::new();
        self.server.handle(self.now, input, &mut out);
        for output in out {
            self.perform(output);
        }
        assert_eq!(self.revision, self.server.revision().get(), "the revision is that of the last published change");
        if self.server.machine.membership.publication().pending() == 0 {
            assert_eq!(&self.roster, self.server.roster(), "the published changes add up to the roster");
        }
        for (conn, roster) in &self.rosters {
            assert_eq!(roster, &self.roster, "the roster of {conn}");
        }
        assert!(self.behind.is_empty(), "each promised delta was sent");
        let changes = self.records + self.away_changes;
        assert_eq!(changes as u64, self.revision, "one record per change of presence");
        for (user, void_until) in USERS.iter().zip(self.void_until) {
            let entry = self.server.roster().get(&UserName::parse(user).unwrap());
            assert!(
                entry.is_none_or(|entry| Some(entry.since) > void_until),
                "the tickets of {user}'s session are void"
            );
        }
        let online = self.admitted.len();
        assert!(online <= self.server.roster().len(), "at most one connection per session");
    }

    fn perform(&mut self, output: Output) {
        match output {
            Output::Send { conn, bytes } => {
                assert!(self.open.contains(&conn), "sent to a closed connection");
                for payload in payloads(&bytes) {
                    match Reply::decode(payload) {
                        Ok(Reply::Welcome(welcome)) => {
                            assert!(self.admitted.contains(&conn));
                            assert_eq!(self.server.roster().get(&welcome.entry.user), Some(&welcome.entry));
                            if let Some(to) = welcome.delta().unwrap() {
                                assert_eq!(
                                    (to.epoch, to.revision.get()),
                                    (self.server.machine.membership.publication().epoch(), self.revision)
                                );
                                self.behind.insert(conn);
                                let then = &self.steps[&self.claims[&conn]];
                                let mine =
                                    then.get(&welcome.entry.user).expect("the session was online at that revision");
                                assert_eq!(mine.key, welcome.entry.key, "it is the same session");
                            }
                            self.tickets.push(welcome.ticket);
                        }
                        Ok(Reply::Ticket(ticket)) => self.tickets.push(ticket),
                        Ok(Reply::SnapshotPage(_) | Reply::SnapshotComplete { .. }) => panic!("a part of a snapshot"),
                        Ok(_) => {}
                        Err(_) => drop(Hello::decode(payload).unwrap()),
                    }
                }
            }
            Output::Snapshot { conn, frames } if self.behind.remove(&conn) => {
                let mut revision = self.claims[&conn];
                let mut roster = self.steps[&revision].clone();
                for payload in frames.iter().flat_map(|bytes| payloads(bytes)) {
                    let Ok(Reply::Update(update)) = Reply::decode(payload) else {
                        panic!("a delta contains only updates")
                    };
                    assert_eq!(update.from.get(), revision, "without a gap");
                    revision = update.to.get();
                    update.changes.iter().for_each(|(_, change)| roster.apply(change));
                }
                assert_eq!((revision, &roster), (self.revision, &self.roster));
                self.caught_up += 1;
                self.reading.insert(conn);
                self.rosters.insert(conn, roster);
            }
            Output::Snapshot { conn, frames } => {
                assert!(self.admitted.contains(&conn));
                self.reading.insert(conn);
                let mut roster = Roster::new();
                let mut replies =
                    frames.iter().flat_map(|bytes| payloads(bytes)).map(|payload| Reply::decode(payload).unwrap());
                let end = replies.by_ref().find_map(|reply| match reply {
                    Reply::SnapshotPage(entries) => {
                        entries.into_iter().for_each(|entry| drop(roster.insert(entry)));
                        None
                    }
                    Reply::SnapshotComplete { revision, .. } => Some(revision.get()),
                    other => panic!("{other:?} in a snapshot"),
                });
                assert_eq!((end, &roster), (Some(self.revision), &self.roster));
                assert!(replies.next().is_none());
                self.rosters.insert(conn, roster);
            }
            Output::Broadcast { bytes } => {
                for payload in payloads(&bytes) {
                    let Ok(Reply::Update(update)) = Reply::decode(payload) else {
                        panic!("only updates are broadcast")
                    };
                    assert_eq!(update.from.get(), self.revision, "without a gap");
                    self.revision = update.to.get();
                    for (_, change) in update.changes {
                        self.apply(&change);
                        self.rosters.values_mut().for_each(|roster| roster.apply(&change));
                    }
                    self.steps.insert(self.revision, self.roster.clone());
                }
            }
            Output::Admit { conn, .. } => assert!(self.open.contains(&conn) && self.admitted.insert(conn)),
            Output::Close { conn } => {
                assert!(self.open.contains(&conn), "closed twice");
                self.forget(conn);
            }
            Output::Job { id, job } => {
                // Stored at once, although the result comes later.
                if let Job::VoidTickets { ids, until } = &job {
                    for id in ids {
                        let stored = &mut self.void_until[id.get() as usize - 1];
                        *stored = (*stored).max(Some(*until));
                    }
                }
                self.jobs.push_back((id, job));
            }
            Output::Record(_) => self.records += 1,
            Output::LimitReached(_) | Output::Forwarder { .. } => {}
        }
    }

    fn forget(&mut self, conn: ConnId) {
        self.open.remove(&conn);
        self.admitted.remove(&conn);
        self.reading.remove(&conn);
        self.rosters.remove(&conn);
    }

    fn apply(&mut self, change: &Change) {
        let before = self.roster.get(change.user()).cloned();
        match (&before, change) {
            (Some(before), Change::Replaced(entry)) if before.key == entry.key => {
                let (mut then, mut now) = (before.clone(), entry.clone());
                then.set_away(None);
                now.set_away(None);
                assert_eq!(then, now, "only the away text is another one");
                self.away_changes += 1;
                self.roster.apply(change);
                return;
            }
            (None, Change::Online(entry)) | (Some(_), Change::Replaced(entry)) => {
                assert!(!self.gone.contains(&entry.key), "a session that ended is online again");
            }
            (Some(_), Change::Offline { .. } | Change::Moved { .. }) => {}
            _ => panic!("{change:?} of {before:?}"),
        }
        if let Some(before) = before
            && !matches!(change, Change::Moved { .. })
        {
            self.gone.insert(before.key);
        }
        self.roster.apply(change);
    }

    fn conn(&self, number: usize) -> Option<ConnId> {
        self.open.iter().nth(number % self.open.len().max(1)).copied()
    }

    fn send(&mut self, conn: ConnId, request: &Request<'_>) {
        self.feed(Input::Frame { conn, payload: &encoded(request) });
    }

    fn claim(&mut self, conn: ConnId, claim: Claim) -> Option<RosterVersion> {
        let here = self.server.machine.membership.publication().published();
        let (epoch, revision) = match claim {
            Claim::Nothing => return None,
            Claim::Behind(by) => (here.epoch, self.revision.saturating_sub(by)),
            Claim::Ahead(by) => (here.epoch, self.revision.saturating_add(by)),
            Claim::OtherRun => (Epoch::new(here.epoch.get() ^ 1), self.revision),
        };
        // A second attempt while the first is in progress is rejected, so that its version does not count.
        if matches!(self.server.machine.connections.get(conn)?.state, State::Guest) {
            let stated = if epoch == here.epoch { revision } else { u64::MAX };
            self.claims.insert(conn, stated);
        }
        Some(RosterVersion { epoch, revision: Revision::new(revision) })
    }

    fn account(&self, user: usize) -> Account {
        let (generation, tickets_void_until) = (self.generations[user], self.void_until[user]);
        Account { generation, tickets_void_until, ..account(USERS[user]) }
    }

    fn accounts(&self) -> Vec<Account> {
        (0..USERS.len()).map(|user| self.account(user)).collect()
    }

    fn answer(&mut self, right: bool) {
        let Some((job, asked)) = self.jobs.pop_front() else { return };
        let result = match asked {
            _ if !right => JobResult::Account(Err(unavailable())),
            Job::Register { name, .. } | Job::Authenticate { name, .. } => {
                let user = USERS.iter().position(|user| *user == name.as_str()).unwrap();
                JobResult::Account(Ok(self.account(user)))
            }
            Job::ChangePassword { id, .. } => {
                let user = id.get() as usize - 1;
                self.generations[user] += 1;
                JobResult::Account(Ok(self.account(user)))
            }
            Job::LookUp { .. } | Job::ChangedSince { .. } => JobResult::Accounts(Ok(self.accounts())),
            Job::Seen { .. } => JobResult::Seen(Ok(())),
            Job::VoidTickets { .. } => JobResult::Voided(Ok(())),
            Job::Journal(_) => unreachable!("the server is alone"),
        };
        self.feed(Input::Done { job, result });
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Connect => {
                let conn = ConnId::new(self.next);
                self.next += 1;
                self.open.insert(conn);
                let from = SocketAddr::from(([192, 168, 1, (self.next % 250) as u8], 50_000));
                self.feed(Input::Connected { conn, from });
                self.feed(Input::Frame { conn, payload: &Hello::OURS.encode() });
            }
            Step::Login(number, user) => {
                let Some(conn) = self.conn(number) else { return };
                self.next += 1;
                self.send(conn, &Request::Login(Login { key: key(1_000 + self.next), ..login(1, USERS[user]) }));
            }
            Step::Resume(number, ticket, claim) => {
                let Some(conn) = self.conn(number) else { return };
                let Some(ticket) = self.tickets.iter().rev().nth(ticket).cloned() else { return };
                self.next += 1;
                let next_key = key(1_000 + self.next);
                let extras =
                    self.claim(conn, claim).into_iter().map(|roster| version_extra(KNOWN_VERSION, roster)).collect();
                self.send(conn, &Request::Resume(Resume { next_key, extras, ..resume(1, conn.get(), &ticket) }));
            }
            Step::Answer { right } => self.answer(right),
            Step::Send(number, what) => {
                let Some(conn) = self.conn(number) else { return };
                let away = format!("away {}", self.next);
                let change = ChangePassword { old: PASSWORD, new: PASSWORD };
                let requests = [
                    Request::Leave,
                    Request::Heartbeat { number: 1 },
                    Request::Refresh,
                    Request::Move(Offer { port: 40_000 + self.next as u16 % 9, ..offer(1) }),
                    Request::ChangePassword(change),
                    Request::SetAway(Some(&away)),
                    Request::SetAway(None),
                ];
                self.send(conn, &requests[what]);
            }
            Step::Break(number, why) => {
                let Some(conn) = self.conn(number) else { return };
                self.forget(conn);
                self.feed(Input::Closed { conn, why });
            }
            Step::Drain(number, missed) => {
                let reader = self.reading.iter().nth(number % self.reading.len().max(1)).copied();
                let Some(conn) = reader else { return };
                self.reading.remove(&conn);
                self.feed(Input::Drained { conn, missed });
            }
            Step::Pass(millis) => {
                let end = self.now.mono + Duration::from_millis(millis);
                while let Some(next) = self.server.deadline().filter(|next| *next <= end) {
                    self.sleep(self.now.mono.until(next));
                    self.feed(Input::Tick);
                }
                self.sleep(self.now.mono.until(end));
            }
            Step::Stall(millis) => {
                self.sleep(Duration::from_millis(millis));
                self.feed(Input::Tick);
            }
            Step::Raise(user) => self.generations[user] += 1,
        }
    }

    fn sleep(&mut self, time: Duration) {
        self.now = Now { mono: self.now.mono + time, wall: self.now.wall + time };
    }
}

proptest! {
    #[test]
    fn every_client_that_follows_the_roster_has_it(
        steps in proptest::collection::vec(step(), 0..150),
        interval in prop::sample::select(vec![Duration::ZERO, Duration::from_millis(25)]),
        max_update_log in prop::sample::select(vec![0, 300, 6_400, 1 << 20]),
    ) {
        let mut world = World::new(interval, max_update_log);
        for step in steps {
            world.take(step);
        }
        // Once all clients have gone, only the timers of polls and of reports remain.
        for conn in world.open.clone() {
            world.forget(conn);
            world.feed(Input::Closed { conn, why: Closed::Broken });
        }
        while !world.jobs.is_empty() {
            world.answer(true);
        }
        world.take(Step::Pass(16_000));
        while !world.jobs.is_empty() {
            world.answer(true);
        }
        prop_assert!(world.roster.is_empty());
        prop_assert_eq!(world.server.counts()[Count::CaughtUp], world.caught_up);
        prop_assert_eq!(world.server.timers.len(), 2);
    }
}
