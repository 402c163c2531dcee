//! Frames that are written together. They are not copied into one buffer, because connections share most of them.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes};

/// Consecutive frames. Advancing removes what was written.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct Frames(VecDeque<Bytes>);

impl FromIterator<Bytes> for Frames {
    fn from_iter<I: IntoIterator<Item = Bytes>>(frames: I) -> Self {
        Self(frames.into_iter().filter(|frame| !frame.is_empty()).collect())
    }
}

impl Buf for Frames {
    fn remaining(&self) -> usize {
        self.0.iter().map(Bytes::len).sum()
    }

    fn has_remaining(&self) -> bool {
        !self.0.is_empty()
    }

    fn chunk(&self) -> &[u8] {
        self.0.front().map_or(&[], |first| first)
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let pairs = slices.iter_mut().zip(&self.0);
        pairs.map(|(slice, frame)| *slice = IoSlice::new(frame)).count()
    }

    /// # Panics
    /// If fewer than `count` bytes remain.
    fn advance(&mut self, mut count: usize) {
        while count > 0 {
            let first = self.0.front_mut().expect("callers advance by at most `remaining`");
            if count < first.len() {
                return first.advance(count);
            }
            count -= first.len();
            self.0.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advancing_removes_what_was_written_at_any_position() {
        let parts = ["", "one", "two", "", "three"];
        let whole = parts.concat();
        for first in 0..=whole.len() {
            for second in 0..=whole.len() - first {
                let mut frames: Frames = parts.iter().map(|part| Bytes::from_static(part.as_bytes())).collect();
                frames.advance(first);
                frames.advance(second);
                let rest = &whole.as_bytes()[first + second..];
                assert_eq!((frames.remaining(), frames.has_remaining()), (rest.len(), !rest.is_empty()));
                assert!(rest.starts_with(frames.chunk()));
                let mut slices = [IoSlice::new(&[]); 4];
                let count = frames.chunks_vectored(&mut slices);
                assert_eq!(slices[..count].iter().map(|slice| &slice[..]).collect::<Vec<_>>().concat(), rest);
                assert_eq!(frames.chunk().is_empty(), rest.is_empty());
            }
        }
    }
}
