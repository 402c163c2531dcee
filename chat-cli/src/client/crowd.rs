//! Arrivals and departures at a terminal. Each has a line of its own, until there are so many that they would push
//! everything else off the screen: then the further ones share a line.

use std::collections::VecDeque;
use std::time::Duration;

use chat_core::name::UserName;
use chat_core::time::Timestamp;
use tokio::time::Instant;

use crate::view::ViewEvent;

/// The most lines within [`WINDOW`].
const MAX_LINES: usize = 5;

/// The time within which lines are counted, and the most for which one waits.
const WINDOW: Duration = Duration::from_secs(2);

/// The most users that wait for their line. Beyond this, it is shown at once.
const MAX_WAITING: usize = 1_000;

/// Decides which arrivals and departures share a line.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    /// When the last lines were shown.
    shown: VecDeque<Instant>,
    /// Those that wait for their line, and when it is due.
    waiting: Option<(Instant, Gathering)>,
}

/// Users that share a line.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Gathering {
    /// When the last of them came or went.
    pub(super) at: Timestamp,
    /// The users that came online.
    pub(super) online: Vec<UserName>,
    /// The users that went offline.
    pub(super) offline: Vec<UserName>,
}

/// The decision about an event.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Admission {
    /// It is shown, after those that wait.
    Show,
    /// It waits.
    Wait,
}

impl Crowd {
    /// Takes in an event.
    pub(super) fn admit(&mut self, now: Instant, event: &ViewEvent) -> Admission {
        let (user, at, is_arrival) = match event {
            ViewEvent::Online { user, at, .. } => (user, *at, true),
            ViewEvent::Offline { user, at, .. } => (user, *at, false),
            _ => return Admission::Show,
        };
        while self.shown.front().is_some_and(|shown| now.duration_since(*shown) >= WINDOW) {
            self.shown.pop_front();
        }
        if self.waiting.is_none() && self.shown.len() < MAX_LINES {
            self.shown.push_back(now);
            return Admission::Show;
        }
        let empty = || (now + WINDOW, Gathering { at, online: Vec::new(), offline: Vec::new() });
        let (due, gathering) = self.waiting.get_or_insert_with(empty);
        gathering.at = at;
        if is_arrival { &mut gathering.online } else { &mut gathering.offline }.push(user.clone());
        if gathering.online.len() + gathering.offline.len() >= MAX_WAITING {
            *due = now;
        }
        Admission::Wait
    }

    /// When the line of those that wait is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.waiting.as_ref().map(|(due, _)| *due)
    }

    /// Takes those that wait, because their line is due or another line must not come before it.
    pub(super) fn take(&mut self, now: Instant) -> Option<Gathering> {
        let (_, gathering) = self.waiting.take()?;
        self.shown.push_back(now);
        if self.shown.len() > MAX_LINES {
            self.shown.pop_front();
        }
        Some(gathering)
    }
}

#[cfg(test)]
mod tests {
    use chat_core::presence::OfflineReason;

    use super::*;
    use crate::view::samples::{AT, address, name};

    fn online(user: &str) -> ViewEvent {
        ViewEvent::Online { user: name(user), address: address(), at: AT }
    }

    fn offline(user: &str) -> ViewEvent {
        ViewEvent::Offline { user: name(user), reason: OfflineReason::Asked, at: AT }
    }

    #[tokio::test]
    async fn more_than_five_within_two_seconds_share_a_line() {
        let (mut crowd, begin) = (Crowd::default(), Instant::now());
        for number in 0..5 {
            assert_eq!(crowd.admit(begin, &online(&format!("u{number}"))), Admission::Show);
        }
        let later = begin + Duration::from_secs(1);
        for event in [online("bob"), offline("u1"), online("carol")] {
            assert_eq!(crowd.admit(later, &event), Admission::Wait);
        }
        assert_eq!(crowd.due(), Some(later + WINDOW));
        let all = Gathering { at: AT, online: vec![name("bob"), name("carol")], offline: vec![name("u1")] };
        assert_eq!(crowd.take(later + WINDOW), Some(all));
        assert_eq!((crowd.due(), crowd.take(later + WINDOW)), (None, None));
    }

    #[tokio::test]
    async fn a_few_in_a_while_have_lines_of_their_own() {
        let (mut crowd, begin) = (Crowd::default(), Instant::now());
        for number in 0..20 {
            let now = begin + number * Duration::from_millis(401);
            assert_eq!(crowd.admit(now, &online(&format!("u{number}"))), Admission::Show, "{number}");
        }
    }

    #[tokio::test]
    async fn a_line_does_not_wait_for_more_users_than_allowed() {
        let (mut crowd, now) = (Crowd::default(), Instant::now());
        for number in 0..MAX_LINES + MAX_WAITING {
            assert!(crowd.due().is_none_or(|due| due > now));
            crowd.admit(now, &online(&format!("u{number}")));
        }
        assert_eq!(crowd.due(), Some(now));
    }
}
