//! Shows on standard error that something is still in progress, to a person at a terminal who has waited for a second.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::task::JoinHandle;
use tokio::time::{interval, sleep};

/// The time after which progress is shown. What takes less needs no explanation.
const DELAY: Duration = Duration::from_secs(1);

/// The time between two pictures of a spinner.
const TICK: Duration = Duration::from_millis(120);

/// Work in progress. Dropping it removes its line from the terminal.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    drawing: Option<JoinHandle<()>>,
}

impl Progress {
    /// Work of unknown length. Requires a tokio runtime.
    pub(crate) fn spinner(what: String) -> Self {
        Self::new(ProgressBar::no_length(), "{spinner} {msg} ({elapsed})", what)
    }

    /// Work that consists of `steps`. Requires a tokio runtime.
    pub(crate) fn bar(steps: u64, what: String) -> Self {
        Self::new(ProgressBar::new(steps), "{spinner} {msg} {wide_bar} {pos}/{len} ({eta})", what)
    }

    fn new(bar: ProgressBar, template: &str, what: String) -> Self {
        // Hidden until the task below shows it. Without a terminal it stays hidden.
        bar.set_draw_target(ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(what);
        let shown = bar.clone();
        // In a task, because indicatif's own thread could be refused by the system in the middle of the work.
        let drawing = tokio::spawn(async move {
            sleep(DELAY).await;
            shown.set_draw_target(ProgressDrawTarget::stderr());
            let mut ticks = interval(TICK);
            loop {
                ticks.tick().await;
                shown.tick();
            }
        });
        Self { bar, drawing: Some(drawing) }
    }

    /// Counts one step as done.
    pub(crate) fn advance(&self) {
        self.bar.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(drawing) = self.drawing.take() {
            drawing.abort();
        }
        self.bar.finish_and_clear();
    }
}
