//! The relay as a candidate of a path: whether it stands ready, whether it is used, and when direct ways are asked again.
//!
//! The relay needs no proof, because the server passes datagrams to the session alone. Any direct way is better: while the
//! relay is used, direct addresses are asked again and again, and the first that answers takes over.

use std::time::Duration;

use crate::time::Mono;

/// Whether a link may use the relay.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::peer) enum RelayStanding {
    /// One of the two sessions cannot.
    Absent,
    /// Both sessions can, and our connection to the server is away.
    Down,
    /// Datagrams may go there now.
    Up,
}

/// The relay, as one path sees it.
#[derive(Debug)]
pub(super) struct RelayCandidate {
    pub(super) standing: RelayStanding,
    pub(super) usage: Usage,
    /// The times that direct addresses were asked since the relay came into use.
    asks: u32,
    /// The time from which they may be asked again.
    ask_at: Mono,
}

/// Whether a path uses the relay.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Usage {
    Unused,
    /// It is used, and no ack has come since.
    Unanswered,
    /// It is used, and works.
    Answered,
}

/// The pause after direct addresses were asked the first time. It doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The longest pause between two attempts: networks change when people move.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

impl RelayCandidate {
    /// The relay is used from the beginning if there is no address at all.
    pub(super) const fn new(standing: RelayStanding, has_addresses: bool) -> Self {
        let usage = if has_addresses { Usage::Unused } else { Usage::Unanswered };
        Self { standing, usage, asks: 0, ask_at: Mono::ZERO }
    }

    /// Whether the path's datagrams go to the relay now.
    pub(super) fn is_used(&self) -> bool {
        self.standing == RelayStanding::Up && self.usage != Usage::Unused
    }

    /// Whether the path may begin to use it.
    pub(super) fn is_ready(&self) -> bool {
        self.standing == RelayStanding::Up && self.usage == Usage::Unused
    }

    /// Lets direct addresses be asked from `now` on, as if the relay had just come into use.
    pub(super) const fn restart_asking(&mut self, now: Mono) {
        self.asks = 0;
        self.ask_at = now;
    }

    /// The time from which direct addresses are to be asked, if the relay is used.
    pub(super) fn ask_at(&self) -> Option<Mono> {
        self.is_used().then_some(self.ask_at)
    }

    /// Records that direct addresses are asked at `now`. The next time is later than `now`.
    pub(super) fn on_asked(&mut self, now: Mono) {
        let pause = FIRST_PAUSE.saturating_mul(1 << self.asks.min(16)).min(LONGEST_PAUSE);
        self.asks = self.asks.saturating_add(1);
        self.ask_at = now + pause;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn direct_addresses_are_asked_at_half_a_second_and_then_up_to_once_a_minute() {
        let mut relay = RelayCandidate::new(RelayStanding::Up, false);
        let mut asked = Vec::new();
        while asked.len() < 10 {
            let at = relay.ask_at().unwrap();
            asked.push(at.since(Mono::ZERO).as_millis());
            relay.on_asked(at);
        }
        assert_eq!(asked, [0, 500, 1_500, 3_500, 7_500, 15_500, 31_500, 63_500, 123_500, 183_500]);
        relay.standing = RelayStanding::Down;
        assert_eq!(relay.ask_at(), None);
    }
}
