//! Why a file of certificate authorities cannot be used.

use std::error::Error;
use std::io;

/// Why the file of [`Trust::Ca`](super::Trust::Ca) cannot be used. The user has to correct it, or to name another one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthoritiesError {
    /// The file cannot be read.
    #[error("the file cannot be read: {0}")]
    Read(#[source] io::Error),
    /// The file is not a PEM file.
    #[error("the file is damaged: it is not in PEM form")]
    NotPem(#[source] Box<dyn Error + Send + Sync>),
    /// A certificate in the file is not an X.509 certificate.
    #[error("a certificate in the file cannot be read; it must be an X.509 certificate of version 3")]
    NotX509(#[source] Box<dyn Error + Send + Sync>),
    /// The file has no certificate.
    #[error("the file holds no certificate in PEM form")]
    Empty,
}
