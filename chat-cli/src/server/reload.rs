//! SIGHUP reopens the presence log, for programs that rotate logs, and reloads the certificate, for programs that renew
//! it.

use chat_net::server::{Reload, ServerOptions};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::spawn_blocking;

use super::announcer::Announcer;
use super::task::CertificateFiles;
use crate::error::CliError;
use crate::folder::DataFolder;

/// Reloads on each signal.
#[derive(Debug)]
pub(super) struct ReloadOnHangup {
    signals: Signal,
    reload: Reload,
    folder: DataFolder,
    certificate: Option<CertificateFiles>,
}

impl ReloadOnHangup {
    /// Handles the signal, so that it no longer ends the process.
    ///
    /// # Errors
    /// The system does not deliver signals.
    pub(super) fn new(
        options: &ServerOptions,
        folder: &DataFolder,
        certificate: Option<CertificateFiles>,
    ) -> Result<Self, CliError> {
        let signals = signal(SignalKind::hangup())
            .map_err(|error| CliError::not_there(format_args!("signals cannot be received: {error}")))?;
        Ok(Self { signals, reload: options.reload.clone(), folder: folder.clone(), certificate })
    }

    /// Runs until the future is dropped.
    pub(super) async fn run(mut self, announcer: Announcer) {
        while self.signals.recv().await.is_some() {
            self.reload.presence_log();
            if let Some(certificate) = self.certificate.clone() {
                match self.reload_certificate(certificate).await {
                    Ok(said) => announcer.say(said),
                    Err(why) => log::error!("the certificate is not reloaded, the one before stays in use: {why}"),
                }
            }
        }
    }

    async fn reload_certificate(&self, certificate: CertificateFiles) -> Result<String, String> {
        let folder = self.folder.clone();
        let loaded = spawn_blocking(move || super::identity(&folder, Some(&certificate)));
        let identity = loaded.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        let before = self.reload.fingerprint();
        self.reload.certificate(&identity).map_err(|error| error.to_string())?;
        let fingerprint = identity.fingerprint();
        if before == Some(fingerprint) {
            return Ok("certificate reloaded; the fingerprint is the same".to_owned());
        }
        log::warn!(
            "the certificate has another key than before: clients that know the old fingerprint refuse this server"
        );
        Ok(format!("certificate reloaded; fingerprint {fingerprint}"))
    }
}
