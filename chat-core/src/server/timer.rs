//! What the server machine waits for.

use crate::id::{AccountId, ConnId};

/// The timers of the machine. Each has at most one deadline.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Timer {
    /// The connection must log in.
    Login(ConnId),
    /// The connection must send a frame.
    Silence(ConnId),
    /// The connection gets a new ticket.
    Renew(ConnId),
    /// The connection gets the snapshot that it requested too early.
    Refresh(ConnId),
    /// The change of addresses that came too early is made.
    Move(ConnId),
    /// What the user says about being away takes effect, after it came too early.
    Away(ConnId),
    /// The grace time of the session ends.
    Grace(AccountId),
    /// The server polls the accounts for changes.
    Poll,
    /// The server reports the accounts that are online.
    Seen,
    /// The server repeats a report of void tickets that failed.
    VoidTickets,
    /// Pending changes are published.
    Publish,
    /// The guest waits no longer for its act.
    Proposal(ConnId),
    /// The node makes the next call of the journal.
    Journal,
    /// The node gives a sign of life.
    Round,
    /// The node tries to enter again, or founds an epoch.
    Rejoin,
    /// The node publishes again.
    Hold,
    /// The server stops without waiting for further results.
    Stop,
}
