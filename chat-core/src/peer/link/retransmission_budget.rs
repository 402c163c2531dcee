//! The bound on what a link sends again.
//!
//! A peer decides what is sent again: it may leave packets out of its acks, send none, or ask to resend messages. A
//! link that receives little from its peer therefore sends little again, as it sends little to an unproven address.

use crate::peer::config::MAX_QUEUED_BYTES;
use crate::wire::datagram::MAX_DATAGRAM;

/// The bytes of datagrams that repeat something and that the peer has not paid for with datagrams of its own.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct RetransmissionBudget {
    spent: usize,
}

/// The bytes that may be spent before the peer sends anything: everything that can be unresolved on a link, once, so that
/// no single loss or request exceeds it.
const BUDGET: usize = MAX_QUEUED_BYTES;

/// The bytes that each byte of an authentic datagram restores. An ack of 45 bytes pays for two full datagrams, about
/// twice what an honest peer causes on a network that loses a third of all datagrams.
const RESTORED_PER_BYTE: usize = 64;

impl RetransmissionBudget {
    /// Records an authentic datagram of `len` bytes from the peer.
    pub(super) const fn on_received(&mut self, len: usize) {
        self.spent = self.spent.saturating_sub(len * RESTORED_PER_BYTE);
    }

    /// Records a datagram of `len` bytes that repeats something.
    pub(super) const fn on_sent(&mut self, len: usize) {
        self.spent += len;
    }

    /// Whether one more datagram may repeat something.
    pub(super) const fn is_available(&self) -> bool {
        self.spent + MAX_DATAGRAM <= BUDGET
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn received_bytes_restore_what_was_spent_and_no_more() {
        let mut budget = RetransmissionBudget::default();
        budget.on_received(1_000_000);
        let mut sent = 0;
        while budget.is_available() {
            budget.on_sent(MAX_DATAGRAM);
            sent += MAX_DATAGRAM;
        }
        assert!(sent <= BUDGET && sent > BUDGET - 2 * MAX_DATAGRAM, "{sent}");
        budget.on_received(45);
        let more = (0..).take_while(|_| {
            let available = budget.is_available();
            budget.on_sent(MAX_DATAGRAM);
            available
        });
        let more = more.count();
        assert!((2..=3).contains(&more), "{more} datagrams for 45 bytes");
    }
}
