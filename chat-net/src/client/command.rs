//! Commands: what a [`ClientHandle`](super::ClientHandle) asks of the driver.

use std::collections::BTreeMap;
use std::time::Duration;

use chat_core::away::AwayText;
use chat_core::message::{Content, Recipient};
use chat_core::name::UserName;
use chat_core::password::Password;
use tokio::sync::oneshot;

use super::{ChangePasswordError, LinkStatus, SendError, Sent, SetAwayError};

/// The most commands that may wait for the driver. While the queue is full, callers wait.
pub(super) const MAX_WAITING_COMMANDS: usize = 256;

pub(super) enum Command {
    Send { to: Recipient, content: Content, reply: oneshot::Sender<Result<Sent, SendError>> },
    ChangePassword { old: Password, new: Password, reply: oneshot::Sender<Result<(), ChangePasswordError>> },
    RoundTrips { reply: oneshot::Sender<BTreeMap<UserName, Duration>> },
    Links { reply: oneshot::Sender<Vec<LinkStatus>> },
    RetryNow { done: oneshot::Sender<()> },
    SetAway { away: Option<AwayText>, reply: oneshot::Sender<Result<(), SetAwayError>> },
    Leave { done: oneshot::Sender<()> },
}

/// Answers a command. A caller that stopped waiting needs no answer.
pub(super) fn answer<T>(reply: oneshot::Sender<T>, result: T) {
    drop(reply.send(result).err());
}
