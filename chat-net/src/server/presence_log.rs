//! The presence log: one line per event, appended by a thread of its own, so that a slow or full disk delays nobody.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use chat_core::presence::Record;

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

/// The near end: gives lines to the thread, or counts them as lost.
pub(crate) struct PresenceLog {
    lines: SyncSender<Record>,
    lost: Arc<AtomicU64>,
    thread: JoinHandle<()>,
}

impl PresenceLog {
    /// Opens the log (mode 0600 when it is made) and starts the thread.
    ///
    /// # Errors
    /// The file cannot be opened, or the thread cannot be started.
    pub(crate) fn open(path: PathBuf, reopen: ReopenLog) -> io::Result<Self> {
        let file = open(&path)?;
        let (lines, queue) = sync_channel(QUEUE);
        let lost = Arc::new(AtomicU64::new(0));
        let mut writer =
            Writer { path, file: Some(file), reopen, torn: false, lost: Arc::clone(&lost), failing: false };
        let thread = thread::Builder::new().name("presence-log".to_owned()).spawn(move || writer.run(&queue))?;
        Ok(Self { lines, lost, thread })
    }

    /// Never waits.
    pub(crate) fn write(&self, record: &Record) {
        if self.lines.try_send(record.clone()).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
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
    reopen: ReopenLog,
    /// A line was cut short: the next one must not be glued to it.
    torn: bool,
    lost: Arc<AtomicU64>,
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
        let lost = self.lost.load(Ordering::Relaxed);
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
        let line = if self.torn { format!("\n{record}\n") } else { format!("{record}\n") };
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
        self.lost.fetch_add(1, Ordering::Relaxed);
        if !self.failing {
            self.failing = true;
            log::error!("the presence log {} cannot be written: {error}; lines are lost", self.path.display());
        }
    }

    fn recovered(&mut self) {
        if self.failing {
            self.failing = false;
            let lost = self.lost.load(Ordering::Relaxed);
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

    use chat_core::time::Timestamp;

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

    #[cfg(unix)]
    #[test]
    fn a_new_log_is_for_its_owner_only_and_complete_once_closed() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("presence.log");
        let log = PresenceLog::open(path.clone(), ReopenLog::default()).unwrap();
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
        assert_eq!(writer.lost.load(Ordering::Relaxed), 3);
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
            reopen: ReopenLog::default(),
            torn: false,
            lost: Arc::default(),
            failing: false,
        }
    }
}
