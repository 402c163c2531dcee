//! The event queue between the driver and the application, bounded for an application that reads slowly.
//!
//! Each kind of event has its own limit. The peer machine limits unaccepted messages.
//! [`ClientHandle::send`](super::ClientHandle::send) fails when too many outcomes are unread. Beyond [`MAX_PRESENCE`],
//! the queue keeps one presence change per user; beyond [`MAX_NOTICES`], it drops the oldest notices, and beyond
//! [`MAX_AWAY`] and [`MAX_WAYS`] the oldest events about users who are away or back, and about ways.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chat_core::name::UserName;
use chat_core::presence::{Presence, PresenceEvent};
use tokio::sync::{Notify, mpsc};

use super::command::Command;
use super::error::EndReason;
use super::{AcceptMode, Event, MessageToken};

/// The most presence events that the queue keeps as they happened. It merges further ones into one change per user,
/// because an application that is this far behind needs to know only who is online now.
const MAX_PRESENCE: usize = 1024;

/// The most unread notices that the queue keeps. A notice describes a moment, so the oldest are the least useful.
const MAX_NOTICES: usize = 256;

/// The most unread events about users who go away or come back that the queue keeps. The
/// roster shows who is away now, so the oldest are the least useful.
const MAX_AWAY: usize = 256;

/// The most unread events about ways that the queue keeps.
/// [`ClientHandle::links`](super::ClientHandle::links) shows the ways now, so the oldest are the least useful.
const MAX_WAYS: usize = 256;

/// The most outcomes that may be pending, unread in the event stream, or held by a [`Sent`](super::Sent). Beyond it,
/// [`ClientHandle::send`](super::ClientHandle::send) fails. They occupy about 30 MB.
pub(super) const MAX_OUTCOMES: usize = 262_144;

/// What the application does with a message.
#[derive(Debug)]
pub(super) enum Decision {
    Accept(MessageToken),
    Refuse(MessageToken),
}

/// The stream of a session's events. It keeps the session alive, as a [`ClientHandle`](super::ClientHandle) does. When
/// it is dropped, the client refuses all unread and all later messages.
///
/// If the application does not read it, peers wait before they send more messages, presence changes of one user merge
/// into one, and the oldest notices and the oldest events about users who are away or back are dropped.
pub struct Events {
    queue: Arc<EventQueue>,
    accept: AcceptMode,
    _alive: mpsc::Sender<Command>,
}

impl Events {
    pub(super) const fn new(queue: Arc<EventQueue>, accept: AcceptMode, alive: mpsc::Sender<Command>) -> Self {
        Self { queue, accept, _alive: alive }
    }

    /// The next event. `None` after [`Event::Left`] or [`Event::Ended`]. With [`AcceptMode::Automatic`], returning a
    /// message accepts it.
    ///
    /// # Cancel safety
    /// Dropping the future loses no event.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            let readable = self.queue.readable.notified();
            match self.queue.pop() {
                Popped::Event(event) => {
                    if let (AcceptMode::Automatic, Event::Message(message)) = (self.accept, &event) {
                        self.queue.decide(Decision::Accept(message.token()));
                    }
                    return Some(event);
                }
                Popped::Empty => readable.await,
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
            if let Event::Message(message) = event {
                self.queue.decide(Decision::Refuse(message.token()));
            }
        }
    }
}

enum Popped {
    Event(Event),
    Empty,
    End,
}

/// Carries events from the driver to the application, and the application's decisions back.
#[derive(Debug, Default)]
pub(super) struct EventQueue {
    unread: Mutex<Unread>,
    readable: Notify,
    decisions: Mutex<Vec<Decision>>,
    decided: Notify,
}

#[derive(Debug, Default)]
struct Unread {
    queue: VecDeque<Event>,
    /// How many presence events are in `queue`.
    presence: usize,
    /// How many notices are in `queue`.
    notices: usize,
    /// How many events about users who are away or back are in `queue`.
    away: usize,
    /// How many events about ways are in `queue`.
    ways: usize,
    /// How many reports and summaries are in `queue`.
    outcomes: usize,
    /// One merged change per user, later than all presence events in `queue`.
    merged: BTreeMap<UserName, PresenceEvent>,
    /// The application dropped its [`Events`].
    is_abandoned: bool,
    /// The last event was pushed.
    is_over: bool,
}

impl EventQueue {
    /// Adds an event. Refuses messages if the application no longer reads.
    pub(super) fn push(&self, event: Event) {
        let mut unread = self.lock();
        if unread.is_abandoned {
            if let Event::Message(message) = event {
                self.decide(Decision::Refuse(message.token()));
            }
            return;
        }
        match &event {
            Event::Presence(presence) if unread.presence >= MAX_PRESENCE || !unread.merged.is_empty() => {
                return merge(&mut unread.merged, presence);
            }
            Event::Presence(_) => unread.presence += 1,
            Event::Report(_) | Event::Summary { .. } => unread.outcomes += 1,
            Event::Notice(_) if unread.notices >= MAX_NOTICES => {
                unread.drop_first(|event| matches!(event, Event::Notice(_)));
            }
            Event::Notice(_) => unread.notices += 1,
            Event::Away { .. } if unread.away >= MAX_AWAY => {
                unread.drop_first(|event| matches!(event, Event::Away { .. }));
            }
            Event::Away { .. } => unread.away += 1,
            Event::Way(_) if unread.ways >= MAX_WAYS => unread.drop_first(|event| matches!(event, Event::Way(_))),
            Event::Way(_) => unread.ways += 1,
            Event::Ended(_) | Event::Left => unread.is_over = true,
            Event::Message(_) => {}
        }
        unread.queue.push_back(event);
        drop(unread);
        self.readable.notify_one();
    }

    /// Ends the stream of a driver that stopped without a last event, so that the application does not wait forever.
    pub(super) fn close(&self) {
        if !self.lock().is_over {
            self.push(Event::Ended(EndReason::Internal));
        }
    }

    pub(super) fn unread_outcomes(&self) -> usize {
        self.lock().outcomes
    }

    pub(super) fn decide(&self, decision: Decision) {
        self.lock_decisions().push(decision);
        self.decided.notify_one();
    }

    /// Resolves when there are decisions to take. Cancel safe.
    pub(super) async fn decided(&self) {
        self.decided.notified().await;
    }

    pub(super) fn take_decisions(&self) -> Vec<Decision> {
        std::mem::take(&mut *self.lock_decisions())
    }

    fn pop(&self) -> Popped {
        let mut unread = self.lock();
        if unread.presence == 0
            && let Some((_, event)) = unread.merged.pop_first()
        {
            return Popped::Event(Event::Presence(event));
        }
        let Some(event) = unread.queue.pop_front() else {
            return if unread.is_over { Popped::End } else { Popped::Empty };
        };
        match &event {
            Event::Presence(_) => unread.presence -= 1,
            Event::Report(_) | Event::Summary { .. } => unread.outcomes -= 1,
            Event::Notice(_) => unread.notices -= 1,
            Event::Away { .. } => unread.away -= 1,
            Event::Way(_) => unread.ways -= 1,
            Event::Message(_) | Event::Ended(_) | Event::Left => {}
        }
        Popped::Event(event)
    }

    fn abandon(&self) -> VecDeque<Event> {
        let mut unread = self.lock();
        unread.is_abandoned = true;
        unread.merged.clear();
        unread.outcomes = 0;
        std::mem::take(&mut unread.queue)
    }

    // No code panics half-way through a change, so the data behind a poisoned lock is consistent.

    fn lock(&self) -> MutexGuard<'_, Unread> {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_decisions(&self) -> MutexGuard<'_, Vec<Decision>> {
        self.decisions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Unread {
    fn drop_first(&mut self, is_dropped: impl FnMut(&Event) -> bool) {
        if let Some(first) = self.queue.iter().position(is_dropped) {
            self.queue.remove(first);
        }
    }
}

/// Merges `event` into the user's pending change, so that an application that sees only the merged change ends up with
/// the same roster.
fn merge(merged: &mut BTreeMap<UserName, PresenceEvent>, event: &PresenceEvent) {
    use Presence::{Moved, Offline, Online, Replaced};
    let presence = match (merged.get(&event.user).map(|before| before.presence), event.presence) {
        // The application has not seen the user online, so the two changes cancel out.
        (Some(Online(_)), Offline(_)) => {
            merged.remove(&event.user);
            return;
        }
        (Some(Online(_)), Online(address) | Replaced(address) | Moved(address)) => Online(address),
        (Some(Offline(_) | Replaced(_)), Online(address) | Replaced(address) | Moved(address)) => Replaced(address),
        (_, latest) => latest,
    };
    merged.insert(event.user.clone(), PresenceEvent::new(event.at, event.user.clone(), presence));
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Duration;

    use chat_core::presence::OfflineReason;
    use chat_core::time::Timestamp;

    use super::super::{LinkStatus, Notice};
    use super::*;

    fn presence(user: &str, presence: Presence) -> PresenceEvent {
        PresenceEvent::new(Timestamp::from_millis(1), user.parse().unwrap(), presence)
    }

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, 1], port))
    }

    fn drain(queue: &EventQueue) -> Vec<Event> {
        std::iter::from_fn(|| match queue.pop() {
            Popped::Event(event) => Some(event),
            Popped::Empty | Popped::End => None,
        })
        .collect()
    }

    #[test]
    fn unread_presence_events_beyond_the_limit_merge_into_one_per_user() {
        let queue = EventQueue::default();
        for _ in 0..MAX_PRESENCE {
            queue.push(Event::Presence(presence("early", Presence::Online(address(1)))));
        }
        for port in 0..10_000 {
            queue.push(Event::Presence(presence("bob", Presence::Moved(address(port)))));
        }
        queue.push(Event::Left);
        let all = drain(&queue);
        assert_eq!(all.len(), MAX_PRESENCE + 2);
        assert_eq!(all[MAX_PRESENCE], Event::Presence(presence("bob", Presence::Moved(address(9_999)))));
        assert_eq!(all[MAX_PRESENCE + 1], Event::Left, "the last event comes last");
        assert!(matches!(queue.pop(), Popped::End));
    }

    #[test]
    fn a_merged_change_has_the_effect_of_the_single_changes() {
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
    fn the_queue_keeps_the_latest_notices() {
        let queue = EventQueue::default();
        for seconds in 0..1_000 {
            queue.push(Event::Notice(Notice::Reconnecting { after: Duration::from_secs(seconds) }));
        }
        let all = drain(&queue);
        assert_eq!(all.len(), MAX_NOTICES);
        assert_eq!(all[MAX_NOTICES - 1], Event::Notice(Notice::Reconnecting { after: Duration::from_secs(999) }));
    }

    #[test]
    fn the_queue_keeps_the_latest_events_about_users_who_are_away_and_all_notices() {
        let queue = EventQueue::default();
        let away = |number: usize| Event::Away {
            at: Timestamp::from_millis(1),
            user: "bob".parse().unwrap(),
            away: number.to_string().parse().ok(),
        };
        queue.push(Event::Notice(Notice::Reconnected));
        for number in 0..1_000 {
            queue.push(away(number));
        }
        let all = drain(&queue);
        assert_eq!((all.len(), &all[0]), (1 + MAX_AWAY, &Event::Notice(Notice::Reconnected)));
        assert_eq!(all[MAX_AWAY], away(999));
        queue.push(away(0));
        assert_eq!(drain(&queue), [away(0)], "those that were read count no more");
    }

    #[test]
    fn the_queue_keeps_the_latest_events_about_ways_and_all_others() {
        let queue = EventQueue::default();
        let way = |in_flight| Event::Way(LinkStatus::relayed("bob", in_flight));
        queue.push(Event::Notice(Notice::Reconnected));
        (0..1_000).for_each(|number| queue.push(way(number)));
        let all = drain(&queue);
        assert_eq!((all.len(), &all[0]), (1 + MAX_WAYS, &Event::Notice(Notice::Reconnected)));
        assert_eq!(all[MAX_WAYS], way(999));
        queue.push(way(0));
        assert_eq!(drain(&queue), [way(0)], "those that were read count no more");
    }

    #[test]
    fn a_driver_that_stops_without_a_last_event_ends_the_stream() {
        let queue = EventQueue::default();
        queue.close();
        assert_eq!(drain(&queue), [Event::Ended(EndReason::Internal)]);
        assert!(matches!(queue.pop(), Popped::End));
        queue.close();
        assert_eq!(drain(&queue), []);
    }
}
