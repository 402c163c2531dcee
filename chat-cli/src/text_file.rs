//! Reads text files that people write: up to a limit, as UTF-8, without the byte order mark that some editors write.
//! The text is wiped from memory after use, because most of these files hold a secret.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

/// Reads a whole file.
///
/// # Errors
/// The file cannot be read, is larger than `max_bytes`, or is not UTF-8. The message continues a sentence that begins
/// with "the file".
pub(crate) fn read(path: &Path, max_bytes: usize) -> io::Result<Zeroizing<String>> {
    let bytes = bytes(path, max_bytes)?;
    if bytes.len() > max_bytes {
        return Err(io::Error::other(format!("it is larger than {max_bytes} bytes")));
    }
    text(&bytes)
}

/// Reads the first line of a file, without its line end.
///
/// # Errors
/// The file cannot be read, or its first line is longer than 4096 bytes or not UTF-8. The message continues a sentence
/// that begins with "the file".
pub(crate) fn first_line(path: &Path) -> io::Result<Zeroizing<String>> {
    let bytes = bytes(path, MAX_LINE)?;
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if line.len() > MAX_LINE {
        return Err(io::Error::other(format!("its first line is longer than {MAX_LINE} bytes")));
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

fn text(bytes: &[u8]) -> io::Result<Zeroizing<String>> {
    let text = str::from_utf8(bytes).map_err(|_| io::Error::other("it is not UTF-8"))?;
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
