//! Parcels and relayed datagrams: what a server carries between clients that have no other way to each other.
//!
//! A client sends parcels, each with a sealed datagram of its own, and the server passes the datagrams on. Either frame
//! holds as many as fit.
//!
//! ```text
//! Request::Relay  | variant | length | recipient (8) | length (2) | datagram | recipient (8) | ...
//! Reply::Relayed  | variant | length | length (2) | datagram | length (2) | ...
//! ```
//!
//! Parcels borrow their frame, and datagrams can be opened where they are: decoding copies none of them.

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::frame::MAX_FRAME;
use super::{Malformed, decode, encode};
use crate::id::SessionId;

/// The variant of [`Request::Relay`](super::control::Request::Relay) on the wire.
const RELAY: u8 = 8;

/// The variant of [`Reply::Relayed`](super::control::Reply::Relayed) on the wire.
const RELAYED: u8 = 9;

/// The most bytes of parcels or datagrams in one frame: a frame without its variant and the length of its content.
pub const MAX_CONTENT: usize = MAX_FRAME - 4;

/// What a server relays for each session, as the [`Welcome`](super::control::Welcome) states it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct RelayTerms {
    /// The bytes of parcels that a client may send each second in the long run.
    pub rate: u32,
    /// The bytes of parcels that a client may send together after a pause.
    pub burst: u32,
    /// The longest datagram in bytes.
    pub longest: u16,
}

/// One sealed datagram, and the session that is to receive it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Parcel<'a> {
    /// The recipient.
    pub to: SessionId,
    /// The datagram, as it would travel over UDP.
    pub datagram: &'a [u8],
}

impl Parcel<'_> {
    /// The bytes of a parcel besides its datagram: the recipient, and the length.
    pub const HEADER: usize = 8 + LENGTH;

    /// The bytes that this parcel has in a frame. The [rate](RelayTerms::rate) counts them.
    pub const fn len(&self) -> usize {
        Self::HEADER + self.datagram.len()
    }

    /// Always false: a parcel has a header.
    pub const fn is_empty(&self) -> bool {
        false
    }
}

/// The length of a datagram's length.
const LENGTH: usize = 2;

/// The parcels of a [`Request::Relay`](super::control::Request::Relay), which borrow its frame.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Parcels<'a>(&'a [u8]);

impl<'a> Parcels<'a> {
    /// Whether the payload of a frame is a [`Request::Relay`](super::control::Request::Relay), well-formed or not.
    pub fn are_in(payload: &[u8]) -> bool {
        payload.first() == Some(&RELAY)
    }

    /// The parcels in order.
    pub fn iter(self) -> impl Iterator<Item = Parcel<'a>> {
        let mut rest = self.0;
        std::iter::from_fn(move || take_parcel(&mut rest))
    }
}

/// Prints no bytes.
impl std::fmt::Debug for Parcels<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Parcels({} bytes)", self.0.len())
    }
}

impl Serialize for Parcels<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Parcels<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let content = only(<&[u8]>::deserialize(deserializer)?, |rest| take_parcel(rest).is_some());
        content.map(Self).map_err(de::Error::custom)
    }
}

/// The datagrams of a [`Reply::Relayed`](super::control::Reply::Relayed). A driver that opens them in place
/// [splits](Self::split_mut) the frame instead.
#[derive(Clone, Eq, PartialEq)]
pub struct Datagrams(Vec<u8>);

impl Datagrams {
    /// Whether the payload of a frame is a [`Reply::Relayed`](super::control::Reply::Relayed), well-formed or not.
    pub fn are_in(payload: &[u8]) -> bool {
        payload.first() == Some(&RELAYED)
    }

    /// The datagrams in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = &self.0[..];
        std::iter::from_fn(move || take_datagram(&mut rest))
    }

    /// The datagrams in the payload of a [`Reply::Relayed`](super::control::Reply::Relayed), where they are.
    ///
    /// # Errors
    /// The payload is another reply, or not exactly one reply.
    pub fn split_mut(payload: &mut [u8]) -> Result<impl Iterator<Item = &mut [u8]>, Malformed> {
        let Some((&RELAYED, content)) = payload.split_first() else { return Err(Malformed) };
        let content = only(decode(content)?, |rest| take_datagram(rest).is_some())?.len();
        let start = payload.len() - content;
        let mut rest = &mut payload[start..];
        Ok(std::iter::from_fn(move || {
            let (length, after) = std::mem::take(&mut rest).split_first_chunk_mut()?;
            let (datagram, after) = after.split_at_mut_checked(u16::from_be_bytes(*length).into())?;
            rest = after;
            Some(datagram)
        }))
    }
}

/// Prints no bytes.
impl std::fmt::Debug for Datagrams {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Datagrams({} bytes)", self.0.len())
    }
}

impl Serialize for Datagrams {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Datagrams {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let content = only(<&[u8]>::deserialize(deserializer)?, |rest| take_datagram(rest).is_some());
        content.map(|content| Self(content.into())).map_err(de::Error::custom)
    }
}

/// `content` if it consists of what `take` takes off, and nothing else.
fn only<'a>(content: &'a [u8], mut take: impl FnMut(&mut &'a [u8]) -> bool) -> Result<&'a [u8], Malformed> {
    let mut rest = content;
    while take(&mut rest) {}
    if rest.is_empty() { Ok(content) } else { Err(Malformed) }
}

/// Takes the first parcel off `rest`. `None`, and `rest` is as before, if there is no whole one.
fn take_parcel<'a>(rest: &mut &'a [u8]) -> Option<Parcel<'a>> {
    let (to, mut after) = rest.split_first_chunk()?;
    let datagram = take_datagram(&mut after)?;
    *rest = after;
    Some(Parcel { to: SessionId::new(u64::from_be_bytes(*to)), datagram })
}

/// Takes the first datagram off `rest`. `None`, and `rest` is as before, if there is no whole one.
fn take_datagram<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk()?;
    let (datagram, after) = after.split_at_checked(u16::from_be_bytes(*length).into())?;
    *rest = after;
    Some(datagram)
}

/// Builds frames of [`Request::Relay`](super::control::Request::Relay), parcel by parcel.
#[derive(Debug)]
pub struct ParcelFrame(Builder<RELAY>);

impl ParcelFrame {
    /// An empty frame.
    pub const fn new() -> Self {
        Self(Builder(Vec::new()))
    }

    /// Adds a parcel. `false` if the frame has no room for it: [take](Self::take) the frame first. A datagram of at most
    /// [`MAX_DATAGRAM`](super::datagram::MAX_DATAGRAM) bytes always fits an empty frame.
    #[must_use]
    pub fn push(&mut self, parcel: Parcel<'_>) -> bool {
        self.0.push(&parcel.to.get().to_be_bytes(), parcel.datagram)
    }

    /// Takes the frame, with its length, and begins another one. `None` if it has no parcels.
    pub fn take(&mut self) -> Option<Bytes> {
        self.0.take()
    }
}

impl Default for ParcelFrame {
    fn default() -> Self {
        Self::new()
    }
}

/// Builds frames of [`Reply::Relayed`](super::control::Reply::Relayed), datagram by datagram.
#[derive(Debug)]
pub struct DatagramFrame(Builder<RELAYED>);

impl DatagramFrame {
    /// An empty frame.
    pub const fn new() -> Self {
        Self(Builder(Vec::new()))
    }

    /// Adds a datagram. `false` if the frame has no room for it.
    #[must_use]
    pub fn push(&mut self, datagram: &[u8]) -> bool {
        self.0.push(&[], datagram)
    }

    /// The bytes of its datagrams and their lengths.
    pub const fn content_len(&self) -> usize {
        self.0.content_len()
    }

    /// Takes the frame, with its length, and begins another one. `None` if it has no datagrams.
    pub fn take(&mut self) -> Option<Bytes> {
        self.0.take()
    }
}

impl Default for DatagramFrame {
    fn default() -> Self {
        Self::new()
    }
}

/// A frame whose content grows. In front of the content, there is space for what depends on its length.
#[derive(Debug)]
struct Builder<const VARIANT: u8>(Vec<u8>);

/// The length of the frame, the variant, and the longest length of the content.
const PREFIX: usize = 4 + 1 + 3;

impl<const VARIANT: u8> Builder<VARIANT> {
    const fn content_len(&self) -> usize {
        self.0.len().saturating_sub(PREFIX)
    }

    fn push(&mut self, recipient: &[u8], datagram: &[u8]) -> bool {
        let Ok(length) = u16::try_from(datagram.len()) else { return false };
        if self.content_len() + recipient.len() + LENGTH + datagram.len() > MAX_CONTENT {
            return false;
        }
        if self.0.is_empty() {
            self.0.resize(PREFIX, 0);
        }
        self.0.extend_from_slice(recipient);
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(datagram);
        true
    }

    fn take(&mut self) -> Option<Bytes> {
        if self.0.is_empty() {
            return None;
        }
        let mut frame = std::mem::take(&mut self.0);
        let content = frame.len() - PREFIX;
        let mut head = vec![VARIANT];
        encode(&content, &mut head);
        let payload = u32::try_from(head.len() + content).expect("the content is at most MAX_CONTENT long");
        let start = PREFIX - head.len() - 4;
        frame[start..start + 4].copy_from_slice(&payload.to_be_bytes());
        frame[start + 4..PREFIX].copy_from_slice(&head);
        Some(Bytes::from(frame).slice(start..))
    }
}

#[cfg(test)]
mod tests;
