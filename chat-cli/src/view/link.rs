//! How messages travel to a user, and what is wrong with that.

use std::net::SocketAddr;
use std::time::Duration;

use chat_core::peer::Rung;
use chat_net::client::LinkStatus;
use serde::Serialize;

use super::serialize::{as_micros, as_name, as_share};

/// The way that messages to a user take, and how well that works.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Link {
    /// How near the user is.
    #[serde(serialize_with = "as_name")]
    pub way: Rung,
    /// The address to which datagrams go, if the way is a direct one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<SocketAddr>,
    /// The round-trip time, once it is measured.
    #[serde(rename = "round_trip_us", serialize_with = "as_micros", skip_serializing_if = "Option::is_none")]
    pub round_trip: Option<Duration>,
    /// The share of the last packets that were lost.
    #[serde(serialize_with = "as_share")]
    pub loss: f32,
}

/// What is wrong with the link to a user, as far as this client knows. The notices of the same names report it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkTrouble {
    /// The user does not answer.
    Silent,
    /// This machine can reach no address of the user.
    NoAddress,
    /// The user's program broke the protocol.
    Misbehaved,
}

impl From<&LinkStatus> for Link {
    fn from(status: &LinkStatus) -> Self {
        let (way, address) = (status.rung(), status.address());
        Self { way, address, round_trip: status.round_trip(), loss: status.loss() }
    }
}
