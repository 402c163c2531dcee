//! The modes, the keys and the size of the console.

use std::fs::OpenOptions;
use std::io::{self, IsTerminal, Read, Write};
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::thread;

use rpassword::ConfigBuilder;
use winapi_util::{HandleRef, console};
use zeroize::Zeroizing;

/// The maximum length of a line that the console assembles, in bytes. The documentation names no limit; this much is
/// certain.
pub const MAX_LINE_BYTES: usize = 1_022;

// The modes of SetConsoleMode.
const PROCESSED_INPUT: u32 = 0x0001;
const LINE_INPUT: u32 = 0x0002;
const ECHO_INPUT: u32 = 0x0004;
const TERMINAL_INPUT: u32 = 0x0200;
const PROCESSED_OUTPUT: u32 = 0x0001;
const TERMINAL_OUTPUT: u32 = 0x0004;

/// The modes of the console at standard input and standard output.
#[derive(Clone, Debug)]
pub struct Settings {
    input: u32,
    /// `None` if standard output is no console.
    output: Option<u32>,
}

impl Settings {
    /// Reads the modes that are in force.
    ///
    /// # Errors
    /// Standard input is not a console.
    pub fn current() -> io::Result<Self> {
        Ok(Self { input: console::mode(HandleRef::stdin())?, output: console::mode(HandleRef::stdout()).ok() })
    }

    /// Puts the modes in force.
    ///
    /// # Errors
    /// The console is gone, or does not understand terminal sequences: before Windows 10.
    pub fn apply(&self) -> io::Result<()> {
        if let Some(output) = self.output {
            console::set_mode(HandleRef::stdout(), output)?;
        }
        console::set_mode(HandleRef::stdin(), self.input)
    }

    /// These modes, but the console shows no key.
    #[must_use]
    pub const fn without_echo(mut self) -> Self {
        self.input &= !ECHO_INPUT;
        self
    }

    /// These modes, but as rpassword changes them while it reads.
    #[must_use]
    pub const fn for_hidden_answer(mut self) -> Self {
        self.input = PROCESSED_INPUT;
        self
    }

    /// These modes, but the console passes on each key as a terminal sequence, shows none, and understands sequences.
    #[must_use]
    pub fn raw(mut self) -> Self {
        self.input = self.input & !(ECHO_INPUT | LINE_INPUT | PROCESSED_INPUT) | TERMINAL_INPUT;
        self.output = self.output.map(|output| output | PROCESSED_OUTPUT | TERMINAL_OUTPUT);
        self
    }

    /// Whether keys are read and shown in the same way with the other modes.
    pub const fn reads_like(&self, other: &Self) -> bool {
        self.input == other.input
    }

    /// Whether input and output behave in the same way with the other modes.
    pub fn behaves_like(&self, other: &Self) -> bool {
        self.reads_like(other) && self.output == other.output
    }

    /// The keys that end and interrupt a program. The standard library itself ends the input on Ctrl-Z.
    pub const fn controls(&self) -> ControlCharacters {
        ControlCharacters { interrupt: 0x03, quit: 0, end: 0x04, suspend: 0, erase: 0x7f }
    }
}

/// The characters that have a meaning. 0 means that there is none.
#[derive(Clone, Copy, Debug)]
pub struct ControlCharacters {
    pub interrupt: u8,
    pub quit: u8,
    pub end: u8,
    pub suspend: u8,
    pub erase: u8,
}

/// Reads the bytes of keys, in a thread that reads ahead, because only then what was typed can be discarded without waiting.
#[derive(Debug, Default)]
pub struct KeyInput {
    ahead: Option<Receiver<io::Result<Zeroizing<Vec<u8>>>>>,
    /// The rest of what was read and did not fit.
    rest: Zeroizing<Vec<u8>>,
}

/// The most pieces that are read ahead. More stay in the console.
const READ_AHEAD: usize = 1_024;

/// The size of a piece in bytes: more than the keys that a person types at once.
const PIECE_BYTES: usize = 4_096;

impl KeyInput {
    /// Reads from the console at standard input.
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits for keys, and reads as many of their bytes as there are and fit. Returns 0 at the end of the input.
    ///
    /// # Errors
    /// The console is gone, or the system refuses the thread.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.rest.is_empty() {
            let Ok(piece) = self.ahead()?.recv() else { return Ok(0) };
            self.rest = piece?;
        }
        let bytes = self.rest.len().min(buffer.len());
        buffer[..bytes].copy_from_slice(&self.rest[..bytes]);
        self.rest = Zeroizing::new(self.rest.split_off(bytes));
        Ok(bytes)
    }

    /// Discards everything that was typed until now and not read. Returns whether there was anything.
    pub fn discard(&mut self) -> bool {
        let mut found = !self.rest.is_empty();
        self.rest = Zeroizing::default();
        let Ok(ahead) = self.ahead() else { return found };
        loop {
            match ahead.try_recv() {
                Ok(_) => found = true,
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return found,
            }
        }
    }

    fn ahead(&mut self) -> io::Result<&Receiver<io::Result<Zeroizing<Vec<u8>>>>> {
        let ahead = match self.ahead.take() {
            Some(ahead) => ahead,
            None => {
                let (to, ahead) = sync_channel(READ_AHEAD);
                let read = move || {
                    loop {
                        let mut piece = Zeroizing::new(vec![0; PIECE_BYTES]);
                        let read = io::stdin().read(&mut piece);
                        let is_last = !matches!(read, Ok(1..));
                        let piece = read.map(|bytes| {
                            piece.truncate(bytes);
                            piece
                        });
                        if to.send(piece).is_err() || is_last {
                            return;
                        }
                    }
                };
                thread::Builder::new().name("keys".to_owned()).spawn(read)?;
                ahead
            }
        };
        Ok(self.ahead.insert(ahead))
    }
}

/// Asks at the console for a line that is not shown while it is typed, and reads it.
///
/// rpassword writes questions as bytes, which the console shows in its code page, and ends lines with a NUL. Therefore it only
/// reads here. The standard library shows all characters.
///
/// # Errors
/// There is no console, or [`io::ErrorKind::UnexpectedEof`] at the end of the input.
pub fn ask_hidden(question: &str) -> io::Result<String> {
    let mut console = console_output()?;
    write!(console, "{question}")?;
    console.flush()?;
    let typed = rpassword::read_password_with_config(ConfigBuilder::new().output_discard().build())?;
    // The key that ended the line was not shown either.
    writeln!(console)?;
    Ok(typed)
}

/// The console, also if standard error or standard output is a file. Only the standard streams show every character; the
/// console itself takes bytes in its code page.
fn console_output() -> io::Result<Box<dyn Write>> {
    if io::stderr().is_terminal() {
        Ok(Box::new(io::stderr()))
    } else if io::stdout().is_terminal() {
        Ok(Box::new(io::stdout()))
    } else {
        Ok(Box::new(OpenOptions::new().write(true).open("CONOUT$")?))
    }
}

/// Makes the console at standard output interpret sequences for colours and the cursor. Returns whether it does: it does
/// not before Windows 10.
pub fn interprets_sequences() -> bool {
    let mode = console::mode(HandleRef::stdout());
    mode.and_then(|mode| console::set_mode(HandleRef::stdout(), mode | PROCESSED_OUTPUT | TERMINAL_OUTPUT)).is_ok()
}

/// Whether the program may use the console. Every program may.
pub const fn is_in_foreground() -> bool {
    true
}

/// The columns and rows of the window of the console at standard output.
pub fn size() -> Option<(u16, u16)> {
    let window = console::screen_buffer_info(HandleRef::stdout()).ok()?.window_rect();
    let length = |first: i16, last: i16| u16::try_from(i32::from(last) - i32::from(first) + 1).ok();
    Some((length(window.left, window.right)?, length(window.top, window.bottom)?))
}

/// Writes to standard output.
pub fn write_to_stdout_if_ready(text: &str) {
    let mut out = io::stdout();
    // The console may be gone.
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

/// Writes to standard error.
pub fn write_to_stderr_if_ready(text: &str) {
    drop(io::stderr().write_all(text.as_bytes()));
}
