//! Warns in the log when a limit is reached, though not for every client that it rejects.

use std::collections::HashMap;

use chat_core::server::{Limit, ServerConfig};

use crate::log_throttle::LogThrottle;

pub(super) struct LimitLog {
    config: ServerConfig,
    throttles: HashMap<Limit, LogThrottle>,
}

impl LimitLog {
    pub(super) fn new(config: &ServerConfig) -> Self {
        Self { config: config.clone(), throttles: HashMap::new() }
    }

    /// Warns that a client was rejected because of `limit`.
    pub(super) fn warn(&mut self, limit: Limit) {
        if self.throttles.entry(limit).or_default().allows() {
            let value = limit.of(&self.config).map(|value| format!(" ({value})")).unwrap_or_default();
            log::warn!("the limit {limit}{value} is reached; clients beyond it are rejected");
        }
    }
}
