//! Where lines come from: a terminal with an editor that arriving lines do not disturb, or any other reader.

use std::fmt;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use chat_core::password::Password;
use rustyline::error::ReadlineError;
use rustyline::{DefaultEditor, ExternalPrinter};
use tokio::sync::{Notify, mpsc};
use zeroize::Zeroizing;

use super::args::Format;
use super::line::{self, Action};
use super::lines;
use super::screen::Screen;
use crate::input_error::InputError;
use crate::secret::{self, Ask, Wanted};
use crate::terminal::{self, Terminal};

/// What comes from the input. Its end is the end of the channel.
#[derive(Debug)]
pub enum Input {
    /// A line, or why it could not be read.
    Line(Result<String, InputError>),
    /// Passwords that were typed for `/passwd`.
    Passwords {
        /// The one so far.
        old: Password,
        /// The one to come.
        new: Password,
    },
}

/// Lines that may be read ahead: a few, so that reading and sending do not wait for each other.
const READ_AHEAD: usize = 16;

/// The editor's prompt.
const PROMPT: &str = "> ";

/// How long the editor may take to show what it was given, before something is written past it.
const EDITOR_TIME: Duration = Duration::from_millis(50);

/// Nobody types a line in so short a time: what is there by then was typed before.
const AT_ONCE: Duration = Duration::from_millis(100);

/// The input and the places for output that go with it.
#[derive(Debug)]
pub struct Console {
    /// What comes in.
    pub input: mpsc::Receiver<Input>,
    /// Where lines go.
    pub screen: Screen,
    /// Ctrl-C: leave at once, whatever lines wait.
    pub interrupted: Arc<Notify>,
    editing: Editing,
}

/// What stands in the last line of the screen, above which lines are written.
#[derive(Clone, Debug, Default)]
pub struct Editing(Arc<Mutex<LastLine>>);

#[derive(Clone, Debug, Default, Eq, PartialEq)]
enum LastLine {
    /// What is being typed; the editor shows it.
    Edited,
    /// A question, whose answer is typed unseen.
    Question(String),
    /// Nothing that would have to stay.
    #[default]
    Nothing,
}

impl Editing {
    /// Says that no more is read: what is written from now on does not go by the editor, which may be gone before it
    /// shows it.
    pub fn close(&self) {
        self.set(LastLine::Nothing);
    }

    fn set(&self, line: LastLine) {
        *self.lock() = line;
    }

    /// Goes from one to the other, unless no more is read by now.
    fn change(&self, from: &LastLine, to: LastLine) {
        let mut line = self.lock();
        if *line == *from {
            *line = to;
        }
    }

    fn lock(&self) -> MutexGuard<'_, LastLine> {
        // It is only set and read.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Console {
    /// Begins to read standard input: with an editor if that and standard output are a terminal that can do it, else
    /// line by line.
    pub fn open(form: Format) -> Self {
        if terminal::is_there() && io::stdout().is_terminal() {
            match Self::edited(form) {
                Ok(console) => return console,
                Err(error) => log::info!("the terminal has no line editing: {error}"),
            }
        }
        let (to, input) = mpsc::channel(READ_AHEAD);
        thread::spawn(move || read_lines(&to));
        let screen = Screen::new(io::stdout(), io::stderr());
        Self { input, screen, interrupted: Arc::default(), editing: Editing::default() }
    }

    fn edited(form: Format) -> rustyline::Result<Self> {
        let mut editor = DefaultEditor::new()?;
        let editing = Editing::default();
        editing.set(LastLine::Edited);
        let conversation = Above::new(editor.create_external_printer()?, io::stdout(), editing.clone());
        let screen = if io::stderr().is_terminal() {
            Screen::new(conversation, Above::new(editor.create_external_printer()?, io::stdout(), editing.clone()))
        } else {
            Screen::new(conversation, io::stderr())
        };
        let (to, input) = mpsc::channel(READ_AHEAD);
        let (flag, interrupted) = (editing.clone(), Arc::<Notify>::default());
        let console = Self { input, screen, interrupted: Arc::clone(&interrupted), editing };
        thread::spawn(move || {
            edit_lines(&mut editor, form, &to, &interrupted, &flag);
            flag.close();
        });
        Ok(console)
    }

    /// For the end of the conversation.
    pub fn editing(&self) -> Editing {
        self.editing.clone()
    }
}

fn read_lines(to: &mpsc::Sender<Input>) {
    let mut stdin = io::stdin().lock();
    loop {
        match lines::next(&mut stdin) {
            Ok(Some(line)) => {
                if to.blocking_send(Input::Line(line)).is_err() {
                    return;
                }
            }
            Ok(None) => return,
            Err(error) => return drop(to.blocking_send(broken(&error))),
        }
    }
}

fn broken(error: &dyn fmt::Display) -> Input {
    Input::Line(Err(InputError::InputBroken(error.to_string())))
}

fn edit_lines(
    editor: &mut DefaultEditor,
    form: Format,
    to: &mpsc::Sender<Input>,
    interrupted: &Notify,
    editing: &Editing,
) {
    let mut asked_for_passwords = false;
    loop {
        let begin = Instant::now();
        let line = match editor.readline(PROMPT) {
            // The editor keeps what is typed ahead of its question, and so what was meant for another one.
            Ok(_) if asked_for_passwords && begin.elapsed() < AT_ONCE => Err(InputError::TypedAhead),
            Ok(line) => Ok(line),
            Err(ReadlineError::Interrupted | ReadlineError::Signal(rustyline::error::Signal::Interrupt)) => {
                return interrupted.notify_one();
            }
            Err(ReadlineError::Signal(rustyline::error::Signal::Resize)) => continue,
            Err(ReadlineError::Eof) => return,
            Err(ReadlineError::Io(error)) if error.kind() == ErrorKind::InvalidData => Err(InputError::NotUtf8),
            Err(error) => return drop(to.blocking_send(broken(&error))),
        };
        let line = match line {
            Ok(line) => line,
            Err(error) => match to.blocking_send(Input::Line(Err(error))) {
                Ok(()) => continue,
                Err(_) => return,
            },
        };
        // Without room in memory it can be typed again.
        let _kept = editor.add_history_entry(&line);
        // Only here is it known whether another line is wanted, and passwords are asked for where lines are read.
        asked_for_passwords = false;
        let action = if form == Format::Text { line::parse(&line).ok() } else { None };
        let input = match action {
            Some(Action::ChangePassword) => {
                asked_for_passwords = true;
                match new_passwords(editing) {
                    Some(passwords) => passwords,
                    None => continue,
                }
            }
            _ => Input::Line(Ok(line)),
        };
        if to.blocking_send(input).is_err() || action == Some(Action::Leave) {
            return;
        }
    }
}

/// Asks for the passwords. Nothing can be typed for others meanwhile, and lines that arrive are shown.
fn new_passwords(editing: &Editing) -> Option<Input> {
    let mut asking = Asking { terminal: Terminal::default(), editing };
    let old = secret::typed(Wanted::Known, &mut asking);
    match old.and_then(|old| Ok((old, secret::typed(Wanted::New, &mut asking)?))) {
        Ok((old, new)) => Some(Input::Passwords { old, new }),
        Err(error) => {
            // A terminal that cannot be written to is found out by the editor.
            drop(error.show(&mut io::stdout(), &mut io::stderr()));
            None
        }
    }
}

/// Asks at the terminal, and lets the question stay below the lines that arrive meanwhile.
struct Asking<'a, A> {
    terminal: A,
    editing: &'a Editing,
}

impl<A: Ask> Ask for Asking<'_, A> {
    fn hidden(&mut self, prompt: &str) -> io::Result<Zeroizing<String>> {
        let question = LastLine::Question(prompt.to_owned());
        self.editing.change(&LastLine::Edited, question.clone());
        // A line that came just now may have brought the question along.
        let typed = self.terminal.hidden(&format!("{CLEAR_LINE}{prompt}"));
        self.editing.change(&question, LastLine::Edited);
        typed
    }

    fn tell(&mut self, sentence: &str) {
        self.terminal.tell(sentence);
    }
}

/// Goes to the beginning of the line and clears it.
const CLEAR_LINE: &str = "\r\x1b[K";

/// Writes whole lines above the line that is being edited.
struct Above<P, T = io::Stdout> {
    printer: P,
    /// For what does not go by the editor.
    terminal: T,
    lines: String,
    editing: Editing,
    waited: bool,
}

impl<P: ExternalPrinter, T: Write> Above<P, T> {
    const fn new(printer: P, terminal: T, editing: Editing) -> Self {
        Self { printer, terminal, lines: String::new(), editing, waited: false }
    }
}

impl<P: ExternalPrinter, T: Write> Write for Above<P, T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let lines = std::str::from_utf8(bytes).map_err(|_| io::Error::from(ErrorKind::InvalidData))?;
        self.lines.push_str(lines);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let lines = std::mem::take(&mut self.lines);
        if lines.is_empty() {
            return Ok(());
        }
        let last = self.editing.lock().clone();
        let question = match last {
            LastLine::Edited => return self.printer.print(lines).map_err(io::Error::other),
            LastLine::Question(question) => question,
            LastLine::Nothing => {
                if !self.waited {
                    thread::sleep(EDITOR_TIME);
                    self.waited = true;
                }
                // The prompt may still stand there.
                String::new()
            }
        };
        write!(self.terminal, "{CLEAR_LINE}{lines}{question}")?;
        self.terminal.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Printed(Vec<String>);

    impl ExternalPrinter for Printed {
        fn print(&mut self, lines: String) -> rustyline::Result<()> {
            self.0.push(lines);
            Ok(())
        }
    }

    #[test]
    fn lines_reach_the_editor_whole() {
        let editing = Editing::default();
        editing.set(LastLine::Edited);
        let mut above = Above::new(Printed::default(), Vec::new(), editing);
        above.write_all("one\n".as_bytes()).unwrap();
        above.write_all("二\n".as_bytes()).unwrap();
        above.flush().unwrap();
        above.flush().unwrap();
        assert_eq!(above.printer.0, ["one\n二\n"]);
        assert_eq!(above.terminal, b"");
    }

    /// Answers every question, while a line arrives.
    struct Typist<'a>(&'a mut Above<Printed, Vec<u8>>);

    impl Ask for Typist<'_> {
        fn hidden(&mut self, prompt: &str) -> io::Result<Zeroizing<String>> {
            self.0.terminal.extend_from_slice(prompt.as_bytes());
            self.0.write_all(b"a line\n")?;
            self.0.flush()?;
            Ok(Zeroizing::new("correct horse".to_owned()))
        }

        fn tell(&mut self, _: &str) {}
    }

    #[test]
    fn a_question_stays_below_the_lines_that_arrive_meanwhile() {
        let editing = Editing::default();
        editing.set(LastLine::Edited);
        let mut above = Above::new(Printed::default(), Vec::new(), editing.clone());
        let mut asking = Asking { terminal: Typist(&mut above), editing: &editing };
        assert!(secret::typed(Wanted::Known, &mut asking).is_ok());
        assert_eq!(String::from_utf8_lossy(&above.terminal), "\r\x1b[Kpassword: \r\x1b[Ka line\npassword: ");
        assert_eq!(*editing.lock(), LastLine::Edited);
        editing.close();
        let mut asking = Asking { terminal: Typist(&mut above), editing: &editing };
        assert!(secret::typed(Wanted::Known, &mut asking).is_ok());
        assert_eq!(*editing.lock(), LastLine::Nothing, "nobody reads any more");
    }
}
