//! Chat over real sockets, on tokio: a presence server ([`Server`]), its client ([`Client`]), and messages without a
//! server ([`peers::Endpoint`]).
//!
//! The server checks accounts and knows who is online. Messages travel sealed over UDP, directly from client to client,
//! and through the server only where there is no direct way. The sender receives one outcome per recipient. Clients
//! reconnect by themselves, and direct conversations continue while the server is away.
//!
//! **What it is not.** There is no hole punching, no mailbox and no history: a user who is offline receives nothing.
//! The crate stores no accounts: they come from `chat-store` (SQLite, MySQL), from memory, or from your own
//! implementation of [`Accounts`]. The rules are in [`chat_core`], without I/O.
//!
//! # A server and two clients
//!
//! ```
//! use chat_core::accounts::memory::MemoryAccounts;
//! use chat_net::{Client, Recipient, Server};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let data = folder.path().join("data");
//! let server = Server::builder(MemoryAccounts::new()).data_dir(data).bind("127.0.0.1:0").await?;
//! let (address, fingerprint, handle) = (server.address(), server.fingerprint(), server.handle());
//! let running = tokio::spawn(server.run());
//! let mut bob = Client::builder(address).fingerprint(fingerprint)?.register("bob", "correct horse").await?;
//! let alice = Client::builder(address).fingerprint(fingerprint)?.register("alice", "correct horse").await?;
//! let sent = alice.send(Recipient::Everyone, "大家好").await?;
//! while let Some(event) = bob.next().await {
//!     println!("{event:?}"); // Alice comes online, and her message arrives.
//! #   if matches!(event, chat_net::Event::Message(_)) { break; }
//! }
//! assert!(sent.outcomes().await[0].is_delivered());
//! # alice.leave().await;
//! # bob.leave().await;
//! handle.stop();
//! running.await??;
//! # Ok(())
//! # }
//! ```
//!
//! # Where to begin
//!
//! - A bot: [`Client::builder`], and the module [`client`].
//! - A server in your program: [`Server::builder`], and [`ServerHandle`] for its roster and its numbers. A test suite
//!   starts one with [`MemoryAccounts`](chat_core::accounts::memory::MemoryAccounts), as above.
//! - Messages among members that your program knows already: [`peers`].
//! - The lower door, for programs that have all parts themselves: [`server::serve`] and [`client::connect`].
//!
//! The crate re-exports the types of [`chat_core`] that its interface shows: those that most programs need at its root,
//! those of the lower door in [`client`], and those of a session without a server in [`peers`]. Enums and options that
//! may grow are `#[non_exhaustive]`: start from the default options and change their fields. No type of another library
//! is public, except for types of tokio.
//!
//! `docs/EMBEDDING.md` in the repository is a guided tour with complete programs.
//!
//! # The delivery contract
//!
//! While both sessions live, a message is given to the receiving application at most once, in its sender's order, and
//! exactly once if its outcome is [`Delivered`](Outcome::Delivered). Every message has exactly one outcome per
//! recipient, which never changes. A message is accepted when [`Client::next`] returns it, unless
//! [`AcceptMode::Manual`] is set. An outcome comes at the latest after the
//! [`link_timeout`](ClientBuilder::link_timeout), 45 s. [`Failed`](Outcome::Failed) means that the receiving
//! application certainly did not accept the message, and [`Unconfirmed`](Outcome::Unconfirmed) that nobody knows.
//! `docs/DELIVERY.md` in the repository names the test that proves each sentence.
//!
//! # Bounds
//!
//! Every queue has a named limit, and a task that serves many never waits for a single connection or peer.
//!
//! - A message has 1 to 16,384 bytes. [`ClientHandle::send`] fails while 1,024 messages or 1 MiB wait for the
//!   recipient.
//! - A receiver accepts 50 messages per second from each peer on average, and bursts of 500. Faster senders wait; see
//!   [`PeerConfig`].
//! - If an application does not read its [`Events`], its peers wait before they send more. `send` fails while too many
//!   outcomes are unread.
//! - The server drops a client that does not read. [`ServerConfig`] lists its limits, whose
//!   defaults suit ten thousand sessions.
//! - Datagrams that the socket cannot take yet wait in a bounded buffer. A datagram that the system refuses to send
//!   counts as lost, as it would in the network.
//!
//! # Threat model
//!
//! All connections use TLS 1.3, without early data and without session resumption, and with hybrid post-quantum key
//! exchange where both ends support it. Links between clients are encrypted with keys of the two sessions. The
//! cryptography comes from aws-lc. Nobody on the network can read, forge or replay messages. Neither can the server, as
//! long as it publishes the keys that it received. A client trusts a server by its fingerprint or by an authority
//! ([`trust`]), and [`identity`] says what a server keeps. `SECURITY.md` in the repository states what each kind of
//! attacker can do.

// An exhaustive type needs a reason in its documentation.
#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

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
mod platform;
mod random;
mod relay_line;
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
pub use chat_core::away::{AwayText, AwayTextError};
pub use chat_core::client::ClientConfig;
pub use chat_core::id::{AccountId, MessageId, SessionId};
pub use chat_core::invitation::{InvitationCode, InvitationCodeError};
pub use chat_core::message::{
    Content, ContentRef, FailReason, Message, Outcome, Recipient, Report, Scope, SentAt, UnconfirmedReason,
};
pub use chat_core::name::{NameError, UserName};
pub use chat_core::password::{Password, PasswordError};
pub use chat_core::peer::{PeerConfig, Rung};
pub use chat_core::presence::{OfflineReason, Presence, PresenceEvent, Record};
pub use chat_core::relay::{ParcelResult, RelayConfig, RelayCounts, RelaySettingError};
pub use chat_core::server::{
    Count, Limit, ObservedAddresses, PublishInterval, RegistrationPolicy, ServerConfig, SettingError, ThrottleConfig,
};
pub use chat_core::text::{Text, TextError};
pub use chat_core::time::Timestamp;

pub use self::address::{AddressError, AdvertisedAddress, ServerAddress};
pub use self::client::{
    AcceptMode, ChangePasswordError, Client, ClientBuilder, ClientHandle, ClientSettingError, ConnectError, EndReason,
    Event, Events, LinkStatus, LoginFailure, MessageToken, Notice, OutcomeEvents, ReachMode, ReceivedMessage,
    RecipientOutcome, RejectionKind, Roster, RosterEntry, RosterWatch, SendError, Sent, ServerRejection, SetAwayError,
    TlsError, VersionMismatch,
};
pub use self::identity::{CertificateProblem, Fingerprint, FingerprintError};
pub use self::server::{Server, ServerBuilder, ServerHandle, StartError};
pub use self::trust::Trust;

/// Compiles and runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
