//! The way into the conversation: name, password, trust, and a sentence for each way to fail.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;

use chat_core::client::Credentials;
use chat_core::name::UserName;
use chat_core::wire::control::Purpose;
use chat_core::wire::rejection::Rejection;
use chat_net::address::ServerAddress;
use chat_net::client::{AcceptMode, Client, ClientOptions, ConnectError, Events};
use chat_net::identity::Fingerprint;
use chat_net::trust::{Answer, AskUser, KnownServers, Trust, UnknownServer};
use tokio::task::spawn_blocking;

use super::args::{self, Talk, TrustChoice};
use crate::error::CliError;
use crate::secret::{Ask, Wanted};
use crate::terminal::{self, Terminal};

/// Asks for what is missing, connects, and returns once the roster is complete.
///
/// # Errors
/// Something is missing and there is nobody to ask (exit code 2), or there is no session (3).
pub async fn connect(task: Talk) -> Result<(Client, Events), CliError> {
    let Talk { server, user, purpose, password, invitation, udp, advertise, trust, format: _, input: _ } = task;
    let known_servers = match &trust {
        TrustChoice::Known(path) | TrustChoice::AcceptNew(path) => Some(path.clone()),
        TrustChoice::Fingerprint(_) | TrustChoice::Ca(_) => None,
    };
    let trust = self::trust(trust)?;
    // Typing takes its time, and signals must be heard meanwhile.
    let asked = spawn_blocking(move || -> Result<_, CliError> {
        let user = user.map_or_else(ask_name, Ok)?;
        let wanted = if purpose == Purpose::Register { Wanted::New } else { Wanted::Known };
        let mut terminal = terminal::is_there().then(Terminal::default);
        let password = password.get(wanted, terminal.as_mut().map(|terminal| terminal as &mut dyn Ask))?;
        Ok(Credentials { user, password, purpose, invitation })
    });
    let login = asked.await.map_err(|error| CliError::failed(format_args!("asking failed: {error}")))??;
    let mut options = ClientOptions::new(server, trust, login);
    options.udp = udp;
    options.advertise = advertise;
    // A message is taken when its line is written.
    options.accept = AcceptMode::Manual;
    chat_net::client::connect(options).await.map_err(|error| refused(&error, known_servers.as_deref()))
}

fn trust(choice: TrustChoice) -> Result<Trust, CliError> {
    let known = |path, unknown| {
        let store = KnownServers::open(path).map_err(CliError::not_there)?;
        Ok(Trust::Known { store, unknown })
    };
    match choice {
        TrustChoice::Fingerprint(fingerprint) => Ok(Trust::Fingerprint(fingerprint)),
        TrustChoice::Ca(path) => Ok(Trust::Ca(path)),
        TrustChoice::AcceptNew(path) => known(path, UnknownServer::AcceptNew),
        TrustChoice::Known(path) if terminal::is_there() => known(path, UnknownServer::Ask(Box::new(AtTerminal))),
        TrustChoice::Known(path) => known(path, UnknownServer::Refuse),
    }
}

fn ask_name() -> Result<UserName, CliError> {
    let missing = || CliError::usage("no user name is given").hint("write --user NAME");
    if !terminal::is_there() {
        return Err(missing());
    }
    let typed = terminal::ask("user name: ").ok().flatten().ok_or_else(missing)?;
    UserName::parse(&typed).map_err(CliError::usage)
}

/// Puts the question about an unknown server to whoever sits at the terminal.
struct AtTerminal;

impl AskUser for AtTerminal {
    fn ask<'a>(
        &'a self,
        server: &'a ServerAddress,
        fingerprint: Fingerprint,
    ) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>> {
        let question = format!(
            "{server} is not known here. Its fingerprint is\n  {fingerprint}\n\
             `chat-server fingerprint` prints it where the server runs. Is it the same? [y/n] "
        );
        Box::pin(async move {
            let answer = spawn_blocking(move || terminal::ask(&question)).await;
            let yes = matches!(answer, Ok(Ok(Some(typed))) if matches!(typed.to_lowercase().as_str(), "y" | "yes"));
            if yes { Answer::Accept } else { Answer::Refuse }
        })
    }
}

/// The option that names the file of known servers, unless it is the one that is used without.
fn named(known_servers: Option<&Path>) -> String {
    let is_usual = |file: &&Path| args::usual_known_servers().is_ok_and(|usual| usual == **file);
    known_servers
        .filter(|file| !is_usual(file))
        .map_or_else(String::new, |file| format!(" --known-servers {}", file.display()))
}

/// The sentence is the library's; what to type next is ours.
fn refused(error: &ConnectError, known_servers: Option<&Path>) -> CliError {
    let sentence = CliError::not_there(error);
    match error {
        ConnectError::FingerprintChanged { server, .. } => sentence
            .hint("ask the operator whether the key was changed; `chat-server fingerprint` prints the true one")
            .hint(format_args!("if it was, `chat-client forget {server}{}` forgets the old one", named(known_servers))),
        ConnectError::Untrusted { .. } => {
            sentence.hint("add --fingerprint HEX if it is the right one, or --accept-new to trust whoever answers")
        }
        ConnectError::Rejected(Rejection::WrongCredentials) => sentence.hint("to make a new account, add --register"),
        ConnectError::Rejected(Rejection::NameTaken) => sentence.hint("if it is yours, leave --register out"),
        ConnectError::Udp { .. } => sentence.hint("choose another address with --udp IP:PORT"),
        _ => sentence,
    }
}
