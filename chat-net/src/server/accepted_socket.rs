//! A socket that the server has accepted, below TLS.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::relay::ConnectionHandle;
use crate::platform;

/// The most bytes that the kernel may hold for a client before it sends them, from the first relayed frame on: one TLS
/// record. What it holds beyond that would delay presence behind relayed datagrams. The line is still used fully, because
/// the kernel asks for more as soon as it sends.
const UNSENT: u32 = 16 * 1024;

/// Limits what the kernel holds as soon as something is relayed to the client. Not before: what the kernel does not take
/// stays in the memory of this program, and a snapshot is many times as long.
///
/// It wraps the socket because nothing else can reach that one once TLS and the two halves are above it.
#[derive(Debug)]
pub(super) struct AcceptedSocket {
    stream: TcpStream,
    handle: Arc<ConnectionHandle>,
    is_limited: bool,
}

impl AcceptedSocket {
    pub(super) fn new(stream: TcpStream, handle: Arc<ConnectionHandle>) -> Self {
        // Small frames must not wait for acknowledgements. A socket without this option works too.
        drop(stream.set_nodelay(true));
        Self { stream, handle, is_limited: false }
    }

    /// The stream, for a write.
    fn writing(&mut self) -> Pin<&mut TcpStream> {
        if !self.is_limited && self.handle.bypass.is_relayed_to() {
            self.is_limited = true;
            // A socket without this option works too.
            drop(platform::limit_unsent(&self.stream, UNSENT));
        }
        Pin::new(&mut self.stream)
    }
}

impl AsyncRead for AcceptedSocket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for AcceptedSocket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.writing().poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.writing().poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// A socket, its other end, and its handle.
    async fn accepted() -> (AcceptedSocket, TcpStream, Arc<ConnectionHandle>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let far = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (near, _) = listener.accept().await.unwrap();
        let handle = Arc::new(ConnectionHandle::new(0, 0));
        (AcceptedSocket::new(near, Arc::clone(&handle)), far, handle)
    }

    #[tokio::test]
    async fn small_frames_do_not_wait_for_acknowledgements() {
        let (near, _far, _) = accepted().await;
        assert!(near.stream.nodelay().unwrap());
    }

    #[tokio::test]
    async fn the_kernel_holds_little_that_is_unsent_once_something_is_relayed() {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut near, mut far, handle) = accepted().await;
        let is_limited = |near: &AcceptedSocket| platform::unsent_limit(&near.stream).unwrap() == Some(UNSENT);
        near.write_all(b"presence").await.unwrap();
        assert!(!is_limited(&near));
        handle.bypass.set_relayed_to();
        near.write_all(b"relayed").await.unwrap();
        assert_eq!(is_limited(&near), platform::LIMITS_UNSENT);
        drop(near);
        let mut all = Vec::new();
        far.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, b"presencerelayed");
    }
}
