//! How often the limits on peers took effect.

use std::ops::AddAssign;

/// How often each limit on peers took effect since the machine was created. Honest peers do not reach them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct LimitCounts {
    /// Links that were closed because one of the two sides violated the protocol.
    pub violations: u64,
    /// Attempts to transmit that left lost messages waiting, because the peer had caused many retransmissions and sent
    /// little.
    pub retransmissions: u64,
    /// Challenges of addresses that waited, because the link had sent many datagrams to addresses that did not answer.
    pub challenges: u64,
    /// Users to whom no links are opened any more, because they had too many sessions.
    pub users: u64,
}

impl AddAssign for LimitCounts {
    fn add_assign(&mut self, other: Self) {
        let Self { violations, retransmissions, challenges, users } = other;
        self.violations += violations;
        self.retransmissions += retransmissions;
        self.challenges += challenges;
        self.users += users;
    }
}
