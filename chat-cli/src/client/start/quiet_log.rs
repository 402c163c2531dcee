//! A log that keeps out of a dialogue.

use std::env;

use env_logger::DEFAULT_FILTER_ENV;
use log::LevelFilter;

/// Suppresses warnings in the log until it is dropped, unless the user has set its level.
pub(super) struct QuietLog(LevelFilter);

impl QuietLog {
    pub(super) fn begin() -> Self {
        let level = log::max_level();
        if env::var_os(DEFAULT_FILTER_ENV).is_none() {
            log::set_max_level(level.min(LevelFilter::Error));
        }
        Self(level)
    }
}

impl Drop for QuietLog {
    fn drop(&mut self) {
        log::set_max_level(self.0);
    }
}
