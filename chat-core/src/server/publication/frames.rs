//! Packing items into frames.

use bytes::Bytes;
use serde::Serialize;

use crate::wire::{self, frame};

/// The longest encoding of what precedes the items of a packed frame: a variant, an epoch, two revisions and a count.
const MAX_HEAD: usize = 1 + 10 + 10 + 10 + 5;

/// Items packed into as few frames as possible.
#[derive(Debug, Default)]
pub(super) struct Packed {
    /// The frames, one after another, without unused capacity.
    pub(super) bytes: Bytes,
    /// For each frame, the number of items up to its end, and its end in `bytes`.
    pub(super) ends: Vec<(u64, usize)>,
}

impl Packed {
    /// Each frame with the number of items up to its end.
    pub(super) fn frames(&self) -> impl Iterator<Item = (u64, Bytes)> {
        let begins = [0].into_iter().chain(self.ends.iter().map(|(_, end)| *end));
        self.ends.iter().zip(begins).map(|((count, end), begin)| (*count, self.bytes.slice(begin..*end)))
    }
}

/// Encodes `items` into frames, each filled until the next item would not fit.
///
/// The payload of a frame is a head and the items, one after another, as in the encoding of a reply that ends with a
/// sequence of them. `head` appends the head, given the number of items in earlier frames and the number in this one.
pub(super) fn pack<T: Serialize>(
    items: impl IntoIterator<Item = T>,
    mut head: impl FnMut(u64, u32, &mut Vec<u8>),
) -> Packed {
    let (mut frames, mut ends) = (Vec::new(), Vec::new());
    let (mut encoded, mut before, mut count) = (Vec::new(), 0, 0);
    let mut end_frame = |encoded: &[u8], before: &mut u64, count: &mut u32| {
        let mut payload = Vec::with_capacity(MAX_HEAD + encoded.len());
        head(*before, *count, &mut payload);
        payload.extend_from_slice(encoded);
        frame::encode_raw(&payload, &mut frames);
        *before += u64::from(*count);
        *count = 0;
        ends.push((*before, frames.len()));
    };
    for item in items {
        let begin = encoded.len();
        wire::encode(&item, &mut encoded);
        if encoded.len() > frame::MAX_FRAME - MAX_HEAD && count > 0 {
            end_frame(&encoded[..begin], &mut before, &mut count);
            encoded.drain(..begin);
        }
        count += 1;
    }
    if count > 0 {
        end_frame(&encoded, &mut before, &mut count);
    }
    frames.shrink_to_fit();
    Packed { bytes: frames.into(), ends }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packs byte strings of `len` bytes, whose encodings are two or three bytes longer, under a head of `head` bytes.
    fn payloads(items: usize, len: usize, head: usize) -> Vec<Vec<u8>> {
        let items = (0..items).map(|number| vec![number as u8; len]);
        let packed = pack(items, |before, count, payload| {
            payload.push(before as u8);
            payload.push(count as u8);
            payload.resize(head, 0);
        });
        packed
            .frames()
            .map(|(_, frame)| {
                let (length, payload) = frame.split_first_chunk().unwrap();
                assert_eq!(u32::from_be_bytes(*length) as usize, payload.len());
                payload.to_vec()
            })
            .collect()
    }

    #[test]
    fn a_frame_is_filled_until_the_next_item_would_not_fit() {
        let room = frame::MAX_FRAME - MAX_HEAD;
        let (len, encoded) = (1_000, 1_002);
        let fits = room / encoded;
        let one = payloads(fits, len, MAX_HEAD);
        assert_eq!(one.iter().map(Vec::len).collect::<Vec<_>>(), [MAX_HEAD + fits * encoded]);
        assert!(one[0].len() <= frame::MAX_FRAME);
        let two = payloads(fits + 1, len, MAX_HEAD);
        assert_eq!(two.iter().map(Vec::len).collect::<Vec<_>>(), [MAX_HEAD + fits * encoded, MAX_HEAD + encoded]);
        assert_eq!((two[1][0], two[1][1]), (fits as u8, 1), "the head knows how many came before");
        assert_eq!(two[1][MAX_HEAD + 2], fits as u8);
    }

    #[test]
    fn no_items_make_no_frame() {
        assert_eq!(payloads(0, 1, 2), Vec::<Vec<u8>>::new());
    }
}
