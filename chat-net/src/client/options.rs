//! The settings of a client, and which of them are impossible.

use std::net::{Ipv6Addr, SocketAddr};

use chat_core::client::{ClientConfig, Credentials};
use chat_core::peer::PeerConfig;
use chat_core::wire::control::Offer;

use super::setting_error::ClientSettingError;
use super::{AcceptMode, ReachMode};
use crate::address::{AdvertisedAddress, ServerAddress};
use crate::trust::Trust;

/// The settings of a client, for [`connect`](super::connect). [`ClientOptions::new`] sets the defaults.
///
/// This is the lower door, for programs that have all settings in their final types. Others use
/// [`Client::builder`](super::Client::builder).
#[derive(Debug)]
#[non_exhaustive]
pub struct ClientOptions {
    /// The server to connect to.
    pub server: ServerAddress,
    /// Further servers that share the roster of [`server`](Self::server) and have the same key or certificate authorities.
    /// The client connects to any of them, in random order, and to another one if its own does not answer. A host name
    /// with several addresses does the same. At most [`MAX_SERVERS`](Self::MAX_SERVERS) with the first.
    pub other_servers: Vec<ServerAddress>,
    /// How to decide whether the server is the right one.
    pub trust: Trust,
    /// The user name, password and purpose of the login. The password is wiped from memory once the server has accepted
    /// the login.
    pub login: Credentials,
    /// The address on which the UDP socket receives. The default, `[::]:0`, is any port on all addresses, IPv4 and
    /// IPv6.
    pub udp: SocketAddr,
    /// The addresses at which peers can reach this client: at most 4. If empty, the client detects its addresses.
    pub advertise: Vec<AdvertisedAddress>,
    /// Which ways the client uses to its peers. The default is [`ReachMode::Auto`].
    pub reach: ReachMode,
    /// When a received message counts as accepted. The default is [`AcceptMode::Automatic`].
    pub accept: AcceptMode,
    /// Whether outcomes are events. The default is [`OutcomeEvents::Included`].
    pub outcome_events: OutcomeEvents,
    /// The timeouts of the connection to the server. The driver sets its link features as [`reach`](Self::reach) says.
    pub machine: ClientConfig,
    /// The timeouts and limits of the links to peers.
    pub peer: PeerConfig,
}

/// Whether the outcomes of sent messages are events. A [`Sent`](super::Sent) that exists gets the outcomes of its
/// message in either case.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum OutcomeEvents {
    /// Every outcome is an [`Event::Report`](super::Event::Report), and the last one of a message to everyone is
    /// followed by an [`Event::Summary`](super::Event::Summary). The application has to read the event stream: unread
    /// outcomes count against the limit at which [`ClientHandle::send`](super::ClientHandle::send) fails.
    Included,
    /// The event stream contains neither. Only a [`Sent`](super::Sent) returns outcomes, and the application never
    /// learns those of one that it dropped.
    Omitted,
}

impl ClientOptions {
    /// The most servers that a client takes. It looks up all of them at once for each attempt, each on a thread of its own.
    /// A roster has a few servers, and more can stand behind one name.
    pub const MAX_SERVERS: usize = 16;

    /// A client that logs in at `server` with `login`, and has the default settings otherwise.
    pub fn new(server: ServerAddress, trust: Trust, login: Credentials) -> Self {
        Self {
            server,
            other_servers: Vec::new(),
            trust,
            login,
            udp: SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
            advertise: Vec::new(),
            reach: ReachMode::Auto,
            accept: AcceptMode::Automatic,
            outcome_events: OutcomeEvents::Included,
            machine: ClientConfig::default(),
            peer: PeerConfig::default(),
        }
    }

    /// Refuses settings with which no client works.
    pub(super) fn check(&self) -> Result<(), ClientSettingError> {
        let Self { other_servers, advertise, reach, machine, peer, .. } = self;
        Self::check_servers(other_servers)?;
        if *reach == ReachMode::Relay && !advertise.is_empty() {
            return Err(ClientSettingError::AdvertiseHidden);
        }
        if advertise.len() > Offer::MAX_ADDRESSES {
            return Err(ClientSettingError::TooManyAddresses { count: advertise.len() });
        }
        for (setting, time) in [
            ("connect_timeout", machine.connect_timeout),
            ("reply_timeout", machine.reply_timeout),
            ("min_backoff", machine.min_backoff),
            ("stall_threshold", machine.stall_threshold),
        ] {
            if time.is_zero() {
                return Err(ClientSettingError::NoTime { setting });
            }
        }
        let (min, max) = (machine.min_backoff, machine.max_backoff);
        if min > max {
            return Err(ClientSettingError::Backoff { min, max });
        }
        Ok(peer.check()?)
    }

    /// Refuses too many servers beside the first.
    pub(super) fn check_servers(others: &[ServerAddress]) -> Result<(), ClientSettingError> {
        match others.len() + 1 {
            count if count > Self::MAX_SERVERS => Err(ClientSettingError::TooManyServers { count }),
            _ => Ok(()),
        }
    }
}
