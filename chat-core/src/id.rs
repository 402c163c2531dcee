//! Identifiers. Each has a type of its own, so that they cannot be confused.
//!
//! ```compile_fail
//! use chat_core::id::{ConnId, JobId};
//! fn close(_: ConnId) {}
//! close(JobId::new(1)); // a job id is not a connection id
//! ```

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $format:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
        pub struct $name(u64);

        impl $name {
            /// Creates the id from its number.
            pub const fn new(number: u64) -> Self {
                Self(number)
            }

            /// The number of the id.
            pub const fn get(self) -> u64 {
                self.0
            }

            /// The next id.
            ///
            /// # Panics
            /// If the number is the largest of 64 bits, which no run reaches.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, $format, self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "(", $format, ")"), self.0)
            }
        }
    };
}

id!(
    /// Identifies an account. Never reused, even if the user name of a removed account is.
    AccountId, "{}"
);
id!(
    /// Identifies a TCP connection. Assigned by the server's driver and not reused within a run.
    ConnId, "{}"
);
id!(
    /// Identifies a run of the server, or a stretch of the journal of several servers. Random, so that the revisions of two
    /// are never confused.
    Epoch, "{:016x}"
);
id!(
    /// Identifies a job: slow work that a machine asked its driver for.
    JobId, "{}"
);
id!(
    /// Numbers the roster changes of one epoch. Rises by one with each change.
    Revision, "{}"
);
id!(
    /// The number that a node writes to the journal under. It rises each time the node enters, so that what it sent earlier
    /// and what arrives late is refused.
    Fence, "{}"
);
id!(
    /// Identifies a node: one run of one of several servers. Random.
    NodeId, "{:016x}"
);
id!(
    /// The position of an act in the journal. Rises by one with each act. 0 is before the first.
    Position, "{}"
);
id!(
    /// Identifies one act in the journal. Random, so that two journals with the same positions are told apart.
    Tag, "{:016x}"
);
id!(
    /// Identifies a session: the first 8 bytes of the SHA-256 of its public key.
    SessionId, "{:016x}"
);

/// Identifies a message: the session of its sender and a number within that session.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[expect(clippy::exhaustive_structs, reason = "a session and a number are all that an id has")]
pub struct MessageId {
    /// The session of the sender.
    pub session: SessionId,
    /// Counts the session's messages from 1, over all recipients.
    pub number: u64,
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.session, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_displayed_in_decimal_or_as_16_hex_digits() {
        let session = SessionId::new(0xab);
        assert_eq!(session.to_string(), "00000000000000ab");
        assert_eq!(format!("{session:?}"), "SessionId(00000000000000ab)");
        assert_eq!(MessageId { session, number: 7 }.to_string(), "00000000000000ab-7");
        assert_eq!(Revision::new(4).next(), Revision::new(5));
    }
}
