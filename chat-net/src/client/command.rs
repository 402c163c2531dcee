//! What the handle asks of the driver's task.

use chat_core::message::{Content, Recipient};
use chat_core::password::Password;
use chat_core::roster::Entry;
use tokio::sync::oneshot;

use super::Sent;
use crate::error::{ChangePasswordError, SendError};

/// How many commands may wait for the task; more make their callers wait.
pub(super) const COMMANDS: usize = 256;

pub(super) enum Command {
    Send { to: Recipient, content: Content, reply: oneshot::Sender<Result<Sent, SendError>> },
    Roster { reply: oneshot::Sender<Vec<Entry>> },
    ChangePassword { old: Password, new: Password, reply: oneshot::Sender<Result<(), ChangePasswordError>> },
    Leave { done: oneshot::Sender<()> },
}

/// Answers a command. A caller who does not wait any more needs no answer.
pub(super) fn answer<T>(reply: oneshot::Sender<T>, result: T) {
    drop(reply.send(result).err());
}
