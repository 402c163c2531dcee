//! Chat over real sockets: the presence server ([`server`]) and the client ([`client`]) on tokio.
//!
//! Both are thin drivers around the machines of [`chat_core`]. The server knows who has an account and who is here; the
//! messages go straight from client to client over UDP, sealed, and each has an outcome that its sender is told.
//!
//! # A room of one process
//!
//! ```
//! use std::sync::Arc;
//!
//! use chat_core::accounts::memory::MemoryAccounts;
//! use chat_core::client::Credentials;
//! use chat_core::message::{Content, Recipient};
//! use chat_core::text::Text;
//! use chat_core::wire::control::Purpose;
//! use chat_net::client::{ClientOptions, Event, connect};
//! use chat_net::identity::ServerIdentity;
//! use chat_net::server::{ServerOptions, serve};
//! use chat_net::trust::Trust;
//! use tokio::net::TcpListener;
//! use tokio::sync::oneshot;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // The server. An embedder brings accounts of its own; those of chat-store live in SQLite or MySQL.
//! let folder = tempfile::tempdir()?;
//! let identity = ServerIdentity::load_or_create(folder.path())?;
//! let fingerprint = identity.fingerprint();
//! let listener = TcpListener::bind("127.0.0.1:0").await?;
//! let address = listener.local_addr()?;
//! let (stop, stopped) = oneshot::channel::<()>();
//! let server = tokio::spawn(serve(
//!     listener,
//!     identity,
//!     Arc::new(MemoryAccounts::new()),
//!     ServerOptions::default(),
//!     |record| println!("{record}"),
//!     async { drop(stopped.await) },
//! ));
//!
//! // Two clients. They know the server by its fingerprint, so nobody has to be asked.
//! let join = async |user: &str| {
//!     let login = Credentials {
//!         user: user.parse().expect("a user name"),
//!         password: chat_core::password::Password::parse("correct horse").expect("a password"),
//!         purpose: Purpose::Register,
//!         invitation: None,
//!     };
//!     connect(ClientOptions::new(address.into(), Trust::Fingerprint(fingerprint), login)).await
//! };
//! let (bob, mut hears) = join("bob").await?;
//! let (alice, _events) = join("alice").await?;
//!
//! let sent = alice.send(Recipient::Everyone, Content::Text(Text::parse("大家好")?)).await?;
//! assert_eq!(sent.recipients, 1);
//! loop {
//!     match hears.next().await {
//!         Some(Event::Message { message, .. }) => {
//!             assert_eq!(message.from.as_str(), "alice");
//!             break;
//!         }
//!         Some(_) => {} // alice came online, and notices
//!         None => panic!("the session is over"),
//!     }
//! }
//! assert_eq!(alice.idle(std::time::Duration::from_secs(10)).await, 0);
//!
//! alice.leave().await;
//! bob.leave().await;
//! drop(stop);
//! server.await??;
//! # Ok(())
//! # }
//! ```
//!
//! # What is bounded
//!
//! Every queue has a named bound, and nothing waits for a single connection or peer inside a task that serves many: a
//! client that does not read is dropped, a datagram that cannot be sent is lost as if the network had lost it, and an
//! application that does not read its [`client::Events`] makes senders wait.
//!
//! # Security
//!
//! TLS 1.3 only, without early data and session resumption, with hybrid post-quantum key exchange where both ends have
//! it; the cryptography is aws-lc. See [`trust`] for whom a client believes, and [`identity`] for what a server keeps.

mod clock;
mod connection;
mod error;
mod files;
mod fingerprint;
mod framed;
mod frames;
mod outbox;
mod pace;
mod random;
mod tls;
mod udp;

pub mod address;
pub mod client;
pub mod identity;
pub mod peers;
pub mod server;
pub mod trust;
