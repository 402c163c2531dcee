//! Servers stop and start one after another, as in an upgrade, while their users write to each other.

use std::thread;
use std::time::{Duration, Instant};

use chat_store::testing::Keep;

use crate::harness::{EventLog, Nodes, is_presence, join};

#[test]
fn every_message_is_delivered_while_each_server_stops_and_starts_again() {
    const USERS: [&str; 6] = ["alice", "bob", "carol", "dave", "erin", "小明"];
    /// How often each user writes, and with which pause: a second or so for each of six stops and starts.
    const MESSAGES: usize = 60;
    const PAUSE: Duration = Duration::from_millis(100);
    let mut nodes = Nodes::start(3, Keep::Nothing);
    let clients = join(&nodes, &USERS);
    let logs: Vec<EventLog> = thread::scope(|scope| {
        let writing: Vec<_> = clients
            .into_iter()
            .map(|mut client| {
                scope.spawn(move || {
                    let (mut log, others) = (EventLog::default(), USERS.len() - 1);
                    for number in 0..MESSAGES {
                        client.type_line(&format!("{number}"));
                        let next = Instant::now() + PAUSE;
                        while let Ok(event) = client.events.next(next.saturating_duration_since(Instant::now())) {
                            log.add(&event);
                        }
                    }
                    log.collect(&client, MESSAGES * others, MESSAGES * others);
                    log
                })
            })
            .collect();
        for number in 0..3 {
            nodes.servers[number].stop();
            nodes.restart(number);
            nodes.are_ready(&[0, 1, 2]);
        }
        writing.into_iter().map(|writing| writing.join().unwrap()).collect()
    });
    let texts: Vec<String> = (0..MESSAGES).map(|number| number.to_string()).collect();
    for (user, mut log) in USERS.into_iter().zip(logs) {
        let others: Vec<_> = USERS.into_iter().filter(|other| *other != user).collect();
        log.assert_all_delivered_to(&others);
        others.iter().for_each(|other| log.assert_received(other, &texts));
        log.others.retain(|event| is_presence(event));
        assert_eq!(log.others, [""; 0], "{user}");
    }
}
