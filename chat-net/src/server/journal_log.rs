//! The log lines about the journal.

use std::error::Error;
use std::sync::Arc;

use chat_core::error_chain::error_chain;
use chat_core::journal::{JournalError, JournalReply};

use crate::log_throttle::LogThrottle;

/// Logs why the journal is away: at once if the log says something else, and then once a minute. Logs once that it is back.
#[derive(Debug, Default)]
pub(super) struct JournalLog {
    throttle: LogThrottle,
    /// Whether the log says that the journal is away.
    is_away: bool,
}

/// A line of the log.
#[derive(Debug)]
enum Line<'a> {
    Away(&'a Arc<dyn Error + Send + Sync>),
    Back,
}

impl JournalLog {
    /// Logs what the result of a call says about the journal.
    pub(super) fn note(&mut self, result: &Result<JournalReply, JournalError>) {
        match self.line(result) {
            Some(Line::Away(cause)) => log::error!(
                "the roster that the servers share is away, and nobody can log in until it is back: {}",
                error_chain(&**cause)
            ),
            Some(Line::Back) => log::warn!("the roster that the servers share is back"),
            None => {}
        }
    }

    /// Whether the log says that the journal is away.
    #[cfg(test)]
    pub(super) fn is_away(&self) -> bool {
        self.is_away
    }

    fn line<'a>(&mut self, result: &'a Result<JournalReply, JournalError>) -> Option<Line<'a>> {
        match result {
            Err(JournalError::Away(cause)) => {
                let is_new = !std::mem::replace(&mut self.is_away, true);
                // The throttle is asked first: a new line begins a minute too.
                (self.throttle.allows() || is_new).then_some(Line::Away(cause))
            }
            // A journal that accepts these has all that a login needs. A read may succeed although it is full.
            Ok(JournalReply::Entered(_) | JournalReply::Appended(_) | JournalReply::Renewed(_)) => {
                std::mem::take(&mut self.is_away).then_some(Line::Back)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chat_core::id::Position;
    use chat_core::journal::{Appended, HintPosition, Reading};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_last_line_is_never_the_opposite_of_the_truth() {
        let away = || Err(JournalError::away("cause"));
        let back = || Ok(JournalReply::Appended(Appended { verdicts: vec![], head: Position::new(1) }));
        let reading = || Reading { acts: vec![], hints: vec![], next_hint: HintPosition::new(0) };
        let mut log = JournalLog::default();
        let mut lines = Vec::new();
        for (seconds, result) in [
            (0, back()),
            (0, away()),
            (1, away()),
            (1, Ok(JournalReply::Read(reading()))),
            (1, back()),
            (1, back()),
            // Within the minute of the first line.
            (1, away()),
            (1, away()),
            (53, away()),
            // Once a minute.
            (1, away()),
            (59, away()),
            (1, away()),
            (1, back()),
        ] {
            tokio::time::advance(Duration::from_secs(seconds)).await;
            lines.push(match log.line(&result) {
                Some(Line::Away(_)) => "away",
                Some(Line::Back) => "back",
                None => "",
            });
        }
        assert_eq!(lines, ["", "away", "", "", "back", "", "away", "", "", "away", "", "away", "back"]);
    }
}
