//! The limits of the relay, each with its reason.

use crate::wire::datagram::MAX_DATAGRAM;
use crate::wire::relay::{Parcel, RelayTerms};

/// The limits of a [`Relay`](super::Relay). Change the fields of [`RelayConfig::default`]. See [`check`](Self::check) for
/// what is possible.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RelayConfig {
    /// The bytes of parcels that one session may send each second in the long run. Default 256 KiB: more than people who
    /// write need, and a text of 16 KiB for a thousand recipients in about a minute.
    pub rate: u32,
    /// The bytes of parcels that one session may send together after a pause. Default 1 MiB: a short text to a thousand
    /// recipients several times over.
    pub burst: u32,
    /// The bytes of parcels of all sessions each second. Default 16 MiB: about one processor core with short datagrams.
    pub total: u32,
    /// The most memory that what waits for one session may cost, in bytes. Default 128 KiB: more than the congestion
    /// window of a relayed link, and about a second of a slow line.
    pub lane: usize,
    /// The most memory that everything that waits may cost, in bytes. Default 64 MiB: 512 full lanes.
    pub memory: usize,
}

impl Default for RelayConfig {
    fn default() -> Self {
        Self {
            rate: 256 * 1024,
            burst: 1024 * 1024,
            total: 16 * 1024 * 1024,
            lane: 128 * 1024,
            memory: 64 * 1024 * 1024,
        }
    }
}

impl RelayConfig {
    /// The least value of any of the limits: every one of them must have room for some of the longest datagrams.
    pub const LEAST: u32 = 16 * 1024;

    /// The limits that are below [`LEAST`](Self::LEAST), or above another one that bounds them, by their names.
    ///
    /// # Errors
    /// The first one, and what it must not exceed or fall below.
    pub fn check(&self) -> Result<(), RelaySettingError> {
        let least = usize::try_from(Self::LEAST).unwrap_or(usize::MAX);
        let of = |value: u32| usize::try_from(value).unwrap_or(usize::MAX);
        for (setting, value) in [
            ("rate", of(self.rate)),
            ("burst", of(self.burst)),
            ("total", of(self.total)),
            ("lane", self.lane),
            ("memory", self.memory),
        ] {
            if value < least {
                return Err(RelaySettingError::TooSmall { setting, value, least });
            }
        }
        for (setting, value, bound, most) in
            [("rate", of(self.rate), "total", of(self.total)), ("lane", self.lane, "memory", self.memory)]
        {
            if value > most {
                return Err(RelaySettingError::Exceeds { setting, value, bound, most });
            }
        }
        Ok(())
    }

    /// What a session is told.
    pub fn terms(&self) -> RelayTerms {
        let longest = u16::try_from(MAX_DATAGRAM).unwrap_or(u16::MAX);
        RelayTerms { rate: self.rate, burst: self.burst, longest }
    }
}

/// A limit with which the relay cannot work. The names are those of the fields of [`RelayConfig`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RelaySettingError {
    /// A limit has no room for datagrams.
    #[error("{setting} ({value}) must be at least {least}")]
    TooSmall {
        /// The name of the limit.
        setting: &'static str,
        /// Its value.
        value: usize,
        /// The least value.
        least: usize,
    },
    /// A limit is larger than another one permits.
    #[error("{setting} ({value}) must not exceed {bound} ({most}); lower {setting} or raise {bound}")]
    Exceeds {
        /// The name of the limit.
        setting: &'static str,
        /// Its value.
        value: usize,
        /// The name of the limit that bounds it.
        bound: &'static str,
        /// The value of that limit.
        most: usize,
    },
}

// Every limit has room for several parcels of the longest datagrams.
const _: () = assert!(RelayConfig::LEAST as usize > 8 * (Parcel::HEADER + MAX_DATAGRAM));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_can_work_and_are_told_to_sessions() {
        let config = RelayConfig::default();
        assert_eq!(config.check(), Ok(()));
        assert_eq!(config.terms(), RelayTerms { rate: 262_144, burst: 1_048_576, longest: 1_200 });
    }

    #[test]
    fn limits_that_cannot_work_are_named() {
        let with = |change: fn(&mut RelayConfig)| {
            let mut config = RelayConfig::default();
            change(&mut config);
            config.check().unwrap_err().to_string()
        };
        assert_eq!(with(|config| config.rate = 16_383), "rate (16383) must be at least 16384");
        assert_eq!(with(|config| config.burst = 0), "burst (0) must be at least 16384");
        assert_eq!(with(|config| config.total = 0), "total (0) must be at least 16384");
        assert_eq!(with(|config| config.lane = 0), "lane (0) must be at least 16384");
        assert_eq!(with(|config| config.memory = 0), "memory (0) must be at least 16384");
        assert_eq!(
            with(|config| config.total = 200_000),
            "rate (262144) must not exceed total (200000); lower rate or raise total"
        );
        assert_eq!(
            with(|config| config.memory = 100_000),
            "lane (131072) must not exceed memory (100000); lower lane or raise memory"
        );
    }
}
