//! The lower bound ("floor") of a join storm: a minimal server that performs the same number of TLS handshakes, sends
//! the same number of bytes, and does nothing else.

use std::future::poll_fn;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::net::Net;
use super::tls;

/// Bytes of one write: four TLS records.
const CHUNK: usize = 64 * 1024;

/// The listen backlog: the largest that the system accepts.
const BACKLOG: u32 = 65_535;

/// Opens a listener with a large backlog on a free port and prints its address.
#[expect(clippy::print_stdout, reason = "the parent process reads the address from standard output")]
pub(crate) fn listen() -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(([127, 0, 0, 1], 0).into())?;
    let listener = socket.listen(BACKLOG)?;
    println!("listening on {}", listener.local_addr()?);
    Ok(listener)
}

/// Serves until the process is killed: each client sends the number of bytes that it wants and receives them.
///
/// # Errors
/// Returns an error if the listener cannot be opened or fails, or if the identity in the data directory is unusable.
pub async fn serve(data: &Path) -> io::Result<()> {
    let tls = tls::server(&data.join("identity.pem"))?;
    let listener = listen()?;
    loop {
        let (stream, _) = listener.accept().await?;
        let tls = tls.clone();
        tokio::spawn(async move {
            // The client reports a connection that ends early.
            drop(push(stream, tls).await);
        });
    }
}

async fn push(stream: TcpStream, tls: TlsAcceptor) -> io::Result<()> {
    static BYTES: [u8; CHUNK] = [7; CHUNK];
    stream.set_nodelay(true)?;
    let mut stream = tls.accept(stream).await?;
    let mut left = stream.read_u64().await?;
    while left > 0 {
        let now = left.min(CHUNK as u64);
        stream.write_all(&BYTES[..now as usize]).await?;
        left -= now;
    }
    stream.flush().await?;
    // Wait until the client has read everything and closes the connection.
    stream.read_u8().await.map(drop)
}

/// Connects `clients` clients at the same time, which receive `bytes` bytes in total. Returns the elapsed time.
///
/// # Errors
/// Returns an error if a client does not receive all of its bytes.
pub(crate) async fn pull(net: &Arc<Net>, clients: usize, bytes: u64) -> io::Result<Duration> {
    let begin = Instant::now();
    let mut tasks = JoinSet::new();
    for index in 0..clients {
        let net = Arc::clone(net);
        let wanted = bytes / clients as u64 + u64::from((index as u64) < bytes % clients as u64);
        tasks.spawn(async move {
            let permit = net.dialling.acquire().await;
            let mut stream = net.dial(index, &Arc::default()).await?;
            stream.write_u64(wanted).await?;
            stream.flush().await?;
            let mut left = wanted;
            let mut permit = Some(permit);
            while left > 0 {
                let count = poll_fn(|cx| {
                    let polled = Pin::new(&mut stream).poll_fill_buf(cx);
                    polled.map_ok(<[u8]>::len)
                })
                .await?;
                if count == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                // Release the permit with the first bytes, as the other clients do when they are logged in.
                permit = None;
                Pin::new(&mut stream).consume(count);
                left = left.saturating_sub(count as u64);
            }
            drop(permit);
            Ok::<_, io::Error>((stream, Instant::now()))
        });
    }
    // Keep every connection open until all clients have finished, as in a storm.
    let mut streams = Vec::with_capacity(clients);
    let mut last = begin;
    while let Some(result) = tasks.join_next().await {
        let (stream, at) = result.map_err(io::Error::other)??;
        streams.push(stream);
        last = last.max(at);
    }
    Ok(last - begin)
}
