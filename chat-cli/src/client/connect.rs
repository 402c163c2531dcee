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
use crate::texts::{Sentence, Texts};

/// Asks for a missing user name or password, connects, logs in, and returns once the roster is complete.
///
/// # Errors
/// - Exit code 2: a value is missing, and there is no terminal to ask for it.
/// - Exit code 3: the client could not connect or log in.
pub async fn connect(options: JoinOptions, texts: &Texts) -> Result<(ClientHandle, Events), CliError> {
    let JoinOptions { server, user, purpose, password, invitation, udp, advertise, trust, .. } = options;
    let known_servers = match &trust {
        TrustChoice::Known(path) | TrustChoice::AcceptNew(path) => Some(path.clone()),
        TrustChoice::Fingerprint(_) | TrustChoice::Ca(_) => None,
    };
    let trust = self::trust(trust, texts)?;
    // In a thread of its own, because typing blocks and signals must still end the program.
    let asking = texts.clone();
    let credentials = spawn_blocking(move || -> Result<_, CliError> {
        let user = user.map_or_else(|| ask_name(&asking), Ok)?;
        let kind = if purpose == Purpose::Register { PasswordKind::New } else { PasswordKind::Existing };
        let mut terminal = terminal::is_interactive().then(|| TerminalPrompt::new(asking));
        let password = password.read(kind, terminal.as_mut().map(|terminal| terminal as &mut dyn PasswordPrompt))?;
        let mut credentials = Credentials::new(user, password, purpose);
        credentials.invitation = invitation;
        Ok(credentials)
    });
    let credentials = credentials
        .await
        .map_err(|error| CliError::system(move |texts: &Texts| texts.say().asking_failed(error.to_string())))??;
    let mut options = ClientOptions::new(server, trust, credentials);
    options.udp = udp;
    options.advertise = advertise;
    // A message is accepted once its line is written.
    options.accept = AcceptMode::Manual;
    let connected = chat_net::client::connect(options).await;
    connected.map(Client::split).map_err(|error| explain(error, known_servers.as_deref()))
}

fn trust(choice: TrustChoice, texts: &Texts) -> Result<Trust, CliError> {
    let known = |path, unknown| {
        let store = KnownServers::open(path)
            .map_err(|error| CliError::not_there(Sentence::about(error)).code(ErrorCode::KnownServersUnusable))?;
        Ok(Trust::Known { store, unknown })
    };
    match choice {
        TrustChoice::Fingerprint(fingerprint) => Ok(Trust::Fingerprint(fingerprint)),
        TrustChoice::Ca(path) => Ok(Trust::Ca(path)),
        TrustChoice::AcceptNew(path) => known(path, UnknownServer::AcceptNew),
        TrustChoice::Known(path) if terminal::is_interactive() => {
            known(path, UnknownServer::Ask(Box::new(AtTerminal(texts.clone()))))
        }
        TrustChoice::Known(path) => known(path, UnknownServer::Refuse),
    }
}

fn ask_name(texts: &Texts) -> Result<UserName, CliError> {
    let missing =
        || CliError::usage(|texts: &Texts| texts.say().client_no_user()).hint(|texts: &Texts| texts.say().hint_user());
    if !terminal::is_interactive() {
        return Err(missing());
    }
    let typed = terminal::ask(&texts.say().ask_user_name()).ok().flatten().ok_or_else(missing)?;
    UserName::parse(&typed).map_err(|error| CliError::usage(Sentence::about(error)))
}

/// Asks the user about an unknown server.
struct AtTerminal(Texts);

impl AskUser for AtTerminal {
    fn ask<'a>(
        &'a self,
        server: &'a ServerAddress,
        fingerprint: Fingerprint,
    ) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>> {
        let question = self.0.say().ask_trust(server.to_string(), fingerprint.to_string());
        let yes = ["y".to_owned(), "yes".to_owned(), self.0.say().answer_yes()];
        Box::pin(async move {
            let answer = spawn_blocking(move || terminal::ask(&question)).await;
            if matches!(answer, Ok(Ok(Some(typed))) if yes.contains(&typed.to_lowercase())) {
                Answer::Accept
            } else {
                Answer::Refuse
            }
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

/// How to recognise the server without a certificate authority.
fn by_fingerprint(texts: &Texts) -> String {
    texts.say().hint_by_fingerprint()
}

fn certificate_hint(problem: &CertificateProblem) -> fn(&Texts) -> String {
    match problem {
        CertificateProblem::NotYetValid { .. } | CertificateProblem::Expired { .. } => {
            |texts| texts.say().hint_certificate_time()
        }
        CertificateProblem::UnknownAuthority | CertificateProblem::OtherAuthority => {
            |texts| texts.say().hint_certificate_authority()
        }
        CertificateProblem::OtherHost { .. } => |texts| texts.say().hint_certificate_host(),
        _ => |texts| texts.say().hint_certificate_other(),
    }
}

/// The library's error, with hints about what to type next.
fn explain(error: ConnectError, known_servers: Option<&Path>) -> CliError {
    let hints: Vec<Sentence> = match &error {
        ConnectError::FingerprintChanged { server, .. } => {
            let command = format!("chat-client forget {server}{}", known_servers_option(known_servers));
            vec![
                Sentence::from(|texts: &Texts| texts.say().hint_key_changed()),
                Sentence::from(move |texts: &Texts| texts.say().hint_forget_key(&command)),
            ]
        }
        ConnectError::Untrusted { .. } => vec![Sentence::from(|texts: &Texts| texts.say().hint_untrusted())],
        ConnectError::Certificate { problem, .. } => vec![certificate_hint(problem).into(), by_fingerprint.into()],
        ConnectError::NotCertifiable { .. } | ConnectError::Authorities { .. } => vec![by_fingerprint.into()],
        ConnectError::KnownServers(KnownServersError::Write { .. }) => {
            vec![Sentence::from(|texts: &Texts| texts.say().hint_known_servers())]
        }
        ConnectError::Rejected(rejection) => match rejection.kind() {
            RejectionKind::WrongCredentials => vec![Sentence::from(|texts: &Texts| texts.say().hint_register())],
            RejectionKind::NameTaken => vec![Sentence::from(|texts: &Texts| texts.say().hint_name_taken())],
            _ => Vec::new(),
        },
        ConnectError::RegistrationUnanswered { .. } | ConnectError::OnlyRegistered { .. } => {
            vec![Sentence::from(|texts: &Texts| texts.say().hint_no_register())]
        }
        ConnectError::Udp { .. } => vec![Sentence::from(|texts: &Texts| texts.say().hint_udp())],
        _ => Vec::new(),
    };
    let code = ErrorCode::from(&error);
    hints.into_iter().fold(CliError::not_there(Sentence::about(error)).code(code), CliError::hint)
}
