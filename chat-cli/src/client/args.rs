//! The arguments of `chat-client`: first as typed, then what they mean.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use chat_core::invitation::InvitationCode;
use chat_core::name::UserName;
use chat_net::address::{AdvertisedAddress, ServerAddress};
use chat_net::identity::Fingerprint;
use clap::builder::BoolishValueParser;
use clap::error::{ContextKind, ContextValue};
use clap::{Args, Parser, Subcommand, ValueEnum};

use serde::Deserialize;

use super::settings::Settings;
use crate::error::CliError;
use crate::invitation;
use crate::secret::PasswordSource;

/// What was typed, each value checked by itself.
#[derive(Debug, Parser)]
#[command(
    name = "chat-client",
    version,
    about = "Talks to everyone on a chat server, and to each of them alone",
    after_help = AFTER_HELP,
    args_conflicts_with_subcommands = true,
    max_term_width = 100
)]
pub struct ClientArgs {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    talk: TalkArgs,
}

const AFTER_HELP: &str = "\
A plain line goes to everyone, /msg NAME TEXT to one user; /help lists the commands. \
The password is asked for at the terminal, or comes from --password-file or the environment variable CHAT_PASSWORD; \
it is never an argument. \
Every option can also be said by the environment or in the file that --config names.

Exit codes:
  0  all that was sent was delivered
  1  something failed, stayed unconfirmed, or a line of input was wrong
  2  wrong arguments
  3  could not connect or log in, or the server ended the session
  4  nobody else was there to get a line, and nothing else failed";

#[derive(Debug, Subcommand)]
enum Command {
    /// Forget the certificate of a server, so that the next connection asks about it again
    Forget {
        /// The server
        #[arg(value_name = "HOST:PORT")]
        server: ServerAddress,
        #[command(flatten)]
        store: StoreArgs,
    },
}

#[derive(Args, Debug)]
struct StoreArgs {
    /// Where known servers are remembered [default: in the user's data folder]
    #[arg(long, env = "CHAT_KNOWN_SERVERS", value_name = "FILE")]
    known_servers: Option<PathBuf>,
}

#[derive(Args, Debug)]
struct TalkArgs {
    /// A TOML file whose keys are these options, without the dashes; arguments and the environment come first
    #[arg(long, env = "CHAT_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    /// The server
    #[arg(long, env = "CHAT_SERVER", value_name = "HOST:PORT")]
    server: Option<ServerAddress>,

    /// Who you are [default: asked for at the terminal]
    #[arg(long, env = "CHAT_USER", value_name = "NAME")]
    user: Option<UserName>,

    /// Make the account first
    #[arg(long, env = "CHAT_REGISTER", value_name = "yes|no", value_parser = BoolishValueParser::new(), num_args = 0..=1,
        require_equals = true, default_missing_value = "yes", hide_possible_values = true)]
    register: Option<bool>,

    /// A file whose first line is the password
    #[arg(long, env = "CHAT_PASSWORD_FILE", value_name = "FILE")]
    password_file: Option<PathBuf>,

    /// A file whose first line is the code that registration asks for [env: CHAT_INVITATION_CODE is the code itself]
    #[arg(long, env = "CHAT_INVITATION_FILE", value_name = "FILE")]
    invitation_file: Option<PathBuf>,

    /// Where to receive messages [default: [::]:0]
    #[arg(long, env = "CHAT_UDP", value_name = "IP:PORT", value_parser = crate::address::parse)]
    udp: Option<SocketAddr>,

    /// An address that others reach you by, instead of those found (repeatable)
    #[arg(long, env = "CHAT_ADVERTISE", value_name = "IP[:PORT]", value_delimiter = ',')]
    advertise: Vec<AdvertisedAddress>,

    /// Trust only the server with this fingerprint
    #[arg(long, env = "CHAT_FINGERPRINT", value_name = "HEX", conflicts_with = "ca")]
    fingerprint: Option<Fingerprint>,

    /// Trust and remember a server that is not known yet, without asking
    #[arg(long, env = "CHAT_ACCEPT_NEW", value_name = "yes|no", value_parser = BoolishValueParser::new(), num_args = 0..=1,
        require_equals = true, default_missing_value = "yes", hide_possible_values = true)]
    accept_new: Option<bool>,

    /// Trust servers with a certificate from the authorities in this PEM file
    #[arg(long, env = "CHAT_CA", value_name = "FILE")]
    ca: Option<PathBuf>,

    #[command(flatten)]
    store: StoreArgs,

    /// How to write what happens [default: text]
    #[arg(long, env = "CHAT_FORMAT", value_enum, value_name = "FORMAT")]
    format: Option<Format>,

    /// How to read lines [default: text]
    #[arg(long, env = "CHAT_INPUT", value_enum, value_name = "FORMAT")]
    input: Option<Format>,
}

/// The form of lines.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// One JSON object per line, for scripts
    Json,
}

/// What is to be done.
#[derive(Debug)]
pub enum Task {
    /// To talk.
    Talk(Box<Talk>),
    /// To forget a server.
    Forget {
        /// Which.
        server: ServerAddress,
        /// Where it is remembered.
        known_servers: PathBuf,
    },
}

/// All that talking needs to know before anything is asked for.
#[derive(Debug)]
pub struct Talk {
    /// Where to connect to.
    pub server: ServerAddress,
    /// As whom; asked for if it is not known.
    pub user: Option<UserName>,
    /// Whether the account is to be made first.
    pub purpose: chat_core::wire::control::Purpose,
    /// Where the password comes from.
    pub password: PasswordSource,
    /// What lets somebody register where not everybody may.
    pub invitation: Option<InvitationCode>,
    /// Where to receive messages.
    pub udp: SocketAddr,
    /// What to advertise instead of what is found.
    pub advertise: Vec<AdvertisedAddress>,
    /// Whom to believe.
    pub trust: TrustChoice,
    /// How to write.
    pub format: Format,
    /// How to read.
    pub input: Format,
}

/// Whom to believe to be the server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TrustChoice {
    /// The one with this fingerprint.
    Fingerprint(Fingerprint),
    /// Those that the authorities in this file vouch for.
    Ca(PathBuf),
    /// Those met before; a new one is asked about at the terminal.
    Known(PathBuf),
    /// Those met before, and new ones.
    AcceptNew(PathBuf),
}

impl ClientArgs {
    /// Works out what the arguments mean together.
    ///
    /// # Errors
    /// They do not go together, or something is missing.
    pub fn task(self) -> Result<Task, CliError> {
        match self.command {
            Some(Command::Forget { server, store }) => {
                Ok(Task::Forget { server, known_servers: store.known_servers()? })
            }
            None => self.talk.with_file()?.talk().map(|talk| Task::Talk(Box::new(talk))),
        }
    }
}

impl TalkArgs {
    /// Adds what the configuration file says to what arguments and environment said, which come first.
    fn with_file(self) -> Result<Self, CliError> {
        let Some(path) = &self.config else { return Ok(self) };
        let mut file = Settings::read(path)?;
        // Whoever says in one way whom to trust does not mean the other way of the file.
        if self.fingerprint.is_some() || self.accept_new.is_some() || self.ca.is_some() {
            file = Settings { fingerprint: None, accept_new: None, ca: None, ..file };
        }
        Ok(Self {
            server: self.server.or(file.server),
            user: self.user.or(file.user),
            register: self.register.or(file.register),
            password_file: self.password_file.or(file.password_file),
            invitation_file: self.invitation_file.or(file.invitation_file),
            udp: self.udp.or(file.udp),
            advertise: if self.advertise.is_empty() { file.advertise } else { self.advertise },
            fingerprint: self.fingerprint.or(file.fingerprint),
            accept_new: self.accept_new.or(file.accept_new),
            ca: self.ca.or(file.ca),
            store: StoreArgs { known_servers: self.store.known_servers.or(file.known_servers) },
            format: self.format.or(file.format),
            input: self.input.or(file.input),
            config: self.config,
        })
    }

    fn talk(self) -> Result<Talk, CliError> {
        use chat_core::wire::control::{Offer, Purpose};
        let server =
            self.server.ok_or_else(|| CliError::usage("no server is named").hint("write --server HOST:PORT"))?;
        if self.advertise.len() > Offer::MAX_ADDRESSES {
            return Err(CliError::usage(format_args!(
                "{} addresses are advertised; at most {} are allowed",
                self.advertise.len(),
                Offer::MAX_ADDRESSES
            )));
        }
        let (register, accept_new) = (self.register.unwrap_or(false), self.accept_new.unwrap_or(false));
        if accept_new && (self.fingerprint.is_some() || self.ca.is_some()) {
            return Err(CliError::usage("--accept-new says to trust whoever answers, --fingerprint and --ca do not")
                .hint("use one of them; CHAT_ACCEPT_NEW=no takes back what the environment or a file says"));
        }
        let trust = match (self.fingerprint, self.ca) {
            (Some(fingerprint), _) => TrustChoice::Fingerprint(fingerprint),
            (None, Some(file)) => TrustChoice::Ca(file),
            (None, None) if accept_new => TrustChoice::AcceptNew(self.store.known_servers()?),
            (None, None) => TrustChoice::Known(self.store.known_servers()?),
        };
        Ok(Talk {
            server,
            user: self.user,
            purpose: if register { Purpose::Register } else { Purpose::Login },
            password: PasswordSource::new(self.password_file),
            invitation: if register { invitation::given(self.invitation_file.as_deref())? } else { None },
            udp: self.udp.unwrap_or(UDP),
            advertise: self.advertise,
            trust,
            format: self.format.unwrap_or_default(),
            input: self.input.unwrap_or_default(),
        })
    }
}

/// Every address of this machine, and a port that the system chooses.
const UDP: SocketAddr = SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 0);

impl StoreArgs {
    fn known_servers(self) -> Result<PathBuf, CliError> {
        self.known_servers.map_or_else(usual_known_servers, Ok)
    }
}

/// The file of known servers if none is named.
///
/// # Errors
/// Nobody knows where the user's files are.
pub fn usual_known_servers() -> Result<PathBuf, CliError> {
    Ok(crate::folder::default("chat-client", "--known-servers FILE")?.join("known-servers"))
}

/// What was typed means nothing. A word without an option is mostly the server, where other programs take it.
pub fn not_arguments(error: clap::Error) -> CliError {
    match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(word)) if word.parse::<ServerAddress>().is_ok() => {
            CliError::usage(format_args!("'{word}' is not a command"))
                .hint(format_args!("if it is the server, write --server {word}; see --help for the commands"))
        }
        _ => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use chat_core::wire::control::Purpose;
    use clap::CommandFactory;

    use super::*;

    fn task(args: &[&str]) -> Result<Task, CliError> {
        let args = [&["chat-client"], args].concat();
        ClientArgs::try_parse_from(args).map_err(not_arguments).and_then(ClientArgs::task)
    }

    fn talk(args: &[&str]) -> Talk {
        match task(&[&["--server", "lab", "--known-servers", "known"], args].concat()) {
            Ok(Task::Talk(talk)) => *talk,
            other => panic!("{args:?}: {other:?}"),
        }
    }

    #[test]
    fn the_definition_is_consistent() {
        ClientArgs::command().debug_assert();
    }

    #[test]
    fn defaults_are_those_of_the_documentation() {
        let talk = talk(&[]);
        assert_eq!(talk.server.to_string(), "lab:7777");
        assert_eq!(talk.udp.to_string(), "[::]:0");
        assert_eq!((talk.user, talk.purpose), (None, Purpose::Login));
        assert_eq!((talk.format, talk.input), (Format::Text, Format::Text));
        assert_eq!(talk.trust, TrustChoice::Known("known".into()));
        assert!(talk.advertise.is_empty());
    }

    #[test]
    fn options_become_typed_values() {
        let hex = "ab".repeat(32);
        let typed = talk(&[
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
        ]);
        assert_eq!(typed.user.as_ref().map(UserName::as_str), Some("小明"));
        assert_eq!(typed.purpose, Purpose::Register);
        assert_eq!(typed.udp.port(), 4000);
        assert_eq!(typed.advertise.len(), 2);
        assert_eq!(typed.trust, TrustChoice::Fingerprint(hex.parse().unwrap()));
        assert_eq!((typed.format, typed.input), (Format::Json, Format::Json));
        assert_eq!(talk(&["--accept-new"]).trust, TrustChoice::AcceptNew("known".into()));
        assert_eq!(talk(&["--ca", "ca.pem"]).trust, TrustChoice::Ca("ca.pem".into()));
    }

    #[test]
    fn a_yes_can_be_taken_back_and_trust_is_said_in_one_way() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("chat.toml");
        std::fs::write(&file, "register = true\naccept-new = true\n").unwrap();
        let config = ["--config", file.to_str().unwrap()];
        let with = |args: &[&'static str]| talk(&[&config[..], args].concat());
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
    fn forgetting_needs_a_server_only() {
        match task(&["forget", "LAB:1", "--known-servers", "known"]) {
            Ok(Task::Forget { server, known_servers }) => {
                assert_eq!((server.to_string().as_str(), known_servers), ("lab:1", PathBuf::from("known")));
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn at_most_four_addresses_are_advertised() {
        let addresses = "10.0.0.1,10.0.0.2,10.0.0.3,10.0.0.4,10.0.0.5";
        let error = task(&["--server", "lab", "--advertise", addresses]).unwrap_err();
        assert_eq!(error.exit().code(), 2);
    }
}
