//! A body while its fragments arrive.

use crate::wire::Malformed;

#[derive(Debug)]
pub(super) struct PartialBody {
    bytes: Vec<u8>,
    /// The ranges that are missing, in rising order.
    gaps: Vec<(usize, usize)>,
}

/// The gaps that one body may have: more than it has fragments.
const MAX_GAPS: usize = 64;

impl PartialBody {
    /// Creates a body of `total` bytes that are all missing.
    pub(super) fn empty(total: usize) -> Self {
        Self { bytes: vec![0; total], gaps: vec![(0, total)] }
    }

    /// Creates a body without gaps.
    pub(super) fn complete(body: &[u8]) -> Self {
        Self { bytes: body.to_vec(), gaps: Vec::new() }
    }

    /// Inserts the bytes at `offset` of a body of `total` bytes, which they must not exceed.
    ///
    /// # Errors
    /// An earlier fragment stated another total, or the body has too many gaps.
    pub(super) fn fill(&mut self, offset: usize, total: usize, bytes: &[u8]) -> Result<(), Malformed> {
        if self.bytes.len() != total {
            return Err(Malformed);
        }
        let end = offset + bytes.len();
        self.bytes[offset..end].copy_from_slice(bytes);
        let mut gaps = Vec::with_capacity(self.gaps.len() + 1);
        for (low, high) in self.gaps.drain(..) {
            gaps.extend([(low, high.min(offset)), (low.max(end), high)].into_iter().filter(|(low, high)| low < high));
        }
        self.gaps = gaps;
        if self.gaps.len() > MAX_GAPS { Err(Malformed) } else { Ok(()) }
    }

    /// Whether no byte is missing.
    pub(super) const fn is_complete(&self) -> bool {
        self.gaps.is_empty()
    }

    pub(super) const fn total(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}
