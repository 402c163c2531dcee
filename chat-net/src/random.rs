//! The random generator that drivers give to machines.

use aws_lc_rs::rand;
use chat_core::generator::Generator;

/// The cryptographic generator of aws-lc, which the operating system seeds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SystemGenerator;

impl Generator for SystemGenerator {
    fn fill(&mut self, out: &mut [u8]) {
        rand::fill(out).expect("aws-lc aborts the process if the system provides no randomness");
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
