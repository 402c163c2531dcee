//! Fingerprints, which people compare to recognise a server.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest;
use rustls::pki_types::CertificateDer;
use rustls::server::ParsedCertificate;

/// The SHA-256 of a server's public key (its SubjectPublicKeyInfo). A new certificate for the same key has the same
/// fingerprint. Displayed as 64 hexadecimal digits; parsing ignores colons and white space between them.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Wraps the 32 bytes of a fingerprint.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The fingerprint of the key in `certificate`.
    pub(crate) fn of(certificate: &CertificateDer<'_>) -> Result<Self, rustls::Error> {
        let key = ParsedCertificate::try_from(certificate)?.subject_public_key_info();
        let hash = digest::digest(&digest::SHA256, &key);
        Ok(Self(hash.as_ref().try_into().expect("SHA-256 has 32 bytes")))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(typed: &str) -> Result<Self, FingerprintError> {
        let digits = typed.bytes().filter(|byte| *byte != b':' && !byte.is_ascii_whitespace());
        let mut bytes = [0; 32];
        let mut count = 0;
        for digit in digits {
            let value = char::from(digit).to_digit(16).ok_or(FingerprintError)?;
            let byte = bytes.get_mut(count / 2).ok_or(FingerprintError)?;
            *byte = *byte << 4 | u8::try_from(value).expect("a hexadecimal digit is below 16");
            count += 1;
        }
        if count == 64 { Ok(Self(bytes)) } else { Err(FingerprintError) }
    }
}

impl TryFrom<&str> for Fingerprint {
    type Error = FingerprintError;

    fn try_from(typed: &str) -> Result<Self, FingerprintError> {
        typed.parse()
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = FingerprintError;

    fn try_from(typed: String) -> Result<Self, FingerprintError> {
        typed.parse()
    }
}

/// The text is not a fingerprint.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a fingerprint has 64 hexadecimal digits; `chat-server fingerprint` prints it")]
#[non_exhaustive]
pub struct FingerprintError;

/// For values that are valid already, so that their conversion cannot fail.
impl From<Infallible> for FingerprintError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_displayed_fingerprint_parses_in_any_grouping() {
        let fingerprint = Fingerprint::new(std::array::from_fn(|i| i as u8 * 8));
        let shown = fingerprint.to_string();
        assert_eq!(shown.len(), 64);
        assert_eq!(shown.parse(), Ok(fingerprint));
        assert_eq!(shown.to_uppercase().parse(), Ok(fingerprint));
        let grouped: Vec<&str> = (0..32).map(|i| &shown[2 * i..2 * i + 2]).collect();
        for separator in [":", " ", "\n", "\r\n"] {
            assert_eq!(grouped.join(separator).parse(), Ok(fingerprint), "{separator:?}");
        }
    }

    #[test]
    fn other_lengths_and_characters_are_rejected() {
        let good = "0".repeat(64);
        for bad in ["", &good[1..], &format!("{good}0"), &good.replacen('0', "g", 1), "é"] {
            assert_eq!(bad.parse::<Fingerprint>(), Err(FingerprintError), "{bad}");
        }
    }
}
