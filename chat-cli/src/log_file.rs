//! The log file of a program with windows: what standard error gets, for those who do not see it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::platform::files;

/// The most bytes of a log file. A problem that repeats for days says nothing new, and must not fill a disk.
const MAX_BYTES: usize = 1024 * 1024;

/// The last line of a file that is full.
const FULL: &str = "the log file is full; standard error has the rest\n";

/// Writes to standard error, and to the file until it is full.
pub(crate) struct LogFile {
    file: File,
    room: usize,
}

/// Opens the log file of the program of this name in a folder. The file of the start before gets the ending `.old`. Other
/// users cannot read it.
pub(crate) fn open(folder: &Path, name: &str) -> io::Result<(PathBuf, LogFile)> {
    files::create_private_folder(folder)?;
    let path = folder.join(format!("{name}.log"));
    match fs::rename(&path, folder.join(format!("{name}.log.old"))) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = files::private(OpenOptions::new().write(true).create_new(true)).open(&path)?;
    Ok((path, LogFile { file, room: MAX_BYTES }))
}

impl Write for LogFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // Nobody may be there to read standard error, and a full disk must not silence it.
        let _unread = io::stderr().write_all(line);
        if line.len() <= self.room {
            self.room -= line.len();
            let _full_disk = self.file.write_all(line);
        } else if self.room > 0 {
            self.room = 0;
            let _full_disk = self.file.write_all(FULL.as_bytes());
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_start_has_a_file_of_its_own_and_keeps_the_one_before() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("chat-client");
        for line in ["one\n", "two\n", "three\n"] {
            let (path, mut log) = open(&folder, "window").unwrap();
            log.write_all(line.as_bytes()).unwrap();
            assert_eq!((fs::read_to_string(&path).unwrap().as_str(), path), (line, folder.join("window.log")));
        }
        assert_eq!(fs::read_to_string(folder.join("window.log.old")).unwrap(), "two\n");
    }

    #[test]
    fn a_full_file_says_so_once() {
        let folder = tempfile::tempdir().unwrap();
        let (path, mut log) = open(folder.path(), "window").unwrap();
        log.room = 8;
        for line in ["12345\n", "67890\n", "67890\n"] {
            assert_eq!(log.write(line.as_bytes()).unwrap(), line.len());
        }
        assert_eq!(fs::read_to_string(path).unwrap(), format!("12345\n{FULL}"));
    }
}
