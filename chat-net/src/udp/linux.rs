//! Linux: sends datagrams to different peers with one system call, and turns off ancillary data.

use std::io::{self, IoSlice};
use std::net::SocketAddr;

use arrayvec::ArrayVec;
use chat_core::peer::Train;
use nix::sys::socket::{setsockopt, sockopt};
use rustix::net::addr::SocketAddrArg;
use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendFlags, SocketAddrAny, sendmmsg, sendto};
use tokio::net::UdpSocket;

use super::socket::converted;
use crate::interfaces::Zone;

/// The most datagrams that one system call sends. Larger batches gain nothing (measured up to 1,024).
const BATCH: usize = 64;

/// Sends up to [`BATCH`] datagrams with one system call. Returns the number of datagrams to remove from the slab. It
/// counts those that were sent, or one to an address that the socket cannot send to.
pub(super) fn send<'a>(
    socket: &UdpSocket,
    local: SocketAddr,
    zone: Option<Zone>,
    datagrams: impl Iterator<Item = Train<'a>>,
) -> io::Result<usize> {
    let mut to: ArrayVec<SocketAddrAny, BATCH> = ArrayVec::new();
    let mut bytes: ArrayVec<[IoSlice<'a>; 1], BATCH> = ArrayVec::new();
    for datagram in datagrams.take(BATCH) {
        match converted(datagram.to, local, zone) {
            Some(address) => {
                to.push(address.as_any());
                bytes.push([IoSlice::new(datagram.bytes)]);
            }
            // This socket cannot send there. Datagrams before this one go first.
            None if to.is_empty() => return Ok(1),
            None => break,
        }
    }
    if let ([to], [[bytes]]) = (to.as_slice(), bytes.as_slice()) {
        // A single datagram, the usual case between two people, needs none of the headers that sendmmsg takes.
        return Ok(sendto(socket, bytes, SendFlags::empty(), to).map(|_| 1)?);
    }
    let mut controls: [_; BATCH] = std::array::from_fn(|_| SendAncillaryBuffer::default());
    let parts = to.iter().zip(&bytes).zip(&mut controls);
    let mut headers: ArrayVec<MMsgHdr<'_>, BATCH> =
        parts.map(|((to, bytes), control)| MMsgHdr::new_with_addr(to, bytes, control)).collect();
    Ok(sendmmsg(socket, &mut headers, SendFlags::empty())?)
}

/// Turns off the ancillary data that `quinn-udp` requests and this crate does not read. Each option costs time per
/// datagram.
pub(super) fn disable_ancillary_data(socket: &UdpSocket) {
    // Errors are only logged, because an option that stays on does no other harm.
    let packet_options = [
        setsockopt(socket, sockopt::ReceiveTimestampns, &false),
        setsockopt(socket, sockopt::Ipv4PacketInfo, &false),
        setsockopt(socket, sockopt::Ipv6RecvPacketInfo, &false),
    ];
    let traffic_classes =
        [rustix::net::sockopt::set_ip_recvtos(socket, false), rustix::net::sockopt::set_ipv6_recvtclass(socket, false)];
    log::trace!("socket options: {packet_options:?} {traffic_classes:?}");
}
