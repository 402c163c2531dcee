//! The network between one server and Redis fails. The other server has no trouble, and neither does the network between the
//! clients.

use std::thread;
use std::time::{Duration, Instant};

use chat_store::testing::Keep;
use serde_json::json;

use crate::harness::{Client, Fault, Nodes, join_at, presence_until, see, talk, until};

const USERS: [(usize, &str); 4] = [(0, "alice"), (1, "bob"), (0, "carol"), (1, "小明")];

/// The first server cannot use Redis for 10 s: longer than the six rounds after which the other one declares it lost.
fn comes_back_with_its_users(fault: Fault) {
    const FAULT_TIME: Duration = Duration::from_secs(10);
    let (nodes, proxy) = Nodes::start_first_behind_proxy(Keep::Nothing);
    let mut clients = join_at(&nodes, &USERS);
    proxy.set(fault);
    let begin = Instant::now();
    until("the server notices", || nodes.shared(0)["state"] == "away");
    nodes.are_ready(&[1]);
    talk(&mut clients, "it is cut off");
    thread::sleep(FAULT_TIME.saturating_sub(begin.elapsed()));
    proxy.set(Fault::None);
    nodes.are_ready(&[0, 1]);
    for number in 0..2 {
        until("each session is where it was", || nodes.shared(number)["sessions_here"] == 2);
        assert_eq!(nodes.shared(number)["epochs"], 1);
    }
    assert_eq!(nodes.shared(1)["sessions_inherited"], 2);
    talk(&mut clients, "it is back");
    let dave = nodes.servers[0].client("dave").register().start();
    assert_eq!(dave.welcome, "welcome dave: alice, bob, carol, 小明");
    see(&clients, "online dave");
}

#[test]
fn a_server_that_redis_does_not_hear_for_a_moment_comes_back_with_its_users() {
    comes_back_with_its_users(Fault::Silence);
}

#[test]
fn a_server_that_does_not_hear_redis_for_a_moment_comes_back_with_its_users() {
    comes_back_with_its_users(Fault::SilentServer);
}

#[test]
fn users_of_a_server_that_is_cut_off_for_a_minute_are_offline_once_and_come_back_in_new_sessions() {
    /// Longer than the 6 s after which the other server declares this one lost, and the 40 s for which the sessions that it
    /// inherits then wait.
    const FAULT_TIME: Duration = Duration::from_secs(60);
    let (nodes, proxy) = Nodes::start_first_behind_proxy(Keep::Nothing);
    let mut clients = join_at(&nodes, &USERS);
    proxy.set(Fault::Silence);
    let begin = Instant::now();
    for client in [&clients[1], &clients[3]] {
        assert_eq!(presence_until(client, 2), ["offline alice lost", "offline carol lost"]);
    }
    thread::sleep(FAULT_TIME.saturating_sub(begin.elapsed()));
    // Their own server cannot know it, and leaves everybody in.
    let status = nodes.servers[0].status();
    assert_eq!((&status["online"], &status["roster"]), (&json!(2), &json!(4)));
    proxy.set(Fault::None);
    nodes.are_ready(&[0, 1]);
    for client in [&clients[1], &clients[3]] {
        assert_eq!(presence_until(client, 2), ["online alice", "online carol"]);
    }
    for (client, other) in [(&clients[0], "carol"), (&clients[2], "alice")] {
        // The one that is back first finds the other gone, and the other one finds a new session.
        let mut presence = presence_until(client, 1);
        if presence == [format!("offline {other} lost")] {
            presence = presence_until(client, 1);
            assert_eq!(presence, [format!("online {other}")]);
        } else {
            assert_eq!(presence, [format!("replaced {other}")]);
        }
    }
    nodes.have_online(&[0, 1], 4);
    talk(&mut clients, "a minute later");
}

/// Logins at the first server take longer, and nothing else is different: it is not lost in more rounds than it takes to
/// declare it lost.
fn only_takes_longer(fault: Fault) {
    const FAULT_TIME: Duration = Duration::from_secs(9);
    let (nodes, proxy) = Nodes::start_first_behind_proxy(Keep::Nothing);
    let mut clients = join_at(&nodes, &USERS);
    proxy.set(fault);
    let begin = Instant::now();
    for user in ["dave", "erin"] {
        let new = nodes.servers[0].client(user).register().start();
        see(&clients, &format!("online {user}"));
        let (code, _) = new.leave();
        assert_eq!(code, Some(0));
        see(&clients, &format!("offline {user} asked"));
    }
    while begin.elapsed() < FAULT_TIME {
        for number in 0..2 {
            assert_eq!(nodes.shared(number)["state"], "ready");
        }
    }
    talk(&mut clients, "slow");
    proxy.set(Fault::None);
    nodes.are_ready(&[0, 1]);
    let frank = nodes.servers[0].client("frank").register().start();
    assert_eq!(frank.welcome, "welcome frank: alice, bob, carol, 小明");
    see(&clients, "online frank");
    for number in 0..2 {
        assert_eq!(nodes.shared(number)["sessions_inherited"], 0);
    }
}

#[test]
fn a_network_with_long_delays_only_makes_logins_take_longer() {
    only_takes_longer(Fault::Delay(Duration::from_millis(300)));
}

#[test]
fn a_network_that_passes_a_few_bytes_at_a_time_only_makes_logins_take_longer() {
    only_takes_longer(Fault::Drip);
}

#[test]
fn a_first_login_that_a_server_refuses_without_redis_goes_on_at_another_and_a_wrong_password_does_not() {
    /// Each begins at any server, so that it is certain enough that some begin at the one without Redis.
    const LOGINS: usize = 12;
    let (nodes, proxy) = Nodes::start_first_behind_proxy(Keep::Nothing);
    proxy.set(Fault::Reset);
    until("the server notices", || nodes.shared(0)["state"] == "away");
    let clients: Vec<Client> =
        (0..LOGINS).map(|number| nodes.client(&format!("user{number}")).register().start()).collect();
    let refused = |number: usize, why: &str| nodes.servers[number].status()["refused"][why].as_u64().unwrap_or(0);
    until("some began at the server without Redis", || refused(0, "storage_unavailable") > 0);
    until("all are at the other server", || nodes.shared(1)["sessions_here"] == LOGINS);
    drop(clients);
    proxy.set(Fault::None);
    nodes.are_ready(&[0, 1]);
    let wrong = nodes.client("user0").env("CHAT_PASSWORD", "another one").run("");
    assert_eq!(wrong.error_code(), "wrong-credentials");
    until("a server has counted it", || refused(0, "wrong_credentials") + refused(1, "wrong_credentials") > 0);
    // A second attempt would have come before the client ended.
    thread::sleep(Duration::from_secs(2));
    assert_eq!(refused(0, "wrong_credentials") + refused(1, "wrong_credentials"), 1, "only one server was asked");
}
