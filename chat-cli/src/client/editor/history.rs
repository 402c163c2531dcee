//! The lines that were typed before.

use std::collections::VecDeque;

/// The most lines that are remembered: more than a user steps back through.
const MAX_LINES: usize = 100;

/// The history of the lines, and which of them is shown.
#[derive(Debug, Default)]
pub(super) struct History {
    lines: VecDeque<String>,
    /// How many lines back the shown one is. 0 is the line that is being typed.
    back: usize,
    typed: String,
}

impl History {
    /// Remembers a line, unless it is empty or repeats the last one.
    pub(super) fn add(&mut self, line: &str) {
        self.back = 0;
        if line.is_empty() || self.lines.front().is_some_and(|last| last == line) {
            return;
        }
        self.lines.truncate(MAX_LINES - 1);
        self.lines.push_front(line.to_owned());
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
            history.add(line);
        }
        assert_eq!(history.previous("half").as_deref(), Some("two"));
        assert_eq!(history.previous("two").as_deref(), Some("one"));
        assert_eq!(history.previous("one"), None);
        assert_eq!(history.next().as_deref(), Some("two"));
        assert_eq!(history.next().as_deref(), Some("half"));
        assert_eq!(history.next(), None);
        for number in 0..2 * MAX_LINES {
            history.add(&number.to_string());
        }
        assert_eq!(history.lines.len(), MAX_LINES);
    }
}
