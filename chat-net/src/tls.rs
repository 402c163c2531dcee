//! The TLS configuration of both ends: version 1.3 only, no early data, no session resumption, and hybrid post-quantum
//! key exchange preferred. Only this file names the cryptography provider.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::{ParsedCertificate, ResolvesServerCert};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore, ServerConfig,
    SignatureScheme, SupportedProtocolVersion,
};

use crate::certificate::CertificateProblem;
use crate::files;
use crate::trust::AuthoritiesError;

/// The configuration of a server. Each handshake presents the certificate that `resolver` has at that time.
pub(crate) fn server(resolver: Arc<dyn ResolvesServerCert>) -> Arc<ServerConfig> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(VERSIONS)
        .expect(VERSIONS_SUPPORTED)
        .with_no_client_auth()
        .with_cert_resolver(resolver);
    // Clients resume their sessions with tickets of our own. TLS tickets would cost memory and two messages per
    // connection.
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    Arc::new(config)
}

/// The configuration of a client that knows the server by its key. It accepts every certificate; the caller must
/// compare the fingerprint before it sends anything.
pub(crate) fn client_by_key() -> Arc<ClientConfig> {
    let provider = provider();
    let verifier = ByKey { algorithms: provider.signature_verification_algorithms };
    client(provider, Arc::new(verifier))
}

/// The configuration of a client that trusts the certificate authorities in a PEM file. If the handshake fails because
/// of the certificate, [`certificate_problem`] returns the reason.
///
/// # Errors
/// The file cannot be read, or has no certificates of authorities.
pub(crate) fn client_by_authority(file: &Path) -> Result<Arc<ClientConfig>, AuthoritiesError> {
    let pem = fs::read(file).map_err(AuthoritiesError::Read)?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(files::without_byte_order_mark(&pem)) {
        let certificate = certificate.map_err(|error| AuthoritiesError::NotPem(error.into()))?;
        roots.add(certificate).map_err(|error| AuthoritiesError::NotX509(error.into()))?;
    }
    if roots.is_empty() {
        return Err(AuthoritiesError::Empty);
    }
    let provider = provider();
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .build()
        .expect("there are authorities, and no revocation lists");
    Ok(client(provider, Arc::new(ByAuthority(verifier))))
}

/// Why a client that trusts authorities refused the server's certificate. `None` for every other error.
pub(crate) fn certificate_problem(error: &Error) -> Option<&CertificateProblem> {
    match error {
        Error::InvalidCertificate(CertificateError::Other(OtherError(problem))) => problem.downcast_ref(),
        _ => None,
    }
}

fn client(provider: Arc<CryptoProvider>, verifier: Arc<dyn ServerCertVerifier>) -> Arc<ClientConfig> {
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(VERSIONS)
        .expect(VERSIONS_SUPPORTED)
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    // Without resumption, the server proves its key on every connection.
    config.resumption = Resumption::disabled();
    Arc::new(config)
}

const VERSIONS: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];

/// Why the configuration accepts [`VERSIONS`].
const VERSIONS_SUPPORTED: &str = "the provider supports TLS 1.3";

pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// Accepts certificates that a trusted authority signed. For every other one, the error carries a
/// [`CertificateProblem`].
#[derive(Debug)]
struct ByAuthority(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for ByAuthority {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let result = self.0.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        result.map_err(|error| match error {
            Error::InvalidCertificate(cause) => {
                log::debug!("the server's certificate is refused: {cause:?}");
                let problem = CertificateProblem::new(&cause, end_entity, server_name);
                CertificateError::Other(OtherError(Arc::new(problem))).into()
            }
            other => other,
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// Accepts every well-formed certificate, regardless of its names and dates, and checks that the server holds its
/// private key.
#[derive(Debug)]
struct ByKey {
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for ByKey {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        ParsedCertificate::try_from(end_entity)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.2 is not supported".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
