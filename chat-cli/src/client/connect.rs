//! Logs in: asks for what is missing, connects, and explains each failure.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;

use chat_core::client::Credentials;
use chat_core::name::UserName;
use chat_core::wire::control::Purpose;
use chat_net::address::ServerAddress;
use chat_net::client::{AcceptMode, Client, ClientHandle, ClientOptions, ConnectError, Events, RejectionKind};
use chat_net::identity::{CertificateProblem, Fingerprint};
use chat_net::trust::{Answer, AskUser, KnownServers, KnownServersError, Trust, UnknownServer};
use tokio::task::spawn_blocking;

use super::task::{JoinOptions, TrustChoice, default_known_servers};
use crate::error::CliError;
use crate::error_code::ErrorCode;
use crate::secret::{PasswordKind, PasswordPrompt};
use crate::terminal::{self, TerminalPrompt};

/// Asks for a missing user name or password, connects, logs in, and returns once the roster is complete.
///
/// # Errors
/// - Exit code 2: a value is missing, and there is no terminal to ask for it.
/// - Exit code 3: the client could not connect or log in.
pub async fn connect(options: JoinOptions) -> Result<(ClientHandle, Events), CliError> {
    let JoinOptions { server, user, purpose, password, invitation, udp, advertise, trust, .. } = options;
    let known_servers = match &trust {
        TrustChoice::Known(path) | TrustChoice::AcceptNew(path) => Some(path.clone()),
        TrustChoice::Fingerprint(_) | TrustChoice::Ca(_) => None,
    };
    let trust = self::trust(trust)?;
    // In a thread of its own, because typing blocks and signals must still end the program.
    let credentials = spawn_blocking(move || -> Result<_, CliError> {
        let user = user.map_or_else(ask_name, Ok)?;
        let kind = if purpose == Purpose::Register { PasswordKind::New } else { PasswordKind::Existing };
        let mut terminal = terminal::is_interactive().then(TerminalPrompt::default);
        let password = password.read(kind, terminal.as_mut().map(|terminal| terminal as &mut dyn PasswordPrompt))?;
        Ok(Credentials { user, password, purpose, invitation })
    });
    let credentials = credentials.await.map_err(|error| CliError::system(format_args!("asking failed: {error}")))??;
    let mut options = ClientOptions::new(server, trust, credentials);
    options.udp = udp;
    options.advertise = advertise;
    // A message is accepted once its line is written.
    options.accept = AcceptMode::Manual;
    let connected = chat_net::client::connect(options).await;
    connected.map(Client::split).map_err(|error| explain(&error, known_servers.as_deref()))
}

fn trust(choice: TrustChoice) -> Result<Trust, CliError> {
    let known = |path, unknown| {
        let store = KnownServers::open(path)
            .map_err(|error| CliError::not_there(error).code(ErrorCode::KnownServersUnusable))?;
        Ok(Trust::Known { store, unknown })
    };
    match choice {
        TrustChoice::Fingerprint(fingerprint) => Ok(Trust::Fingerprint(fingerprint)),
        TrustChoice::Ca(path) => Ok(Trust::Ca(path)),
        TrustChoice::AcceptNew(path) => known(path, UnknownServer::AcceptNew),
        TrustChoice::Known(path) if terminal::is_interactive() => known(path, UnknownServer::Ask(Box::new(AtTerminal))),
        TrustChoice::Known(path) => known(path, UnknownServer::Refuse),
    }
}

fn ask_name() -> Result<UserName, CliError> {
    let missing = || CliError::usage("no user name is given").hint("write --user NAME");
    if !terminal::is_interactive() {
        return Err(missing());
    }
    let typed = terminal::ask("user name: ").ok().flatten().ok_or_else(missing)?;
    UserName::parse(&typed).map_err(CliError::usage)
}

/// Asks the user about an unknown server.
struct AtTerminal;

impl AskUser for AtTerminal {
    fn ask<'a>(
        &'a self,
        server: &'a ServerAddress,
        fingerprint: Fingerprint,
    ) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>> {
        let question = format!(
            "{server} is not a known server. Its fingerprint is\n  {fingerprint}\n\
             On the server, `chat-server fingerprint` prints the true one. Do the fingerprints match? [y/n] "
        );
        Box::pin(async move {
            let answer = spawn_blocking(move || terminal::ask(&question)).await;
            let yes = matches!(answer, Ok(Ok(Some(typed))) if matches!(typed.to_lowercase().as_str(), "y" | "yes"));
            if yes { Answer::Accept } else { Answer::Refuse }
        })
    }
}

/// The option that names this file of known servers. Empty for the default file.
fn known_servers_option(known_servers: Option<&Path>) -> String {
    let is_default = |file: &&Path| default_known_servers().is_ok_and(|default| default == **file);
    known_servers
        .filter(|file| !is_default(file))
        .map_or_else(String::new, |file| format!(" --known-servers {}", file.display()))
}

/// The hint for connecting without a certificate authority.
const BY_FINGERPRINT: &str = "without an authority, --fingerprint HEX instead of --ca recognises the server by its key; on \
                              the server, `chat-server fingerprint` prints HEX";

fn certificate_hints(sentence: CliError, problem: &CertificateProblem) -> CliError {
    let sentence = match problem {
        CertificateProblem::NotYetValid { .. } | CertificateProblem::Expired { .. } => {
            sentence.hint("set the clock of this machine if it is wrong, or ask the operator to renew the certificate")
        }
        CertificateProblem::UnknownAuthority | CertificateProblem::OtherAuthority => {
            sentence.hint(
                "name the file of the authority that signed it with --ca; if it is the right one, the server's file lacks \
                 the certificates between the two: ask the operator",
            )
        }
        CertificateProblem::OtherHost { .. } => {
            sentence.hint("name the server with --server as its certificate does, or ask the operator for a certificate for this name")
        }
        _ => sentence.hint("ask the operator to replace the certificate"),
    };
    sentence.hint(BY_FINGERPRINT)
}

/// The library's sentence, with hints about what to type next.
fn explain(error: &ConnectError, known_servers: Option<&Path>) -> CliError {
    let sentence = CliError::not_there(error).code(error);
    match error {
        ConnectError::FingerprintChanged { server, .. } => sentence
            .hint("ask the operator whether the key was changed; `chat-server fingerprint` prints the true one")
            .hint(format_args!(
                "if it was, `chat-client forget {server}{}` forgets the old key",
                known_servers_option(known_servers)
            )),
        ConnectError::Untrusted { .. } => {
            sentence.hint("add --fingerprint HEX if the fingerprint is right, or --accept-new to trust any server")
        }
        ConnectError::Certificate { problem, .. } => certificate_hints(sentence, problem),
        ConnectError::NotCertifiable { .. } | ConnectError::Authorities { .. } => sentence.hint(BY_FINGERPRINT),
        ConnectError::KnownServers(KnownServersError::Write { .. }) => sentence.hint(
            "name a file that you may write to with --known-servers FILE, or use --fingerprint HEX, which writes none",
        ),
        ConnectError::Rejected(rejection) => match rejection.kind() {
            RejectionKind::WrongCredentials => sentence.hint("to create an account, add --register"),
            RejectionKind::NameTaken => sentence.hint("if the account is yours, omit --register"),
            _ => sentence,
        },
        ConnectError::RegistrationUnanswered { .. } | ConnectError::OnlyRegistered { .. } => {
            sentence.hint("to log in, omit --register")
        }
        ConnectError::Udp { .. } => sentence.hint("choose another address with --udp IP:PORT"),
        _ => sentence,
    }
}
