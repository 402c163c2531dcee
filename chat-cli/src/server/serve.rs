//! Serving: announces the server, and runs it until it is asked to stop.

use std::future::Future;
use std::io::{self, IsTerminal, Write};

use chat_core::presence::{PresenceEvent, Record};

use super::announcer::Announcer;
use super::invite;
use super::start::{self, Ready};
use super::task::{CertificateFiles, ServeOptions};
use crate::error::{CliError, Exit};
use crate::folder::DataFolder;
use crate::isolate::{Reader, isolated};
use crate::texts::Texts;

/// Serves until `stop` resolves. Lines for the operator go to `out`.
///
/// # Errors
/// The server cannot start, or has to stop. The message says what is unusable.
pub async fn serve(
    folder: DataFolder,
    certificate: Option<CertificateFiles>,
    options: ServeOptions,
    out: impl Write + Send + 'static,
    stop: impl Future<Output = ()>,
    texts: &Texts,
) -> Result<Exit, CliError> {
    let (announcer, writer) = Announcer::new(out, texts.clone())?;
    let reader = if io::stdout().is_terminal() { Reader::Terminal } else { Reader::Other };
    let observe = |ready: &Ready<'_>| {
        let (mut greeting, announcer) = (Some(greeting(ready, texts)), announcer.clone());
        move |record: &Record| {
            // Only the first record shows that the server runs.
            greeting.take().into_iter().flatten().for_each(|line| announcer.announce(line));
            announcer.announce(line(record, reader));
        }
    };
    let started = start::start(folder, certificate, options, observe, texts).await?;
    let result = started.run(announcer, stop, texts).await;
    writer.wait();
    result.map(|()| Exit::Fine)
}

/// A record on standard output: the line of the presence log.
fn line(record: &Record, reader: Reader) -> String {
    let line = record.to_string();
    match record {
        // Nothing before the user name is written from right to left.
        Record::Presence(PresenceEvent { user, .. }) => {
            line.replacen(user.as_str(), &isolated(user.as_str(), reader), 1)
        }
        Record::Started(_) | Record::Stopping(_) => line,
    }
}

/// The lines that announce a server.
fn greeting(ready: &Ready<'_>, texts: &Texts) -> Vec<String> {
    let t = texts.say();
    let mut lines = vec![
        t.start_listening(ready.address.to_string()),
        t.start_folder(ready.folder.path().display().to_string()),
        t.start_fingerprint(ready.fingerprint.to_string()),
    ];
    lines.extend(invite::greeting(ready.address, ready.has_forwarder, texts));
    if let Some(address) = ready.metrics {
        lines.push(t.start_metrics(address.to_string()));
    }
    lines
}

#[cfg(test)]
mod tests {
    use chat_core::presence::{OfflineReason, Presence};

    use super::*;

    #[test]
    fn a_terminal_shows_each_record_in_order_and_a_file_has_the_documented_line() {
        let record = |user: &str| {
            let presence = Presence::Offline(OfflineReason::Lost);
            Record::Presence(PresenceEvent::new(Default::default(), user.parse().unwrap(), presence))
        };
        let shown = |user, reader| line(&record(user), reader)["1970-01-01T00:00:00.000Z ".len()..].to_owned();
        assert_eq!(shown("שלום", Reader::Terminal), "offline \u{2068}שלום\u{2069} lost");
        assert_eq!(shown("off", Reader::Terminal), "offline off lost");
        assert_eq!(line(&record("שלום"), Reader::Other), record("שלום").to_string());
    }
}
