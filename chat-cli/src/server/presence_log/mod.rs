//! `chat-server log`: shows the presence log, in either format, and follows it.

mod entry;
pub mod since;
mod tail;

use std::collections::BTreeSet;
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use chat_core::name::UserName;
use chat_core::time::Timestamp;

use self::entry::Entry;
use self::tail::{Line, Tail};
use crate::error::{self, CliError, Exit};
use crate::format::Format;
use crate::input_error::most_like;
use crate::isolate::Reader;
use crate::texts::Texts;

/// The pause before the next look at a log that is followed: short for a person, and hardly any work for the machine.
const PAUSE: Duration = Duration::from_millis(200);

/// The most names that are remembered to suggest one of them: the users of a large server.
const MAX_NAMES: usize = 10_000;

/// The part of the presence log to show.
#[derive(Debug)]
pub struct LogOptions {
    /// The file.
    pub path: PathBuf,
    /// Only the records about this user.
    pub user: Option<UserName>,
    /// Only the records from this time on.
    pub since: Option<Timestamp>,
    /// Whether to wait for further records.
    pub follow: bool,
    /// The format of the output.
    pub format: Format,
}

/// Shows the records, and with `follow` further ones until a signal or the reader of the output ends the program.
///
/// # Errors
/// The log cannot be read, or the output cannot be written.
pub(super) fn show(options: LogOptions, texts: &Texts) -> Result<Exit, CliError> {
    let mut tail = Tail::open(&options.path).map_err(|error| unreadable(&options, &error))?;
    let mut view = View::new(options, texts);
    loop {
        while let Some(line) = tail.next_line().map_err(|error| unreadable(&view.options, &error))? {
            view.show(line)?;
        }
        view.flush()?;
        let follow = view.options.follow;
        if !follow {
            break;
        }
        if !tail.renew().map_err(|error| unreadable(&view.options, &error))? {
            thread::sleep(PAUSE);
        }
    }
    view.finish(tail.is_incomplete());
    Ok(Exit::Fine)
}

fn unreadable(options: &LogOptions, error: &io::Error) -> CliError {
    let file = options.path.display().to_string();
    if error.kind() == ErrorKind::NotFound {
        return CliError::failed(move |texts: &Texts| texts.say().log_missing(&file))
            .hint(|texts: &Texts| texts.say().hint_log_missing());
    }
    let detail = error.to_string();
    CliError::failed(move |texts: &Texts| texts.say().log_unreadable(&file, &detail))
}

/// Writes the records that were asked for, and remembers what to tell about the others.
struct View<'a> {
    options: LogOptions,
    texts: &'a Texts,
    out: BufWriter<io::Stdout>,
    reader: Reader,
    /// The number of lines that are not records since the last warning about them.
    skipped: u64,
    /// The number of records shown.
    shown: u64,
    /// The names in the log, for a suggestion.
    names: BTreeSet<String>,
}

impl<'a> View<'a> {
    fn new(options: LogOptions, texts: &'a Texts) -> Self {
        let reader = if io::stdout().is_terminal() { Reader::Terminal } else { Reader::Other };
        let out = BufWriter::new(io::stdout());
        Self { options, texts, out, reader, skipped: 0, shown: 0, names: BTreeSet::new() }
    }

    fn show(&mut self, line: Line) -> Result<(), CliError> {
        let entry = match line {
            // A server that could not finish a line continues on a new one, which may leave an empty line.
            Line::Text(text) if text.is_empty() => return Ok(()),
            Line::Text(text) => Entry::parse(&text),
            Line::Unreadable => None,
        };
        let Some(entry) = entry else {
            self.skipped += 1;
            return Ok(());
        };
        if self.options.since.is_some_and(|since| entry.at() < since) {
            return Ok(());
        }
        if let Some(user) = &self.options.user
            && !entry.is_about(user)
        {
            if let Some(name) = entry.user()
                && self.names.len() < MAX_NAMES
                && !self.names.contains(name)
            {
                self.names.insert(name.to_owned());
            }
            return Ok(());
        }
        self.shown += 1;
        let line = match self.options.format {
            Format::Json => entry.json(),
            Format::Text => entry.text(self.reader),
        };
        self.out.write_all(line.as_bytes()).map_err(|error| CliError::output(&error))
    }

    /// Writes everything, and then tells of the lines that were left out.
    fn flush(&mut self) -> Result<(), CliError> {
        self.out.flush().map_err(|error| CliError::output(&error))?;
        let skipped = std::mem::take(&mut self.skipped);
        if skipped > 0 {
            self.note(&self.texts.say().note_log_skipped(skipped, self.options.path.display().to_string()));
        }
        Ok(())
    }

    /// Tells what a reader of the whole log may miss.
    fn finish(&self, is_incomplete: bool) {
        let t = self.texts.say();
        if is_incomplete {
            self.note(&t.note_log_incomplete(self.options.path.display().to_string()));
        }
        if let Some(user) = &self.options.user
            && self.shown == 0
        {
            let similar = most_like(user.as_str(), self.names.iter().map(String::as_str));
            let advice = similar.map(|name| t.did_you_mean(name)).unwrap_or_else(|| t.log_nobody_similar());
            self.note(&t.note_log_nobody(user.as_str(), advice));
        }
    }

    /// A line on standard error, so that standard output contains records only.
    fn note(&self, sentence: &str) {
        error::note(sentence, self.texts);
    }
}
