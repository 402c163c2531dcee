//! A client that can send any bytes.

use std::sync::Arc;

use chat_core::extras::Extras;
use chat_core::key::PublicKey;
use chat_core::roster::LinkVersions;
use chat_core::wire::control::{Login, Offer, OfferPolicy, Purpose, Reply, Request, Welcome};
use chat_core::wire::frame::{self, FrameDecoder, MAX_FRAME};
use chat_core::wire::hello::Hello;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::harness::{PASSWORD, PATIENCE, Server};

pub(crate) struct Raw {
    pub(crate) stream: TlsStream<TcpStream>,
    decoder: FrameDecoder,
    rest: Vec<u8>,
}

impl Raw {
    pub(crate) async fn connect(server: &Server) -> Self {
        Self::over(TcpStream::connect(server.address).await.unwrap()).await
    }

    pub(crate) async fn over(stream: TcpStream) -> Self {
        let stream = TlsConnector::from(tls_config()).connect(server_name(), stream).await.unwrap();
        Self { stream, decoder: FrameDecoder::new(MAX_FRAME), rest: Vec::new() }
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    pub(crate) async fn frame(&mut self, payload: &[u8]) {
        let mut bytes = Vec::new();
        frame::encode_raw(payload, &mut bytes);
        self.write(&bytes).await;
    }

    pub(crate) async fn request(&mut self, request: &Request<'_>) {
        let mut bytes = Vec::new();
        frame::encode(request, &mut bytes);
        self.write(&bytes).await;
    }

    pub(crate) async fn login(&mut self, user: &str) {
        self.login_as(user, Hello::OURS).await;
    }

    /// Logs in with this hello, and returns the welcome.
    pub(crate) async fn login_as(&mut self, user: &str, hello: Hello) -> Box<Welcome> {
        self.frame(&hello.encode()).await;
        let offer = Offer { policy: OfferPolicy::Detected, port: 40_001, addresses: vec![] };
        // Each session has its own key.
        let key = PublicKey::new(std::array::from_fn(|i| user.as_bytes()[i % user.len()] ^ (i as u8 + 1)));
        let versions = LinkVersions { low: 1, high: 1 };
        let (purpose, extras) = (Purpose::Register, Extras::default());
        self.request(&Request::Login(Login { purpose, user, password: PASSWORD, offer, key, versions, extras })).await;
        self.payload().await.expect("the server's hello");
        let Some(Reply::Welcome(welcome)) = self.reply().await else { panic!("no welcome") };
        Box::new(welcome)
    }

    pub(crate) async fn reply(&mut self) -> Option<Reply> {
        self.payload().await.map(|payload| Reply::decode(&payload).unwrap())
    }

    /// The next frame, or `None` once the server has closed the connection.
    pub(crate) async fn payload(&mut self) -> Option<Vec<u8>> {
        loop {
            let mut input = &self.rest[..];
            let frame = self.decoder.next(&mut input).unwrap();
            self.rest = input.to_vec();
            if let Some(frame) = frame {
                return Some(frame.to_vec());
            }
            let mut buffer = [0; 4096];
            match timeout(PATIENCE, self.stream.read(&mut buffer)).await.expect("bytes or an end") {
                Ok(0) | Err(_) => return None,
                Ok(read) => self.rest = buffer[..read].to_vec(),
            }
        }
    }

    /// Reads until the server closes the connection. Returns the number of frames.
    pub(crate) async fn read_to_end(&mut self) -> usize {
        let mut frames = 0;
        while self.payload().await.is_some() {
            frames += 1;
        }
        frames
    }
}

pub(crate) fn tls_config() -> Arc<rustls::ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate))
        .with_no_client_auth();
    Arc::new(config)
}

pub(crate) fn server_name() -> ServerName<'static> {
    ServerName::try_from("localhost").unwrap()
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
        _: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        unreachable!("TLS 1.2 is not offered")
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        vec![rustls::SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}
