//! A client that is stopped while outcomes are outstanding.

use std::collections::BTreeMap;

use chat_store::testing;
use rustix::process::Signal;

use crate::harness::Server;

#[test]
fn a_stopped_client_reports_one_outcome_of_each_message_before_it_ends() {
    const TEXTS: usize = 5;
    for signal in [Signal::TERM, Signal::INT] {
        let server = Server::start(testing::sqlite());
        let mut bob = server.client("bob").register().start();
        let carol = server.client("carol").register().start();
        bob.expect(&["online carol"]);
        let mut alice = server.client("alice").register().start();
        carol.expect(&["online alice"]);
        // Proves the addresses. To an unproven address, some texts would never be transmitted and end as `failed`.
        bob.type_line("/msg alice hello");
        bob.until("outcome alice delivered");
        alice.message();
        alice.type_line("/msg bob hello");
        alice.until("outcome bob delivered");
        // Bob answers nothing from now on.
        bob.process.signal(Signal::STOP);
        for number in 0..TEXTS {
            alice.type_line(&format!("text {number}"));
            alice.until("outcome carol delivered");
        }
        alice.process.signal(signal);
        let (code, events) = alice.end();
        assert_eq!(code, Some(1), "{events:?}");
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        events.iter().for_each(|event| *counts.entry(event).or_default() += 1);
        let summary = "summary 1 delivered, bob unconfirmed: leaving";
        assert_eq!(counts, BTreeMap::from([("outcome bob unconfirmed: leaving", TEXTS), (summary, TEXTS)]));
    }
}
