//! The wire formats: frames on TCP and datagrams on UDP. Both ends use the same encoder and decoder.
//!
//! ```text
//! TCP:  | length (4, big-endian) | payload |          payload: Hello (16 raw bytes), then postcard
//! UDP:  | version | session (8) | packet number (8) | sealed frames | tag (16) |
//! ```
//!
//! Enums are append-only and structures never change: a changed message is a new variant. The golden bytes in each
//! file's tests enforce this. So the structures are exhaustive, and the enums are not, except for
//! [`Rejection`](rejection::Rejection) and [`Ended`](control::Ended): a client reports each of them.

#![expect(clippy::exhaustive_structs, reason = "wire structures never change")]

pub mod control;
pub mod datagram;
pub mod frame;
pub mod hello;
pub mod rejection;
pub mod relay;

use serde::{Deserialize, Serialize};

/// The bytes are not a message of this protocol: they are truncated, too long, or contain an invalid value.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("malformed message")]
#[non_exhaustive]
pub struct Malformed;

/// Appends the encoding of `message` to `out`.
pub(crate) fn encode<T: Serialize>(message: &T, out: &mut Vec<u8>) {
    let encoded = postcard::to_extend(message, std::mem::take(out));
    *out = encoded.expect("wire types have sequences of known length only, and a vector takes any length");
}

/// Decodes all of `bytes`.
pub(crate) fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Malformed> {
    match postcard::take_from_bytes(bytes) {
        Ok((message, [])) => Ok(message),
        _ => Err(Malformed),
    }
}

/// Asserts that every truncation of `bytes` and `longer`, which is one byte longer, are refused.
#[cfg(test)]
pub(crate) fn assert_refuses_other_lengths<'a, T: Deserialize<'a> + std::fmt::Debug>(
    bytes: &'a [u8],
    longer: &'a [u8],
) {
    for cut in 0..bytes.len() {
        assert!(decode::<T>(&bytes[..cut]).is_err(), "the first {cut} of {} bytes are accepted", bytes.len());
    }
    assert_eq!(&longer[..bytes.len()], bytes);
    assert!(decode::<T>(longer).is_err(), "trailing bytes are accepted");
}
