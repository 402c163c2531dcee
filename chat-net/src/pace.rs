//! Lines in the log at most so often: what a stranger can cause must not fill the disk.

use std::time::Duration;

use tokio::time::Instant;

/// Lets the first through, and then one per interval.
#[derive(Debug)]
pub(crate) struct Pace {
    interval: Duration,
    next: Option<Instant>,
}

impl Pace {
    /// For warnings about one and the same trouble.
    pub(crate) const fn warnings() -> Self {
        Self { interval: Duration::from_secs(60), next: None }
    }

    /// Whether it is time for another one.
    pub(crate) fn allows(&mut self) -> bool {
        let now = Instant::now();
        let due = self.next.is_none_or(|next| next <= now);
        if due {
            self.next = Some(now + self.interval);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_first_passes_and_then_one_a_minute() {
        let mut pace = Pace::warnings();
        let mut passed = 0;
        for _ in 0..121 {
            passed += u32::from(pace.allows());
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert_eq!(passed, 3);
    }
}
