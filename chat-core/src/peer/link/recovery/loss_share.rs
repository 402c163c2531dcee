//! Which of the latest packets were lost, as people are told.

/// The fate of the latest 64 packets, one bit each.
#[derive(Clone, Copy, Debug)]
pub(super) struct LossShare {
    lost: u64,
    count: u8,
}

impl LossShare {
    pub(super) const fn new() -> Self {
        Self { lost: 0, count: 0 }
    }

    /// Records the fate of a packet.
    pub(super) fn record(&mut self, is_lost: bool) {
        self.lost = self.lost << 1 | u64::from(is_lost);
        self.count = (self.count + 1).min(64);
    }

    /// Returns the share that was lost, between 0 and 1.
    pub(super) fn share(self) -> f32 {
        // Both are at most 64, which is exact.
        self.lost.count_ones() as f32 / f32::from(self.count.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_covers_the_last_64_packets() {
        let mut losses = LossShare::new();
        let share = |losses: LossShare| (losses.share() * 64.0).round() as u32;
        assert_eq!(share(losses), 0);
        losses.record(true);
        assert_eq!(share(losses), 64);
        losses.record(false);
        assert_eq!(share(losses), 32);
        (0..63).for_each(|_| losses.record(false));
        assert_eq!(share(losses), 0);
        (0..16).for_each(|_| losses.record(true));
        assert_eq!(share(losses), 16);
    }
}
