//! A server that is not ours: TLS, and then what the test makes of it.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;

use chat_core::wire::control::Reply;
use chat_core::wire::frame::{self, FrameDecoder, MAX_FRAME};
use chat_core::wire::hello::Hello;
use chat_net::identity::{Fingerprint, ServerIdentity};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// A server before its first connection.
pub(crate) struct OtherServer {
    pub(crate) address: SocketAddr,
    pub(crate) fingerprint: Fingerprint,
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

/// A connection after the TLS handshake.
pub(crate) struct OtherConnection {
    stream: TlsStream<TcpStream>,
    decoder: FrameDecoder,
    unread: Vec<u8>,
}

impl OtherServer {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let fingerprint = ServerIdentity::load_or_create(folder.path()).unwrap().fingerprint();
        let pem = fs::read(folder.path().join("identity.pem")).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![rustls_pki_types::pem::PemObject::from_pem_slice(&pem).unwrap()],
                rustls_pki_types::pem::PemObject::from_pem_slice(&pem).unwrap(),
            )
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self { address, fingerprint, listener, acceptor: TlsAcceptor::from(Arc::new(config)) }
    }

    pub(crate) async fn accept(&self) -> OtherConnection {
        let (stream, _) = self.listener.accept().await.unwrap();
        let stream = self.acceptor.accept(stream).await.unwrap();
        OtherConnection { stream, decoder: FrameDecoder::new(MAX_FRAME), unread: Vec::new() }
    }
}

impl OtherConnection {
    pub(crate) async fn send_hello(&mut self, hello: Hello) {
        let mut bytes = Vec::new();
        frame::encode_raw(&hello.encode(), &mut bytes);
        self.write(&bytes).await;
    }

    pub(crate) async fn send(&mut self, reply: &Reply) {
        let mut bytes = Vec::new();
        frame::encode(reply, &mut bytes);
        self.write(&bytes).await;
    }

    /// The payload of the next frame, or `None` once the client has closed the connection.
    pub(crate) async fn payload(&mut self) -> Option<Vec<u8>> {
        loop {
            let mut input = &self.unread[..];
            let frame = self.decoder.next(&mut input).unwrap();
            self.unread = input.to_vec();
            if let Some(frame) = frame {
                return Some(frame.to_vec());
            }
            let mut buffer = [0; 4096];
            match self.stream.read(&mut buffer).await {
                Ok(0) | Err(_) => return None,
                Ok(read) => self.unread = buffer[..read].to_vec(),
            }
        }
    }

    async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
        self.stream.flush().await.unwrap();
    }
}
