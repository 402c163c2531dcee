//! How a simulated application handles the messages that its peer machine delivers.

use std::collections::VecDeque;
use std::time::Duration;

use crate::id::MessageId;
use crate::peer::{Output, Token};
use crate::time::Mono;

/// How an application handles messages.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Application {
    /// Accepts each message immediately.
    Accepts,
    /// Accepts a message, and the next one no earlier than this time later.
    AcceptsEvery(Duration),
    /// Accepts nothing.
    Stalled,
}

/// The messages that were delivered and not yet accepted.
#[derive(Debug)]
pub(super) struct Inbox {
    application: Application,
    waiting: VecDeque<(Token, MessageId)>,
    /// When a slow application can accept the next message.
    ready_at: Mono,
}

impl Inbox {
    pub(super) const fn new(application: Application) -> Self {
        Self { application, waiting: VecDeque::new(), ready_at: Mono::ZERO }
    }

    pub(super) const fn set(&mut self, application: Application) {
        self.application = application;
    }

    /// Drops all messages, because their session has ended.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }

    /// Adds the messages of a delivery. Ignores other outputs.
    pub(super) fn add(&mut self, output: &Output) {
        if let Output::Deliver(delivery) = output {
            self.waiting.extend(delivery.iter().map(|message| (message.token(), message.id())));
        }
    }

    /// When the application accepts the next message, if at all.
    pub(super) fn deadline(&self) -> Option<Mono> {
        let has_message = !self.waiting.is_empty();
        match self.application {
            Application::Accepts | Application::AcceptsEvery(_) => has_message.then_some(self.ready_at),
            Application::Stalled => None,
        }
    }

    /// Removes the next message that the application accepts now.
    pub(super) fn accept(&mut self, now: Mono) -> Option<(Token, MessageId)> {
        self.deadline().filter(|at| *at <= now)?;
        if let Application::AcceptsEvery(pause) = self.application {
            self.ready_at = now + pause;
        }
        self.waiting.pop_front()
    }
}
