//! The socket itself: bound, with large buffers, its datagrams never cut up.

use std::io;
use std::net::{Ipv6Addr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};

/// Room for some thousand small datagrams, or for the acks of a group of ten thousand while we are not running.
pub(super) const RECEIVE_BUFFER: usize = 4 * 1024 * 1024;

/// Room for the datagrams of some batches.
const SEND_BUFFER: usize = 2 * 1024 * 1024;

/// Binds; `[::]` becomes `0.0.0.0` on a machine without IPv6.
pub(super) fn bind(address: SocketAddr) -> io::Result<Socket> {
    match open(address) {
        Err(_) if address.ip() == Ipv6Addr::UNSPECIFIED && !has_ipv6() => {
            open(SocketAddr::from(([0, 0, 0, 0], address.port())))
        }
        result => result,
    }
}

/// The address in the form of the socket's family; `None` if it has no such form, and then nothing can be sent there.
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
    // Whatever is granted will do; the caller reads it back.
    drop(socket.set_recv_buffer_size(RECEIVE_BUFFER));
    drop(socket.set_send_buffer_size(SEND_BUFFER));
    forbid_fragments(&socket, address);
    socket.bind(&address.into())?;
    Ok(socket)
}

/// Sets the don't-fragment bit and ignores path MTUs, which anybody could forge: our datagrams fit everywhere, and
/// each send costs the kernel less.
#[cfg(target_os = "linux")]
fn forbid_fragments(socket: &Socket, address: SocketAddr) {
    use rustix::net::sockopt::{self, Ipv4PathMtuDiscovery, Ipv6PathMtuDiscovery};
    // On a dual-stack socket the first is for the IPv4 datagrams among them.
    let v4 = sockopt::set_ip_mtu_discover(socket, Ipv4PathMtuDiscovery::PROBE);
    let v6 =
        if address.is_ipv6() { sockopt::set_ipv6_mtu_discover(socket, Ipv6PathMtuDiscovery::PROBE) } else { Ok(()) };
    if let Err(error) = v4.and(v6) {
        log::debug!("fragmentation cannot be forbidden: {error}");
    }
}

/// Elsewhere there is no way to it without unsafe code; datagrams of 1,200 bytes are hardly ever cut up anyway.
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
    fn addresses_take_the_form_of_the_socket() {
        let [v4, v6]: [SocketAddr; 2] = ["10.0.0.7:5", "[2001:db8::7]:5"].map(|address| address.parse().unwrap());
        let [any4, any6]: [SocketAddr; 2] = ["0.0.0.0:1", "[::]:1"].map(|address| address.parse().unwrap());
        assert_eq!(mapped(v4, any4), Some(v4));
        assert_eq!(mapped(v4, any6), Some("[::ffff:10.0.0.7]:5".parse().unwrap()));
        assert_eq!(mapped(v6, any6), Some(v6));
        assert_eq!(mapped(v6, any4), None);
    }
}
