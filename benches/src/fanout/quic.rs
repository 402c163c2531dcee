//! QUIC by quinn, with one connection from the sender to each receiver, at its best settings: large windows, rare acks, and on
//! both ends one thread that polls without sleeping, as this project has.
//!
//! A message begins with its number, 8 bytes, big-endian. On a stream all messages that may leave are one write.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::{Bytes, BytesMut};
use quinn::congestion::CubicConfig;
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{
    AckFrequencyConfig, ClientConfig, Connection, Endpoint, EndpointConfig, RecvStream, SendStream, ServerConfig,
    TokioRuntime, TransportConfig, VarInt,
};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::version::TLS13;
use rustls_pki_types::PrivatePkcs8KeyDer;
use tokio::runtime::Runtime;
use tokio::task::yield_now;
use tokio::time::sleep;

use super::receivers::Receivers;
use super::window::{IDLE_CHECK, Window};
use super::{Case, Run, Watch};
use crate::endpoints::runtime;

/// How QUIC carries the messages.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Carrier {
    /// One stream for each receiver: in order, sent again when lost, without outcomes.
    Stream,
    /// One datagram for each message (RFC 9221): sealed, and lost when a packet is lost.
    Datagram,
}

/// The name in the certificate.
const NAME: &str = "localhost";

/// The buffers of a socket, in bytes.
const SOCKET_BUFFER: usize = 4 * 1024 * 1024;

/// The first congestion window, and what a stream and a connection may send ahead of the receiving application, in bytes. The
/// sender never waits for either.
const INITIAL_WINDOW: u64 = 1024 * 1024;
const FLOW_WINDOW: u32 = 64 * 1024 * 1024;

/// Packets for which a receiver sends one ack.
const PACKETS_PER_ACK: u32 = 10;

/// Sends messages to all receivers until all are delivered.
pub(super) fn run(case: &Case, carrier: Carrier) -> io::Result<Run> {
    let runtime = runtime()?;
    let mut group = Group::open(&runtime, case, carrier)?;
    // The first messages find the size of packets and do not count.
    runtime.block_on(group.publish(case.in_flight.max(10), case.in_flight))?;
    let mut run = runtime.block_on(group.publish(case.comparison_messages(), case.in_flight))?;
    run.lost += group.receivers.window.disorder.load(Ordering::Acquire);
    Ok(run)
}

/// A connection to a receiver.
enum Sender {
    /// The connection ends with its last handle.
    Stream(SendStream, #[expect(dead_code, reason = "keeps the connection")] Connection),
    Datagrams(Connection),
}

struct Group {
    senders: Vec<Sender>,
    receivers: Receivers,
    size: usize,
    /// The number of the last message.
    last: u64,
    /// Sends the packets of all connections.
    _endpoint: Endpoint,
}

impl Group {
    fn open(runtime: &Runtime, case: &Case, carrier: Carrier) -> io::Result<Self> {
        let (client, server) = configurations().map_err(io::Error::other)?;
        let (theirs, size) = (self::runtime()?, case.size.max(8));
        let endpoints: Vec<Endpoint> = theirs.block_on(async {
            (0..case.receivers).map(|_| endpoint(Some(server.clone()))).collect::<io::Result<_>>()
        })?;
        let addresses: Vec<SocketAddr> = endpoints.iter().map(Endpoint::local_addr).collect::<io::Result<_>>()?;
        let receivers = Receivers::start(case.receivers, move |window| {
            for endpoint in endpoints {
                theirs.spawn(receive(endpoint, carrier, size, Arc::clone(window)));
            }
            theirs.block_on(async {
                while !window.is_stopped.load(Ordering::Acquire) {
                    if window.is_running.load(Ordering::Acquire) { yield_now().await } else { sleep(IDLE_CHECK).await }
                }
            });
            Ok(())
        });
        let (senders, endpoint) = runtime.block_on(async {
            let mut endpoint = endpoint(None)?;
            endpoint.set_default_client_config(client);
            let mut senders = Vec::with_capacity(addresses.len());
            for address in addresses {
                senders.push(connect(&endpoint, address, carrier).await?);
            }
            Ok::<_, io::Error>((senders, endpoint))
        })?;
        Ok(Self { senders, receivers, size, last: 0, _endpoint: endpoint })
    }

    async fn publish(&mut self, messages: u64, in_flight: u64) -> io::Result<Run> {
        let (window, total) = (&self.receivers.window, messages * self.senders.len() as u64);
        let (before, end) = (window.delivered(), self.last + messages);
        window.begin_run();
        let mut watch = Watch::start();
        while !watch.is_over(window.delivered() - before, total) {
            let free = (in_flight - (self.last - window.complete())).min(end - self.last);
            if free > 0 {
                let batch = numbered(self.last, free, self.size);
                for sender in &mut self.senders {
                    sender.send(&batch, self.size).await?;
                }
                self.last += free;
            }
            yield_now().await;
        }
        let run = watch.result(window.delivered() - before, total);
        window.is_running.store(false, Ordering::Release);
        Ok(run)
    }
}

impl Sender {
    async fn send(&mut self, batch: &Bytes, size: usize) -> io::Result<()> {
        match self {
            Self::Stream(stream, _) => stream.write_chunk(batch.clone()).await.map_err(io::Error::other),
            Self::Datagrams(connection) => {
                let mut messages = (0..batch.len()).step_by(size).map(|begin| batch.slice(begin..begin + size));
                messages.try_for_each(|message| connection.send_datagram(message)).map_err(io::Error::other)
            }
        }
    }
}

/// The `count` messages that follow message `last`, one behind the other.
fn numbered(last: u64, count: u64, size: usize) -> Bytes {
    let mut batch = BytesMut::zeroed(count as usize * size);
    for (message, number) in batch.chunks_exact_mut(size).zip(last + 1..) {
        message[..8].copy_from_slice(&number.to_be_bytes());
    }
    batch.freeze()
}

fn configurations() -> Result<(ClientConfig, ServerConfig), Box<dyn std::error::Error + Send + Sync>> {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed([NAME.to_owned()])?;
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone())?;
    let provider = Arc::new(default_provider());
    let client = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&TLS13])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
    let server = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])?
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key.into())?;
    let transport = transport();
    let mut client = ClientConfig::new(Arc::new(QuicClientConfig::try_from(client)?));
    client.transport_config(Arc::clone(&transport));
    let mut server = ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(server)?));
    server.transport_config(transport);
    Ok((client, server))
}

fn transport() -> Arc<TransportConfig> {
    let mut congestion = CubicConfig::default();
    congestion.initial_window(INITIAL_WINDOW);
    let mut acks = AckFrequencyConfig::default();
    acks.ack_eliciting_threshold(VarInt::from_u32(PACKETS_PER_ACK));
    let mut transport = TransportConfig::default();
    transport
        .congestion_controller_factory(Arc::new(congestion))
        .ack_frequency_config(Some(acks))
        .stream_receive_window(VarInt::from_u32(FLOW_WINDOW))
        .receive_window(VarInt::from_u32(FLOW_WINDOW))
        .send_window(FLOW_WINDOW.into())
        .datagram_receive_buffer_size(Some(FLOW_WINDOW as usize))
        .datagram_send_buffer_size(FLOW_WINDOW as usize);
    Arc::new(transport)
}

/// Opens an endpoint on the current runtime.
fn endpoint(server: Option<ServerConfig>) -> io::Result<Endpoint> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let options = socket2::SockRef::from(&socket);
    options.set_recv_buffer_size(SOCKET_BUFFER)?;
    options.set_send_buffer_size(SOCKET_BUFFER)?;
    Endpoint::new(EndpointConfig::default(), server, socket, Arc::new(TokioRuntime))
}

async fn connect(endpoint: &Endpoint, address: SocketAddr, carrier: Carrier) -> io::Result<Sender> {
    let connection = endpoint.connect(address, NAME).map_err(io::Error::other)?.await?;
    Ok(match carrier {
        Carrier::Stream => Sender::Stream(connection.open_uni().await?, connection),
        Carrier::Datagram => Sender::Datagrams(connection),
    })
}

/// Counts the messages of the one connection of an endpoint. Messages after an error count as lost.
async fn receive(endpoint: Endpoint, carrier: Carrier, size: usize, window: Arc<Window>) -> io::Result<()> {
    let Some(incoming) = endpoint.accept().await else { return Ok(()) };
    let connection = incoming.await?;
    match carrier {
        Carrier::Stream => receive_stream(connection.accept_uni().await?, size, &window).await,
        Carrier::Datagram => {
            let mut last = 0;
            loop {
                let number =
                    connection.read_datagram().await?.first_chunk().map_or(0, |number| u64::from_be_bytes(*number));
                if number != last + 1 {
                    window.disorder.fetch_add(1, Ordering::Relaxed);
                }
                last = number;
                window.arrived(number);
                window.count(1);
            }
        }
    }
}

async fn receive_stream(mut stream: RecvStream, size: usize, window: &Window) -> io::Result<()> {
    let (mut chunks, mut messages) = (vec![Bytes::new(); 64], Numbers::new(size));
    while let Some(count) = stream.read_chunks(&mut chunks).await? {
        let mut arrived = 0;
        for chunk in &chunks[..count] {
            messages.read(chunk, |number| {
                arrived += 1;
                window.arrived(number);
            });
        }
        window.count(arrived);
    }
    Ok(())
}

/// Reads the numbers of the messages from the pieces of a stream.
struct Numbers {
    size: usize,
    /// The bytes of the current message that were read.
    read: usize,
    number: [u8; 8],
}

impl Numbers {
    const fn new(size: usize) -> Self {
        Self { size, read: 0, number: [0; 8] }
    }

    /// Calls `arrived` with the number of each message that ends in `piece`.
    fn read(&mut self, mut piece: &[u8], mut arrived: impl FnMut(u64)) {
        while !piece.is_empty() {
            let (part, rest) = piece.split_at(piece.len().min(self.size - self.read));
            for (digit, byte) in self.number.iter_mut().skip(self.read).zip(part) {
                *digit = *byte;
            }
            (self.read, piece) = (self.read + part.len(), rest);
            if self.read == self.size {
                self.read = 0;
                arrived(u64::from_be_bytes(self.number));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_however_the_stream_is_cut() {
        for size in [8, 9, 64] {
            let stream = numbered(6, 20, size);
            for length in 1..=3 * size {
                let (mut messages, mut numbers) = (Numbers::new(size), Vec::new());
                stream.chunks(length).for_each(|piece| messages.read(piece, |number| numbers.push(number)));
                assert_eq!(numbers, (7..27).collect::<Vec<_>>(), "{size} bytes in pieces of {length}");
            }
        }
    }
}
