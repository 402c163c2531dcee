//! The server's limits: those that the operator set, the libraries' defaults for the others, and the check that they
//! agree.

use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use chat_core::relay::RelayConfig;
use chat_core::server::{ObservedAddresses, RegistrationPolicy, ServerConfig};
use chat_net::server::ServerOptions;
use chat_store::StoreOptions;

use super::settings::{Registration, ServerSettings, Switch};
use crate::error::CliError;
use crate::number::Number;
use crate::texts::{Sentence, Texts};

/// The limits of the server machine, the driver and the accounts.
#[derive(Clone, Debug)]
pub struct Limits {
    machine: ServerConfig,
    handshake_time: Duration,
    store: StoreOptions,
    is_relaying: bool,
    relay: RelayConfig,
}

impl Limits {
    /// Overrides the defaults with the limits in `settings`.
    ///
    /// # Errors
    /// Two limits contradict each other, or the invitation code contradicts the registration policy.
    pub(super) fn new(settings: &ServerSettings) -> Result<Self, CliError> {
        let (net, mut store) = (ServerOptions::default(), StoreOptions::default());
        let (mut machine, mut handshake_time) = (net.machine, net.handshake_time);
        machine.registration = registration(settings)?;
        if settings.trust_observed == Some(false) {
            machine.observed_addresses = ObservedAddresses::Ignored;
        }
        set(&mut machine.max_connections, settings.max_connections, Number::count);
        set(&mut machine.max_connections_per_address, settings.max_connections_per_address, Number::count);
        set(&mut machine.max_guests, settings.max_guests, Number::count);
        set(&mut store.max_accounts, settings.max_accounts, Number::small);
        set(&mut machine.max_sessions, settings.max_sessions, Number::count);
        set(&mut machine.sessions_per_account, settings.sessions_per_account, Number::small);
        set(&mut machine.registrations_per_hour, settings.registrations_per_hour, Number::small);
        set(&mut machine.registrations_per_address, settings.registrations_per_address, Number::small);
        set(&mut machine.login_time, settings.login_time, seconds);
        set(&mut machine.frames_per_second, settings.frames_per_second, Number::small);
        set(&mut machine.frame_burst, settings.frame_burst, Number::small);
        set(&mut machine.max_checks, settings.max_password_checks, Number::count);
        set(&mut handshake_time, settings.handshake_time, seconds);
        set(&mut store.hashing.threads, settings.password_threads, |number| at_least_one(number.count()));
        // The machine enforces the limit. A shorter queue of the accounts would refuse checks that the machine admitted.
        store.hashing.queue = at_least_one(machine.max_checks);
        // A default adapts to a limit that was set, so that only two limits that were set can contradict each other.
        if settings.max_connections_per_address.is_none() {
            machine.max_connections_per_address = machine.max_connections_per_address.min(machine.max_connections);
        }
        if settings.registrations_per_address.is_none() {
            machine.registrations_per_address = machine.registrations_per_address.min(machine.registrations_per_hour);
        }
        if settings.frame_burst.is_none() {
            machine.frame_burst = machine.frame_burst.max(machine.frames_per_second);
        }
        let is_relaying = settings.relay.unwrap_or(Switch::On) == Switch::On;
        let limits = Self { machine, handshake_time, store, is_relaying, relay: relay(settings) };
        limits.check(settings.config.as_deref())?;
        Ok(limits)
    }

    /// The times and limits of the server machine.
    pub fn machine(&self) -> &ServerConfig {
        &self.machine
    }

    /// The time limit for a TLS handshake.
    pub fn handshake_time(&self) -> Duration {
        self.handshake_time
    }

    /// The limits of the relay. `None` if the server relays nothing.
    pub fn relay(&self) -> Option<RelayConfig> {
        self.is_relaying.then_some(self.relay)
    }

    /// The limits of the relay, whether or not it is switched on.
    pub(super) fn relay_limits(&self) -> RelayConfig {
        self.relay
    }

    /// The options to open the accounts with.
    pub fn store(&self) -> StoreOptions {
        self.store
    }

    /// Replaces the registration policy.
    pub fn set_registration(&mut self, policy: RegistrationPolicy) {
        self.machine.registration = policy;
    }

    /// The registration policy, as the value of the option.
    pub fn registration(&self) -> &'static str {
        match self.machine.registration {
            RegistrationPolicy::Open => "open",
            RegistrationPolicy::Closed => "closed",
            _ => "invited",
        }
    }

    /// The maximum number of connections.
    pub fn connections(&self) -> usize {
        self.machine.max_connections
    }

    /// Logs a warning about limits that are valid but let one address lock out the others.
    pub fn warn(&self) {
        let ServerConfig { max_connections_per_address: per_address, max_checks: checks, .. } = self.machine;
        if per_address >= checks {
            log::warn!(
                "max-connections-per-address ({per_address}) should be below the {checks} password checks that can wait: \
                 one address can keep all others from logging in"
            );
        }
    }

    fn check(&self, file: Option<&Path>) -> Result<(), CliError> {
        let machine = &self.machine;
        let (part, whole) = (machine.max_connections_per_address, machine.max_connections);
        if part > whole {
            return Err(contradiction(
                move |texts: &Texts| texts.say().limits_connections(part, whole),
                |texts: &Texts| texts.say().hint_limits_connections(),
                file,
            ));
        }
        let (part, whole) = (machine.registrations_per_address, machine.registrations_per_hour);
        if part > whole {
            return Err(contradiction(
                move |texts: &Texts| texts.say().limits_registrations(part, whole),
                |texts: &Texts| texts.say().hint_limits_registrations(),
                file,
            ));
        }
        let (burst, rate) = (machine.frame_burst, machine.frames_per_second);
        if burst < rate {
            return Err(contradiction(
                move |texts: &Texts| texts.say().limits_frames(burst, rate),
                |texts: &Texts| texts.say().hint_limits_frames(),
                file,
            ));
        }
        let (part, whole) = (self.relay.rate / KIB, self.relay.total / KIB);
        if part > whole {
            return Err(contradiction(
                move |texts: &Texts| texts.say().limits_relay(part, whole),
                |texts: &Texts| texts.say().hint_limits_relay(),
                file,
            ));
        }
        Ok(())
    }
}

/// Limits of the relay are set in KiB.
pub(super) const KIB: u32 = 1_024;

/// The limits of the relay.
fn relay(settings: &ServerSettings) -> RelayConfig {
    let mut relay = RelayConfig::default();
    set(&mut relay.rate, settings.relay_rate, |number| number.small().saturating_mul(KIB));
    set(&mut relay.burst, settings.relay_burst, |number| number.small().saturating_mul(KIB));
    set(&mut relay.total, settings.relay_total, |number| number.small().saturating_mul(KIB));
    set(&mut relay.memory, settings.relay_memory, |number| number.count().saturating_mul(KIB as usize));
    // A default adapts to a limit that was set.
    match (settings.relay_rate, settings.relay_total) {
        (None, Some(_)) => relay.rate = relay.rate.min(relay.total),
        (Some(_), None) => relay.total = relay.total.max(relay.rate),
        _ => {}
    }
    relay
}

/// The error of two limits that contradict each other. The hint also says where they can come from.
fn contradiction(
    sentence: impl Into<Sentence>,
    hint: impl Fn(&Texts) -> String + Send + Sync + 'static,
    file: Option<&Path>,
) -> CliError {
    let file = file.map(|file| file.display().to_string());
    CliError::usage(sentence).hint(move |texts: &Texts| match &file {
        Some(file) => texts.say().check_sources_and_file(hint(texts), file),
        None => texts.say().check_sources(hint(texts)),
    })
}

/// The registration policy. If there is an invitation code and no policy, registration requires the code.
fn registration(settings: &ServerSettings) -> Result<RegistrationPolicy, CliError> {
    let code = settings.invitation_code.clone();
    match (settings.registration, code) {
        (None | Some(Registration::Invited), Some(code)) => Ok(RegistrationPolicy::Invited(code)),
        (None | Some(Registration::Open), None) => Ok(RegistrationPolicy::Open),
        (Some(Registration::Closed), None) => Ok(RegistrationPolicy::Closed),
        (Some(Registration::Invited), None) => Err(CliError::usage(|texts: &Texts| texts.say().invitation_missing())
            .hint(|texts: &Texts| texts.say().hint_invitation_missing())),
        (Some(Registration::Open | Registration::Closed), Some(_)) => {
            Err(CliError::usage(|texts: &Texts| texts.say().invitation_unused())
                .hint(|texts: &Texts| texts.say().hint_invitation_unused()))
        }
    }
}

fn set<T, const MIN: u64, const MAX: u64>(
    limit: &mut T,
    number: Option<Number<MIN, MAX>>,
    convert: impl FnOnce(Number<MIN, MAX>) -> T,
) {
    if let Some(number) = number {
        *limit = convert(number);
    }
}

fn seconds<const MIN: u64, const MAX: u64>(number: Number<MIN, MAX>) -> Duration {
    Duration::from_secs(number.get())
}

fn at_least_one(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).unwrap_or(NonZeroUsize::MIN)
}

#[cfg(test)]
mod tests {
    use clap::{Args, Command};

    use super::*;

    fn command() -> Command {
        ServerSettings::augment_args(Command::new("chat-server"))
    }

    fn limits(args: &[&str]) -> Result<Limits, CliError> {
        let args = [&["chat-server"], args].concat();
        Limits::new(&ServerSettings::merge(&command().get_matches_from(args)).unwrap())
    }

    #[test]
    fn only_limits_that_were_set_differ_from_the_defaults() {
        let limits =
            limits(&["--max-connections", "300", "--login-time", "3", "--max-password-checks", "150"]).unwrap();
        let machine = limits.machine();
        assert_eq!((machine.max_connections, machine.login_time), (300, Duration::from_secs(3)));
        assert_eq!((machine.max_checks, limits.store().hashing.queue.get()), (150, 150));
        let defaults = ServerConfig::default();
        assert_eq!(machine.max_connections_per_address, defaults.max_connections_per_address);
        assert_eq!((machine.frame_burst, machine.settling), (defaults.frame_burst, defaults.settling));
    }

    #[test]
    fn the_help_states_the_defaults_of_the_libraries() {
        let (machine, net) = (ServerConfig::default(), ServerOptions::default());
        let relay = net.relay.expect("it is on by default");
        let command = crate::server::args::described(&Texts::default());
        for (option, default) in [
            ("max_connections", machine.max_connections as u64),
            ("max_connections_per_address", machine.max_connections_per_address as u64),
            ("max_guests", machine.max_guests as u64),
            ("max_sessions", machine.max_sessions as u64),
            ("sessions_per_account", machine.sessions_per_account.into()),
            ("max_accounts", StoreOptions::default().max_accounts.into()),
            ("registrations_per_hour", machine.registrations_per_hour.into()),
            ("registrations_per_address", machine.registrations_per_address.into()),
            ("handshake_time", net.handshake_time.as_secs()),
            ("login_time", machine.login_time.as_secs()),
            ("frames_per_second", machine.frames_per_second.into()),
            ("frame_burst", machine.frame_burst.into()),
            ("max_password_checks", machine.max_checks as u64),
            ("relay_rate", u64::from(relay.rate / KIB)),
            ("relay_burst", u64::from(relay.burst / KIB)),
            ("relay_total", u64::from(relay.total / KIB)),
            ("relay_memory", relay.memory as u64 / 1_024),
        ] {
            let option = command.get_arguments().find(|arg| arg.get_id() == option).unwrap();
            let help = option.get_help().unwrap().to_string();
            assert!(help.ends_with(&format!("[default: {default}]")), "{help}");
        }
    }

    #[test]
    fn contradictory_limits_are_refused_with_a_hint() {
        for (args, sentence, hint) in [
            (
                ["--max-connections", "5", "--max-connections-per-address", "6"],
                "max-connections-per-address (6) exceeds max-connections (5)",
                "raise max-conn",
            ),
            (
                ["--frames-per-second", "50", "--frame-burst", "49"],
                "frame-burst (49) is below frames-per-second (50)",
                "raise frame-burst",
            ),
            (
                ["--relay-rate", "200", "--relay-total", "199"],
                "relay-rate (200) exceeds relay-total (199)",
                "raise relay-total",
            ),
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

    #[test]
    fn the_relay_is_on_unless_it_is_switched_off_and_its_limits_can_work() {
        assert_eq!(limits(&[]).unwrap().relay(), Some(RelayConfig::default()));
        assert_eq!(limits(&["--relay", "off"]).unwrap().relay(), None);
        let all = ["--relay", "on", "--relay-rate", "20", "--relay-burst", "30", "--relay-total", "40"];
        let relay = limits(&[&all[..], &["--relay-memory", "128"]].concat()).unwrap().relay().unwrap();
        assert_eq!((relay.rate, relay.burst, relay.total, relay.memory), (20_480, 30_720, 40_960, 131_072));
        for (args, rate, total) in [
            (["--relay-total", "16"], 16, 16),
            (["--relay-rate", "20000"], 20_000, 20_000),
            (["--relay-rate", "4194303"], 4_194_303, 4_194_303),
        ] {
            let relay = limits(&args).unwrap().relay().unwrap();
            assert_eq!((relay.rate / KIB, relay.total / KIB, relay.check()), (rate, total, Ok(())));
        }
        for memory in ["128", "4194303"] {
            assert_eq!(limits(&["--relay-memory", memory]).unwrap().relay().unwrap().check(), Ok(()), "{memory}");
        }
    }
}
