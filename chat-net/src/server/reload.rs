//! What a running server reloads: its certificate, the file of its presence log, and who may register.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use chat_core::server::RegistrationPolicy;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::identity::{Fingerprint, ServerIdentity};

/// Reloads parts of a running server, without closing a connection. Clones reload the same server.
#[derive(Clone, Default)]
pub struct Reload(Arc<Shared>);

#[derive(Default)]
struct Shared {
    current: RwLock<Option<Current>>,
    reopen_presence_log: AtomicBool,
    registration: RwLock<Option<RegistrationPolicy>>,
    has_new_registration: AtomicBool,
}

struct Current {
    certificate: Arc<CertifiedKey>,
    fingerprint: Fingerprint,
}

impl Reload {
    /// Presents the certificate of `identity` from the next handshake on. Does not change the ticket key.
    ///
    /// Clients know a server by its key: they do not notice a new certificate for the same key, and they refuse a new
    /// key until their users trust it.
    pub fn certificate(&self, identity: &ServerIdentity) {
        let next = Current { certificate: Arc::clone(&identity.certified), fingerprint: identity.fingerprint() };
        // Nothing panics while the lock is held.
        *self.0.current.write().unwrap_or_else(PoisonError::into_inner) = Some(next);
    }

    /// Reopens the file of the presence log before the next record. For log rotation.
    pub fn presence_log(&self) {
        self.0.reopen_presence_log.store(true, Ordering::Release);
    }

    /// Sets which clients may register an account, from their next request on.
    pub fn set_registration(&self, policy: RegistrationPolicy) {
        self.begin_registration(policy);
        self.0.has_new_registration.store(true, Ordering::Release);
    }

    /// Which clients may register an account. `None` before the server starts.
    pub fn registration(&self) -> Option<RegistrationPolicy> {
        self.0.registration.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The fingerprint of the current key. `None` before the server starts.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.current().as_ref().map(|current| current.fingerprint)
    }

    /// What TLS asks for the certificate in each handshake.
    pub(super) fn resolver(&self) -> Arc<dyn ResolvesServerCert> {
        Arc::new(Resolver(self.clone()))
    }

    /// Keeps the policy with which the server starts.
    pub(super) fn begin_registration(&self, policy: RegistrationPolicy) {
        // Nothing panics while the lock is held.
        *self.0.registration.write().unwrap_or_else(PoisonError::into_inner) = Some(policy);
    }

    /// The policy that replaces the previous one. Returns each one once.
    pub(super) fn take_registration(&self) -> Option<RegistrationPolicy> {
        self.0.has_new_registration.swap(false, Ordering::Acquire).then(|| self.registration())?
    }

    /// Whether to reopen the presence log. Returns `true` once for each request.
    pub(super) fn take_presence_log(&self) -> bool {
        self.0.reopen_presence_log.swap(false, Ordering::Acquire)
    }

    fn current(&self) -> RwLockReadGuard<'_, Option<Current>> {
        self.0.current.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does not print the key.
impl fmt::Debug for Reload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reload")
    }
}

/// Presents the current certificate in each handshake. Not [`Reload`] itself, so that no type of rustls is in its
/// interface.
#[derive(Debug)]
struct Resolver(Reload);

impl ResolvesServerCert for Resolver {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.current().as_ref().map(|current| Arc::clone(&current.certificate))
    }
}
