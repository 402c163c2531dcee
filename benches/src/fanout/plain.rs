//! The limit: plain datagrams, neither sealed nor acknowledged, to sockets that only count them. A datagram begins with its
//! number, 8 bytes, big-endian.

use std::io::{self, IoSlice};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::Instant;

use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrIn, getsockname, sendmmsg};

use super::receivers::{Receivers, would_block_as_none};
use super::window::Window;
use super::{Case, Run, Watch};

/// The system call that sends plain datagrams.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SystemCall {
    /// `sendmmsg`, with 64 datagrams in each call.
    SendMmsg,
    /// `sendto`, with one datagram in each call.
    SendTo,
}

/// Datagrams in one call of `sendmmsg`.
const BATCH: usize = 64;

/// Sends plain datagrams to all receivers until all are delivered.
pub(super) fn run(case: &Case, call: SystemCall) -> io::Result<Run> {
    let (receivers, addresses) = open_receivers(case)?;
    let window = &receivers.window;
    let mut sender = Sender::new(addresses)?;
    let mut datagram = vec![b'x'; case.size.max(8)];
    let messages = case.comparison_messages();
    let total = messages * case.receivers as u64;
    let mut sent = 0;
    window.begin_run();
    let mut watch = Watch::start();
    loop {
        if sent < messages && sent - window.complete() < case.in_flight {
            sent += 1;
            datagram[..8].copy_from_slice(&sent.to_be_bytes());
            let turn = Instant::now();
            sender.send(&datagram, call)?;
            watch.busy += turn.elapsed();
        } else if watch.is_over(window.delivered(), total) {
            return Ok(watch.result(window.delivered(), total));
        } else {
            std::hint::spin_loop();
        }
    }
}

/// Opens the receivers. Returns their addresses in the form that `sendmmsg` takes.
fn open_receivers(case: &Case) -> io::Result<(Receivers, Vec<Option<SockaddrIn>>)> {
    let open = || {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.set_nonblocking(true)?;
        socket2::SockRef::from(&socket).set_recv_buffer_size(4 * 1024 * 1024)?;
        Ok(socket)
    };
    let sockets: Vec<UdpSocket> = (0..case.receivers).map(|_| open()).collect::<io::Result<_>>()?;
    let addresses = sockets.iter().map(|socket| getsockname(socket.as_raw_fd()).map(Some)).collect::<Result<_, _>>()?;
    // With one message in flight a second read would find nothing.
    let reads = case.in_flight.min(64);
    let mut buffer = [0; 65_536];
    let receive = move |_, socket: &mut UdpSocket, window: &Window| {
        for count in 0..reads {
            if would_block_as_none(socket.recv(&mut buffer))?.is_none() {
                return Ok(count);
            }
            window.arrived(buffer.first_chunk().map_or(0, |number| u64::from_be_bytes(*number)));
        }
        Ok(reads)
    };
    Ok((Receivers::poll(sockets, receive)?, addresses))
}

struct Sender {
    socket: UdpSocket,
    addresses: Vec<Option<SockaddrIn>>,
    headers: MultiHeaders<SockaddrIn>,
}

impl Sender {
    fn new(addresses: Vec<Option<SockaddrIn>>) -> io::Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket2::SockRef::from(&socket).set_send_buffer_size(2 * 1024 * 1024)?;
        Ok(Self { socket, addresses, headers: MultiHeaders::preallocate(BATCH, None) })
    }

    /// Sends `bytes` to every address once.
    fn send(&mut self, bytes: &[u8], call: SystemCall) -> io::Result<()> {
        if call == SystemCall::SendTo {
            let mut addresses = self.addresses.iter().flatten();
            return addresses.try_for_each(|to| self.socket.send_to(bytes, SocketAddr::from(*to)).map(drop));
        }
        let slices = [[IoSlice::new(bytes)]; BATCH];
        for mut to in self.addresses.chunks(BATCH) {
            while !to.is_empty() {
                let (fd, flags) = (self.socket.as_raw_fd(), MsgFlags::empty());
                to = &to[sendmmsg(fd, &mut self.headers, &slices[..to.len()], to, [], flags)?.count()..];
            }
        }
        Ok(())
    }
}
