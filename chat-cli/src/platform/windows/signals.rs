//! Console events.

use std::future::pending;
use std::io;
use std::time::Duration;

use tokio::signal::windows::{
    CtrlBreak, CtrlC, CtrlClose, CtrlLogoff, CtrlShutdown, ctrl_break, ctrl_c, ctrl_close, ctrl_logoff, ctrl_shutdown,
};
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::terminal;

/// The events that ask a program to stop. While this value exists, they do not kill the process immediately: after the
/// console is closed, the system leaves it 5 s.
#[derive(Debug)]
pub struct StopRequests {
    interrupt: CtrlC,
    stop: CtrlBreak,
    close: CtrlClose,
    log_off: CtrlLogoff,
    shut_down: CtrlShutdown,
}

impl StopRequests {
    /// Handles Ctrl-C, Ctrl-Break, the end of the console, and the end of the system. Requires a tokio runtime.
    ///
    /// # Errors
    /// The system does not allow the handler.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: ctrl_c()?,
            stop: ctrl_break()?,
            close: ctrl_close()?,
            log_off: ctrl_logoff()?,
            shut_down: ctrl_shutdown()?,
        })
    }

    /// The same as [`Self::new`], which handles the end of the console.
    ///
    /// # Errors
    /// The system does not allow the handler.
    pub fn with_hang_up() -> io::Result<Self> {
        Self::new()
    }

    /// Waits for the next request.
    ///
    /// Cancel safety: this method is cancel safe. No event is lost.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.stop.recv() => {}
            _ = self.close.recv() => {}
            _ = self.log_off.recv() => {}
            _ = self.shut_down.recv() => {}
        }
    }
}

/// Events that repeat.
#[derive(Debug)]
pub enum Notices {
    /// The system has no such event.
    Never,
    /// The terminal has another size.
    Resized {
        /// When the size is compared.
        interval: Interval,
        /// The size that was seen last.
        size: Option<(u16, u16)>,
    },
}

/// How often the size of the terminal is compared, because a console reports it only to programs that read no text. The
/// prompt stays wrong for this long.
const RESIZE_INTERVAL: Duration = Duration::from_millis(250);

impl Notices {
    /// Waits for the next event.
    ///
    /// Cancel safety: this method is cancel safe.
    pub async fn recv(&mut self) -> Option<()> {
        match self {
            Self::Never => pending().await,
            Self::Resized { interval, size } => loop {
                interval.tick().await;
                let now = terminal::size();
                if now != *size {
                    *size = now;
                    return Some(());
                }
            },
        }
    }
}

/// Requests to reload files. No event means that; `chat-server reload` asks for it.
///
/// # Errors
/// None on this system.
#[expect(clippy::unnecessary_wraps, reason = "other systems can refuse")]
pub fn reload_requests() -> io::Result<Notices> {
    Ok(Notices::Never)
}

/// The end of a stop. Processes cannot be stopped from the terminal.
///
/// # Errors
/// None on this system.
#[expect(clippy::unnecessary_wraps, reason = "other systems can refuse")]
pub fn continued() -> io::Result<Notices> {
    Ok(Notices::Never)
}

/// The size of the terminal has changed. Requires a tokio runtime.
///
/// # Errors
/// None on this system.
#[expect(clippy::unnecessary_wraps, reason = "other systems can refuse")]
pub fn resized() -> io::Result<Notices> {
    let mut interval = interval(RESIZE_INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    Ok(Notices::Resized { interval, size: terminal::size() })
}
