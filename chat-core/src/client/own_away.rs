//! Whether the user of the client is away, and how often the client tells the server.

use std::time::Duration;

use crate::away::AwayText;
use crate::rate_limit::RateLimit;
use crate::time::Mono;

/// The time between two requests in the long run. The server ends the connection of a client that sends more frames than
/// it permits, and a script can go away and come back as fast as it likes.
const INTERVAL: Duration = Duration::from_secs(1);

/// The requests that may be sent together: as many changes as the server publishes together.
const BURST: u32 = 4;

/// What the user says about being away.
#[derive(Debug)]
pub(super) struct OwnAway {
    text: Option<AwayText>,
    limit: RateLimit,
    due: Option<Mono>,
}

impl OwnAway {
    /// The user is not away.
    pub(super) fn new() -> Self {
        Self { text: None, limit: RateLimit::new(INTERVAL, BURST), due: None }
    }

    /// The away text, if the user is away.
    pub(super) fn text(&self) -> Option<&AwayText> {
        self.text.as_ref()
    }

    /// When the server must be told what it has not been told yet.
    pub(super) fn due(&self) -> Option<Mono> {
        self.due
    }

    pub(super) fn set(&mut self, text: Option<AwayText>) {
        self.text = text;
    }

    /// The server has told what it knows. Returns whether it must be told otherwise.
    pub(super) fn differs(&mut self, known: Option<&AwayText>) -> bool {
        self.due = None;
        self.text() != known
    }

    /// Returns whether the server may be told now. If not, that is [due](Self::due) later.
    pub(super) fn take_turn(&mut self, now: Mono) -> bool {
        self.due = self.limit.take(now).err().map(|wait| now + wait);
        self.due.is_none()
    }
}
