//! A client: one session, from login to leaving.
//!
//! [`Client::builder`] leads to a [`Client`], which is a stream of [events](Event) with a [handle](ClientHandle) for
//! commands. A bot that answers every private message:
//!
//! ```no_run
//! use chat_net::{Client, Event, Scope};
//!
//! # const FP: &str = ""; const PASSWORD: &str = "";
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut bot = Client::builder("chat.example:7777").fingerprint(FP)?.login("echo", PASSWORD).await?;
//! while let Some(event) = bot.next().await {
//!     match event {
//!         Event::Message(message) if message.scope() == Scope::Private => {
//!             let answer = format!("you said {}", message.text());
//!             if let Err(error) = bot.send(message.from(), answer).await {
//!                 println!("{} gets no answer: {error}", message.from());
//!             }
//!         }
//!         Event::Report(report) => println!("{}: {}", report.user, report.outcome), // alice: delivered
//!         _ => {}
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Where outcomes go
//!
//! Every message has exactly one outcome for each recipient. A [`Sent`] that exists gets all outcomes of its message.
//! The event stream gets the outcomes of all messages too, unless [`OutcomeEvents::Omitted`] is set. A `Sent` can be
//! dropped at any time. A loop over events must not await [`Sent::outcomes`]: a recipient that does not answer takes up
//! to 45 s.
//!
//! # The task behind it
//!
//! One task, the driver, owns both machines ([`chat_core::client::Client`] for the server, [`chat_core::peer::Peer`]
//! for the messages) and the UDP socket. The lower door to it is [`connect`] with [`ClientOptions`], which the builder
//! uses.
//!
//! ```text
//! ClientHandle --- commands --> driver --- events ----> Events
//!                               |    |     outcomes --> Sent
//!                    TLS, server     UDP, peers
//! ```

mod address_order;
mod builder;
mod collector;
mod command;
mod connect;
mod connect_error;
mod dial;
mod driver;
mod error;
mod event;
mod events;
mod handle;
mod hosts;
mod known;
mod link_status;
mod login_failure;
mod message;
mod network_watch;
mod offer;
mod options;
mod probe;
mod race;
mod reach_mode;
mod roster;
mod sent;
mod setting_error;
mod wire_types;

use std::ops::Deref;

pub use chat_core::client::{Credentials, Purpose};
pub use chat_core::roster::Entry;

pub use self::builder::ClientBuilder;
pub use self::connect::connect;
pub use self::connect_error::{ConnectError, DifferentKeys, TlsError};
pub use self::error::{ChangePasswordError, EndReason, SendError, SetAwayError};
pub use self::event::{Event, Notice};
pub use self::events::Events;
pub use self::handle::ClientHandle;
pub use self::link_status::LinkStatus;
pub use self::login_failure::LoginFailure;
pub use self::message::{MessageToken, ReceivedMessage};
pub use self::options::{ClientOptions, OutcomeEvents};
pub use self::probe::{probe, probe_any};
pub use self::reach_mode::{ReachMode, ReachModeError};
pub use self::roster::{Roster, RosterEntry, RosterWatch};
pub use self::sent::{RecipientOutcome, Sent};
pub use self::setting_error::ClientSettingError;
pub use self::wire_types::{RejectionKind, ServerRejection, VersionMismatch};
use crate::address::{AddressError, ServerAddress};
pub use crate::peers::AcceptMode;

/// A session with its events. All methods of [`ClientHandle`] can be called on it.
///
/// When it is dropped, the client leaves the session, unless another [`handle`](Self::handle) exists.
#[derive(Debug)]
pub struct Client {
    handle: ClientHandle,
    events: Events,
}

impl Client {
    /// Returns a builder for a client. `server` is a [`ServerAddress`], a `SocketAddr`, or text such as
    /// `chat.example:7777`; the port defaults to 7777. If the text is invalid, [`ClientBuilder::login`] and
    /// [`ClientBuilder::register`] fail with [`ClientSettingError::Server`].
    pub fn builder<S>(server: S) -> ClientBuilder
    where
        S: TryInto<ServerAddress>,
        AddressError: From<S::Error>,
    {
        ClientBuilder::new(server.try_into().map_err(AddressError::from))
    }

    const fn new(handle: ClientHandle, events: Events) -> Self {
        Self { handle, events }
    }

    /// The next event. `None` after [`Event::Left`] or [`Event::Ended`]. With [`AcceptMode::Automatic`], returning a
    /// message accepts it.
    ///
    /// # Cancel safety
    /// Dropping the future loses no event.
    pub async fn next(&mut self) -> Option<Event> {
        self.events.next().await
    }

    /// A handle to the session, for another task.
    pub fn handle(&self) -> ClientHandle {
        self.handle.clone()
    }

    /// Separates the handle from the events, for two tasks.
    pub fn split(self) -> (ClientHandle, Events) {
        (self.handle, self.events)
    }

    /// Leaves the session: refuses the messages that were not read, and sends goodbyes to the peers and the server.
    /// Returns within 3 s even if nobody answers. To read the last events, [`split`](Self::split) the client, and call
    /// [`ClientHandle::leave`].
    ///
    /// # Cancel safety
    /// If the future is dropped, the client leaves as well, unless a [`handle`](Self::handle) exists.
    pub async fn leave(self) {
        let Self { handle, events } = self;
        drop(events);
        handle.leave().await;
    }
}

impl Deref for Client {
    type Target = ClientHandle;

    fn deref(&self) -> &ClientHandle {
        &self.handle
    }
}
