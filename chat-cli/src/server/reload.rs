//! Reloading on SIGHUP: reopens the presence log after log rotation, and reloads a renewed certificate.

use chat_net::ServerHandle;
use tokio::task::spawn_blocking;

use super::announcer::Announcer;
use super::task::CertificateFiles;
use crate::error::CliError;
use crate::folder::DataFolder;
use crate::platform::signals::{self, Notices};
use crate::texts::Texts;

/// Reloads the presence log and the certificate on each SIGHUP.
#[derive(Debug)]
pub(super) struct Reloader {
    signals: Notices,
    server: ServerHandle,
    folder: DataFolder,
    certificate: Option<CertificateFiles>,
    texts: Texts,
}

impl Reloader {
    /// Registers for the signal, which then no longer ends the process.
    ///
    /// # Errors
    /// The system refuses to deliver the signal.
    pub(super) fn new(
        server: ServerHandle,
        folder: &DataFolder,
        certificate: Option<CertificateFiles>,
        texts: Texts,
    ) -> Result<Self, CliError> {
        let signals = signals::reload_requests().map_err(|error| {
            CliError::not_there(move |texts: &Texts| texts.say().signals_refused(error.to_string()))
        })?;
        Ok(Self { signals, server, folder: folder.clone(), certificate, texts })
    }

    /// Reloads on each signal. Runs until it is dropped.
    pub(super) async fn run(mut self, announcer: Announcer) {
        while self.signals.recv().await.is_some() {
            self.server.reload_presence_log();
            if let Some(certificate) = self.certificate.clone() {
                match self.renew(certificate).await {
                    Ok(line) => announcer.announce(line),
                    Err(why) => log::error!("the certificate was not reloaded, the previous one stays in use: {why}"),
                }
            }
        }
    }

    async fn renew(&self, certificate: CertificateFiles) -> Result<String, String> {
        let folder = self.folder.clone();
        let files = certificate.clone();
        let loaded = spawn_blocking(move || super::load_identity(&folder, Some(&files)));
        let identity = loaded.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        super::warn_about(&identity, Some(&certificate));
        let previous = self.server.fingerprint();
        self.server.reload_certificate(&identity);
        let fingerprint = identity.fingerprint();
        if previous == fingerprint {
            return Ok(self.texts.say().certificate_reloaded());
        }
        log::warn!("the certificate has a new key: clients that know the previous fingerprint will refuse this server");
        Ok(self.texts.say().certificate_reloaded_new_key(fingerprint.to_string()))
    }
}
