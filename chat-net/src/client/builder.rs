//! The front door: takes settings as an application has them, and begins a session.

use std::net::SocketAddr;
use std::time::Duration;

use chat_core::client::{ClientConfig, Credentials};
use chat_core::invitation::{InvitationCode, InvitationCodeError};
use chat_core::name::{NameError, UserName};
use chat_core::password::{Password, PasswordError};
use chat_core::peer::PeerConfig;
use chat_core::wire::control::Purpose;

use super::{AcceptMode, Client, ClientOptions, ClientSettingError, ConnectError, OutcomeEvents, ReachMode, connect};
use crate::address::{AddressError, AdvertisedAddress, ServerAddress};
use crate::identity::{Fingerprint, FingerprintError};
use crate::trust::Trust;

/// The settings of a client that is about to log in. Made by [`Client::builder`].
///
/// A server to trust is required: [`fingerprint`](Self::fingerprint) or [`trust`](Self::trust). Everything else has a
/// default. A later call replaces an earlier one, except for [`advertise`](Self::advertise) and
/// [`or_server`](Self::or_server). A program that logs in, and registers the first time, clones the builder:
///
/// ```no_run
/// use chat_net::client::{ConnectError, RejectionKind};
/// use chat_net::{Client, Trust};
///
/// # async fn bot(trust: Trust) -> Result<Client, ConnectError> {
/// let builder = Client::builder("chat.example:7777").trust(trust);
/// match builder.clone().login("echo", "correct horse").await {
///     // An unknown name and a wrong password are one answer. If the password is wrong, the name is taken.
///     Err(ConnectError::Rejected(why)) if why.kind() == RejectionKind::WrongCredentials => {
///         builder.register("echo", "correct horse").await
///     }
///     result => result,
/// }
/// # }
/// ```
///
/// All settings together:
///
/// ```no_run
/// use std::time::Duration;
/// use chat_net::{AcceptMode, Client};
///
/// # const FINGERPRINT: &str = ""; const CODE: &str = "";
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::builder("chat.example:7777")
///     .fingerprint(FINGERPRINT)?
///     .invitation(CODE)?
///     .advertise("203.0.113.5")?
///     .accept(AcceptMode::Manual)
///     .connect_timeout(Duration::from_secs(5))
///     .register("小明", "correct horse")
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `login` or `register`"]
pub struct ClientBuilder {
    server: Result<ServerAddress, AddressError>,
    other_servers: Vec<ServerAddress>,
    trust: Option<Trust>,
    invitation: Option<InvitationCode>,
    udp: Option<SocketAddr>,
    advertise: Vec<AdvertisedAddress>,
    reach: ReachMode,
    accept: AcceptMode,
    outcome_events: OutcomeEvents,
    timing: ClientConfig,
    links: PeerConfig,
}

impl ClientBuilder {
    pub(super) fn new(server: Result<ServerAddress, AddressError>) -> Self {
        Self {
            server,
            other_servers: Vec::new(),
            trust: None,
            invitation: None,
            udp: None,
            advertise: Vec::new(),
            reach: ReachMode::Auto,
            accept: AcceptMode::Automatic,
            outcome_events: OutcomeEvents::Included,
            timing: ClientConfig::default(),
            links: PeerConfig::default(),
        }
    }

    /// Adds a server that shares the roster of the first one, and has the same key or certificate authorities. The client
    /// connects to any of them, in random order, and to another one if its own does not answer. At most
    /// [`ClientOptions::MAX_SERVERS`] with the first.
    ///
    /// # Errors
    /// [`ClientSettingError::Server`] if the text is not an address.
    pub fn or_server<S>(mut self, server: S) -> Result<Self, ClientSettingError>
    where
        S: TryInto<ServerAddress>,
        AddressError: From<S::Error>,
    {
        self.other_servers.push(server.try_into().map_err(|error| ClientSettingError::Server(error.into()))?);
        Ok(self)
    }

    /// Trusts only the server with this fingerprint, a [`Fingerprint`] or the text that `chat-server fingerprint`
    /// prints.
    ///
    /// # Errors
    /// [`ClientSettingError::Fingerprint`] if the text is not a fingerprint.
    pub fn fingerprint<F>(mut self, fingerprint: F) -> Result<Self, ClientSettingError>
    where
        F: TryInto<Fingerprint>,
        FingerprintError: From<F::Error>,
    {
        let fingerprint = fingerprint.try_into().map_err(|error| ClientSettingError::Fingerprint(error.into()))?;
        self.trust = Some(Trust::Fingerprint(fingerprint));
        Ok(self)
    }

    /// Sets how to decide whether the server is the right one.
    pub fn trust(mut self, trust: Trust) -> Self {
        self.trust = Some(trust);
        self
    }

    /// Sets the invitation code for a registration on a server that requires one.
    ///
    /// # Errors
    /// [`ClientSettingError::Invitation`] if the text is not an invitation code.
    pub fn invitation<I>(mut self, code: I) -> Result<Self, ClientSettingError>
    where
        I: TryInto<InvitationCode>,
        InvitationCodeError: From<I::Error>,
    {
        self.invitation = Some(code.try_into().map_err(|error| ClientSettingError::Invitation(error.into()))?);
        Ok(self)
    }

    /// Sets the address on which the UDP socket receives. The default, `[::]:0`, is any port on all addresses, IPv4 and
    /// IPv6.
    pub fn udp(mut self, address: SocketAddr) -> Self {
        self.udp = Some(address);
        self
    }

    /// Adds an address at which peers can reach this client, `IP` or `IP:PORT`. At most 4. Without one, the client
    /// detects its addresses.
    ///
    /// # Errors
    /// [`ClientSettingError::Advertise`] if no peer can send to the address, or its port is below 1024. [`login`](Self::login) and
    /// [`register`](Self::register) refuse more than 4 addresses.
    pub fn advertise<A>(mut self, address: A) -> Result<Self, ClientSettingError>
    where
        A: TryInto<AdvertisedAddress>,
        AddressError: From<A::Error>,
    {
        self.advertise.push(address.try_into().map_err(|error| ClientSettingError::Advertise(error.into()))?);
        Ok(self)
    }

    /// Sets which ways the client uses to its peers. The default is [`ReachMode::Auto`]: straight from machine to machine
    /// where there is a way, and through the server otherwise.
    pub fn reach(mut self, mode: ReachMode) -> Self {
        self.reach = mode;
        self
    }

    /// Sets when a received message counts as accepted. The default is [`AcceptMode::Automatic`]: when [`Client::next`]
    /// returns it.
    pub fn accept(mut self, mode: AcceptMode) -> Self {
        self.accept = mode;
        self
    }

    /// Sets whether outcomes are events. The default is [`OutcomeEvents::Included`]. A program that awaits outcomes
    /// only through [`Sent`](super::Sent), or does not read its events, omits them.
    pub fn outcome_events(mut self, events: OutcomeEvents) -> Self {
        self.outcome_events = events;
        self
    }

    /// Sets how long connecting may take, from name resolution to the end of the TLS handshake. The default is 10 s. If a
    /// server has several addresses, or [others](Self::or_server), and one accepts the connection and does not continue,
    /// the client tries up to two others for as long each before it fails.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.timing.connect_timeout = limit;
        self
    }

    /// Sets how long any reply of the server may take. The default is 20 s.
    pub fn reply_timeout(mut self, limit: Duration) -> Self {
        self.timing.reply_timeout = limit;
        self
    }

    /// Sets the time without an ack after which the client abandons the messages to a peer, at least 1 s. The default is
    /// 45 s.
    pub fn link_timeout(mut self, limit: Duration) -> Self {
        self.links.link_timeout = limit;
        self
    }

    /// Sets all times of the connection to the server, and replaces those that were set before.
    pub const fn timing(mut self, timing: ClientConfig) -> Self {
        self.timing = timing;
        self
    }

    /// Sets all times and limits of the links to peers, and replaces those that were set before.
    pub fn links(mut self, links: PeerConfig) -> Self {
        self.links = links;
        self
    }

    /// Connects, logs in as `user`, and returns once the roster is complete. While the server is busy or slows the
    /// client down, the client retries the login for up to 3 minutes ([`ClientConfig::busy_timeout`]). If the server
    /// rejects the login, for example because its storage is away, the login fails, also if there are other servers.
    ///
    /// # Errors
    /// See [`ConnectError`]. Its variant [`Setting`](ConnectError::Setting) means that nothing was tried.
    ///
    /// # Panics
    /// Outside a tokio runtime with I/O and time enabled.
    ///
    /// # Cancel safety
    /// If the future is dropped after the session began, the client leaves the session.
    pub async fn login<U, P>(self, user: U, password: P) -> Result<Client, ConnectError>
    where
        U: TryInto<UserName>,
        NameError: From<U::Error>,
        P: TryInto<Password>,
        PasswordError: From<P::Error>,
    {
        if self.invitation.is_some() {
            return Err(ClientSettingError::InvitationForLogin.into());
        }
        connect(self.options(Purpose::Login, user, password)?).await
    }

    /// Connects, registers the account `user`, logs in, and returns once the roster is complete. The client repeats a
    /// registration that the server does not answer for up to 1 minute ([`ClientConfig::registration_timeout`]).
    ///
    /// # Errors
    /// See [`ConnectError`]. Its variant [`Setting`](ConnectError::Setting) means that nothing was tried.
    ///
    /// # Panics
    /// Outside a tokio runtime with I/O and time enabled.
    ///
    /// # Cancel safety
    /// If the future is dropped, the account may or may not be registered. If the session has begun, the client leaves
    /// it.
    pub async fn register<U, P>(self, user: U, password: P) -> Result<Client, ConnectError>
    where
        U: TryInto<UserName>,
        NameError: From<U::Error>,
        P: TryInto<Password>,
        PasswordError: From<P::Error>,
    {
        connect(self.options(Purpose::Register, user, password)?).await
    }

    fn options<U, P>(self, purpose: Purpose, user: U, password: P) -> Result<ClientOptions, ClientSettingError>
    where
        U: TryInto<UserName>,
        NameError: From<U::Error>,
        P: TryInto<Password>,
        PasswordError: From<P::Error>,
    {
        let server = self.server.map_err(ClientSettingError::Server)?;
        let trust = self.trust.ok_or(ClientSettingError::NoTrust)?;
        let user = user.try_into().map_err(|error| ClientSettingError::User(error.into()))?;
        let password = password.try_into().map_err(|error| ClientSettingError::Password(error.into()))?;
        let mut login = Credentials::new(user, password, purpose);
        login.invitation = self.invitation;
        let options = ClientOptions::new(server, trust, login);
        Ok(ClientOptions {
            other_servers: self.other_servers,
            udp: self.udp.unwrap_or(options.udp),
            advertise: self.advertise,
            reach: self.reach,
            accept: self.accept,
            outcome_events: self.outcome_events,
            machine: self.timing,
            peer: self.links,
            ..options
        })
    }
}
