//! The settings of a client that are impossible.

use std::time::Duration;

use chat_core::invitation::InvitationCodeError;
use chat_core::name::NameError;
use chat_core::password::PasswordError;
use chat_core::peer::SettingError;
use chat_core::wire::control::Offer;

use super::options::ClientOptions;
use crate::address::AddressError;
use crate::identity::FingerprintError;

/// A setting of a client is impossible. Each message begins with the name of the setting, which is that of the method
/// of [`ClientBuilder`](super::ClientBuilder), of the argument, or of the field.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientSettingError {
    /// The address of the server is invalid.
    #[error("`server`: {0}")]
    Server(#[source] AddressError),
    /// There are too many servers.
    #[error("`or_server`: {count} servers are too many; name at most {}", ClientOptions::MAX_SERVERS)]
    TooManyServers {
        /// The number of servers.
        count: usize,
    },
    /// No setting says which server to trust.
    #[error(
        "`trust`: nothing says which server to trust; call `fingerprint` with what `chat-server fingerprint` prints, or `trust`"
    )]
    NoTrust,
    /// The fingerprint is invalid.
    #[error("`fingerprint`: {0}")]
    Fingerprint(#[source] FingerprintError),
    /// The user name breaks a rule.
    #[error("`user`: {0}")]
    User(#[source] NameError),
    /// The password breaks a rule.
    #[error("`password`: {0}")]
    Password(#[source] PasswordError),
    /// The invitation code is invalid.
    #[error("`invitation`: {0}")]
    Invitation(#[source] InvitationCodeError),
    /// An invitation code is set, and a login does not use one.
    #[error("`invitation`: a login takes no invitation code; leave it out, or call `register` instead of `login`")]
    InvitationForLogin,
    /// An address to advertise is invalid.
    #[error("`advertise`: {0}")]
    Advertise(#[source] AddressError),
    /// There are too many addresses to advertise.
    #[error("`advertise`: {count} addresses are too many; name at most {}", Offer::MAX_ADDRESSES)]
    TooManyAddresses {
        /// The number of addresses.
        count: usize,
    },
    /// An address to advertise is named, and the client hides its addresses.
    #[error("`advertise`: with the reach mode `relay`, no peer learns an address; leave it out, or use `auto`")]
    AdvertiseHidden,
    /// A time that must be longer than zero is zero.
    #[error("`{setting}`: a time of zero is too short; set a longer one, or leave the default")]
    NoTime {
        /// The name of the setting.
        setting: &'static str,
    },
    /// The shortest delay before reconnecting is longer than the longest.
    #[error("`min_backoff`: {min:?} is longer than `max_backoff`, which is {max:?}; exchange the two")]
    Backoff {
        /// The shortest delay.
        min: Duration,
        /// The longest delay.
        max: Duration,
    },
    /// A setting of the [links](super::ClientBuilder::links) cannot work.
    #[error(transparent)]
    Links(#[from] SettingError),
}

impl ClientSettingError {
    /// The name of the setting.
    pub const fn setting(&self) -> &'static str {
        match self {
            Self::Server(_) => "server",
            Self::TooManyServers { .. } => "or_server",
            Self::NoTrust => "trust",
            Self::Fingerprint(_) => "fingerprint",
            Self::User(_) => "user",
            Self::Password(_) => "password",
            Self::Invitation(_) | Self::InvitationForLogin => "invitation",
            Self::Advertise(_) | Self::AdvertiseHidden | Self::TooManyAddresses { .. } => "advertise",
            Self::NoTime { setting } => setting,
            Self::Backoff { .. } => "min_backoff",
            Self::Links(error) => error.setting(),
        }
    }
}
