//! Reads text files that people write: up to a limit, as UTF-8, without the byte order mark that some editors write.
//! The text is wiped from memory after use, because most of these files hold a secret.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

use crate::texts::{Localised, Texts};

/// Why a text file cannot be used. The sentence follows a colon after one that names the file.
#[derive(Debug)]
pub(crate) enum TextFileError {
    /// The system cannot read it.
    Io(io::Error),
    /// It is larger than this many bytes.
    TooLarge(usize),
    /// Its first line is longer than this many bytes.
    LineTooLong(usize),
    /// It is not UTF-8.
    NotUtf8,
}

impl Localised for TextFileError {
    fn text(&self, texts: &Texts) -> String {
        let t = texts.say();
        match self {
            Self::Io(error) => error.to_string(),
            Self::TooLarge(max) => t.file_too_large(*max),
            Self::LineTooLong(max) => t.file_line_too_long(*max),
            Self::NotUtf8 => t.file_not_utf8(),
        }
    }
}

impl From<io::Error> for TextFileError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// In English, for messages that are not translated.
impl std::fmt::Display for TextFileError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text(&Texts::default()))
    }
}

/// Reads a whole file.
///
/// # Errors
/// The file cannot be read, is larger than `max_bytes`, or is not UTF-8.
pub(crate) fn read(path: &Path, max_bytes: usize) -> Result<Zeroizing<String>, TextFileError> {
    let bytes = bytes(path, max_bytes)?;
    if bytes.len() > max_bytes {
        return Err(TextFileError::TooLarge(max_bytes));
    }
    text(&bytes)
}

/// Reads the first line of a file, without its line end.
///
/// # Errors
/// The file cannot be read, or its first line is longer than 4096 bytes or not UTF-8.
pub(crate) fn first_line(path: &Path) -> Result<Zeroizing<String>, TextFileError> {
    let bytes = bytes(path, MAX_LINE)?;
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if line.len() > MAX_LINE {
        return Err(TextFileError::LineTooLong(MAX_LINE));
    }
    text(line.strip_suffix(b"\r").unwrap_or(line))
}

/// The maximum length of a line in bytes: more than the longest password, invitation code and database URL.
const MAX_LINE: usize = 4_096;

/// Reads at most `max_bytes` and one byte more. The extra byte shows that the file is longer.
fn bytes(path: &Path, max_bytes: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    let file = File::open(path)?;
    let length = file.metadata().map_or(0, |file| usize::try_from(file.len()).unwrap_or(usize::MAX));
    // Room for everything, because a buffer that grows leaves copies of the secret behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(length.max(MAX_LINE).min(max_bytes) + 1));
    file.take(max_bytes as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn text(bytes: &[u8]) -> Result<Zeroizing<String>, TextFileError> {
    let text = str::from_utf8(bytes).map_err(|_| TextFileError::NotUtf8)?;
    Ok(Zeroizing::new(text.strip_prefix('\u{feff}').unwrap_or(text).to_owned()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn byte_order_marks_and_line_ends_are_no_part_of_the_text() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for content in ["one", "one\n", "one\r\n", "one\ntwo", "\u{feff}one\r\ntwo\r\n", "\u{feff}one"] {
            fs::write(&path, content).unwrap();
            assert_eq!(first_line(&path).unwrap().as_str(), "one", "{content:?}");
        }
        fs::write(&path, "\u{feff}one\ntwo\u{feff}\n").unwrap();
        assert_eq!(read(&path, 100).unwrap().as_str(), "one\ntwo\u{feff}\n");
    }

    #[test]
    fn only_the_first_line_of_a_long_or_binary_file_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, [b"one\n".as_slice(), &[0xff; 2 * MAX_LINE]].concat()).unwrap();
        assert_eq!(first_line(&path).unwrap().as_str(), "one");
        assert_eq!(read(&path, 100).unwrap_err().to_string(), "it is larger than 100 bytes");
        assert_eq!(read(&path, 4 * MAX_LINE).unwrap_err().to_string(), "it is not UTF-8");
        fs::write(&path, [b'x'; 2 * MAX_LINE]).unwrap();
        assert_eq!(first_line(&path).unwrap_err().to_string(), "its first line is longer than 4096 bytes");
        assert!(first_line(Path::new("/dev/zero")).is_err());
    }
}
