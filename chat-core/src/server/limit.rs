//! The limits of a server.

use super::ServerConfig;
use crate::named::named;

named! {
    /// A limit that a client can reach. The client is then rejected or disconnected, or has to wait. Names are those of
    /// options and metric labels.
    pub enum Limit {
        /// [`ServerConfig::max_connections`].
        Connections = "max-connections",
        /// [`ServerConfig::max_connections_per_address`].
        ConnectionsPerAddress = "max-connections-per-address",
        /// [`ServerConfig::max_guests`].
        Guests = "max-guests",
        /// [`ServerConfig::max_sessions`].
        Sessions = "max-sessions",
        /// [`ServerConfig::sessions_per_account`].
        SessionsPerAccount = "sessions-per-account",
        /// The rate of sessions of one source; see [`ServerConfig::sessions_per_account`].
        SessionsPerAddress = "sessions-per-address",
        /// [`ServerConfig::max_checks`] or [`ServerConfig::max_check_wait`], or the queue of password checks behind
        /// the accounts.
        PasswordChecks = "max-password-checks",
        /// [`ServerConfig::frames_per_second`] and [`ServerConfig::frame_burst`].
        Frames = "frames-per-second",
        /// [`ServerConfig::max_guest_requests`].
        GuestRequests = "max-guest-requests",
        /// [`ServerConfig::registrations_per_hour`].
        Registrations = "registrations-per-hour",
        /// [`ServerConfig::registrations_per_address`].
        RegistrationsPerAddress = "registrations-per-address",
        /// The number of accounts that the storage allows.
        Accounts = "max-accounts",
        /// The driver's time limit for a TLS handshake.
        HandshakeTime = "handshake-time",
        /// The driver's number of TLS handshakes in progress.
        Handshakes = "handshakes",
        /// The driver's rate of TLS handshakes for each source.
        HandshakesPerAddress = "handshakes-per-address",
        /// [`ServerConfig::login_time`].
        LoginTime = "login-time",
        /// [`ServerConfig::throttle`].
        FailedLogins = "failed-logins",
        /// [`ServerConfig::registration`].
        Registration = "registration",
        /// [`ServerConfig::away_interval`].
        AwayChanges = "away-changes",
        /// The driver's limits of time and bytes for a client that does not read.
        UnreadOutput = "unread-output",
    }
}

impl Limit {
    /// The number in `config`. `None` if the machine does not count it, or if the limit is no single number.
    pub fn of(self, config: &ServerConfig) -> Option<usize> {
        match self {
            Self::Connections => Some(config.max_connections),
            Self::ConnectionsPerAddress => Some(config.max_connections_per_address),
            Self::Guests => Some(config.max_guests),
            Self::Sessions => Some(config.max_sessions),
            Self::SessionsPerAccount => usize::try_from(config.sessions_per_account).ok(),
            Self::Frames => usize::try_from(config.frames_per_second).ok(),
            Self::GuestRequests => usize::try_from(config.max_guest_requests).ok(),
            Self::Registrations => usize::try_from(config.registrations_per_hour).ok(),
            Self::RegistrationsPerAddress => usize::try_from(config.registrations_per_address).ok(),
            Self::PasswordChecks
            | Self::SessionsPerAddress
            | Self::Accounts
            | Self::HandshakeTime
            | Self::Handshakes
            | Self::HandshakesPerAddress
            | Self::LoginTime
            | Self::FailedLogins
            | Self::Registration
            | Self::AwayChanges
            | Self::UnreadOutput => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_limit_is_listed_once_under_a_name_of_its_own() {
        let names: BTreeSet<_> = Limit::ALL.iter().map(|limit| limit.name()).collect();
        let limits: BTreeSet<_> = Limit::ALL.iter().collect();
        assert_eq!((names.len(), limits.len()), (Limit::ALL.len(), Limit::ALL.len()));
    }
}
