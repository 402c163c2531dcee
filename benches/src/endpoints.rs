//! Sessions without a server, for all benchmarks of messages.

use std::io;

use chat_core::message::Content;
use chat_core::peer::PeerConfig;
use chat_core::text::Text;
use chat_net::peers::{Endpoint, EndpointOptions};
use tokio::runtime::{Builder, Runtime};

/// The default configuration, without the rate limit and with a large window: senders never wait for either.
pub fn peer_config() -> PeerConfig {
    let mut config = PeerConfig::default();
    config.rate = 0;
    config.window = 1024 * 1024;
    config
}

/// Creates a runtime for one thread.
///
/// # Errors
/// The system refuses its descriptors.
pub fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// Opens the endpoint of `user` on the current runtime.
///
/// # Errors
/// The socket cannot be opened.
///
/// # Panics
/// Panics if `user` is not a valid user name, or outside a runtime.
pub fn open(user: &str) -> io::Result<Endpoint> {
    let user = user.parse().expect("benchmarks use valid user names");
    let mut options = EndpointOptions::new(user, ([127, 0, 0, 1], 0).into());
    options.peer = peer_config();
    Endpoint::bind(options).map_err(io::Error::other)
}

/// Opens `count` endpoints on the current runtime.
///
/// # Errors
/// A socket cannot be opened.
///
/// # Panics
/// Panics outside a runtime.
pub fn open_peers(count: usize) -> io::Result<Vec<Endpoint>> {
    (0..count).map(|index| open(&format!("peer{index}"))).collect()
}

/// Adds `peers` to the roster of `sender`, and `sender` to theirs.
pub fn introduce(sender: &mut Endpoint, peers: &mut [Endpoint]) {
    sender.add_to_roster(peers.iter().map(Endpoint::entry));
    peers.iter_mut().for_each(|peer| peer.add_to_roster([sender.entry()]));
}

/// A text of `size` bytes.
///
/// # Errors
/// The text is empty or too long.
pub fn text(size: usize) -> io::Result<Content> {
    Ok(Content::Text(Text::parse(&"x".repeat(size)).map_err(io::Error::other)?))
}
