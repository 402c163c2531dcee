//! The line editor. It also asks for the passwords of `/passwd`, because it is the only reader of the terminal.
//!
//! Line-editing libraries compute how many rows to erase from the width that the terminal had when they drew the rows,
//! and from the width that they expect of each character. If one of the two is wrong, they erase received lines. This
//! editor depends on neither; see [`super::rows`].

mod completion;
pub(in crate::client) mod history;
mod history_file;
mod key_reader;
mod keys;

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use chat_core::password::Password;
use chat_net::client::RosterWatch;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Notify, mpsc};
use zeroize::{Zeroize, Zeroizing};

use self::completion::Completion;
use self::history::{History, Remembered};
use self::key_reader::{KeyReader, TypedAhead};
use self::keys::Key;
use super::input::Input;
use super::line::{self, Action};
use super::line_buffer::{Edit, LineBuffer};
use super::prompt::{Prompt, RowId};
use crate::format::Format;
use crate::input_error::InputError;
use crate::platform::process;
use crate::platform::terminal::{ControlCharacters, is_in_foreground};
use crate::secret::{self, PasswordKind, PasswordPrompt};
use crate::terminal::TerminalPrompt;
use crate::texts::{Localised, Sentence, Texts};

/// The time that the system has to stop the process. It never stops a process that no shell could continue.
const STOP_TIME: Duration = Duration::from_millis(100);

/// How often a program in the background checks whether it is in the foreground. No signal reports that.
const BACKGROUND_INTERVAL: Duration = Duration::from_millis(200);

/// Reads lines at a terminal.
pub(super) struct Editor {
    keys: KeyReader,
    history: History,
    format: Format,
    texts: Texts,
    prompt: Prompt,
    /// The users whose names can be completed.
    roster: RosterWatch,
    interrupted: Arc<Notify>,
    /// Input that was read and not returned yet.
    ready: VecDeque<Input>,
}

/// A line, and its row on the screen.
type TypedLine = (Result<String, InputError>, Option<RowId>);

impl Editor {
    pub(super) fn new(
        controls: ControlCharacters,
        format: Format,
        texts: Texts,
        prompt: Prompt,
        roster: RosterWatch,
        history: History,
        interrupted: Arc<Notify>,
    ) -> Self {
        let keys = KeyReader::new(controls);
        Self { keys, history, format, texts, prompt, roster, interrupted, ready: VecDeque::new() }
    }

    /// Sends the input until it ends, the user leaves, or the receiver is dropped.
    pub(super) fn run(mut self, to: &mpsc::Sender<Input>) {
        while let Some(input) = self.read() {
            let is_last = match &input {
                Input::Line { text: Ok(line), .. } => self.action(line) == Some(Action::Leave),
                Input::Line { text: Err(error), .. } => matches!(error, InputError::InputBroken(_)),
                Input::Passwords { .. } => false,
            };
            if !self.send(to, input) || is_last {
                break;
            }
        }
        // No key is read any more, so Ctrl-C and Ctrl-Z have to become signals again.
        self.prompt.end();
    }

    /// Sends one item. Returns whether the receiver exists.
    fn send(&self, to: &mpsc::Sender<Input>, input: Input) -> bool {
        match to.try_send(input) {
            Ok(()) => true,
            Err(TrySendError::Closed(_)) => false,
            Err(TrySendError::Full(input)) => {
                // No key is read while the item waits, so Ctrl-C and Ctrl-Z have to be signals. If the terminal is gone,
                // the next attempt to read reports it.
                drop(self.prompt.suspend());
                let is_sent = to.blocking_send(input).is_ok();
                drop(self.prompt.resume());
                is_sent
            }
        }
    }

    /// The next item of input, or `None` at the end or after Ctrl-C.
    fn read(&mut self) -> Option<Input> {
        loop {
            if let Some(input) = self.ready.pop_front() {
                return Some(input);
            }
            let (line, row) = match self.read_line() {
                Ok(Some((Ok(line), row))) => (line, row),
                Ok(Some((Err(error), _))) => return Some(Input::line(Err(error))),
                Ok(None) => return None,
                Err(error) => return Some(Input::broken(&error)),
            };
            let action = self.action(&line);
            // A line that is refused may be a command for a password that was not understood.
            let remembered = if action.is_some() { Remembered::Always } else { Remembered::ThisSession };
            self.history.add(&line, remembered);
            match action {
                Some(Action::ChangePassword) => self.change_password(),
                // If the terminal is gone, the next line reports that.
                Some(Action::Clear) => drop(self.prompt.clear_screen()),
                _ => return Some(Input::Line { text: Ok(line), row }),
            }
        }
    }

    fn action(&self, line: &str) -> Option<Action> {
        if self.format == Format::Text { line::parse(line).ok() } else { None }
    }

    /// Reads a line. `None` at the end of the input, or after Ctrl-C in an empty line.
    fn read_line(&mut self) -> io::Result<Option<TypedLine>> {
        loop {
            // Keys that arrive together are drawn together.
            if self.keys.is_empty() {
                self.prompt.begin_line()?;
            }
            let Some(key) = self.next_key()? else { return Ok(None) };
            match key {
                Key::Enter => return Ok(Some(self.prompt.take_line())),
                Key::Interrupt if self.prompt.edit(|line| line.is_empty()) => {
                    self.interrupted.notify_one();
                    return Ok(None);
                }
                Key::Interrupt => {
                    // As in a shell. What is not text cannot be recalled.
                    if let Ok(line) = self.prompt.edit(LineBuffer::take) {
                        self.history.add(&line, Remembered::ThisSession);
                    }
                }
                Key::EndOfInput if self.prompt.edit(|line| line.is_empty()) => return Ok(None),
                Key::EndOfInput => self.prompt.edit(|line| line.apply(Edit::DeleteRight)),
                Key::Char(ch) => self.prompt.edit(|line| line.insert(ch.encode_utf8(&mut [0; 4]))),
                Key::Paste(text) => self.prompt.edit(|line| line.insert(&text)),
                Key::NotUtf8 => self.prompt.edit(LineBuffer::insert_not_utf8),
                Key::Edit(edit) => self.prompt.edit(|line| line.apply(edit)),
                Key::Up => self.recall(History::previous),
                Key::Down => self.recall(|history, _| history.next()),
                Key::Complete => self.complete()?,
                Key::ClearScreen => self.prompt.clear_screen()?,
                Key::Suspend => {}
            }
        }
    }

    /// Completes the word before the cursor, or lists its completions above the line.
    fn complete(&mut self) -> io::Result<()> {
        if self.format != Format::Text {
            return Ok(());
        }
        let roster = self.roster.roster();
        let users = roster.iter().map(|entry| entry.user());
        let completion = self.prompt.edit(|line| {
            let completion = completion::complete(line.text(), line.cursor(), users);
            if let Some(Completion::Insert { begin, text }) = &completion {
                line.replace_before_cursor(*begin, text);
            }
            completion
        });
        match completion {
            Some(Completion::Choices(choices)) => self.prompt.write_above(&completion::listed(choices, &self.texts)),
            _ => Ok(()),
        }
    }

    /// Replaces the line by one of the history.
    fn recall(&mut self, step: impl FnOnce(&mut History, &str) -> Option<String>) {
        let history = &mut self.history;
        self.prompt.edit(|line| {
            if let Some(recalled) = step(history, line.text()) {
                line.replace(recalled);
            }
        });
    }

    /// The next key. `None` at the end of the input.
    fn next_key(&mut self) -> io::Result<Option<Key>> {
        loop {
            match self.keys.next()? {
                Some(Key::Suspend) => self.suspend()?,
                key => return Ok(key),
            }
        }
    }

    /// Stops the process, as the terminal itself would if it did not pass on every key.
    fn suspend(&self) -> io::Result<()> {
        self.prompt.suspend()?;
        process::stop_group()?;
        // Another thread may receive the signal, so this one may continue for a moment. When the process continues,
        // SIGCONT resumes the prompt in any case.
        thread::sleep(STOP_TIME);
        while !is_in_foreground() {
            thread::sleep(BACKGROUND_INTERVAL);
        }
        self.prompt.resume()
    }

    /// Asks for the passwords. Text that is typed ahead of the questions, or after the last one, may be a password: it
    /// is neither sent nor shown.
    fn change_password(&mut self) {
        let before = self.keys.discard();
        let old = secret::ask(PasswordKind::Current, self);
        match old.and_then(|old| Ok((old, secret::ask(PasswordKind::New, self)?))) {
            Ok((old, new)) => self.ready.push_back(Input::Passwords { old, new }),
            // If the terminal cannot be written, the next line reports that.
            Err(error) => drop(error.show_in(&self.texts, &mut io::stdout(), &mut io::stderr())),
        }
        let after = self.keys.discard();
        if before == TypedAhead::Some || after == TypedAhead::Some {
            self.ready.push_back(Input::line(Err(InputError::TypedAhead)));
        }
    }

    fn read_answer(&mut self) -> io::Result<Zeroizing<String>> {
        // Room for the longest password, because a string that grows leaves copies behind.
        let mut answer = Zeroizing::new(String::with_capacity(Password::MAX_CHARS * char::MAX_LEN_UTF8));
        let mut is_utf8 = true;
        loop {
            match self.next_key()?.ok_or(ErrorKind::UnexpectedEof)? {
                Key::Enter if is_utf8 => return Ok(answer),
                Key::Enter => return Err(io::Error::new(ErrorKind::InvalidData, "it is not UTF-8")),
                Key::Interrupt => return Err(ErrorKind::Interrupted.into()),
                Key::EndOfInput if answer.is_empty() => return Err(ErrorKind::UnexpectedEof.into()),
                Key::Char(ch) => answer.push(ch),
                Key::Paste(text) => answer.push_str(Zeroizing::new(text).trim_end_matches('\n')),
                Key::NotUtf8 => is_utf8 = false,
                Key::Edit(Edit::DeleteLeft) => {
                    answer.pop();
                }
                Key::Edit(Edit::CutToStart | Edit::CutWordLeft) => {
                    answer.zeroize();
                    is_utf8 = true;
                }
                _ => {}
            }
        }
    }
}

impl PasswordPrompt for Editor {
    fn read_hidden(&mut self, question: &Sentence) -> io::Result<Zeroizing<String>> {
        self.prompt.ask(&question.text(&self.texts))?;
        let answer = self.read_answer();
        self.prompt.answered();
        answer
    }

    fn show_error(&mut self, sentence: &Sentence) {
        TerminalPrompt::new(self.texts.clone()).show_error(sentence);
    }
}
