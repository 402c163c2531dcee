//! The screen of a terminal and its scrollback: which characters stand where after a program has written to it.

use unicode_width::UnicodeWidthChar;

/// How a terminal treats its rows when its width changes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Resizing {
    /// It wraps its lines again, as VTE, kitty and tmux do.
    Reflow,
    /// It cuts off what does not fit, as xterm does.
    Clip,
}

/// As much of a terminal as the programs use.
#[derive(Debug)]
pub(crate) struct Screen {
    resizing: Resizing,
    columns: usize,
    height: usize,
    /// The scrollback and the screen.
    rows: Vec<Row>,
    /// The first row of the screen.
    top: usize,
    row: usize,
    column: usize,
    /// Bytes that do not end with a whole character or sequence.
    incomplete: Vec<u8>,
}

#[derive(Clone, Debug, Default)]
struct Row {
    /// A character in each cell. The second cell of a wide one is empty.
    cells: Vec<String>,
    /// Whether the next row continues this one.
    wrapped: bool,
}

impl Screen {
    pub(crate) fn new(columns: u16, height: u16, resizing: Resizing) -> Self {
        let (columns, height) = (usize::from(columns), usize::from(height));
        let rows = vec![Row::default()];
        Self { resizing, columns, height, rows, top: 0, row: 0, column: 0, incomplete: Vec::new() }
    }

    /// Shows what a program has written.
    pub(crate) fn show(&mut self, bytes: &[u8]) {
        let bytes = [std::mem::take(&mut self.incomplete), bytes.to_vec()].concat();
        let whole = match std::str::from_utf8(&bytes) {
            Ok(text) => text,
            Err(error) if error.error_len().is_none() => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap(),
            Err(error) => panic!("the program writes bytes that are not UTF-8: {error}"),
        };
        let mut used = 0;
        while used < whole.len() {
            let rest = &whole[used..];
            let Some(bytes) = self.show_one(rest) else { break };
            used += bytes;
        }
        self.incomplete = bytes[used..].to_vec();
    }

    /// Shows the first character or sequence, and returns its length; `None` if it is incomplete.
    fn show_one(&mut self, text: &str) -> Option<usize> {
        let first = text.chars().next()?;
        match first {
            '\r' => self.column = 0,
            '\n' => self.line_feed(),
            '\x07' => {}
            '\x1b' => {
                let sequence = text.get(1..).filter(|rest| !rest.is_empty())?;
                let sequence = sequence.strip_prefix('[').expect("an escape sequence that is not a control sequence");
                let end = sequence.find(|ch: char| ch.is_ascii_alphabetic())?;
                self.control(&sequence[..end], &sequence[end..=end]);
                return Some("\x1b[".len() + end + 1);
            }
            letter => {
                assert!(!letter.is_control(), "the screen does not know {letter:?}");
                self.print(letter);
            }
        }
        Some(first.len_utf8())
    }

    fn print(&mut self, letter: char) {
        let width = letter.width().unwrap_or(0);
        if width == 0 {
            let last = self.rows[self.row].cells[..self.column].iter_mut().rev().find(|cell| !cell.is_empty());
            last.expect("a character before the combining one").push(letter);
            return;
        }
        if self.column + width > self.columns {
            self.rows[self.row].wrapped = true;
            self.line_feed();
            self.column = 0;
        }
        let cells = &mut self.rows[self.row].cells;
        cells.resize(cells.len().max(self.column + width), " ".to_owned());
        cells[self.column] = letter.to_string();
        cells[self.column + 1..self.column + width].fill(String::new());
        self.column += width;
    }

    fn line_feed(&mut self) {
        self.row += 1;
        self.rows.resize(self.rows.len().max(self.row + 1), Row::default());
        self.top = self.top.max((self.row + 1).saturating_sub(self.height));
    }

    fn control(&mut self, count: &str, kind: &str) {
        let steps = || count.parse().unwrap_or(1);
        match kind {
            "A" => self.row = self.row.saturating_sub(steps()).max(self.top),
            "B" => {
                self.row = (self.row + steps()).min(self.top + self.height - 1);
                self.rows.resize(self.rows.len().max(self.row + 1), Row::default());
            }
            "C" => self.column = (self.column + steps()).min(self.columns - 1),
            "D" => self.column = self.column.saturating_sub(steps()),
            "H" if count.is_empty() => (self.row, self.column) = (self.top, 0),
            "K" if count.is_empty() => self.erase_row(),
            "J" if count.is_empty() => {
                self.erase_row();
                self.rows.truncate(self.row + 1);
            }
            // Modes and colours.
            "h" | "l" | "m" => {}
            _ => panic!("the screen does not know ESC[{count}{kind}"),
        }
    }

    fn erase_row(&mut self) {
        let row = &mut self.rows[self.row];
        row.cells.truncate(self.column);
        row.wrapped = false;
    }

    /// Changes the size.
    pub(crate) fn resize(&mut self, columns: u16, height: u16) {
        (self.columns, self.height) = (usize::from(columns), usize::from(height));
        match self.resizing {
            Resizing::Reflow => self.reflow(),
            Resizing::Clip => {
                self.rows.iter_mut().for_each(|row| row.cells.truncate(self.columns));
                self.column = self.column.min(self.columns - 1);
            }
        }
        // The cursor stays on the screen. Rows below the screen are lost.
        self.top = self.rows.len().saturating_sub(self.height).min(self.row);
        self.rows.truncate(self.top + self.height);
    }

    fn reflow(&mut self) {
        let (mut rows, mut cursor, mut begins) = (Vec::<Row>::new(), None, true);
        for (number, row) in std::mem::take(&mut self.rows).into_iter().enumerate() {
            if begins {
                rows.push(Row::default());
            }
            begins = !row.wrapped;
            let mut at = 0;
            for cell in row.cells {
                // The two cells of a wide character stay together.
                let width = cell.chars().next().map_or(0, |ch| ch.width().unwrap_or(0).max(1));
                if rows.last().unwrap().cells.len() + width > self.columns {
                    rows.last_mut().unwrap().wrapped = true;
                    rows.push(Row::default());
                }
                if (number, at) == (self.row, self.column) {
                    cursor = Some((rows.len() - 1, rows.last().unwrap().cells.len()));
                }
                rows.last_mut().unwrap().cells.push(cell);
                at += 1;
            }
            if number == self.row && cursor.is_none() {
                let column = rows.last().unwrap().cells.len() + self.column.saturating_sub(at);
                cursor = Some((rows.len() - 1, column.min(self.columns)));
            }
        }
        self.rows = rows;
        (self.row, self.column) = cursor.expect("the cursor is in a row");
    }

    /// The lines of the scrollback and the screen that were written to, without trailing blanks. Rows that the terminal
    /// wrapped are one line.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = vec![String::new()];
        for row in &self.rows {
            lines.last_mut().unwrap().extend(row.cells.iter().map(String::as_str));
            if !row.wrapped {
                lines.push(String::new());
            }
        }
        lines.pop();
        lines.iter().map(|line| line.trim_end().to_owned()).collect()
    }
}

#[test]
fn the_screen_shows_what_a_terminal_would() {
    let mut screen = Screen::new(80, 24, Resizing::Clip);
    screen.show(b"\x1b[?2004h> half\x1b[2D\r\x1b[Ka line\r\n> half\r\x1b[2Cl\x1b[6");
    assert_eq!(screen.lines(), ["a line", "> lalf"]);
    screen.show(b"C!\xe4\xbd");
    screen.show(b"\xa0");
    assert_eq!(screen.lines(), ["a line", "> lalf   !你"]);
    screen.show(b"\x1b[A\r\x1b[J");
    assert_eq!(screen.lines(), [""]);
}

#[test]
fn a_change_of_the_size_wraps_or_cuts_the_lines() {
    let after = |resizing, sizes: &[(u16, u16)]| {
        let mut screen = Screen::new(6, 4, resizing);
        screen.show("abcdefgh\r\n你好吗\r\n> x".as_bytes());
        sizes.iter().for_each(|&(columns, height)| screen.resize(columns, height));
        screen.show(b"\x1b[A\r\x1b[Jy");
        screen.lines()
    };
    assert_eq!(after(Resizing::Reflow, &[(12, 4)]), ["abcdefgh", "y"]);
    assert_eq!(after(Resizing::Reflow, &[(4, 9)]), ["abcdefgh", "你好y"]);
    assert_eq!(after(Resizing::Reflow, &[(3, 2), (80, 24)]), ["abcdefgh", "y"]);
    assert_eq!(after(Resizing::Clip, &[(12, 4)]), ["abcdefgh", "y"]);
    assert_eq!(after(Resizing::Clip, &[(3, 2), (80, 24)]), ["abcgh", "y"]);
}
