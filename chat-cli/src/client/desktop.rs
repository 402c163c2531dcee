//! What a chat program with windows shares with `chat-client`: the start of a program, the configuration file, the known
//! servers, and the last logins.

use std::ffi::OsString;
use std::future::pending;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use chat_core::name::UserName;
use chat_net::address::{AdvertisedAddress, ServerAddress};
use chat_net::client::ReachMode;
use clap::{Args, Command};

use super::args::describe;
use super::settings::ClientSettings;
pub use super::start::last_logins::LastLogins;
use super::task::JoinOptions;
pub use super::task::TrustChoice;
use crate::address::BindAddressError;
use crate::config;
use crate::early;
use crate::environment;
use crate::error::CliError;
pub use crate::fingerprint::in_groups;
use crate::folder;
use crate::log_file;
use crate::signals::StopSignals;
use crate::terminal;
use crate::texts::{Language, Localised, Sentence, Texts, WindowSentence, help};

/// The name of the program, and of its help.
const NAME: &str = "chat-desktop";

/// The program with whose files a window shares its folders.
const CLIENT: &str = "chat-client";

/// The options of `chat-client` that mean something in a window. The others are about lines and terminals.
const OPTIONS: [&str; 10] =
    ["lang", "config", "server", "user", "udp", "advertise", "reach", "fingerprint", "ca", "known_servers"];

/// What the arguments, the environment and the configuration file say before a window opens. Whatever is absent is typed
/// in the window.
#[derive(Debug)]
pub struct DesktopOptions {
    /// The server to suggest.
    pub server: Option<ServerAddress>,
    /// The servers that share its roster.
    pub other_servers: Vec<ServerAddress>,
    /// The user to suggest.
    pub user: Option<UserName>,
    /// The address on which to receive messages.
    pub udp: SocketAddr,
    /// The addresses to advertise instead of those that are found.
    pub advertise: Vec<AdvertisedAddress>,
    /// Which ways messages may take.
    pub reach: ReachMode,
    /// How to recognise the server.
    pub trust: TrustChoice,
    /// The fingerprints that `chat-client` knows.
    pub known_servers: PathBuf,
}

/// The log of a program with windows. eframe logs why it does not draw, and winit what displays do not tell about
/// themselves.
const FILTER: &str = "warn,chat_net::udp=error,eframe=error,winit=error,egui_system_font_provider=error";

/// Begins a program with a window: a panic in any thread ends it, and core dumps are turned off. Standard error receives
/// the log, from warnings up unless `RUST_LOG` says otherwise. A window may be started from a menu, where nobody sees
/// standard error, so the log goes to the file `chat-desktop.log` in the user's data folder too, which each start
/// replaces. Returns its path. `None` if the file cannot be written. Call it before anything secret is in memory.
pub fn begin() -> Option<PathBuf> {
    begin_program(CLIENT, NAME)
}

/// As [`begin`], for the program of this name, whose log is in the data folder of `owner`.
pub(crate) fn begin_program(owner: &str, name: &str) -> Option<PathBuf> {
    let folder = folder::default(owner, "").ok();
    let (path, target) = match folder.and_then(|folder| log_file::open(&folder, name).ok()) {
        Some((path, file)) => (Some(path), Some(env_logger::Target::Pipe(Box::new(file)))),
        None => (None, None),
    };
    crate::begin_to(FILTER, target);
    path
}

/// Waits until the system asks the program to stop: by SIGTERM, Ctrl-C or the end of its terminal on Unix, by the end of
/// its console on Windows. From the first poll on, such requests do not end the process by themselves. Never resolves if
/// the system allows no handler. Requires a tokio runtime.
pub async fn stop_requested() {
    // Without a terminal, as after nohup, the end of one concerns others.
    let signals = if terminal::is_interactive() { StopSignals::with_hang_up() } else { StopSignals::new() };
    match signals {
        Ok(mut signals) => signals.next().await,
        Err(_) => {
            log::warn!("the system allows no handler for requests to stop, so one ends the program without a goodbye");
            pending::<()>().await;
        }
    }
}

/// The language: that of `--lang`, else of the environment, else of the configuration file of `chat-client`, else of the
/// locale.
pub fn language(args: &[OsString]) -> Language {
    language_or(args, None)
}

/// As [`language`], but what a window `remembered` takes precedence over the configuration file.
pub fn language_or(args: &[OsString], remembered: Option<Language>) -> Language {
    early::language_or(args, folder::config(CLIENT).as_deref(), remembered)
}

/// The file of the settings of windows, beside that of known servers. `None` if the user has no home folder.
pub fn settings_file() -> Option<PathBuf> {
    folder::default(CLIENT, "--known-servers FILE").ok().map(|folder| folder.join("desktop-settings"))
}

/// Parses the IP address on which to receive messages, without a port or with one. Any address if nothing is typed.
///
/// # Errors
/// The sentence about what is wrong.
pub fn own_address(typed: &str) -> Result<SocketAddr, Sentence> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Ok((Ipv6Addr::UNSPECIFIED, 0).into());
    }
    let is_bare = typed.split('%').next().is_some_and(|ip| ip.parse::<IpAddr>().is_ok());
    let complete = match (is_bare, typed.contains(':')) {
        (true, true) => format!("[{typed}]:0"),
        (true, false) => format!("{typed}:0"),
        (false, _) => typed.to_owned(),
    };
    crate::address::parse(&complete).map_err(|error| match error {
        BindAddressError::Host(_) | BindAddressError::NoPort => {
            Sentence::about(WindowSentence::OwnAddressWrong { typed: typed.to_owned() })
        }
        error => Sentence::about(error),
    })
}

/// Parses the port on which to receive messages. 0, which lets the system choose, if nothing is typed.
///
/// # Errors
/// The sentence about what is wrong.
pub fn own_port(typed: &str) -> Result<u16, Sentence> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Ok(0);
    }
    typed.parse().map_err(|_| Sentence::about(BindAddressError::Port(typed.to_owned())))
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
        let settings: ClientSettings = config::merge_or(&matches, folder::config(CLIENT).as_deref())?;
        let known_servers = match &settings.known_servers {
            Some(path) => path.clone(),
            None => super::task::default_known_servers()?,
        };
        let JoinOptions { server, other_servers, user, udp, advertise, reach, trust, .. } = JoinOptions::new(settings)?;
        Ok(Self { server, other_servers, user, udp, advertise, reach, trust, known_servers })
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
        fs::write(
            &file,
            "server = ['lab', 'ship']\nuser = 'alice'\nreach = 'relay'\nformat = 'json'\nknown-servers = 'known'\n",
        )
        .unwrap();
        let options = options(&["--config", file.to_str().unwrap(), "--user", "小明"]).unwrap();
        assert_eq!(options.server.unwrap().to_string(), "lab:7777");
        assert_eq!(options.other_servers, ["ship".parse().unwrap()]);
        assert_eq!((options.user.unwrap().as_str(), options.udp.to_string().as_str()), ("小明", "[::]:0"));
        assert_eq!((options.reach, options.known_servers), (ReachMode::Relay, PathBuf::from("known")));
        assert_eq!(options.trust, TrustChoice::Known("known".into()));
    }

    #[test]
    fn the_own_address_may_lack_its_port_and_the_other_way_round() {
        for (typed, address) in [
            ("", "[::]:0"),
            (" 10.0.0.7 ", "10.0.0.7:0"),
            ("::1", "[::1]:0"),
            ("10.0.0.7:40001", "10.0.0.7:40001"),
            ("[::1]:40001", "[::1]:40001"),
        ] {
            assert_eq!(own_address(typed).ok(), Some(address.parse().unwrap()), "{typed}");
        }
        let said = |typed: &str| own_address(typed).map_err(|wrong| wrong.text(&Texts::default())).unwrap_err();
        for typed in ["40001", "localhost", "1.2.3", "everywhere:1"] {
            assert!(said(typed).contains("192.168.1.5"), "{typed}");
        }
        assert!(said("10.0.0.7:x").contains("not a port"));
        assert!(said("fe80::1").contains("link-local"));
        assert_eq!((own_port("").ok(), own_port(" 40001 ").ok()), (Some(0), Some(40_001)));
        for typed in ["x", "-1", "65536", "1:2"] {
            assert!(own_port(typed).unwrap_err().text(&Texts::default()).contains("not a port"), "{typed}");
        }
    }

    #[test]
    fn options_about_lines_are_refused() {
        for wrong in [&["--format", "json"][..], &["--register"], &["--server", "lab:x"], &["lab"]] {
            assert_eq!(options(wrong).unwrap_err().exit().code(), 2, "{wrong:?}");
        }
        assert_eq!(options(&["--help"]).unwrap_err().exit().code(), 0);
    }
}
