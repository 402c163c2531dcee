//! Tests of the throttle.

use std::net::IpAddr;
use std::sync::LazyLock;

use super::*;
use crate::name::UserName;
use crate::server::TicketKey;
use crate::server::pseudonyms::Pseudonyms;
use crate::source::Source;

fn at(millis: u64) -> Mono {
    Mono::at(Duration::from_millis(millis))
}

static PSEUDONYMS: LazyLock<Pseudonyms> = LazyLock::new(|| TicketKey::new([7; 32]).pseudonyms());

fn user(name: &str) -> UserPseudonym {
    PSEUDONYMS.user(&UserName::parse(name).unwrap())
}

fn source(ip: &str) -> SourcePseudonym {
    source_of(ip.parse().unwrap())
}

fn source_of(ip: IpAddr) -> SourcePseudonym {
    PSEUDONYMS.source(Source::from(ip))
}

fn fail(throttle: &mut Throttle, now: u64, name: &str, from: SourcePseudonym) {
    let attempt = throttle.begin(at(now), user(name), from).unwrap();
    throttle.end(at(now), attempt, Verdict::Wrong);
}

#[test]
fn pauses_double_up_to_the_longest_and_end_exactly() {
    let mut throttle = Throttle::new(ThrottleConfig::default());
    let from = source("192.0.2.1");
    let mut now = 0;
    for seconds in [1, 2, 4, 8, 16, 30, 30] {
        fail(&mut throttle, now, "alice", from);
        let end = now + seconds * 1_000;
        assert_eq!(
            throttle.begin(at(end - 1), user("Alice"), from).unwrap_err(),
            Duration::from_millis(1),
            "after {now}"
        );
        now = end;
    }
    assert!(throttle.begin(at(now), user("alice"), from).is_ok());
}

#[test]
fn failures_from_one_source_do_not_slow_down_another() {
    let mut throttle = Throttle::new(ThrottleConfig::default());
    fail(&mut throttle, 0, "alice", source("192.0.2.1"));
    assert!(throttle.begin(at(0), user("alice"), source("192.0.2.1")).is_err());
    assert!(throttle.begin(at(0), user("alice"), source("192.0.2.2")).is_ok());
    assert!(throttle.begin(at(0), user("bob"), source("192.0.2.1")).is_ok());
}

#[test]
fn a_source_is_slowed_down_beyond_its_free_failures() {
    let mut throttle = Throttle::new(ThrottleConfig::default());
    let from = source("192.0.2.1");
    for number in 0..20 {
        fail(&mut throttle, 0, &format!("user{number}"), from);
    }
    fail(&mut throttle, 0, "the21st", from);
    assert_eq!(throttle.begin(at(999), user("bob"), from).unwrap_err(), Duration::from_millis(1));
    assert!(throttle.begin(at(1_000), user("bob"), from).is_ok());
}

#[test]
fn a_right_password_clears_the_failures_of_its_pair_only() {
    let config = ThrottleConfig { free_per_address: 1, ..ThrottleConfig::default() };
    let mut throttle = Throttle::new(config);
    let from = source("192.0.2.1");
    fail(&mut throttle, 0, "alice", from);
    let attempt = throttle.begin(at(1_000), user("alice"), from).unwrap();
    throttle.end(at(1_000), attempt, Verdict::Right);
    fail(&mut throttle, 1_000, "alice", from);
    assert_eq!(throttle.begin(at(1_999), user("alice"), from).unwrap_err(), Duration::from_millis(1));
    assert_eq!(
        throttle.begin(at(1_999), user("bob"), from).unwrap_err(),
        Duration::from_millis(1),
        "the second failure of the source"
    );
    assert!(throttle.begin(at(2_000), user("alice"), from).is_ok());
}

#[test]
fn attempts_in_flight_are_bounded_and_open_ones_leave_no_trace() {
    let mut throttle = Throttle::new(ThrottleConfig::default());
    let from = source("192.0.2.1");
    let first = throttle.begin(at(0), user("alice"), from).unwrap();
    let second = throttle.begin(at(0), user("alice"), from).unwrap();
    assert_eq!(throttle.begin(at(0), user("alice"), from).unwrap_err(), Duration::from_secs(1));
    throttle.end(at(0), first, Verdict::Open);
    let third = throttle.begin(at(0), user("alice"), from).unwrap();
    throttle.end(at(0), second, Verdict::Right);
    throttle.end(at(0), third, Verdict::Open);
    assert!(throttle.pairs.get(at(0), &(user("alice"), from.source)).is_none());
}

#[test]
fn a_taken_name_counts_against_the_source_only() {
    let config = ThrottleConfig { free_per_address: 0, ..ThrottleConfig::default() };
    let mut throttle = Throttle::new(config);
    let from = source("192.0.2.1");
    let attempt = throttle.begin(at(0), user("alice"), from).unwrap();
    throttle.end(at(0), attempt, Verdict::Taken);
    assert!(throttle.pairs.get(at(0), &(user("alice"), from.source)).is_none());
    assert_eq!(throttle.begin(at(0), user("bob"), from).unwrap_err(), Duration::from_secs(1));
}

#[test]
fn failures_are_forgotten_after_the_memory_time() {
    let mut throttle = Throttle::new(ThrottleConfig::default());
    let from = source("192.0.2.1");
    fail(&mut throttle, 0, "alice", from);
    fail(&mut throttle, 1_000, "alice", from);
    let forgotten = 1_000 + 15 * 60 * 1_000;
    fail(&mut throttle, forgotten, "alice", from);
    assert!(throttle.begin(at(forgotten + 1_000), user("alice"), from).is_ok(), "a first failure again");
}

#[test]
fn parallel_attempts_at_many_names_do_not_evade_the_pause_of_their_source() {
    let mut throttle = Throttle::new(ThrottleConfig::default());
    let from = source("192.0.2.1");
    let (mut guesses, mut name) = (0, 0);
    // For ten minutes the attacker begins as many checks as the throttle allows, and all fail together.
    for now in (0..600_000).step_by(100) {
        let mut attempts = Vec::new();
        while attempts.len() < 128 {
            name += 1;
            match throttle.begin(at(now), user(&format!("user{name}")), from) {
                Ok(attempt) => attempts.push(attempt),
                Err(_) => break,
            }
        }
        guesses += attempts.len();
        attempts.into_iter().for_each(|attempt| throttle.end(at(now), attempt, Verdict::Wrong));
    }
    assert!(guesses <= 128 + 2 * 20, "the first burst, and two for each pause of 30 s: {guesses}");
}

#[test]
fn users_who_have_logged_in_from_a_source_pass_the_failures_of_others_behind_it() {
    let mut throttle = Throttle::new(ThrottleConfig::default());
    let from = source("192.0.2.1");
    let attempt = throttle.begin(at(0), user("alice"), from).unwrap();
    throttle.end(at(0), attempt, Verdict::Right);
    let mut refused = 0;
    for second in 1..3_600 {
        let now = second * 1_000;
        match throttle.begin(at(now), user(&format!("guess{second}")), from) {
            Ok(attempt) => throttle.end(at(now), attempt, Verdict::Wrong),
            Err(_) => refused += 1,
        }
        let attempt = throttle.begin(at(now), user("alice"), from).expect("alice has logged in from here");
        throttle.end(at(now), attempt, Verdict::Right);
    }
    assert!(refused > 3_400, "the source is paused for all others: {refused}");
    let elsewhere = source("192.0.2.2");
    for _ in 0..21 {
        fail_any(&mut throttle, 4_000_000, elsewhere);
    }
    assert!(throttle.begin(at(4_000_000), user("alice"), elsewhere).is_err(), "she has not logged in from there");
}

#[test]
fn a_proven_user_is_still_slowed_down_by_failures_of_its_own() {
    let mut throttle = Throttle::new(ThrottleConfig::default());
    let from = source("192.0.2.1");
    let attempt = throttle.begin(at(0), user("alice"), from).unwrap();
    throttle.end(at(0), attempt, Verdict::Right);
    fail(&mut throttle, 0, "alice", from);
    assert_eq!(throttle.begin(at(0), user("alice"), from).unwrap_err(), Duration::from_secs(1));
}

#[test]
fn an_office_that_logs_in_together_is_not_slowed_down() {
    let mut throttle = Throttle::new(ThrottleConfig::default());
    let from = source("192.0.2.1");
    let names: Vec<_> = (0..200).map(|number| user(&format!("user{number}"))).collect();
    // Some mistype their passwords first.
    for name in &names[..10] {
        let attempt = throttle.begin(at(0), *name, from).unwrap();
        throttle.end(at(0), attempt, Verdict::Wrong);
    }
    let attempts: Vec<_> =
        names.iter().map(|name| throttle.begin(at(1_000), *name, from).expect("an honest user")).collect();
    attempts.into_iter().for_each(|attempt| throttle.end(at(2_000), attempt, Verdict::Right));
    assert_eq!(
        throttle.sources.get(at(2_000), &from.source).map(|source| (source.count, source.in_flight)),
        Some((10, 0))
    );
}

/// Attempts that an attacker with these sources makes at `name` in an hour, all wrong, as fast as the throttle
/// allows.
fn guesses(
    throttle: &mut Throttle,
    name: &str,
    sources: &[SourcePseudonym],
    mut each_second: impl FnMut(&mut Throttle, u64),
) -> usize {
    let mut guesses = 0;
    for second in 0..3_600 {
        let mut attempts = Vec::new();
        // A hundred guesses run at the same time.
        for number in 0..100 {
            let from = sources[(second as usize * 100 + number) % sources.len()];
            attempts.extend(throttle.begin(at(second * 1_000), user(name), from));
        }
        guesses += attempts.len();
        attempts.into_iter().for_each(|attempt| throttle.end(at(second * 1_000), attempt, Verdict::Wrong));
        each_second(throttle, second * 1_000);
    }
    guesses
}

fn site(number: usize) -> impl Iterator<Item = String> {
    (0..65_536).map(move |subnet| format!("2001:db8:{number:x}:{subnet:x}::1"))
}

fn sources(ips: impl Iterator<Item = String>) -> Vec<SourcePseudonym> {
    ips.map(|ip| source(&ip)).collect()
}

#[test]
fn guesses_at_one_name_from_many_sources_are_slowed_down_and_its_user_is_not() {
    let sites = sources((0..20).flat_map(site).step_by(7));
    let addresses: Vec<_> =
        (0..60_000_u32).map(|host| source_of(IpAddr::from((0x0a00_0000 + host).to_be_bytes()))).collect();
    for sources in [sources(site(1)), sites, addresses] {
        let mut throttle = Throttle::new(ThrottleConfig::default());
        let home = source("192.0.2.1");
        throttle.prove(at(0), user("alice"), home.source);
        let guesses = guesses(&mut throttle, "alice", &sources, |throttle, now| {
            let attempt = throttle.begin(at(now), user("alice"), home).expect("she has logged in from here");
            throttle.end(at(now), attempt, Verdict::Right);
            let attempt = throttle.begin(at(now), user("bob"), source("192.0.2.2")).expect("another user");
            throttle.end(at(now), attempt, Verdict::Right);
        });
        assert!(guesses <= 100 + 3_600 / 10, "{guesses}");
    }
}

#[test]
fn a_user_in_a_new_place_has_a_turn_while_others_guess() {
    for networks in [1, 8, 30] {
        let sources = sources((0..networks).flat_map(|number| site(number).take(2_000)));
        let mut throttle = Throttle::new(ThrottleConfig::default());
        let (mut again_at, mut asked, mut admitted_at) = (10_000, 0, None);
        guesses(&mut throttle, "alice", &sources, |throttle, now| {
            // The client waits for the time in the rejection, and up to twice as long.
            if admitted_at.is_none() && now >= again_at {
                asked += 1;
                match throttle.begin(at(now), user("alice"), source("192.0.2.1")) {
                    Ok(attempt) => {
                        throttle.end(at(now), attempt, Verdict::Right);
                        admitted_at = Some(now);
                    }
                    Err(wait) => again_at = now + u64::try_from(wait.as_millis()).unwrap() * 19 / 10 + 1,
                }
            }
        });
        let waited = admitted_at.expect("she has a turn") / 1_000;
        assert!(asked <= 2 && waited < 20 * (networks as u64 + 2) + 10, "{networks} networks: {asked}, {waited} s");
    }
}

/// A user who logs in from a new place during an attack, at one of three servers.
struct Newcomer {
    server: usize,
    from: SourcePseudonym,
    begins_at: u64,
    asks_at: u64,
    asked: u32,
    waited: Option<u64>,
}

impl Newcomer {
    fn new(server: usize, ip: &str, begins_at: u64) -> Self {
        Self { server, from: source(ip), begins_at, asks_at: begins_at, asked: 0, waited: None }
    }

    fn ask(&mut self, servers: &mut [Throttle; 3], second: u64) {
        if self.waited.is_some() || second < self.asks_at {
            return;
        }
        self.asked += 1;
        match servers[self.server].begin(at(second * 1_000), user("alice"), self.from) {
            Ok(attempt) => {
                servers[self.server].end(at(second * 1_000), attempt, Verdict::Open);
                self.waited = Some(second - self.begins_at);
            }
            Err(wait) => self.asks_at = second + wait.as_secs() + 1,
        }
    }
}

#[test]
fn guesses_at_one_name_are_hardly_more_at_three_servers_than_at_one_and_its_user_has_a_turn() {
    for networks in [1, 8, 30, 64] {
        let sites: Vec<_> = (0..networks).map(|number| sources(site(number).take(1_200))).collect();
        let mut servers = [0; 3].map(|_| Throttle::new(ThrottleConfig::default()));
        let mut newcomers = [Newcomer::new(0, "192.0.2.1", 1), Newcomer::new(1, "198.51.100.1", 1_000)];
        let mut guesses = [0; 2];
        for second in 0..7_200_usize {
            let now = second as u64 * 1_000;
            let mut attempts = Vec::new();
            for (number, server) in servers.iter_mut().enumerate() {
                // Every network asks every second, from a source that is not paused. At first there are many guesses.
                let most = if second == 0 { 200 } else { networks };
                for guess in 0..most {
                    let from = sites[(guess + second) % networks][(second * 3 + guess + number * 400) % 1_200];
                    attempts.extend(server.begin(at(now), user("alice"), from).map(|attempt| (number, attempt)));
                }
            }
            guesses[second / 3_600] += attempts.len();
            for (number, attempt) in attempts {
                let hint = attempt.hint(Verdict::Wrong).unwrap();
                servers[number].end(at(now), attempt, Verdict::Wrong);
                let others = servers.iter_mut().enumerate().filter(|(other, _)| *other != number);
                others.for_each(|(_, other)| other.hinted(at(now), hint));
            }
            newcomers.iter_mut().for_each(|newcomer| newcomer.ask(&mut servers, second as u64));
        }
        // Before a server hears of the others, it lets a hundred begin, and promises a turn to each network.
        let (at_first, in_turn) = (3 * (100 + networks.min(32) + 1), 3_600 / 10);
        assert!(guesses[0] <= at_first + in_turn, "{networks} networks: {guesses:?}");
        assert!(guesses[1] <= in_turn + 3, "{networks} networks: {guesses:?}");
        if networks > 32 {
            continue;
        }
        // At the beginning, only the first turn at each server delays her, not the guesses that were free there. Later, the
        // networks wait in one queue.
        let most = [10 * (networks as u64 + 3), 10 * 3 * (networks as u64 + 1)];
        for (newcomer, most) in newcomers.iter().zip(most) {
            let waited = newcomer.waited.expect("she has a turn");
            assert!(waited <= most + 1, "{networks} networks: {waited} s");
            assert_eq!(newcomer.asked, 2, "{networks} networks");
        }
    }
}

#[test]
fn free_attempts_elsewhere_take_no_turn_and_turns_there_move_the_next_one_up_to_a_limit() {
    let (alice, from) = (user("alice"), source("192.0.2.1"));
    let hint = |admission| Hint::Wrong { user: alice, source: source("198.51.100.1").source, admission };
    let mut throttle = Throttle::new(ThrottleConfig::default());
    let mut wait_after = |admission, hints| {
        (0..hints).for_each(|_| throttle.hinted(at(0), hint(admission)));
        let attempt =
            throttle.users.get(at(0), &alice).cloned().unwrap_or_default().admits(at(0), from.widest, &throttle.config);
        attempt.map_err(|wait| wait.as_secs())
    };
    assert_eq!(wait_after(Admission::Free, 300), Ok(Admission::InTurn), "the first turn is free");
    assert_eq!(wait_after(Admission::InTurn, 2), Err(20));
    assert_eq!(wait_after(Admission::InTurn, 1_000), Err(3_200));
}

#[test]
fn hints_count_without_attempts_here_and_end_none() {
    let mut throttle = Throttle::new(ThrottleConfig::default());
    let from = source("192.0.2.1");
    let (user, SourcePseudonym { source, .. }) = (user("alice"), from);
    let attempt = throttle.begin(at(0), user, from).unwrap();
    let admission = Admission::Free;
    for hint in [Hint::Wrong { user, source, admission }, Hint::Right { user, source }, Hint::Taken { source }] {
        throttle.hinted(at(0), hint);
    }
    let in_flight = |memory: &Memory<NetworkPseudonym, Failures>| memory.get(at(0), &source).map(|one| one.in_flight);
    assert_eq!(in_flight(&throttle.sources), Some(1));
    assert_eq!(throttle.pairs.get(at(0), &(user, source)).map(|pair| (pair.count, pair.in_flight)), Some((0, 1)));
    assert_eq!(throttle.sources.get(at(0), &source).map(|source| source.count), Some(2));
    throttle.end(at(0), attempt, Verdict::Open);
    assert!(throttle.pairs.get(at(0), &(user, source)).is_none());
}

#[test]
fn names_without_an_account_are_slowed_down_alike() {
    // The throttle never learns whether there is an account: a wrong password and an unknown name are one verdict.
    let sources = sources(site(1));
    let [known, unknown] = ["alice", "nobody"].map(|name| {
        let mut throttle = Throttle::new(ThrottleConfig::default());
        throttle.prove(at(0), user("alice"), source("192.0.2.1").source);
        guesses(&mut throttle, name, &sources, |_, _| {})
    });
    assert_eq!(known, unknown);
}

#[test]
fn guesses_at_many_names_occupy_bounded_memory() {
    let config = ThrottleConfig { max_remembered: 50, free_per_user: 0, ..ThrottleConfig::default() };
    let mut throttle = Throttle::new(config);
    for number in 0..2_000_u32 {
        let from = source_of(IpAddr::from((0x0a00_0000 + number * 256).to_be_bytes()));
        for name in ["alice".to_owned(), format!("user{number}")] {
            if let Ok(attempt) = throttle.begin(at(0), user(&name), from) {
                throttle.end(at(0), attempt, Verdict::Wrong);
            }
        }
    }
    let debug = format!("{:?}", throttle.users);
    assert!(debug.matches("UserFailures").count() <= 50 && debug.matches("Turn {").count() <= 50 * 32);
}

fn fail_any(throttle: &mut Throttle, now: u64, from: SourcePseudonym) {
    let count = throttle.sources.get(at(now), &from.source).map_or(0, |failures| failures.count);
    if let Ok(attempt) = throttle.begin(at(now), user(&format!("other{count}")), from) {
        throttle.end(at(now), attempt, Verdict::Wrong);
    }
}
