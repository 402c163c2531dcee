//! Identifiers: one type each, so that no two can be mixed up.
//!
//! ```compile_fail
//! use chat_core::id::{ConnId, JobId};
//! fn close(_: ConnId) {}
//! close(JobId::new(1)); // a job is not a connection
//! ```

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $format:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
        pub struct $name(u64);

        impl $name {
            /// Wraps the number.
            pub const fn new(number: u64) -> Self {
                Self(number)
            }

            /// The number.
            pub const fn get(self) -> u64 {
                self.0
            }

            /// The one after it.
            ///
            /// # Panics
            /// After 2^64 of them, which no run reaches.
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
    /// An account for its whole life; never used again, not even when its name is.
    AccountId, "{}"
);
id!(
    /// One TCP connection, numbered by the server's driver; never used again in one run.
    ConnId, "{}"
);
id!(
    /// One start of the server, drawn at random, so that revisions of two starts never mix.
    Epoch, "{:016x}"
);
id!(
    /// One piece of slow work that a machine asked its driver to do.
    JobId, "{}"
);
id!(
    /// The number of a roster change within one epoch; each is one more than the one before.
    Revision, "{}"
);
id!(
    /// One log-in, from welcome to leave: the first 8 bytes of the SHA-256 of its public key.
    SessionId, "{:016x}"
);

/// A message for as long as anybody remembers it: its sender's session and that session's count.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct MessageId {
    /// The session that sent it.
    pub session: SessionId,
    /// Counted by the sender from 1, over all recipients.
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
    fn ids_show_in_their_usual_form() {
        let session = SessionId::new(0xab);
        assert_eq!(session.to_string(), "00000000000000ab");
        assert_eq!(format!("{session:?}"), "SessionId(00000000000000ab)");
        assert_eq!(MessageId { session, number: 7 }.to_string(), "00000000000000ab-7");
        assert_eq!(Revision::new(4).next(), Revision::new(5));
    }
}
