//! The file of known servers: one line `HOST:PORT FINGERPRINT` per server.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::address::ServerAddress;
use crate::identity::Fingerprint;
use crate::{files, platform};

/// The file in which a client remembers the fingerprints of servers.
///
/// Several programs can share the file. Every call reads it again. A change locks a second file beside it and replaces
/// the whole file. An existing file keeps its mode. A new file gets mode 0600, and a new folder mode 0700. If the path
/// is a symbolic link, its target is locked and replaced. Reading or changing the file blocks the thread, and a change
/// waits up to 2 s for the lock. A client does both on a thread of its own.
#[derive(Clone, Debug)]
pub struct KnownServers {
    path: PathBuf,
}

/// The content of the file.
type Known = Vec<(ServerAddress, Fingerprint)>;

/// How long a change waits for the lock. Another program holds it for milliseconds, unless that program is suspended.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

impl KnownServers {
    /// Uses the file at `path`. The file does not have to exist.
    ///
    /// # Errors
    /// The file exists and cannot be read, or contains an invalid line.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, KnownServersError> {
        let store = Self { path: path.into() };
        store.read()?;
        Ok(store)
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The fingerprint that the file has for `server`, if there is one.
    ///
    /// # Errors
    /// See [`KnownServers::open`].
    pub fn get(&self, server: &ServerAddress) -> Result<Option<Fingerprint>, KnownServersError> {
        Ok(self.read()?.into_iter().find(|(known, _)| known == server).map(|(_, fingerprint)| fingerprint))
    }

    /// All servers that the file has, with their fingerprints, in the order in which they were added.
    ///
    /// # Errors
    /// See [`KnownServers::open`].
    pub fn all(&self) -> Result<Vec<(ServerAddress, Fingerprint)>, KnownServersError> {
        self.read()
    }

    /// Remembers `fingerprint` for `server`, unless the file has a fingerprint for it. Returns the fingerprint that the
    /// file then has. It is another one if another program has remembered the server in the meantime; one of the two
    /// programs may have met an impostor.
    ///
    /// # Errors
    /// See [`KnownServers::open`]. Also if the file cannot be written, or if another program holds its lock for 2 s.
    pub fn remember(&self, server: &ServerAddress, fingerprint: Fingerprint) -> Result<Fingerprint, KnownServersError> {
        self.change(|all| match all.iter().find(|(known, _)| known == server) {
            Some((_, known)) => *known,
            None => {
                all.push((server.clone(), fingerprint));
                fingerprint
            }
        })
    }

    /// Removes `server` from the file. Returns whether the file had it.
    ///
    /// # Errors
    /// See [`KnownServers::remember`].
    pub fn forget(&self, server: &ServerAddress) -> Result<bool, KnownServersError> {
        let is_known = self.get(server)?.is_some();
        if is_known {
            self.change(|all| all.retain(|(known, _)| known != server))?;
        }
        Ok(is_known)
    }

    /// Edits the file under the lock, so that no change of another program is lost.
    fn change<T>(&self, edit: impl FnOnce(&mut Known) -> T) -> Result<T, KnownServersError> {
        let failed = |source| KnownServersError::Write { path: self.path.clone(), source };
        let path = files::follow_links(&self.path).map_err(failed)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        folder.map_or(Ok(()), platform::create_private_folder).map_err(failed)?;
        let lock = || files::lock_beside(&path, LOCK_TIMEOUT).map_err(failed);
        let _lock = if files::is_device(&path) { None } else { Some(lock()?) };
        let mut all = self.read()?;
        let result = edit(&mut all);
        let text: String = all.iter().map(|(server, fingerprint)| format!("{server} {fingerprint}\n")).collect();
        files::replace(&path, text.as_bytes()).map_err(failed)?;
        Ok(result)
    }

    fn read(&self) -> Result<Known, KnownServersError> {
        // Fingerprints are no secret, so the file may stay readable.
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(KnownServersError::Read { path: self.path.clone(), source }),
        };
        let text = str::from_utf8(files::without_byte_order_mark(&bytes))
            .map_err(|_| KnownServersError::Line { path: self.path.clone(), line: 1 })?;
        // An invalid line is an error, because it may be the damaged line of the server that the caller asks for.
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        lines
            .map(|(number, line)| {
                parse(line).ok_or_else(|| KnownServersError::Line { path: self.path.clone(), line: number + 1 })
            })
            .collect()
    }
}

fn parse(line: &str) -> Option<(ServerAddress, Fingerprint)> {
    let (server, fingerprint) = line.trim().split_once(' ')?;
    Some((server.parse().ok()?, fingerprint.parse().ok()?))
}

/// Why the file of known servers cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KnownServersError {
    /// The file cannot be read.
    #[error("the known servers in {} cannot be read: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The file cannot be written, or its lock cannot be taken.
    #[error("the known servers in {} cannot be written: {source}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A line is invalid.
    #[error("line {line} of {} is not 'HOST:PORT FINGERPRINT'; correct or delete the line", .path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The number of the line, from 1.
        line: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(typed: &str) -> ServerAddress {
        typed.parse().unwrap()
    }

    #[test]
    fn servers_are_remembered_once_and_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chat/known-servers");
        let store = KnownServers::open(&path).unwrap();
        let [one, two] = [1, 2].map(|byte| Fingerprint::new([byte; 32]));
        assert_eq!(store.get(&server("lab")).unwrap(), None);
        assert_eq!(store.remember(&server("lab"), one).unwrap(), one);
        assert_eq!(store.remember(&server("[::1]:9"), two).unwrap(), two);
        assert_eq!(store.remember(&server("LAB:7777"), two).unwrap(), one, "the first fingerprint stays");
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("lab:7777 {one}\n[::1]:9 {two}\n"));
        assert_eq!(KnownServers::open(&path).unwrap().get(&server("lab")).unwrap(), Some(one));
        assert_eq!(store.all().unwrap(), [(server("lab"), one), (server("[::1]:9"), two)]);
        assert!(store.forget(&server("lab")).unwrap());
        assert!(!store.forget(&server("lab")).unwrap());
        assert_eq!(store.get(&server("[::1]:9")).unwrap(), Some(two));
    }

    #[test]
    fn concurrent_changes_are_all_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chat/known-servers");
        std::thread::scope(|scope| {
            for port in 1..=16 {
                let store = KnownServers::open(&path).unwrap();
                scope.spawn(move || {
                    store.remember(&server(&format!("lab:{port}")), Fingerprint::new([port; 32])).unwrap();
                });
            }
        });
        let store = KnownServers::open(&path).unwrap();
        for port in 1..=16 {
            let known = store.get(&server(&format!("lab:{port}"))).unwrap();
            assert_eq!(known, Some(Fingerprint::new([port; 32])), "port {port}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("known-servers");
        let fingerprint = Fingerprint::new([7; 32]);
        fs::write(&path, format!("\u{feff}a:1 {fingerprint}\n")).unwrap();
        assert_eq!(KnownServers::open(&path).unwrap().get(&server("a:1")).unwrap(), Some(fingerprint));
    }

    #[test]
    fn a_fingerprint_may_be_written_in_groups() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("known-servers");
        let fingerprint = Fingerprint::new([0x7a; 32]);
        fs::write(&path, format!("a:1 {}\nb:2 {}\n", "7a7a ".repeat(16), vec!["7A"; 32].join(":"))).unwrap();
        let store = KnownServers::open(&path).unwrap();
        for known in ["a:1", "b:2"] {
            assert_eq!(store.get(&server(known)).unwrap(), Some(fingerprint), "{known}");
        }
    }

    #[test]
    fn an_invalid_line_is_reported_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("known-servers");
        let text = format!("a:1 {}\n\nb:2 nonsense\n", Fingerprint::new([7; 32]));
        fs::write(&path, &text).unwrap();
        assert!(matches!(KnownServers::open(&path).unwrap_err(), KnownServersError::Line { line: 3, .. }));
        fs::write(&path, [0xff]).unwrap();
        assert!(matches!(KnownServers::open(&path).unwrap_err(), KnownServersError::Line { line: 1, .. }));
        let store = KnownServers { path: path.clone() };
        assert!(store.remember(&server("a:1"), Fingerprint::new([8; 32])).is_err());
        assert_eq!(fs::read(&path).unwrap(), [0xff]);
    }
}
