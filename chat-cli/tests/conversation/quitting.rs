//! A client that is asked to quit while nobody has answered yet.

use std::collections::BTreeMap;

use chat_store::testing;
use rustix::process::Signal;

use crate::server::Server;

#[test]
fn who_is_asked_to_quit_tells_one_outcome_of_each_message_before_it_ends() {
    const TEXTS: usize = 5;
    for signal in [Signal::TERM, Signal::INT] {
        let server = Server::start(testing::sqlite());
        let mut bob = server.client("bob").register().start();
        let carol = server.client("carol").register().start();
        bob.expect(&["online carol"]);
        let mut alice = server.client("alice").register().start();
        carol.expect(&["online alice"]);
        // To an address that is not proven little would go, and what never went is `failed`.
        bob.type_line("/msg alice hello");
        bob.until("outcome alice delivered");
        alice.message();
        alice.type_line("/msg bob hello");
        alice.until("outcome bob delivered");
        // From now on he answers nothing.
        bob.process.signal(Signal::STOP);
        for number in 0..TEXTS {
            alice.type_line(&format!("text {number}"));
            alice.until("outcome carol delivered");
        }
        alice.process.signal(signal);
        let (code, events) = alice.end();
        assert_eq!(code, Some(1), "{events:?}");
        let mut told: BTreeMap<&str, usize> = BTreeMap::new();
        events.iter().for_each(|event| *told.entry(event).or_default() += 1);
        let summary = "summary 1 delivered, bob unconfirmed: leaving";
        assert_eq!(told, BTreeMap::from([("outcome bob unconfirmed: leaving", TEXTS), (summary, TEXTS)]));
    }
}
