//! Three peer machines on a simulated network that loses a third of all datagrams and reorders, duplicates or corrupts
//! the others. There are no sockets and no tokio, and a run is a function of its seed.
//!
//! ```text
//! cargo run -p chat-examples --example lossy_network
//! ```
//!
//! prints
//!
//! ```text
//! m1 received 20 messages, each once and in order
//! m2 received 20 messages, each once and in order
//! m0 received 40 reports of `delivered`, the last after 1297 ms
//! the members sent 131 datagrams
//! ```

use std::error::Error;
use std::io::{Write, stdout};
use std::time::Duration;

use chat_core::message::{Outcome, Recipient};
use chat_core::peer::PeerConfig;
use chat_core::sim::{Group, Profile, reports, texts};

fn main() -> Result<(), Box<dyn Error>> {
    converse(&mut stdout())
}

fn converse(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let profile = Profile {
        latency: Duration::from_millis(20),
        jitter: Duration::from_millis(40),
        loss: 0.33,
        duplication: 0.1,
        corruption: 0.02,
        ..Profile::GOOD
    };
    let mut group = Group::new(3, profile, &PeerConfig::default(), 7);
    for number in 1..=20 {
        group.send_text(0, Recipient::Everyone, &format!("message {number}"));
    }
    assert!(group.run_until_idle(Duration::from_secs(60)), "outcomes are missing");

    for index in 1..3 {
        let received = texts(&group.take_outputs(index));
        let expected: Vec<String> = (1..=20).map(|number| format!("message {number}")).collect();
        assert_eq!(received, expected, "each message once and in order");
        writeln!(out, "m{index} received {} messages, each once and in order", received.len())?;
    }
    let mut slowest = Duration::ZERO;
    for report in reports(&group.take_outputs(0)) {
        assert_eq!(report.outcome, Outcome::Delivered);
        slowest = slowest.max(report.elapsed);
    }
    writeln!(out, "m0 received 40 reports of `delivered`, the last after {} ms", slowest.as_millis())?;
    writeln!(out, "the members sent {} datagrams", group.network.sent())?;
    Ok(())
}

#[test]
fn it_prints_what_its_header_says() {
    let mut out = Vec::new();
    converse(&mut out).expect("the conversation succeeds");
    chat_examples::assert_prints_its_header("lossy_network.rs", &out);
}
