//! Collectors: carry the outcomes of one sent message from the driver to its [`Sent`](super::Sent).
//!
//! The driver refers to a collector weakly. Once the application has dropped the [`Sent`](super::Sent), nothing is
//! collected any more.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use chat_core::id::MessageId;
use chat_core::message::Report;
use tokio::sync::Notify;

use super::sent::RecipientOutcome;

/// Keeps the outcomes of one message until the application drops its [`Sent`](super::Sent).
#[derive(Debug)]
pub(super) struct Collector {
    /// The number of outcomes that the message has in the end.
    recipients: usize,
    collected: Mutex<Collected>,
    /// Notified about each outcome, and at the end.
    arrived: Notify,
    /// Notified at the end. Apart from `arrived`, so that an application that waits for all outcomes wakes once.
    ended: Notify,
    held: Arc<AtomicUsize>,
}

#[derive(Debug, Default)]
struct Collected {
    outcomes: Vec<RecipientOutcome>,
    is_ended: bool,
}

/// What [`Collector::find`] knows at a moment.
enum Found<T> {
    Yes(T),
    NotYet,
    Never,
}

impl Collector {
    /// Waits for the outcome at `index`, in the order of arrival. `None` if there are fewer. Cancel safe.
    pub(super) async fn get(&self, index: usize) -> Option<RecipientOutcome> {
        self.find(|outcomes| outcomes.get(index).cloned()).await
    }

    /// Waits until `pick` finds something among the outcomes that have arrived. `None` if it finds nothing among all of
    /// them. Cancel safe.
    pub(super) async fn find<T>(&self, mut pick: impl FnMut(&[RecipientOutcome]) -> Option<T>) -> Option<T> {
        loop {
            // Created before the look, so that no outcome arrives unnoticed in between.
            let arrived = self.arrived.notified();
            let found = {
                let collected = self.lock();
                match pick(&collected.outcomes) {
                    Some(found) => Found::Yes(found),
                    None if collected.is_ended => Found::Never,
                    None => Found::NotYet,
                }
            };
            match found {
                Found::Yes(found) => return Some(found),
                Found::Never => return None,
                Found::NotYet => arrived.await,
            }
        }
    }

    /// Waits until all outcomes have arrived, and takes them. Cancel safe.
    pub(super) async fn take_all(&self) -> Vec<RecipientOutcome> {
        loop {
            let ended = self.ended.notified();
            if let Some(outcomes) = self.take_ended() {
                return outcomes;
            }
            ended.await;
        }
    }

    fn take_ended(&self) -> Option<Vec<RecipientOutcome>> {
        let mut collected = self.lock();
        if !collected.is_ended {
            return None;
        }
        let outcomes = std::mem::take(&mut collected.outcomes);
        self.held.fetch_sub(outcomes.len(), Ordering::Relaxed);
        Some(outcomes)
    }

    /// Adds an outcome. Returns whether it was the last one.
    fn add(&self, report: &Report) -> bool {
        let mut collected = self.lock();
        if collected.outcomes.is_empty() {
            collected.outcomes.reserve_exact(self.recipients);
        }
        collected.outcomes.push(RecipientOutcome::new(report));
        self.held.fetch_add(1, Ordering::Relaxed);
        let is_last = collected.outcomes.len() >= self.recipients;
        collected.is_ended |= is_last;
        drop(collected);
        self.arrived.notify_waiters();
        if is_last {
            self.ended.notify_waiters();
        }
        is_last
    }

    /// No further outcome arrives.
    fn end(&self) {
        self.lock().is_ended = true;
        self.arrived.notify_waiters();
        self.ended.notify_waiters();
    }

    // No code panics half-way through a change, so the data behind a poisoned lock is consistent.
    fn lock(&self) -> MutexGuard<'_, Collected> {
        self.collected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let held = self.lock().outcomes.len();
        self.held.fetch_sub(held, Ordering::Relaxed);
    }
}

/// The driver's side: the collectors of all messages with pending outcomes.
#[derive(Debug, Default)]
pub(super) struct Collectors {
    by_message: BTreeMap<MessageId, Weak<Collector>>,
    /// The number of outcomes in all collectors.
    held: Arc<AtomicUsize>,
}

impl Collectors {
    /// Collects the outcomes of a message until the result is dropped. `None` if the message has no recipient.
    pub(super) fn open(&mut self, id: MessageId, recipients: usize) -> Option<Arc<Collector>> {
        if recipients == 0 {
            return None;
        }
        let collector = Arc::new(Collector {
            recipients,
            collected: Mutex::default(),
            arrived: Notify::new(),
            ended: Notify::new(),
            held: Arc::clone(&self.held),
        });
        self.by_message.insert(id, Arc::downgrade(&collector));
        Some(collector)
    }

    /// Passes an outcome to its message's collector, if there still is one.
    pub(super) fn add(&mut self, report: &Report) {
        let Some(collector) = self.by_message.get(&report.id) else { return };
        if collector.upgrade().is_none_or(|collector| collector.add(report)) {
            self.by_message.remove(&report.id);
        }
    }

    /// The number of outcomes that applications have not taken out of their collectors.
    pub(super) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }
}

/// A driver that stops without resolving its messages must not leave an application waiting.
impl Drop for Collectors {
    fn drop(&mut self) {
        self.by_message.values().filter_map(Weak::upgrade).for_each(|collector| collector.end());
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};
    use std::time::Duration;

    use chat_core::id::SessionId;
    use chat_core::message::Outcome;

    use super::*;

    const ID: MessageId = MessageId { session: SessionId::new(1), number: 1 };

    fn report(user: &str) -> Report {
        Report::new(ID, user.parse().unwrap(), Outcome::Delivered, Duration::ZERO)
    }

    fn poll<T>(future: impl Future<Output = T>) -> Poll<T> {
        pin!(future).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_dropped_collector_is_forgotten_at_the_next_outcome_and_holds_nothing() {
        let mut collectors = Collectors::default();
        let collector = collectors.open(ID, 3);
        collectors.add(&report("bob"));
        assert_eq!((collectors.held(), collectors.by_message.len()), (1, 1));
        drop(collector);
        assert_eq!(collectors.held(), 0);
        collectors.add(&report("carol"));
        assert_eq!((collectors.held(), collectors.by_message.len()), (0, 0));
        collectors.add(&report("dave"));
        assert_eq!(collectors.held(), 0);
    }

    #[test]
    fn a_complete_collector_is_forgotten_and_keeps_its_outcomes_until_they_are_taken() {
        let mut collectors = Collectors::default();
        let collector = collectors.open(ID, 2).unwrap();
        collectors.add(&report("bob"));
        assert!(poll(collector.take_all()).is_pending());
        assert!(poll(collector.get(1)).is_pending());
        collectors.add(&report("carol"));
        assert_eq!((collectors.held(), collectors.by_message.len()), (2, 0));
        assert!(matches!(poll(collector.get(1)), Poll::Ready(Some(outcome)) if outcome.user().as_str() == "carol"));
        assert!(matches!(poll(collector.get(2)), Poll::Ready(None)));
        assert!(matches!(poll(collector.take_all()), Poll::Ready(outcomes) if outcomes.len() == 2));
        drop(collector);
        assert_eq!(collectors.held(), 0);
    }

    #[test]
    fn collectors_end_with_the_driver() {
        let mut collectors = Collectors::default();
        let collector = collectors.open(ID, 2).unwrap();
        collectors.add(&report("bob"));
        drop(collectors);
        assert!(matches!(poll(collector.take_all()), Poll::Ready(outcomes) if outcomes.len() == 1));
    }

    #[test]
    fn a_message_without_recipients_needs_no_collector() {
        assert!(Collectors::default().open(ID, 0).is_none());
    }
}
