//! What goes into the server machine and what comes out of it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;

use super::limit::Limit;
use crate::accounts::{Account, AccountError};
use crate::id::{AccountId, ConnId, JobId};
use crate::name::UserName;
use crate::password::Password;
use crate::presence::Record;
use crate::time::Timestamp;

/// What the driver tells the machine.
pub enum Input<'a> {
    /// A connection is there, encrypted and all; its number was never used before.
    Connected {
        /// Its number.
        conn: ConnId,
        /// Where it comes from.
        from: SocketAddr,
    },
    /// The payload of one frame came, the hello included.
    Frame {
        /// From where.
        conn: ConnId,
        /// Without its length.
        payload: &'a [u8],
    },
    /// A connection is gone.
    Closed {
        /// Which.
        conn: ConnId,
        /// Why.
        why: Closed,
    },
    /// All that a connection was sent is written; told when that has included a copy, or when it missed something.
    Drained {
        /// Which.
        conn: ConnId,
        /// Whether it was sent everything.
        missed: Missed,
    },
    /// A job is done. Every job is answered exactly once.
    Done {
        /// Which.
        job: JobId,
        /// With what result.
        result: JobResult,
    },
    /// The server is to stop. Everything after that is ignored.
    Stop,
    /// The deadline has come.
    Tick,
}

/// Prints no payload: it may hold a password.
impl fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected { conn, from } => write!(f, "Connected({conn}, {from})"),
            Self::Frame { conn, payload } => write!(f, "Frame({conn}, {} bytes)", payload.len()),
            Self::Closed { conn, why } => write!(f, "Closed({conn}, {why:?})"),
            Self::Drained { conn, missed } => write!(f, "Drained({conn}, {missed:?})"),
            Self::Done { job, result } => write!(f, "Done({job}, {result:?})"),
            Self::Stop => f.write_str("Stop"),
            Self::Tick => f.write_str("Tick"),
        }
    }
}

/// Why a connection is gone without the machine having closed it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Closed {
    /// It ended or broke, or its bytes were no frames.
    Broken,
    /// The client did not read what was sent, for longer than the driver waits.
    TooSlow,
}

/// Whether a connection was sent all broadcasts since its last copy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Missed {
    /// It was.
    Nothing,
    /// Too much waited for it already, so that it was left out.
    Changes,
}

/// What the driver is to do, in this order.
#[derive(Clone)]
pub enum Output {
    /// Write these frames.
    Send {
        /// To this connection.
        conn: ConnId,
        /// Whole frames, lengths included.
        bytes: Bytes,
    },
    /// Write these frames, and from now on the broadcasts: whatever of these waited is older. The frames are the whole
    /// roster, or for who had it before what it has missed, which may be nothing.
    Snapshot {
        /// To this connection.
        conn: ConnId,
        /// Whole frames, lengths included. Copies share their memory.
        frames: Arc<[Bytes]>,
    },
    /// Write these frames to every connection that has got a copy. Where too much waits already they may be left out,
    /// with all later ones until the connection is [drained](Input::Drained) and has got another copy.
    Broadcast {
        /// Whole frames, lengths included.
        bytes: Bytes,
    },
    /// The connection has logged in: from now on it may send longer frames and may have more waiting.
    Admit {
        /// Which.
        conn: ConnId,
    },
    /// Write what was sent before, then close. No [`Input::Closed`] needs to follow, and no broadcast goes there.
    Close {
        /// Which.
        conn: ConnId,
    },
    /// Ask the accounts.
    Job {
        /// Comes back with the result.
        id: JobId,
        /// What to ask.
        job: Job,
    },
    /// Write a line of the presence log.
    Record(Record),
    /// Tell whoever runs the server, though not every time, that somebody was refused because of a bound.
    LimitReached(Limit),
    /// Tell the operator, once for each observed address, that a forwarder seems to be in front of the server. The roster
    /// keeps the addresses that the client offers.
    Forwarder {
        /// The address from which the connection came.
        observed: IpAddr,
        /// An address that the client offers.
        offered: IpAddr,
    },
}

/// Prints no frames: they may hold tickets.
impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send { conn, bytes } => write!(f, "Send({conn}, {} bytes)", bytes.len()),
            Self::Snapshot { conn, frames } => write!(f, "Snapshot({conn}, {} frames)", frames.len()),
            Self::Broadcast { bytes } => write!(f, "Broadcast({} bytes)", bytes.len()),
            Self::Admit { conn } => write!(f, "Admit({conn})"),
            Self::Close { conn } => write!(f, "Close({conn})"),
            Self::Job { id, job } => write!(f, "Job({id}, {job:?})"),
            Self::Record(record) => write!(f, "Record({record})"),
            Self::LimitReached(bound) => write!(f, "LimitReached({bound})"),
            Self::Forwarder { observed, offered } => write!(f, "Forwarder({observed}, {offered})"),
        }
    }
}

/// One call of [`Accounts`](crate::accounts::Accounts); the driver adds the time.
#[derive(Clone, Debug)]
pub enum Job {
    /// Make an account.
    Register {
        /// With this name.
        name: UserName,
        /// With this password.
        password: Password,
    },
    /// Check a password.
    Authenticate {
        /// Of this user.
        name: UserName,
        /// The password.
        password: Password,
    },
    /// Change a password.
    ChangePassword {
        /// Of this account.
        id: AccountId,
        /// The one so far.
        old: Password,
        /// The new one.
        new: Password,
    },
    /// Give these accounts.
    LookUp {
        /// Sorted, each once.
        ids: Vec<AccountId>,
    },
    /// Give the accounts that changed.
    ChangedSince {
        /// At this time or later.
        since: Timestamp,
    },
    /// Note that these accounts are or were online just now.
    Seen {
        /// Sorted, each once.
        ids: Vec<AccountId>,
    },
}

/// What came of a [`Job`].
#[derive(Clone, Debug)]
pub enum JobResult {
    /// Of [`Job::Register`], [`Job::Authenticate`] and [`Job::ChangePassword`].
    Account(Result<Account, AccountError>),
    /// Of [`Job::LookUp`] and [`Job::ChangedSince`].
    Accounts(Result<Vec<Account>, AccountError>),
    /// Of [`Job::Seen`].
    Seen(Result<(), AccountError>),
}

impl JobResult {
    pub(super) fn account(self) -> Result<Account, AccountError> {
        if let Self::Account(result) = self { result } else { Err(other_kind()) }
    }

    pub(super) fn accounts(self) -> Result<Vec<Account>, AccountError> {
        if let Self::Accounts(result) = self { result } else { Err(other_kind()) }
    }
}

/// The driver has mixed up two results: for the client it is as if there were none.
fn other_kind() -> AccountError {
    AccountError::Unavailable(Arc::new(OtherKind))
}

#[derive(Debug, thiserror::Error)]
#[error("the result is that of another kind of job")]
struct OtherKind;
