//! Servers that share a roster tell each other how attempts have ended, and count those of others like their own.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::*;
use crate::journal::memory::MemoryJournal;
use crate::journal::{Journal, JournalCall, JournalError, JournalReply};
use crate::server::JournalStatus;

type Answer = Pin<Box<dyn Future<Output = Result<JournalReply, JournalError>>>>;

/// Two servers that share a journal.
struct Pair {
    journal: Arc<MemoryJournal>,
    nodes: [Node; 2],
    is_away: bool,
    /// Whether calls that give hints get no answer.
    holds_hints: bool,
    /// All hints that were given.
    given: Vec<Vec<u8>>,
    /// The number of calls that gave them.
    calls: usize,
    reads: usize,
}

struct Node {
    bench: Bench,
    /// The calls without an answer.
    waiting: Vec<(JobId, Answer)>,
}

/// Numbers that do not repeat soon.
struct Mixed(u64);

impl Generator for Mixed {
    fn fill(&mut self, out: &mut [u8]) {
        for byte in out {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = (self.0 >> 56) as u8;
        }
    }
}

impl Pair {
    fn new(config: &ServerConfig) -> Self {
        let node = |number: u64| {
            let mut bench = Bench::with(config.clone());
            let (mut out, row) = (Vec::new(), NodeRow { name: format!("node{number}") });
            let (key, generator) = (TicketKey::new([7; 32]), Box::new(Mixed(number)));
            bench.server = Server::sharing(bench.now, config.clone(), key, generator, row, &mut out);
            bench.take(out);
            Node { bench, waiting: Vec::new() }
        };
        let mut pair = Self {
            journal: Arc::default(),
            nodes: [node(1), node(2)],
            is_away: false,
            holds_hints: false,
            given: Vec::new(),
            calls: 0,
            reads: 0,
        };
        pair.pass(15_000);
        pair.are_ready();
        pair
    }

    fn are_ready(&self) {
        for node in &self.nodes {
            assert_eq!(node.bench.server.journal().map(|status| status.state), Some(JournalState::Ready));
        }
    }

    /// Lets time pass at both.
    fn pass(&mut self, millis: u64) {
        for _ in 0..millis / 100 {
            for number in 0..2 {
                self.nodes[number].bench.pass(100);
                self.drive();
            }
        }
    }

    /// Answers the calls of the journal until all that are left wait.
    fn drive(&mut self) {
        while (0..2).any(|number| self.drive_one(number)) {}
    }

    fn drive_one(&mut self, number: usize) -> bool {
        let node = &mut self.nodes[number];
        for (id, job) in std::mem::take(&mut node.bench.jobs) {
            let Job::Journal(call) = job else {
                node.bench.jobs.push_back((id, job));
                continue;
            };
            self.reads += usize::from(matches!(call, JournalCall::Read(..)));
            if let JournalCall::Hint(hints) = &call {
                self.given.extend(hints.iter().cloned());
                self.calls += 1;
            }
            let is_held = self.holds_hints && matches!(call, JournalCall::Hint(_));
            let (journal, is_away) = (Arc::clone(&self.journal), self.is_away);
            let answer = async move {
                match (is_held, is_away) {
                    (true, _) => std::future::pending().await,
                    (_, true) => Err(JournalError::away("a test")),
                    _ => call.make(&journal).await,
                }
            };
            node.waiting.push((id, Box::pin(answer)));
        }
        let mut context = Context::from_waker(Waker::noop());
        let (mut done, mut waiting) = (Vec::new(), Vec::new());
        for (id, mut answer) in node.waiting.drain(..) {
            match answer.as_mut().poll(&mut context) {
                Poll::Ready(result) => done.push((id, result)),
                Poll::Pending => waiting.push((id, answer)),
            }
        }
        node.waiting = waiting;
        let is_any = !done.is_empty();
        for (id, result) in done {
            node.bench.done(id, JobResult::Journal(result));
        }
        is_any
    }

    /// Puts hints into the journal, as a node does that is not one of these.
    fn give(&mut self, hints: Vec<Vec<u8>>) {
        let journal = Arc::clone(&self.journal);
        let mut hint = std::pin::pin!(journal.hint(hints));
        assert!(hint.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
        self.drive();
    }

    /// Returns the lines besides the calls of the journal, after these.
    fn lines(&mut self, mut lines: Vec<String>) -> Vec<String> {
        self.drive();
        lines.retain(|line| !line.starts_with("job ") || line.starts_with("job authenticate"));
        lines
    }

    fn connect(&mut self, node: usize, conn: u64, ip: &str) {
        self.nodes[node].bench.greet_from(conn, &format!("{ip}:50000"));
    }

    fn request(&mut self, node: usize, conn: u64, request: &Request<'_>) -> Vec<String> {
        let lines = self.nodes[node].bench.send(conn, request);
        self.lines(lines)
    }

    fn request_login(&mut self, node: usize, conn: u64, user: &str) -> Vec<String> {
        self.request(node, conn, &Request::Login(login(conn, user)))
    }

    fn answer(&mut self, node: usize, result: Result<Account, AccountError>) -> Vec<String> {
        let lines = self.nodes[node].bench.answer(result);
        self.lines(lines)
    }

    /// An attempt with the wrong password.
    fn fail(&mut self, node: usize, conn: u64, user: &str) {
        assert_eq!(self.request_login(node, conn, user), [format!("job authenticate {user}")]);
        let rejected = format!("{conn} <- rejected WrongCredentials");
        assert_eq!(self.answer(node, Err(AccountError::WrongCredentials)), [rejected]);
    }

    /// An attempt that has to wait for `millis`.
    fn waits(&mut self, node: usize, conn: u64, user: &str, millis: u64) {
        let rejected = format!("{conn} <- rejected SlowDown {{ retry_after_ms: {millis} }}");
        assert_eq!(self.request_login(node, conn, user), ["reached failed-logins".to_owned(), rejected]);
    }

    fn may(&mut self, node: usize, conn: u64, user: &str) {
        assert_eq!(self.request_login(node, conn, user), [format!("job authenticate {user}")]);
    }

    fn register(&mut self, node: usize, conn: u64, user: &str) -> Vec<String> {
        self.request(node, conn, &Request::Login(Login { purpose: Purpose::Register, ..login(conn, user) }))
    }
}

/// Guests stay for long, and make many attempts.
fn patient() -> ServerConfig {
    ServerConfig { max_guest_requests: 1_000, login_time: Duration::from_secs(6_000), ..untimed() }
}

#[test]
fn a_wrong_password_at_one_server_slows_down_the_next_attempt_at_another() {
    let mut t = Pair::new(&patient());
    t.connect(0, 1, "192.0.2.1");
    t.connect(1, 2, "192.0.2.1");
    t.connect(1, 3, "192.0.2.2");
    t.fail(0, 1, "alice");
    t.waits(0, 1, "alice", 1_000);
    t.waits(1, 2, "Alice", 1_000);
    t.may(1, 3, "alice");
    t.answer(1, Err(AccountError::Unavailable(Arc::from(Box::from("a test")))));
    t.may(1, 2, "bob");
    t.answer(1, Err(AccountError::Unavailable(Arc::from(Box::from("a test")))));
    t.pass(1_000);
    // The second failure of the pair at both: each has counted each once.
    t.fail(1, 2, "alice");
    t.waits(1, 2, "alice", 2_000);
    t.waits(0, 1, "alice", 2_000);
    assert_eq!((t.given.len(), t.calls), (2, 2), "nothing that was refused, and nothing without a verdict");
}

#[test]
fn failures_at_any_server_pause_their_source_at_all_of_them() {
    let throttle = ThrottleConfig { free_per_address: 3, ..ThrottleConfig::default() };
    let mut t = Pair::new(&ServerConfig { throttle, ..patient() });
    for node in 0..2 {
        t.connect(node, 1, "192.0.2.1");
    }
    for (number, user) in ["a", "b", "c", "d"].into_iter().enumerate() {
        t.fail(number % 2, 1, user);
    }
    t.waits(0, 1, "eve", 1_000);
    t.waits(1, 1, "eve", 1_000);
}

#[test]
fn who_has_proven_herself_at_one_server_is_not_slowed_down_at_another_by_an_attack_on_her_name() {
    let throttle = ThrottleConfig { free_per_user: 4, ..ThrottleConfig::default() };
    let mut t = Pair::new(&ServerConfig { throttle, ..patient() });
    t.connect(0, 1, "192.0.2.1");
    // A failure of her own before, which the right password clears everywhere.
    t.fail(0, 1, "alice");
    t.pass(1_000);
    t.may(0, 1, "alice");
    assert_eq!(t.answer(0, Ok(account("alice"))), [""; 0], "she waits for her act");
    assert_eq!(t.nodes[1].bench.online(), ["alice"]);
    for number in 0..6_u64 {
        t.connect(1, 10 + number, &format!("198.51.{number}.1"));
    }
    (0..3).for_each(|number| t.fail(1, 10 + number, "alice"));
    t.connect(0, 20, "203.0.113.1");
    // One more turn without an owner, and all others wait, at both.
    t.fail(0, 20, "alice");
    t.waits(1, 13, "alice", 10_000);
    t.connect(0, 21, "203.0.114.1");
    t.waits(0, 21, "alice", 10_000);
    t.connect(1, 30, "192.0.2.1");
    t.may(1, 30, "alice");
}

#[test]
fn the_quotas_of_registrations_are_those_of_all_servers() {
    let config = ServerConfig { registrations_per_hour: 4, registrations_per_address: 3, ..patient() };
    let mut t = Pair::new(&config);
    let is_refused =
        |lines: &[String], limit: &str| lines.first().is_some_and(|line| line == &format!("reached {limit}"));
    for (node, conn, ip, user) in [(0, 1, "192.0.2.1", "a"), (1, 2, "192.0.2.1", "b")] {
        t.connect(node, conn, ip);
        t.register(node, conn, user);
        t.answer(node, Ok(account(user)));
    }
    t.connect(0, 3, "192.0.2.1");
    t.register(0, 3, "c");
    // A name that is taken counts for its source only.
    assert_eq!(t.answer(0, Err(AccountError::NameTaken)), ["3 <- rejected NameTaken"]);
    t.connect(1, 4, "192.0.2.1");
    let lines = t.register(1, 4, "d");
    assert!(is_refused(&lines, "registrations-per-address"), "{lines:?}");
    // The third account of the hour, of a newcomer, whose network is known at the other server then.
    t.connect(1, 5, "198.51.100.1");
    t.register(1, 5, "e");
    t.answer(1, Ok(account("e")));
    t.connect(0, 6, "198.51.100.2");
    let lines = t.register(0, 6, "f");
    assert!(is_refused(&lines, "registrations-per-hour"), "no newcomer, and the last one is reserved: {lines:?}");
    t.connect(0, 7, "203.0.113.1");
    t.register(0, 7, "g");
    t.answer(0, Ok(account("g")));
    t.connect(1, 8, "203.0.114.1");
    let lines = t.register(1, 8, "h");
    assert!(is_refused(&lines, "registrations-per-hour"), "four accounts in all: {lines:?}");
}

#[test]
fn no_name_and_no_address_can_be_read_in_what_is_given() {
    let mut t = Pair::new(&patient());
    t.connect(0, 1, "192.0.2.1");
    t.fail(0, 1, "alice");
    t.pass(1_000);
    t.may(0, 1, "alice");
    t.answer(0, Ok(account("alice")));
    t.connect(0, 2, "[2001:db8:1:2::1]");
    t.register(0, 2, "mallory");
    t.answer(0, Err(AccountError::NameTaken));
    assert_eq!(t.given.len(), 4, "wrong, right, taken, not registered");
    for hint in &t.given {
        for secret in [&b"alice"[..], b"mallory", &[192, 0, 2], &[0x20, 0x01, 0x0d, 0xb8]] {
            assert!(!hint.windows(secret.len()).any(|part| part == secret), "{hint:?}");
        }
    }
}

#[test]
fn a_server_that_is_alone_gives_no_hints() {
    let mut t = Bench::new();
    t.connect(1);
    assert_eq!(t.request_login(1, "alice"), ["job authenticate alice"]);
    assert_eq!(t.answer(Err(AccountError::WrongCredentials)), ["1 <- rejected WrongCredentials"]);
    assert!(t.jobs.is_empty());
    assert!(t.server.machine.logins.hints_mut().is_none());
}

#[test]
fn hints_are_dropped_while_the_journal_is_away() {
    let mut t = Pair::new(&patient());
    for conn in 1..=2 {
        t.connect(0, conn, "192.0.2.1");
        t.may(0, conn, ["alice", "bob"][conn as usize - 1]);
    }
    t.is_away = true;
    t.pass(2_000);
    t.answer(0, Err(AccountError::WrongCredentials));
    t.answer(0, Err(AccountError::WrongCredentials));
    t.pass(5_000);
    assert_eq!(t.calls, 0);
    t.is_away = false;
    t.pass(10_000);
    t.are_ready();
    assert_eq!(t.calls, 0, "they are old by now");
    t.fail(0, 1, "carol");
    t.connect(1, 3, "192.0.2.1");
    t.waits(1, 3, "carol", 1_000);
}

#[test]
fn a_server_that_was_away_counts_no_hints_of_that_time() {
    let mut elsewhere = Pair::new(&patient());
    elsewhere.connect(0, 1, "192.0.2.1");
    elsewhere.fail(0, 1, "alice");
    let mut t = Pair::new(&patient());
    t.connect(1, 1, "192.0.2.1");
    t.is_away = true;
    t.pass(5_000);
    t.give(vec![elsewhere.given[0].clone(); 10]);
    t.is_away = false;
    t.pass(10_000);
    t.are_ready();
    t.may(1, 1, "alice");
    t.answer(1, Err(AccountError::Unavailable(Arc::from(Box::from("a test")))));
    t.give(elsewhere.given);
    t.waits(1, 1, "alice", 1_000);
}

#[test]
fn one_call_is_in_flight_and_what_comes_meanwhile_goes_as_one_batch() {
    let mut t = Pair::new(&patient());
    t.holds_hints = true;
    for number in 0..30_u64 {
        t.connect(0, number, &format!("192.0.2.{number}"));
        t.fail(0, number, "alice");
    }
    assert_eq!((t.calls, t.given.len()), (1, 1));
    t.holds_hints = false;
    let (id, _) = t.nodes[0].waiting.pop().expect("the call that gives hints");
    t.nodes[0].bench.done(id, JobResult::Journal(Err(JournalError::away("a test"))));
    t.drive();
    assert_eq!((t.calls, t.given.len()), (2, 30));
    t.are_ready();
    let counts = |t: &Pair| t.nodes[0].bench.server.journal().map(|status| status.counts);
    let before = counts(&t);
    t.pass(10_000);
    assert_eq!(counts(&t), before, "nobody went away for a hint that was lost");
}

/// Bytes that no node of this version gives.
fn no_hints() -> Vec<Vec<u8>> {
    (0..=255).map(|byte| vec![9, byte, byte, byte]).chain([vec![], vec![0; 1_000]]).collect()
}

fn statuses(t: &Pair) -> [Option<JournalStatus>; 2] {
    t.nodes.each_ref().map(|node| node.bench.server.journal())
}

#[test]
fn hints_change_no_position() {
    let mut t = Pair::new(&patient());
    let before = statuses(&t);
    t.give(no_hints());
    assert_eq!(statuses(&t), before);
}

#[test]
fn hints_that_are_given_together_cost_one_read() {
    let mut t = Pair::new(&patient());
    let reads = t.reads;
    t.give(no_hints());
    assert_eq!(t.reads, reads + 2, "one at each server");
    t.pass(10_000);
    assert_eq!(t.reads, reads + 2, "no more in ten rounds");
}

#[test]
fn a_server_ignores_hints_that_it_cannot_decode() {
    let mut t = Pair::new(&patient());
    t.give(no_hints());
    t.pass(10_000);
    t.are_ready();
    t.connect(0, 1, "192.0.2.1");
    t.may(0, 1, "alice");
}
