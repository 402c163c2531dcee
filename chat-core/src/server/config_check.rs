//! Finds settings with which a server cannot work.

use std::fmt::Debug;

use super::{PublishInterval, ServerConfig, SettingError, ThrottleConfig};

fn require_at_most<T: Debug + PartialOrd>(
    part: (&'static str, &T),
    whole: (&'static str, &T),
) -> Result<(), SettingError> {
    let ((setting, value), (bound, bound_value)) = (part, whole);
    if value <= bound_value {
        return Ok(());
    }
    Err(SettingError::Exceeds { setting, value: format!("{value:?}"), bound, bound_value: format!("{bound_value:?}") })
}

/// Calls [`SettingError::require_above_zero`] for each field, under its own name after `prefix`.
macro_rules! require_above_zero {
    ($config:expr, $prefix:literal, $($field:ident),* $(,)?) => {
        $(SettingError::require_above_zero(concat!($prefix, stringify!($field)), &$config.$field)?;)*
    };
}

impl ServerConfig {
    /// Checks that a server can work with these settings: no time and no limit is zero, and no setting contradicts
    /// another one.
    ///
    /// # Errors
    /// The first setting that is wrong.
    pub fn check(&self) -> Result<(), SettingError> {
        require_above_zero!(
            self,
            "",
            heartbeat,
            silence,
            grace,
            settling,
            login_time,
            finish_time,
            stall,
            max_connections,
            max_connections_per_address,
            max_guests,
            sessions_per_account,
            max_sessions,
            registrations_per_hour,
            registrations_per_address,
            max_checks,
            max_check_wait,
            check_time,
            max_guest_requests,
            frames_per_second,
            frame_burst,
            refresh_interval,
            max_update_log,
            move_interval,
            away_interval,
            ticket_life,
            ticket_renewal,
            poll_interval,
            poll_overlap,
            seen_interval,
        );
        if self.heartbeat >= self.silence {
            return Err(SettingError::NotShorter {
                setting: "heartbeat",
                value: self.heartbeat,
                bound: "silence",
                bound_value: self.silence,
            });
        }
        require_at_most(
            ("max_connections_per_address", &self.max_connections_per_address),
            ("max_connections", &self.max_connections),
        )?;
        require_at_most(
            ("registrations_per_address", &self.registrations_per_address),
            ("registrations_per_hour", &self.registrations_per_hour),
        )?;
        require_at_most(("frames_per_second", &self.frames_per_second), ("frame_burst", &self.frame_burst))?;
        require_at_most(("ticket_renewal", &self.ticket_renewal), ("ticket_life", &self.ticket_life))?;
        // A ticket that expires within the grace time could not continue the session that waits for it.
        require_at_most(("grace", &self.grace), ("ticket_life", &self.ticket_life))?;
        check_publish_interval(&self.publish_interval)?;
        check_throttle(&self.throttle)
    }
}

fn check_publish_interval(config: &PublishInterval) -> Result<(), SettingError> {
    require_above_zero!(config, "publish_interval.", min, max);
    require_at_most(("publish_interval.min", &config.min), ("publish_interval.max", &config.max))
}

fn check_throttle(config: &ThrottleConfig) -> Result<(), SettingError> {
    require_above_zero!(
        config,
        "throttle.",
        first,
        longest,
        parallel,
        user_interval,
        memory,
        proven_memory,
        max_remembered
    );
    require_at_most(("throttle.first", &config.first), ("throttle.longest", &config.longest))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn wrong(change: impl FnOnce(&mut ServerConfig)) -> SettingError {
        let mut config = ServerConfig::default();
        change(&mut config);
        config.check().unwrap_err()
    }

    #[test]
    fn the_defaults_are_valid() {
        assert_eq!(ServerConfig::default().check(), Ok(()));
    }

    #[test]
    fn an_impossible_setting_is_named_with_its_value_and_the_remedy() {
        let error = wrong(|config| config.heartbeat = config.silence);
        assert_eq!(error.setting(), "heartbeat");
        assert_eq!(
            error.to_string(),
            "heartbeat (25s) must be shorter than silence (25s); lower heartbeat or raise silence"
        );
        let error = wrong(|config| config.max_connections = 5);
        assert_eq!(
            error.to_string(),
            "max_connections_per_address (256) must not exceed max_connections (5); lower max_connections_per_address or \
             raise max_connections"
        );
        assert_eq!(
            wrong(|config| config.max_sessions = 0).to_string(),
            "max_sessions is zero; choose a value above zero"
        );
    }

    /// Asserts that each of these settings is refused as zero. The names are those of the fields.
    macro_rules! assert_not_zero {
        ($($field:ident).+ $(, $($more:ident).+)* $(,)?) => {
            let error = wrong(|config| config.$($field).+ = Default::default());
            assert_eq!(error, SettingError::Zero { setting: concat_path!($($field).+) });
            $(assert_not_zero!($($more).+);)*
        };
    }

    macro_rules! concat_path {
        ($field:ident) => {
            stringify!($field)
        };
        ($part:ident . $field:ident) => {
            concat!(stringify!($part), ".", stringify!($field))
        };
    }

    #[test]
    fn no_time_and_no_limit_may_be_zero() {
        assert_not_zero!(heartbeat, silence, grace, settling, login_time, finish_time, stall);
        assert_not_zero!(max_connections, max_connections_per_address, max_guests, max_guest_requests, max_sessions);
        assert_not_zero!(sessions_per_account, registrations_per_hour, registrations_per_address);
        assert_not_zero!(max_checks, max_check_wait, check_time, frames_per_second, frame_burst);
        assert_not_zero!(refresh_interval, max_update_log, move_interval, away_interval, ticket_life, ticket_renewal);
        assert_not_zero!(poll_interval, poll_overlap, seen_interval, publish_interval.min, publish_interval.max);
        assert_not_zero!(throttle.first, throttle.longest, throttle.parallel, throttle.user_interval);
        assert_not_zero!(throttle.memory, throttle.proven_memory, throttle.max_remembered);
    }

    #[test]
    fn a_setting_that_contradicts_another_one_is_found() {
        let seconds = Duration::from_secs;
        for (setting, error) in [
            ("heartbeat", wrong(|config| config.silence = seconds(9))),
            ("max_connections_per_address", wrong(|config| config.max_connections = 255)),
            ("registrations_per_address", wrong(|config| config.registrations_per_hour = 199)),
            ("frames_per_second", wrong(|config| config.frame_burst = 9)),
            ("ticket_renewal", wrong(|config| config.ticket_life = seconds(3_599))),
            ("grace", wrong(|config| (config.ticket_renewal, config.ticket_life) = (seconds(1), seconds(14)))),
            ("publish_interval.min", wrong(|config| config.publish_interval.max = Duration::from_millis(24))),
            ("throttle.first", wrong(|config| config.throttle.first = seconds(31))),
        ] {
            assert_eq!(error.setting(), setting, "{error}");
            assert!(!matches!(error, SettingError::Zero { .. }), "{error}");
        }
    }
}
