//! Warns the operator that a forwarder seems to be in front of the server, once for each of the forwarder's addresses.

use std::collections::HashSet;
use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

use crate::interfaces;

#[derive(Debug, Default)]
pub(super) struct ForwarderLog {
    reported: HashSet<IpAddr>,
    /// The addresses of this machine, and when they were listed.
    own: Option<(Instant, Vec<IpAddr>)>,
}

/// The most addresses that are reported. A server rarely has more than two forwarders.
const MAX_REPORTED: usize = 16;

/// How long the list of this machine's addresses counts as current.
const LIST_LIFE: Duration = Duration::from_secs(60);

impl ForwarderLog {
    /// Warns that a connection came from `observed`, although its client has another address, `offered`.
    pub(super) fn warn(&mut self, observed: IpAddr, offered: IpAddr) {
        if self.reported.contains(&observed) || self.reported.len() >= MAX_REPORTED {
            return;
        }
        // A client on the server's own machine has the machine's addresses and connects over loopback without a
        // forwarder.
        if observed.is_loopback() && self.is_own(offered) {
            return;
        }
        self.reported.insert(observed);
        log::warn!(
            "clients connect from {observed}, but one has the address {offered}: a port forwarder or tunnel seems to be in \
             front of this server. Peers receive the addresses that these clients offer. Limits per address count these \
             clients together. If all clients connect that way, set trust-observed to no"
        );
    }

    fn is_own(&mut self, ip: IpAddr) -> bool {
        let now = Instant::now();
        let (_, own) = match &mut self.own {
            Some(current) if now - current.0 < LIST_LIFE => current,
            outdated => outdated.insert((now, interfaces::addresses())),
        };
        own.contains(&ip)
    }
}
