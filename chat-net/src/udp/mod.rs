//! The UDP socket: everything that arrives goes to the peer machine, everything it has to say goes out.
//!
//! Reading and writing are done until the socket would block, a batch at a time; that is the only brake. Datagrams to
//! one peer that stand in a row leave in one call and, where the system can (Linux), as one packet that only the
//! network cuts up (GSO); what came that way is received so too (GRO). No error of a datagram ends anything: the
//! machine treats what was not sent like what was lost.

#[cfg(target_os = "linux")]
mod linux;
mod socket;

use std::cell::RefCell;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::task::Poll;

use chat_core::peer::{Datagram, Output, Peer, Slab, Train, Transmit};
use chat_core::time::Now;
use chat_core::wire::datagram::MAX_DATAGRAM;
use quinn_udp::{RecvMeta, UdpSocketState};
use tokio::io::Interest;
use tokio::net::UdpSocket;

use self::socket::{RECEIVE_BUFFER, mapped};
use crate::pace::Pace;

/// How many datagrams are sealed and sent before the receiving side is looked at again.
const SEND_BATCH: usize = 64;

/// How many datagrams one packet may hold until the network cuts it up: so many fit the longest packet there is.
const MAX_TRAIN: usize = 50;

/// How many packets are received in one call.
const RECEIVE_BATCH: usize = 8;

/// How many calls are made before the sending side, timers and commands get their turn.
const RECEIVE_BATCHES: usize = 16;

/// The longest packet, of which the system may make one from many datagrams.
const PACKET: usize = 65_535;

thread_local! {
    /// Where packets are received. All sockets of a thread share it, because it is used between two waits only.
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; RECEIVE_BATCH * PACKET].into_boxed_slice());
}

#[derive(Debug)]
pub(crate) struct Udp {
    socket: UdpSocket,
    state: UdpSocketState,
    local: SocketAddr,
    slab: Slab,
    /// The socket took no more; it is to be asked when it does.
    blocked: bool,
    warnings: Pace,
}

/// Whether another call can make progress immediately.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Progress {
    /// It can.
    More,
    /// Not before the socket is ready or the machine's deadline has passed.
    Idle,
}

impl Progress {
    /// [`Progress::More`] if either is.
    pub(crate) const fn or(self, other: Self) -> Self {
        match self {
            Self::More => Self::More,
            Self::Idle => other,
        }
    }
}

/// What the system granted of the receive buffer that was asked for, in bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct ReceiveBuffer {
    pub(crate) granted: usize,
    pub(crate) wanted: usize,
}

impl Udp {
    /// Binds; `[::]` receives IPv4 too, and becomes `0.0.0.0` on a machine without IPv6.
    pub(crate) fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = UdpSocket::from_std(socket::bind(address)?.into())?;
        let state = UdpSocketState::new((&socket).into())?;
        #[cfg(target_os = "linux")]
        linux::ask_for_nothing_else(&socket);
        Ok(Self {
            local: socket.local_addr()?,
            socket,
            state,
            slab: Slab::new(SEND_BATCH),
            blocked: false,
            warnings: Pace::warnings(),
        })
    }

    pub(crate) const fn local_address(&self) -> SocketAddr {
        self.local
    }

    /// Read back, because the system gives less than was asked for without an error.
    pub(crate) fn receive_buffer(&self) -> ReceiveBuffer {
        let size = socket2::SockRef::from(&self.socket).recv_buffer_size().unwrap_or(0);
        // Linux doubles the number, for its own book-keeping.
        let granted = if cfg!(target_os = "linux") { size / 2 } else { size };
        ReceiveBuffer { granted, wanted: RECEIVE_BUFFER }
    }

    /// Resolves when there is something to receive, or when what waits can be sent. Cancel safe.
    pub(crate) async fn ready(&self) {
        // Only one task ever waits, so that the socket's own place for a waker will do, which costs less than a future.
        let ready = std::future::poll_fn(|cx| match self.socket.poll_recv_ready(cx) {
            Poll::Pending if self.blocked => self.socket.poll_send_ready(cx),
            poll => poll,
        });
        if ready.await.is_err() {
            // The runtime is shutting down, and this task with it.
            std::future::pending::<()>().await;
        }
    }

    /// Resolves when what waits may be sent. Cancel safe.
    pub(crate) async fn writable(&self) {
        if self.socket.writable().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Hands what has arrived to the machine.
    pub(crate) fn receive(&mut self, peer: &mut Peer, now: Now, out: &mut Vec<Output>) -> Progress {
        BUFFER.with_borrow_mut(|buffer| {
            for _ in 0..RECEIVE_BATCHES {
                let mut meta = [RecvMeta::default(); RECEIVE_BATCH];
                let (count, progress) = self.fill(buffer, &mut meta);
                let packets = meta[..count].iter().zip(buffer.chunks_exact_mut(PACKET));
                let batch = packets.flat_map(|(meta, packet)| {
                    let datagrams = packet[..meta.len].chunks_mut(meta.stride.max(1));
                    datagrams.map(|bytes| Datagram { from: meta.addr, bytes })
                });
                peer.receive(now, batch, out);
                if progress == Progress::Idle {
                    return Progress::Idle;
                }
            }
            Progress::More
        })
    }

    /// Receives packets; how many, and whether there may be more.
    fn fill(&mut self, buffer: &mut [u8], meta: &mut [RecvMeta; RECEIVE_BATCH]) -> (usize, Progress) {
        let mut packets = buffer.chunks_exact_mut(PACKET);
        let mut slices: [_; RECEIVE_BATCH] =
            std::array::from_fn(|_| IoSliceMut::new(packets.next().unwrap_or_default()));
        let mut count = 0;
        let result = self.socket.try_io(Interest::READABLE, || {
            count = self.state.recv((&self.socket).into(), &mut slices, meta)?;
            // Where many are received in one call, few are all there were: tokio is told without another call.
            let dry = quinn_udp::BATCH_SIZE > 1 && count < RECEIVE_BATCH;
            if dry { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
        });
        match result {
            Ok(()) => (count, Progress::More),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => (count, Progress::Idle),
            // Mostly an ICMP message about something sent earlier; the next call gets what is behind it.
            Err(error) => {
                self.warn("received", &error);
                (0, Progress::More)
            }
        }
    }

    /// Sends what the machine has to say, at most one batch.
    pub(crate) fn transmit(&mut self, peer: &mut Peer, now: Now) -> Progress {
        let transmit = if self.slab.is_full() { Transmit::More } else { peer.transmit(now, &mut self.slab) };
        self.flush();
        if self.slab.is_empty() && transmit == Transmit::More { Progress::More } else { Progress::Idle }
    }

    /// Sends what waits in the slab; whether all of it is gone.
    pub(crate) fn flush(&mut self) -> bool {
        self.blocked = false;
        while !self.slab.is_empty() {
            let first = self.first_train();
            match self.socket.try_io(Interest::WRITABLE, || self.send_some()) {
                Ok(count) => self.slab.remove(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.blocked = true;
                    return false;
                }
                Err(error) => {
                    self.warn("sent", &error);
                    // Where long packets are not possible the state knows it now, and the datagrams go one by one.
                    if first == 1 || self.first_train() > 1 {
                        self.slab.remove(first);
                    }
                }
            }
        }
        true
    }

    /// Sends the first datagrams of the slab; how many of them are done with.
    fn send_some(&self) -> io::Result<usize> {
        #[cfg(target_os = "linux")]
        if self.first_train() == 1 {
            let singles = self.trains().take_while(|train| train.datagrams == 1);
            return linux::send(&self.socket, self.local, singles);
        }
        let Some(train) = self.trains().next() else { return Ok(0) };
        let Some(to) = mapped(train.to, self.local) else { return Ok(train.datagrams) };
        let segment_size = (train.datagrams > 1).then_some(MAX_DATAGRAM);
        let transmit =
            quinn_udp::Transmit { destination: to, ecn: None, contents: train.bytes, segment_size, src_ip: None };
        self.state.try_send((&self.socket).into(), &transmit)?;
        Ok(train.datagrams)
    }

    fn trains(&self) -> impl Iterator<Item = Train<'_>> {
        self.slab.trains(self.state.max_gso_segments().min(MAX_TRAIN))
    }

    fn first_train(&self) -> usize {
        self.trains().next().map_or(0, |train| train.datagrams)
    }

    fn warn(&mut self, what: &str, error: &io::Error) {
        if self.warnings.allows() {
            log::warn!("a datagram could not be {what}: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn addresses_that_cannot_be_bound_are_told_apart() {
        let taken = Udp::bind("127.0.0.1:0".parse().unwrap()).unwrap().local_address();
        let holder = Udp::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let in_use = Udp::bind(holder.local_address()).err().unwrap();
        assert_eq!(in_use.kind(), io::ErrorKind::AddrInUse);
        let not_ours = Udp::bind("192.0.2.1:0".parse().unwrap()).err().unwrap();
        assert_eq!(not_ours.kind(), io::ErrorKind::AddrNotAvailable);
        assert!(Udp::bind(taken).is_ok(), "a port that is free again can be bound");
    }

    #[tokio::test]
    async fn buffers_are_read_back_and_fragments_forbidden() {
        let udp = Udp::bind("[::]:0".parse().unwrap()).unwrap();
        assert!(udp.receive_buffer().granted > 0);
        #[cfg(target_os = "linux")]
        {
            use rustix::net::sockopt::{self, Ipv4PathMtuDiscovery};
            assert_eq!(sockopt::ip_mtu_discover(&udp.socket).unwrap(), Ipv4PathMtuDiscovery::PROBE);
        }
    }
}
