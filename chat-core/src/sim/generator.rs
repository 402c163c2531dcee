//! A generator that gives the same bytes for the same seed.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::generator::Generator;

/// Gives the same bytes for the same seed. Never for anything but tests: whoever knows the seed knows the keys.
#[derive(Debug)]
pub struct SeededGenerator(StdRng);

impl SeededGenerator {
    /// The generator of `seed`.
    pub fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }
}

impl Generator for SeededGenerator {
    fn fill(&mut self, out: &mut [u8]) {
        self.0.fill_bytes(out);
    }
}
