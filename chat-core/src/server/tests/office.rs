//! Many people behind one address, and what one of them can do to the others.

use super::*;

const ROUTER: &str = "203.0.113.7:50000";

fn colleague(number: u64) -> Account {
    Account { id: AccountId::new(1_000 + number), ..account(&format!("colleague{number}")) }
}

/// Somebody behind the same address who tries passwords of many names, on as many connections as it takes.
struct Guesser {
    conn: u64,
    guesses: u64,
}

impl Guesser {
    fn new(conn: u64) -> Self {
        Self { conn, guesses: 0 }
    }

    fn guess(&mut self, t: &mut Bench, times: u64) {
        for _ in 0..times {
            self.guesses += 1;
            if self.guesses % 8 == 1 {
                t.disconnect(self.conn);
                self.conn += 1;
                t.greet_from(self.conn, ROUTER);
            }
            let user = format!("customer{}", self.guesses % 250);
            if t.request_login(self.conn, &user).iter().any(|line| line.starts_with("job ")) {
                let (id, _) = t.jobs.pop_back().unwrap();
                t.done(id, JobResult::Account(Err(AccountError::WrongCredentials)));
            }
        }
    }
}

/// Everybody logs in on connections from `first` on, all at the same time.
fn log_in_together(t: &mut Bench, first: u64, mut meanwhile: impl FnMut(&mut Bench)) {
    for number in 1..=200 {
        let conn = first + number;
        t.greet_from(conn, ROUTER);
        let user = format!("colleague{number}");
        assert_eq!(t.request_login(conn, &user), [format!("job authenticate {user}")]);
        meanwhile(t);
    }
    for number in 1..=200 {
        let welcome = format!("{} <- welcome LoggedIn colleague{number}", first + number);
        assert!(t.answer(Ok(colleague(number))).contains(&welcome), "{welcome}");
    }
}

#[test]
fn an_office_of_200_behind_one_address_logs_in_while_somebody_there_guesses_passwords() {
    let mut t = Bench::with(ServerConfig::default());
    log_in_together(&mut t, 0, |_| {});
    // In the evening everybody leaves. At nine o'clock somebody is there already.
    for number in 1..=200 {
        t.send(number, &Request::Leave);
    }
    t.pass(15 * 60 * 60 * 1_000);
    let mut guesser = Guesser::new(10_000);
    guesser.guess(&mut t, 100);
    assert!(t.request_login(guesser.conn, "stranger")[0].ends_with("failed-logins"), "the source is paused for others");
    log_in_together(&mut t, 1_000, |t| guesser.guess(t, 3));
}

#[test]
fn an_office_resumes_its_sessions_and_logs_in_again_after_a_restart() {
    let mut t = Bench::with(ServerConfig::default());
    log_in_together(&mut t, 0, |_| {});
    t = t.restarted();
    let mut guesser = Guesser::new(10_000);
    guesser.guess(&mut t, 100);
    for number in 1..=200 {
        t.greet_from(1_000 + number, ROUTER);
        t.resume(1_000 + number, number);
    }
    let all: Vec<_> = (1..=200).map(colleague).collect();
    while !t.jobs.is_empty() {
        t.look_up(all.clone());
    }
    assert_eq!(t.online().len(), 200);
    for number in 1..=200 {
        t.send(1_000 + number, &Request::Leave);
    }
    // The returned sessions have shown that their users belong here.
    log_in_together(&mut t, 2_000, |t| guesser.guess(t, 3));
}

#[test]
fn right_passwords_of_one_source_occupy_few_checks() {
    let mut t = Bench::with(ServerConfig::default());
    let (mut conn, mut checks) = (0, 0);
    for second in 0..60 {
        for round in 0..100 {
            conn += 1;
            t.greet_from(conn, ROUTER);
            let number = second * 100 + round;
            if t.request_login(conn, &format!("colleague{number}"))[0].starts_with("job ") {
                checks += 1;
                t.answer(Ok(colleague(number)));
            }
            t.send(conn, &Request::Leave);
        }
        t.pass(1_000);
    }
    let burst = 2 * ServerConfig::default().max_connections_per_address;
    assert!((burst..burst + 62).contains(&checks), "{checks} checks");
    t.greet_from(100_000, "198.51.100.1:50000");
    assert_eq!(t.request_login(100_000, "alice"), ["job authenticate alice"], "another source");
}

#[test]
fn an_account_occupies_few_checks_from_however_many_sources() {
    let mut t = Bench::with(ServerConfig::default());
    let mut checks = 0;
    for conn in 1..=6_000_u64 {
        t.greet_from(conn, &format!("10.{}.{}.1:50000", conn / 250, conn % 250));
        if t.request_login(conn, "mallory")[0].starts_with("job ") {
            checks += 1;
            t.answer(Ok(account("mallory")));
        }
        t.send(conn, &Request::Leave);
        t.pass(10);
    }
    assert!(checks <= 20 + 6, "{checks} checks in a minute");
}

#[test]
fn password_changes_of_one_session_are_limited() {
    let mut t = Bench::with(ServerConfig::default());
    t.login(1, "alice");
    let change = Request::ChangePassword(ChangePassword { old: PASSWORD, new: PASSWORD });
    let mut changes = 0;
    for _ in 0..600 {
        let lines = t.send(1, &change);
        if lines[0].starts_with("job ") {
            changes += 1;
            t.answer(Ok(account("alice")));
        } else {
            assert!(lines[1].contains("SlowDown"), "{lines:?}");
        }
        t.pass(100);
    }
    assert!((20..=19 + 6).contains(&changes), "{changes} in a minute");
}
