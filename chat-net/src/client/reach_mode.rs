//! Which ways a client uses to its peers.

use std::fmt;
use std::str::FromStr;

use chat_core::peer::Families;
use chat_core::roster::LinkFeatures;

/// Which ways a client uses to its peers. The default is [`ReachMode::Auto`].
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ReachMode {
    /// Straight from machine to machine only. Users to whom no direct way works get no messages.
    Direct,
    /// Straight from machine to machine where there is a way, and through the relay of the server otherwise.
    #[default]
    Auto,
    /// Through the relay of the server only. The client offers no address, so no peer learns one. Nobody without the relay
    /// can write to this client, and with a server that does not relay nothing arrives.
    Relay,
}

/// A text is no reach mode.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a reach mode is direct, auto or relay")]
#[non_exhaustive]
pub struct ReachModeError;

impl ReachMode {
    /// All modes, in the order from the most direct.
    pub const ALL: [Self; 3] = [Self::Direct, Self::Auto, Self::Relay];

    /// Its name in arguments and configuration files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Auto => "auto",
            Self::Relay => "relay",
        }
    }

    /// What the client says that its links can do.
    pub(super) const fn link_features(self) -> LinkFeatures {
        match self {
            Self::Direct => LinkFeatures::NONE,
            Self::Auto | Self::Relay => LinkFeatures::RELAY,
        }
    }

    /// The address families of a socket that has these.
    pub(crate) const fn limit(self, families: Families) -> Families {
        match self {
            Self::Direct | Self::Auto => families,
            Self::Relay => Families::Neither,
        }
    }
}

/// Its [name](Self::name).
impl fmt::Display for ReachMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ReachMode {
    type Err = ReachModeError;

    fn from_str(text: &str) -> Result<Self, ReachModeError> {
        Self::ALL.into_iter().find(|mode| mode.name() == text).ok_or(ReachModeError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_is_read_by_its_name() {
        for mode in ReachMode::ALL {
            assert_eq!(mode.to_string().parse(), Ok(mode));
        }
        assert_eq!("Relay".parse::<ReachMode>(), Err(ReachModeError));
    }
}
