//! Frames on TCP: a length of 4 bytes, then the payload. The length is checked before any memory is allocated.

use serde::Serialize;
use zeroize::Zeroizing;

/// The longest frame of a guest, in bytes. A login request fits, and a guest costs little memory.
pub const MAX_GUEST_FRAME: usize = 1024;

/// The longest frame after login, in bytes, in both directions.
pub const MAX_FRAME: usize = 64 * 1024;

const LENGTH: usize = 4;

/// Appends a frame with `payload` to `out`.
///
/// # Panics
/// If `payload` is longer than a frame's length can express.
pub fn encode_raw(payload: &[u8], out: &mut Vec<u8>) {
    let length = u32::try_from(payload.len()).expect("payloads are at most MAX_FRAME long");
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(payload);
}

/// Appends a frame with the encoding of `message` to `out`.
pub fn encode<T: Serialize>(message: &T, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; LENGTH]);
    super::encode(message, out);
    let length = u32::try_from(out.len() - start - LENGTH).expect("messages are at most MAX_FRAME long");
    out[start..start + LENGTH].copy_from_slice(&length.to_be_bytes());
}

/// Splits a byte stream into frames. Wipes its memory, which may contain passwords.
#[derive(Debug)]
pub struct FrameDecoder {
    limit: usize,
    header: [u8; LENGTH],
    header_len: usize,
    payload: Zeroizing<Vec<u8>>,
    expected: usize,
}

impl FrameDecoder {
    /// Creates a decoder for frames of at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self { limit, header: [0; LENGTH], header_len: 0, payload: Zeroizing::default(), expected: 0 }
    }

    /// Sets another limit, from the next frame on.
    pub const fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Consumes bytes from the front of `input` until a frame is complete or `input` is empty.
    ///
    /// # Errors
    /// The next frame is longer than the limit. The rest of the stream cannot be decoded.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, FrameError> {
        while self.header_len < LENGTH {
            let Some((&byte, rest)) = input.split_first() else { return Ok(None) };
            *input = rest;
            self.header[self.header_len] = byte;
            self.header_len += 1;
            if self.header_len == LENGTH {
                self.expected = u32::from_be_bytes(self.header) as usize;
                if self.expected > self.limit {
                    return Err(FrameError::TooLong { claimed: self.expected, limit: self.limit });
                }
                // Allocate the whole payload now: a buffer that grows would leave a copy of a password behind.
                self.payload = Zeroizing::new(Vec::with_capacity(self.expected));
            }
        }
        let (part, rest) = input.split_at(input.len().min(self.expected - self.payload.len()));
        *input = rest;
        self.payload.extend_from_slice(part);
        if self.payload.len() < self.expected {
            return Ok(None);
        }
        self.header_len = 0;
        Ok(Some(std::mem::take(&mut self.payload)))
    }

    /// Whether the stream is between two frames, the only place where it may end.
    pub const fn is_between_frames(&self) -> bool {
        self.header_len == 0
    }
}

/// Why a stream cannot be split into frames.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// A frame is longer than the limit.
    #[error("a frame of {claimed} bytes is too long; at most {limit} bytes are allowed here")]
    TooLong {
        /// The length that the frame claims, in bytes.
        claimed: usize,
        /// The limit in bytes.
        limit: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(chunks: &[&[u8]], limit: usize) -> Result<Vec<Vec<u8>>, FrameError> {
        let mut decoder = FrameDecoder::new(limit);
        let mut frames = Vec::new();
        for mut input in chunks.iter().copied() {
            while let Some(frame) = decoder.next(&mut input)? {
                frames.push(frame.to_vec());
            }
            assert!(input.is_empty());
        }
        Ok(frames)
    }

    #[test]
    fn a_stream_yields_the_same_frames_in_chunks_of_any_size() {
        let mut stream = Vec::new();
        for payload in [&b"one"[..], b"", b"three"] {
            encode_raw(payload, &mut stream);
        }
        let expected: Vec<Vec<u8>> = vec![b"one".to_vec(), vec![], b"three".to_vec()];
        assert_eq!(frames(&[&stream], 5).as_ref(), Ok(&expected));
        for size in 1..stream.len() {
            let chunks: Vec<&[u8]> = stream.chunks(size).collect();
            assert_eq!(frames(&chunks, 5).as_ref(), Ok(&expected), "in chunks of {size}");
        }
    }

    #[test]
    fn the_limit_is_inclusive_and_checked_before_the_payload() {
        assert_eq!(frames(&[&[0, 0, 0, 5, 1, 2, 3, 4, 5]], 5).unwrap().len(), 1);
        let error = FrameError::TooLong { claimed: 6, limit: 5 };
        assert_eq!(frames(&[&[0, 0, 0, 6]], 5), Err(error));
        let error = FrameError::TooLong { claimed: u32::MAX as usize, limit: 5 };
        assert_eq!(frames(&[&[255, 255, 255, 255]], 5), Err(error));
    }

    #[test]
    fn a_stream_that_ends_within_a_frame_is_detected() {
        for cut in 1..7 {
            let mut decoder = FrameDecoder::new(5);
            assert_eq!(decoder.next(&mut &[0, 0, 0, 3, b'o', b'n', b'e'][..cut]).unwrap().is_some(), cut == 7);
            assert!(!decoder.is_between_frames(), "{cut}");
        }
        assert!(FrameDecoder::new(5).is_between_frames());
    }

    #[test]
    fn messages_and_raw_payloads_have_the_same_framing() {
        let (mut typed, mut raw) = (Vec::new(), Vec::new());
        encode(&(7_u8, "x"), &mut typed);
        encode_raw(&[7, 1, b'x'], &mut raw);
        assert_eq!(typed, raw);
    }
}
