//! What happened, in order, until the application reads it. Nothing here grows without bound, and nothing is dropped
//! that cannot be said shorter:
//! messages are bounded by the room that the peer machine grants, outcomes by what [`Client::send`](super::Client::send)
//! accepts, presence becomes one change per user, and of notices only the latest are kept.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chat_core::id::{MessageId, SessionId};
use chat_core::message::{Message, Outcome, Report};
use chat_core::name::UserName;
use chat_core::peer;
use chat_core::presence::{Presence, PresenceEvent};
use tokio::sync::{Notify, mpsc};

use super::AcceptMode;
use super::command::Command;
use crate::error::EndReason;
use crate::identity::Fingerprint;

/// From so many unread presence events on, further ones are kept as one change per user: a reader who is that far behind
/// wants to know who is here, not who came and went.
const PRESENCE: usize = 1024;

/// How many notices are kept unread; they tell of a moment, and those of long ago say nothing any more.
const NOTICES: usize = 256;

/// How many outcomes may be unread or open before nothing more is accepted: some 30 MB.
pub(super) const OUTCOMES: usize = 262_144;

/// What a client's application is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Somebody came, went or moved; never oneself.
    Presence(PresenceEvent),
    /// A message for us.
    Message {
        /// The message.
        message: Message,
        /// To say whether it was taken, with [`AcceptMode::Manual`].
        token: MessageToken,
    },
    /// What became of one of our messages for one recipient.
    Report(Report),
    /// What became of a message to everyone, after the last report about it.
    Summary {
        /// Which message.
        id: MessageId,
        /// How many have it.
        delivered: usize,
        /// The others, and what became of it for each.
        others: Vec<(UserName, Outcome)>,
    },
    /// Something about the connections.
    Notice(Notice),
    /// The session is over for good; nothing follows.
    Ended(EndReason),
    /// We left; nothing follows.
    Left,
}

/// Something about the connections that people may want to know.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Notice {
    /// The connection to the server broke. Peers can still be written to.
    Reconnecting {
        /// When the next attempt is made.
        after: Duration,
    },
    /// The connection is back and the roster in step.
    Reconnected,
    /// The server could not continue the session; this is a new one, and what was open before has its outcomes.
    NewSession(SessionId),
    /// The server says that it stops.
    ServerStopping,
    /// Instead of the server something with another key answers: the server's key was changed, or somebody stands in
    /// between. Nothing was sent there, and the attempts go on. Told once until the connection is back.
    ServerKeyChanged {
        /// The server's fingerprint so far.
        known: Fingerprint,
        /// The fingerprint of what answers.
        shown: Fingerprint,
    },
    /// Nothing comes back from this peer; mostly a firewall stands between.
    PeerUnresponsive(UserName),
    /// The peer answers again.
    PeerResponsive(UserName),
    /// The peer's program broke the protocol; nothing is exchanged with it any more.
    PeerMisbehaved(UserName),
    /// The session has met 65,536 others that left and can remember no more of them: whoever is new cannot be written to
    /// before we have logged in anew.
    SessionExhausted,
    /// The system gave a smaller receive buffer than was asked for (on Linux: raise `net.core.rmem_max`).
    ReceiveBufferSmall {
        /// What it gave, in bytes.
        granted: usize,
        /// What was asked for.
        wanted: usize,
    },
}

/// A received message, for the application's answer. It is worth nothing any more after [`Notice::NewSession`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MessageToken {
    /// Our session then: numbers of messages begin anew with the next one.
    pub(super) session: SessionId,
    pub(super) inner: peer::Token,
}

/// What the application did with a message.
#[derive(Debug)]
pub(super) enum Decision {
    Accept(MessageToken),
    Refuse(MessageToken),
}

/// The stream of events. It keeps the session alive as the [`Client`](super::Client) does; a dropped stream refuses the messages that it holds,
/// and those that come later.
pub struct Events {
    queue: Arc<EventQueue>,
    taking: AcceptMode,
    _alive: mpsc::Sender<Command>,
}

impl Events {
    pub(super) const fn new(queue: Arc<EventQueue>, taking: AcceptMode, alive: mpsc::Sender<Command>) -> Self {
        Self { queue, taking, _alive: alive }
    }

    /// The next event; `None` after [`Event::Left`] or [`Event::Ended`]. With [`AcceptMode::Automatic`] a message that is
    /// returned counts as taken.
    ///
    /// Cancel safety: no event is lost if the future is dropped.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            let readable = self.queue.readable.notified();
            match self.queue.pop() {
                Popped::Event(event) => {
                    if let (AcceptMode::Automatic, Event::Message { token, .. }) = (self.taking, &event) {
                        self.queue.judge(Decision::Accept(*token));
                    }
                    return Some(event);
                }
                Popped::Nothing => readable.await,
                Popped::End => return None,
            }
        }
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        for event in self.queue.abandon() {
            if let Event::Message { token, .. } = event {
                self.queue.judge(Decision::Refuse(token));
            }
        }
    }
}

enum Popped {
    Event(Event),
    Nothing,
    End,
}

/// Between the driver's task and the application.
#[derive(Debug, Default)]
pub(super) struct EventQueue {
    state: Mutex<State>,
    readable: Notify,
    verdicts: Mutex<Vec<Decision>>,
    judged: Notify,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Event>,
    /// How many events of each kind that is bounded here are in `queue`.
    presence: usize,
    notices: usize,
    outcomes: usize,
    /// One change per user, for later than the presence events in `queue`.
    pending: BTreeMap<UserName, PresenceEvent>,
    abandoned: bool,
    over: bool,
}

impl EventQueue {
    /// Adds an event. Messages for a reader who is gone are refused.
    pub(super) fn push(&self, event: Event) {
        let mut state = self.lock();
        if state.abandoned {
            if let Event::Message { token, .. } = event {
                self.judge(Decision::Refuse(token));
            }
            return;
        }
        match &event {
            Event::Presence(presence) if state.presence >= PRESENCE || !state.pending.is_empty() => {
                return merge(&mut state.pending, presence);
            }
            Event::Presence(_) => state.presence += 1,
            Event::Report(_) | Event::Summary { .. } => state.outcomes += 1,
            Event::Notice(_) if state.notices >= NOTICES => {
                if let Some(oldest) = state.queue.iter().position(|event| matches!(event, Event::Notice(_))) {
                    state.queue.remove(oldest);
                }
            }
            Event::Notice(_) => state.notices += 1,
            Event::Ended(_) | Event::Left => state.over = true,
            Event::Message { .. } => {}
        }
        state.queue.push_back(event);
        drop(state);
        self.readable.notify_one();
    }

    /// For a driver that ends without a last event: the reader must not wait for ever.
    pub(super) fn close(&self) {
        if !self.lock().over {
            self.push(Event::Ended(EndReason::Internal));
        }
    }

    /// How many outcomes are unread.
    pub(super) fn unread_outcomes(&self) -> usize {
        self.lock().outcomes
    }

    pub(super) fn judge(&self, verdict: Decision) {
        self.verdicts.lock().unwrap_or_else(PoisonError::into_inner).push(verdict);
        self.judged.notify_one();
    }

    /// Resolves when there are verdicts. Cancel safe.
    pub(super) async fn judged(&self) {
        self.judged.notified().await;
    }

    /// The verdicts since the last call.
    pub(super) fn verdicts(&self) -> Vec<Decision> {
        std::mem::take(&mut *self.verdicts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn pop(&self) -> Popped {
        let mut state = self.lock();
        if state.presence == 0
            && let Some((_, event)) = state.pending.pop_first()
        {
            return Popped::Event(Event::Presence(event));
        }
        let Some(event) = state.queue.pop_front() else {
            return if state.over { Popped::End } else { Popped::Nothing };
        };
        match &event {
            Event::Presence(_) => state.presence -= 1,
            Event::Report(_) | Event::Summary { .. } => state.outcomes -= 1,
            Event::Notice(_) => state.notices -= 1,
            Event::Message { .. } | Event::Ended(_) | Event::Left => {}
        }
        Popped::Event(event)
    }

    fn abandon(&self) -> VecDeque<Event> {
        let mut state = self.lock();
        state.abandoned = true;
        state.pending.clear();
        state.outcomes = 0;
        std::mem::take(&mut state.queue)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics half-way, so a poisoned lock still guards a sound queue.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes one change of two for a user: what the reader has to know to be in step.
fn merge(pending: &mut BTreeMap<UserName, PresenceEvent>, event: &PresenceEvent) {
    use Presence::{Moved, Offline, Online, Replaced};
    let presence = match (pending.get(&event.user).map(|before| before.presence), event.presence) {
        // Came and went: the reader never has to know.
        (Some(Online(_)), Offline(_)) => {
            pending.remove(&event.user);
            return;
        }
        (Some(Online(_)), Online(address) | Replaced(address) | Moved(address)) => Online(address),
        (Some(Offline(_) | Replaced(_)), Online(address) | Replaced(address) | Moved(address)) => Replaced(address),
        (_, latest) => latest,
    };
    pending.insert(event.user.clone(), PresenceEvent { presence, ..event.clone() });
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use chat_core::presence::OfflineReason;
    use chat_core::time::Timestamp;

    use super::*;

    fn presence(user: &str, presence: Presence) -> PresenceEvent {
        PresenceEvent { at: Timestamp::from_millis(1), user: user.parse().unwrap(), presence }
    }

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, 1], port))
    }

    fn drain(queue: &EventQueue) -> Vec<Event> {
        std::iter::from_fn(|| match queue.pop() {
            Popped::Event(event) => Some(event),
            Popped::Nothing | Popped::End => None,
        })
        .collect()
    }

    #[test]
    fn unread_presence_becomes_one_change_per_user() {
        let queue = EventQueue::default();
        for _ in 0..PRESENCE {
            queue.push(Event::Presence(presence("early", Presence::Online(address(1)))));
        }
        for port in 0..10_000 {
            queue.push(Event::Presence(presence("bob", Presence::Moved(address(port)))));
        }
        queue.push(Event::Left);
        let all = drain(&queue);
        assert_eq!(all.len(), PRESENCE + 2);
        assert_eq!(all[PRESENCE], Event::Presence(presence("bob", Presence::Moved(address(9_999)))));
        assert_eq!(all[PRESENCE + 1], Event::Left, "the last event stays the last");
        assert!(matches!(queue.pop(), Popped::End));
    }

    #[test]
    fn merged_changes_lead_where_the_single_ones_would() {
        use Presence::{Moved, Offline, Online, Replaced};
        let lost = Offline(OfflineReason::Lost);
        for (changes, merged) in [
            (vec![Online(address(1)), lost], None),
            (vec![Online(address(1)), Moved(address(2))], Some(Online(address(2)))),
            (vec![Online(address(1)), Replaced(address(2))], Some(Online(address(2)))),
            (vec![lost, Online(address(2))], Some(Replaced(address(2)))),
            (vec![lost, Online(address(2)), lost], Some(lost)),
            (vec![Moved(address(1)), Moved(address(2))], Some(Moved(address(2)))),
            (vec![Moved(address(1)), Replaced(address(2))], Some(Replaced(address(2)))),
            (vec![Replaced(address(1)), Moved(address(2))], Some(Replaced(address(2)))),
            (vec![Moved(address(1)), lost], Some(lost)),
        ] {
            let mut pending = BTreeMap::new();
            for change in &changes {
                merge(&mut pending, &presence("bob", *change));
            }
            let is = pending.pop_first().map(|(_, event)| event.presence);
            assert_eq!(is, merged, "{changes:?}");
        }
    }

    #[test]
    fn of_notices_the_latest_are_kept() {
        let queue = EventQueue::default();
        for seconds in 0..1_000 {
            queue.push(Event::Notice(Notice::Reconnecting { after: Duration::from_secs(seconds) }));
        }
        let all = drain(&queue);
        assert_eq!(all.len(), NOTICES);
        assert_eq!(all[NOTICES - 1], Event::Notice(Notice::Reconnecting { after: Duration::from_secs(999) }));
    }

    #[test]
    fn a_driver_that_vanishes_ends_the_stream() {
        let queue = EventQueue::default();
        queue.close();
        assert_eq!(drain(&queue), [Event::Ended(EndReason::Internal)]);
        assert!(matches!(queue.pop(), Popped::End));
        queue.close();
        assert_eq!(drain(&queue), []);
    }
}
