//! Where machines get randomness: handed in, never drawn by themselves.

/// A cryptographically secure generator that the driver hands to a machine.
///
/// Everything unpredictable comes from here: session keys, challenges, jitter. With the generator of
/// the simulator (feature `sim`) a run is a function of its seed; such a one must never leave a test.
pub trait Generator: Send {
    /// Fills `out` with random bytes.
    fn fill(&mut self, out: &mut [u8]);

    /// Draws a number.
    fn number(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_be_bytes(bytes)
    }

    /// Draws a duration between zero and `most`, evenly enough for jitter.
    fn up_to(&mut self, most: std::time::Duration) -> std::time::Duration {
        most.mul_f64((self.number() >> 11) as f64 / (1_u64 << 53) as f64)
    }
}
