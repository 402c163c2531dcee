//! Datagrams of the peer link: an authenticated header in the clear, and sealed frames.

use arrayvec::ArrayVec;
use serde::{Deserialize, Serialize};

use super::Malformed;
use crate::id::SessionId;
use crate::text::Text;

/// The link version: the first byte of every datagram.
pub const VERSION: u8 = 1;

/// The longest datagram, in bytes. Practically every network carries it without fragmentation, including tunnels and IPv6.
pub const MAX_DATAGRAM: usize = 1200;

/// The length of the header: version, session id and packet number.
pub const HEADER: usize = 1 + 8 + 8;

/// The length of the authentication tag of AES-256-GCM.
pub const TAG: usize = 16;

/// The space for frames in the longest datagram.
pub const MAX_FRAMES: usize = MAX_DATAGRAM - HEADER - TAG;

/// The longest encoded [`Body`]: the longest text and the fields around it.
pub const MAX_BODY: usize = Text::MAX_BYTES + 32;

/// The most ranges of packet numbers in one [`Ack`].
pub const MAX_RANGES: usize = 32;

/// The most refusals in one [`Ack`].
pub const MAX_REFUSALS: usize = 16;

/// The header of a datagram. It is authenticated but not encrypted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Header {
    /// The session id of the sender.
    pub session: SessionId,
    /// The packet number. The sender counts per link and never uses a number twice.
    pub number: u64,
}

impl Header {
    /// Encodes the header. All of its bytes are authenticated.
    pub fn encode(self) -> [u8; HEADER] {
        let mut out = [VERSION; HEADER];
        out[1..9].copy_from_slice(&self.session.get().to_be_bytes());
        out[9..].copy_from_slice(&self.number.to_be_bytes());
        out
    }

    /// Splits a datagram into its header and its sealed part.
    ///
    /// # Errors
    /// The datagram is too short for a header and a tag, too long, or has another version.
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

/// One item of a packet.
///
/// Variants are only ever appended, because the encoding contains their positions. A zero byte is padding.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(
    clippy::large_enum_variant,
    reason = "one frame at a time lives on the stack; a box would allocate for each ack"
)]
#[non_exhaustive]
pub enum Frame<'a> {
    /// Fills a datagram. It has no content.
    Padding,
    /// A whole message.
    Message {
        /// The message number. The sender counts per link from 1, without gaps.
        number: u64,
        /// An encoded [`Body`].
        body: &'a [u8],
    },
    /// A part of a message whose body does not fit one datagram.
    Fragment {
        /// The message number, as in `Message`.
        number: u64,
        /// The position of the part in the body.
        offset: u16,
        /// The length of the whole body.
        total: u16,
        /// The part.
        bytes: &'a [u8],
    },
    /// The sender has abandoned messages. Messages up to a number that have not arrived will never arrive.
    Skip {
        /// The number of the last abandoned message.
        up_to: u64,
        /// The length of all bodies up to this message, so that both sides count room alike.
        bytes: u64,
    },
    /// Packets that arrived, and messages that the application has decided about.
    Ack(Ack),
    /// Asks for a `Pong` with the same bytes, which proves an address and shows that the peer is responsive.
    Ping([u8; 8]),
    /// The answer to a `Ping`.
    Pong([u8; 8]),
    /// The sender closes the link.
    Bye {
        /// The reason.
        reason: ByeReason,
        /// The number of the sender's last message on this link, or 0. For diagnosis only.
        last: u64,
    },
    /// The time in milliseconds for which the ack of this datagram may be delayed: longer than usual in a large group.
    MaxAckDelay(u16),
    /// The sender closed the link and has opened it again. It dropped messages that it had received but not delivered,
    /// although it had acknowledged their packets, and asks for them again.
    Resend {
        /// The number of the last message that it has delivered.
        after: u64,
    },
}

impl Frame<'_> {
    /// Appends the encoding to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        super::encode(self, out);
    }
}

/// The reason for a bye. Variants are only ever appended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub enum ByeReason {
    /// The sender's session ends.
    Leaving,
    /// The receiver of the bye violated the protocol.
    Violation,
}

/// The packets that arrived, and the messages that the application has decided about.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Ack {
    /// The highest packet number that arrived.
    pub largest: u64,
    /// The time for which the ack of that packet was delayed, in microseconds.
    pub delay_us: u32,
    /// The runs of packet numbers that arrived, and the gaps below them, from the highest number down. The last gap is 0.
    pub ranges: ArrayVec<Range, MAX_RANGES>,
    /// The application accepted every message up to this number, except those in `refused`.
    pub accepted: u64,
    /// The refused messages. An ack with refusals is itself acknowledged, and they are repeated until it is.
    pub refused: ArrayVec<Refusal, MAX_REFUSALS>,
    /// The bytes of message bodies that the peer may send in total since the beginning of the link.
    pub room: u64,
}

/// A run of packet numbers that arrived.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Range {
    /// The length of the run: at least 1.
    pub length: u64,
    /// The number of missing packets below the run: at least 1, or 0 below the last run.
    pub gap: u64,
}

/// A message that the receiver refused.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Refusal {
    /// The message number.
    pub number: u64,
    /// The reason.
    pub reason: RefusalReason,
}

/// The reason why a message was refused. Variants are only ever appended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub enum RefusalReason {
    /// The body cannot be decoded, or its content breaks the rules.
    Content,
    /// The application refused it.
    Application,
}

impl Ack {
    /// Returns the runs of packet numbers as (lowest, highest), from the highest run down.
    ///
    /// # Errors
    /// A run is empty or reaches below 0.
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

/// Decodes the frames of an opened packet one after another. It ends after the first error.
pub struct Frames<'a> {
    rest: &'a [u8],
}

impl<'a> Frames<'a> {
    /// Creates an iterator over the frames of `content`.
    pub fn new(content: &'a [u8]) -> Self {
        Self { rest: content }
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Frame<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if let [0, ..] = self.rest {
            // Padding mostly fills the rest. Without an early exit the compiler vectorises the loop.
            let is_all_padding = self.rest.iter().fold(0, |all, byte| all | byte) == 0;
            let padding = self.rest.iter().take_while(|byte| **byte == 0);
            let padding = if is_all_padding { self.rest.len() } else { padding.count() };
            self.rest = &self.rest[padding..];
        }
        if self.rest.is_empty() {
            return None;
        }
        if let Some((frame, rest)) = message(self.rest) {
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

/// Decodes a [`Frame::Message`] by hand, because most frames are messages. Returns `None` for other frames and for unusual
/// encodings, which are left to postcard.
fn message(bytes: &[u8]) -> Option<(Frame<'_>, &[u8])> {
    let (&1, rest) = bytes.split_first()? else { return None };
    let (number, rest) = varint(rest)?;
    let (len, rest) = varint(rest)?;
    let (body, rest) = rest.split_at_checked(usize::try_from(len).ok()?)?;
    Some((Frame::Message { number, body }, rest))
}

/// Decodes a [`Frame::Ack`] without refusals by hand, because almost every datagram contains one.
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
    let (accepted, rest) = number(rest)?;
    let (&0, rest) = rest.split_first()? else { return None };
    let (room, rest) = number(rest)?;
    (ack.accepted, ack.room) = (accepted, room);
    Some((ack, rest))
}

/// Decodes a varint of at most 28 bits.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    short(bytes, 4)
}

/// Decodes a varint of at most 56 bits.
fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    short(bytes, 8)
}

/// Decodes a varint of at most `max_len` bytes.
#[inline]
fn short(bytes: &[u8], max_len: usize) -> Option<(u64, &[u8])> {
    let (mut value, mut shift, mut rest) = (0, 0, bytes);
    while shift < 7 * max_len {
        let (&byte, after) = rest.split_first()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some((value, after));
        }
        (shift, rest) = (shift + 7, after);
    }
    None
}

/// The body of a message. It is encoded once, and every recipient receives the same bytes.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Body<'a> {
    /// The message id: the sender counts its messages over all recipients, from 1.
    pub id: u64,
    /// Whether the message went to everyone.
    pub scope: BodyScope,
    /// The time of sending: the sender's estimate of the server's clock, in Unix milliseconds.
    pub sent_at: u64,
    /// The content.
    #[serde(borrow)]
    pub content: BodyContent<'a>,
}

/// The scope of a message. Variants are only ever appended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub enum BodyScope {
    /// The message went to everyone.
    Group,
    /// The message went to the receiver alone.
    Private,
}

/// The content of a message. Variants are only ever appended.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub enum BodyContent<'a> {
    /// A text for people. The receiver checks it against the rules of a text.
    Text(&'a str),
    /// Bytes for programs.
    Bytes(&'a [u8]),
}

impl<'a> Body<'a> {
    /// Decodes a body.
    ///
    /// # Errors
    /// The bytes are not exactly one body.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        text(bytes).map_or_else(|| super::decode(bytes), Ok)
    }

    /// Appends the encoding to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        super::encode(self, out);
    }
}

/// Decodes a body with a text by hand, because most bodies are texts. Returns `None` for other bodies and for unusual
/// encodings, which are left to postcard.
fn text(bytes: &[u8]) -> Option<Body<'_>> {
    let (id, rest) = number(bytes)?;
    let (&scope, rest) = rest.split_first()?;
    let scope = match scope {
        0 => BodyScope::Group,
        1 => BodyScope::Private,
        _ => return None,
    };
    let (sent_at, rest) = number(rest)?;
    let (&0, rest) = rest.split_first()? else { return None };
    let (len, text) = varint(rest)?;
    if text.len() as u64 != len {
        return None;
    }
    Some(Body { id, scope, sent_at, content: BodyContent::Text(std::str::from_utf8(text).ok()?) })
}

#[cfg(test)]
mod tests;
