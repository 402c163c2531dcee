//! Datagrams: a header in clear, authenticated, and sealed frames.

use arrayvec::ArrayVec;
use serde::{Deserialize, Serialize};

use super::Malformed;
use crate::id::SessionId;
use crate::text::Text;

/// The version of the datagram format, its first byte.
pub const VERSION: u8 = 1;

/// The longest datagram: what passes everywhere, tunnels and IPv6 included, without being cut up.
pub const MAX_DATAGRAM: usize = 1200;

/// The header: version, session, packet number.
pub const HEADER: usize = 1 + 8 + 8;

/// The authentication tag of AES-256-GCM.
pub const TAG: usize = 16;

/// The most bytes of frames that one datagram holds.
pub const MAX_FRAMES: usize = MAX_DATAGRAM - HEADER - TAG;

/// The longest encoded [`Body`]: the longest text and the fields around it.
pub const MAX_BODY: usize = Text::MAX_BYTES + 32;

/// The most ranges of packet numbers in one [`Ack`].
pub const MAX_RANGES: usize = 32;

/// The most refusals in one [`Ack`].
pub const MAX_REFUSALS: usize = 16;

/// What every datagram shows to everybody.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Header {
    /// The sender's session.
    pub session: SessionId,
    /// Counted by the sender per link, never used twice.
    pub number: u64,
}

impl Header {
    /// Its bytes, all of which are authenticated.
    pub fn encode(self) -> [u8; HEADER] {
        let mut out = [VERSION; HEADER];
        out[1..9].copy_from_slice(&self.session.get().to_be_bytes());
        out[9..].copy_from_slice(&self.number.to_be_bytes());
        out
    }

    /// Splits a datagram into its header and its sealed part.
    ///
    /// # Errors
    /// Too short to hold anything, too long, or of another version.
    pub fn split(datagram: &mut [u8]) -> Result<(Self, &[u8; HEADER], &mut [u8]), Malformed> {
        if datagram.len() > MAX_DATAGRAM || datagram.len() < HEADER + TAG {
            return Err(Malformed);
        }
        let (bytes, sealed) = datagram.split_first_chunk_mut::<HEADER>().ok_or(Malformed)?;
        let [version, s0, s1, s2, s3, s4, s5, s6, s7, number @ ..] = *bytes;
        if version != VERSION {
            return Err(Malformed);
        }
        let session = SessionId::new(u64::from_be_bytes([s0, s1, s2, s3, s4, s5, s6, s7]));
        Ok((Self { session, number: u64::from_be_bytes(number) }, bytes, sealed))
    }
}

/// One item of a datagram's content. On the wire: append only; zero bytes are padding.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(
    clippy::large_enum_variant,
    reason = "one frame at a time lives on the stack; a box would allocate for each ack"
)]
pub enum Frame<'a> {
    /// Nothing; fills a datagram up.
    Padding,
    /// A whole message.
    Text {
        /// Counted by the sender per link from 1, without gaps but for those a `Skip` names.
        number: u64,
        /// An encoded [`Body`].
        body: &'a [u8],
    },
    /// A part of a message whose body does not fit one datagram.
    Piece {
        /// As in `Text`.
        number: u64,
        /// Where the part begins in the body.
        offset: u16,
        /// The length of the whole body.
        total: u16,
        /// The part.
        bytes: &'a [u8],
    },
    /// Messages up to this number that have not arrived will never come: the sender has given them up.
    Skip {
        /// The last of them.
        up_to: u64,
        /// How many bytes all bodies up to it had, so that room is counted alike on both sides.
        bytes: u64,
    },
    /// What has arrived.
    Ack(Ack),
    /// Asks whoever reads it for a `Pong` with the same bytes: a proof of address, and a sign of life.
    Ping([u8; 8]),
    /// The answer to a `Ping`.
    Pong([u8; 8]),
    /// The sender's session ends.
    Bye {
        /// Why.
        reason: ByeReason,
        /// The number of its last message on this link, 0 if there was none.
        last: u64,
    },
    /// How long, in milliseconds, the ack of this datagram may wait: longer than usual in a large group.
    Patience(u16),
    /// The sender of this put the link away for a while, and what it had received beyond message `after` but not handed
    /// over is gone, although its packets were acknowledged: all of it has to travel again.
    Missing {
        /// The last message that it has handed over.
        after: u64,
    },
}

impl Frame<'_> {
    /// Appends the encoding.
    pub fn encode(&self, out: &mut Vec<u8>) {
        super::encode(self, out);
    }
}

/// Why a session ends, as its peers are told. On the wire: append only.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum ByeReason {
    /// Its user leaves.
    Leaving,
    /// The other side broke the protocol.
    Violation,
}

/// What has arrived, and what the application took.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Ack {
    /// The highest packet number that arrived.
    pub largest: u64,
    /// How long its ack has waited, in microseconds.
    pub delay_us: u32,
    /// Packet numbers that arrived, from the highest down: how many in a row, then how many are missing below them,
    /// and so on. The last gap is 0.
    pub ranges: ArrayVec<Range, MAX_RANGES>,
    /// The application took, or refused, every message up to this number.
    pub settled: u64,
    /// Those of them that it refused. A datagram with refusals is acknowledged, and they are told until it is.
    pub refused: ArrayVec<Refusal, MAX_REFUSALS>,
    /// How many bytes of bodies the sender may send in all, since the beginning of the link.
    pub room: u64,
}

/// A run of packet numbers that arrived.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Range {
    /// How many arrived in a row; at least 1.
    pub length: u64,
    /// How many below them did not arrive; at least 1 unless it is the last.
    pub gap: u64,
}

/// A message that the receiver did not take.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Refusal {
    /// Its number.
    pub number: u64,
    /// Why.
    pub reason: RefusalReason,
}

/// Why a message is refused. On the wire: append only.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum RefusalReason {
    /// Its content breaks the rules of a text, or cannot be read.
    Content,
    /// The application does not want it.
    Application,
}

impl Ack {
    /// The runs of packet numbers as (lowest, highest), from the highest down.
    ///
    /// # Errors
    /// A run reaches below 0.
    pub fn runs(&self) -> Result<ArrayVec<(u64, u64), MAX_RANGES>, Malformed> {
        let mut runs = ArrayVec::new();
        let mut high = Some(self.largest);
        for range in &self.ranges {
            let top = high.ok_or(Malformed)?;
            let low = top.checked_sub(range.length.checked_sub(1).ok_or(Malformed)?).ok_or(Malformed)?;
            runs.push((low, top));
            high = range.gap.checked_add(1).and_then(|gap| low.checked_sub(gap));
        }
        Ok(runs)
    }
}

/// Reads the frames of an opened datagram one after another.
pub struct Frames<'a> {
    rest: &'a [u8],
}

impl<'a> Frames<'a> {
    /// The frames of `content`.
    pub fn new(content: &'a [u8]) -> Self {
        Self { rest: content }
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Frame<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        while let [0, rest @ ..] = self.rest {
            self.rest = rest;
        }
        if self.rest.is_empty() {
            return None;
        }
        if let Some((frame, rest)) = text(self.rest) {
            self.rest = rest;
            return Some(Ok(frame));
        }
        if let Some((ack, rest)) = ack(self.rest) {
            self.rest = rest;
            return Some(Ok(Frame::Ack(ack)));
        }
        match postcard::take_from_bytes(self.rest) {
            Ok((frame, rest)) => {
                self.rest = rest;
                Some(Ok(frame))
            }
            Err(_) => {
                self.rest = &[];
                Some(Err(Malformed))
            }
        }
    }
}

/// Reads a [`Frame::Text`] by hand, because most of what arrives is this; none if it is something else, or something
/// unusual that postcard shall judge.
fn text(bytes: &[u8]) -> Option<(Frame<'_>, &[u8])> {
    let (&1, rest) = bytes.split_first()? else { return None };
    let (number, rest) = varint(rest)?;
    let (len, rest) = varint(rest)?;
    let (body, rest) = rest.split_at_checked(usize::try_from(len).ok()?)?;
    Some((Frame::Text { number, body }, rest))
}

/// Reads a [`Frame::Ack`] without refusals by hand, for the same reason.
fn ack(bytes: &[u8]) -> Option<(Ack, &[u8])> {
    let (&4, rest) = bytes.split_first()? else { return None };
    let (largest, rest) = number(rest)?;
    let (delay, rest) = varint(rest)?;
    let (runs, mut rest) = varint(rest)?;
    let mut ack = Ack { largest, delay_us: u32::try_from(delay).ok()?, ..Ack::default() };
    for _ in 0..runs {
        let (length, after) = number(rest)?;
        let (gap, after) = number(after)?;
        ack.ranges.try_push(Range { length, gap }).ok()?;
        rest = after;
    }
    let (settled, rest) = number(rest)?;
    let (&0, rest) = rest.split_first()? else { return None };
    let (room, rest) = number(rest)?;
    (ack.settled, ack.room) = (settled, room);
    Some((ack, rest))
}

/// A number of at most 28 bits.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    short(bytes, 4)
}

/// A number of at most 56 bits.
fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    short(bytes, 8)
}

/// A number in at most so many bytes.
fn short(bytes: &[u8], most: usize) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (index, &byte) in bytes.iter().take(most).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte < 0x80 {
            return Some((value, &bytes[index + 1..]));
        }
    }
    None
}

/// What a message says and says of itself. Encoded once, the same bytes for every recipient.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Body<'a> {
    /// The sender's count over all recipients, from 1.
    pub id: u64,
    /// Whether everybody got it.
    pub scope: BodyScope,
    /// The sender's estimate of the server's clock, in Unix milliseconds.
    pub sent_at: u64,
    /// What it says.
    #[serde(borrow)]
    pub content: BodyContent<'a>,
}

/// On the wire: append only.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum BodyScope {
    /// To everybody.
    Group,
    /// To the receiver alone.
    Private,
}

/// On the wire: append only.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum BodyContent<'a> {
    /// For people; the receiver checks it again.
    Text(&'a str),
    /// For programs.
    Bytes(&'a [u8]),
}

impl<'a> Body<'a> {
    /// Reads all of `bytes`.
    ///
    /// # Errors
    /// They are not exactly one body.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        super::decode(bytes)
    }

    /// Appends the encoding.
    pub fn encode(&self, out: &mut Vec<u8>) {
        super::encode(self, out);
    }
}

#[cfg(test)]
mod tests;
