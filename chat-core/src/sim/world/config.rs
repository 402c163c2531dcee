//! What the machines of a world are configured with.

use std::time::Duration;

use crate::client::ClientConfig;
use crate::peer::PeerConfig;
use crate::relay::RelayConfig;
use crate::roster::LinkFeatures;
use crate::server::ServerConfig;

/// The configuration of a world. Exhaustive, as [`Profile`](crate::sim::Profile) is.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "tests write literals")]
pub struct WorldConfig {
    /// The configuration of all server machines.
    pub server: ServerConfig,
    /// The configuration of all client machines.
    pub client: ClientConfig,
    /// The configuration of all peer machines.
    pub peer: PeerConfig,
    /// The mean duration of a job. Durations are uniform between 0.5 and 1.5 times the mean.
    pub job_time: Duration,
    /// The relay of each server. None means that no server relays, and no client asks for it.
    pub relay: Option<RelayConfig>,
}

impl WorldConfig {
    /// The configuration of a server machine: it states the terms of the relay.
    pub(super) fn of_server(&self) -> ServerConfig {
        ServerConfig { relay: self.relay.map(|relay| relay.terms()), ..self.server.clone() }
    }

    /// The configuration of a client machine: its links take relayed datagrams if there is a relay.
    pub(super) fn of_client(&self) -> ClientConfig {
        let link_features = if self.relay.is_some() { LinkFeatures::RELAY } else { LinkFeatures::NONE };
        ClientConfig { link_features, ..self.client }
    }
}

impl Default for WorldConfig {
    fn default() -> Self {
        Self {
            server: ServerConfig::default(),
            client: ClientConfig::default(),
            peer: PeerConfig::default(),
            // One password check on an ordinary core.
            job_time: Duration::from_millis(20),
            relay: None,
        }
    }
}
