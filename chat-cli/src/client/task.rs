//! What `chat-client` is asked to do: the meaning of its arguments, environment and configuration file together.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use chat_core::invitation::InvitationCode;
use chat_core::name::UserName;
use chat_core::wire::control::{Offer, Purpose};
use chat_net::address::{AdvertisedAddress, ServerAddress};
use chat_net::client::{ClientOptions, ReachMode};
use chat_net::identity::Fingerprint;
use clap::ArgMatches;
use clap::parser::ValueSource;

use super::args::{ClientArgs, ClientCommand, command_names};
use super::named_servers::{NamedServer, NamedServers};
use super::renderer::Appearance;
use super::settings::ClientSettings;
use super::text::Bell;
use crate::config;
use crate::error::CliError;
use crate::folder;
use crate::format::Format;
use crate::generate::GenerateCommand;
use crate::invitation;
use crate::secret::PasswordSource;
use crate::texts::Texts;

/// The action.
#[derive(Debug)]
pub enum ClientTask {
    /// Join the chat.
    Join(Box<JoinOptions>),
    /// Forget the fingerprint of a server.
    Forget {
        /// The server.
        server: ServerAddress,
        /// The file that remembers it.
        known_servers: PathBuf,
    },
    /// Describe the command line.
    Generate(GenerateCommand),
}

/// Everything that is decided before the client asks for missing values and connects.
#[derive(Debug)]
pub struct JoinOptions {
    /// The server to connect to; asked for at the terminal if absent.
    pub server: Option<ServerAddress>,
    /// The servers that share its roster, any of which the client may connect to.
    pub other_servers: Vec<ServerAddress>,
    /// The servers that have names.
    pub servers: NamedServers,
    /// The user name; asked for at the terminal if absent.
    pub user: Option<UserName>,
    /// Whether to register the account first.
    pub purpose: Purpose,
    /// Where the password comes from.
    pub password: PasswordSource,
    /// The invitation code for a registration.
    pub invitation: Option<InvitationCode>,
    /// The address to receive messages on.
    pub udp: SocketAddr,
    /// The addresses to advertise instead of those that are found.
    pub advertise: Vec<AdvertisedAddress>,
    /// Which ways messages may take.
    pub reach: ReachMode,
    /// How to recognise the server.
    pub trust: TrustChoice,
    /// The format of the output.
    pub format: Format,
    /// The format of the input.
    pub input: Format,
    /// The file that remembers what was typed.
    pub history: Option<PathBuf>,
    /// How text for people looks and sounds.
    pub appearance: Appearance,
    /// Whether the client stays at the end of the input.
    pub end_of_input: EndOfInput,
}

/// Whether a client leaves or stays when its input ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EndOfInput {
    /// Leave, once the outcomes of all messages are known.
    Leave,
    /// Stay online and show what happens, until a signal.
    Stay,
}

/// How to recognise the server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TrustChoice {
    /// By this fingerprint.
    Fingerprint(Fingerprint),
    /// By a certificate that an authority in this file signed.
    Ca(PathBuf),
    /// By the fingerprint in this file of known servers. The user is asked about an unknown server.
    Known(PathBuf),
    /// As `Known`, but an unknown server is added to the file without asking.
    AcceptNew(PathBuf),
}

impl ClientTask {
    /// Parses arguments and environment variables, and reads the configuration file that they name.
    ///
    /// # Errors
    /// A value is wrong, two contradict each other, or one is missing. Also if the user asked for help or the version.
    pub fn from_args(
        args: impl IntoIterator<Item = impl Into<OsString> + Clone>,
        texts: &Texts,
    ) -> Result<Self, CliError> {
        let (args, matches) = ClientArgs::parse(args, texts)?;
        match args.command {
            Some(ClientCommand::Forget { server }) => {
                let known_servers = args.settings.known_servers.map_or_else(default_known_servers, Ok)?;
                Ok(Self::Forget { server, known_servers })
            }
            Some(ClientCommand::Generate(command)) => Ok(Self::Generate(command)),
            None => {
                let settings = config::merge_or(&matches, folder::config("chat-client").as_deref())?;
                let options = match args.place {
                    Some(word) => JoinOptions::at(&word, &args.settings, settings, &matches)?,
                    None => JoinOptions::new(settings)?,
                };
                Ok(Self::Join(Box::new(options)))
            }
        }
    }

    /// The format of the output.
    pub const fn format(&self) -> Format {
        match self {
            Self::Join(options) => options.format,
            Self::Forget { .. } | Self::Generate(_) => Format::Text,
        }
    }
}

impl JoinOptions {
    /// The options with the server for which `word` stands. What the table of the server says takes precedence over
    /// the rest of the file, and what is `given` as an argument or in the environment over both.
    fn at(
        word: &str,
        given: &ClientSettings,
        settings: ClientSettings,
        matches: &ArgMatches,
    ) -> Result<Self, CliError> {
        if matches.value_source("server") == Some(ValueSource::CommandLine) {
            return Err(CliError::usage(|texts: &Texts| texts.say().start_two_servers()));
        }
        let NamedServer { addresses, fingerprint, user } = settings.servers.find_argument(word).map_err(|wrong| {
            let commands = command_names();
            let commands: Vec<&str> = commands.iter().map(String::as_str).collect();
            CliError::usage(wrong).hint(settings.servers.hint(word, &commands))
        })?;
        let trusts = given.fingerprint.is_some() || given.ca.is_some() || given.accept_new.is_some();
        let settings = match fingerprint {
            Some(_) if !trusts => ClientSettings { fingerprint, ca: None, accept_new: None, ..settings },
            _ => settings,
        };
        let user = given.user.clone().or(user).or(settings.user);
        let settings = ClientSettings { server: addresses, user, ..settings };
        Self::new(settings)
    }

    pub(super) fn new(settings: ClientSettings) -> Result<Self, CliError> {
        let trust = TrustChoice::new(&settings)?;
        if settings.advertise.len() > Offer::MAX_ADDRESSES {
            let count = settings.advertise.len();
            return Err(CliError::usage(move |texts: &Texts| {
                texts.say().client_too_many_addresses(count, Offer::MAX_ADDRESSES)
            }));
        }
        if settings.server.len() > ClientOptions::MAX_SERVERS {
            let count = settings.server.len();
            return Err(CliError::usage(move |texts: &Texts| {
                texts.say().client_too_many_servers(count, ClientOptions::MAX_SERVERS)
            }));
        }
        let reach = ReachMode::from(settings.reach.unwrap_or_default());
        if reach == ReachMode::Relay && !settings.advertise.is_empty() {
            return Err(CliError::usage(|texts: &Texts| texts.say().client_reach_conflict())
                .hint(|texts: &Texts| texts.say().hint_reach_conflict()));
        }
        let register = settings.register.unwrap_or(false);
        let mut servers = settings.server.into_iter();
        Ok(Self {
            server: servers.next(),
            other_servers: servers.collect(),
            servers: settings.servers,
            user: settings.user,
            purpose: if register { Purpose::Register } else { Purpose::Login },
            password: PasswordSource::new(settings.password_file),
            invitation: if register { invitation::read(settings.invitation_file.as_deref())? } else { None },
            udp: settings.udp.unwrap_or(UDP),
            advertise: settings.advertise,
            reach,
            trust,
            format: settings.format.unwrap_or_default(),
            input: settings.input.unwrap_or_default(),
            history: history(settings.history),
            appearance: Appearance {
                color: settings.color.unwrap_or_default(),
                bell: if settings.bell.unwrap_or(false) { Bell::On } else { Bell::Off },
            },
            end_of_input: if settings.stay.unwrap_or(false) { EndOfInput::Stay } else { EndOfInput::Leave },
        })
    }
}

impl TrustChoice {
    fn new(settings: &ClientSettings) -> Result<Self, CliError> {
        let accept_new = settings.accept_new.unwrap_or(false);
        let known_servers = || settings.known_servers.clone().map_or_else(default_known_servers, Ok);
        match (settings.fingerprint, &settings.ca) {
            (Some(_), _) | (_, Some(_)) if accept_new => {
                Err(CliError::usage(|texts: &Texts| texts.say().client_trust_conflict())
                    .hint(|texts: &Texts| texts.say().hint_trust_conflict()))
            }
            (Some(fingerprint), _) => Ok(Self::Fingerprint(fingerprint)),
            (None, Some(file)) => Ok(Self::Ca(file.clone())),
            (None, None) if accept_new => Ok(Self::AcceptNew(known_servers()?)),
            (None, None) => Ok(Self::Known(known_servers()?)),
        }
    }
}

/// The file of known servers, unless another one is named.
///
/// # Errors
/// The user has no home folder.
pub fn default_known_servers() -> Result<PathBuf, CliError> {
    Ok(folder::default("chat-client", "--known-servers FILE")?.join("known-servers"))
}

/// The file that remembers what was typed. Without a home folder there is none by default.
fn history(setting: Option<PathBuf>) -> Option<PathBuf> {
    match setting {
        Some(none) if none.as_os_str() == NO_FILE => None,
        Some(file) => Some(file),
        None => folder::default("chat-client", "--history FILE").ok().map(|folder| folder.join("history")),
    }
}

/// The value of `--history` that remembers nothing. A file of this name is `./none`.
const NO_FILE: &str = "none";

/// All addresses of this machine, and a port that the system chooses.
const UDP: SocketAddr = SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 0);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error_code::ErrorCode;

    fn task(args: &[&str]) -> Result<ClientTask, CliError> {
        ClientTask::from_args([&["chat-client"], args].concat(), &Texts::default())
    }

    fn join(args: &[&str]) -> JoinOptions {
        match task(&[&["--server", "lab", "--known-servers", "known"], args].concat()) {
            Ok(ClientTask::Join(options)) => *options,
            other => panic!("{args:?}: {other:?}"),
        }
    }

    #[test]
    fn defaults_are_the_documented_ones() {
        let options = join(&[]);
        assert_eq!(options.server.unwrap().to_string(), "lab:7777");
        assert_eq!(options.udp.to_string(), "[::]:0");
        assert_eq!((options.user, options.purpose), (None, Purpose::Login));
        assert_eq!((options.format, options.input), (Format::Text, Format::Text));
        assert_eq!((options.end_of_input, options.reach), (EndOfInput::Leave, ReachMode::Auto));
        assert_eq!(options.trust, TrustChoice::Known("known".into()));
        assert!(options.advertise.is_empty());
    }

    #[test]
    fn options_become_typed_values() {
        let hex = "ab".repeat(32);
        let typed = join(&[
            "--user",
            "小明",
            "--register",
            "--udp",
            "127.0.0.1:4000",
            "--advertise",
            "10.0.0.7",
            "--advertise",
            "10.0.0.8:5000",
            "--fingerprint",
            &hex,
            "--format",
            "json",
            "--input",
            "json",
            "--stay",
        ]);
        assert_eq!(typed.user.as_ref().map(UserName::as_str), Some("小明"));
        assert_eq!(typed.purpose, Purpose::Register);
        assert_eq!(typed.udp.port(), 4000);
        assert_eq!(typed.advertise.len(), 2);
        assert_eq!(typed.trust, TrustChoice::Fingerprint(hex.parse().unwrap()));
        assert_eq!((typed.format, typed.input), (Format::Json, Format::Json));
        assert_eq!(typed.end_of_input, EndOfInput::Stay);
        assert_eq!(join(&["--history", "typed"]).history, Some("typed".into()));
        assert_eq!(join(&["--history", "none"]).history, None);
        assert_eq!(join(&["--accept-new"]).trust, TrustChoice::AcceptNew("known".into()));
        assert_eq!(join(&["--ca", "ca.pem"]).trust, TrustChoice::Ca("ca.pem".into()));
    }

    #[test]
    fn arguments_turn_off_and_replace_what_the_file_sets() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("chat.toml");
        std::fs::write(&file, "register = true\naccept-new = true\n").unwrap();
        let config = ["--config", file.to_str().unwrap()];
        let with = |args: &[&'static str]| join(&[&config[..], args].concat());
        assert_eq!(with(&[]).purpose, Purpose::Register);
        assert_eq!(with(&["--register=no"]).purpose, Purpose::Login);
        assert_eq!(with(&[]).trust, TrustChoice::AcceptNew("known".into()));
        assert_eq!(with(&["--accept-new=no"]).trust, TrustChoice::Known("known".into()));
        assert_eq!(with(&["--ca", "ca.pem"]).trust, TrustChoice::Ca("ca.pem".into()));
        for wrong in [&["--accept-new", "--ca", "ca.pem"][..], &["--register=maybe"]] {
            let error = task(&[&["--server", "lab"], wrong].concat()).unwrap_err();
            assert_eq!(error.exit().code(), 2, "{wrong:?}");
        }
    }

    #[test]
    fn hidden_addresses_are_not_advertised() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("chat.toml");
        std::fs::write(&file, "advertise = ['10.0.0.7']\n").unwrap();
        let config = ["--config", file.to_str().unwrap()];
        let hidden = join(&[&config[..], &["--reach", "relay"]].concat());
        assert_eq!((hidden.reach, hidden.advertise.len()), (ReachMode::Relay, 0));
        assert_eq!(join(&config).advertise.len(), 1);
        std::fs::write(&file, "reach = 'relay'\n").unwrap();
        let arguments = ["--advertise", "10.0.0.7"];
        for wrong in [&["--reach", "relay"][..], &config] {
            let error = task(&[&["--server", "lab"], wrong, &arguments].concat()).unwrap_err();
            assert_eq!(error.exit().code(), 2, "{wrong:?}");
            assert!(format!("{error:?}").contains("--reach auto"), "{error:?}");
        }
        let shown = join(&[&config[..], &arguments, &["--reach", "auto"]].concat());
        assert_eq!((shown.reach, shown.advertise.len()), (ReachMode::Auto, 1));
    }

    #[test]
    fn a_word_is_the_server_that_the_file_names() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("chat.toml");
        let digits = "ab".repeat(32);
        let named = format!("[servers.lab]\naddress = 'lab.example:1'\nuser = 'bob'\nfingerprint = '{digits}'\n");
        std::fs::write(&file, format!("user = 'alice'\nserver = 'other'\nknown-servers = 'known'\n{named}")).unwrap();
        let config = ["--config", file.to_str().unwrap()];
        let at = |args: &[&'static str]| match task(&[&config[..], args].concat()) {
            Ok(ClientTask::Join(options)) => Ok(*options),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error),
        };
        let server_and_user = |options: &JoinOptions| {
            (options.server.as_ref().unwrap().to_string(), options.user.as_ref().unwrap().to_string())
        };
        let lab = at(&["lab"]).unwrap();
        assert_eq!(server_and_user(&lab), ("lab.example:1".to_owned(), "bob".to_owned()));
        assert_eq!(lab.trust, TrustChoice::Fingerprint(digits.parse().unwrap()));
        let carol = at(&["lab", "--user", "carol", "--accept-new"]).unwrap();
        assert_eq!(server_and_user(&carol), ("lab.example:1".to_owned(), "carol".to_owned()));
        assert_eq!(carol.trust, TrustChoice::AcceptNew("known".into()));
        assert_eq!(server_and_user(&at(&["10.0.0.7"]).unwrap()), ("10.0.0.7:7777".to_owned(), "alice".to_owned()));
        assert_eq!(server_and_user(&at(&[]).unwrap()), ("other:7777".to_owned(), "alice".to_owned()));
        for wrong in [&["lap"][..], &["lab", "--server", "x"], &["lab", "lab"], &["lab:0"]] {
            assert_eq!(at(wrong).unwrap_err().exit().code(), 2, "{wrong:?}");
        }
    }

    #[test]
    fn several_servers_are_repeated_or_separated_by_commas_and_have_a_limit() {
        let options = join(&["--server", "north:1,south"]);
        let others: Vec<String> = options.other_servers.iter().map(ToString::to_string).collect();
        assert_eq!(
            (options.server.unwrap().to_string().as_str(), others.join(" ").as_str()),
            ("lab:7777", "north:1 south:7777")
        );
        let names = |count: usize| vec!["lab"; count].join(",");
        let most = ClientOptions::MAX_SERVERS;
        assert!(task(&["--server", &names(most), "--known-servers", "known"]).is_ok());
        let refused = task(&["--server", &names(most + 1), "--known-servers", "known"]).unwrap_err();
        assert!(format!("{refused:?}").contains("at most 16 are allowed") && refused.exit().code() == 2, "{refused:?}");
    }

    #[test]
    fn forget_needs_only_a_server() {
        match task(&["forget", "LAB:1", "--known-servers", "known"]) {
            Ok(ClientTask::Forget { server, known_servers }) => {
                assert_eq!((server.to_string().as_str(), known_servers), ("lab:1", PathBuf::from("known")));
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn at_most_four_addresses_are_advertised() {
        let addresses = "10.0.0.1,10.0.0.2,10.0.0.3,10.0.0.4,10.0.0.5";
        let error = task(&["--server", "lab", "--advertise", addresses]).unwrap_err();
        let (code, sentence) = error.for_scripts(&Texts::default()).unwrap();
        assert_eq!((error.exit().code(), code), (2, ErrorCode::WrongArguments));
        assert!(sentence.contains("5") && sentence.contains("at most 4"), "{sentence}");
        assert_eq!(join(&["--advertise", "10.0.0.1,10.0.0.2,10.0.0.3,10.0.0.4"]).advertise.len(), 4);
    }
}
