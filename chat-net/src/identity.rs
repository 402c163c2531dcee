//! The identity of a server: its certificate with the private key, and the key of its tickets.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chat_core::generator::Generator;
use chat_core::server::TicketKey;
use rcgen::{CertificateParams, DnType, PKCS_ECDSA_P256_SHA256};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use zeroize::Zeroizing;

pub use crate::certificate::CertificateProblem;
pub use crate::fingerprint::{Fingerprint, FingerprintError};
use crate::random::SystemGenerator;
use crate::{files, platform, tls};

/// The file in a server's data folder that holds both certificate and private key, so that neither exists without the
/// other.
pub const IDENTITY_FILE: &str = "identity.pem";

/// The file with the ticket key, 32 raw bytes. If it is lost, all users must log in with their passwords again.
const TICKET_FILE: &str = "ticket.key";

const TICKET_KEY_LEN: usize = 32;

/// The keys that a server keeps across restarts: the private key by which clients recognise it, and the key that seals
/// its tickets.
pub struct ServerIdentity {
    pub(crate) certified: Arc<CertifiedKey>,
    pub(crate) ticket_key: Zeroizing<[u8; TICKET_KEY_LEN]>,
    fingerprint: Fingerprint,
}

impl ServerIdentity {
    /// Loads the identity from `folder`, or creates one there: an ECDSA P-256 key with a self-signed certificate, and a
    /// ticket key. The folder gets mode 0700 and the files 0600. Two processes that call this at the same time get the
    /// same identity. Blocks the thread on the files.
    ///
    /// # Errors
    /// The folder or a file cannot be read, written or parsed. A broken file is never replaced, because clients know
    /// the server by it.
    pub fn load_or_create(folder: &Path) -> Result<Self, IdentityError> {
        platform::create_private_folder(folder)
            .map_err(|source| IdentityError::Write { path: folder.into(), source })?;
        let path = folder.join(IDENTITY_FILE);
        let pem = read_or_create(&path, create_pem)?;
        let ticket_key = ticket_key(&folder.join(TICKET_FILE))?;
        Self::new(&path, &pem, &path, &pem, ticket_key)
    }

    /// Loads the identity that is in `folder`, and creates nothing: clients would refuse a new key.
    ///
    /// # Errors
    /// A file does not exist, or cannot be read or parsed.
    pub(crate) fn load(folder: &Path) -> Result<Self, IdentityError> {
        let read =
            |path: &Path| files::read_private(path).map_err(|source| IdentityError::Read { path: path.into(), source });
        let (path, ticket_path) = (folder.join(IDENTITY_FILE), folder.join(TICKET_FILE));
        let pem = read(&path)?;
        let ticket_key = parse_ticket_key(&ticket_path, &read(&ticket_path)?)?;
        Self::new(&path, &pem, &path, &pem, ticket_key)
    }

    /// Loads a certificate chain and its private key from PEM files. Use it for a certificate that an authority signed.
    /// The ticket key is loaded from `ticket_file`, which is created if it does not exist.
    ///
    /// # Errors
    /// A file cannot be read or parsed, or the key does not belong to the certificate.
    pub fn from_pem(certificate: &Path, key: &Path, ticket_file: &Path) -> Result<Self, IdentityError> {
        let read = |path: &Path| {
            std::fs::read(path).map(Zeroizing::new).map_err(|source| IdentityError::Read { path: path.into(), source })
        };
        let (chain_pem, key_pem) = (read(certificate)?, read(key)?);
        Self::new(certificate, &chain_pem, key, &key_pem, ticket_key(ticket_file)?)
    }

    /// The fingerprint by which clients know this server.
    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Identifies the ticket key, and tells nothing about it: servers that share a roster must have the same one.
    pub fn ticket_key_fingerprint(&self) -> [u8; 16] {
        TicketKey::new(*self.ticket_key).fingerprint()
    }

    /// Returns why every client with [`Trust::Ca`](crate::trust::Trust::Ca) refuses the certificate at this time,
    /// regardless of its authority and of the host that it dials. `None` if such clients can accept the certificate.
    pub fn authority_problem(&self) -> Option<CertificateProblem> {
        let leaf = self.certified.cert.first()?;
        CertificateProblem::of_any_authority(leaf, tls::provider().signature_verification_algorithms)
    }

    fn new(
        chain_path: &Path,
        chain_pem: &[u8],
        key_path: &Path,
        key_pem: &[u8],
        ticket_key: Zeroizing<[u8; TICKET_KEY_LEN]>,
    ) -> Result<Self, IdentityError> {
        let chain = CertificateDer::pem_slice_iter(files::without_byte_order_mark(chain_pem))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| IdentityError::broken(chain_path, "it is not a PEM file", error))?;
        let leaf = chain.first().ok_or_else(|| IdentityError::Broken {
            path: chain_path.into(),
            what: "it holds no certificate",
            source: None,
        })?;
        let fingerprint = Fingerprint::of(leaf).map_err(|error| {
            let what = "its certificate cannot be read; it must be an X.509 certificate of version 3";
            IdentityError::broken(chain_path, what, error)
        })?;
        let key = PrivateKeyDer::from_pem_slice(files::without_byte_order_mark(key_pem))
            .map_err(|error| IdentityError::broken(key_path, no_key(key_pem), error))?;
        let certified = CertifiedKey::from_der(chain, key, &tls::provider()).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                IdentityError::OtherKey { certificate: chain_path.into(), key: key_path.into() }
            }
            _ => IdentityError::broken(
                key_path,
                "TLS does not support this kind of private key; use ECDSA, Ed25519, or RSA of at least 2048 bits",
                error,
            ),
        })?;
        Ok(Self { certified: Arc::new(certified), ticket_key, fingerprint })
    }
}

/// What is wrong with a file that holds no usable key.
fn no_key(pem: &[u8]) -> &'static str {
    const ENCRYPTED: &[u8] = b"ENCRYPTED";
    if pem.windows(ENCRYPTED.len()).any(|word| word == ENCRYPTED) {
        "its private key is encrypted, and the server cannot ask for a passphrase; decrypt it with `openssl pkey`"
    } else {
        "it holds no private key in PEM form"
    }
}

/// Does not print the keys.
impl fmt::Debug for ServerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerIdentity").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

/// What is wrong with a ticket key of another length.
const BROKEN_TICKET_KEY: &str =
    "a ticket key has 32 bytes; delete the file (all users must then log in with their passwords)";

fn ticket_key(path: &Path) -> Result<Zeroizing<[u8; TICKET_KEY_LEN]>, IdentityError> {
    let bytes = read_or_create(path, || {
        let mut key = Zeroizing::new(vec![0; TICKET_KEY_LEN]);
        SystemGenerator.fill(&mut key);
        Ok(key)
    })?;
    parse_ticket_key(path, &bytes)
}

fn parse_ticket_key(path: &Path, bytes: &[u8]) -> Result<Zeroizing<[u8; TICKET_KEY_LEN]>, IdentityError> {
    let bytes: &[u8; TICKET_KEY_LEN] =
        bytes.try_into().map_err(|error| IdentityError::broken(path, BROKEN_TICKET_KEY, error))?;
    Ok(Zeroizing::new(*bytes))
}

fn read_or_create(
    path: &Path,
    create: impl FnOnce() -> Result<Zeroizing<Vec<u8>>, IdentityError>,
) -> Result<Zeroizing<Vec<u8>>, IdentityError> {
    let read = || files::read_private(path);
    match read() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let bytes = create()?;
            files::create_private(path, &bytes).map_err(|source| IdentityError::Write { path: path.into(), source })?;
            // Read again, because another process may have created the file first.
            read()
        }
        result => result,
    }
    .map_err(|source| IdentityError::Read { path: path.into(), source })
}

/// Creates a key and its certificate. The certificate is valid until the year 9999, because clients check only the key.
fn create_pem() -> Result<Zeroizing<Vec<u8>>, IdentityError> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "chat-server");
    params.not_before = rcgen::date_time_ymd(2000, 1, 1);
    params.not_after = rcgen::date_time_ymd(9999, 12, 31);
    let failed = |error: rcgen::Error| IdentityError::Create(error.into());
    let key = rcgen::KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)?;
    let certificate = params.self_signed(&key).map_err(failed)?;
    let key_pem = Zeroizing::new(key.serialize_pem());
    Ok(Zeroizing::new([key_pem.as_bytes(), certificate.pem().as_bytes()].concat()))
}

/// Why an identity could not be loaded or created. The operator has to repair it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// A file cannot be read.
    #[error("{} cannot be read: {source}", .path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The folder or a file cannot be written.
    #[error("{} cannot be written: {source}", .path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A file does not have the expected content.
    #[error("{} cannot be used: {what}", .path.display())]
    Broken {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        what: &'static str,
        /// The error of the library that reads it, for developers. `None` if there is none.
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// The private key belongs to another certificate.
    #[error(
        "the private key in {} does not belong to the certificate in {}; name the key that belongs to the certificate",
        .key.display(), .certificate.display()
    )]
    OtherKey {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
    /// Creating a certificate failed.
    #[error("a certificate could not be created: {0}")]
    Create(#[source] Box<dyn Error + Send + Sync>),
    /// The runtime shut down while a server loaded its identity again.
    #[error("the identity was not loaded, because the program is ending")]
    Stopping(#[source] Box<dyn Error + Send + Sync>),
}

impl IdentityError {
    fn broken(path: &Path, what: &'static str, source: impl Error + Send + Sync + 'static) -> Self {
        Self::Broken { path: path.into(), what, source: Some(source.into()) }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_restart_keeps_the_identity() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("data");
        let first = ServerIdentity::load_or_create(&folder).unwrap();
        let second = ServerIdentity::load_or_create(&folder).unwrap();
        assert_eq!(first.fingerprint(), second.fingerprint());
        assert_eq!(first.ticket_key, second.ticket_key);
        assert_ne!(*first.ticket_key, [0; 32]);
        let files = fs::read_dir(&folder).unwrap().count();
        assert_eq!(files, 2, "no temporary file is left");
    }

    #[test]
    fn processes_that_start_together_get_the_same_identity() {
        let folder = tempfile::tempdir().unwrap();
        let start = || ServerIdentity::load_or_create(folder.path()).unwrap();
        let all: Vec<ServerIdentity> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(all.iter().all(|one| one.fingerprint() == all[0].fingerprint()));
        assert!(all.iter().all(|one| one.ticket_key == all[0].ticket_key));
    }

    #[test]
    fn broken_files_are_reported_and_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        ServerIdentity::load_or_create(folder.path()).unwrap();
        let good = fs::read_to_string(folder.path().join(IDENTITY_FILE)).unwrap();
        let (key, certificate) = good.split_at(good.find("-----BEGIN CERTIFICATE").unwrap());
        for (file, content, what) in [
            (IDENTITY_FILE, "", "it holds no certificate"),
            (IDENTITY_FILE, key, "it holds no certificate"),
            (IDENTITY_FILE, certificate, "it holds no private key in PEM form"),
            (IDENTITY_FILE, &good[..good.len() - 40], "it is not a PEM file"),
            (TICKET_FILE, "short", BROKEN_TICKET_KEY),
        ] {
            fs::write(folder.path().join(file), content).unwrap();
            let error = ServerIdentity::load_or_create(folder.path()).unwrap_err();
            assert!(
                matches!(&error, IdentityError::Broken { path, what: is, .. } if path.ends_with(file) && *is == what),
                "{error}"
            );
            assert_eq!(fs::read_to_string(folder.path().join(file)).unwrap(), content);
            fs::write(folder.path().join(IDENTITY_FILE), &good).unwrap();
        }
    }

    #[test]
    fn a_renewed_certificate_keeps_the_fingerprint() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let key = rcgen::KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        fs::write(path("key"), key.serialize_pem()).unwrap();
        let fingerprints = ["old.example", "new.example"].map(|name| {
            let certificate = CertificateParams::new([name.to_owned()]).unwrap().self_signed(&key).unwrap();
            fs::write(path(name), certificate.pem()).unwrap();
            ServerIdentity::from_pem(&path(name), &path("key"), &path("ticket")).unwrap().fingerprint()
        });
        assert_eq!(fingerprints[0], fingerprints[1]);
    }

    #[test]
    fn a_private_key_of_another_certificate_is_rejected() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let [one, two] = [1, 2].map(|_| rcgen::KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap());
        let certificate = CertificateParams::new(["chat.example".to_owned()]).unwrap().self_signed(&one).unwrap();
        // Windows editors begin text files with a byte order mark.
        fs::write(path("certificate"), format!("\u{feff}{}", certificate.pem())).unwrap();
        let load = |key: &str| {
            fs::write(path("key"), format!("\u{feff}{key}")).unwrap();
            ServerIdentity::from_pem(&path("certificate"), &path("key"), &path("ticket"))
        };
        assert_eq!(load(&one.serialize_pem()).unwrap().authority_problem(), None);
        assert!(matches!(load(&two.serialize_pem()), Err(IdentityError::OtherKey { .. })));
        let encrypted = one.serialize_pem().replace("PRIVATE", "ENCRYPTED PRIVATE");
        let error = load(&encrypted).unwrap_err().to_string();
        assert!(error.contains("is encrypted"), "{error}");
    }

    #[test]
    fn debug_prints_no_key() {
        let folder = tempfile::tempdir().unwrap();
        let identity = ServerIdentity::load_or_create(folder.path()).unwrap();
        assert_eq!(
            format!("{identity:?}"),
            format!("ServerIdentity {{ fingerprint: Fingerprint({}), .. }}", identity.fingerprint())
        );
    }
}
