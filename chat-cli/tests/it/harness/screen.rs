//! The screen of a terminal: which characters stand where after a program has written to it.

/// As much of a terminal as the programs use. It is as wide as its longest line.
#[derive(Debug, Default)]
pub(crate) struct Screen {
    rows: Vec<Vec<char>>,
    row: usize,
    column: usize,
}

impl Screen {
    /// The screen after a program has written these bytes. Ignores an incomplete character or sequence at the end.
    pub(crate) fn after(bytes: &[u8]) -> Self {
        let mut screen = Self::default();
        screen.show(bytes);
        screen
    }

    fn show(&mut self, bytes: &[u8]) {
        let whole = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) if error.error_len().is_none() => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap(),
            Err(error) => panic!("the program writes bytes that are not UTF-8: {error}"),
        };
        let mut rest = whole.chars();
        self.rows.resize(1, Vec::new());
        while let Some(next) = rest.next() {
            match next {
                '\r' => self.column = 0,
                '\n' => {
                    self.row += 1;
                    self.rows.resize(self.rows.len().max(self.row + 1), Vec::new());
                }
                '\x1b' => {
                    assert!(
                        rest.next().is_none_or(|kind| kind == '['),
                        "an escape sequence that is not a control sequence"
                    );
                    let mut sequence = String::new();
                    while sequence.chars().last().is_none_or(|last| !last.is_ascii_alphabetic()) {
                        let Some(next) = rest.next() else { return };
                        sequence.push(next);
                    }
                    self.control(&sequence);
                }
                '\x07' => {}
                letter => {
                    assert!(!letter.is_control(), "the screen does not know {letter:?}");
                    let row = &mut self.rows[self.row];
                    row.resize(row.len().max(self.column + 1), ' ');
                    row[self.column] = letter;
                    self.column += 1;
                }
            }
        }
    }

    fn control(&mut self, sequence: &str) {
        let (count, kind) = sequence.split_at(sequence.len() - 1);
        let steps = || count.parse().unwrap_or(1);
        match kind {
            "A" => self.row -= steps(),
            "B" => self.row += steps(),
            "C" => self.column += steps(),
            "D" => self.column -= steps(),
            "K" => self.rows[self.row].truncate(self.column),
            "J" => {
                self.rows[self.row].truncate(self.column);
                self.rows.truncate(self.row + 1);
            }
            // Modes and colours.
            "h" | "l" | "m" => {}
            _ => panic!("the screen does not know ESC[{sequence}"),
        }
    }

    /// The lines that were written to, without trailing blanks.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.rows.iter().map(|row| row.iter().collect::<String>().trim_end().to_owned()).collect()
    }
}

#[test]
fn the_screen_shows_what_a_terminal_would() {
    let screen = Screen::after(b"\x1b[?2004h> half\x1b[2D\r\x1b[Ka line\r\n> half\r\x1b[2Cl\x1b[6");
    assert_eq!(screen.lines(), ["a line", "> lalf"]);
}
