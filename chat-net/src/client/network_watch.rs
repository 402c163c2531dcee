//! Watches for signs that the network is back while the client has no connection to the server. After a sign, the
//! client dials the server immediately instead of waiting for its next attempt.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use if_addrs::IfOperStatus;
use tokio::time::{Instant, sleep_until};

use crate::interfaces;

/// How often the interfaces are listed. A user who plugs in a cable does not notice a delay of one second.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The time without an answer from any peer after which the next answer is a sign. While only the server is
/// unavailable, peers answer without such a pause, which says nothing about the server.
const PAUSE: Duration = Duration::from_secs(3);

/// Watches for signs. Does nothing until [`NetworkWatch::sign`] is awaited.
#[derive(Debug)]
pub(super) struct NetworkWatch {
    /// The addresses of the interfaces that were up at the latest poll. `None` before the first poll since the
    /// connection broke.
    addresses: Option<BTreeSet<(String, IpAddr)>>,
    poll_at: Instant,
    heard_at: Option<Instant>,
    peers: Peers,
}

/// What the peers say about the network.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Peers {
    Nothing,
    /// One has answered after a pause.
    Returned,
}

impl NetworkWatch {
    pub(super) fn new() -> Self {
        Self { addresses: None, poll_at: Instant::now(), heard_at: None, peers: Peers::Nothing }
    }

    /// Records an authentic datagram from a peer.
    pub(super) fn on_heard(&mut self) {
        let now = Instant::now();
        if self.heard_at.replace(now).is_some_and(|before| now - before >= PAUSE) {
            self.peers = Peers::Returned;
        }
    }

    /// Records that the connection to the server is back, and forgets all signs: they say nothing about the next
    /// failure.
    pub(super) fn on_connected(&mut self) {
        self.addresses = None;
        self.peers = Peers::Nothing;
    }

    /// Resolves at the next sign: a peer that answers after a pause, or an interface that has come up or has another
    /// address. Cancel safe.
    pub(super) async fn sign(&mut self) {
        loop {
            if std::mem::replace(&mut self.peers, Peers::Nothing) == Peers::Returned {
                return;
            }
            sleep_until(self.poll_at).await;
            self.poll_at = Instant::now() + POLL_INTERVAL;
            let now = addresses();
            let before = self.addresses.replace(now.clone());
            if before.is_some_and(|before| !now.is_subset(&before)) {
                return;
            }
        }
    }
}

fn addresses() -> BTreeSet<(String, IpAddr)> {
    let up = interfaces::list().into_iter().filter(|interface| interface.oper_status == IfOperStatus::Up);
    up.map(|interface| (interface.name.clone(), interface.ip())).collect()
}

#[cfg(test)]
mod tests {
    use tokio::time::{advance, timeout};

    use super::*;

    async fn has_sign(watch: &mut NetworkWatch) -> bool {
        timeout(Duration::ZERO, watch.sign()).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_after_a_pause_is_a_sign_and_steady_answers_are_not() {
        let mut watch = NetworkWatch::new();
        watch.on_heard();
        assert!(!has_sign(&mut watch).await, "the first answer follows no pause");
        for _ in 0..10 {
            advance(PAUSE / 2).await;
            watch.on_heard();
            assert!(!has_sign(&mut watch).await);
        }
        advance(PAUSE).await;
        watch.on_heard();
        assert!(has_sign(&mut watch).await);
        assert!(!has_sign(&mut watch).await, "each sign counts once");
        advance(PAUSE).await;
        watch.on_heard();
        watch.on_connected();
        assert!(!has_sign(&mut watch).await, "it belongs to an earlier failure");
    }
}
