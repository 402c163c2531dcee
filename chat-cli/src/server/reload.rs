//! Reloading on SIGHUP and for `chat-server reload`: reopens the presence log after log rotation, and reloads a renewed
//! certificate.

use std::io::{self, Write};

use chat_net::ServerHandle;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_blocking;

use super::announcer::Announcer;
use super::task::CertificateFiles;
use crate::error::CliError;
use crate::folder::DataFolder;
use crate::platform::signals::{self, Notices};
use crate::texts::Texts;

/// The effect of a reload on the certificate. The presence log is reopened in all cases.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "certificate", rename_all = "snake_case")]
pub(super) enum Reloaded {
    /// No certificate is named. The server keeps its own.
    NotNamed,
    /// The new certificate has the same key.
    SameKey,
    /// The new certificate has another key.
    NewKey {
        /// The fingerprint of the new key.
        fingerprint: String,
    },
    /// The previous certificate stays in use.
    Refused {
        /// Why the files cannot be used.
        reason: String,
    },
}

/// Asks for a reload. The sender receives what it did.
pub(super) type ReloadRequest = oneshot::Sender<Reloaded>;

/// Reloads the presence log and the certificate.
#[derive(Debug)]
pub(super) struct Reloader {
    signals: Notices,
    requests: mpsc::Receiver<ReloadRequest>,
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
        requests: mpsc::Receiver<ReloadRequest>,
        texts: Texts,
    ) -> Result<Self, CliError> {
        let signals = signals::reload_requests().map_err(|error| {
            CliError::not_there(move |texts: &Texts| texts.say().signals_refused(error.to_string()))
        })?;
        Ok(Self { signals, requests, server, folder: folder.clone(), certificate, texts })
    }

    /// Reloads on each signal and request. Runs until it is dropped.
    pub(super) async fn run(mut self, announcer: Announcer) {
        loop {
            tokio::select! {
                Some(()) = self.signals.recv() => drop(self.reload(&announcer).await),
                // The command may have given up waiting.
                Some(reply) = self.requests.recv() => drop(reply.send(self.reload(&announcer).await)),
                else => return,
            }
        }
    }

    async fn reload(&self, announcer: &Announcer) -> Reloaded {
        self.server.reload_presence_log();
        let Some(certificate) = self.certificate.clone() else { return Reloaded::NotNamed };
        let reloaded = self.renew(certificate).await.unwrap_or_else(|reason| {
            log::error!("the certificate was not reloaded, the previous one stays in use: {reason}");
            Reloaded::Refused { reason }
        });
        if let Some(line) = reloaded.line(&self.texts) {
            announcer.announce(line);
        }
        reloaded
    }

    async fn renew(&self, certificate: CertificateFiles) -> Result<Reloaded, String> {
        let folder = self.folder.clone();
        let files = certificate.clone();
        let loaded = spawn_blocking(move || super::load_identity(&folder, Some(&files)));
        let identity = loaded.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        super::warn_about(&identity, Some(&certificate));
        let previous = self.server.fingerprint();
        self.server.reload_certificate(&identity);
        let fingerprint = identity.fingerprint();
        if previous == fingerprint {
            return Ok(Reloaded::SameKey);
        }
        log::warn!("the certificate has a new key: clients that know the previous fingerprint will refuse this server");
        Ok(Reloaded::NewKey { fingerprint: fingerprint.to_string() })
    }
}

impl Reloaded {
    /// The output of `chat-server reload`.
    ///
    /// # Errors
    /// The certificate was refused.
    pub(super) fn report(self, texts: &Texts) -> Result<String, CliError> {
        if let Self::Refused { reason } = self {
            return Err(CliError::failed(move |texts: &Texts| texts.say().certificate_not_reloaded(&reason))
                .hint(|texts: &Texts| texts.say().hint_certificate_not_reloaded()));
        }
        let t = texts.say();
        let mut lines = t.presence_log_reopened() + "\n";
        if let Some(line) = self.line(texts) {
            lines += &format!("{line}\n");
        }
        if matches!(self, Self::NewKey { .. }) {
            // If standard error is closed, nobody reads it.
            drop(writeln!(io::stderr(), "{}", t.note_line(t.certificate_new_key())));
        }
        Ok(lines)
    }

    /// The line about a new certificate.
    fn line(&self, texts: &Texts) -> Option<String> {
        match self {
            Self::NotNamed | Self::Refused { .. } => None,
            Self::SameKey => Some(texts.say().certificate_reloaded()),
            Self::NewKey { fingerprint } => Some(texts.say().certificate_reloaded_new_key(fingerprint)),
        }
    }
}
