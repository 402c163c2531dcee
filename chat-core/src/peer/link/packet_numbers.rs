//! The numbers of the packets that we send. Each is used at most once, and some are omitted at random.
//!
//! No packet has an omitted number, so an honest peer never acknowledges one. A peer that acknowledges packets before they
//! arrive does not know which numbers are omitted, and reveals itself (RFC 9000 section 21.4).

use arrayvec::ArrayVec;

use crate::generator::Generator;
use crate::wire::Malformed;

#[derive(Debug)]
pub(super) struct PacketNumbers {
    /// The number of the next packet.
    next: u64,
    /// The number to omit next. It is above `next`.
    omit: u64,
    /// The numbers that were omitted last, in rising order.
    omitted: ArrayVec<u64, REMEMBERED>,
    /// The distance within which `omit` was chosen.
    distance: u64,
}

/// The most omitted numbers that are remembered. At [`MAX_DISTANCE`] they span more packets than are ever in flight.
const REMEMBERED: usize = 4;

/// The distance within which the first number is omitted: a short conversation has an omitted number, too.
const FIRST_DISTANCE: u64 = 64;

/// How many times longer each further distance is.
const GROWTH: u64 = 8;

/// The longest distance. An omitted number is a gap in the acks of the peer. With this distance, the replay window
/// rarely has more than one such gap.
const MAX_DISTANCE: u64 = 8192;

impl PacketNumbers {
    /// Starts with the number `next`.
    pub(super) fn starting_at(next: u64, generator: &mut dyn Generator) -> Self {
        let distance = FIRST_DISTANCE;
        Self { next, omit: choose(next, distance, generator), omitted: ArrayVec::new(), distance }
    }

    /// Returns the number of the next packet.
    pub(super) const fn next(&self) -> u64 {
        self.next
    }

    /// Records that a packet was sealed under the next number.
    pub(super) fn advance(&mut self, generator: &mut dyn Generator) {
        self.next += 1;
        if self.next == self.omit {
            self.omit(generator);
        }
    }

    /// Checks the packets that the peer acknowledges, as runs of numbers.
    ///
    /// # Errors
    /// No packet was sent under one of the numbers.
    pub(super) fn check_acked(&self, largest: u64, runs: &[(u64, u64)]) -> Result<(), Malformed> {
        let has_omitted = |(low, high): &(u64, u64)| self.omitted.iter().any(|number| (low..=high).contains(&number));
        if largest >= self.next || runs.iter().any(has_omitted) { Err(Malformed) } else { Ok(()) }
    }

    #[cold]
    fn omit(&mut self, generator: &mut dyn Generator) {
        if self.omitted.is_full() {
            self.omitted.remove(0);
        }
        self.omitted.push(self.omit);
        self.next += 1;
        self.distance = (self.distance * GROWTH).min(MAX_DISTANCE);
        self.omit = choose(self.next, self.distance, generator);
    }
}

/// Chooses one of the `distance` numbers after `next`.
fn choose(next: u64, distance: u64, generator: &mut dyn Generator) -> u64 {
    next + 1 + generator.number() % distance
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::SeededGenerator;

    /// Uses `count` numbers. Returns those that were omitted.
    fn omitted(numbers: &mut PacketNumbers, count: u64, generator: &mut SeededGenerator) -> Vec<u64> {
        let mut omitted = Vec::new();
        for _ in 0..count {
            let used = numbers.next();
            numbers.advance(generator);
            omitted.extend(used + 1..numbers.next());
        }
        omitted
    }

    #[test]
    fn numbers_rise_and_some_are_omitted() {
        for seed in 0..50 {
            let mut generator = SeededGenerator::new(seed);
            let mut numbers = PacketNumbers::starting_at(7, &mut generator);
            let omitted = omitted(&mut numbers, 100_000, &mut generator);
            assert_eq!(numbers.next(), 7 + 100_000 + omitted.len() as u64, "no number is used twice");
            assert!(omitted[0] > 7 && omitted[0] <= 7 + FIRST_DISTANCE, "{omitted:?}");
            assert!(omitted.windows(2).all(|pair| pair[1] - pair[0] <= MAX_DISTANCE + 1), "{omitted:?}");
        }
    }

    #[test]
    fn the_omitted_numbers_are_not_predictable() {
        let first = |seed| {
            let mut generator = SeededGenerator::new(seed);
            omitted(&mut PacketNumbers::starting_at(0, &mut generator), 65, &mut generator)[0]
        };
        let distinct: std::collections::BTreeSet<u64> = (0..200).map(first).collect();
        assert!(distinct.len() > 40, "{distinct:?}");
    }

    #[test]
    fn an_ack_of_a_number_that_no_packet_has_is_malformed() {
        let mut generator = SeededGenerator::new(1);
        let mut numbers = PacketNumbers::starting_at(0, &mut generator);
        assert_eq!(numbers.check_acked(0, &[(0, 0)]), Err(Malformed), "nothing was sent");
        let omitted = omitted(&mut numbers, 20_000, &mut generator);
        let last = numbers.next() - 1;
        assert_eq!(numbers.check_acked(last + 1, &[(last + 1, last + 1)]), Err(Malformed));
        for number in omitted.iter().rev().take(REMEMBERED) {
            assert_eq!(numbers.check_acked(last, &[(0, last)]), Err(Malformed));
            assert_eq!(numbers.check_acked(last, &[(last, last), (*number, *number)]), Err(Malformed));
            assert_eq!(numbers.check_acked(last, &[(number + 1, number + 1), (number - 1, number - 1)]), Ok(()));
        }
    }
}
