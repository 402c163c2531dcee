//! The heights of the rows of a long list: which rows are in view, although only those have been measured.
//!
//! A row that was never in view has an estimated height. Rows are kept in blocks with a sum each, so that finding a row
//! looks at some hundred numbers, however long the list is.

use std::collections::VecDeque;

/// The rows of a block. Around the square root of the longest list, for which a search is the shortest.
pub const BLOCK: usize = 256;

/// The heights of rows, which are added at the end and removed at the beginning.
#[derive(Clone, Debug, Default)]
pub struct Heights {
    blocks: VecDeque<Block>,
    rows: usize,
    width: f32,
}

#[derive(Clone, Debug, Default)]
struct Block {
    heights: Vec<f32>,
    sum: f64,
}

impl Heights {
    /// The number of rows.
    pub const fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are no rows.
    pub const fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The height of all rows together.
    pub fn total(&self) -> f64 {
        self.blocks.iter().map(|block| block.sum).sum()
    }

    /// Adds a row with an estimated height.
    pub fn push(&mut self, estimate: f32) {
        if self.blocks.back().is_none_or(|block| block.heights.len() == BLOCK) {
            self.blocks.push_back(Block::default());
        }
        if let Some(block) = self.blocks.back_mut() {
            block.heights.push(estimate);
            block.sum += f64::from(estimate);
            self.rows += 1;
        }
    }

    /// Removes the first [`BLOCK`] rows. Returns their height.
    pub fn pop_block(&mut self) -> f64 {
        let block = self.blocks.pop_front().unwrap_or_default();
        self.rows -= block.heights.len();
        block.sum
    }

    /// Sets the measured height of a row. Returns by how much it differs from the height so far.
    pub fn set(&mut self, row: usize, height: f32) -> f64 {
        let Some(block) = self.blocks.get_mut(row / BLOCK) else { return 0.0 };
        let Some(known) = block.heights.get_mut(row % BLOCK) else { return 0.0 };
        let change = f64::from(height) - f64::from(*known);
        *known = height;
        // Summed again instead of adding the change, which would collect rounding errors.
        block.sum = block.heights.iter().copied().map(f64::from).sum();
        change
    }

    /// The row at this distance from the top, and the distance of its upper edge. The last row if there is none.
    pub fn find(&self, distance: f64) -> (usize, f64) {
        let (mut top, mut row) = (0.0, 0);
        let last = self.blocks.len().saturating_sub(1);
        for (number, block) in self.blocks.iter().enumerate() {
            if number < last && top + block.sum <= distance {
                top += block.sum;
                row += block.heights.len();
                continue;
            }
            for height in &block.heights {
                let bottom = top + f64::from(*height);
                if bottom > distance || row + 1 == self.rows {
                    return (row, top);
                }
                (top, row) = (bottom, row + 1);
            }
        }
        (row, top)
    }

    /// Tells the width of the rows. All heights become estimates again if it changed, because text wraps elsewhere.
    /// Returns whether it changed.
    pub fn set_width(&mut self, width: f32) -> bool {
        let is_changed = (self.width - width).abs() > 0.5;
        self.width = width;
        is_changed
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// As [`Heights::find`], slowly.
    fn slow(heights: &[f32], distance: f64) -> (usize, f64) {
        let mut top = 0.0;
        for (row, height) in heights.iter().enumerate() {
            if top + f64::from(*height) > distance || row + 1 == heights.len() {
                return (row, top);
            }
            top += f64::from(*height);
        }
        (0, 0.0)
    }

    proptest! {
        #[test]
        fn rows_are_found_as_by_counting_from_the_top(
            estimates in vec(1_u8..60, 0..1_200),
            measured in vec((0_usize..1_200, 1_u8..200), 0..60),
            distances in vec(0.0..80_000.0_f64, 1..20),
            drops in 0_usize..3,
        ) {
            let mut fast = Heights::default();
            let mut all: Vec<f32> = estimates.into_iter().map(f32::from).collect();
            all.iter().for_each(|height| fast.push(*height));
            for (row, height) in measured {
                let height = f32::from(height);
                let change = fast.set(row, height);
                match all.get_mut(row) {
                    Some(known) => {
                        prop_assert_eq!(change, f64::from(height) - f64::from(*known));
                        *known = height;
                    }
                    None => prop_assert_eq!(change, 0.0),
                }
            }
            for _ in 0..drops.min(all.len() / BLOCK) {
                let gone: f64 = all.drain(..BLOCK).map(f64::from).sum();
                prop_assert_eq!(fast.pop_block(), gone);
            }
            prop_assert_eq!(fast.len(), all.len());
            prop_assert_eq!(fast.total(), all.iter().copied().map(f64::from).sum::<f64>());
            for distance in distances {
                prop_assert_eq!(fast.find(distance), slow(&all, distance));
            }
        }
    }

    #[test]
    fn only_another_width_makes_measurements_worthless() {
        let mut heights = Heights::default();
        assert!(heights.set_width(300.0));
        assert!(!heights.set_width(300.2));
        assert!(heights.set_width(310.0));
    }
}
