//! Logs in without a terminal, and explains why connecting failed. At a terminal, [`super::start`] asks for what is
//! missing.

use std::path::Path;

use chat_core::client::Credentials;
use chat_core::wire::control::Purpose;
use chat_net::client::{AcceptMode, Client, ClientHandle, ClientOptions, ConnectError, Events, RejectionKind};
use chat_net::identity::CertificateProblem;
use chat_net::trust::{KnownServers, KnownServersError, Trust, UnknownServer};

use super::start;
use super::task::{JoinOptions, TrustChoice, default_known_servers};
use crate::error::CliError;
use crate::error_code::ErrorCode;
use crate::secret::PasswordKind;
use crate::terminal;
use crate::texts::{Sentence, Texts};

/// Connects, logs in, and returns once the roster is complete. At a terminal, asks for what is missing.
///
/// # Errors
/// - Exit code 2: a value is missing, and there is no terminal to ask for it.
/// - Exit code 3: the client could not connect or log in.
pub async fn connect(options: JoinOptions, texts: &Texts) -> Result<(ClientHandle, Events), CliError> {
    if terminal::is_interactive() {
        return start::log_in(options, texts).await;
    }
    let JoinOptions {
        server,
        other_servers,
        user,
        purpose,
        password,
        invitation,
        udp,
        advertise,
        reach,
        trust: choice,
        ..
    } = options;
    let server = server.ok_or_else(|| {
        CliError::usage(|texts: &Texts| texts.say().client_no_server()).hint(|texts: &Texts| texts.say().hint_server())
    })?;
    let file = match &choice {
        TrustChoice::Known(path) | TrustChoice::AcceptNew(path) => Some(path.clone()),
        TrustChoice::Fingerprint(_) | TrustChoice::Ca(_) => None,
    };
    let trust = trust(choice, UnknownServer::Refuse)?;
    let user = user.ok_or_else(|| {
        CliError::usage(|texts: &Texts| texts.say().client_no_user()).hint(|texts: &Texts| texts.say().hint_user())
    })?;
    let kind = if purpose == Purpose::Register { PasswordKind::New } else { PasswordKind::Existing };
    let password = password.read(kind, None)?;
    let mut credentials = Credentials::new(user, password, purpose);
    credentials.invitation = invitation;
    let mut options = ClientOptions::new(server, trust, credentials);
    options.other_servers = other_servers;
    options.udp = udp;
    options.advertise = advertise;
    options.reach = reach;
    // A message is accepted once its line is written.
    options.accept = AcceptMode::Manual;
    let connected = chat_net::client::connect(options).await;
    connected.map(Client::split).map_err(|error| explain(error, file.as_deref()))
}

/// The library's form of a choice. `unknown` says what to do about a server that is not in the file of known servers.
pub(super) fn trust(choice: TrustChoice, unknown: UnknownServer) -> Result<Trust, CliError> {
    Ok(match choice {
        TrustChoice::Fingerprint(fingerprint) => Trust::Fingerprint(fingerprint),
        TrustChoice::Ca(path) => Trust::Ca(path),
        TrustChoice::AcceptNew(path) => {
            Trust::Known { store: known_servers(&path)?, unknown: UnknownServer::AcceptNew }
        }
        TrustChoice::Known(path) => Trust::Known { store: known_servers(&path)?, unknown },
    })
}

/// The file of known servers.
pub(super) fn known_servers(path: &Path) -> Result<KnownServers, CliError> {
    KnownServers::open(path)
        .map_err(|error| CliError::not_there(Sentence::about(error)).code(ErrorCode::KnownServersUnusable))
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
pub(super) fn explain(error: ConnectError, known_servers: Option<&Path>) -> CliError {
    let hints: Vec<Sentence> = match &error {
        ConnectError::FingerprintChanged { server, .. } => {
            let command = format!("chat-client forget {server}{}", known_servers_option(known_servers));
            vec![
                Sentence::from(|texts: &Texts| texts.say().hint_key_changed()),
                Sentence::from(move |texts: &Texts| texts.say().hint_forget_key(&command)),
            ]
        }
        ConnectError::DifferentKeys(keys) => {
            let [one, other] = [&keys.server, &keys.other]
                .map(|server| format!("chat-client forget {server}{}", known_servers_option(known_servers)));
            vec![
                Sentence::from(|texts: &Texts| texts.say().hint_key_changed()),
                Sentence::from(move |texts: &Texts| texts.say().hint_forget_either_key(&one, &other)),
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
