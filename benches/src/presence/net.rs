//! Connections of many clients on one machine: many source addresses, and arrival times recorded by the kernel.

use std::io::{self, ErrorKind, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::AsRawFd;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{SystemTime, UNIX_EPOCH};

use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt};
use nix::sys::time::{TimeSpec, TimeValLike};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, Interest, Join, ReadBuf, join};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::tls;

/// Number of clients that share a source address: below the server's default limits of 256 connections,
/// and of 512 handshakes in quick succession.
const CLIENTS_PER_ADDRESS: usize = 100;

/// Connects clients to one server, or to several that share a roster.
pub(crate) struct Net {
    servers: Vec<SocketAddr>,
    tls: TlsConnector,
    /// Limits how many clients connect and log in at the same time.
    pub(crate) dialling: Semaphore,
    arrivals: Arrivals,
}

/// Whether the kernel records when bytes arrive. Recording has a small cost, so only scenarios that need it request it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Arrivals {
    Recorded,
    Ignored,
}

impl Net {
    pub(crate) fn new(server: SocketAddr, dialling: usize, arrivals: Arrivals) -> io::Result<Arc<Self>> {
        Self::to_any(vec![server], dialling, arrivals)
    }

    /// As [`new`](Self::new), with at least one server.
    pub(crate) fn to_any(servers: Vec<SocketAddr>, dialling: usize, arrivals: Arrivals) -> io::Result<Arc<Self>> {
        Ok(Arc::new(Self { servers, tls: tls::client()?, dialling: Semaphore::new(dialling), arrivals }))
    }

    pub(crate) fn servers(&self) -> usize {
        self.servers.len()
    }

    /// Connects client number `index` from its source address to a server and performs the TLS handshake. If arrivals
    /// are recorded, the time of the latest is stored in `arrived`.
    pub(crate) async fn dial(
        &self,
        server: usize,
        index: usize,
        arrived: &Arc<AtomicU64>,
    ) -> io::Result<TlsStream<Socket>> {
        let server = self.servers[server];
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(source(index), 0))?;
        let stream = socket.connect(server).await?;
        stream.set_nodelay(true)?;
        let arrived = match self.arrivals {
            Arrivals::Recorded => {
                setsockopt(&stream, sockopt::ReceiveTimestampns, &true)?;
                Some(Arc::clone(arrived))
            }
            Arrivals::Ignored => None,
        };
        let (stream, writer) = stream.into_split();
        self.tls.connect(ServerName::from(server.ip()), join(Reader { stream, arrived }, writer)).await
    }
}

/// The source address of client number `index`.
pub(crate) fn source(index: usize) -> IpAddr {
    let [.., high, low] = u32::try_from(index / CLIENTS_PER_ADDRESS + 1).unwrap_or(u32::MAX).to_be_bytes();
    Ipv4Addr::new(127, 1, high, low).into()
}

/// The current time in nanoseconds, on the clock of the kernel's arrival times.
pub(crate) fn wall_nanos() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// A socket of a client.
pub(crate) type Socket = Join<Reader, OwnedWriteHalf>;

/// The receiving half of a socket. It can record when the most recently read bytes arrived, on the clock of
/// [`wall_nanos`]. Over loopback that is when the server wrote them.
pub(crate) struct Reader {
    stream: OwnedReadHalf,
    arrived: Option<Arc<AtomicU64>>,
}

impl AsyncRead for Reader {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Self { stream, arrived } = &mut *self;
        let Some(arrived) = arrived else { return Pin::new(stream).poll_read(cx, buf) };
        let stream: &TcpStream = stream.as_ref();
        loop {
            ready!(stream.poll_read_ready(cx))?;
            let mut received = None;
            let read = stream.try_io(Interest::READABLE, || {
                let space = buf.initialize_unfilled();
                let room = space.len();
                let mut slices = [IoSliceMut::new(space)];
                let mut space = nix::cmsg_space!(TimeSpec);
                let message = recvmsg::<()>(stream.as_raw_fd(), &mut slices, Some(&mut space), MsgFlags::empty())?;
                for control in message.cmsgs()? {
                    if let ControlMessageOwned::ScmTimestampns(at) = control {
                        arrived.store(at.num_nanoseconds() as u64, Ordering::Relaxed);
                    }
                }
                received = Some(message.bytes);
                // A short read means that the socket is drained: clear readiness without another syscall, as tokio's
                // own streams do. Zero bytes mean the end of the stream, which stays readable.
                if (1..room).contains(&message.bytes) { Err(ErrorKind::WouldBlock.into()) } else { Ok(()) }
            });
            match (received, read) {
                (Some(bytes), _) => {
                    buf.advance(bytes);
                    return Poll::Ready(Ok(()));
                }
                (None, Err(error)) if error.kind() != ErrorKind::WouldBlock => return Poll::Ready(Err(error)),
                (None, _) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_socket_that_records_arrivals_reads_the_whole_stream_up_to_its_end() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut far, _) = listener.accept().await.unwrap();
        setsockopt(&stream, sockopt::ReceiveTimestampns, &true).unwrap();
        let (arrived, before) = (Arc::<AtomicU64>::default(), wall_nanos());
        let (stream, _writer) = stream.into_split();
        let mut socket = Reader { stream, arrived: Some(Arc::clone(&arrived)) };
        // The kernel starts to record arrivals shortly after the option is set.
        while arrived.load(Ordering::Relaxed) == 0 {
            far.write_all(b"x").await.unwrap();
            socket.read_exact(&mut [0]).await.unwrap();
            tokio::task::yield_now().await;
        }
        let sent: Vec<u8> = (0..=u8::MAX).cycle().take(100_000).collect();
        let send = async {
            for piece in sent.chunks(1_237) {
                far.write_all(piece).await.unwrap();
                tokio::task::yield_now().await;
            }
            drop(far);
        };
        let mut read = Vec::new();
        let ((), result) = tokio::join!(send, socket.read_to_end(&mut read));
        assert_eq!((result.unwrap(), read), (sent.len(), sent));
        let arrived = arrived.load(Ordering::Relaxed);
        assert!((before..=wall_nanos()).contains(&arrived), "{arrived} is not after {before}");
    }

    #[test]
    fn each_source_address_serves_a_limited_number_of_clients() {
        assert_eq!(source(0), source(CLIENTS_PER_ADDRESS - 1));
        assert_ne!(source(0), source(CLIENTS_PER_ADDRESS));
        assert_eq!(source(25_600), IpAddr::from([127, 1, 1, 1]));
    }
}
