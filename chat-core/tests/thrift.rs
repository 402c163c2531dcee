//! What is not lost is not sent again.

use std::time::Duration;

use chat_core::message::Recipient;
use chat_core::peer::PeerConfig;
use chat_core::sim::{Group, Profile, SimDatagram};

/// A datagram at least so long has text in it: the texts below are longer, and acks are shorter.
const TEXT: usize = 300;

fn texts(flights: &[SimDatagram], from: usize, group: &Group) -> Vec<usize> {
    let own = flights.iter().filter(|flight| flight.from == group.address(from));
    own.map(|flight| flight.bytes.len()).filter(|len| *len >= TEXT).collect()
}

/// Networks on which nothing is lost or overtaken. Up to 70 ms one way: from 75 ms on the answer to the very first
/// datagram of a link comes after its first probe (50 ms as the first guess of a round trip, 100 ms for its variation
/// and 20 ms for the ack), so that one text of each new link may travel twice.
fn sound_networks() -> impl Iterator<Item = Profile> {
    [0, 1, 5, 20, 45, 70].map(Duration::from_millis).map(|latency| Profile { latency, ..Profile::GOOD }).into_iter()
}

#[test]
fn without_loss_no_text_travels_twice() {
    for profile in sound_networks() {
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
            let flights = group.network.take_captured();
            // 900 bytes and what belongs to them: no two of them fit into one datagram.
            let sent = (0..4).map(|from| texts(&flights, from, &group).len()).sum::<usize>();
            assert_eq!(sent, 60 * 3, "{:?} one way, a text each {pause} ms", profile.latency);
        }
    }
}

#[test]
fn without_loss_the_pieces_of_long_texts_travel_once() {
    for profile in sound_networks() {
        let mut group = Group::new(2, profile, &PeerConfig::default(), 7);
        group.network.capture();
        for _ in 0..20 {
            group.send_text(0, Recipient::Everyone, &"x".repeat(16_384));
        }
        assert!(group.run_until_idle(Duration::from_secs(60)));
        let bytes: usize = texts(&group.network.take_captured(), 0, &group).iter().sum();
        // A header of 17 bytes, a tag of 16, and about 20 to say what the rest is, of 1200.
        let most = 20 * 16_400 * 1_200 / 1_120;
        assert!(bytes <= most, "{bytes} bytes for {} of text at {:?}", 20 * 16_384, profile.latency);
    }
}
