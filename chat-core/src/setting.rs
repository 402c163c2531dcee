//! Settings that cannot work.

use std::time::Duration;

/// A setting that cannot work. Each message begins with the name of the setting, which is that of the field.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingError {
    /// A limit or a time is zero.
    #[error("{setting} is zero; choose a value above zero")]
    Zero {
        /// The name of the setting.
        setting: &'static str,
    },
    /// A setting is larger than another one permits.
    #[error("{setting} ({value}) must not exceed {bound} ({bound_value}); lower {setting} or raise {bound}")]
    Exceeds {
        /// The name of the setting.
        setting: &'static str,
        /// Its value.
        value: String,
        /// The name of the setting that bounds it.
        bound: &'static str,
        /// The value of that setting.
        bound_value: String,
    },
    /// A time is not shorter than another one.
    #[error("{setting} ({value:?}) must be shorter than {bound} ({bound_value:?}); lower {setting} or raise {bound}")]
    NotShorter {
        /// The name of the setting.
        setting: &'static str,
        /// Its value.
        value: Duration,
        /// The name of the setting that bounds it.
        bound: &'static str,
        /// The value of that setting.
        bound_value: Duration,
    },
    /// A time is too short for what it waits for.
    #[error("{setting} ({value:?}) is too short; choose at least {least:?}")]
    TooShort {
        /// The name of the setting.
        setting: &'static str,
        /// Its value.
        value: Duration,
        /// The shortest time that works.
        least: Duration,
    },
}

impl SettingError {
    /// The name of the setting.
    pub const fn setting(&self) -> &'static str {
        match self {
            Self::Zero { setting }
            | Self::Exceeds { setting, .. }
            | Self::NotShorter { setting, .. }
            | Self::TooShort { setting, .. } => setting,
        }
    }

    /// Requires that `setting` is above zero.
    ///
    /// # Errors
    /// [`SettingError::Zero`].
    pub fn require_above_zero<T: Default + PartialEq>(setting: &'static str, value: &T) -> Result<(), Self> {
        if *value == T::default() { Err(Self::Zero { setting }) } else { Ok(()) }
    }
}
