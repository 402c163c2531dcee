//! TLS for connections that are idle for most of their lives: there is memory for records only while there are some.
//!
//! The buffered connections of rustls keep 4 KiB ready for what may come next, a third of what an idle session would
//! cost. The unbuffered ones leave memory to their caller: here, records are read onto the stack and opened there, and
//! only what came in part or was not taken yet is kept. What is read and kept here is wiped; rustls gives each text in
//! memory of its own, which it does not wipe.

mod seal;
#[cfg(test)]
mod tests;

use std::future::poll_fn;
use std::io::{self, ErrorKind, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, UnbufferedStatus};
use rustls::{Error, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use zeroize::{Zeroize, Zeroizing};

/// How much is read at once. On the stack and wiped, as records are opened in place.
const READ: usize = 4096;

/// The longest record (RFC 8446, 5.2): its header, the text, and what protecting it may add. What came in part is kept up
/// to this. A handshake message in several records is kept whole, and no client needs one that is longer.
const LONGEST_RECORD: usize = 5 + (1 << 14) + 256;

/// The server's end of a TLS connection.
///
/// Reading and writing are for one task: what TLS itself has to say to what was read goes out with what is written next.
pub(super) struct TlsStream<S> {
    socket: S,
    session: UnbufferedServerConnection,
    stage: Stage,
    /// The beginning of what has not come whole.
    incoming: Vec<u8>,
    /// What was opened and not taken yet, from `taken` on.
    opened: Zeroizing<Vec<u8>>,
    taken: usize,
    /// Records that the system has not taken yet, from `sent` on.
    outgoing: Vec<u8>,
    sent: usize,
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    Handshake,
    Open,
    /// The other side has said that it sends nothing more.
    PeerClosed,
    /// The other side broke the rules. Nothing more is read or said.
    Failed,
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream<S> {
    /// Shakes hands. Who cannot is told why, as far as that goes without waiting.
    ///
    /// # Errors
    /// The connection broke, or the other side does not speak TLS as it is spoken here.
    pub(super) async fn accept(config: Arc<ServerConfig>, socket: S) -> io::Result<Self> {
        let mut stream = Self {
            socket,
            session: UnbufferedServerConnection::new(config).map_err(io::Error::other)?,
            stage: Stage::Handshake,
            incoming: Vec::new(),
            opened: Zeroizing::default(),
            taken: 0,
            outgoing: Vec::new(),
            sent: 0,
        };
        poll_fn(|cx| stream.poll_handshake(cx)).await?;
        Ok(stream)
    }

    fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.stage == Stage::Handshake {
            ready!(self.poll_send(cx))?;
            ready!(self.poll_fill(cx))?;
        }
        self.poll_send(cx)
    }

    /// Reads once, and opens what came.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut stack = [const { MaybeUninit::uninit() }; READ];
        let mut fresh = ReadBuf::uninit(&mut stack);
        ready!(Pin::new(&mut self.socket).poll_read(cx, &mut fresh))?;
        if fresh.filled().is_empty() {
            return Poll::Ready(Err(ErrorKind::UnexpectedEof.into()));
        }
        let result = if self.incoming.is_empty() {
            self.open(fresh.filled_mut())
        } else {
            self.incoming.extend_from_slice(fresh.filled());
            if !is_whole(&self.incoming) {
                return Poll::Ready(Ok(()));
            }
            let mut records = Zeroizing::new(std::mem::take(&mut self.incoming));
            self.open(&mut records)
        };
        fresh.filled_mut().zeroize();
        if result.is_err() {
            // The last word, an alert. Nobody waits until the system takes it.
            drop(self.poll_send(cx));
        }
        Poll::Ready(result)
    }

    /// Writes what the system has not taken yet.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.outgoing.len() {
            let count = ready!(Pin::new(&mut self.socket).poll_write(cx, &self.outgoing[self.sent..]))?;
            if count == 0 {
                return Poll::Ready(Err(ErrorKind::WriteZero.into()));
            }
            self.sent += count;
        }
        self.outgoing = Vec::new();
        self.sent = 0;
        Poll::Ready(Ok(()))
    }
}

impl<S> TlsStream<S> {
    /// Opens the records in `input`, and keeps what has not come whole.
    fn open(&mut self, input: &mut [u8]) -> io::Result<()> {
        let failed = |error| io::Error::new(ErrorKind::InvalidData, error);
        let used = match self.advance(input) {
            Ok(used) => used,
            Err(error) => {
                self.stage = Stage::Failed;
                self.say_last();
                return Err(failed(error.to_string()));
            }
        };
        let rest = &input[used..];
        if rest.len() > LONGEST_RECORD {
            self.stage = Stage::Failed;
            return Err(failed("a handshake message is too long".to_owned()));
        }
        self.incoming = rest.to_vec();
        Ok(())
    }

    /// Lets TLS go on until it needs more than `input`; gives how much of that it is done with.
    fn advance(&mut self, input: &mut [u8]) -> Result<usize, Error> {
        let mut used = 0;
        loop {
            let UnbufferedStatus { mut discard, state } = self.session.process_tls_records(&mut input[used..]);
            let waits = match state? {
                ConnectionState::ReadTraffic(mut traffic) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record?;
                        discard += record.discard;
                        append(&mut self.opened, record.payload);
                    }
                    false
                }
                ConnectionState::EncodeTlsData(mut data) => {
                    seal::encode(&mut data, &mut self.outgoing).map_err(|error| Error::General(error.to_string()))?;
                    false
                }
                // In its order with all else that is sent.
                ConnectionState::TransmitTlsData(data) => {
                    data.done();
                    false
                }
                ConnectionState::PeerClosed => {
                    self.stage = Stage::PeerClosed;
                    true
                }
                ConnectionState::WriteTraffic(_) => {
                    if self.stage == Stage::Handshake {
                        self.stage = Stage::Open;
                    }
                    true
                }
                // Early data is never offered, and rustls may come to know other states.
                _ => true,
            };
            used += discard;
            if waits {
                return Ok(used);
            }
        }
    }

    /// After a failure: what TLS still has to say, an alert. It must not look at records any more, as it may remember places
    /// in those that it was given before.
    fn say_last(&mut self) {
        while self.session.wants_write() {
            let UnbufferedStatus { state, .. } = self.session.process_tls_records(&mut []);
            match state {
                Ok(ConnectionState::EncodeTlsData(mut data)) => {
                    if seal::encode(&mut data, &mut self.outgoing).is_err() {
                        return;
                    }
                }
                Ok(ConnectionState::ReadTraffic(mut traffic)) => while traffic.next_record().is_some() {},
                _ => return,
            }
        }
    }

    /// Gives what was opened, as much as there is room for. Whether there was something.
    fn take(&mut self, buf: &mut ReadBuf<'_>) -> bool {
        let rest = &self.opened[self.taken..];
        let count = rest.len().min(buf.remaining());
        buf.put_slice(&rest[..count]);
        self.taken += count;
        if self.taken == self.opened.len() {
            self.opened = Zeroizing::default();
            self.taken = 0;
        }
        count > 0
    }
}

/// Whether the first record has come whole, or never will. Until then nothing is gained by looking at it whenever a byte
/// comes.
fn is_whole(records: &[u8]) -> bool {
    let Some((header, rest)) = records.split_first_chunk::<5>() else { return false };
    let len = usize::from(u16::from_be_bytes([header[3], header[4]]));
    len <= rest.len() || len > LONGEST_RECORD
}

/// Without leaving anything behind in memory that is given back.
fn append(opened: &mut Zeroizing<Vec<u8>>, payload: &[u8]) {
    *opened = Zeroizing::new([opened, payload].concat());
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for TlsStream<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while !this.take(buf) && buf.remaining() > 0 {
            match this.stage {
                Stage::Handshake | Stage::Open => ready!(this.poll_fill(cx))?,
                Stage::PeerClosed => break,
                Stage::Failed => return Poll::Ready(Err(ErrorKind::NotConnected.into())),
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TlsStream<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, text: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(text)])
    }

    /// Takes more only when all that it took before is written. An error concerns that as well.
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        texts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_send(cx))?;
        if this.stage == Stage::Failed {
            return Poll::Ready(Err(ErrorKind::NotConnected.into()));
        }
        let count = seal::seal(&mut this.session, &mut this.incoming, texts, &mut this.outgoing)?;
        match this.poll_send(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Ready(Ok(count)),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_send(cx))?;
        Pin::new(&mut this.socket).poll_flush(cx)
    }

    /// Says that nothing more comes, and closes this direction.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.stage != Stage::Failed {
            seal::say_goodbye(&mut this.session, &mut this.incoming, &mut this.outgoing)?;
        }
        ready!(this.poll_send(cx))?;
        Pin::new(&mut this.socket).poll_shutdown(cx)
    }
}
