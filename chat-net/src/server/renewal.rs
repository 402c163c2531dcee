//! The certificate that a running server shows, and how it is renewed without ending anything.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::error::ServeError;
use crate::identity::{Fingerprint, ServerIdentity};
use crate::tls;

/// Renews the certificate of a running server. Clones are for the same server.
///
/// Connections that exist are not touched. Clients know a server by its key: a new certificate for the same key changes
/// nothing for them, while a new key is another fingerprint, which they refuse until they are told.
#[derive(Clone, Default)]
pub struct Renewal {
    shown: Arc<RwLock<Option<Shown>>>,
}

struct Shown {
    certificate: Arc<CertifiedKey>,
    fingerprint: Fingerprint,
}

impl Renewal {
    /// Shows the certificate of `identity` from the next handshake on. Its ticket key is not looked at.
    ///
    /// # Errors
    /// The key does not belong to the certificate or is of an unknown kind; the certificate so far stays in use.
    pub fn renew(&self, identity: &ServerIdentity) -> Result<(), ServeError> {
        let certificate = Arc::new(tls::certified(identity).map_err(ServeError::Identity)?);
        let next = Shown { certificate, fingerprint: identity.fingerprint() };
        // Nothing in here panics while it is held, so a poisoned lock still guards a whole certificate.
        *self.shown.write().unwrap_or_else(PoisonError::into_inner) = Some(next);
        Ok(())
    }

    /// What clients know the server by now; `None` before it began.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.shown().as_ref().map(|shown| shown.fingerprint)
    }

    fn shown(&self) -> RwLockReadGuard<'_, Option<Shown>> {
        self.shown.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Prints no key.
impl fmt::Debug for Renewal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Renewal")
    }
}

impl ResolvesServerCert for Renewal {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.shown().as_ref().map(|shown| Arc::clone(&shown.certificate))
    }
}
