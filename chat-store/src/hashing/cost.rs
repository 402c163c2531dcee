//! The cost parameters of argon2id.

use argon2::Params;

/// The cost of one argon2id hash: memory, passes and lanes, within limits that keep a damaged row harmless.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct HashCost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl HashCost {
    /// 19 MiB, 2 passes, 1 lane: the first recommendation of the OWASP Password Storage Cheat Sheet. About 30 ms.
    pub const DEFAULT: Self = Self { memory_kib: 19 * 1024, passes: 2, lanes: 1 };

    /// The lowest cost that argon2 allows, about 20 us. For tests only: it does not protect against guessing.
    pub const CHEAPEST: Self = Self { memory_kib: 8, passes: 1, lanes: 1 };

    /// The upper limit of memory for one hash: 1 GiB, so that a damaged row cannot exhaust the machine's memory.
    pub const MAX_MEMORY_KIB: u32 = 1024 * 1024;

    /// The upper limit of passes, so that a damaged row cannot occupy a thread for hours.
    pub const MAX_PASSES: u32 = 1024;

    /// The upper limit of lanes. The pool computes lanes one after another.
    pub const MAX_LANES: u32 = 64;

    /// Creates a cost from memory in KiB, passes and lanes. Requires at least 8 KiB per lane, one pass and one lane.
    ///
    /// # Errors
    /// [`CostError`] names the first number that is out of range.
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, CostError> {
        // The lanes come first, because the least memory depends on them.
        for (setting, is_allowed) in [
            ("lanes", (1..=Self::MAX_LANES).contains(&lanes)),
            ("passes", (1..=Self::MAX_PASSES).contains(&passes)),
            ("memory_kib", (lanes.saturating_mul(8)..=Self::MAX_MEMORY_KIB).contains(&memory_kib)),
        ] {
            if !is_allowed {
                return Err(CostError { setting });
            }
        }
        Ok(Self { memory_kib, passes, lanes })
    }

    /// The memory in KiB: at least 8 for each lane, and at most [`Self::MAX_MEMORY_KIB`].
    pub const fn memory_kib(self) -> u32 {
        self.memory_kib
    }

    /// The number of passes over the memory, from 1 to [`Self::MAX_PASSES`].
    pub const fn passes(self) -> u32 {
        self.passes
    }

    /// The number of lanes, from 1 to [`Self::MAX_LANES`].
    pub const fn lanes(self) -> u32 {
        self.lanes
    }

    /// Returns whether guessing costs more than at `other`: a larger product of memory and passes or, if the products
    /// are equal, more memory. This is a strict order, so two servers with different settings never rehash each
    /// other's hashes forever.
    pub fn is_stronger_than(self, other: Self) -> bool {
        self.strength() > other.strength()
    }

    fn strength(self) -> (u64, u32) {
        (u64::from(self.memory_kib) * u64::from(self.passes), self.memory_kib)
    }

    pub(super) fn params(self, output_len: usize) -> Params {
        Params::new(self.memory_kib, self.passes, self.lanes, Some(output_len))
            .expect("these ranges and the output lengths lie within those of argon2")
    }
}

impl Default for HashCost {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A cost parameter is out of range.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "{setting} of the hash cost is out of range; allowed are 1 to {} lanes, 8 KiB for each lane to {} KiB of memory, and 1 to {} passes",
    HashCost::MAX_LANES,
    HashCost::MAX_MEMORY_KIB,
    HashCost::MAX_PASSES
)]
pub struct CostError {
    setting: &'static str,
}

impl CostError {
    /// The name of the parameter: `memory_kib`, `passes` or `lanes`.
    pub const fn setting(&self) -> &'static str {
        self.setting
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_outside_the_limits_are_refused() {
        for (memory, passes, lanes, refused) in [
            (8, 1, 1, None),
            (7, 1, 1, Some("memory_kib")),
            (16, 1, 2, None),
            (15, 1, 2, Some("memory_kib")),
            (8, 0, 1, Some("passes")),
            (8, 1, 0, Some("lanes")),
            (1024 * 1024, 1024, 64, None),
            (1024 * 1024 + 1, 1, 1, Some("memory_kib")),
            (1024 * 1024, 1025, 1, Some("passes")),
            (1024 * 1024, 1, 65, Some("lanes")),
            (8, 1, u32::MAX, Some("lanes")),
        ] {
            let error = HashCost::new(memory, passes, lanes).err();
            assert_eq!(error.map(|error| error.setting()), refused, "{memory} {passes} {lanes}");
        }
    }

    #[test]
    fn strength_compares_memory_times_passes_then_memory() {
        let cost = |memory, passes| HashCost::new(memory, passes, 1).unwrap();
        for (a, b, stronger) in [
            (cost(16, 2), cost(16, 1), true),
            (cost(16, 1), cost(16, 2), false),
            (cost(16, 2), cost(16, 2), false),
            (cost(32, 1), cost(16, 2), true),
            (cost(16, 2), cost(32, 1), false),
            (cost(48, 1), cost(16, 2), true),
        ] {
            assert_eq!(a.is_stronger_than(b), stronger, "{a:?} {b:?}");
        }
    }
}
