//! A generator whose bytes are a function of its seed.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::generator::Generator;

/// A generator whose bytes are a function of its seed. For tests only: the seed reveals all keys.
#[derive(Debug)]
pub struct SeededGenerator(StdRng);

impl SeededGenerator {
    /// Creates a generator from a seed.
    pub fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }
}

impl Generator for SeededGenerator {
    fn fill(&mut self, out: &mut [u8]) {
        self.0.fill_bytes(out);
    }
}
