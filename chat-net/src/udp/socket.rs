//! Opens the UDP socket: binds it, requests large buffers, and forbids fragmentation.

use std::io;
use std::net::{SocketAddr, SocketAddrV6};

use socket2::{Socket, Type};

use crate::bind;
use crate::interfaces::{Zone, needs_zone};

/// The requested receive buffer in bytes: room for the acks of ten thousand peers while this process is not scheduled.
pub(super) const RECEIVE_BUFFER: usize = 4 * 1024 * 1024;

/// The requested send buffer in bytes: room for 27 batches of datagrams.
const SEND_BUFFER: usize = 2 * 1024 * 1024;

/// Opens and binds a socket; see [`bind::bind`].
pub(super) fn open(address: SocketAddr) -> io::Result<Socket> {
    bind::bind(address, Type::DGRAM, |socket, address| {
        // Smaller buffers work too. The caller reads the receive buffer's size back.
        drop(socket.set_recv_buffer_size(RECEIVE_BUFFER));
        drop(socket.set_send_buffer_size(SEND_BUFFER));
        forbid_fragments(socket, address);
        Ok(())
    })
}

/// Converts `to` to the form that a socket bound to `local` sends to: mapped to IPv6 for a socket of both families, and
/// in `zone` if it is link-local. `None` if the socket cannot send there.
pub(super) fn converted(to: SocketAddr, local: SocketAddr, zone: Option<Zone>) -> Option<SocketAddr> {
    match (to, local) {
        (SocketAddr::V4(_), SocketAddr::V4(_)) => Some(to),
        (SocketAddr::V4(to), SocketAddr::V6(local)) => {
            local.ip().is_unspecified().then(|| SocketAddr::from((to.ip().to_ipv6_mapped(), to.port())))
        }
        (SocketAddr::V6(to), SocketAddr::V6(_)) if needs_zone(*to.ip()) => {
            zone.map(|zone| SocketAddrV6::new(*to.ip(), to.port(), 0, zone.get()).into())
        }
        (SocketAddr::V6(_), SocketAddr::V6(_)) => Some(to),
        (SocketAddr::V6(_), SocketAddr::V4(_)) => None,
    }
}

/// Sets the don't-fragment bit and ignores path MTU messages, which anybody could forge. Datagrams are small enough for
/// every path, and without path MTU messages each send costs the kernel less.
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

/// Other systems offer no way without unsafe code. Datagrams of 1,200 bytes are rarely fragmented anyway.
#[cfg(not(target_os = "linux"))]
fn forbid_fragments(_socket: &Socket, _address: SocketAddr) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_converted_to_what_the_socket_sends_to() {
        let [v4, v6, near]: [SocketAddr; 3] =
            ["10.0.0.7:5", "[2001:db8::7]:5", "[fe80::7]:5"].map(|address| address.parse().unwrap());
        let [any4, any6, one6]: [SocketAddr; 3] =
            ["0.0.0.0:1", "[::]:1", "[2001:db8::1]:1"].map(|address| address.parse().unwrap());
        let zone = Zone::new(3);
        assert_eq!(converted(v4, any4, zone), Some(v4));
        assert_eq!(converted(v4, any6, zone), Some("[::ffff:10.0.0.7]:5".parse().unwrap()));
        assert_eq!(converted(v4, one6, zone), None, "a socket bound to one IPv6 address has no IPv4 address");
        assert_eq!(converted(v6, any6, zone), Some(v6));
        assert_eq!(converted(v6, any4, zone), None);
        assert_eq!(converted(near, any6, zone), Some("[fe80::7%3]:5".parse().unwrap()));
        assert_eq!(converted(near, any6, None), None);
    }
}
