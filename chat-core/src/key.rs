//! Session keys: the X25519 key pair of a session, and the session id derived from it.

use std::fmt;

use aws_lc_rs::{agreement, digest};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::generator::Generator;
use crate::id::SessionId;

/// The public half of a session key (X25519, RFC 7748), as published in the roster.
#[derive(Clone, Copy, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct PublicKey([u8; Self::LEN]);

impl PublicKey {
    /// The length of a key in bytes.
    pub const LEN: usize = 32;

    /// Creates a key from its bytes. Any 32 bytes are valid here; key agreement refuses keys of small order.
    pub const fn new(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The bytes of the key.
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// The id of the session with this key.
    pub fn session(&self) -> SessionId {
        let hash = digest::digest(&digest::SHA256, &self.0);
        let (first, _) = hash.as_ref().split_first_chunk().expect("SHA-256 has 32 bytes");
        SessionId::new(u64::from_be_bytes(*first))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({:02x}{:02x}..)", self.0[0], self.0[1])
    }
}

/// The key pair of a session. The private half never leaves the memory of its process.
pub struct KeyPair {
    private: agreement::PrivateKey,
    public: PublicKey,
}

impl KeyPair {
    /// Generates a new key pair.
    pub fn generate(generator: &mut dyn Generator) -> Self {
        let mut secret = Zeroizing::new([0; PublicKey::LEN]);
        generator.fill(secret.as_mut());
        Self::from_secret(&secret)
    }

    /// The key pair with a given private key, for [`KeyPair::generate`] and test vectors.
    pub(crate) fn from_secret(secret: &[u8; PublicKey::LEN]) -> Self {
        let private = agreement::PrivateKey::from_private_key(&agreement::X25519, secret)
            .expect("any 32 bytes are an X25519 private key");
        let public = private.compute_public_key().expect("an X25519 key has a public half");
        let public = PublicKey(public.as_ref().try_into().expect("an X25519 public key has 32 bytes"));
        Self { private, public }
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        self.public
    }

    /// The id of the session with this key pair.
    pub fn session(&self) -> SessionId {
        self.public.session()
    }

    /// The secret shared with the owner of `theirs`.
    ///
    /// # Errors
    /// `theirs` is of small order: the shared secret would be zero (RFC 7748, section 6.1).
    pub(crate) fn agree(&self, theirs: &PublicKey) -> Result<Zeroizing<[u8; 32]>, WeakKey> {
        let theirs = agreement::UnparsedPublicKey::new(&agreement::X25519, theirs.as_bytes());
        let secret = agreement::agree(&self.private, theirs, WeakKey, |secret| {
            let mut copy = Zeroizing::new([0; 32]);
            copy.copy_from_slice(secret);
            Ok(copy)
        })?;
        if *secret == [0; 32] { Err(WeakKey) } else { Ok(secret) }
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPair").field("public", &self.public).finish_non_exhaustive()
    }
}

/// The public key is of small order: every key agreement with it yields the same secret.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the public key is of small order")]
#[non_exhaustive]
pub struct WeakKey;

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7748, section 6.1.
    #[test]
    fn key_agreement_matches_the_vectors_of_rfc_7748() {
        let bob = KeyPair::from_secret(&unhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"));
        let alice = PublicKey(unhex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"));
        assert_eq!(bob.public().as_bytes(), &unhex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"));
        assert_eq!(
            *bob.agree(&alice).unwrap(),
            unhex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")
        );
    }

    #[test]
    fn keys_of_small_order_are_refused() {
        let mine = KeyPair::from_secret(&[7; 32]);
        let mut one = [0; 32];
        one[0] = 1;
        for theirs in [[0; 32], one] {
            assert_eq!(mine.agree(&PublicKey::new(theirs)).map(drop), Err(WeakKey));
        }
    }

    #[test]
    fn debug_prints_no_private_key() {
        let pair = KeyPair::from_secret(&[7; 32]);
        assert!(!format!("{pair:?}").contains("0707"));
    }

    fn unhex(text: &str) -> [u8; 32] {
        let mut out = [0; 32];
        for (byte, pair) in out.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        }
        out
    }
}
