//! The keys of a link. Both ends derive them from the session keys in the roster.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Prk, Salt};

use crate::key::{KeyPair, PublicKey, WeakKey};
use crate::name::UserName;
use crate::wire::datagram::{TAG, VERSION};

/// One end of a link, as an input of the key derivation.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "the inputs of the key derivation never change")]
pub struct Party {
    /// The public session key, which determines the session id.
    pub key: PublicKey,
    /// The user name.
    pub user: UserName,
}

impl Party {
    /// session id (8) | public key (32) | length of the canonical name (1) | canonical name
    fn encode(&self) -> Vec<u8> {
        let name = self.user.canonical().as_bytes();
        let mut out = Vec::with_capacity(8 + PublicKey::LEN + 1 + name.len());
        out.extend_from_slice(&self.key.session().get().to_be_bytes());
        out.extend_from_slice(self.key.as_bytes());
        out.push(u8::try_from(name.len()).expect("a name has at most 128 bytes"));
        out.extend_from_slice(name);
        out
    }
}

/// The keys of one link: one per direction and key phase.
///
/// ```text
/// prk = HKDF-SHA256-Extract("chat link 1", X25519(mine, theirs))
/// key = HKDF-SHA256-Expand(prk, "key" | version (1) | sender | receiver | key phase (8), 32)
/// nonce = 32 zero bits | packet number (64)        key phase = packet number >> 24
/// ```
///
/// A key seals at most 2^24 packets. The caller must never seal two packets under the same number, not even with
/// another `LinkKeys` of the same two parties.
pub struct LinkKeys {
    prk: Prk,
    sending: Direction,
    receiving: Direction,
}

struct Direction {
    /// "key" | version | sender | receiver
    info: Vec<u8>,
    /// The latest key phase and its key. Receiving also keeps an earlier one, for packets that were overtaken.
    current: Option<(u64, LessSafeKey)>,
    previous: Option<(u64, LessSafeKey)>,
}

/// A datagram did not open: it is forged, damaged, or not for this link.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the datagram does not open")]
#[non_exhaustive]
pub struct NotOpened;

impl LinkKeys {
    /// Returns the key phase of a packet number.
    pub const fn phase(number: u64) -> u64 {
        number >> 24
    }

    /// Derives the keys of the link between our session and another one. This takes about 26 us, the cost of X25519.
    ///
    /// # Errors
    /// The other party's key is of small order.
    pub fn derive(keys: &KeyPair, user: &UserName, theirs: &Party) -> Result<Self, WeakKey> {
        let secret = keys.agree(&theirs.key)?;
        let prk = Salt::new(HKDF_SHA256, b"chat link 1").extract(secret.as_ref());
        let ours = Party { key: keys.public(), user: user.clone() };
        Ok(Self { prk, sending: Direction::new(&ours, theirs), receiving: Direction::new(theirs, &ours) })
    }

    /// Releases the expanded keys, which take most of the memory. The next packet expands them again within microseconds.
    pub fn release(&mut self) {
        for direction in [&mut self.sending, &mut self.receiving] {
            (direction.current, direction.previous) = (None, None);
            direction.info.shrink_to_fit();
        }
    }

    /// Whether no expanded keys are held.
    pub const fn are_released(&self) -> bool {
        self.sending.current.is_none() && self.receiving.current.is_none() && self.receiving.previous.is_none()
    }

    /// Encrypts `frames` in place as packet `number`, authenticates `header` with them, and returns the tag, which follows
    /// the frames in the datagram.
    pub fn seal(&mut self, number: u64, header: &[u8], frames: &mut [u8]) -> [u8; TAG] {
        let phase = Self::phase(number);
        if self.sending.current.as_ref().is_none_or(|(current, _)| *current != phase) {
            self.sending.current = Some((phase, self.sending.key(&self.prk, phase)));
        }
        let (_, key) = self.sending.current.as_ref().expect("set above");
        let tag = key
            .seal_in_place_separate_tag(nonce(number), Aad::from(header), frames)
            .expect("a datagram is far below the limit of AES-GCM");
        tag.as_ref().try_into().expect("the tag has 16 bytes")
    }

    /// Decrypts packet `number` in place and returns its frames. The key of a new phase is kept only if the packet opens.
    ///
    /// # Errors
    /// The packet does not open. Its bytes are undefined then.
    pub fn open<'a>(&mut self, number: u64, header: &[u8], sealed: &'a mut [u8]) -> Result<&'a mut [u8], NotOpened> {
        let phase = Self::phase(number);
        let direction = &mut self.receiving;
        let known = [&direction.current, &direction.previous].into_iter().flatten().find(|(known, _)| *known == phase);
        if let Some((_, key)) = known {
            return key.open_in_place(nonce(number), Aad::from(header), sealed).map_err(|_| NotOpened);
        }
        let key = direction.key(&self.prk, phase);
        let frames = key.open_in_place(nonce(number), Aad::from(header), sealed).map_err(|_| NotOpened)?;
        if direction.current.as_ref().is_none_or(|(current, _)| *current < phase) {
            direction.previous = direction.current.replace((phase, key));
        } else {
            direction.previous = Some((phase, key));
        }
        Ok(frames)
    }
}

impl std::fmt::Debug for LinkKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LinkKeys").finish_non_exhaustive()
    }
}

impl Direction {
    fn new(sender: &Party, receiver: &Party) -> Self {
        let mut info = b"key".to_vec();
        info.push(VERSION);
        info.extend_from_slice(&sender.encode());
        info.extend_from_slice(&receiver.encode());
        Self { info, current: None, previous: None }
    }

    fn key(&self, prk: &Prk, phase: u64) -> LessSafeKey {
        let info = [&self.info[..], &phase.to_be_bytes()];
        let okm = prk.expand(&info, &AES_256_GCM).expect("32 bytes are far below the limit of HKDF");
        LessSafeKey::new(UnboundKey::from(okm))
    }
}

fn nonce(number: u64) -> Nonce {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&number.to_be_bytes());
    Nonce::assume_unique_for_key(nonce)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(secret: u8, user: &str) -> (KeyPair, UserName, Party) {
        let keys = KeyPair::from_secret(&[secret; 32]);
        let user: UserName = user.parse().unwrap();
        let party = Party { key: keys.public(), user: user.clone() };
        (keys, user, party)
    }

    fn link() -> (LinkKeys, LinkKeys) {
        let (alice, alice_name, alice_party) = pair(1, "Alice");
        let (ming, ming_name, ming_party) = pair(2, "小明");
        (
            LinkKeys::derive(&alice, &alice_name, &ming_party).unwrap(),
            LinkKeys::derive(&ming, &ming_name, &alice_party).unwrap(),
        )
    }

    fn sealed(keys: &mut LinkKeys, number: u64, text: &[u8]) -> Vec<u8> {
        let mut frames = text.to_vec();
        let tag = keys.seal(number, b"header", &mut frames);
        frames.extend_from_slice(&tag);
        frames
    }

    /// The test vectors of docs/PROTOCOL.md. They were computed with another implementation of X25519, HKDF and AES-GCM.
    #[test]
    fn datagrams_equal_the_published_test_vectors() {
        let (mut alice, mut ming) = link();
        for (number, text, golden) in VECTORS {
            let datagram = sealed(&mut alice, *number, text.as_bytes());
            let hex: String = datagram.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex, *golden, "packet {number}");
            assert_eq!(ming.open(*number, b"header", &mut datagram.clone()).unwrap(), text.as_bytes());
        }
    }

    const VECTORS: &[(u64, &str, &str)] = &[
        (0, "hello", "1eb7dbe72d953dbd87c8dbe175d170c7666304203b"),
        (1 << 24, "hello", "df92c2d6f9854d2ef636fd1f6487c9bdcc7c4ad90e"),
    ];

    #[test]
    fn each_direction_key_phase_and_pair_has_its_own_key() {
        let (mut alice, mut ming) = link();
        let (carol, carol_name, _) = pair(3, "carol");
        let mut carol = LinkKeys::derive(&carol, &carol_name, &pair(1, "Alice").2).unwrap();
        let datagram = sealed(&mut alice, 7, b"hello");
        assert_ne!(datagram, sealed(&mut ming, 7, b"hello"));
        assert_ne!(datagram, sealed(&mut alice, 7 + (1 << 24), b"hello"));
        assert_eq!(carol.open(7, b"header", &mut datagram.clone()), Err(NotOpened));
        assert_eq!(alice.open(7, b"header", &mut datagram.clone()), Err(NotOpened), "a reflected datagram");
        assert!(ming.open(7, b"header", &mut datagram.clone()).is_ok());
    }

    #[test]
    fn the_user_names_enter_the_keys() {
        let (alice, alice_name, _) = pair(1, "Alice");
        let (ming, ming_name, ming_party) = pair(2, "小明");
        let claimed = Party { key: alice.public(), user: "mallory".parse().unwrap() };
        let mut alice = LinkKeys::derive(&alice, &alice_name, &ming_party).unwrap();
        let mut ming = LinkKeys::derive(&ming, &ming_name, &claimed).unwrap();
        assert_eq!(ming.open(0, b"header", &mut sealed(&mut alice, 0, b"hello")), Err(NotOpened));
    }

    #[test]
    fn no_datagram_with_a_flipped_bit_or_truncated_opens() {
        let (mut alice, mut ming) = link();
        let datagram = sealed(&mut alice, 0, b"hello");
        for position in 0..datagram.len() * 8 {
            let mut flipped = datagram.clone();
            flipped[position / 8] ^= 1 << (position % 8);
            assert_eq!(ming.open(0, b"header", &mut flipped), Err(NotOpened), "bit {position}");
        }
        for length in 0..datagram.len() {
            assert_eq!(ming.open(0, b"header", &mut datagram.clone()[..length]), Err(NotOpened), "length {length}");
        }
        assert_eq!(ming.open(0, b"Header", &mut datagram.clone()), Err(NotOpened));
        assert_eq!(ming.open(1, b"header", &mut datagram.clone()), Err(NotOpened));
    }

    #[test]
    fn packets_of_the_previous_phase_open_and_forgeries_do_not_change_the_phase() {
        let (mut alice, mut ming) = link();
        let late = sealed(&mut alice, (1 << 24) - 1, b"late");
        let next = sealed(&mut alice, 1 << 24, b"next");
        assert!(ming.open(1 << 24, b"header", &mut next.clone()).is_ok());
        assert_eq!(ming.open(9 << 24, b"header", &mut [0; 40]), Err(NotOpened));
        assert_eq!(ming.receiving.current.as_ref().unwrap().0, 1);
        assert!(ming.open((1 << 24) - 1, b"header", &mut late.clone()).is_ok());
        assert_eq!(ming.receiving.current.as_ref().unwrap().0, 1);
    }
}
