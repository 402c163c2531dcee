//! The bounds that a server can reach, by the names that operators know them by.

use std::fmt;

use super::ServerConfig;

/// A bound that was reached, so that somebody was refused.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Limit {
    /// [`ServerConfig::max_connections`].
    Connections,
    /// [`ServerConfig::max_connections_per_address`].
    ConnectionsPerAddress,
    /// [`ServerConfig::max_guests`].
    Guests,
    /// [`ServerConfig::max_sessions`].
    Sessions,
    /// [`ServerConfig::max_checks`] or [`ServerConfig::max_check_wait`], or the queue of whoever checks.
    PasswordChecks,
    /// [`ServerConfig::frames_per_second`] and [`ServerConfig::frame_burst`].
    Frames,
    /// [`ServerConfig::max_guest_requests`].
    GuestRequests,
    /// [`ServerConfig::registrations_per_hour`].
    Registrations,
    /// [`ServerConfig::registrations_per_address`].
    RegistrationsPerAddress,
    /// The accounts that the storage takes.
    Accounts,
}

impl Limit {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Connections,
        Self::ConnectionsPerAddress,
        Self::Guests,
        Self::Sessions,
        Self::PasswordChecks,
        Self::Frames,
        Self::GuestRequests,
        Self::Registrations,
        Self::RegistrationsPerAddress,
        Self::Accounts,
    ];

    /// Its name, as in options and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connections => "max-connections",
            Self::ConnectionsPerAddress => "max-connections-per-address",
            Self::Guests => "max-guests",
            Self::Sessions => "max-sessions",
            Self::PasswordChecks => "max-password-checks",
            Self::Frames => "frames-per-second",
            Self::GuestRequests => "max-guest-requests",
            Self::Registrations => "registrations-per-hour",
            Self::RegistrationsPerAddress => "registrations-per-address",
            Self::Accounts => "max-accounts",
        }
    }

    /// How much `config` allows; none for what the machine does not count itself, or what depends on how long it takes.
    pub fn of(self, config: &ServerConfig) -> Option<usize> {
        match self {
            Self::Connections => Some(config.max_connections),
            Self::ConnectionsPerAddress => Some(config.max_connections_per_address),
            Self::Guests => Some(config.max_guests),
            Self::Sessions => Some(config.max_sessions),
            Self::Frames => usize::try_from(config.frames_per_second).ok(),
            Self::GuestRequests => usize::try_from(config.max_guest_requests).ok(),
            Self::Registrations => usize::try_from(config.registrations_per_hour).ok(),
            Self::RegistrationsPerAddress => usize::try_from(config.registrations_per_address).ok(),
            Self::PasswordChecks | Self::Accounts => None,
        }
    }
}

/// The name.
impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_bound_is_listed_once_under_a_name_of_its_own() {
        let names: BTreeSet<_> = Limit::ALL.iter().map(|bound| bound.name()).collect();
        let bounds: BTreeSet<_> = Limit::ALL.into_iter().collect();
        assert_eq!((names.len(), bounds.len()), (Limit::ALL.len(), Limit::ALL.len()));
    }
}
