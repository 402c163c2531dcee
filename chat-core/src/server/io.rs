//! The inputs and outputs of the server machine.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;

use super::config::RegistrationPolicy;
use super::limit::Limit;
use crate::accounts::{Account, AccountError};
use crate::id::{AccountId, ConnId, JobId, SessionId};
use crate::journal::{JournalCall, JournalError, JournalReply};
use crate::name::UserName;
use crate::password::Password;
use crate::presence::Record;
use crate::time::Timestamp;

/// What the driver reports to the machine.
#[non_exhaustive]
pub enum Input<'a> {
    /// A connection exists, and its encryption is established.
    Connected {
        /// A number that was never used before.
        conn: ConnId,
        /// The client's address.
        from: SocketAddr,
    },
    /// A frame arrived. The hello counts as a frame.
    Frame {
        /// The connection that received it.
        conn: ConnId,
        /// The frame without its length.
        payload: &'a [u8],
    },
    /// A connection ended, and the machine did not close it.
    Closed {
        /// The connection.
        conn: ConnId,
        /// The reason.
        why: Closed,
    },
    /// Everything that was queued for a connection has been written. Needed only after a snapshot or after broadcasts
    /// that were left out.
    Drained {
        /// The connection.
        conn: ConnId,
        /// Whether broadcasts were left out.
        missed: Missed,
    },
    /// A job is done. Every job has exactly one result.
    Done {
        /// The job.
        job: JobId,
        /// Its result.
        result: JobResult,
    },
    /// The operator changed which clients may register an account. The change counts from the next request on, and ends
    /// no session.
    SetRegistration(RegistrationPolicy),
    /// Stop the server. It stops once the registrations, password changes and reports of void tickets in flight have
    /// their results, at the latest after [`ServerConfig::finish_time`](super::ServerConfig::finish_time). The driver
    /// continues until the server [has stopped](super::Server::is_stopped).
    Stop,
    /// The deadline has come.
    Tick,
}

/// Prints no payload: it may contain a password.
impl fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected { conn, from } => write!(f, "Connected({conn}, {from})"),
            Self::Frame { conn, payload } => write!(f, "Frame({conn}, {} bytes)", payload.len()),
            Self::Closed { conn, why } => write!(f, "Closed({conn}, {why:?})"),
            Self::Drained { conn, missed } => write!(f, "Drained({conn}, {missed:?})"),
            Self::Done { job, result } => write!(f, "Done({job}, {result:?})"),
            Self::SetRegistration(policy) => write!(f, "SetRegistration({policy:?})"),
            Self::Stop => f.write_str("Stop"),
            Self::Tick => f.write_str("Tick"),
        }
    }
}

/// Why a connection ended that the machine did not close.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Closed {
    /// It ended or broke, or its bytes were not frames.
    Broken,
    /// The client did not read what was sent to it, for longer than the driver waits.
    TooSlow,
}

/// Whether a connection was sent all broadcasts since its last snapshot or delta.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Missed {
    /// All of them.
    Nothing,
    /// Some were left out, because the send queue had no room.
    Changes,
}

/// What the machine asks the driver to do. The driver performs outputs in order. Exhaustive, because it performs all of
/// them.
#[derive(Clone)]
#[expect(clippy::exhaustive_enums, reason = "a driver performs every output")]
pub enum Output {
    /// Write these frames.
    Send {
        /// The connection to write to.
        conn: ConnId,
        /// Complete frames, with their lengths.
        bytes: Bytes,
    },
    /// Write these frames, which are a snapshot or a delta, and from now on the broadcasts. Broadcasts that still wait
    /// for this connection are older and may be dropped.
    Snapshot {
        /// The connection to write to.
        conn: ConnId,
        /// Complete frames, with their lengths. A delta may have none. Clones share their memory.
        frames: Arc<[Bytes]>,
    },
    /// Write these frames to every connection that was sent a snapshot or a delta. If the send queue of a connection
    /// has no room for them, leave out these and all later broadcasts there, until the connection is
    /// [drained](Input::Drained) and has been sent another snapshot.
    Broadcast {
        /// Complete frames, with their lengths.
        bytes: Bytes,
    },
    /// The connection has logged in. From now on its frames and its send queue may be longer.
    Admit {
        /// The connection.
        conn: ConnId,
        /// The session, if the server relays for it: its parcels go to the [`Relay`](crate::wire::relay), and its relayed
        /// datagrams to this connection.
        relay: Option<SessionId>,
    },
    /// Write what was sent before, then close. [`Input::Closed`] need not follow, and the connection receives no
    /// further broadcasts.
    Close {
        /// The connection.
        conn: ConnId,
    },
    /// Call the accounts.
    Job {
        /// Returns with the result.
        id: JobId,
        /// The call.
        job: Job,
    },
    /// Write a line of the presence log.
    Record(Record),
    /// Count that a client reached a limit, and report that to the operator, at a limited rate.
    LimitReached(Limit),
    /// Report to the operator, once for each observed address, that a forwarder seems to be in front of the server. The
    /// roster keeps the addresses that the client offers.
    Forwarder {
        /// The address from which the connection came.
        observed: IpAddr,
        /// An address that the client offers.
        offered: IpAddr,
    },
}

/// Prints no frames: they may contain tickets.
impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send { conn, bytes } => write!(f, "Send({conn}, {} bytes)", bytes.len()),
            Self::Snapshot { conn, frames } => write!(f, "Snapshot({conn}, {} frames)", frames.len()),
            Self::Broadcast { bytes } => write!(f, "Broadcast({} bytes)", bytes.len()),
            Self::Admit { conn, .. } => write!(f, "Admit({conn})"),
            Self::Close { conn } => write!(f, "Close({conn})"),
            Self::Job { id, job } => write!(f, "Job({id}, {job:?})"),
            Self::Record(record) => write!(f, "Record({record})"),
            Self::LimitReached(limit) => write!(f, "LimitReached({limit})"),
            Self::Forwarder { observed, offered } => write!(f, "Forwarder({observed}, {offered})"),
        }
    }
}

/// One call of [`Accounts`](crate::accounts::Accounts), or of the journal. The driver adds the time. Exhaustive, because it makes every
/// call.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a driver makes every call")]
pub enum Job {
    /// Register an account.
    Register {
        /// Its user name.
        name: UserName,
        /// Its password.
        password: Password,
    },
    /// Check a password.
    Authenticate {
        /// The user name of the account.
        name: UserName,
        /// The password that the client sent.
        password: Password,
    },
    /// Change a password.
    ChangePassword {
        /// The account.
        id: AccountId,
        /// The current password.
        old: Password,
        /// The new password.
        new: Password,
    },
    /// Look up accounts.
    LookUp {
        /// Their ids, sorted and without duplicates.
        ids: Vec<AccountId>,
    },
    /// Look up the accounts that changed.
    ChangedSince {
        /// The time of the earliest change that counts.
        since: Timestamp,
    },
    /// Record that accounts are online, or were until now.
    Seen {
        /// Their ids, sorted and without duplicates.
        ids: Vec<AccountId>,
    },
    /// Void the tickets of sessions that began at `until` or earlier.
    VoidTickets {
        /// The accounts of the sessions, sorted and without duplicates.
        ids: Vec<AccountId>,
        /// The beginning of the latest of these sessions.
        until: Timestamp,
    },
    /// Call the [`Journal`](crate::journal::Journal). Only a server that [shares](super::Server::sharing) one does.
    Journal(JournalCall),
}

/// The result of a [`Job`]. Exhaustive, as [`Job`] is.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "there is a result for every call")]
pub enum JobResult {
    /// The result of [`Job::Register`], [`Job::Authenticate`] or [`Job::ChangePassword`].
    Account(Result<Account, AccountError>),
    /// The result of [`Job::LookUp`] or [`Job::ChangedSince`].
    Accounts(Result<Vec<Account>, AccountError>),
    /// The result of [`Job::Seen`].
    Seen(Result<(), AccountError>),
    /// The result of [`Job::VoidTickets`].
    Voided(Result<(), AccountError>),
    /// The result of [`Job::Journal`].
    Journal(Result<JournalReply, JournalError>),
}

impl JobResult {
    pub(super) fn account(self) -> Result<Account, AccountError> {
        if let Self::Account(result) = self { result } else { Err(other_kind()) }
    }

    pub(super) fn accounts(self) -> Result<Vec<Account>, AccountError> {
        if let Self::Accounts(result) = self { result } else { Err(other_kind()) }
    }

    pub(super) fn journal(self) -> Result<JournalReply, JournalError> {
        if let Self::Journal(result) = self { result } else { Err(JournalError::away(OtherKind)) }
    }

    pub(super) fn voided(self) -> Result<(), AccountError> {
        if let Self::Voided(result) = self { result } else { Err(other_kind()) }
    }
}

/// The error of a driver that mixed up two results. The client is rejected as if the accounts were unavailable.
fn other_kind() -> AccountError {
    AccountError::Unavailable(Arc::new(OtherKind))
}

#[derive(Debug, thiserror::Error)]
#[error("the result belongs to another kind of job")]
struct OtherKind;
