//! Reads a file that another program appends to, line by line, also after the file has been rotated.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use crate::platform::files;

/// The maximum length of a line in bytes: twenty times the longest record. Of a longer line, nothing is kept.
const MAX_LINE: usize = 4_096;

/// A line of the file, without its line end.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Line {
    /// Its text.
    Text(String),
    /// It is too long or not UTF-8.
    Unreadable,
}

/// A file that is read to its end, and on when it grows.
#[derive(Debug)]
pub(super) struct Tail {
    path: PathBuf,
    file: BufReader<File>,
    /// The bytes read so far.
    position: u64,
    /// The beginning of a line whose end is not written yet.
    partial: Vec<u8>,
    /// The line that is being read is too long.
    is_too_long: bool,
    /// The file that has taken the place of this one.
    successor: Option<File>,
}

impl Tail {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self::of(path.to_owned(), File::open(path)?))
    }

    fn of(path: PathBuf, file: File) -> Self {
        let file = BufReader::new(file);
        Self { path, file, position: 0, partial: Vec::new(), is_too_long: false, successor: None }
    }

    /// The next complete line. `None` if there is none yet.
    pub(super) fn next_line(&mut self) -> io::Result<Option<Line>> {
        loop {
            let room = (MAX_LINE + 1).saturating_sub(self.partial.len()) as u64;
            let read = (&mut self.file).take(room).read_until(b'\n', &mut self.partial)?;
            if read == 0 {
                return Ok(None);
            }
            self.position += read as u64;
            let is_complete = self.partial.last() == Some(&b'\n');
            if !is_complete && self.partial.len() <= MAX_LINE {
                continue;
            }
            let mut line = std::mem::take(&mut self.partial);
            self.is_too_long |= !is_complete;
            if is_complete {
                line.pop();
                let text = if std::mem::take(&mut self.is_too_long) { None } else { String::from_utf8(line).ok() };
                return Ok(Some(text.map_or(Line::Unreadable, Line::Text)));
            }
        }
    }

    /// Whether the last line has no end yet.
    pub(super) fn is_incomplete(&self) -> bool {
        self.is_too_long || !self.partial.is_empty()
    }

    /// Notices at the end of the file that the file was truncated, or that another one has its path. Returns whether
    /// there may be more to read.
    ///
    /// After a rotation the server writes to the renamed file until its next record, which creates the new file. So the
    /// renamed file is complete once the new one has content, and is then read to its end before the new one.
    pub(super) fn renew(&mut self) -> io::Result<bool> {
        if let Some(successor) = self.successor.take() {
            *self = Self::of(std::mem::take(&mut self.path), successor);
            return Ok(true);
        }
        let current = self.file.get_ref().metadata()?;
        if current.len() < self.position {
            self.file.rewind()?;
            (self.position, self.is_too_long) = (0, false);
            self.partial.clear();
            return Ok(true);
        }
        // A renamed file has no successor until the server writes its next record.
        let Ok(named) = fs::metadata(&self.path) else { return Ok(false) };
        let is_other = !files::is_at(self.file.get_ref(), &self.path)?;
        if is_other && named.len() > 0 {
            self.successor = File::open(&self.path).ok();
        }
        Ok(self.successor.is_some())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// All lines that can be read now.
    fn lines(tail: &mut Tail) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            while let Some(line) = tail.next_line().unwrap() {
                lines.push(match line {
                    Line::Text(text) => text,
                    Line::Unreadable => "UNREADABLE".to_owned(),
                });
            }
            if !tail.renew().unwrap() {
                return lines;
            }
        }
    }

    fn append(path: &Path, content: &[u8]) {
        File::options().append(true).create(true).open(path).unwrap().write_all(content).unwrap();
    }

    #[test]
    fn a_line_is_returned_once_its_end_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        append(&path, b"one\ntw");
        let mut tail = Tail::open(&path).unwrap();
        assert_eq!(lines(&mut tail), ["one"]);
        assert!(tail.is_incomplete());
        append(&path, b"o\nthree\n");
        assert_eq!(lines(&mut tail), ["two", "three"]);
        assert!(!tail.is_incomplete());
    }

    #[test]
    fn long_and_binary_lines_are_unreadable_and_the_next_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        append(&path, &[&[b'x'; 3 * MAX_LINE][..], b"\none\n\xff\ntwo\n"].concat());
        append(&path, &[&[b'y'; MAX_LINE][..], b"\n"].concat());
        let read = lines(&mut Tail::open(&path).unwrap());
        assert_eq!(read[..4], ["UNREADABLE", "one", "UNREADABLE", "two"]);
        assert_eq!(read[4].len(), MAX_LINE);
    }

    #[test]
    fn a_rotated_file_is_read_to_its_end_before_the_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let (path, old) = (folder.path().join("log"), folder.path().join("log.1"));
        append(&path, b"one\n");
        let mut tail = Tail::open(&path).unwrap();
        assert_eq!(lines(&mut tail), ["one"]);
        fs::rename(&path, &old).unwrap();
        append(&old, b"two\n");
        assert_eq!(lines(&mut tail), ["two"]);
        // logrotate can create the new file while the server still writes to the old one.
        append(&path, b"");
        append(&old, b"three\n");
        assert_eq!(lines(&mut tail), ["three"]);
        append(&old, b"four\n");
        append(&path, b"five\n");
        assert_eq!(lines(&mut tail), ["four", "five"]);
        append(&path, b"six\n");
        assert_eq!(lines(&mut tail), ["six"]);
    }

    #[test]
    fn a_truncated_file_is_read_from_its_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        append(&path, b"a long line\nand a part");
        let mut tail = Tail::open(&path).unwrap();
        assert_eq!(lines(&mut tail), ["a long line"]);
        fs::write(&path, "new\n").unwrap();
        assert_eq!(lines(&mut tail), ["new"]);
    }
}
