//! The presence log: one line per event, appended by a thread of its own, so that a slow or full disk delays nobody.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use chat_core::presence::{Presence, PresenceEvent, Record};
use chat_core::time::Timestamp;
use serde::Serialize;

use super::ServerOptions;
use super::monitor::{Counters, Metric};

/// How many lines may wait for the disk: everybody of a large room coming at once, twice. Beyond that they are lost and
/// counted: memory must not grow because a disk stands still.
const QUEUE: usize = 16_384;

/// Asks a running server to open its presence log anew, as after log rotation (SIGHUP). Clones ask the same server.
#[derive(Clone, Debug, Default)]
pub struct ReopenLog(Arc<AtomicBool>);

impl ReopenLog {
    /// The next line goes to a file newly opened by the log's name.
    pub fn request(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// What a line of the presence log looks like.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum PresenceLogFormat {
    /// For people: time, event, user, address or reason, with a space between.
    #[default]
    Text,
    /// For programs: one JSON object per line, documented in docs/JSON.md.
    Json,
}

impl PresenceLogFormat {
    fn line(self, record: &Record) -> String {
        match self {
            Self::Text => record.to_string(),
            Self::Json => serde_json::to_string(&Line::of(record)).expect("names, addresses and numbers are JSON"),
        }
    }
}

/// The fields in the order in which they are written.
#[derive(Serialize)]
struct Line<'a> {
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    at: u64,
}

impl<'a> Line<'a> {
    fn of(record: &'a Record) -> Self {
        let server = |event, at: Timestamp| Self { event, user: None, address: None, reason: None, at: at.as_millis() };
        let PresenceEvent { at, user, presence } = match record {
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

/// The near end: gives lines to the thread, or counts them as lost.
pub(crate) struct PresenceLog {
    lines: SyncSender<Record>,
    counters: Arc<Counters>,
    thread: JoinHandle<()>,
}

impl PresenceLog {
    /// Opens the log (mode 0600 when it is made) and starts the thread.
    ///
    /// # Errors
    /// The file cannot be opened, or the thread cannot be started.
    pub(crate) fn open(path: PathBuf, options: &ServerOptions, counters: Arc<Counters>) -> io::Result<Self> {
        let file = open(&path)?;
        let (lines, queue) = sync_channel(QUEUE);
        let mut writer = Writer {
            path,
            file: Some(file),
            format: options.presence_log_format,
            reopen: options.reopen_log.clone(),
            torn: false,
            counters: Arc::clone(&counters),
            failing: false,
        };
        let thread = thread::Builder::new().name("presence-log".to_owned()).spawn(move || writer.run(&queue))?;
        Ok(Self { lines, counters, thread })
    }

    /// Never waits.
    pub(crate) fn write(&self, record: &Record) {
        if self.lines.try_send(record.clone()).is_err() {
            self.counters.add(Metric::PresenceLogLost, 1);
        }
    }

    /// Waits until all lines are written. Blocks: for a thread that may.
    pub(crate) fn close(self) {
        drop(self.lines);
        if self.thread.join().is_err() {
            log::error!("the presence log ended early");
        }
    }
}

struct Writer {
    path: PathBuf,
    file: Option<File>,
    format: PresenceLogFormat,
    reopen: ReopenLog,
    /// A line was cut short: the next one must not be glued to it.
    torn: bool,
    counters: Arc<Counters>,
    failing: bool,
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
        if self.reopen.0.swap(false, Ordering::Acquire) {
            self.file = None;
        }
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(open(&self.path)?),
        };
        // One write per line: appended lines of several writers do not mix, and nothing waits in a buffer.
        let line = self.format.line(record);
        let line = if self.torn { format!("\n{line}\n") } else { format!("{line}\n") };
        let mut rest = line.as_bytes();
        while !rest.is_empty() {
            match file.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    rest = &rest[written..];
                    self.torn = !rest.is_empty();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// One error line for a disk that fails, however long it does.
    fn failed(&mut self, error: &io::Error) {
        self.counters.add(Metric::PresenceLogLost, 1);
        if !self.failing {
            self.failing = true;
            log::error!("the presence log {} cannot be written: {error}; lines are lost", self.path.display());
        }
    }

    fn recovered(&mut self) {
        if self.failing {
            self.failing = false;
            let lost = self.counters.get(Metric::PresenceLogLost);
            log::warn!("the presence log {} is written again; {lost} lines are lost so far", self.path.display());
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
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
    fn lines_are_appended_and_a_reopened_log_begins_a_new_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("presence.log");
        fs::write(&path, "before\n").unwrap();
        let mut writer = writer(&path);
        writer.append(&record(1)).unwrap();
        fs::rename(&path, folder.path().join("old")).unwrap();
        writer.append(&record(2)).unwrap();
        writer.reopen.request();
        writer.append(&record(3)).unwrap();
        assert_eq!(
            fs::read_to_string(folder.path().join("old")).unwrap(),
            "before\n1970-01-01T00:00:00.001Z server started\n1970-01-01T00:00:00.002Z server started\n"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), "1970-01-01T00:00:00.003Z server started\n");
    }

    /// The schema of docs/JSON.md.
    #[test]
    fn lines_for_programs_have_the_documented_form() {
        let at = Timestamp::from_millis(1_795_408_080_123);
        let address = "192.168.1.7:40001".parse().unwrap();
        let presence =
            |presence| Record::Presence(PresenceEvent { at, user: UserName::parse("小明").unwrap(), presence });
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

    #[cfg(unix)]
    #[test]
    fn a_new_log_is_for_its_owner_only_and_complete_once_closed() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("presence.log");
        let log = PresenceLog::open(path.clone(), &ServerOptions::default(), Arc::default()).unwrap();
        for millis in 0..1_000 {
            log.write(&record(millis));
        }
        log.close();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 1_000);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_told_once_and_the_lines_are_counted() {
        let mut writer = writer(Path::new("/dev/full"));
        for millis in 0..3 {
            let error = writer.append(&record(millis)).unwrap_err();
            assert!(!writer.failing || millis > 0);
            writer.failed(&error);
        }
        assert_eq!(writer.counters.get(Metric::PresenceLogLost), 3);
        writer.recovered();
        assert!(!writer.failing);
    }

    #[test]
    fn a_line_cut_short_is_not_continued() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("presence.log");
        fs::write(&path, "1970-01-01T00:0").unwrap();
        let mut writer = Writer { torn: true, ..writer(&path) };
        writer.append(&record(1)).unwrap();
        writer.append(&record(2)).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 3);
    }

    fn writer(path: &Path) -> Writer {
        Writer {
            path: path.into(),
            file: Some(open(path).unwrap()),
            format: PresenceLogFormat::Text,
            reopen: ReopenLog::default(),
            torn: false,
            counters: Arc::default(),
            failing: false,
        }
    }
}
