//! Counts how often clients reach each limit, and logs a warning at most once a minute for each.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chat_core::server::{Limit, RegistrationPolicy};

use super::ServerOptions;
use super::handshake_limiter::HANDSHAKES;
use super::monitor::Counters;
use crate::log_throttle::LogThrottle;

/// Shared by the tasks of one server.
#[derive(Debug)]
pub(super) struct LimitLog {
    options: ServerOptions,
    counters: Arc<Counters>,
    throttles: Mutex<HashMap<Limit, LogThrottle>>,
}

impl LimitLog {
    pub(super) fn new(options: &ServerOptions) -> Self {
        Self { options: options.clone(), counters: options.monitor.counters(), throttles: Mutex::default() }
    }

    /// Counts that a client reached `limit`, and warns of it at most once a minute.
    pub(super) fn reached(&self, limit: Limit) {
        self.counters.limit_reached(limit);
        // Nothing panics while the lock is held.
        let mut throttles = self.throttles.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = throttles.entry(limit).or_default().allows();
        drop(throttles);
        if is_due {
            let value = self.value(limit).map(|value| format!(" ({value})")).unwrap_or_default();
            log::warn!("the limit {limit}{value} is reached; {}", consequence(limit));
        }
    }

    fn value(&self, limit: Limit) -> Option<String> {
        let seconds = |time: Duration| format!("{} s", time.as_secs_f64());
        match limit {
            Limit::HandshakeTime => Some(seconds(self.options.handshake_time)),
            Limit::LoginTime => Some(seconds(self.options.machine.login_time)),
            Limit::AwayChanges => Some(seconds(self.options.machine.away_interval)),
            Limit::UnreadOutput => Some(seconds(self.options.unread_time)),
            Limit::Handshakes => Some(HANDSHAKES.to_string()),
            Limit::Registration => Some(match self.options.reload.registration() {
                Some(RegistrationPolicy::Open) => "open".to_owned(),
                Some(RegistrationPolicy::Invited(_)) => "invited".to_owned(),
                _ => "closed".to_owned(),
            }),
            _ => limit.of(&self.options.machine).map(|number| number.to_string()),
        }
    }
}

const fn consequence(limit: Limit) -> &'static str {
    match limit {
        Limit::Frames | Limit::GuestRequests => "connections that send more are closed",
        Limit::HandshakeTime => "connections whose handshake takes longer are closed",
        Limit::LoginTime => "connections that take longer to log in are closed",
        Limit::Handshakes => "connections wait, and those of the networks that hold most give way to others",
        Limit::HandshakesPerAddress => "further connections from the same address are closed",
        Limit::SessionsPerAccount | Limit::SessionsPerAddress => "further sessions are delayed",
        Limit::FailedLogins => "further attempts are delayed",
        Limit::Registration => "clients that may not register are rejected",
        Limit::AwayChanges => "further changes wait, and the last one counts",
        Limit::UnreadOutput => "clients that do not read are disconnected",
        _ => "clients beyond it are rejected",
    }
}
