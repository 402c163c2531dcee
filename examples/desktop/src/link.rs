//! What both windows do: they take what their thread tells, hand on what is wished for, and keep to a number of frames.

use std::collections::VecDeque;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chat_core::time::Timestamp;
use eframe::egui::{Context, ViewportCommand};
use tokio::sync::mpsc::error::TrySendError;

use crate::run::Port;

/// The most happenings that are applied at once.
const BATCH: usize = 512;

/// How long a frame takes happenings: half of its time, so that a flood does not keep the window from drawing.
const SHARE: Duration = Duration::from_millis(8);

/// The least time between two frames: 60 in a second. A display without vertical synchronisation would take as many as the
/// processor can draw.
const FRAME: Duration = Duration::from_nanos(1_000_000_000 / 60);

/// The end of a window that its thread is tied to.
#[derive(Debug)]
pub(crate) struct Link<W, H> {
    port: Port<W, H>,
    /// Wishes that found no room, in their order.
    backlog: VecDeque<W>,
    /// When the next frame may begin.
    next_frame: Instant,
}

impl<W, H> Link<W, H> {
    pub(crate) fn new(port: Port<W, H>) -> Self {
        Self { port, backlog: VecDeque::new(), next_frame: Instant::now() }
    }

    /// Waits until a frame is due.
    pub(crate) fn pace(&mut self) {
        thread::sleep(self.next_frame.saturating_duration_since(Instant::now()));
        self.next_frame = Instant::now() + FRAME;
    }

    /// Applies what happened, and hands on what is wished for.
    pub(crate) fn turn(&mut self, context: &Context, mut apply: impl FnMut(Vec<H>) -> Vec<W>) {
        let begun = Instant::now();
        loop {
            let mut happenings = Vec::new();
            while happenings.len() < BATCH
                && let Ok(happening) = self.port.happenings.try_recv()
            {
                happenings.push(happening);
            }
            let is_empty = happenings.is_empty();
            self.hand_on(apply(happenings));
            if is_empty {
                return;
            }
            if begun.elapsed() > SHARE {
                return context.request_repaint();
            }
        }
    }

    /// Hands wishes on, after those that found no room.
    pub(crate) fn hand_on(&mut self, wishes: impl IntoIterator<Item = W>) {
        self.backlog.extend(wishes);
        while let Some(wish) = self.backlog.pop_front() {
            match self.port.wishes.try_send(wish) {
                Ok(()) => {}
                Err(TrySendError::Full(wish)) => return self.backlog.push_front(wish),
                // The thread ends only at a panic, which ends the program.
                Err(TrySendError::Closed(_)) => return,
            }
        }
    }
}

/// Whether the user asks to close the window in this frame.
pub(crate) fn is_closing(context: &Context) -> bool {
    context.input(|input| input.viewport().close_requested())
}

/// Keeps the window open.
pub(crate) fn stay_open(context: &Context) {
    context.send_viewport_cmd(ViewportCommand::CancelClose);
}

/// The current time. A clock before 1970 counts as 1970.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
