//! Limits how often a line is logged, because lines that a stranger can cause must not fill the disk.

use std::time::Duration;

use tokio::time::Instant;

/// Lets the first line pass, and then one per [`INTERVAL`]. Use one for each kind of line.
#[derive(Debug, Default)]
pub(crate) struct LogThrottle {
    next: Option<Instant>,
}

impl LogThrottle {
    /// Whether to log the line. If so, further ones are suppressed for the interval.
    pub(crate) fn allows(&mut self) -> bool {
        let now = Instant::now();
        let is_due = self.next.is_none_or(|next| next <= now);
        if is_due {
            self.next = Some(now + INTERVAL);
        }
        is_due
    }
}

/// The time between two lines of one kind: short enough that operators notice, and less than 1 MB a day.
const INTERVAL: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_first_line_passes_and_then_one_per_minute() {
        let mut throttle = LogThrottle::default();
        let mut passed = 0;
        for _ in 0..121 {
            passed += u32::from(throttle.allows());
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert_eq!(passed, 3);
    }
}
