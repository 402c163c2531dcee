//! How often the limits on peers took effect.

use std::ops::AddAssign;

/// How often each limit on peers took effect since the machine was created. Honest peers do not reach them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct LimitCounts {
    /// Links that were closed because one of the two sides violated the protocol.
    pub violations: u64,
    /// Attempts to transmit while the retransmission budget was used up, so that lost messages waited.
    pub retransmissions: u64,
    /// Challenges that waited because the challenge budget was used up.
    pub challenges: u64,
    /// Users to whom the machine no longer opens links, because they had too many sessions.
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
