//! One conversation: its lines, what was not read yet, and the draft.

use std::collections::VecDeque;
use std::sync::Arc;

use chat_cli::texts::WindowSentence;
use chat_cli::view::Notice;
use chat_core::name::UserName;
use chat_core::text::{Text, TextError};
use chat_core::time::Timestamp;

use super::heights::{BLOCK, Heights};
use super::outcome::State;

/// The most lines of a conversation.
pub const MAX_LINES: usize = 100_000;

/// The most bytes of the texts of a conversation: those of 100,000 ordinary lines several times over. Every message is
/// accepted as soon as it is here, so nothing else bounds what a member who sends long texts without end occupies.
pub const MAX_TEXT_BYTES: usize = 32 * 1024 * 1024;

/// How many of the oldest lines go when there are too many: whole blocks, so that the heights of the others stay.
const DROPPED: usize = 40 * BLOCK;

/// The height that a line is estimated to have, in points: one row with its name.
const ESTIMATE: f32 = 44.0;

/// Identifies a line within a session.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct LineId(pub u64);

/// With whom a conversation is.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Partner {
    /// Everyone.
    Everyone,
    /// One user.
    One(UserName),
}

/// A line.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its id.
    pub id: LineId,
    /// When it was sent. For a line that is not sent yet, when it was typed.
    pub at: Timestamp,
    /// What it shows.
    pub what: What,
}

/// What a line shows.
#[derive(Clone, Debug)]
pub enum What {
    /// A text from somebody else.
    From(UserName, Arc<str>),
    /// An own text, and what became of it.
    Own(Arc<str>, State),
    /// Something that concerns the conversation as a whole.
    Note(WindowSentence),
    /// A notice that does.
    Notice(Notice),
}

impl What {
    /// The length of the text of a person.
    fn text_bytes(&self) -> usize {
        match self {
            Self::From(_, text) | Self::Own(text, _) => text.len(),
            Self::Note(_) | Self::Notice(_) => 0,
        }
    }
}

/// A conversation.
#[derive(Debug, Default)]
pub struct Conversation {
    lines: VecDeque<Line>,
    /// The sum of the lengths of their texts.
    text_bytes: usize,
    /// The heights of the lines in the window.
    pub heights: Heights,
    /// The number of lines from others that were not read.
    pub unread: usize,
    /// The first line that was not read when the conversation was last opened.
    pub new_from: Option<LineId>,
    /// What is typed and not sent.
    pub draft: String,
    /// What happened to the draft. Stands below it until it is changed or sent.
    pub remark: Option<WindowSentence>,
    /// The text that was sent last.
    pub last_sent: Option<Arc<str>>,
    /// Whether older lines were dropped.
    pub has_dropped: bool,
}

impl Conversation {
    /// The lines, the oldest first.
    pub const fn lines(&self) -> &VecDeque<Line> {
        &self.lines
    }

    /// The lines to draw and their heights to measure.
    pub const fn lines_and_heights(&mut self) -> (&VecDeque<Line>, &mut Heights) {
        (&self.lines, &mut self.heights)
    }

    /// Adds a line at the end. Far too many lines or texts drop the oldest lines.
    pub fn push(&mut self, line: Line) {
        if matches!(line.what, What::From(..)) {
            if self.unread == 0 {
                self.new_from = Some(line.id);
            }
            self.unread += 1;
        }
        self.text_bytes += line.what.text_bytes();
        self.lines.push_back(line);
        self.heights.push(ESTIMATE);
        if self.lines.len() > MAX_LINES {
            (0..DROPPED / BLOCK).for_each(|_| self.drop_block());
        }
        while self.text_bytes > MAX_TEXT_BYTES && self.lines.len() > BLOCK {
            self.drop_block();
        }
    }

    /// Drops the oldest lines. There are more than a block of them.
    fn drop_block(&mut self) {
        self.text_bytes -= self.lines.drain(..BLOCK).map(|line| line.what.text_bytes()).sum::<usize>();
        self.heights.pop_block();
        self.has_dropped = true;
    }

    /// Adds the text of a file at the end of the draft.
    pub fn take_over(&mut self, text: &str) {
        let (text, removed) = tidy(text);
        self.draft.push_str(&text);
        self.remark = (removed > 0).then_some(WindowSentence::Removed { count: removed });
    }

    /// Notes that all lines were read.
    pub const fn read(&mut self) {
        self.unread = 0;
    }

    /// The own line with this id.
    pub fn own_line(&mut self, id: LineId) -> Option<&mut Line> {
        // Ids rise from line to line.
        let place = self.lines.binary_search_by_key(&id, |line| line.id).ok()?;
        self.lines.get_mut(place)
    }

    /// Forgets the measured heights.
    pub fn forget_heights(&mut self) {
        let mut heights = Heights::default();
        self.lines.iter().for_each(|_| heights.push(ESTIMATE));
        self.heights = heights;
    }
}

/// A text that comes from elsewhere, with the line ends of a message and without the characters that a message cannot
/// contain. Returns the number of those too.
pub fn tidy(text: &str) -> (String, usize) {
    let mut tidy = text.replace("\r\n", "\n").replace('\r', "\n");
    let before = tidy.chars().count();
    let mut buffer = [0; 4];
    tidy.retain(|ch| !matches!(Text::parse(ch.encode_utf8(&mut buffer)), Err(TextError::Char(_))));
    let removed = before - tidy.chars().count();
    (tidy, removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: u64) -> Line {
        let what = What::From("bob".parse().unwrap(), "hello".into());
        Line { id: LineId(id), at: Timestamp::from_millis(id), what }
    }

    #[test]
    fn the_first_unread_line_is_remembered_until_the_next_one() {
        let mut conversation = Conversation::default();
        (1..4).for_each(|id| conversation.push(line(id)));
        assert_eq!((conversation.unread, conversation.new_from), (3, Some(LineId(1))));
        conversation.read();
        assert_eq!((conversation.unread, conversation.new_from), (0, Some(LineId(1))));
        conversation.push(line(4));
        assert_eq!((conversation.unread, conversation.new_from), (1, Some(LineId(4))));
    }

    #[test]
    fn a_text_from_elsewhere_loses_what_a_message_cannot_contain() {
        for (text, kept, removed) in [
            ("one\r\ntwo\rthree\n\tfour", "one\ntwo\nthree\n\tfour", 0),
            ("a\u{1b}[31mb\0\u{202e}c", "a[31mbc", 3),
            ("你好 😄", "你好 😄", 0),
            ("", "", 0),
        ] {
            assert_eq!(tidy(text), (kept.to_owned(), removed), "{text:?}");
        }
        let mut conversation = Conversation { draft: "see: ".to_owned(), ..Conversation::default() };
        conversation.take_over("x\u{7}y");
        assert_eq!(conversation.draft, "see: xy");
        assert_eq!(conversation.remark, Some(WindowSentence::Removed { count: 1 }));
    }

    #[test]
    fn long_texts_without_end_occupy_bounded_memory() {
        let mut conversation = Conversation::default();
        let long: Arc<str> = "x".repeat(16_384).into();
        for id in 1..=6_000 {
            let what = What::From("bob".parse().unwrap(), long.clone());
            conversation.push(Line { id: LineId(id), at: Timestamp::from_millis(id), what });
        }
        let kept = conversation.lines().len();
        assert!(kept * long.len() <= MAX_TEXT_BYTES && kept + BLOCK > MAX_TEXT_BYTES / long.len(), "{kept}");
        assert_eq!((conversation.heights.len(), conversation.has_dropped), (kept, true));
    }

    #[test]
    fn too_many_lines_drop_the_oldest_and_the_others_are_found() {
        let mut conversation = Conversation::default();
        let last = u64::try_from(MAX_LINES + 1).unwrap();
        (1..=last).for_each(|id| conversation.push(line(id)));
        assert_eq!(conversation.lines().len(), MAX_LINES + 1 - DROPPED);
        assert_eq!(conversation.heights.len(), conversation.lines().len());
        assert!(conversation.has_dropped);
        assert_eq!(conversation.own_line(LineId(last)).map(|line| line.id), Some(LineId(last)));
        assert!(conversation.own_line(LineId(1)).is_none());
    }
}
