//! Bounds that were reached: each is told in the log, but not for every client that it refuses.

use std::collections::HashMap;

use chat_core::server::{Limit, ServerConfig};

use crate::pace::Pace;

pub(super) struct LimitLog {
    config: ServerConfig,
    warnings: HashMap<Limit, Pace>,
}

impl LimitLog {
    pub(super) fn new(config: &ServerConfig) -> Self {
        Self { config: config.clone(), warnings: HashMap::new() }
    }

    /// Somebody was refused because of `bound`.
    pub(super) fn tell(&mut self, bound: Limit) {
        if self.warnings.entry(bound).or_insert_with(Pace::warnings).allows() {
            match bound.of(&self.config) {
                Some(most) => log::warn!("the limit {bound} ({most}) is reached; who comes beyond it is refused"),
                None => log::warn!("the limit {bound} is reached; who comes beyond it is refused"),
            }
        }
    }
}
