//! Reads the head of a reply and skips the rest, so that ten thousand clients in one process cost less than the server.

use chat_core::id::{Epoch, Revision};
use chat_core::wire::Malformed;
use chat_core::wire::control::Reply;

/// The parts of a reply that a counting client reads.
#[derive(Debug, PartialEq)]
pub(crate) enum PeekReply {
    /// A snapshot page with this number of entries.
    Page(u32),
    /// The snapshot is complete.
    Complete(Epoch, Revision),
    /// An update from the first revision to the second.
    Update(Epoch, Revision, Revision),
    /// Any other reply, read in full.
    Other(Box<Reply>),
}

/// The variant numbers of these replies on the wire.
const PAGE: u32 = 2;
const COMPLETE: u32 = 3;
const UPDATE: u32 = 4;

impl PeekReply {
    /// Reads the head of a payload.
    ///
    /// # Errors
    /// Returns an error if the head is malformed, or, for a reply of another kind, any part of the payload.
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

#[cfg(test)]
mod tests {
    use chat_core::roster::Update;
    use chat_core::time::Timestamp;
    use chat_core::wire::frame;

    use super::*;

    #[test]
    fn peeking_reads_the_head_of_each_reply() {
        let (epoch, from, to) = (Epoch::new(u64::MAX), Revision::new(300), Revision::new(301));
        let update = Update { epoch, from, to, changes: Vec::new() };
        for (reply, seen) in [
            (Reply::SnapshotPage(Vec::new()), PeekReply::Page(0)),
            (Reply::SnapshotComplete { epoch, revision: to }, PeekReply::Complete(epoch, to)),
            (Reply::Update(update), PeekReply::Update(epoch, from, to)),
            (
                Reply::Heartbeat { number: 1, at: Timestamp::from_millis(1) },
                PeekReply::Other(Box::new(Reply::Heartbeat { number: 1, at: Timestamp::from_millis(1) })),
            ),
        ] {
            let mut bytes = Vec::new();
            frame::encode(&reply, &mut bytes);
            assert_eq!(PeekReply::at(&bytes[4..]), Ok(seen), "{reply:?}");
        }
        assert_eq!(PeekReply::at(&[]), Err(Malformed));
    }
}
