//! Why a client that trusts certificate authorities refuses a server's certificate, in words for people.

use std::time::Duration;

use chat_core::time::Timestamp;
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error, RootCertStore};
use webpki::EndEntityCert;

use crate::clock::wall;

/// Why clients that trust an authority refuse a server's certificate. Each message continues a sentence that begins
/// with "the certificate".
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateProblem {
    /// None of the authorities that the client trusts signed it.
    #[error("is not signed by any of the authorities that this client trusts")]
    UnknownAuthority,
    /// An authority with the name of a trusted one signed it, with another key.
    #[error("is signed by an authority with the same name as a trusted one, but another key")]
    OtherAuthority,
    /// It belongs to an authority. `openssl req -x509` makes such certificates.
    #[error("is a certificate authority's own certificate (CA:TRUE), which a server cannot use")]
    IsAuthority,
    /// It has no alternative names. The common name does not count (RFC 9525, section 2).
    #[error("names no host: it has no subject alternative name")]
    NoHost,
    /// It is for other hosts.
    #[error("{}", other_host(.host, .names))]
    OtherHost {
        /// The host that the client dialed.
        host: String,
        /// Host names in the certificate. Empty if it has only other names, such as IP addresses.
        names: Vec<String>,
    },
    /// Its validity begins later.
    #[error("is not valid before {from}, and this machine's clock is at {now}")]
    NotYetValid {
        /// The beginning of its validity.
        from: Timestamp,
        /// The time at the clock of this machine.
        now: Timestamp,
    },
    /// Its validity is over.
    #[error("expired at {until}, and this machine's clock is at {now}")]
    Expired {
        /// The end of its validity.
        until: Timestamp,
        /// The time at the clock of this machine.
        now: Timestamp,
    },
    /// Its extended key usage excludes servers.
    #[error("is not for servers: its extended key usage lacks server authentication")]
    NotForServers,
    /// It is signed with an algorithm that is not supported, such as SHA-1.
    #[error("is signed with an algorithm that this program does not accept, such as SHA-1")]
    Algorithm,
    /// It breaks another rule for certificates (RFC 5280).
    #[error("breaks a rule for certificates (RFC 5280), so that it cannot be checked")]
    Malformed,
}

impl CertificateProblem {
    /// Explains why `leaf` was refused for `host`.
    pub(crate) fn new(error: &CertificateError, leaf: &CertificateDer<'_>, host: &ServerName<'_>) -> Self {
        match error {
            CertificateError::UnknownIssuer => Self::UnknownAuthority,
            // The second variant occurs if the two keys are of different kinds.
            CertificateError::BadSignature
            | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => Self::OtherAuthority,
            CertificateError::NotValidYetContext { time, not_before } => {
                Self::NotYetValid { from: timestamp(*not_before), now: timestamp(*time) }
            }
            CertificateError::ExpiredContext { time, not_after } => {
                Self::Expired { until: timestamp(*not_after), now: timestamp(*time) }
            }
            CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => Self::NoHost,
            CertificateError::NotValidForNameContext { .. } => {
                Self::OtherHost { host: host.to_str().into_owned(), names: host_names(leaf) }
            }
            CertificateError::InvalidPurposeContext { .. } => Self::NotForServers,
            CertificateError::UnsupportedSignatureAlgorithmContext { .. } => Self::Algorithm,
            CertificateError::Other(other) => match other.0.downcast_ref() {
                Some(webpki::Error::CaUsedAsEndEntity) => Self::IsAuthority,
                Some(webpki::Error::EmptyEkuExtension) => Self::NotForServers,
                _ => Self::Malformed,
            },
            _ => Self::Malformed,
        }
    }

    /// Returns why every client that trusts an authority refuses `leaf`, regardless of its authority and of the host
    /// that it dials.
    pub(crate) fn of_any_authority(leaf: &CertificateDer<'_>, algorithms: WebPkiSupportedAlgorithms) -> Option<Self> {
        // No host has this name (RFC 6761).
        let nowhere = ServerName::try_from("chat.invalid").expect("the constant is a valid name");
        let now = UnixTime::since_unix_epoch(Duration::from_millis(wall().as_millis()));
        let Ok(certificate) = ParsedCertificate::try_from(leaf) else { return Some(Self::Malformed) };
        // Without authorities, everything is checked but the signature.
        match verify_server_cert_signed_by_trust_anchor(&certificate, &RootCertStore::empty(), &[], now, algorithms.all)
        {
            Ok(()) | Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {}
            Err(Error::InvalidCertificate(error)) => return Some(Self::new(&error, leaf, &nowhere)),
            Err(_) => return Some(Self::Malformed),
        }
        match verify_server_name(&certificate, &nowhere) {
            Err(Error::InvalidCertificate(CertificateError::NotValidForNameContext { presented, .. }))
                if presented.is_empty() =>
            {
                Some(Self::NoHost)
            }
            _ => None,
        }
    }
}

fn other_host(host: &str, names: &[String]) -> String {
    if names.is_empty() { format!("is not for {host}") } else { format!("is for {}, not for {host}", names.join(", ")) }
}

/// The host names in a certificate.
fn host_names(certificate: &CertificateDer<'_>) -> Vec<String> {
    /// The most names that fit into a sentence. The certificate of a content delivery network has hundreds.
    const MAX_NAMES: usize = 5;
    let Ok(certificate) = EndEntityCert::try_from(certificate) else { return Vec::new() };
    certificate.valid_dns_names().take(MAX_NAMES).map(str::to_owned).collect()
}

fn timestamp(time: UnixTime) -> Timestamp {
    Timestamp::from_millis(time.as_secs().saturating_mul(1_000))
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyPair};

    use super::*;
    use crate::tls;

    fn problem(params: CertificateParams) -> Option<CertificateProblem> {
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        CertificateProblem::of_any_authority(certificate.der(), tls::provider().signature_verification_algorithms)
    }

    fn for_host() -> CertificateParams {
        CertificateParams::new(["chat.example".to_owned()]).unwrap()
    }

    #[test]
    fn a_certificate_for_a_host_has_no_problem_of_its_own() {
        assert_eq!(problem(for_host()), None);
        assert_eq!(problem(CertificateParams::new(["10.0.0.1".to_owned()]).unwrap()), None);
    }

    #[test]
    fn problems_that_no_authority_can_solve_are_found() {
        let mut authority = for_host();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        assert_eq!(problem(authority), Some(CertificateProblem::IsAuthority));
        assert_eq!(problem(CertificateParams::default()), Some(CertificateProblem::NoHost));
        let mut client = for_host();
        client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        assert_eq!(problem(client), Some(CertificateProblem::NotForServers));
        let mut old = for_host();
        old.not_after = rcgen::date_time_ymd(2001, 2, 3);
        assert!(matches!(
            problem(old),
            Some(CertificateProblem::Expired { until, .. }) if until.to_string() == "2001-02-03T00:00:00.000Z"
        ));
        let mut future = for_host();
        future.not_before = rcgen::date_time_ymd(3001, 2, 3);
        assert!(matches!(
            problem(future),
            Some(CertificateProblem::NotYetValid { from, .. }) if from.to_string() == "3001-02-03T00:00:00.000Z"
        ));
    }

    #[test]
    fn messages_name_the_hosts_of_the_certificate() {
        let key = KeyPair::generate().unwrap();
        let certificate = for_host().self_signed(&key).unwrap();
        let host = ServerName::try_from("lab").unwrap();
        let parsed = ParsedCertificate::try_from(certificate.der()).unwrap();
        let Err(Error::InvalidCertificate(error)) = verify_server_name(&parsed, &host) else { panic!() };
        assert_eq!(
            CertificateProblem::new(&error, certificate.der(), &host).to_string(),
            "is for chat.example, not for lab"
        );
    }
}
