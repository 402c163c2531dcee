//! What a chat program with windows shares with `chat-client`: the start of a program, the configuration file, the known
//! servers, and the last logins.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use chat_core::name::UserName;
use chat_net::address::{AdvertisedAddress, ServerAddress};
use clap::{Args, Command};

use super::args::describe;
use super::settings::ClientSettings;
pub use super::start::last_logins::LastLogins;
use super::task::JoinOptions;
pub use super::task::TrustChoice;
use crate::config;
use crate::early;
use crate::environment;
use crate::error::CliError;
pub use crate::fingerprint::in_groups;
use crate::folder;
use crate::texts::{Language, Localised, Sentence, Texts, WindowSentence, help};

/// The name of the program, and of its help.
const NAME: &str = "chat-desktop";

/// The options of `chat-client` that mean something in a window. The others are about lines and terminals.
const OPTIONS: [&str; 9] =
    ["lang", "config", "server", "user", "udp", "advertise", "fingerprint", "ca", "known_servers"];

/// What the arguments, the environment and the configuration file say before a window opens. Whatever is absent is typed
/// in the window.
#[derive(Debug)]
pub struct DesktopOptions {
    /// The server to suggest.
    pub server: Option<ServerAddress>,
    /// The user to suggest.
    pub user: Option<UserName>,
    /// The address on which to receive messages.
    pub udp: SocketAddr,
    /// The addresses to advertise instead of those that are found.
    pub advertise: Vec<AdvertisedAddress>,
    /// How to recognise the server.
    pub trust: TrustChoice,
    /// The fingerprints that `chat-client` knows.
    pub known_servers: PathBuf,
}

/// Begins a program: a panic in any thread ends it, core dumps are turned off, and standard error receives the log, from
/// warnings up unless `RUST_LOG` says otherwise. Call it before anything secret is in memory.
pub fn begin() {
    // eframe logs the error that the program reports as a sentence, and winit what displays do not tell about themselves.
    crate::begin("warn,chat_net::udp=error,eframe=off,winit=error");
}

/// The language: that of `--lang`, else of the environment, else of the configuration file of `chat-client`, else of the
/// locale.
pub fn language(args: &[OsString]) -> Language {
    early::language(args, folder::config("chat-client").as_deref())
}

/// The file of the settings of windows, beside that of known servers. `None` if the user has no home folder.
pub fn settings_file() -> Option<PathBuf> {
    folder::default("chat-client", "--known-servers FILE").ok().map(|folder| folder.join("desktop-settings"))
}

/// Parses an address on which to receive messages, `IP:PORT`.
///
/// # Errors
/// The sentence about what is wrong.
pub fn own_address(typed: &str) -> Result<SocketAddr, Sentence> {
    crate::address::parse(typed).map_err(Sentence::about)
}

impl DesktopOptions {
    /// Parses the arguments and the environment, and reads the configuration file of `chat-client`.
    ///
    /// # Errors
    /// A value is wrong, or two contradict each other. Also if the user asked for help or the version.
    pub fn from_args(args: &[OsString], texts: &Texts) -> Result<Self, CliError> {
        let all = ClientSettings::augment_args(Command::new(NAME));
        let offered = all.get_arguments().filter(|arg| OPTIONS.contains(&arg.get_id().as_str())).cloned();
        let strict = Command::new(NAME)
            .version(env!("CARGO_PKG_VERSION"))
            .about(WindowSentence::About.text(texts))
            .args(offered.map(|arg| describe(arg, texts)));
        environment::parse(&help::localise(strict, texts), args)?;
        // The file has keys for the other options too, so they are merged with all of them.
        let matches = environment::parse(&all, args)?;
        let settings: ClientSettings = config::merge_or(&matches, folder::config("chat-client").as_deref())?;
        let known_servers = match &settings.known_servers {
            Some(path) => path.clone(),
            None => super::task::default_known_servers()?,
        };
        let JoinOptions { server, user, udp, advertise, trust, .. } = JoinOptions::new(settings)?;
        Ok(Self { server, user, udp, advertise, trust, known_servers })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn options(args: &[&str]) -> Result<DesktopOptions, CliError> {
        let args: Vec<OsString> = [NAME].iter().chain(args).map(OsString::from).collect();
        DesktopOptions::from_args(&args, &Texts::default())
    }

    #[test]
    fn the_file_of_chat_client_counts_and_arguments_take_precedence() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("chat.toml");
        fs::write(&file, "server = 'lab'\nuser = 'alice'\nformat = 'json'\nknown-servers = 'known'\n").unwrap();
        let options = options(&["--config", file.to_str().unwrap(), "--user", "小明"]).unwrap();
        assert_eq!(options.server.unwrap().to_string(), "lab:7777");
        assert_eq!((options.user.unwrap().as_str(), options.udp.to_string().as_str()), ("小明", "[::]:0"));
        assert_eq!(options.known_servers, PathBuf::from("known"));
        assert_eq!(options.trust, TrustChoice::Known("known".into()));
    }

    #[test]
    fn options_about_lines_are_refused() {
        for wrong in [&["--format", "json"][..], &["--register"], &["--server", "lab:x"], &["lab"]] {
            assert_eq!(options(wrong).unwrap_err().exit().code(), 2, "{wrong:?}");
        }
        assert_eq!(options(&["--help"]).unwrap_err().exit().code(), 0);
    }
}
