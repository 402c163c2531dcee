//! The file in which lines are remembered from one session to the next.
//!
//! Each line of the file is a line that was typed, as a JSON string, because a pasted line can contain line ends. The file
//! is private to its owner, because texts of private messages are in it. Several clients can use it at once.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::history::MAX_LINES;
use crate::platform::files;
use crate::texts::{Localised, Texts};

/// The longest line that is remembered, in bytes: more than anybody types. Pasted texts can be longer.
const MAX_LINE_BYTES: usize = 2_048;

/// The most bytes that are read: as many lines as are remembered, if each is as long as it can be in JSON.
const MAX_READ_BYTES: u64 = 6 * (MAX_LINES * MAX_LINE_BYTES) as u64;

/// The number of lines at which the file is shortened to those that are remembered.
const MAX_FILE_LINES: usize = 2 * MAX_LINES;

/// An open file.
#[derive(Debug)]
pub(super) struct HistoryFile {
    file: File,
    /// The lines in the file, as far as this client knows.
    lines: usize,
}

/// Why a file cannot hold the history. The sentence follows a colon after one that names the file.
#[derive(Debug)]
pub(in crate::client) enum HistoryFileError {
    /// The system refuses it.
    Io(io::Error),
    /// It is a folder, a device, or the like.
    NotAFile,
    /// It contains something else.
    Foreign,
}

impl HistoryFile {
    /// Opens the file, and creates it if there is none. Returns the lines in it as well, the newest last.
    ///
    /// # Errors
    /// The file cannot be used. It stays as it is, unless it lacked only its mode.
    pub(super) fn open(path: &Path) -> Result<(Self, Vec<String>), HistoryFileError> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            files::create_private_folder(folder)?;
        }
        if files::is_device(path) || fs::metadata(path).is_ok_and(|found| !found.is_file()) {
            return Err(HistoryFileError::NotAFile);
        }
        let mut file = files::private(OpenOptions::new().read(true).append(true).create(true)).open(path)?;
        let first = file.metadata()?.len().saturating_sub(MAX_READ_BYTES);
        file.seek(SeekFrom::Start(first))?;
        let mut bytes = Vec::new();
        Read::by_ref(&mut file).take(MAX_READ_BYTES).read_to_end(&mut bytes)?;
        let whole = parse(&bytes, if first > 0 { Beginning::Cut } else { Beginning::Whole })?;
        files::make_private(&file)?;
        let Lines { mut lines, end } = whole;
        let mut history = Self { file, lines: lines.len() };
        let excess = lines.len().saturating_sub(MAX_LINES);
        if lines.len() >= MAX_FILE_LINES || first > 0 || end == End::Torn {
            drop(lines.drain(..excess));
            history.replace(&lines)?;
        } else {
            drop(lines.drain(..excess));
        }
        Ok((history, lines))
    }

    /// Adds a line, unless it is too long.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn append(&mut self, line: &str) -> io::Result<()> {
        if line.len() > MAX_LINE_BYTES {
            return Ok(());
        }
        self.lines += 1;
        // With one call, so that lines of several clients do not mix.
        self.file.write_all(encode(line).as_bytes())
    }

    /// Replaces the content. Lines that another client adds at this moment may be lost.
    fn replace(&mut self, lines: &[String]) -> io::Result<()> {
        self.file.set_len(0)?;
        self.lines = lines.len();
        self.file.write_all(lines.iter().map(|line| encode(line)).collect::<String>().as_bytes())
    }
}

impl Localised for HistoryFileError {
    fn text(&self, texts: &Texts) -> String {
        match self {
            Self::Io(error) => error.to_string(),
            Self::NotAFile => texts.say().history_not_a_file(),
            Self::Foreign => texts.say().history_foreign(),
        }
    }
}

impl From<io::Error> for HistoryFileError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Whether the first line that was read is a whole one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Beginning {
    Whole,
    Cut,
}

/// Whether the last line that was read is a whole one. It is not if the system stopped while it was written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum End {
    Whole,
    Torn,
}

#[derive(Debug)]
struct Lines {
    lines: Vec<String>,
    end: End,
}

fn parse(bytes: &[u8], beginning: Beginning) -> Result<Lines, HistoryFileError> {
    let mut parts: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    // The rest after the last line end.
    let rest = parts.pop().unwrap_or_default();
    let skipped = usize::from(beginning == Beginning::Cut);
    let decode = |part: &&[u8]| serde_json::from_slice::<String>(part).map_err(|_| HistoryFileError::Foreign);
    let lines = parts.iter().skip(skipped).map(decode).collect::<Result<Vec<String>, _>>()?;
    let end = if rest.is_empty() { End::Whole } else { End::Torn };
    if lines.is_empty() && end == End::Torn && !rest.starts_with(b"\"") {
        return Err(HistoryFileError::Foreign);
    }
    Ok(Lines { lines, end })
}

fn encode(line: &str) -> String {
    serde_json::to_string(line).expect("a string has a JSON form") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &Path) -> Vec<String> {
        HistoryFile::open(path).unwrap().1
    }

    #[test]
    fn lines_are_there_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new").join("history");
        let (mut one, lines) = HistoryFile::open(&path).unwrap();
        assert!(lines.is_empty());
        one.append("你好").unwrap();
        let (mut other, _) = HistoryFile::open(&path).unwrap();
        other.append("one\ntwo \"three\"").unwrap();
        one.append(&"x".repeat(MAX_LINE_BYTES + 1)).unwrap();
        assert_eq!(open(&path), ["你好", "one\ntwo \"three\""]);
    }

    #[cfg(unix)]
    #[test]
    fn the_file_and_its_folder_are_private() {
        use std::os::unix::fs::PermissionsExt;

        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new").join("history");
        open(&path);
        assert_eq!((mode(path.parent().unwrap()), mode(&path)), (0o700, 0o600));
        fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
        open(&path);
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn a_long_file_is_shortened_to_its_newest_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history");
        let all: Vec<String> = (0..MAX_FILE_LINES).map(|number| number.to_string()).collect();
        fs::write(&path, all.iter().map(|line| encode(line)).collect::<String>()).unwrap();
        assert_eq!(open(&path), all[MAX_LINES..]);
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), MAX_LINES);
        // More than is read.
        let long = encode(&"\u{1}".repeat(MAX_LINE_BYTES));
        fs::write(&path, long.repeat(MAX_LINES + 9)).unwrap();
        assert!(fs::metadata(&path).unwrap().len() > MAX_READ_BYTES);
        assert!(open(&path).len() < MAX_LINES);
        assert!(fs::metadata(&path).unwrap().len() <= MAX_READ_BYTES);
    }

    #[test]
    fn a_torn_line_is_forgotten_and_the_next_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history");
        for (content, lines) in [("\"one\"\n\"tw", vec!["one"]), ("\"on", vec![]), ("", vec![])] {
            fs::write(&path, content).unwrap();
            let (mut history, found) = HistoryFile::open(&path).unwrap();
            assert_eq!(found, lines);
            history.append("next").unwrap();
            assert_eq!(open(&path), [lines, vec!["next"]].concat());
        }
    }

    #[test]
    fn other_files_stay_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        for content in ["my notes\n", "no line end", "\"one\"\nnotes\n", "\u{ff}\n", "{}\n"] {
            fs::write(&path, content).unwrap();
            assert!(matches!(HistoryFile::open(&path), Err(HistoryFileError::Foreign)), "{content:?}");
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
        assert!(matches!(HistoryFile::open(folder.path()), Err(HistoryFileError::NotAFile)));
        let device = if cfg!(windows) { "NUL" } else { "/dev/null" };
        assert!(matches!(HistoryFile::open(Path::new(device)), Err(HistoryFileError::NotAFile)));
        assert!(matches!(HistoryFile::open(&path.join("history")), Err(HistoryFileError::Io(_))));
    }
}
