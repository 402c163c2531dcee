//! The hello: the first frame in each direction, which negotiates the protocol version. Its 16 bytes never change.

use super::Malformed;

/// A hello: the bytes `CHAT`, the lowest and the highest supported version, and feature bits, all big-endian.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Hello {
    /// The lowest supported version of the control protocol.
    pub low: u16,
    /// The highest supported version.
    pub high: u16,
    /// One bit for each optional feature, such as [`Hello::AWAY`]. Unknown bits are ignored.
    pub features: u64,
}

const MAGIC: [u8; 4] = *b"CHAT";

impl Hello {
    /// The length of a hello in bytes.
    pub const LEN: usize = 16;

    /// The hello of this program.
    pub const OURS: Self = Self { low: 1, high: 1, features: Self::AWAY | Self::RELAY };

    /// The feature bit of a server that knows [`SetAway`](super::control::Request::SetAway), and of a client that knows
    /// the extra [`AWAY`](crate::roster::AWAY).
    pub const AWAY: u64 = 1;

    /// The feature bit of a server that knows [`Relay`](super::control::Request::Relay), and of a client that knows
    /// [`Relayed`](super::control::Reply::Relayed).
    pub const RELAY: u64 = 2;

    /// Encodes the payload of the frame.
    pub fn encode(self) -> [u8; Self::LEN] {
        let mut out = [0; Self::LEN];
        out[..4].copy_from_slice(&MAGIC);
        out[4..6].copy_from_slice(&self.low.to_be_bytes());
        out[6..8].copy_from_slice(&self.high.to_be_bytes());
        out[8..].copy_from_slice(&self.features.to_be_bytes());
        out
    }

    /// Decodes the payload of the frame.
    ///
    /// # Errors
    /// The length or the magic bytes are wrong, or the range of versions is empty.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let bytes: &[u8; Self::LEN] = bytes.try_into().map_err(|_| Malformed)?;
        let [c, h, a, t, l0, l1, h0, h1, features @ ..] = *bytes;
        let hello = Self {
            low: u16::from_be_bytes([l0, l1]),
            high: u16::from_be_bytes([h0, h1]),
            features: u64::from_be_bytes(features),
        };
        if [c, h, a, t] == MAGIC && hello.low <= hello.high { Ok(hello) } else { Err(Malformed) }
    }

    /// The highest version that both sides support.
    ///
    /// # Errors
    /// The sides have no version in common.
    pub fn agree(self, theirs: Self) -> Result<u16, NoCommonVersion> {
        let version = self.high.min(theirs.high);
        if version >= self.low.max(theirs.low) { Ok(version) } else { Err(NoCommonVersion { ours: self, theirs }) }
    }
}

/// Two programs have no protocol version in common. The text says which side to update.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "this program supports versions {} to {} of the protocol and the other side {} to {}; update {}",
    .ours.low, .ours.high, .theirs.low, .theirs.high,
    if .ours.high < .theirs.low { "this program" } else { "the other side" }
)]
#[non_exhaustive]
pub struct NoCommonVersion {
    /// The hello of this program.
    pub ours: Hello,
    /// The hello of the other side.
    pub theirs: Hello,
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn hello(low: u16, high: u16) -> Hello {
        Hello { low, high, features: 0 }
    }

    #[test]
    fn golden_bytes() {
        let hello = Hello { low: 1, high: 2, features: 0x8000_0000_0000_0001 };
        assert_eq!(&hello.encode(), b"CHAT\x00\x01\x00\x02\x80\0\0\0\0\0\0\x01");
        assert_eq!(Hello::decode(&hello.encode()), Ok(hello));
    }

    #[test]
    fn other_bytes_are_refused() {
        let bytes = Hello::OURS.encode();
        for cut in 0..bytes.len() {
            assert_eq!(Hello::decode(&bytes[..cut]), Err(Malformed), "{cut}");
        }
        assert_eq!(Hello::decode(b"GET / HTTP/1.1\r\n"), Err(Malformed));
        assert_eq!(Hello::decode(&hello(2, 1).encode()), Err(Malformed));
    }

    #[test]
    fn the_highest_common_version_is_used() {
        for (ours, theirs, version) in [
            (hello(1, 1), hello(1, 1), Some(1)),
            (hello(1, 2), hello(2, 3), Some(2)),
            (hello(2, 5), hello(1, 4), Some(4)),
            (hello(1, 1), hello(2, 3), None),
            (hello(4, 5), hello(2, 3), None),
        ] {
            assert_eq!(ours.agree(theirs).ok(), version, "{ours:?} {theirs:?}");
        }
    }

    #[test]
    fn the_error_names_both_ranges_and_the_side_to_update() {
        assert_eq!(
            hello(1, 2).agree(hello(3, 4)).unwrap_err().to_string(),
            "this program supports versions 1 to 2 of the protocol and the other side 3 to 4; update this program"
        );
        assert!(hello(3, 4).agree(hello(1, 2)).unwrap_err().to_string().ends_with("update the other side"));
    }
}
