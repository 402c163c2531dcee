//! A pseudo-terminal with a program in it: the test types keys and reads what the program shows.

use std::ffi::OsStr;
use std::io::Write;
use std::process::Command;
use std::time::Instant;

use expectrl::Session;
use expectrl::process::unix::WaitStatus;
use expectrl::session::OsSession;
use rustix::io::ioctl_fionread;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use rustix::termios::tcgetpgrp;

use super::screen::{Resizing, Screen};
use super::{PATIENCE, POLL_INTERVAL, until};

/// A pseudo-terminal and its screen. The program is killed when it is dropped.
pub(crate) struct Terminal {
    session: OsSession,
    screen: Screen,
    /// All bytes that the program has written to the terminal.
    pub(crate) bytes: Vec<u8>,
    /// How many of them [`Self::until_output`] has returned.
    returned: usize,
}

impl Terminal {
    /// The columns and rows at the start.
    const SIZE: (u16, u16) = (80, 24);

    /// Starts a program.
    pub(crate) fn start(command: &Command) -> Self {
        Self::start_script(command, "exec \"$@\"")
    }

    /// Runs a shell script in which `"$@"` is the program with its arguments.
    pub(crate) fn start_script(command: &Command, script: &str) -> Self {
        Self::start_shell(Command::new("/bin/sh"), command, script)
    }

    /// Runs a script in which `"$@"` is the program with its arguments, in this shell.
    pub(crate) fn start_shell(mut shell: Command, command: &Command, script: &str) -> Self {
        // Terminals of people echo what is typed; expectrl's do not.
        shell.args(["-c", &format!("stty echo; {script}"), "sh"]).arg(command.get_program()).args(command.get_args());
        shell.env_clear().env("PATH", "/usr/bin:/bin").env("TERM", "xterm");
        shell.envs(command.get_envs().filter_map(|(name, value): (_, Option<&OsStr>)| Some((name, value?))));
        shell.current_dir(command.get_current_dir().unwrap());
        let mut session = Session::spawn(shell).unwrap();
        let (columns, height) = Self::SIZE;
        session.get_process_mut().set_window_size(columns, height).unwrap();
        let screen = Screen::new(columns, height, Resizing::Reflow);
        Self { session, screen, bytes: Vec::new(), returned: 0 }
    }

    /// Chooses what the terminal does when its width changes. Until then it wraps its lines again.
    pub(crate) fn resizing(&mut self, resizing: Resizing) {
        let (columns, height) = Self::SIZE;
        self.screen = Screen::new(columns, height, resizing);
        self.screen.show(&self.bytes);
    }

    /// Changes the size of the terminal, which notifies the program.
    pub(crate) fn resize(&mut self, columns: u16, height: u16) {
        self.read();
        self.screen.resize(columns, height);
        self.session.get_process_mut().set_window_size(columns, height).unwrap();
    }

    pub(crate) fn type_keys(&mut self, keys: impl AsRef<[u8]>) {
        self.session.write_all(keys.as_ref()).unwrap();
        self.session.flush().unwrap();
    }

    /// Types a text and the enter key.
    pub(crate) fn type_line(&mut self, text: &str) {
        self.type_keys(format!("{text}\r"));
    }

    /// Waits until the program has written this text, and returns the output that was not returned before, up to the
    /// end of this text.
    #[track_caller]
    pub(crate) fn until_output(&mut self, text: &str) -> String {
        self.until_any_output(&[text])
    }

    /// Waits for the first of several texts. The returned output ends with it.
    #[track_caller]
    pub(crate) fn until_any_output(&mut self, texts: &[&str]) -> String {
        let begin = Instant::now();
        loop {
            self.read();
            let new = &self.bytes[self.returned..];
            let end_of =
                |text: &&str| new.windows(text.len()).position(|at| at == text.as_bytes()).map(|at| at + text.len());
            if let Some(end) = texts.iter().filter_map(end_of).min() {
                let output = String::from_utf8_lossy(&new[..end]).into_owned();
                self.returned += end;
                return output;
            }
            let new = String::from_utf8_lossy(new);
            assert!(begin.elapsed() < PATIENCE, "timed out waiting for {texts:?} in {new:?}");
            std::thread::sleep(POLL_INTERVAL);
        }
    }

    /// Waits until the last line of the screen, where the cursor is, is this one, and returns all lines.
    #[track_caller]
    pub(crate) fn until_last(&mut self, line: &str) -> Vec<String> {
        self.until_screen(line, |lines| lines.last().is_some_and(|last| last == line))
    }

    /// Waits until the lines of the screen meet a condition, and returns them.
    #[track_caller]
    pub(crate) fn until_screen(&mut self, what: &str, wanted: impl Fn(&[String]) -> bool) -> Vec<String> {
        let begin = Instant::now();
        loop {
            self.read();
            let lines = self.screen.lines();
            if wanted(&lines) {
                return lines;
            }
            assert!(begin.elapsed() < PATIENCE, "timed out waiting for {what:?}; the screen shows {lines:#?}");
            std::thread::sleep(POLL_INTERVAL);
        }
    }

    /// The lines of the screen and its scrollback.
    pub(crate) fn lines(&mut self) -> Vec<String> {
        self.read();
        self.screen.lines()
    }

    fn read(&mut self) {
        let mut buffer = [0; 4_096];
        // An error means that nothing is there now, or that the program has ended.
        while let Ok(read @ 1..) = self.session.try_read(&mut buffer) {
            self.bytes.extend_from_slice(&buffer[..read]);
            self.screen.show(&buffer[..read]);
        }
    }

    /// Whether the terminal shows what is typed.
    pub(crate) fn is_echoing(&self) -> bool {
        self.session.get_process().get_echo().unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.session.get_process().pid().as_raw()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Sends a signal to the process group in the foreground.
    pub(crate) fn signal_foreground(&self, signal: Signal) {
        let terminal = self.session.get_process().get_raw_handle().unwrap();
        kill_process_group(tcgetpgrp(terminal).unwrap(), signal).unwrap();
    }

    /// Waits until the program has written about as much as the terminal holds, without reading it. Linux holds 4,095
    /// bytes for the reader, and some more on their way to it.
    #[track_caller]
    pub(crate) fn until_full_unread(&self) {
        let terminal = self.session.get_process().get_raw_handle().unwrap();
        until("the terminal is full", || ioctl_fionread(&terminal).unwrap() >= 4_000);
    }

    /// Waits until the program ends while its output is not read, and asserts that no signal ended it.
    #[track_caller]
    pub(crate) fn until_ended_unread(&self) {
        until("the program ends", || match self.session.get_process().status().unwrap() {
            WaitStatus::Exited(..) => true,
            WaitStatus::StillAlive => false,
            other => panic!("the program ended with {other:?}"),
        });
    }

    /// Waits until the program ends, and returns its exit code; `None` if a signal ended it.
    #[track_caller]
    pub(crate) fn exit_code(&mut self) -> Option<i32> {
        let begin = Instant::now();
        loop {
            self.read();
            match self.session.get_process().status().unwrap() {
                WaitStatus::Exited(_, code) => return Some(code),
                WaitStatus::Signaled(..) => return None,
                _ => assert!(begin.elapsed() < PATIENCE, "timed out waiting until the program ends"),
            }
            std::thread::sleep(POLL_INTERVAL);
        }
    }
}
