//! A terminal with a program in it: keys go in, and what stands on the screen comes out.

use std::ffi::OsStr;
use std::io::Write;
use std::process::Command;
use std::time::Instant;

use expectrl::Session;
use expectrl::session::OsSession;
use rustix::process::{Pid, Signal, kill_process};

use crate::process::{LOOK, PATIENCE};

/// A pseudo-terminal and its screen. The program is killed when it is dropped.
pub(crate) struct Terminal {
    session: OsSession,
    screen: Screen,
    /// Every byte that came to the screen.
    pub(crate) bytes: Vec<u8>,
}

impl Terminal {
    pub(crate) fn start(command: &Command) -> Self {
        // What is typed is shown, as in any terminal; expectrl begins with the opposite.
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", "stty echo && exec \"$@\"", "sh"]).arg(command.get_program()).args(command.get_args());
        shell.env_clear().env("PATH", "/usr/bin:/bin").env("TERM", "xterm").env("NO_COLOR", "1");
        shell.envs(command.get_envs().filter_map(|(name, value): (_, Option<&OsStr>)| Some((name, value?))));
        shell.current_dir(command.get_current_dir().unwrap());
        Self { session: Session::spawn(shell).unwrap(), screen: Screen::default(), bytes: Vec::new() }
    }

    pub(crate) fn type_keys(&mut self, keys: &str) {
        self.session.write_all(keys.as_bytes()).unwrap();
        self.session.flush().unwrap();
    }

    /// Waits until the last line, where the cursor is, is this one; gives all of them.
    #[track_caller]
    pub(crate) fn until_last(&mut self, wanted: &str) -> Vec<String> {
        self.until(wanted, |lines| lines.last().is_some_and(|last| last == wanted))
    }

    /// Waits until the lines are as wanted; gives them.
    #[track_caller]
    pub(crate) fn until(&mut self, what: &str, wanted: impl Fn(&[String]) -> bool) -> Vec<String> {
        let begin = Instant::now();
        loop {
            let mut buffer = [0; 4_096];
            // An error is that nothing is there now, or the end of the program.
            while let Ok(read @ 1..) = self.session.try_read(&mut buffer) {
                self.bytes.extend_from_slice(&buffer[..read]);
            }
            self.screen = Screen::default();
            self.screen.show(&self.bytes);
            let lines = self.screen.lines();
            if wanted(&lines) {
                return lines;
            }
            assert!(begin.elapsed() < PATIENCE, "{what:?} is not shown, but {lines:#?}");
            std::thread::sleep(LOOK);
        }
    }

    /// Sends a signal to the program.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.session.get_process().pid().as_raw()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Whether the program has ended.
    pub(crate) fn has_ended(&self) -> bool {
        !self.session.get_process().is_alive().unwrap()
    }
}

/// As much of a terminal as the programs use. It is as wide as the lines are.
#[derive(Debug, Default)]
struct Screen {
    rows: Vec<Vec<char>>,
    row: usize,
    column: usize,
}

impl Screen {
    /// Shows all that has come so far; what is cut off in the middle comes later.
    fn show(&mut self, bytes: &[u8]) {
        let whole = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) if error.error_len().is_none() => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap(),
            Err(error) => panic!("the terminal gets what is no text: {error}"),
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
                    assert!(rest.next().is_none_or(|kind| kind == '['), "only control sequences are used");
                    let mut sequence = String::new();
                    while sequence.chars().last().is_none_or(|last| !last.is_ascii_alphabetic()) {
                        let Some(next) = rest.next() else { return };
                        sequence.push(next);
                    }
                    self.control(&sequence);
                }
                '\x07' => {}
                letter => {
                    assert!(!letter.is_control(), "{letter:?} does nothing here");
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
            // Modes, such as that of pasting, which show nothing.
            "h" | "l" => {}
            _ => panic!("the screen does not know ESC[{sequence}"),
        }
    }

    /// The lines as far as they are written, without blanks at their ends.
    fn lines(&self) -> Vec<String> {
        self.rows.iter().map(|row| row.iter().collect::<String>().trim_end().to_owned()).collect()
    }
}

#[test]
fn the_screen_shows_what_a_terminal_would() {
    let mut screen = Screen::default();
    screen.show(b"\x1b[?2004h> half\x1b[2D\r\x1b[Ka line\r\n> half\r\x1b[2Cl\x1b[6");
    assert_eq!(screen.lines(), ["a line", "> lalf"]);
}
