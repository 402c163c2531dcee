//! Redis is killed while many users log in, and loses everything while many are there.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chat_core::wire::rejection::Rejection;
use chat_store::testing::Keep;

use crate::harness::{Crowd, Nodes, Seen, until};

/// More users than a server checks passwords in a second, at some 20 ms each on two processors: so logins go on when the
/// test kills Redis, which it does once it has seen some of them succeed. A thousand would take most of a minute, or several
/// on a busy machine: those of the next test have tickets.
#[test]
fn whoever_is_welcomed_while_redis_is_killed_is_in_the_roster_and_the_others_come_by_themselves() {
    const USERS: usize = 80;
    let mut nodes = Nodes::start(2, Keep::Aof);
    let servers: Vec<_> = nodes.servers.iter().map(|server| server.address).collect();
    let crowd = Crowd::start("u", USERS, &servers);
    until("some users are there", || crowd.count(|seen| seen.is_online) >= USERS / 8);
    nodes.redis.stop();
    let welcomed = crowd.count(|seen| seen.is_online);
    assert!(welcomed < USERS, "the logins go on");
    // Their accounts exist already, or not.
    let is_refused = |seen: &Seen| !seen.rejected.is_empty() || seen.unanswered > 0;
    until("some users are refused", || crowd.count(is_refused) >= USERS / 16);
    until("both servers notice", || (0..2).all(|number| nodes.shared(number)["state"] == "away"));
    nodes.redis.restart();
    nodes.are_ready(&[0, 1]);
    crowd.see_all(&crowd.names());
    let all = crowd.seen();
    for (_, seen) in &all {
        // A registration that was refused has created no account.
        assert!(seen.rejected.iter().all(|why| *why == Rejection::StorageUnavailable), "{:?}", seen.rejected);
    }
    let refused = |user: &str| all.iter().any(|(name, seen)| name == user && is_refused(seen));
    for (user, seen) in &all {
        let mut events: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for event in &seen.presence {
            let (kind, other) = event.split_once(' ').unwrap();
            events.entry(other).or_default().push(kind);
        }
        for (other, kinds) in events {
            // An act that Redis had when it died is in effect afterwards. Its user logs in once more.
            let is_right =
                kinds == ["online"] || refused(other) && matches!(&*kinds, ["online", "replaced"] | ["replaced"]);
            assert!(is_right, "{user} reports of {other}: {kinds:?}");
        }
    }
    for number in 0..2 {
        assert_eq!(nodes.shared(number)["epochs"], 1, "nothing was lost");
    }
}

#[test]
fn no_client_reports_anything_when_redis_is_killed_while_a_thousand_log_in_with_tickets() {
    const USERS: usize = 100;
    const LOGINS: usize = 1_000;
    let mut nodes = Nodes::start(2, Keep::Aof);
    let servers: Vec<_> = nodes.servers.iter().map(|server| server.address).collect();
    let crowd = Crowd::start("u", USERS, &servers);
    crowd.see_all(&crowd.names());
    let (before, registered) = (crowd.seen(), crowd.welcomes());
    crowd.wander(true);
    until("half of the logins are done", || crowd.welcomes() >= registered + LOGINS / 2);
    nodes.redis.stop();
    let done = crowd.welcomes();
    assert!(done < registered + LOGINS, "the logins go on");
    until("both servers notice", || (0..2).all(|number| nodes.shared(number)["state"] == "away"));
    // A session continues at its own server without Redis.
    until("some come back meanwhile", || crowd.welcomes() >= done + USERS / 10);
    nodes.redis.restart();
    nodes.are_ready(&[0, 1]);
    until("all logins are done", || crowd.welcomes() >= registered + LOGINS);
    crowd.wander(false);
    crowd.see_all(&crowd.names());
    for ((user, seen), (_, before)) in crowd.seen().into_iter().zip(before) {
        assert_eq!((seen.presence, seen.end), (before.presence, None), "{user}");
    }
    for number in 0..2 {
        assert_eq!(nodes.shared(number)["epochs"], 1, "nothing was lost");
    }
}

#[test]
fn no_client_of_many_reports_that_redis_came_back_empty() {
    /// How long a login may take to reach every client.
    const SEEN_TIME: Duration = Duration::from_secs(30);
    const USERS: usize = 150;
    let mut nodes = Nodes::start(3, Keep::Nothing);
    let servers: Vec<_> = nodes.servers.iter().map(|server| server.address).collect();
    let crowd = Crowd::start("u", USERS, &servers);
    let mut all = crowd.names();
    crowd.see_all(&all);
    let here = |number: usize| nodes.shared(number)["sessions_here"].as_u64().unwrap();
    // One whose server was slow may have gone to another.
    until("each session is at one server", || {
        let here = [0, 1, 2].map(here);
        here.iter().sum::<u64>() == USERS as u64 && here.iter().all(|here| *here > 0)
    });
    let before: Vec<_> = crowd.seen().into_iter().map(|(_, seen)| seen.presence).collect();
    nodes.redis.restart();
    until("a new epoch has begun", || (0..3).all(|number| nodes.shared(number)["epochs"] == 2));
    nodes.are_ready(&[0, 1, 2]);
    // Nobody can log in until every server has had time to say what it knows.
    let mut late = None;
    until("a login succeeds", || {
        late = nodes.client("late").register().try_start().ok();
        late.is_some()
    });
    let begin = Instant::now();
    all.insert("late".to_owned());
    crowd.see_all(&all);
    assert!(begin.elapsed() < SEEN_TIME, "{:?}", begin.elapsed());
    for ((user, seen), before) in crowd.seen().into_iter().zip(before) {
        assert_eq!(seen.presence, [before, vec!["online late".to_owned()]].concat(), "{user}");
    }
    let epochs = [0, 1, 2].map(|number| nodes.shared(number)["epoch"].clone());
    assert!(epochs.iter().all(|epoch| *epoch == epochs[0]), "{epochs:?}");
    for number in 0..3 {
        assert_eq!(nodes.shared(number)["epochs"], 2, "one new epoch");
    }
}
