//! Opens the socket: bound, with large buffers, without fragmentation.

use std::io;
use std::net::{Ipv6Addr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};

/// The requested receive buffer in bytes: room for the acks of ten thousand peers while this process is not scheduled.
pub(super) const RECEIVE_BUFFER: usize = 4 * 1024 * 1024;

/// The requested send buffer in bytes: room for some batches of datagrams.
const SEND_BUFFER: usize = 2 * 1024 * 1024;

/// Opens and binds a socket. On a machine without IPv6, `[::]` becomes `0.0.0.0`.
pub(super) fn bind(address: SocketAddr) -> io::Result<Socket> {
    match open(address) {
        Err(_) if address.ip() == Ipv6Addr::UNSPECIFIED && !has_ipv6() => {
            open(SocketAddr::from(([0, 0, 0, 0], address.port())))
        }
        result => result,
    }
}

/// Converts `to` to the address family of a socket bound to `local`. `None` if an IPv4 socket cannot send there.
pub(super) fn mapped(to: SocketAddr, local: SocketAddr) -> Option<SocketAddr> {
    match (to, local) {
        (SocketAddr::V4(to), SocketAddr::V6(_)) => Some(SocketAddr::from((to.ip().to_ipv6_mapped(), to.port()))),
        (SocketAddr::V6(_), SocketAddr::V4(_)) => None,
        _ => Some(to),
    }
}

fn open(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(address.ip() != Ipv6Addr::UNSPECIFIED)?;
    }
    socket.set_nonblocking(true)?;
    // Smaller buffers work too. The caller reads the receive buffer's size back.
    drop(socket.set_recv_buffer_size(RECEIVE_BUFFER));
    drop(socket.set_send_buffer_size(SEND_BUFFER));
    forbid_fragments(&socket, address);
    socket.bind(&address.into())?;
    Ok(socket)
}

/// Sets the don't-fragment bit and ignores path MTU messages, which anybody could forge. Datagrams are small enough for
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

fn has_ipv6() -> bool {
    Socket::new(Domain::IPV6, Type::DGRAM, Some(Protocol::UDP))
        .and_then(|socket| socket.bind(&SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)).into()))
        .is_ok()
}

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
