//! A handle to a session: commands, and what is known about the session without asking the driver.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chat_core::away::AwayText;
use chat_core::id::SessionId;
use chat_core::message::{Content, Recipient};
use chat_core::name::UserName;
use chat_core::password::Password;
use chat_core::time::Timestamp;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use super::command::Command;
use super::events::{Decision, EventQueue};
use super::{ChangePasswordError, LinkStatus, MessageToken, Roster, RosterWatch, SendError, Sent, SetAwayError};

/// A handle to a session. Clones are cheap handles to the same session, for any number of tasks. The client leaves the
/// session when all handles and the [`Events`](super::Events) are dropped.
#[derive(Clone)]
pub struct ClientHandle {
    shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) user: UserName,
    pub(super) session: watch::Receiver<SessionId>,
    pub(super) at: Timestamp,
    pub(super) udp_address: SocketAddr,
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) events: Arc<EventQueue>,
    pub(super) pending_outcomes: watch::Receiver<usize>,
    pub(super) roster: watch::Receiver<Roster>,
}

impl ClientHandle {
    pub(super) fn new(shared: Shared) -> Self {
        Self { shared: Arc::new(shared) }
    }

    /// The user name, in the spelling of its registration.
    pub fn user(&self) -> &UserName {
        &self.shared.user
    }

    /// The id of the current session. It changes with [`Notice::NewSession`](super::Notice::NewSession).
    pub fn session(&self) -> SessionId {
        *self.shared.session.borrow()
    }

    /// The time of the first login, on the server's clock. [`Notice::NewSession`](super::Notice::NewSession) does not
    /// change it.
    pub fn login_time(&self) -> Timestamp {
        self.shared.at
    }

    /// The address on which the UDP socket receives, with the port that the system chose if it was 0.
    pub fn udp_address(&self) -> SocketAddr {
        self.shared.udp_address
    }

    /// Queues a message to a user or to [`Recipient::Everyone`], and returns once it has an id. Each recipient then
    /// gets exactly one outcome, which the returned [`Sent`] waits for.
    ///
    /// The content is a text (`&str`, `String`, or [`Text`](chat_core::text::Text)), or bytes (`&[u8]`, `Vec<u8>`, or
    /// `Bytes`). It has at most 16,384 bytes ([`Text::MAX_BYTES`](chat_core::text::Text::MAX_BYTES)).
    ///
    /// # Errors
    /// See [`SendError`]. The message was not queued, and no recipient will receive it.
    ///
    /// # Cancel safety
    /// If the future is dropped, the message may or may not have been queued.
    pub async fn send<C>(&self, to: impl Into<Recipient>, content: C) -> Result<Sent, SendError>
    where
        C: TryInto<Content>,
        SendError: From<C::Error>,
    {
        let (to, content) = (to.into(), content.try_into()?);
        self.ask(|reply| Command::Send { to, content, reply }).await.unwrap_or(Err(SendError::Offline))
    }

    /// The other sessions that are online, as of the latest update from the server. The roster stays as it is while
    /// there is no connection to the server, and is empty once the session is over.
    ///
    /// The call is cheap: it neither waits nor copies. When an event about a user arrives, the roster contains that
    /// change already.
    pub fn roster(&self) -> Roster {
        self.shared.roster.borrow().clone()
    }

    /// A watch that reports later changes of the roster.
    pub fn watch_roster(&self) -> RosterWatch {
        RosterWatch::new(self.shared.roster.clone())
    }

    /// The measured round-trip time of each user with whom datagrams were exchanged in this session. It can include the
    /// time for which the other side waits before it acknowledges. Empty once the session is over.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn round_trips(&self) -> BTreeMap<UserName, Duration> {
        self.ask(|reply| Command::RoundTrips { reply }).await.unwrap_or_default()
    }

    /// The state of the link to each user with whom there is one: which way it takes, and how well that works. Sorted by
    /// user name. Empty once the session is over.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn links(&self) -> Vec<LinkStatus> {
        self.ask(|reply| Command::Links { reply }).await.unwrap_or_default()
    }

    /// Changes the password of the account. The server then ends the account's other sessions.
    ///
    /// # Errors
    /// See [`ChangePasswordError`]. After [`ChangePasswordError::Unanswered`], either password may be valid.
    ///
    /// # Cancel safety
    /// If the future is dropped, the password may or may not change.
    pub async fn change_password(&self, old: Password, new: Password) -> Result<(), ChangePasswordError> {
        self.ask(|reply| Command::ChangePassword { old, new, reply }).await.unwrap_or(Err(ChangePasswordError::Offline))
    }

    /// Tells everybody that the user is away, or with `None` that the user is back. It lasts until the client ends: the
    /// client says it again whenever it has reconnected. Without a connection, others learn it once there is one again.
    /// Four changes may come together, and then one in ten seconds. Of changes that come faster, the last one counts.
    ///
    /// # Errors
    /// See [`SetAwayError`].
    ///
    /// # Cancel safety
    /// If the future is dropped, others may or may not learn it.
    pub async fn set_away(&self, away: Option<AwayText>) -> Result<(), SetAwayError> {
        self.ask(|reply| Command::SetAway { away, reply }).await.unwrap_or(Err(SetAwayError::Offline))
    }

    /// Begins the next attempt to reach the server now, instead of waiting for its time. For a user who knows that the
    /// server is back, and presses a button. If the next attempt comes earlier because of that,
    /// [`Notice::Reconnecting`](super::Notice::Reconnecting) follows with the new delay.
    ///
    /// However often this is called, attempts that are asked for begin at least 2 s apart. Nothing changes while there is a
    /// connection or an attempt at one, and while the server has asked for a pause.
    ///
    /// # Cancel safety
    /// If the future is dropped, the next attempt may or may not begin now.
    pub async fn retry_now(&self) {
        self.ask(|done| Command::RetryNow { done }).await;
    }

    /// The number of outcomes that are not known yet.
    pub fn pending_outcomes(&self) -> usize {
        *self.shared.pending_outcomes.borrow()
    }

    /// Waits until no outcome is pending, for at most `limit`. Returns the number of outcomes that are still pending.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn idle(&self, limit: Duration) -> usize {
        let mut pending = self.shared.pending_outcomes.clone();
        match timeout(limit, pending.wait_for(|&pending| pending == 0)).await {
            // An error means that the driver is gone. It resolved all messages before it ended.
            Ok(_) => 0,
            Err(_) => self.pending_outcomes(),
        }
    }

    /// Leaves the session: sends goodbyes to the peers and the server. The outcomes that are still pending come before
    /// [`Event::Left`](super::Event::Left), which is the last event. Returns within 3 s even if nobody answers.
    ///
    /// # Cancel safety
    /// If the future is dropped, the client may or may not leave.
    pub async fn leave(self) {
        self.ask(|done| Command::Leave { done }).await;
    }

    /// Accepts a message, so that its sender receives the outcome `delivered`. For
    /// [`AcceptMode::Manual`](super::AcceptMode::Manual).
    pub fn accept(&self, token: MessageToken) {
        self.shared.events.decide(Decision::Accept(token));
    }

    /// Refuses a message, so that its sender receives the outcome `failed`. For
    /// [`AcceptMode::Manual`](super::AcceptMode::Manual).
    pub fn refuse(&self, token: MessageToken) {
        self.shared.events.decide(Decision::Refuse(token));
    }

    /// Sends a command and waits for the answer. `None` if the session is over.
    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.shared.commands.send(command(reply)).await.ok()?;
        answer.await.ok()
    }
}

impl fmt::Debug for ClientHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientHandle")
            .field("user", self.user())
            .field("session", &self.session())
            .finish_non_exhaustive()
    }
}
