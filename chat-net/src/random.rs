//! The generator that drivers hand to machines: the operating system's, by way of aws-lc.

use aws_lc_rs::rand;
use chat_core::generator::Generator;

/// Draws from the system's cryptographic generator.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SystemGenerator;

impl Generator for SystemGenerator {
    fn fill(&mut self, out: &mut [u8]) {
        rand::fill(out).expect("aws-lc ends the process itself when the system gives no randomness");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_draws_differ() {
        assert_ne!(SystemGenerator.number(), SystemGenerator.number());
    }
}
