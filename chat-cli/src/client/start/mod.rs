//! Logging in at a terminal: asks for what is missing, and asks again where an answer turned out to be wrong.
//!
//! ```text
//! server -> is it there, and is it the right one? -> user name -> password -> log in
//!    ^                                                   ^           ^           |
//!    +---------------------------------------------------+-----------+-- refused +
//! ```
//!
//! What the command line, the environment or the configuration file names is not asked for. If the server refuses a
//! password from a file or from the environment, the program ends: asking for another one would surprise a script that
//! happens to run at a terminal.

pub(crate) mod last_logins;
mod questions;
mod quiet_log;
mod refused;

use std::io::{self, Write};
use std::path::Path;
use std::pin::pin;
use std::time::Duration;

use chat_core::client::Credentials;
use chat_core::name::UserName;
use chat_core::password::Password;
use chat_core::wire::control::Purpose;
use chat_net::address::ServerAddress;
use chat_net::client::{
    AcceptMode, Client, ClientHandle, ClientOptions, ConnectError, DifferentKeys, Events, probe_any,
};
use chat_net::identity::Fingerprint;
use chat_net::trust::{KnownServers, UnknownServer};
use tokio::time::timeout;

use self::last_logins::LastLogins;
use self::questions::Questions;
use self::quiet_log::QuietLog;
use super::connect::{explain, known_servers, trust};
use super::named_servers::join_addresses;
use super::task::{JoinOptions, TrustChoice, default_known_servers};
use crate::error::CliError;
use crate::error_code::ErrorCode;
use crate::fingerprint::in_groups;
use crate::secret::PasswordKind;
use crate::texts::{Sentence, Texts};

/// The most logins that one start of the program tries: more than anybody makes who mistypes a password, and few for a
/// program that answers every question the same way.
const MAX_LOGINS: usize = 20;

/// How long a login may take before the user learns that it is still going on. A server that asks for slower attempts
/// lets a client wait for up to half a minute.
const PATIENCE: Duration = Duration::from_secs(2);

/// A login in the making.
#[derive(Debug)]
struct Start {
    options: JoinOptions,
    questions: Questions,
    last_logins: LastLogins,
    /// The server that was typed, unless it is named outside the dialogue.
    typed_server: Option<ServerAddress>,
    /// The answer that the next question about the server offers. Several if they share a roster.
    suggested_servers: Vec<ServerAddress>,
    /// The user name that was typed, which the next question about it offers.
    typed_user: Option<UserName>,
    password: Option<Password>,
    password_origin: Origin,
    /// How the user came to register.
    registration: Registration,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Origin {
    /// The command line, the environment or a file.
    Given,
    /// The terminal.
    Typed,
}

/// Whether the user was asked to register after a login failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Registration {
    NotOffered,
    Accepted,
    Declined,
}

/// Asks, connects, logs in, and returns once the roster is complete.
///
/// # Errors
/// The client could not connect or log in, and no other answer can change that, or the user ended the questions.
pub(super) async fn log_in(options: JoinOptions, texts: &Texts) -> Result<(ClientHandle, Events), CliError> {
    let password = options.password.given()?;
    let last_logins = LastLogins::load();
    let start = Start {
        questions: Questions::new(texts.clone()),
        suggested_servers: last_logins.last_servers().to_vec(),
        last_logins,
        typed_server: None,
        typed_user: None,
        password_origin: if password.is_some() { Origin::Given } else { Origin::Typed },
        password,
        registration: Registration::NotOffered,
        options,
    };
    start.run().await
}

impl Start {
    async fn run(mut self) -> Result<(ClientHandle, Events), CliError> {
        let mut refused = None;
        for _ in 0..MAX_LOGINS {
            let server = self.reach().await?;
            let user = self.user(&server).await?;
            let password = self.password().await?;
            let mut login = Credentials::new(user.clone(), password, self.options.purpose);
            login.invitation.clone_from(&self.options.invitation);
            let trust = trust(self.options.trust.clone(), UnknownServer::Refuse)?;
            let mut options = ClientOptions::new(server.clone(), trust, login);
            options.other_servers.clone_from(&self.options.other_servers);
            options.udp = self.options.udp;
            options.advertise.clone_from(&self.options.advertise);
            options.reach = self.options.reach;
            // A message is accepted once its line is written.
            options.accept = AcceptMode::Manual;
            match self.connect(options).await {
                Ok(client) => {
                    self.remember(&server, &user);
                    if self.options.purpose == Purpose::Register && self.password_origin == Origin::Typed {
                        self.questions.note(|texts| texts.say().start_registered());
                    }
                    return Ok(Client::split(client));
                }
                Err(error) => refused = Some(self.ask_again(&server, &user, error).await?),
            }
        }
        Err(refused.unwrap_or_else(CliError::interrupted))
    }

    /// Connects, and says so if the server makes the user wait. chat-net logs that, but a log line would stand among the
    /// questions in the language of developers.
    async fn connect(&self, options: ClientOptions) -> Result<Client, ConnectError> {
        let _quiet = QuietLog::begin();
        let mut connecting = pin!(chat_net::client::connect(options));
        match timeout(PATIENCE, &mut connecting).await {
            Ok(result) => result,
            Err(_) => {
                self.questions.tell(&Sentence::from(|texts: &Texts| texts.say().start_waiting()));
                connecting.await
            }
        }
    }

    /// The server, once one answers that the user trusts.
    async fn reach(&mut self) -> Result<ServerAddress, CliError> {
        for _ in 0..MAX_LOGINS {
            let (server, origin) = match (&self.options.server, &self.typed_server) {
                (Some(server), _) => (server.clone(), Origin::Given),
                // It has answered already.
                (None, Some(server)) => return Ok(server.clone()),
                (None, None) => (self.ask_server().await?, Origin::Typed),
            };
            // For the other choices, connecting decides.
            let file = match &self.options.trust {
                TrustChoice::Known(path) => Some((known_servers(path)?, path.clone())),
                TrustChoice::Fingerprint(_) | TrustChoice::Ca(_) | TrustChoice::AcceptNew(_) => None,
            };
            let others = self.options.other_servers.clone();
            let known = match &file {
                Some((store, path)) => store.all().map_err(|error| explain(error.into(), Some(path)))?,
                None => Vec::new(),
            };
            let get = |server: &ServerAddress| known.iter().find(|(known, _)| known == server).cloned();
            // One key is that of all. Connecting refuses servers with several.
            let known = [&server].into_iter().chain(&others).find_map(get);
            if origin == Origin::Given && (file.is_none() || known.is_some()) {
                return Ok(server);
            }
            match probe_any(&server, &others).await {
                Ok((shown_by, shown)) => {
                    match (file, get(&shown_by).or(known)) {
                        (Some((_, path)), Some((server, known))) if known != shown => {
                            let error = if server == shown_by {
                                ConnectError::FingerprintChanged { server, known, shown }
                            } else {
                                Box::new(DifferentKeys { server, known, other: shown_by, shown }).into()
                            };
                            return Err(explain(error, Some(&path)));
                        }
                        (Some((store, path)), None) => self.ask_trust(&shown_by, shown, &store, &path).await?,
                        _ => {}
                    }
                    if origin == Origin::Typed {
                        self.typed_server = Some(server.clone());
                    }
                    return Ok(server);
                }
                Err(error) if origin == Origin::Typed => {
                    self.questions.tell(&Sentence::about(error));
                    self.typed_server = Some(server);
                    self.suggest_again();
                }
                Err(error) => return Err(explain(error, None)),
            }
        }
        Err(CliError::interrupted())
    }

    /// Asks for the server, by its address or by its name in the configuration file.
    async fn ask_server(&mut self) -> Result<ServerAddress, CliError> {
        let servers = self.options.servers.clone();
        let target = self
            .questions
            .ask(
                Some(join_addresses(&self.suggested_servers)).filter(|suggested| !suggested.is_empty()),
                |texts, last| match last {
                    Some(last) => texts.say().start_ask_server_again(last),
                    None => texts.say().start_ask_server(),
                },
                move |typed| servers.find(typed),
            )
            .await?;
        if let Some(fingerprint) = target.fingerprint
            && matches!(self.options.trust, TrustChoice::Known(_))
        {
            self.options.trust = TrustChoice::Fingerprint(fingerprint);
        }
        if self.options.user.is_none() {
            self.options.user = target.user;
        }
        let mut addresses = target.addresses.into_iter();
        let server = addresses.next();
        self.options.other_servers = addresses.collect();
        server.ok_or_else(CliError::interrupted)
    }

    /// Asks for the servers again, and suggests those that were typed.
    fn suggest_again(&mut self) {
        self.suggested_servers = self.typed_server.take().into_iter().collect();
        self.suggested_servers.append(&mut self.options.other_servers);
    }

    /// Asks about an unknown server before anything secret is typed, and remembers it.
    async fn ask_trust(
        &self,
        server: &ServerAddress,
        shown: Fingerprint,
        store: &KnownServers,
        path: &Path,
    ) -> Result<(), CliError> {
        let digits = in_groups(shown);
        let name = server.to_string();
        let question = move |texts: &Texts| texts.say().start_ask_fingerprint(&name, &digits[0], &digits[1]);
        if !self.questions.yes_or_no(question).await? {
            let name = server.to_string();
            let sentence = move |texts: &Texts| texts.say().start_fingerprints_differ(&name);
            return Err(CliError::not_there(sentence).code(ErrorCode::UnknownServer));
        }
        let known = store.remember(server, shown).map_err(|error| explain(error.into(), Some(path)))?;
        if known == shown {
            Ok(())
        } else {
            // Another program has met another server at this address meanwhile.
            Err(explain(ConnectError::FingerprintChanged { server: server.clone(), known, shown }, Some(path)))
        }
    }

    async fn user(&mut self, server: &ServerAddress) -> Result<UserName, CliError> {
        if let Some(user) = &self.options.user {
            return Ok(user.clone());
        }
        let last = match self.options.purpose {
            Purpose::Register => None,
            _ => self.typed_user.as_ref().or_else(|| self.last_logins.user(server)).map(ToString::to_string),
        };
        let user = self
            .questions
            .ask(
                last,
                |texts, last| match last {
                    Some(last) => texts.say().start_ask_name_again(last),
                    None => texts.say().ask_user_name(),
                },
                |typed| UserName::parse(typed).map_err(Sentence::about),
            )
            .await?;
        self.typed_user = Some(user.clone());
        self.options.user = Some(user.clone());
        Ok(user)
    }

    async fn password(&mut self) -> Result<Password, CliError> {
        if let Some(password) = &self.password {
            return Ok(password.clone());
        }
        let kind = match self.options.purpose {
            Purpose::Register => PasswordKind::New,
            _ => PasswordKind::Existing,
        };
        let password = self.questions.password(kind).await?;
        self.password = Some(password.clone());
        Ok(password)
    }

    /// Remembers what the next start suggests, and a server whose fingerprint was named: the next start then needs no
    /// fingerprint. Neither is worth an error. Several servers that share a roster have one fingerprint, and one login.
    fn remember(&mut self, server: &ServerAddress, user: &UserName) {
        if let TrustChoice::Fingerprint(fingerprint) = self.options.trust
            && let Ok(path) = default_known_servers()
            && let Err(error) = KnownServers::open(path).and_then(|store| store.remember(server, fingerprint))
        {
            log::info!("the server is not remembered: {error}");
        }
        if let Err(error) = self.last_logins.remember(server.clone(), &self.options.other_servers, user.clone()) {
            log::info!("the login is not remembered: {error}");
        }
    }
}

/// Begins a new line after a question that was not answered.
pub(super) fn end_question() {
    // If standard error is closed, no question is visible either.
    drop(writeln!(io::stderr()));
}
