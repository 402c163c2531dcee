//! Decodes the bytes that a terminal sends into keys.

use std::collections::VecDeque;

use crate::client::line_buffer::Edit;
use crate::client::line_reader::MAX_LINE_BYTES;
use crate::platform::terminal::ControlCharacters;

/// One item of terminal input: a key, a key combination, or a pasted text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Key {
    Char(char),
    /// A pasted text, with `\n` as its line end.
    Paste(String),
    /// Bytes that are not UTF-8.
    NotUtf8,
    Edit(Edit),
    Enter,
    /// The previous line of the history.
    Up,
    /// The next line of the history.
    Down,
    Interrupt,
    /// Ends the input if the line is empty. Otherwise deletes to the right.
    EndOfInput,
    Suspend,
    ClearScreen,
    /// Completes the word before the cursor.
    Complete,
}

/// The longest control sequence that is understood. A longer one is not a key.
const MAX_SEQUENCE_BYTES: usize = 32;

/// The sequence that ends a pasted text, see `ESC [ ? 2004 h` of xterm.
const PASTE_END: &[u8] = b"\x1b[201~";

/// Decodes keys, byte by byte.
#[derive(Debug)]
pub(super) struct KeyDecoder {
    controls: ControlCharacters,
    state: State,
    /// The beginning of a character of several bytes.
    character: Vec<u8>,
}

#[derive(Debug, Eq, PartialEq)]
enum State {
    Text,
    /// After ESC.
    Escape,
    /// After ESC O.
    Application,
    /// After ESC [ and these bytes.
    Sequence(Vec<u8>),
    Paste(Vec<u8>),
}

impl KeyDecoder {
    pub(super) const fn new(controls: ControlCharacters) -> Self {
        Self { controls, state: State::Text, character: Vec::new() }
    }

    /// Appends the keys that a byte completes.
    pub(super) fn decode(&mut self, byte: u8, keys: &mut VecDeque<Key>) {
        match &mut self.state {
            State::Text => self.text(byte, keys),
            State::Escape => self.escape(byte, keys),
            State::Application => {
                self.state = State::Text;
                keys.extend(named(b"", byte));
            }
            State::Sequence(parameters) if (b' '..=b'?').contains(&byte) && parameters.len() < MAX_SEQUENCE_BYTES => {
                parameters.push(byte);
            }
            // The Linux console: ESC [ [ A is F1.
            State::Sequence(parameters) if byte == b'[' && parameters.is_empty() => parameters.push(byte),
            State::Sequence(parameters) => {
                let parameters = std::mem::take(parameters);
                self.state = State::Text;
                match (parameters.as_slice(), byte) {
                    (b"200", b'~') => self.state = State::Paste(Vec::new()),
                    (_, b'@'..=b'~') => keys.extend(named(&parameters, byte)),
                    // Not a sequence after all.
                    _ => self.text(byte, keys),
                }
            }
            State::Paste(bytes) => {
                bytes.push(byte);
                if bytes.ends_with(PASTE_END) {
                    bytes.truncate(bytes.len() - PASTE_END.len());
                    let pasted = std::mem::take(bytes);
                    self.state = State::Text;
                    paste(pasted, keys);
                } else if bytes.len() > MAX_LINE_BYTES + PASTE_END.len() {
                    // Too long in any case. The end of the sequence is still recognised.
                    bytes.drain(MAX_LINE_BYTES + 1..bytes.len() - PASTE_END.len() + 1);
                }
            }
        }
    }

    fn text(&mut self, byte: u8, keys: &mut VecDeque<Key>) {
        if byte.is_ascii() {
            if !self.character.is_empty() {
                self.character.clear();
                keys.push_back(Key::NotUtf8);
            }
            if byte == b'\x1b' {
                self.state = State::Escape;
            } else {
                keys.extend(self.ascii(byte));
            }
            return;
        }
        self.character.push(byte);
        match std::str::from_utf8(&self.character) {
            Ok(text) => keys.extend(text.chars().map(Key::Char)),
            Err(error) if error.error_len().is_none() => return,
            Err(_) => {
                keys.push_back(Key::NotUtf8);
                if self.character.len() > 1 {
                    // The byte may begin a character of its own.
                    self.character.clear();
                    return self.text(byte, keys);
                }
            }
        }
        self.character.clear();
    }

    fn ascii(&self, byte: u8) -> Option<Key> {
        let ControlCharacters { interrupt, quit, end, suspend, erase } = self.controls;
        let key = match byte {
            b'\r' | b'\n' => Key::Enter,
            0 => return None,
            _ if byte == interrupt || byte == quit => Key::Interrupt,
            _ if byte == end => Key::EndOfInput,
            _ if byte == suspend => Key::Suspend,
            _ if byte == erase => Key::Edit(Edit::DeleteLeft),
            // The control characters of emacs and readline.
            0x01 => Key::Edit(Edit::Start),
            0x02 => Key::Edit(Edit::Left),
            0x05 => Key::Edit(Edit::End),
            0x06 => Key::Edit(Edit::Right),
            0x08 | 0x7f => Key::Edit(Edit::DeleteLeft),
            b'\t' => Key::Complete,
            0x0b => Key::Edit(Edit::CutToEnd),
            0x0c => Key::ClearScreen,
            0x0e => Key::Down,
            0x10 => Key::Up,
            0x15 => Key::Edit(Edit::CutToStart),
            0x17 => Key::Edit(Edit::CutWordLeft),
            0x19 => Key::Edit(Edit::Yank),
            b' '..=b'~' => Key::Char(char::from(byte)),
            _ => return None,
        };
        Some(key)
    }

    fn escape(&mut self, byte: u8, keys: &mut VecDeque<Key>) {
        self.state = State::Text;
        match byte {
            b'[' => self.state = State::Sequence(Vec::new()),
            b'O' => self.state = State::Application,
            b'b' | b'B' => keys.push_back(Key::Edit(Edit::WordLeft)),
            b'f' | b'F' => keys.push_back(Key::Edit(Edit::WordRight)),
            b'd' | b'D' => keys.push_back(Key::Edit(Edit::CutWordRight)),
            0x08 | 0x7f => keys.push_back(Key::Edit(Edit::CutWordLeft)),
            // The escape key, and then another one.
            _ => self.text(byte, keys),
        }
    }
}

/// The key of a control sequence, after ECMA-48 and xterm.
fn named(parameters: &[u8], last: u8) -> Option<Key> {
    let mut numbers = parameters.split(|&byte| byte == b';');
    let number = numbers.next().unwrap_or_default();
    // 3 is Alt, 5 is Ctrl.
    let by_word = matches!(numbers.next(), Some(b"3" | b"5"));
    let edit = match (last, number) {
        (b'A', b"" | b"1") => return Some(Key::Up),
        (b'B', b"" | b"1") => return Some(Key::Down),
        (b'M', b"") => return Some(Key::Enter),
        (b'C', b"" | b"1") if by_word => Edit::WordRight,
        (b'D', b"" | b"1") if by_word => Edit::WordLeft,
        (b'C', b"" | b"1") => Edit::Right,
        (b'D', b"" | b"1") => Edit::Left,
        (b'H', b"" | b"1") | (b'~', b"1" | b"7") => Edit::Start,
        (b'F', b"" | b"1") | (b'~', b"4" | b"8") => Edit::End,
        (b'~', b"3") if by_word => Edit::CutWordRight,
        (b'~', b"3") => Edit::DeleteRight,
        _ => return None,
    };
    Some(Key::Edit(edit))
}

fn paste(bytes: Vec<u8>, keys: &mut VecDeque<Key>) {
    if bytes.len() > MAX_LINE_BYTES {
        // Its middle is gone, so the line must be refused: the text stays longer than any line.
        return keys.push_back(Key::Paste(String::from_utf8_lossy(&bytes).into_owned()));
    }
    match String::from_utf8(bytes) {
        Ok(text) => keys.push_back(Key::Paste(text.replace("\r\n", "\n").replace('\r', "\n"))),
        Err(_) => keys.push_back(Key::NotUtf8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTROLS: ControlCharacters =
        ControlCharacters { interrupt: 3, quit: 0x1c, end: 4, suspend: 0x1a, erase: 0x7f };

    fn keys(bytes: &[u8]) -> Vec<Key> {
        let (mut decoder, mut keys) = (KeyDecoder::new(CONTROLS), VecDeque::new());
        bytes.iter().for_each(|&byte| decoder.decode(byte, &mut keys));
        keys.into()
    }

    #[test]
    fn bytes_become_keys() {
        use Key::{Char, ClearScreen, Down, EndOfInput, Enter, Interrupt, NotUtf8, Suspend, Up};
        let edit = Key::Edit;
        for (bytes, expected) in [
            (&b"a\r"[..], vec![Char('a'), Enter]),
            ("é你😀".as_bytes(), vec![Char('é'), Char('你'), Char('😀')]),
            (b"\x03\x1c\x04\x1a\x0c", vec![Interrupt, Interrupt, EndOfInput, Suspend, ClearScreen]),
            (b"\x1b[A\x1bOB\x10\x0e", vec![Up, Down, Up, Down]),
            (b"a\t\x1b[200~\t\x1b[201~", vec![Char('a'), Key::Complete, Key::Paste("\t".to_owned())]),
            (b"\x1b[D\x1b[1;5C\x1bb\x1b[3~\x7f", {
                let edits = [Edit::Left, Edit::WordRight, Edit::WordLeft, Edit::DeleteRight, Edit::DeleteLeft];
                edits.map(edit).to_vec()
            }),
            (b"\x1b[H\x1b[8~\x1b[5~x", vec![edit(Edit::Start), edit(Edit::End), Char('x')]),
            (b"\x1b[[Ax\x1b\x1b\rx", vec![Char('x'), Enter, Char('x')]),
            (b"\x1b[12\rx", vec![Enter, Char('x')]),
            (b"caf\xe9\r", vec![Char('c'), Char('a'), Char('f'), NotUtf8, Enter]),
            (b"\xff\xe9\xc3\xa9", vec![NotUtf8, NotUtf8, Char('é')]),
            (b"\x00\x02", vec![edit(Edit::Left)]),
        ] {
            assert_eq!(keys(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn a_pasted_text_is_one_key() {
        let pasted = |text: &str| Key::Paste(text.to_owned());
        assert_eq!(keys(b"\x1b[200~one\r\ntwo\rthree\x03\x1b[201~\r"), [pasted("one\ntwo\nthree\x03"), Key::Enter]);
        assert_eq!(keys(b"\x1b[200~\xff\x1b[201~x"), [Key::NotUtf8, Key::Char('x')]);
    }

    #[test]
    fn a_pasted_text_that_is_too_long_stays_too_long() {
        for part in ["x", "你", "\r\n"] {
            let long = ["\x1b[200~", &part.repeat(3 * MAX_LINE_BYTES), "\x1b[201~\r"].concat();
            match keys(long.as_bytes()).as_slice() {
                [Key::Paste(text), Key::Enter] => {
                    assert!(text.len() > MAX_LINE_BYTES && text.len() < MAX_LINE_BYTES + 16, "{}", text.len());
                }
                other => panic!("{part:?}: {} keys", other.len()),
            }
        }
    }
}
