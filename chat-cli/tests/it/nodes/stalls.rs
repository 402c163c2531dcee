//! Redis stalls: it keeps its connections and answers nothing, and carries out later what was asked of it.

use std::thread;
use std::time::{Duration, Instant};

use chat_store::testing::Keep;

use crate::harness::{Nodes, join_at, presence_until, see, talk};

#[test]
fn redis_that_stalls_during_changes_delays_them_and_nothing_happens_twice() {
    /// Longer than the 3 s after which a call is given up, and than the six rounds after which a server is lost whose signs
    /// of life are missing while those of others are not.
    const STALL_TIME: Duration = Duration::from_secs(8);
    const NEW: [(usize, &str); 4] = [(0, "dave"), (1, "erin"), (0, "frank"), (1, "grace")];
    let nodes = Nodes::start(2, Keep::Aof);
    let mut clients = join_at(&nodes, &[(0, "alice"), (1, "bob"), (0, "carol"), (1, "dora")]);
    nodes.redis.pause();
    let begin = Instant::now();
    // Sent before anybody knows that Redis stalls: it has all of them when it goes on.
    clients[0].type_line("/away lunch");
    let dora = clients.pop().unwrap();
    assert_eq!(dora.leave().0, Some(0));
    let refused: Vec<_> = thread::scope(|scope| {
        let logins = NEW.map(|(number, user)| {
            let setup = nodes.servers[number].client(user).register();
            scope.spawn(move || setup.run(""))
        });
        logins.into_iter().map(|login| login.join().unwrap()).collect()
    });
    // The accounts are created, and only the sessions have to wait: nobody is asked to register once more.
    for finished in &refused {
        assert_eq!((finished.code, finished.error_code().as_str()), (Some(3), "registration-unanswered"));
    }
    for number in 0..2 {
        assert_eq!(nodes.shared(number)["state"], "away");
    }
    thread::sleep(STALL_TIME.saturating_sub(begin.elapsed()));
    nodes.redis.resume();
    nodes.are_ready(&[0, 1]);
    for number in 0..2 {
        let shared = nodes.shared(number);
        assert_eq!((&shared["sessions_inherited"], &shared["epochs"]), (&0.into(), &1.into()), "{shared}");
    }
    for client in &clients[1..] {
        let mut seen = [client.next(), client.next()];
        seen.sort_unstable();
        assert_eq!(seen, ["away alice: lunch", "offline dora asked"]);
    }
    assert_eq!(presence_until(&clients[0], 1), ["offline dora asked"]);
    talk(&mut clients, "it goes on");
    for (number, user) in NEW {
        let new = nodes.servers[number].client(user).start();
        see(&clients, &format!("online {user}"));
        clients.push(new);
    }
}
