//! The presence log: one line per record, appended by its own thread, so that a slow or full disk delays no other task.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use chat_core::presence::{Presence, PresenceEvent, Record};
use chat_core::time::Timestamp;
use serde::Serialize;

use super::Reload;
use super::ServerOptions;
use super::lifetime::Lifetime;
use super::monitor::{Counters, Metric};
use crate::error::ServeError;
use crate::platform;

/// The most records that may wait for the disk: room for all users of a large room who log in at the same time. Further
/// records are lost and counted, because memory must not grow when a disk stalls.
const QUEUE: usize = 16_384;

/// The format of the presence log.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum PresenceLogFormat {
    /// For people: time, event, user name, address or reason, separated by spaces.
    #[default]
    Text,
    /// For programs: one JSON object per line, as documented in docs/JSON.md.
    Json,
}

impl PresenceLogFormat {
    fn line(self, record: &Record) -> String {
        match self {
            Self::Text => record.to_string(),
            Self::Json => {
                serde_json::to_string(&JsonLine::from(record)).expect("names, addresses and numbers are JSON")
            }
        }
    }
}

/// Parses `text` and `json`.
impl FromStr for PresenceLogFormat {
    type Err = PresenceLogFormatError;

    fn from_str(typed: &str) -> Result<Self, PresenceLogFormatError> {
        match typed {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(PresenceLogFormatError),
        }
    }
}

/// The text is not the name of a format.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("unknown format of the presence log; allowed are text and json")]
#[non_exhaustive]
pub struct PresenceLogFormatError;

/// A record as a JSON object. The fields are written in this order.
#[derive(Serialize)]
struct JsonLine<'a> {
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    at: u64,
}

impl<'a> JsonLine<'a> {
    fn from(record: &'a Record) -> Self {
        let server = |event, at: Timestamp| Self { event, user: None, address: None, reason: None, at: at.as_millis() };
        let PresenceEvent { at, user, presence, .. } = match record {
            Record::Started(at) => return server("server-started", *at),
            Record::Stopping(at) => return server("server-stopping", *at),
            Record::Presence(event) => event,
        };
        let (event, address, reason) = match *presence {
            Presence::Online(address) => ("online", Some(address), None),
            Presence::Offline(reason) => ("offline", None, Some(reason.as_str())),
            Presence::Replaced(address) => ("replaced", Some(address), None),
            Presence::Moved(address) => ("moved", Some(address), None),
        };
        Self { event, user: Some(user.as_str()), address, reason, at: at.as_millis() }
    }
}

/// Hands records to the writing thread, or counts them as lost.
pub(crate) struct PresenceLog {
    records: SyncSender<Record>,
    counters: Arc<Counters>,
    thread: JoinHandle<()>,
}

impl PresenceLog {
    /// Opens the file, which is created with mode 0600, and starts the thread.
    ///
    /// # Errors
    /// The file cannot be opened, or the thread cannot be started.
    pub(super) fn open(
        path: PathBuf,
        options: &ServerOptions,
        counters: Arc<Counters>,
        lifetime: Lifetime,
    ) -> Result<Self, ServeError> {
        let file = open(&path).map_err(|source| ServeError::PresenceLog { path: path.clone(), source })?;
        let (records, queue) = sync_channel(QUEUE);
        let mut writer = Writer {
            path,
            file: Some(file),
            format: options.presence_log_format,
            reload: options.reload.clone(),
            is_torn: false,
            counters: Arc::clone(&counters),
            is_failing: false,
        };
        let thread = thread::Builder::new().name("presence-log".to_owned());
        let write = move || {
            writer.run(&queue);
            drop((writer, lifetime));
        };
        let thread = thread.spawn(write).map_err(ServeError::PresenceLogThread)?;
        Ok(Self { records, counters, thread })
    }

    /// Queues a record without waiting.
    pub(crate) fn write(&self, record: &Record) {
        if self.records.try_send(record.clone()).is_err() {
            self.counters.add(Metric::PresenceLogLost, 1);
        }
    }

    /// Blocks until all records are written.
    pub(crate) fn close(self) {
        drop(self.records);
        if self.thread.join().is_err() {
            log::error!("the thread of the presence log panicked");
        }
    }
}

struct Writer {
    path: PathBuf,
    file: Option<File>,
    format: PresenceLogFormat,
    reload: Reload,
    /// The last line is incomplete: the next one must not continue it.
    is_torn: bool,
    counters: Arc<Counters>,
    is_failing: bool,
}

impl Writer {
    fn run(&mut self, queue: &Receiver<Record>) {
        for record in queue {
            match self.append(&record) {
                Ok(()) => self.recovered(),
                Err(error) => self.failed(&error),
            }
        }
        let lost = self.counters.get(Metric::PresenceLogLost);
        if lost > 0 {
            log::error!("the presence log {} lacks {lost} lines", self.path.display());
        }
    }

    fn append(&mut self, record: &Record) -> io::Result<()> {
        if self.reload.take_presence_log() {
            self.file = None;
        }
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(open(&self.path)?),
        };
        // One write per line: the lines of several writers do not mix, and nothing stays in a buffer.
        let line = self.format.line(record);
        let line = if self.is_torn { format!("\n{line}\n") } else { format!("{line}\n") };
        let mut rest = line.as_bytes();
        while !rest.is_empty() {
            match file.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    rest = &rest[written..];
                    self.is_torn = !rest.is_empty();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Counts a lost line. Logs the error of the first one only.
    fn failed(&mut self, error: &io::Error) {
        self.counters.add(Metric::PresenceLogLost, 1);
        if !self.is_failing {
            self.is_failing = true;
            log::error!("the presence log {} cannot be written: {error}; lines are lost", self.path.display());
        }
    }

    fn recovered(&mut self) {
        if self.is_failing {
            self.is_failing = false;
            let lost = self.counters.get(Metric::PresenceLogLost);
            log::warn!("the presence log {} is written again; {lost} lines are lost so far", self.path.display());
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    platform::private(options.append(true).create(true)).open(path)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use chat_core::name::UserName;
    use chat_core::presence::OfflineReason;

    use super::*;

    fn record(millis: u64) -> Record {
        Record::Started(Timestamp::from_millis(millis))
    }

    #[test]
    fn a_reopened_log_continues_in_a_new_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("presence.log");
        fs::write(&path, "before\n").unwrap();
        let mut writer = writer(&path);
        writer.append(&record(1)).unwrap();
        fs::rename(&path, folder.path().join("old")).unwrap();
        writer.append(&record(2)).unwrap();
        writer.reload.presence_log();
        writer.append(&record(3)).unwrap();
        assert_eq!(
            fs::read_to_string(folder.path().join("old")).unwrap(),
            "before\n1970-01-01T00:00:00.001Z server started\n1970-01-01T00:00:00.002Z server started\n"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), "1970-01-01T00:00:00.003Z server started\n");
    }

    /// Also checks the examples in docs/JSON.md.
    #[test]
    fn json_lines_have_the_documented_form() {
        let at = Timestamp::from_millis(1_795_408_080_123);
        let address = "192.168.1.7:40001".parse().unwrap();
        let presence = |presence| Record::Presence(PresenceEvent::new(at, UserName::parse("小明").unwrap(), presence));
        for (record, line) in [
            (Record::Started(at), r#"{"event":"server-started","at":1795408080123}"#),
            (
                presence(Presence::Online(address)),
                r#"{"event":"online","user":"小明","address":"192.168.1.7:40001","at":1795408080123}"#,
            ),
            (
                presence(Presence::Offline(OfflineReason::TooSlow)),
                r#"{"event":"offline","user":"小明","reason":"too-slow","at":1795408080123}"#,
            ),
            (
                presence(Presence::Replaced(address)),
                r#"{"event":"replaced","user":"小明","address":"192.168.1.7:40001","at":1795408080123}"#,
            ),
            (
                presence(Presence::Moved(address)),
                r#"{"event":"moved","user":"小明","address":"192.168.1.7:40001","at":1795408080123}"#,
            ),
            (Record::Stopping(at), r#"{"event":"server-stopping","at":1795408080123}"#),
        ] {
            assert_eq!(PresenceLogFormat::Json.line(&record), line);
            assert!(include_str!("../../../docs/JSON.md").contains(line), "docs/JSON.md lacks {line}");
        }
    }

    #[test]
    fn formats_are_parsed_by_name() {
        assert_eq!("text".parse(), Ok(PresenceLogFormat::Text));
        assert_eq!("json".parse(), Ok(PresenceLogFormat::Json));
        assert_eq!("JSON".parse::<PresenceLogFormat>(), Err(PresenceLogFormatError));
    }

    #[cfg(unix)]
    #[test]
    fn a_new_log_is_private_and_complete_once_closed() {
        use std::os::unix::fs::PermissionsExt;

        use tokio_util::sync::CancellationToken;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("presence.log");
        let lifetime = Lifetime::new(Arc::default(), None, CancellationToken::new());
        let log = PresenceLog::open(path.clone(), &ServerOptions::default(), Arc::default(), lifetime).unwrap();
        for millis in 0..1_000 {
            log.write(&record(millis));
        }
        log.close();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 1_000);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_logged_once_and_lost_lines_are_counted() {
        let mut writer = writer(Path::new("/dev/full"));
        for millis in 0..3 {
            let error = writer.append(&record(millis)).unwrap_err();
            assert!(!writer.is_failing || millis > 0);
            writer.failed(&error);
        }
        assert_eq!(writer.counters.get(Metric::PresenceLogLost), 3);
        writer.recovered();
        assert!(!writer.is_failing);
    }

    #[test]
    fn a_line_after_a_torn_one_begins_a_new_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("presence.log");
        fs::write(&path, "1970-01-01T00:0").unwrap();
        let mut writer = Writer { is_torn: true, ..writer(&path) };
        writer.append(&record(1)).unwrap();
        writer.append(&record(2)).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 3);
    }

    fn writer(path: &Path) -> Writer {
        Writer {
            path: path.into(),
            file: Some(open(path).unwrap()),
            format: PresenceLogFormat::Text,
            reload: Reload::default(),
            is_torn: false,
            counters: Arc::default(),
            is_failing: false,
        }
    }
}
