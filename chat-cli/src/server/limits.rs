//! The limits that were asked for, with the libraries' defaults for the others, and whether they go together.

use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use chat_core::server::{RegistrationPolicy, ServerConfig};
use chat_net::server::ServerOptions;
use chat_store::StoreOptions;

use super::settings::{Registration, Settings};
use crate::error::CliError;
use crate::number::Number;

/// What serving is bounded by.
#[derive(Clone, Debug)]
pub struct Limits {
    machine: ServerConfig,
    handshake_time: Duration,
    store: StoreOptions,
}

impl Limits {
    /// Puts the limits that were said into the defaults.
    ///
    /// # Errors
    /// Two of them contradict each other.
    pub fn new(settings: &Settings) -> Result<Self, CliError> {
        let (net, mut store) = (ServerOptions::default(), StoreOptions::default());
        let (mut machine, mut handshake_time) = (net.machine, net.handshake_time);
        machine.registration = registration(settings)?;
        set(&mut machine.max_connections, settings.max_connections, Number::count);
        set(&mut machine.max_connections_per_address, settings.max_connections_per_address, Number::count);
        set(&mut machine.max_guests, settings.max_guests, Number::count);
        set(&mut store.max_accounts, settings.max_accounts, Number::small);
        set(&mut machine.max_sessions, settings.max_sessions, Number::count);
        set(&mut machine.registrations_per_hour, settings.registrations_per_hour, Number::small);
        set(&mut machine.registrations_per_address, settings.registrations_per_address, Number::small);
        set(&mut machine.login_time, settings.login_time, seconds);
        set(&mut machine.frames_per_second, settings.frames_per_second, Number::small);
        set(&mut machine.frame_burst, settings.frame_burst, Number::small);
        set(&mut machine.max_checks, settings.max_password_checks, Number::count);
        set(&mut handshake_time, settings.handshake_time, seconds);
        set(&mut store.hashing.threads, settings.password_threads, |number| at_least_one(number.count()));
        // The machine's bound is the one that counts: a shorter queue would make it a bound in name only.
        store.hashing.queue = at_least_one(machine.max_checks);
        // A default gives way to what was said; only what was said can contradict itself.
        if settings.max_connections_per_address.is_none() {
            machine.max_connections_per_address = machine.max_connections_per_address.min(machine.max_connections);
        }
        if settings.registrations_per_address.is_none() {
            machine.registrations_per_address = machine.registrations_per_address.min(machine.registrations_per_hour);
        }
        if settings.frame_burst.is_none() {
            machine.frame_burst = machine.frame_burst.max(machine.frames_per_second);
        }
        let limits = Self { machine, handshake_time, store };
        limits.check(settings.config.as_deref())?;
        Ok(limits)
    }

    /// Puts them where the server looks.
    pub fn apply(&self, net: &mut ServerOptions) {
        net.machine = self.machine.clone();
        net.handshake_time = self.handshake_time;
    }

    /// What the accounts are opened with.
    pub fn store(&self) -> StoreOptions {
        self.store
    }

    /// The most connections.
    pub fn connections(&self) -> usize {
        self.machine.max_connections
    }

    fn check(&self, file: Option<&Path>) -> Result<(), CliError> {
        let ServerConfig { max_connections, max_connections_per_address: per_address, .. } = self.machine;
        let (rate, burst) = (self.machine.frames_per_second, self.machine.frame_burst);
        let sources = match file {
            Some(file) => format!("look at the arguments, the environment and {}", file.display()),
            None => "look at the arguments and the environment".to_owned(),
        };
        if per_address > max_connections {
            return Err(CliError::usage(format_args!(
                "max-connections-per-address is {per_address} and max-connections {max_connections}, but one address \
                 cannot have more than there are in all"
            ))
            .hint(format_args!("raise max-connections or lower max-connections-per-address; {sources}")));
        }
        let (hour, address) = (self.machine.registrations_per_hour, self.machine.registrations_per_address);
        if address > hour {
            return Err(CliError::usage(format_args!(
                "registrations-per-address is {address} and registrations-per-hour {hour}, but one address cannot make \
                 more accounts than all together"
            ))
            .hint(format_args!("raise registrations-per-hour or lower registrations-per-address; {sources}")));
        }
        if burst < rate {
            return Err(CliError::usage(format_args!(
                "frame-burst is {burst} and frames-per-second {rate}, but the burst must hold at least one second's frames"
            ))
            .hint(format_args!("raise frame-burst or lower frames-per-second; {sources}")));
        }
        Ok(())
    }

    /// Warns about what is allowed and rarely meant.
    pub fn warn(&self) {
        let ServerConfig { max_connections_per_address: per_address, max_checks: checks, .. } = self.machine;
        if per_address >= checks {
            log::warn!(
                "max-connections-per-address ({per_address}) is not below the {checks} passwords that can wait to be checked: \
                 one address can keep all others from logging in"
            );
        }
    }
}

/// A code alone means that it is needed; with a policy that does not look at it, somebody has forgotten something.
fn registration(settings: &Settings) -> Result<RegistrationPolicy, CliError> {
    let code = settings.invitation_code.clone();
    match (settings.registration, code) {
        (None | Some(Registration::Invited), Some(code)) => Ok(RegistrationPolicy::Invited(code)),
        (None | Some(Registration::Open), None) => Ok(RegistrationPolicy::Open),
        (Some(Registration::Closed), None) => Ok(RegistrationPolicy::Closed),
        (Some(Registration::Invited), None) => Err(CliError::usage(
            "registration is by invitation, and there is no invitation code",
        )
        .hint("put it into the environment variable CHAT_INVITATION_CODE or the key invitation-code of the file")),
        (Some(Registration::Open | Registration::Closed), Some(_)) => {
            Err(CliError::usage("there is an invitation code, and registration is not by invitation")
                .hint("write registration = \"invited\", or leave the code out"))
        }
    }
}

fn set<T, const LEAST: u64, const MOST: u64>(
    place: &mut T,
    said: Option<Number<LEAST, MOST>>,
    meaning: impl FnOnce(Number<LEAST, MOST>) -> T,
) {
    if let Some(number) = said {
        *place = meaning(number);
    }
}

fn seconds<const LEAST: u64, const MOST: u64>(number: Number<LEAST, MOST>) -> Duration {
    Duration::from_secs(number.get())
}

fn at_least_one(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).unwrap_or(NonZeroUsize::MIN)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::server::args::ServerArgs;

    fn limits(args: &[&str]) -> Result<Limits, CliError> {
        let args = [&["chat-server"], args].concat();
        Limits::new(&<ServerArgs as clap::Parser>::try_parse_from(args).unwrap().settings)
    }

    #[test]
    fn what_is_said_is_put_in_and_nothing_else() {
        let limits =
            limits(&["--max-connections", "300", "--login-time", "3", "--max-password-checks", "150"]).unwrap();
        let mut net = ServerOptions::default();
        limits.apply(&mut net);
        assert_eq!((net.machine.max_connections, net.machine.login_time), (300, Duration::from_secs(3)));
        assert_eq!((net.machine.max_checks, limits.store().hashing.queue.get()), (150, 150));
        let defaults = ServerConfig::default();
        assert_eq!(net.machine.max_connections_per_address, defaults.max_connections_per_address);
        assert_eq!((net.machine.frame_burst, net.machine.settling), (defaults.frame_burst, defaults.settling));
    }

    #[test]
    fn the_help_tells_the_defaults_of_the_libraries() {
        let (machine, net) = (ServerConfig::default(), ServerOptions::default());
        let command = ServerArgs::command();
        for (option, default) in [
            ("max_connections", machine.max_connections as u64),
            ("max_connections_per_address", machine.max_connections_per_address as u64),
            ("max_guests", machine.max_guests as u64),
            ("max_sessions", machine.max_sessions as u64),
            ("max_accounts", StoreOptions::default().max_accounts.into()),
            ("registrations_per_hour", machine.registrations_per_hour.into()),
            ("registrations_per_address", machine.registrations_per_address.into()),
            ("handshake_time", net.handshake_time.as_secs()),
            ("login_time", machine.login_time.as_secs()),
            ("frames_per_second", machine.frames_per_second.into()),
            ("frame_burst", machine.frame_burst.into()),
            ("max_password_checks", machine.max_checks as u64),
        ] {
            let option = command.get_arguments().find(|arg| arg.get_id() == option).unwrap();
            let help = option.get_help().unwrap().to_string();
            assert!(help.ends_with(&format!("[default: {default}]")), "{help}");
        }
    }

    #[test]
    fn contradictions_are_refused_with_what_to_do() {
        for (args, sentence, hint) in [
            (["--max-connections", "5", "--max-connections-per-address", "6"], "one address cannot", "raise max-conn"),
            (["--frames-per-second", "50", "--frame-burst", "49"], "at least one second's frames", "raise frame-burst"),
        ] {
            let error = limits(&args).unwrap_err();
            assert_eq!(error.exit().code(), 2);
            let mut out = Vec::new();
            error.show(&mut Vec::new(), &mut out).unwrap();
            let shown = String::from_utf8(out).unwrap();
            assert!(shown.contains(sentence) && shown.contains(&format!("\nhint: {hint}")), "{shown}");
        }
        assert!(limits(&["--registrations-per-hour", "5"]).is_ok(), "the default for one address gives way");
        assert!(limits(&["--registration", "invited"]).is_err(), "there is no code");
        assert!(limits(&["--max-connections", "5"]).is_ok(), "the default for one address gives way");
        assert!(limits(&["--frames-per-second", "5000"]).is_ok(), "the default for the burst gives way");
    }
}
