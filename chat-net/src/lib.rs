//! Chat over real sockets, on tokio: the presence server ([`server`]), the client ([`client`]), and messages without a
//! server ([`peers`]).
//!
//! Server and client are thin drivers of the machines in [`chat_core`]. The server holds the accounts and knows who is
//! online. Messages travel sealed over UDP, directly from client to client, and the sender receives one outcome per
//! recipient.
//!
//! # A server and two clients in one process
//!
//! ```
//! use chat_core::accounts::memory::MemoryAccounts;
//! use chat_net::{Client, Event, Recipient, Server};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let data = folder.path().join("data");
//! // The server, with accounts in memory. `chat_store::open` keeps them in SQLite or MySQL.
//! let server = Server::builder(MemoryAccounts::new()).data_dir(data).bind("127.0.0.1:0").await?;
//! let (address, fingerprint) = (server.address(), server.fingerprint());
//! let handle = server.handle();
//! let running = tokio::spawn(server.run());
//!
//! // Two clients. They know the server's fingerprint, so there is no question of trust to ask a user.
//! let mut bob = Client::builder(address).fingerprint(fingerprint)?.register("bob", "correct horse").await?;
//! let alice = Client::builder(address).fingerprint(fingerprint)?.register("alice", "correct horse").await?;
//! assert!(alice.roster().get(bob.user()).is_some());
//!
//! let sent = alice.send(Recipient::Everyone, "大家好").await?;
//! while let Some(event) = bob.next().await {
//!     // Other events are presence and notices.
//!     if let Event::Message(message) = event {
//!         assert_eq!((message.from(), message.text()), (alice.user(), "大家好"));
//!         break;
//!     }
//! }
//! let outcomes = sent.outcomes().await;
//! assert!(outcomes.len() == 1 && outcomes[0].is_delivered());
//!
//! alice.leave().await;
//! bob.leave().await;
//! handle.stop();
//! running.await??;
//! # Ok(())
//! # }
//! ```
//!
//! # What is public
//!
//! The crate's root re-exports the types of [`chat_core`] that most programs need. Others that its interface shows,
//! such as [`ClientConfig`](chat_core::client::ClientConfig) and [`PeerConfig`](chat_core::peer::PeerConfig), are in
//! that crate. Enums and options that may grow are `#[non_exhaustive]`: start from the default options and change their
//! fields. No type of another library is public, except for types of tokio and `bytes::Bytes`.
//!
//! # Limits
//!
//! Every queue has a named limit, and a task that serves many never waits for a single connection or peer. The server
//! drops a client that does not read. Datagrams that the socket cannot take yet wait in a bounded buffer. A datagram
//! that the system refuses to send counts as lost, as it would in the network. If an application does not read its
//! [`client::Events`], its peers wait before they send more.
//!
//! # Security
//!
//! All connections use TLS 1.3, without early data and without session resumption, and with hybrid post-quantum key
//! exchange where both ends support it. The cryptography comes from aws-lc. [`trust`] describes how a client decides
//! which server to trust, and [`identity`] what a server keeps.

mod bind;
mod certificate;
mod clock;
mod connection;
mod error;
mod files;
mod fingerprint;
mod framed;
mod frames;
mod log_throttle;
mod peer_driver;
mod random;
mod send_queue;
mod tls;
mod udp;

pub mod address;
pub mod client;
pub mod data_folder;
mod file_lock;
pub mod identity;
pub mod interfaces;
pub mod peers;
pub mod server;
pub mod trust;

pub use chat_core::accounts::{Account, AccountError, Accounts, Status};
pub use chat_core::id::{AccountId, MessageId, SessionId};
pub use chat_core::invitation::{InvitationCode, InvitationCodeError};
pub use chat_core::message::{
    Content, FailReason, Message, Outcome, Recipient, Report, Scope, SentAt, UnconfirmedReason,
};
pub use chat_core::name::{NameError, UserName};
pub use chat_core::password::{Password, PasswordError};
pub use chat_core::presence::{OfflineReason, Presence, PresenceEvent, Record};
pub use chat_core::server::{
    Count, Limit, ObservedAddresses, PublishInterval, RegistrationPolicy, ServerConfig, SettingError, ThrottleConfig,
};
pub use chat_core::text::{Text, TextError};
pub use chat_core::time::Timestamp;

pub use self::address::{AddressError, AdvertisedAddress, ServerAddress};
pub use self::client::{
    AcceptMode, ChangePasswordError, Client, ClientBuilder, ClientHandle, ClientSettingError, ConnectError, EndReason,
    Event, Events, MessageToken, Notice, OutcomeEvents, ReceivedMessage, RecipientOutcome, RejectionKind, Roster,
    RosterEntry, RosterWatch, SendError, Sent, ServerRejection, TlsError, VersionMismatch,
};
pub use self::identity::{CertificateProblem, Fingerprint, FingerprintError};
pub use self::server::{Server, ServerBuilder, ServerHandle, StartError};
pub use self::trust::Trust;

/// Compiles and runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
