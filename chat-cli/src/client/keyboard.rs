//! Where lines come from: a terminal with an editor that arriving lines do not disturb, or any other reader.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use chat_core::password::Password;
use rustyline::error::ReadlineError;
use rustyline::{Config, DefaultEditor, ExternalPrinter};
use tokio::sync::mpsc;

use super::args::Format;
use super::line::{self, Action};
use super::lines;
use super::screen::Screen;
use crate::input_error::InputError;
use crate::secret::{self, Wanted};
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
    /// Ctrl-C: leave at once.
    Interrupted,
}

/// Lines that may be read ahead: a few, so that reading and sending do not wait for each other.
const READ_AHEAD: usize = 16;

/// The editor's prompt.
const PROMPT: &str = "> ";

/// How long the editor may take to show what it was given, before something is written past it.
const EDITOR_TIME: Duration = Duration::from_millis(50);

/// The input and the places for output that go with it.
#[derive(Debug)]
pub struct Console {
    /// What comes in.
    pub input: mpsc::Receiver<Input>,
    /// Where lines go.
    pub screen: Screen,
    editing: Editing,
}

/// Whether an editor shows what is written.
#[derive(Clone, Debug, Default)]
pub struct Editing(Arc<AtomicBool>);

impl Editing {
    /// Says that no more is read: what is written from now on does not go by the editor, which may be gone before it
    /// shows it.
    pub fn close(&self) {
        self.0.store(false, Ordering::SeqCst);
    }

    fn goes_on(&self) -> bool {
        self.0.load(Ordering::SeqCst)
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
        Self { input, screen: Screen::new(io::stdout(), io::stderr()), editing: Editing::default() }
    }

    fn edited(form: Format) -> rustyline::Result<Self> {
        let mut editor = DefaultEditor::with_config(Config::builder().auto_add_history(true).build())?;
        let editing = Editing(Arc::new(AtomicBool::new(true)));
        let conversation = Above::new(editor.create_external_printer()?, editing.clone());
        let screen = if io::stderr().is_terminal() {
            Screen::new(conversation, Above::new(editor.create_external_printer()?, editing.clone()))
        } else {
            Screen::new(conversation, io::stderr())
        };
        let (to, input) = mpsc::channel(READ_AHEAD);
        let flag = editing.clone();
        thread::spawn(move || {
            edit_lines(&mut editor, form, &to);
            flag.close();
        });
        Ok(Self { input, screen, editing })
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
            Err(error) => return log::error!("standard input cannot be read any more: {error}"),
        }
    }
}

fn edit_lines(editor: &mut DefaultEditor, form: Format, to: &mpsc::Sender<Input>) {
    loop {
        let line = match editor.readline(PROMPT) {
            Ok(line) => line,
            Err(ReadlineError::Interrupted | ReadlineError::Signal(rustyline::error::Signal::Interrupt)) => {
                drop(to.blocking_send(Input::Interrupted));
                return;
            }
            Err(ReadlineError::Signal(rustyline::error::Signal::Resize)) => continue,
            Err(ReadlineError::Eof) => return,
            Err(error) => return log::error!("the terminal cannot be read any more: {error}"),
        };
        // Only here is it known whether another line is wanted, and passwords are asked for where lines are read.
        let action = if form == Format::Text { line::parse(&line).ok() } else { None };
        let input = match action {
            Some(Action::ChangePassword) => match new_passwords() {
                Some(passwords) => passwords,
                None => continue,
            },
            _ => Input::Line(Ok(line)),
        };
        if to.blocking_send(input).is_err() || action == Some(Action::Leave) {
            return;
        }
    }
}

/// Asks for the passwords. Nothing can be typed for others meanwhile, and lines that arrive are shown.
fn new_passwords() -> Option<Input> {
    let mut terminal = Terminal;
    let old = secret::typed(Wanted::Known, &mut terminal);
    match old.and_then(|old| Ok((old, secret::typed(Wanted::New, &mut terminal)?))) {
        Ok((old, new)) => Some(Input::Passwords { old, new }),
        Err(error) => {
            // A terminal that cannot be written to is found out by the editor.
            drop(error.show(&mut io::stdout(), &mut io::stderr()));
            None
        }
    }
}

/// Writes whole lines above the line that is being edited.
struct Above<P> {
    printer: P,
    lines: String,
    editing: Editing,
    waited: bool,
}

impl<P: ExternalPrinter> Above<P> {
    const fn new(printer: P, editing: Editing) -> Self {
        Self { printer, lines: String::new(), editing, waited: false }
    }
}

impl<P: ExternalPrinter> Write for Above<P> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let lines = std::str::from_utf8(bytes).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
        self.lines.push_str(lines);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let lines = std::mem::take(&mut self.lines);
        if lines.is_empty() {
            return Ok(());
        }
        if self.editing.goes_on() {
            return self.printer.print(lines).map_err(io::Error::other);
        }
        if !self.waited {
            thread::sleep(EDITOR_TIME);
            self.waited = true;
        }
        let mut terminal = io::stdout();
        // The prompt may still stand there.
        write!(terminal, "\r\x1b[K{lines}")?;
        terminal.flush()
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
        let mut above = Above::new(Printed::default(), Editing(Arc::new(AtomicBool::new(true))));
        above.write_all("one\n".as_bytes()).unwrap();
        above.write_all("二\n".as_bytes()).unwrap();
        above.flush().unwrap();
        above.flush().unwrap();
        assert_eq!(above.printer.0, ["one\n二\n"]);
    }
}
