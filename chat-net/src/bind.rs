//! Binds TCP and UDP sockets. `[::]` means all addresses of both families on every machine.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::{Domain, Socket, Type};

/// Opens a socket, lets `prepare` set its options, and binds it. `prepare` receives the address to bind to.
///
/// On `[::]` the socket serves IPv4 too, whatever `net.ipv6.bindv6only` says. On a machine without IPv6, `[::]` becomes
/// `0.0.0.0`.
pub(crate) fn bind(
    address: SocketAddr,
    kind: Type,
    prepare: impl Fn(&Socket, SocketAddr) -> io::Result<()>,
) -> io::Result<Socket> {
    // An IPv6-only socket cannot bind to an IPv4-mapped address.
    let address = match address.ip().to_canonical() {
        ip if ip.is_ipv4() => SocketAddr::new(ip, address.port()),
        _ => address,
    };
    match open(address, kind, &prepare) {
        Err(_) if address.is_ipv6() && !has_ipv6() => {
            if address.ip() == Ipv6Addr::UNSPECIFIED {
                open(SocketAddr::from((Ipv4Addr::UNSPECIFIED, address.port())), kind, &prepare)
            } else {
                Err(io::Error::new(io::ErrorKind::Unsupported, "this machine has no IPv6; use an IPv4 address"))
            }
        }
        result => result,
    }
}

/// Why a UDP socket cannot be bound, for users.
pub(crate) fn udp_cause(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "another program uses this port; choose another one, or 0 for any".to_owned(),
        io::ErrorKind::AddrNotAvailable => {
            "this machine does not have that address; choose one of its own, or [::] for all".to_owned()
        }
        io::ErrorKind::PermissionDenied => "ports below 1024 need special permissions; choose a higher one".to_owned(),
        _ => error.to_string(),
    }
}

fn open(
    address: SocketAddr,
    kind: Type,
    prepare: impl Fn(&Socket, SocketAddr) -> io::Result<()>,
) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(address.ip() != Ipv6Addr::UNSPECIFIED)?;
    }
    socket.set_nonblocking(true)?;
    prepare(&socket, address)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn has_ipv6() -> bool {
    Socket::new(Domain::IPV6, Type::DGRAM, None)
        .and_then(|socket| socket.bind(&SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)).into()))
        .is_ok()
}
