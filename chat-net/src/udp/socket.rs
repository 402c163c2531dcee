//! Opens the socket: bound, with large buffers, without fragmentation.

use std::io;
use std::net::SocketAddr;

use socket2::{Socket, Type};

use crate::bind;

/// The requested receive buffer in bytes: room for the acks of ten thousand peers while this process is not scheduled.
pub(super) const RECEIVE_BUFFER: usize = 4 * 1024 * 1024;

/// The requested send buffer in bytes: room for some batches of datagrams.
const SEND_BUFFER: usize = 2 * 1024 * 1024;

/// Opens and binds a socket; see [`bind::bind`].
pub(super) /// Sets the don't-fragment bit and ignores path MTU messages, which anybody could forge. Datagrams are small enough for
/// every path, and each send costs the kernel less.
#[cfg(target_os = "linux")]
fn forbid_fragments(socket: &Socket, address: SocketAddr) {
    use rustix::net::sockopt::{self, Ipv4PathMtuDiscovery, Ipv6PathMtuDiscovery};
    // On a dual-stack socket, the IPv4 option applies to IPv4 datagrams.
    let v4 = sockopt::set_ip_mtu_discover(socket, Ipv4PathMtuDiscovery::PROBE);
    let v6 =
        if address.is_ipv6() { sockopt::set_ipv6_mtu_discover(socket, Ipv6PathMtuDiscovery::PROBE) } else { Ok(()) };
    if let Err(error) = v4.and(v6) {
        log::debug!("cannot forbid fragmentation: {error}");
    }
}

/// Other systems offer no way without unsafe code. Datagrams of 1,200 bytes are hardly ever fragmented anyway.
#[cfg(not(target_os = "linux"))]
fn forbid_fragments(_socket: &Socket, _address: SocketAddr) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_mapped_to_the_family_of_the_socket() {
        let [v4, v6]: [SocketAddr; 2] = ["10.0.0.7:5", "[2001:db8::7]:5"].map(|address| address.parse().unwrap());
        let [any4, any6]: [SocketAddr; 2] = ["0.0.0.0:1", "[::]:1"].map(|address| address.parse().unwrap());
        assert_eq!(mapped(v4, any4), Some(v4));
        assert_eq!(mapped(v4, any6), Some("[::ffff:10.0.0.7]:5".parse().unwrap()));
        assert_eq!(mapped(v6, any6), Some(v6));
        assert_eq!(mapped(v6, any4), None);
    }
}
