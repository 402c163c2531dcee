//! What a simulated program does with the messages that it is given.

use std::collections::VecDeque;
use std::time::Duration;

use crate::id::MessageId;
use crate::peer::{Output, Token};
use crate::time::Mono;

/// What an application does with messages.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Application {
    /// Takes them at once.
    Accepts,
    /// Takes one, and the next one so much later.
    AcceptsEvery(Duration),
    /// Does not read.
    Stalled,
}

/// Messages that were delivered and not yet taken.
#[derive(Debug)]
pub(super) struct Inbox {
    application: Application,
    waiting: VecDeque<(Token, MessageId)>,
    /// Before that a slow application takes nothing.
    free_at: Mono,
}

impl Inbox {
    pub(super) const fn new(application: Application) -> Self {
        Self { application, waiting: VecDeque::new(), free_at: Mono::ZERO }
    }

    pub(super) const fn set(&mut self, application: Application) {
        self.application = application;
    }

    /// Forgets what waits: its session is over.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }

    /// Notes what the machine delivers.
    pub(super) fn note(&mut self, output: &Output) {
        if let Output::Deliver { message, token } = output {
            self.waiting.push_back((*token, message.id));
        }
    }

    /// When the application takes the next message, if ever.
    pub(super) fn deadline(&self) -> Option<Mono> {
        let waits = !self.waiting.is_empty();
        match self.application {
            Application::Accepts | Application::AcceptsEvery(_) => waits.then_some(self.free_at),
            Application::Stalled => None,
        }
    }

    /// The next message that the application takes now.
    pub(super) fn take(&mut self, now: Mono) -> Option<(Token, MessageId)> {
        self.deadline().filter(|at| *at <= now)?;
        if let Application::AcceptsEvery(pause) = self.application {
            self.free_at = now + pause;
        }
        self.waiting.pop_front()
    }
}
