//! The replay window: the packet numbers that were received.

/// The highest packet number received, and which of the 2,048 numbers up to it were (RFC 4303 section 3.4.3).
///
/// Look a number up before opening its datagram, and insert it only after the datagram has opened, so that forgeries
/// cannot move the window.
#[derive(Clone, Debug)]
pub struct ReplayWindow {
    /// One more than the highest number inserted, or 0.
    next: u64,
    /// The lowest number of the run that ends with the highest one. Every ack needs it, and mostly it is the only run.
    run: u64,
    /// Bit `n % SIZE` stands for number `n`.
    seen: [u64; WORDS],
}

impl ReplayWindow {
    /// The numbers that the window covers: more packets than are in flight on any path.
    pub const SIZE: u64 = 2048;

    /// Creates a window in which all numbers below `next` count as received.
    pub const fn starting_at(next: u64) -> Self {
        Self { next, run: 0, seen: [u64::MAX; WORDS] }
    }

    /// Returns one more than the highest number inserted, or the initial `next`.
    pub const fn next(&self) -> u64 {
        self.next
    }

    /// Whether `number` was inserted, or is too old for the window.
    pub const fn contains(&self, number: u64) -> bool {
        if number >= self.next {
            return false;
        }
        self.next - number > Self::SIZE || self.seen[word(number)] & bit(number) != 0
    }

    /// Iterates over the runs of inserted numbers as (lowest, highest), from the highest run down to `floor`.
    pub fn runs(&self, floor: u64) -> impl Iterator<Item = (u64, u64)> {
        let floor = floor.max(self.next.saturating_sub(Self::SIZE));
        // One more than the highest number not yet visited.
        let mut end = self.next;
        std::iter::from_fn(move || {
            if end == self.next && end > floor {
                end = self.run.max(floor);
                return Some((end, self.next - 1));
            }
            end = self.start_of(Inserted::No, end, floor);
            let high = end.checked_sub(1).filter(|_| end > floor)?;
            end = self.start_of(Inserted::Yes, end, floor);
            Some((end, high))
        })
    }

    /// Inserts `number`. A number that is too old for the window is ignored.
    pub fn insert(&mut self, number: u64) {
        if number >= self.next {
            // The numbers in between were not received. If they fill the window, all words are cleared below.
            for skipped in self.next..number.min(self.next + Self::SIZE) {
                self.seen[word(skipped)] &= !bit(skipped);
            }
            if number - self.next >= Self::SIZE {
                self.seen = [0; WORDS];
            }
            if number > self.next {
                self.run = number;
            }
            self.next = number + 1;
        } else if self.next - number > Self::SIZE {
            return;
        }
        self.seen[word(number)] |= bit(number);
        // The number may close the gap below the highest run.
        let floor = self.next.saturating_sub(Self::SIZE);
        if self.run > floor {
            self.run = self.start_of(Inserted::Yes, self.run, floor);
        }
    }

    /// Returns the start of the run that ends below `end`, but no number below `floor`. `inserted` selects a run of
    /// inserted or of missing numbers. The numbers must be within the window.
    fn start_of(&self, inserted: Inserted, mut end: u64, floor: u64) -> u64 {
        while end > floor {
            let last = end - 1;
            let seen = self.seen[word(last)];
            let bits = if inserted == Inserted::Yes { seen } else { !seen };
            // The bits of this word up to `last`, the highest first.
            let within_word = last % 64 + 1;
            let count = u64::from((bits << (64 - within_word)).leading_ones());
            end -= count;
            if count < within_word {
                break;
            }
        }
        end.max(floor)
    }
}

/// Whether numbers were inserted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Inserted {
    Yes,
    No,
}

const WORDS: usize = (ReplayWindow::SIZE / 64) as usize;

const fn word(number: u64) -> usize {
    (number / 64 % WORDS as u64) as usize
}

const fn bit(number: u64) -> u64 {
    1 << (number % 64)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_number_is_new_until_it_is_inserted() {
        let mut window = ReplayWindow::starting_at(0);
        for number in [0, 5, 3, 2048, 2047, 1, 10_000, 9_999, 7_953] {
            assert!(!window.contains(number), "{number}");
            window.insert(number);
            assert!(window.contains(number), "{number}");
        }
        assert!(window.contains(7_952), "too old for the window");
        assert!(!window.contains(7_954));
    }

    #[test]
    fn all_numbers_below_the_start_count_as_received() {
        let window = ReplayWindow::starting_at(100);
        assert!((0..100).all(|number| window.contains(number)));
        assert!(!window.contains(100));
    }

    #[test]
    fn runs_are_listed_from_the_highest_down() {
        let mut window = ReplayWindow::starting_at(0);
        assert_eq!(window.runs(0).count(), 0);
        (0..300).filter(|number| ![7, 8, 200].contains(number)).for_each(|number| window.insert(number));
        assert_eq!(window.runs(0).collect::<Vec<_>>(), [(201, 299), (9, 199), (0, 6)]);
        assert_eq!(window.runs(150).collect::<Vec<_>>(), [(201, 299), (150, 199)]);
        window.insert(5_000);
        assert_eq!(window.runs(0).collect::<Vec<_>>(), [(5_000, 5_000)]);
    }

    proptest! {
        #[test]
        fn the_window_agrees_with_a_set(numbers in prop::collection::vec(0_u64..6000, 1..400)) {
            let (mut window, mut set, mut next) = (ReplayWindow::starting_at(0), BTreeSet::new(), 0);
            for number in numbers {
                let expected = set.contains(&number) || number + ReplayWindow::SIZE < next;
                prop_assert_eq!(window.contains(number), expected, "{}", number);
                window.insert(number);
                set.insert(number);
                next = next.max(number + 1);
                let listed: Vec<u64> = window.runs(7).flat_map(|(low, high)| (low..=high).rev()).collect();
                let floor = next.saturating_sub(ReplayWindow::SIZE).max(7);
                let inserted: Vec<u64> = (floor..next).rev().filter(|number| set.contains(number)).collect();
                prop_assert_eq!(listed, inserted);
            }
        }
    }
}
