//! A connection to the server without a client, for frames that no client sends.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chat_core::extras::Extras;
use chat_core::generator::Generator;
use chat_core::key::{KeyPair, PublicKey};
use chat_core::roster::LinkVersions;
use chat_core::sim::SeededGenerator;
use chat_core::wire::control::{Login, Offer, OfferPolicy, Purpose, Reply, Request, Resume};
use chat_core::wire::frame::{self, FrameDecoder, MAX_FRAME};
use chat_core::wire::hello::Hello;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use socket2::{Domain, Socket, Type};

use super::{PASSWORD, PATIENCE};

/// A TLS connection after its handshake.
pub(crate) struct RawConnection {
    stream: StreamOwned<ClientConnection, TcpStream>,
    decoder: FrameDecoder,
    unread: Vec<u8>,
}

/// Opens a TCP connection with this address of loopback as its source.
pub(crate) fn connect_from(source: [u8; 4], server: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((source, 0)).into()).unwrap();
    // A small buffer here, and small segments, for which the server's system reserves a small buffer as well: a test that
    // does not read fills both soon.
    socket.set_recv_buffer_size(4096).unwrap();
    socket.set_tcp_mss(536).unwrap();
    socket.connect(&server.into()).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

impl RawConnection {
    /// Connects from this address of loopback, and performs the TLS handshake.
    pub(crate) fn open(source: [u8; 4], server: SocketAddr) -> Self {
        let mut tcp = connect_from(source, server);
        let name = ServerName::from(IpAddr::from(source));
        let mut tls = ClientConnection::new(tls_config(), name).unwrap();
        while tls.is_handshaking() {
            tls.complete_io(&mut tcp).unwrap();
        }
        Self { stream: StreamOwned::new(tls, tcp), decoder: FrameDecoder::new(MAX_FRAME), unread: Vec::new() }
    }

    /// Connects, performs the TLS handshake, and exchanges hellos, if the server accepts the connection.
    pub(crate) fn greeted(source: [u8; 4], server: SocketAddr) -> Self {
        let mut connection = Self::open(source, server);
        let mut hello = Vec::new();
        frame::encode_raw(&Hello::OURS.encode(), &mut hello);
        // A server that is full closes the connection meanwhile.
        drop(connection.write(&hello));
        connection.payload();
        connection
    }

    /// Connects from this address of loopback, and performs the TLS handshake, all in this time.
    ///
    /// # Errors
    /// The server does not accept the connection, or is slow.
    pub(crate) fn try_open(source: [u8; 4], server: SocketAddr, time: Duration) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::from((source, 0)).into())?;
        socket.connect_timeout(&server.into(), time)?;
        let mut tcp = TcpStream::from(socket);
        tcp.set_read_timeout(Some(time))?;
        tcp.set_write_timeout(Some(time))?;
        tcp.set_nodelay(true)?;
        let name = ServerName::from(IpAddr::from(source));
        let mut tls = ClientConnection::new(tls_config(), name).unwrap();
        while tls.is_handshaking() {
            tls.complete_io(&mut tcp)?;
        }
        Ok(Self { stream: StreamOwned::new(tls, tcp), decoder: FrameDecoder::new(MAX_FRAME), unread: Vec::new() })
    }

    pub(crate) fn send(&mut self, requests: &[Request<'_>]) -> io::Result<()> {
        let mut bytes = Vec::new();
        requests.iter().for_each(|request| frame::encode(request, &mut bytes));
        self.write(&bytes)
    }

    /// Sends a login or registration of this user with a key of its own, and returns the first reply.
    pub(crate) fn log_in(&mut self, purpose: Purpose, user: &str) -> Option<Reply> {
        self.send(&[login(purpose, user)]).unwrap();
        self.reply()
    }

    /// Sends this ticket with a new key, and returns the first reply.
    pub(crate) fn resume(&mut self, ticket: &[u8]) -> Option<Reply> {
        static SEED: AtomicU64 = AtomicU64::new(1);
        let resume = Resume {
            ticket,
            offer: OFFER,
            next_key: public_key(SEED.fetch_add(1, Ordering::Relaxed)),
            versions: LinkVersions { low: 1, high: 1 },
            extras: Extras::default(),
        };
        self.send(&[Request::Resume(resume)]).unwrap();
        self.reply()
    }

    /// The next reply, or `None` once the server has closed the connection.
    pub(crate) fn reply(&mut self) -> Option<Reply> {
        self.payload().map(|payload| Reply::decode(&payload).unwrap())
    }

    /// Writes whole frames.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)?;
        self.stream.flush()
    }

    fn payload(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(payload) = self.received() {
                return Some(payload);
            }
            self.read().ok()?;
        }
    }

    /// The payload of the next frame, if it arrives in this time.
    ///
    /// # Errors
    /// The connection has ended.
    pub(crate) fn payload_within(&mut self, time: Duration) -> io::Result<Option<Vec<u8>>> {
        if let Some(payload) = self.received() {
            return Ok(Some(payload));
        }
        // Zero would mean for ever.
        self.stream.sock.set_read_timeout(Some(time.max(Duration::from_millis(1))))?;
        match self.read() {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(None),
            done => done.map(|()| self.received()),
        }
    }

    fn received(&mut self) -> Option<Vec<u8>> {
        let mut input = &self.unread[..];
        let payload = self.decoder.next(&mut input).unwrap().map(|frame| frame.to_vec());
        self.unread = input.to_vec();
        payload
    }

    fn read(&mut self) -> io::Result<()> {
        let mut buffer = [0; 4096];
        match self.stream.read(&mut buffer)? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            read => {
                self.unread = buffer[..read].to_vec();
                Ok(())
            }
        }
    }
}

/// A login or registration request of this user.
pub(crate) fn login(purpose: Purpose, user: &str) -> Request<'_> {
    Request::Login(Login {
        purpose,
        user,
        password: PASSWORD,
        offer: OFFER,
        key: public_key(user.bytes().fold(7, |seed, byte| seed * 31 + u64::from(byte))),
        versions: LinkVersions { low: 1, high: 1 },
        extras: Extras::default(),
    })
}

const OFFER: Offer = Offer { policy: OfferPolicy::Detected, port: 40_001, addresses: Vec::new() };

fn public_key(seed: u64) -> PublicKey {
    KeyPair::generate(&mut SeededGenerator::new(seed) as &mut dyn Generator).public()
}

fn tls_config() -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate))
        .with_no_client_auth();
    Arc::new(config)
}

#[derive(Debug)]
struct AnyCertificate;

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        unreachable!("TLS 1.2 is not offered")
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}
