//! What a reply says, without reading all of it: ten thousand clients in one process must cost less than the server.

use chat_core::id::{Epoch, Revision};
use chat_core::wire::Malformed;
use chat_core::wire::control::Reply;
use chat_core::wire::frame::{FrameError, MAX_FRAME};

/// A reply as far as a counting client looks at it.
#[derive(Debug, PartialEq)]
pub(crate) enum Glance {
    /// A page with so many entries.
    Page(u32),
    /// The copy is complete.
    Complete(Epoch, Revision),
    /// Changes from one revision to another.
    Update(Epoch, Revision, Revision),
    /// Anything else, read in full.
    Other(Box<Reply>),
}

/// Their numbers among the replies.
const PAGE: u32 = 2;
const COMPLETE: u32 = 3;
const UPDATE: u32 = 4;

impl Glance {
    /// Looks at the beginning of a payload, which is all of it unless it is a page or an update.
    pub(crate) fn at(payload: &[u8]) -> Result<Self, Malformed> {
        let (kind, rest) = read::<u32>(payload)?;
        Ok(match kind {
            PAGE => Self::Page(read(rest)?.0),
            COMPLETE => {
                let ((epoch, revision), _) = read(rest)?;
                Self::Complete(epoch, revision)
            }
            UPDATE => {
                let ((epoch, from, to), _) = read(rest)?;
                Self::Update(epoch, from, to)
            }
            _ => Self::Other(Box::new(Reply::decode(payload)?)),
        })
    }
}

fn read<'a, T: serde::Deserialize<'a>>(bytes: &'a [u8]) -> Result<(T, &'a [u8]), Malformed> {
    postcard::take_from_bytes(bytes).map_err(|_| Malformed)
}

/// The longest beginning of a frame that a counting client keeps: any reply but a page or an update fits.
pub(crate) const BEGINNING: usize = 1024;

/// Cuts a stream into frames and keeps the beginning of each. In contrast to the decoder of the real ends it copies and
/// wipes nothing else.
#[derive(Debug)]
pub(crate) struct Skimmer {
    keep: usize,
    header: [u8; 4],
    header_len: usize,
    kept: Vec<u8>,
    left: usize,
}

impl Skimmer {
    /// Keeps at most `keep` bytes of each frame.
    pub(crate) const fn new(keep: usize) -> Self {
        Self { keep, header: [0; 4], header_len: 0, kept: Vec::new(), left: 0 }
    }

    /// Takes bytes from the front of `input`, until a frame has ended or `input` is empty; gives what was kept of it.
    pub(crate) fn next(&mut self, input: &mut &[u8]) -> Result<Option<&[u8]>, FrameError> {
        if self.header_len < 4 {
            if self.header_len == 0 {
                self.kept.clear();
            }
            let taken = input.len().min(4 - self.header_len);
            self.header[self.header_len..][..taken].copy_from_slice(&input[..taken]);
            self.header_len += taken;
            *input = &input[taken..];
            if self.header_len < 4 {
                return Ok(None);
            }
            self.left = u32::from_be_bytes(self.header) as usize;
            if self.left > MAX_FRAME {
                return Err(FrameError::TooLong { claimed: self.left, limit: MAX_FRAME });
            }
        }
        let taken = input.len().min(self.left);
        let kept = taken.min(self.keep.saturating_sub(self.kept.len()));
        self.kept.extend_from_slice(&input[..kept]);
        self.left -= taken;
        *input = &input[taken..];
        if self.left > 0 {
            return Ok(None);
        }
        self.header_len = 0;
        Ok(Some(&self.kept))
    }
}

#[cfg(test)]
mod tests {
    use chat_core::roster::Update;
    use chat_core::time::Timestamp;
    use chat_core::wire::frame;

    use super::*;

    #[test]
    fn a_glance_sees_what_a_reply_says() {
        let (epoch, from, to) = (Epoch::new(u64::MAX), Revision::new(300), Revision::new(301));
        let update = Update { epoch, from, to, changes: Vec::new() };
        for (reply, seen) in [
            (Reply::SnapshotPage(Vec::new()), Glance::Page(0)),
            (Reply::SnapshotComplete { epoch, revision: to }, Glance::Complete(epoch, to)),
            (Reply::Update(update), Glance::Update(epoch, from, to)),
            (
                Reply::Heartbeat { number: 1, at: Timestamp::from_millis(1) },
                Glance::Other(Box::new(Reply::Heartbeat { number: 1, at: Timestamp::from_millis(1) })),
            ),
        ] {
            let mut bytes = Vec::new();
            frame::encode(&reply, &mut bytes);
            assert_eq!(Glance::at(&bytes[4..]), Ok(seen), "{reply:?}");
        }
        assert_eq!(Glance::at(&[]), Err(Malformed));
    }

    #[test]
    fn frames_are_found_however_they_arrive_and_only_their_beginnings_kept() {
        let mut stream = Vec::new();
        for payload in [&b"one"[..], b"", &[7; 5_000], b"four"] {
            frame::encode_raw(payload, &mut stream);
        }
        let expected: Vec<Vec<u8>> = vec![b"one".to_vec(), vec![], vec![7; 10], b"four".to_vec()];
        for size in [1, 2, 3, 5, 1_000, stream.len()] {
            let mut skimmer = Skimmer::new(10);
            let mut seen = Vec::new();
            for mut input in stream.chunks(size) {
                while !input.is_empty() {
                    seen.extend(skimmer.next(&mut input).unwrap().map(<[u8]>::to_vec));
                }
            }
            assert_eq!(seen, expected, "in chunks of {size}");
        }
        assert!(Skimmer::new(10).next(&mut &[0xff; 4][..]).is_err());
    }
}
