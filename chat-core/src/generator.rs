//! The source of randomness that a driver passes to a machine.

/// A cryptographically secure random generator.
///
/// Machines take all their randomness from it: session keys, challenges and jitter. With the simulator's seeded
/// generator (feature `sim`) a run is a function of its seed. Never use that one outside tests: its keys are predictable.
pub trait Generator: Send {
    /// Fills `out` with random bytes.
    fn fill(&mut self, out: &mut [u8]);

    /// Returns a random number.
    fn number(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_be_bytes(bytes)
    }

    /// Returns a random duration between zero and `max`. The distribution is even enough for jitter.
    fn up_to(&mut self, max: std::time::Duration) -> std::time::Duration {
        max.mul_f64((self.number() >> 11) as f64 / (1_u64 << 53) as f64)
    }
}
