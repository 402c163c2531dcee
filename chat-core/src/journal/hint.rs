//! Hints: the attempts to guess a password or to register that a node reports to the others. All nodes then slow down a
//! source that makes too many.
//!
//! A hint is no act: hints have no order, and one that is lost does no harm. Nodes ignore hints of a later version. A hint
//! names users and networks by their pseudonyms only.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::NodeId;

macro_rules! pseudonym {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
        pub struct $name([u8; 16]);

        impl $name {
            /// The pseudonym with these bytes.
            pub const fn new(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:032x})"), u128::from_be_bytes(self.0))
            }
        }
    };
}

pseudonym!(
    /// Stands for a user name. Only who has the key of the servers can tell which one.
    UserPseudonym
);
pseudonym!(
    /// Stands for a network, which may be a source. Only who has the key of the servers can tell which one.
    NetworkPseudonym
);

/// How an attempt has ended at a node. In the journal: append only.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(clippy::exhaustive_enums, reason = "each is counted")]
pub enum Hint {
    /// A password was right.
    Right {
        /// The user.
        user: UserPseudonym,
        /// Where the attempt came from.
        source: NetworkPseudonym,
    },
    /// A password was wrong, or there is no such user.
    Wrong {
        /// The user name.
        user: UserPseudonym,
        /// Where the attempt came from.
        source: NetworkPseudonym,
        /// How it was let begin.
        admission: Admission,
    },
    /// A name was taken, or an invitation code was wrong.
    Taken {
        /// Where the attempt came from.
        source: NetworkPseudonym,
    },
    /// An account was registered.
    Registered {
        /// Where the attempt came from.
        source: NetworkPseudonym,
        /// The widest network around it.
        widest: NetworkPseudonym,
    },
    /// A registration has failed.
    NotRegistered {
        /// Where the attempt came from.
        source: NetworkPseudonym,
    },
}

/// How a node has let an attempt at a user name begin. In the journal: append only.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(clippy::exhaustive_enums, reason = "each is counted")]
pub enum Admission {
    /// There were few failures at the name, or the user had logged in from the source before.
    Free,
    /// There were many failures at the name, and the attempt took a turn.
    InTurn,
}

/// A hint with its origin, as the journal keeps it: in postcard.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(clippy::exhaustive_structs, reason = "what the journal stores never changes")]
pub struct GivenHint {
    /// The node at which the attempt has ended.
    pub node: NodeId,
    /// How it has ended.
    pub hint: Hint,
}

/// A place among the hints of a journal. Only the journal knows how its number comes about.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct HintPosition(u128);

impl GivenHint {
    /// Encodes it.
    ///
    /// # Panics
    /// Never: a vector takes any length.
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_extend(self, Vec::new()).expect("a vector takes any length")
    }

    /// Decodes all of `bytes`. `None` if a later version wrote them, or none.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        postcard::take_from_bytes(bytes).ok().and_then(|(hint, rest)| rest.is_empty().then_some(hint))
    }
}

impl HintPosition {
    /// The position with this number.
    pub const fn new(number: u128) -> Self {
        Self(number)
    }

    /// The number of the position.
    pub const fn get(self) -> u128 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const USER: UserPseudonym = UserPseudonym::new([1; 16]);
    const SOURCE: NetworkPseudonym = NetworkPseudonym::new([2; 16]);
    const WIDEST: NetworkPseudonym = NetworkPseudonym::new([3; 16]);

    #[test]
    fn hints_have_golden_bytes() {
        let (user, source, widest) = (USER, SOURCE, WIDEST);
        let wrong = |admission| Hint::Wrong { user, source, admission };
        for (hint, variant, parts, rest) in [
            (Hint::Right { user, source }, 0, &[1, 2][..], &[][..]),
            (wrong(Admission::Free), 1, &[1, 2], &[0]),
            (wrong(Admission::InTurn), 1, &[1, 2], &[1]),
            (Hint::Taken { source }, 2, &[2], &[]),
            (Hint::Registered { source, widest }, 3, &[2, 3], &[]),
            (Hint::NotRegistered { source }, 4, &[2], &[]),
        ] {
            let given = GivenHint { node: NodeId::new(9), hint };
            let bytes = given.encode();
            let parts = parts.iter().flat_map(|part| [*part; 16]);
            let golden: Vec<u8> = [9, variant].into_iter().chain(parts).chain(rest.iter().copied()).collect();
            assert_eq!(bytes, golden, "{hint:?}");
            assert_eq!(GivenHint::decode(&bytes), Some(given));
            for cut in 0..bytes.len() {
                assert_eq!(GivenHint::decode(&bytes[..cut]), None);
            }
            assert_eq!(GivenHint::decode(&[&bytes[..], &[0]].concat()), None);
        }
        let later = [&[9, 5][..], &[0; 40]].concat();
        assert_eq!(GivenHint::decode(&later), None, "a hint of a later version");
    }

    #[test]
    fn a_pseudonym_is_printed_as_digits() {
        assert_eq!(format!("{USER:?}"), "UserPseudonym(01010101010101010101010101010101)");
    }

    proptest! {
        #[test]
        fn decoded_hints_survive_encoding(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Some(given) = GivenHint::decode(&bytes) {
                prop_assert_eq!(GivenHint::decode(&given.encode()), Some(given));
            }
        }

        #[test]
        fn a_hint_has_one_encoding(
            kind in 0_u8..8,
            bytes in any::<[u8; 33]>(),
            length in 0_usize..=33,
        ) {
            let bytes = [&[9, kind][..], &bytes[..length]].concat();
            if let Some(given) = GivenHint::decode(&bytes) {
                prop_assert_eq!(given.encode(), bytes);
            }
        }
    }
}
