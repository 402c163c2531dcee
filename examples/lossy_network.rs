//! The peer machine alone, on a simulated network that loses a third of everything and delivers the rest out of order,
//! twice, or damaged. No sockets, no tokio, and the same seed always gives the same run.
//!
//! ```text
//! cargo run -p chat-examples --example lossy_network
//! ```
#![expect(clippy::print_stdout, reason = "the transcript is what this example is for")]

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
    assert!(group.run_until_idle(Duration::from_secs(60)), "every outcome is told");

    for index in 1..3 {
        let heard: Vec<String> = group.take_outputs(index).into_iter().filter_map(text).collect();
        let expected: Vec<String> = (1..=20).map(|number| format!("message {number}")).collect();
        assert_eq!(heard, expected, "each once and in order");
        println!("m{index} heard {} messages, each once and in order", heard.len());
    }
    let mut slowest = Duration::ZERO;
    for output in group.take_outputs(0) {
        if let Output::Report(report) = output {
            assert_eq!(report.outcome, Outcome::Delivered);
            slowest = slowest.max(report.after);
        }
    }
    println!("m0 was told 40 times `delivered`, at the latest after {} ms", slowest.as_millis());
    println!("{} datagrams were sent for it", group.network.sent());
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
    fn it_runs_to_its_end() {
        super::main();
    }
}
