//! Three peer machines on a simulated network that loses a third of all datagrams and reorders, duplicates or corrupts the
//! others. There are no sockets and no tokio, and a run is a function of its seed.
//!
//! ```text
//! cargo run -p chat-examples --example lossy_network
//! ```
#![expect(clippy::print_stdout, reason = "the example prints its results")]

use std::time::Duration;

use chat_core::message::{Content, Outcome, Recipient};
use chat_core::peer::{Output, PeerConfig};
use chat_core::sim::{Group, Profile};

fn main() {
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
        let received: Vec<String> = group.take_outputs(index).into_iter().filter_map(text).collect();
        let expected: Vec<String> = (1..=20).map(|number| format!("message {number}")).collect();
        assert_eq!(received, expected, "each message once and in order");
        println!("m{index} received {} messages, each once and in order", received.len());
    }
    let mut slowest = Duration::ZERO;
    for output in group.take_outputs(0) {
        if let Output::Report(report) = output {
            assert_eq!(report.outcome, Outcome::Delivered);
            slowest = slowest.max(report.after);
        }
    }
    println!("m0 received 40 reports of `delivered`, the last after {} ms", slowest.as_millis());
    println!("the members sent {} datagrams", group.network.sent());
}

fn text(output: Output) -> Option<String> {
    match output {
        Output::Deliver { message, .. } => match message.content {
            Content::Text(text) => Some(text.as_str().to_owned()),
            Content::Bytes(_) => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_example_succeeds() {
        super::main();
    }
}
