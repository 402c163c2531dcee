//! No spurious retransmission: on a network without loss, nothing is sent twice.

use std::time::Duration;

use chat_core::message::Recipient;
use chat_core::peer::PeerConfig;
use chat_core::sim::{Group, Profile, SimDatagram};

/// The length from which on a datagram contains a message: the texts below are longer, and acks are shorter.
const WITH_MESSAGE: usize = 300;

/// The lengths of the datagrams with messages from member `from`.
fn message_datagrams(datagrams: &[SimDatagram], from: usize, group: &Group) -> Vec<usize> {
    let own = datagrams.iter().filter(|datagram| datagram.from == group.address(from));
    own.map(|datagram| datagram.bytes.len()).filter(|len| *len >= WITH_MESSAGE).collect()
}

/// Networks without loss or reordering, with a latency of up to 70 ms one way. From 75 ms on, the answer to the first
/// datagram of a link follows the first probe (after 50 ms for the initial round trip, 100 ms for its variation and 20 ms
/// for the ack), so one message of each new link may be sent twice.
fn lossless_networks() -> impl Iterator<Item = Profile> {
    [0, 1, 5, 20, 45, 70].map(Duration::from_millis).map(|latency| Profile { latency, ..Profile::GOOD }).into_iter()
}

#[test]
fn no_message_is_sent_twice() {
    for profile in lossless_networks() {
        for pause in [0, 1, 7, 30, 200] {
            let mut group = Group::new(4, profile, &PeerConfig::default(), pause);
            group.network.capture();
            for number in 0..60 {
                let text = "x".repeat(900);
                group.send_text(number % 4, Recipient::Everyone, &text);
                group.run(Duration::from_millis(pause));
            }
            assert!(group.run_until_idle(Duration::from_secs(60)));
            group.run(Duration::from_secs(60));
            let datagrams = group.network.take_captured();
            // Two texts of 900 bytes do not fit one datagram.
            let sent = (0..4).map(|from| message_datagrams(&datagrams, from, &group).len()).sum::<usize>();
            assert_eq!(sent, 60 * 3, "latency {:?}, a text every {pause} ms", profile.latency);
        }
    }
}

#[test]
fn no_message_to_a_large_group_is_sent_twice_while_its_acks_are_delayed() {
    // From 33 recipients on, acks of messages that follow each other are delayed by up to 500 ms.
    const RECIPIENTS: usize = 35;
    for profile in lossless_networks() {
        for pause in [2, 20, 60, 240, 400] {
            let mut group = Group::new(RECIPIENTS + 1, profile, &PeerConfig::default(), pause);
            group.network.capture();
            for _ in 0..20 {
                group.send_text(0, Recipient::Everyone, &"x".repeat(900));
                group.run(Duration::from_millis(pause));
            }
            assert!(group.run_until_idle(Duration::from_secs(1)), "an outcome takes less than a second");
            group.run(Duration::from_secs(5));
            let sent = message_datagrams(&group.network.take_captured(), 0, &group).len();
            assert_eq!(sent, 20 * RECIPIENTS, "latency {:?}, a text every {pause} ms", profile.latency);
        }
    }
}

#[test]
fn no_fragment_is_sent_twice() {
    for profile in lossless_networks() {
        let mut group = Group::new(2, profile, &PeerConfig::default(), 7);
        group.network.capture();
        for _ in 0..20 {
            group.send_text(0, Recipient::Everyone, &"x".repeat(16_384));
        }
        assert!(group.run_until_idle(Duration::from_secs(60)));
        let bytes: usize = message_datagrams(&group.network.take_captured(), 0, &group).iter().sum();
        // Of 1,200 bytes, the header takes 17, the tag 16, and the head of a fragment and other frames up to 47.
        let most = 20 * 16_400 * 1_200 / 1_120;
        assert!(bytes <= most, "{bytes} bytes for {} bytes of text at {:?}", 20 * 16_384, profile.latency);
    }
}
