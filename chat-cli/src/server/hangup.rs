//! SIGHUP: the presence log is opened anew, as programs that rotate logs expect, and the certificate is reloaded, as
//! programs that renew it expect.

use chat_net::server::{Renewal, ReopenLog, ServerOptions};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::spawn_blocking;

use super::announcer::Announcer;
use super::args::Certificate;
use crate::error::CliError;
use crate::folder::DataFolder;

/// Waits for the signal and does what it asks for.
#[derive(Debug)]
pub(super) struct Hangups {
    signals: Signal,
    log: ReopenLog,
    renewal: Renewal,
    folder: DataFolder,
    certificate: Option<Certificate>,
}

impl Hangups {
    /// Takes the signal over: from now on it no longer ends the process.
    ///
    /// # Errors
    /// The system refuses.
    pub(super) fn new(
        options: &ServerOptions,
        folder: &DataFolder,
        certificate: Option<Certificate>,
    ) -> Result<Self, CliError> {
        let signals = signal(SignalKind::hangup())
            .map_err(|error| CliError::not_there(format_args!("signals cannot be received: {error}")))?;
        let (log, renewal) = (options.reopen_log.clone(), options.renewal.clone());
        Ok(Self { signals, log, renewal, folder: folder.clone(), certificate })
    }

    /// Goes on until it is dropped.
    pub(super) async fn run(mut self, announcer: Announcer) {
        while self.signals.recv().await.is_some() {
            self.log.request();
            if let Some(certificate) = self.certificate.clone() {
                match self.renew(certificate).await {
                    Ok(said) => announcer.say(said),
                    Err(why) => log::error!("the certificate is not reloaded, the one before stays in use: {why}"),
                }
            }
        }
    }

    async fn renew(&self, certificate: Certificate) -> Result<String, String> {
        let folder = self.folder.clone();
        let loaded = spawn_blocking(move || super::identity(&folder, Some(&certificate)));
        let identity = loaded.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        let before = self.renewal.fingerprint();
        self.renewal.renew(&identity).map_err(|error| error.to_string())?;
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
