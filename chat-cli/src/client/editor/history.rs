//! The lines that were typed before.

use std::collections::VecDeque;
use std::path::Path;

use super::history_file::{HistoryFile, HistoryFileError};

/// The most lines that are remembered: more than a user steps back through.
pub(super) const MAX_LINES: usize = 500;

/// The history of the lines, and which of them is shown.
#[derive(Debug, Default)]
pub(in crate::client) struct History {
    /// The newest first.
    lines: VecDeque<String>,
    /// Where lines are remembered for the next session.
    file: Option<HistoryFile>,
    /// How many lines back the shown one is. 0 is the line that is being typed.
    back: usize,
    typed: String,
}

/// Whether a line is remembered for the next session too.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Remembered {
    ThisSession,
    Always,
}

impl History {
    /// The history in a file.
    ///
    /// # Errors
    /// The file cannot be used.
    pub(in crate::client) fn open(path: &Path) -> Result<Self, HistoryFileError> {
        let (file, lines) = HistoryFile::open(path)?;
        Ok(Self { lines: lines.into_iter().rev().collect(), file: Some(file), ..Self::default() })
    }

    /// Remembers a line, unless it is empty or repeats the last one.
    pub(super) fn add(&mut self, line: &str, remembered: Remembered) {
        self.back = 0;
        if line.is_empty() || self.lines.front().is_some_and(|last| last == line) {
            return;
        }
        self.lines.truncate(MAX_LINES - 1);
        self.lines.push_front(line.to_owned());
        if remembered == Remembered::Always
            && let Some(file) = &mut self.file
            && let Err(error) = file.append(line)
        {
            // The conversation is more important, and the lines of this session are still there.
            log::info!("a line was not remembered: {error}");
        }
    }

    /// The line before the shown one.
    pub(super) fn previous(&mut self, shown: &str) -> Option<String> {
        let line = self.lines.get(self.back)?.clone();
        if self.back == 0 {
            shown.clone_into(&mut self.typed);
        }
        self.back += 1;
        Some(line)
    }

    /// The line after the shown one. After the newest line comes the line that was being typed.
    pub(super) fn next(&mut self) -> Option<String> {
        self.back = self.back.checked_sub(1)?;
        match self.back.checked_sub(1) {
            Some(back) => self.lines.get(back).cloned(),
            None => Some(std::mem::take(&mut self.typed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_history_leads_back_and_forth() {
        let mut history = History::default();
        assert_eq!((history.previous("x"), history.next()), (None, None));
        for line in ["one", "two", "two", ""] {
            history.add(line, Remembered::Always);
        }
        assert_eq!(history.previous("half").as_deref(), Some("two"));
        assert_eq!(history.previous("two").as_deref(), Some("one"));
        assert_eq!(history.previous("one"), None);
        assert_eq!(history.next().as_deref(), Some("two"));
        assert_eq!(history.next().as_deref(), Some("half"));
        assert_eq!(history.next(), None);
        for number in 0..2 * MAX_LINES {
            history.add(&number.to_string(), Remembered::Always);
        }
        assert_eq!(history.lines.len(), MAX_LINES);
    }

    #[test]
    fn the_next_session_has_only_what_may_be_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history");
        let mut history = History::open(&path).unwrap();
        for (line, remembered) in
            [("one", Remembered::Always), ("/password secret", Remembered::ThisSession), ("two", Remembered::Always)]
        {
            history.add(line, remembered);
        }
        assert_eq!(history.lines, ["two", "/password secret", "one"]);
        assert_eq!(History::open(&path).unwrap().lines, ["two", "one"]);
    }
}
