//! Peer machines without a simulated network, for tests that need control over each datagram.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chat_core::extras::Extras;
use chat_core::key::KeyPair;
use chat_core::name::UserName;
use chat_core::peer::{Loopback, Peer, PeerConfig};
use chat_core::roster::{Entry, LinkVersions};
use chat_core::sim::SeededGenerator;
use chat_core::time::{Mono, Now, Timestamp};

/// Creates a peer machine and its roster entry: user `m1` for index 1, and so on.
pub(crate) fn peer(index: usize) -> (Peer, Entry) {
    let mut generator = SeededGenerator::new(index as u64);
    let keys = Arc::new(KeyPair::generate(&mut generator));
    let user = UserName::parse(&format!("m{index}")).expect("a letter and digits");
    let entry = Entry {
        user: user.clone(),
        key: keys.public(),
        addresses: vec![peer_address(index)],
        since: Timestamp::from_millis(0),
        versions: LinkVersions { low: 1, high: 1 },
        extras: Extras::default(),
    };
    (Peer::new(keys, user, Loopback::Ignored, PeerConfig::default(), Box::new(generator)), entry)
}

/// The address of a peer: 10.1.0.1 for index 1, and so on.
pub(crate) fn peer_address(index: usize) -> SocketAddr {
    let [_, _, high, low] = u32::try_from(index).expect("a small index").to_be_bytes();
    SocketAddr::from(([10, 1, high, low], 4000))
}

/// The time `elapsed` after the start.
pub(crate) fn now(elapsed: Duration) -> Now {
    Now { mono: Mono::at(elapsed), wall: Timestamp::from_millis(1_795_408_080_000) + elapsed }
}
