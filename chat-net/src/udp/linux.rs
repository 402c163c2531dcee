//! Linux: many datagrams to different peers in one call, and nothing told that nobody reads.

use std::io::{self, IoSlice};
use std::net::SocketAddr;

use arrayvec::ArrayVec;
use chat_core::peer::Train;
use nix::sys::socket::{setsockopt, sockopt};
use rustix::net::addr::SocketAddrArg;
use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendFlags, SocketAddrAny, sendmmsg, sendto};
use tokio::net::UdpSocket;

use super::socket::mapped;

/// Datagrams in one call: more of them gain nothing (measured from 16 to 1,024), fewer cost a system call each.
const BATCH: usize = 64;

/// Sends datagrams in one call; how many of them are done with.
pub(super) fn send<'a>(
    socket: &UdpSocket,
    local: SocketAddr,
    datagrams: impl Iterator<Item = Train<'a>>,
) -> io::Result<usize> {
    let mut to: ArrayVec<SocketAddrAny, BATCH> = ArrayVec::new();
    let mut bytes: ArrayVec<[IoSlice<'a>; 1], BATCH> = ArrayVec::new();
    for datagram in datagrams.take(BATCH) {
        match mapped(datagram.to, local) {
            Some(address) => {
                to.push(address.as_any());
                bytes.push([IoSlice::new(datagram.bytes)]);
            }
            // Nothing can be sent there; what stands before it goes first.
            None if to.is_empty() => return Ok(1),
            None => break,
        }
    }
    if let ([to], [[bytes]]) = (to.as_slice(), bytes.as_slice()) {
        // One that is alone, as in a conversation of two, leaves sooner without what a call for many has to set up.
        return Ok(sendto(socket, bytes, SendFlags::empty(), to).map(|_| 1)?);
    }
    let mut controls: [_; BATCH] = std::array::from_fn(|_| SendAncillaryBuffer::default());
    let parts = to.iter().zip(&bytes).zip(&mut controls);
    let mut headers: ArrayVec<MMsgHdr<'_>, BATCH> =
        parts.map(|((to, bytes), control)| MMsgHdr::new_with_addr(to, bytes, control)).collect();
    Ok(sendmmsg(socket, &mut headers, SendFlags::empty())?)
}

/// Each of these would cost every datagram some time in the kernel, and ours are told apart by their seals.
pub(super) fn ask_for_nothing_else(socket: &UdpSocket) {
    // What cannot be turned off only costs that time.
    let told = [
        setsockopt(socket, sockopt::ReceiveTimestampns, &false),
        setsockopt(socket, sockopt::Ipv4PacketInfo, &false),
        setsockopt(socket, sockopt::Ipv6RecvPacketInfo, &false),
    ];
    let classes =
        [rustix::net::sockopt::set_ip_recvtos(socket, false), rustix::net::sockopt::set_ipv6_recvtclass(socket, false)];
    log::trace!("socket options: {told:?} {classes:?}");
}
