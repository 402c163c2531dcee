//! The UDP socket: passes received datagrams to the peer machine and sends the datagrams that the machine makes.
//!
//! It receives and sends in batches until the socket would block. Nothing else limits the rate. Consecutive datagrams
//! to one peer (a train) leave with one system call; where the system supports it (Linux), they travel through the
//! kernel as one packet (GSO), and packets that arrive in this form are received in one piece (GRO). An error affects
//! only its own datagrams: they count as lost, and the machine retransmits their messages. A system that lacks the options
//! for all this, as Wine does for IPv4 sockets, takes and gives one datagram with each call.

#[cfg(target_os = "linux")]
mod linux;
mod socket;

use std::cell::RefCell;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::task::Poll;

use chat_core::peer::{Datagram, Families, LinkLocal, Loopback, Output, Peer, Reach, Slab, Train, Transmit};
use chat_core::time::Now;
use chat_core::wire::datagram::MAX_DATAGRAM;
use quinn_udp::{RecvMeta, UdpSocketState};
use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::UdpSocket;

use self::socket::{RECEIVE_BUFFER, converted};
use crate::interfaces::Zone;
use crate::log_throttle::LogThrottle;

/// The most datagrams that one call of [`Udp::transmit`] seals and sends. Bounded, so that receiving gets its turn.
const SEND_BATCH: usize = 64;

/// The most datagrams in a train. 50 of the longest take 60,000 bytes, which fit into one packet.
const MAX_TRAIN: usize = 50;

/// The most packets that one system call receives.
const RECEIVE_BATCH: usize = 8;

/// The most system calls that one call of [`Udp::receive`] makes. Bounded, so that transmitting, timers and commands
/// get their turn.
const RECEIVE_BATCHES: usize = 16;

/// The longest UDP packet in bytes. With GRO, one packet holds many datagrams.
const MAX_PACKET: usize = 65_535;

thread_local! {
    /// The receive buffer. All sockets of a thread share it, because no call holds it across an await.
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; RECEIVE_BATCH * MAX_PACKET].into_boxed_slice());
}

/// A UDP socket with the slab that the peer machine fills.
#[derive(Debug)]
pub(crate) struct Udp {
    socket: UdpSocket,
    /// `None` if the system lacks the options of quinn-udp.
    state: Option<UdpSocketState>,
    local: SocketAddr,
    /// The zone of the link-local addresses that the socket sends to.
    zone: Option<Zone>,
    slab: Slab,
    /// The socket would block, and the slab holds datagrams for it.
    is_blocked: bool,
    warnings: LogThrottle,
}

/// Whether another call of the socket can make progress immediately.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Progress {
    /// Another call makes progress.
    More,
    /// Another call makes progress only once the socket is ready or the machine's deadline has passed.
    Idle,
}

impl Progress {
    /// [`Progress::More`] if at least one of the two is.
    pub(crate) const fn or(self, other: Self) -> Self {
        match self {
            Self::More => Self::More,
            Self::Idle => other,
        }
    }
}

/// The granted and the requested size of the socket's receive buffer, in bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct ReceiveBuffer {
    pub(crate) granted: usize,
    pub(crate) wanted: usize,
}

impl Udp {
    /// Binds a socket. On `[::]` it receives IPv4 too; on a machine without IPv6, `[::]` becomes `0.0.0.0`.
    pub(crate) fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = UdpSocket::from_std(socket::open(address)?.into())?;
        let state = UdpSocketState::new((&socket).into())
            .inspect_err(|error| log::debug!("datagrams are sent and received one by one: {error}"))
            .ok();
        #[cfg(target_os = "linux")]
        linux::disable_ancillary_data(&socket);
        let local = socket.local_addr()?;
        Ok(Self {
            local,
            zone: zone_of(local),
            socket,
            state,
            slab: Slab::new(SEND_BATCH),
            is_blocked: false,
            warnings: LogThrottle::default(),
        })
    }

    pub(crate) const fn local_address(&self) -> SocketAddr {
        self.local
    }

    /// Makes the zone of `local` the zone of all link-local addresses, unless the socket itself is bound to a zone. A
    /// peer with a link-local address is in the network over which this machine reached the server.
    pub(crate) fn use_zone_of(&mut self, local: SocketAddr) {
        self.zone = zone_of(self.local).or_else(|| zone_of(local));
    }

    /// The addresses that the socket can send to.
    pub(crate) fn reach(&self, loopback: Loopback) -> Reach {
        let mut reach = Reach::from(loopback);
        reach.families = match self.local {
            SocketAddr::V4(_) => Families::V4,
            SocketAddr::V6(local) if local.ip().is_unspecified() => Families::Both,
            SocketAddr::V6(_) => Families::V6,
        };
        reach.link_local = if self.zone.is_some() { LinkLocal::Allowed } else { LinkLocal::Ignored };
        reach
    }

    /// Reads the size back, because the system may grant less than requested without an error.
    pub(crate) fn receive_buffer(&self) -> ReceiveBuffer {
        let size = SockRef::from(&self.socket).recv_buffer_size().unwrap_or(0);
        // Linux reports twice the size, because it counts its own overhead.
        let granted = if cfg!(target_os = "linux") { size / 2 } else { size };
        ReceiveBuffer { granted, wanted: RECEIVE_BUFFER }
    }

    /// Resolves when the socket has something to receive, or can take the datagrams that wait in the slab. Cancel safe.
    pub(crate) async fn ready(&self) {
        // Polling directly costs less than a future. The socket keeps one waker per direction, which is enough because
        // only one task ever waits.
        let ready = std::future::poll_fn(|cx| match self.socket.poll_recv_ready(cx) {
            Poll::Pending if self.is_blocked => self.socket.poll_send_ready(cx),
            poll => poll,
        });
        if ready.await.is_err() {
            // The runtime is shutting down and drops this task.
            std::future::pending::<()>().await;
        }
    }

    /// Resolves when the socket can take datagrams. Cancel safe.
    pub(crate) async fn writable(&self) {
        if self.socket.writable().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Passes the datagrams that have arrived to the machine.
    pub(crate) fn receive(&mut self, peer: &mut Peer, now: Now, out: &mut Vec<Output>) -> Progress {
        BUFFER.with_borrow_mut(|buffer| {
            for _ in 0..RECEIVE_BATCHES {
                let mut meta = [RecvMeta::default(); RECEIVE_BATCH];
                let (count, progress) = self.receive_packets(buffer, &mut meta);
                let packets = meta[..count].iter().zip(buffer.chunks_exact_mut(MAX_PACKET));
                let batch = packets.flat_map(|(meta, packet)| {
                    let datagrams = packet[..meta.len].chunks_mut(meta.stride.max(1));
                    datagrams.map(|bytes| Datagram::new(meta.addr, bytes))
                });
                peer.receive(now, batch, out);
                if progress == Progress::Idle {
                    return Progress::Idle;
                }
            }
            Progress::More
        })
    }

    /// Receives packets with one system call. Returns how many, and whether there may be more.
    fn receive_packets(&mut self, buffer: &mut [u8], meta: &mut [RecvMeta; RECEIVE_BATCH]) -> (usize, Progress) {
        let Some(state) = &self.state else { return self.receive_one(&mut buffer[..MAX_PACKET], &mut meta[0]) };
        let mut count = 0;
        // Every second turn finds nothing, and then does not even prepare the call.
        let result = self.socket.try_io(Interest::READABLE, || {
            let mut packets = buffer.chunks_exact_mut(MAX_PACKET);
            let mut slices: [_; RECEIVE_BATCH] =
                std::array::from_fn(|_| IoSliceMut::new(packets.next().unwrap_or_default()));
            count = state.recv((&self.socket).into(), &mut slices, meta)?;
            // recvmmsg returned fewer than a full batch, so the socket is drained: clear readiness without another
            // system call.
            let is_drained = quinn_udp::BATCH_SIZE > 1 && count < RECEIVE_BATCH;
            if is_drained { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
        });
        self.received(result, count)
    }

    /// Like [`Self::receive_packets`], for a system that receives one packet with each call.
    fn receive_one(&mut self, packet: &mut [u8], meta: &mut RecvMeta) -> (usize, Progress) {
        let result = self.socket.try_recv_from(packet).map(|(length, from)| {
            (meta.addr, meta.len, meta.stride) = (from, length, length);
        });
        let count = usize::from(result.is_ok());
        self.received(result, count)
    }

    /// What the result of a system call means for the next one.
    fn received(&mut self, result: io::Result<()>, count: usize) -> (usize, Progress) {
        match result {
            Ok(()) => (count, Progress::More),
            // Windows reports an ICMP error about an earlier datagram to any peer in this way (WSAECONNRESET). It says
            // nothing about what else has arrived. SIO_UDP_CONNRESET would turn the reports off, but no library sets it.
            // They cannot keep this task busy alone: each call takes one report, each report needs a datagram that was
            // sent, and [`RECEIVE_BATCHES`] bounds the calls of a turn.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => (0, Progress::More),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => (count, Progress::Idle),
            // Usually an ICMP error about an earlier datagram. Reading it has cleared it.
            Err(error) => {
                self.warn("receive", &error);
                (0, Progress::More)
            }
        }
    }

    /// Lets the machine fill the slab, and sends it: at most one batch.
    pub(crate) fn transmit(&mut self, peer: &mut Peer, now: Now) -> Progress {
        let transmit = if self.slab.is_full() { Transmit::More } else { peer.transmit(now, &mut self.slab) };
        self.flush();
        if self.slab.is_empty() && transmit == Transmit::More { Progress::More } else { Progress::Idle }
    }

    /// Sends the datagrams in the slab. Returns whether the slab is empty now.
    pub(crate) fn flush(&mut self) -> bool {
        self.is_blocked = false;
        while !self.slab.is_empty() {
            let first = self.first_train();
            match self.socket.try_io(Interest::WRITABLE, || self.send_some()) {
                Ok(count) => self.slab.remove(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.is_blocked = true;
                    return false;
                }
                Err(error) => {
                    self.warn("send", &error);
                    // If the system rejected GSO, `state` now allows only shorter trains: try again. Otherwise drop the
                    // datagrams.
                    if first == 1 || self.first_train() > 1 {
                        self.slab.remove(first);
                    }
                }
            }
        }
        true
    }

    /// Sends the first datagrams of the slab with one system call. Returns how many of them to remove.
    fn send_some(&self) -> io::Result<usize> {
        #[cfg(target_os = "linux")]
        if self.first_train() == 1 {
            let singles = self.trains().take_while(|train| train.datagrams == 1);
            return linux::send(&self.socket, self.local, self.zone, singles);
        }
        let Some(train) = self.trains().next() else { return Ok(0) };
        let Some(to) = converted(train.to, self.local, self.zone) else { return Ok(train.datagrams) };
        let segment_size = (train.datagrams > 1).then_some(MAX_DATAGRAM);
        let transmit =
            quinn_udp::Transmit { destination: to, ecn: None, contents: train.bytes, segment_size, src_ip: None };
        match &self.state {
            Some(state) => state.try_send((&self.socket).into(), &transmit)?,
            None => drop(SockRef::from(&self.socket).send_to(train.bytes, &to.into())?),
        }
        Ok(train.datagrams)
    }

    fn trains(&self) -> impl Iterator<Item = Train<'_>> {
        let most = self.state.as_ref().map_or(1, UdpSocketState::max_gso_segments);
        self.slab.trains(most.min(MAX_TRAIN))
    }

    fn first_train(&self) -> usize {
        self.trains().next().map_or(0, |train| train.datagrams)
    }

    fn warn(&mut self, verb: &str, error: &io::Error) {
        if self.warnings.allows() {
            log::warn!("cannot {verb} a datagram: {error}");
        }
    }
}

/// The zone of an address that has one.
fn zone_of(address: SocketAddr) -> Option<Zone> {
    match address {
        SocketAddr::V4(_) => None,
        SocketAddr::V6(address) => Zone::new(address.scope_id()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn binding_fails_differently_for_used_ports_and_foreign_addresses() {
        let free = Udp::bind("127.0.0.1:0".parse().unwrap()).unwrap().local_address();
        let holder = Udp::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let in_use = Udp::bind(holder.local_address()).err().unwrap();
        assert_eq!(in_use.kind(), io::ErrorKind::AddrInUse);
        let foreign = Udp::bind("192.0.2.1:0".parse().unwrap()).err().unwrap();
        assert_eq!(foreign.kind(), io::ErrorKind::AddrNotAvailable);
        assert!(Udp::bind(free).is_ok(), "a port is free again once its socket is dropped");
    }

    #[tokio::test]
    async fn no_error_ends_receiving() {
        let mut udp = Udp::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        for (error, progress) in [
            (io::ErrorKind::ConnectionReset, Progress::More),
            (io::ErrorKind::HostUnreachable, Progress::More),
            (io::ErrorKind::WouldBlock, Progress::Idle),
        ] {
            assert_eq!(udp.received(Err(error.into()), 0), (0, progress), "{error:?}");
        }
        // On Windows, the system reports for each of these that nobody has the port.
        let closed = Udp::bind("127.0.0.1:0".parse().unwrap()).unwrap().local_address();
        for _ in 0..2 * RECEIVE_BATCHES {
            drop(SockRef::from(&udp.socket).send_to(b"nobody is here", &closed.into()));
        }
        std::net::UdpSocket::bind("127.0.0.1:0").unwrap().send_to(b"hello", udp.local_address()).unwrap();
        let mut buffer = vec![0; RECEIVE_BATCH * MAX_PACKET];
        loop {
            udp.ready().await;
            let mut meta = [RecvMeta::default(); RECEIVE_BATCH];
            if udp.receive_packets(&mut buffer, &mut meta).0 == 1 {
                assert_eq!(&buffer[..meta[0].len], b"hello");
                break;
            }
        }
    }

    #[tokio::test]
    async fn a_socket_knows_its_receive_buffer_and_forbids_fragmentation() {
        let udp = Udp::bind("[::]:0".parse().unwrap()).unwrap();
        assert!(udp.receive_buffer().granted > 0);
        #[cfg(target_os = "linux")]
        {
            use rustix::net::sockopt::{self, Ipv4PathMtuDiscovery};
            assert_eq!(sockopt::ip_mtu_discover(&udp.socket).unwrap(), Ipv4PathMtuDiscovery::PROBE);
        }
    }
}
