//! The lower bound ("floor") of a join storm: a minimal server that performs the same number of TLS handshakes, sends
//! the same number of bytes, and does nothing else.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, copy_buf, sink};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::server::TlsStream;

use super::net::Net;
use super::tls;

/// Bytes of one write: four TLS records.
const CHUNK: usize = 64 * 1024;

/// The listen backlog: the largest that the system accepts.
const BACKLOG: u32 = 65_535;

/// Serves until the process is killed: each client sends the number of bytes that it wants and receives them.
pub(super) async fn serve(data: &Path) -> io::Result<()> {
    accept_all(data, |stream, _| push(stream)).await
}

/// Listens on a free port, prints the address, and serves each connection in a task of its own until the process is
/// killed.
#[expect(clippy::print_stdout, reason = "the parent process reads the address from standard output")]
pub(super) async fn accept_all<F: Future<Output = io::Result<()>> + Send + 'static>(
    data: &Path,
    serve: impl Fn(TlsStream<TcpStream>, SocketAddr) -> F + Clone + Send + 'static,
) -> io::Result<()> {
    let tls = tls::server(&data.join("identity.pem"))?;
    let socket = TcpSocket::new_v4()?;
    socket.bind(([127, 0, 0, 1], 0).into())?;
    let listener = socket.listen(BACKLOG)?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        let (stream, from) = listener.accept().await?;
        let (tls, serve) = (tls.clone(), serve.clone());
        tokio::spawn(async move {
            stream.set_nodelay(true)?;
            // The client reports a connection that ends early.
            let stream = tls.accept(stream).await?;
            serve(stream, from).await
        });
    }
}

async fn push(mut stream: TlsStream<TcpStream>) -> io::Result<()> {
    static BYTES: [u8; CHUNK] = [7; CHUNK];
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
pub(crate) async fn pull(net: &Arc<Net>, clients: usize, bytes: u64) -> io::Result<Duration> {
    let begin = Instant::now();
    let mut tasks = JoinSet::new();
    for index in 0..clients {
        let net = Arc::clone(net);
        let share = bytes / clients as u64 + u64::from((index as u64) < bytes % clients as u64);
        tasks.spawn(async move {
            let permit = net.dialling.acquire().await;
            let mut stream = net.dial(0, index, &Arc::default()).await?;
            stream.write_u64(share).await?;
            stream.flush().await?;
            let mut stream = stream.take(share);
            stream.fill_buf().await?;
            // Release the permit with the first bytes, as the other clients do when they are logged in.
            drop(permit);
            if copy_buf(&mut stream, &mut sink()).await? < share {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
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
