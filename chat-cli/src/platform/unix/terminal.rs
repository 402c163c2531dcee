//! The settings, the keys and the size of the terminal.

use std::io;
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, ioctl_fionread, read};
use rustix::process;
use rustix::termios::{
    self, ControlModes, InputModes, LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios,
};

/// The maximum length of a line that the terminal assembles, in bytes. A longer one may have lost its end: Linux silently
/// cuts it after 4,095 bytes, other systems after 1,023.
pub const MAX_LINE_BYTES: usize = if cfg!(target_os = "linux") { 4_094 } else { 1_022 };

/// The settings of the terminal at standard input.
#[derive(Clone, Debug)]
pub struct Settings(Termios);

impl Settings {
    /// Reads the settings that are in force.
    ///
    /// # Errors
    /// Standard input is not a terminal.
    pub fn current() -> io::Result<Self> {
        Ok(Self(termios::tcgetattr(io::stdin())?))
    }

    /// Puts the settings in force. In the background, the system stops the process here until it is in the foreground.
    ///
    /// # Errors
    /// The terminal is gone or refuses.
    pub fn apply(&self) -> io::Result<()> {
        Ok(termios::tcsetattr(io::stdin(), OptionalActions::Now, &self.0)?)
    }

    /// These settings, but the terminal shows no key.
    #[must_use]
    pub fn without_echo(mut self) -> Self {
        self.0.local_modes.remove(LocalModes::ECHO);
        self
    }

    /// These settings, but as rpassword changes them while it reads.
    #[must_use]
    pub fn for_hidden_answer(mut self) -> Self {
        self.0.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG);
        self.without_waiting()
    }

    /// These settings, but the terminal passes on each key and shows none.
    #[must_use]
    pub fn raw(mut self) -> Self {
        // Output is still processed: other code writes line ends as `\n`.
        self.0
            .input_modes
            .remove(InputModes::BRKINT | InputModes::ICRNL | InputModes::INPCK | InputModes::ISTRIP | InputModes::IXON);
        self.0.control_modes.insert(ControlModes::CS8);
        self.0.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::IEXTEN | LocalModes::ISIG);
        self.without_waiting()
    }

    fn without_waiting(mut self) -> Self {
        self.0.special_codes[SpecialCodeIndex::VMIN] = 1;
        self.0.special_codes[SpecialCodeIndex::VTIME] = 0;
        self
    }

    /// Whether keys are read and shown in the same way with the other settings.
    pub fn reads_like(&self, other: &Self) -> bool {
        self.0.local_modes == other.0.local_modes
    }

    /// Whether input and output behave in the same way with the other settings.
    pub fn behaves_like(&self, other: &Self) -> bool {
        self.reads_like(other)
            && self.0.input_modes == other.0.input_modes
            && self.0.output_modes == other.0.output_modes
    }

    /// The keys that end, interrupt and suspend a program at this terminal.
    pub fn controls(&self) -> ControlCharacters {
        /// The value for "none" on BSD and macOS, where it is not 0.
        const DISABLED: u8 = 0xff;
        let key = |index| match self.0.special_codes[index] {
            DISABLED => 0,
            key => key,
        };
        ControlCharacters {
            interrupt: key(SpecialCodeIndex::VINTR),
            quit: key(SpecialCodeIndex::VQUIT),
            end: key(SpecialCodeIndex::VEOF),
            suspend: key(SpecialCodeIndex::VSUSP),
            erase: key(SpecialCodeIndex::VERASE),
        }
    }
}

/// The characters to which the settings of the terminal give a meaning. 0 means that there is none.
#[derive(Clone, Copy, Debug)]
pub struct ControlCharacters {
    pub interrupt: u8,
    pub quit: u8,
    pub end: u8,
    pub suspend: u8,
    pub erase: u8,
}

/// Reads the bytes of keys.
#[derive(Debug)]
pub struct KeyInput(());

impl KeyInput {
    /// Reads from the terminal at standard input.
    pub const fn new() -> Self {
        Self(())
    }

    /// Waits for keys, and reads as many of their bytes as there are and fit. Returns 0 at the end of the input.
    ///
    /// # Errors
    /// The terminal is gone.
    #[expect(clippy::needless_pass_by_ref_mut, reason = "other systems read ahead")]
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match read(io::stdin(), &mut *buffer) {
                Ok(bytes) => return Ok(bytes),
                Err(Errno::INTR) => {}
                // Another program has left the terminal in non-blocking mode.
                Err(Errno::AGAIN) => wait_for_input()?,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Discards everything that was typed until now and not read. Returns whether there was anything, as far as the
    /// terminal reports it.
    #[expect(clippy::needless_pass_by_ref_mut, reason = "other systems read ahead")]
    pub fn discard(&mut self) -> bool {
        let waiting = ioctl_fionread(io::stdin()).unwrap_or(0);
        let _refused = termios::tcflush(io::stdin(), QueueSelector::IFlush);
        waiting > 0
    }
}

fn wait_for_input() -> io::Result<()> {
    let stdin = io::stdin();
    match poll(&mut [PollFd::new(&stdin, PollFlags::IN)], None) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Asks at the terminal for a line that is not shown while it is typed, and reads it.
///
/// # Errors
/// There is no terminal, or [`io::ErrorKind::UnexpectedEof`] at the end of the input.
pub fn ask_hidden(question: &str) -> io::Result<String> {
    rpassword::prompt_password(question)
}

/// Whether the terminal at standard output interprets sequences for colours and the cursor. All do whose name does not say
/// otherwise.
pub const fn interprets_sequences() -> bool {
    true
}

/// Whether the program may use the terminal. In the background, the system stops it when it reads from the terminal or
/// changes its settings.
pub fn is_in_foreground() -> bool {
    // If the terminal is gone, using it reports that.
    termios::tcgetpgrp(io::stdin()).map_or(true, |group| group == process::getpgrp())
}

/// The columns and rows of the terminal at standard output. `None` if it does not report them, and 0 if it does not know
/// one of them.
pub fn size() -> Option<(u16, u16)> {
    termios::tcgetwinsize(io::stdout()).ok().map(|size| (size.ws_col, size.ws_row))
}

/// Writes to standard output if it currently accepts output. Does not wait.
pub fn write_to_stdout_if_ready(text: &str) {
    write_if_ready(io::stdout(), text);
}

/// Writes to standard error if it currently accepts output. Does not wait.
pub fn write_to_stderr_if_ready(text: &str) {
    write_if_ready(io::stderr(), text);
}

fn write_if_ready(terminal: impl AsFd, text: &str) {
    if poll(&mut [PollFd::new(&terminal, PollFlags::OUT)], Some(&Timespec::default())) == Ok(1) {
        // Not through the standard library, whose lock a blocked thread may hold.
        let _gone = rustix::io::write(&terminal, text.as_bytes());
    }
}
