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
//! use chat_core::client::Credentials;
//! use chat_core::message::{Content, Recipient};
//! use chat_core::text::Text;
//! use chat_core::wire::control::Purpose;
//! use chat_net::Server;
//! use chat_net::client::{ClientOptions, Event, connect};
//! use chat_net::trust::Trust;
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
//! let join = async |user: &str| {
//!     let login = Credentials {
//!         user: user.parse().expect("a user name"),
//!         password: chat_core::password::Password::parse("correct horse").expect("a password"),
//!         purpose: Purpose::Register,
//!         invitation: None,
//!     };
//!     connect(ClientOptions::new(address.into(), Trust::Fingerprint(fingerprint), login)).await
//! };
//! let (bob, mut events) = join("bob").await?;
//! let (alice, _unread) = join("alice").await?;
//!
//! let sent = alice.send(Recipient::Everyone, Content::Text(Text::parse("大家好")?)).await?;
//! assert_eq!(sent.recipients, 1);
//! loop {
//!     match events.next().await {
//!         Some(Event::Message { message, .. }) => {
//!             assert_eq!(message.from.as_str(), "alice");
//!             break;
//!         }
//!         Some(_) => {} // presence and notices
//!         None => panic!("the session is over"),
//!     }
//! }
//! assert_eq!(alice.idle(std::time::Duration::from_secs(10)).await, 0);
//!
//! alice.leave().await;
//! bob.leave().await;
//! handle.stop();
//! running.await??;
//! # Ok(())
//! # }
//! ```
//!
//! # Limits
//!
//! Every queue has a named limit, and a task that serves many never waits for a single connection or peer. The server
//! drops a client that does not read. A datagram that the socket does not take counts as lost, as it would in the
//! network. If an application does not read its [`client::Events`], its peers wait before they send more.
//!
//! # Security
//!
//! All connections use TLS 1.3, without early data and without session resumption, and with hybrid post-quantum key
//! exchange where both ends support it. The cryptography is aws-lc. [`trust`] describes how a client decides which server
//! to trust, and [`identity`] what a server keeps.

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

pub use self::server::{Server, ServerBuilder, ServerHandle, StartError};

/// Compiles and runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
