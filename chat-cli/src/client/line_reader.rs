//! Reads lines of bounded length. A line that is too long or not UTF-8 is an error of its own and does not end the input.

use std::io::{self, BufRead};

use chat_core::text::Text;

use crate::input_error::InputError;
use crate::platform::terminal;

/// The maximum length of a line, in bytes: the longest text with each byte as a JSON escape of six bytes, and the rest of
/// the object.
pub const MAX_LINE_BYTES: usize = 6 * Text::MAX_BYTES + 4_096;

/// The maximum length of a line that a terminal assembles, in bytes. A longer one may have lost its end.
pub const MAX_TERMINAL_LINE_BYTES: usize = terminal::MAX_LINE_BYTES;

/// Where lines come from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Source {
    /// A terminal that assembles them itself.
    Terminal,
    /// A pipe or a file.
    Stream,
}

/// Reads the next line without its line end, `\n` or `\r\n`. The last line needs none. `None` at the end of the input.
///
/// # Errors
/// Reading failed. The inner error is a line that is too long or not UTF-8, which is skipped.
pub fn read_line(input: &mut impl BufRead, source: Source) -> io::Result<Option<Result<String, InputError>>> {
    let mut line = Vec::new();
    let mut bytes = 0_usize;
    loop {
        let available = match input.fill_buf() {
            Ok(available) => available,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if available.is_empty() {
            return Ok((bytes > 0).then(|| finished(line, bytes, source)));
        }
        let end = available.iter().position(|&byte| byte == b'\n');
        let part = &available[..end.unwrap_or(available.len())];
        bytes = bytes.saturating_add(part.len());
        if bytes <= MAX_LINE_BYTES {
            line.extend_from_slice(part);
        }
        let used = part.len() + usize::from(end.is_some());
        input.consume(used);
        if end.is_some() {
            return Ok(Some(finished(line, bytes, source)));
        }
    }
}

fn finished(mut line: Vec<u8>, bytes: usize, source: Source) -> Result<String, InputError> {
    if source == Source::Terminal && bytes > MAX_TERMINAL_LINE_BYTES {
        return Err(InputError::TerminalLineTooLong { max: MAX_TERMINAL_LINE_BYTES });
    }
    if bytes > MAX_LINE_BYTES {
        return Err(InputError::LineTooLong { max: MAX_LINE_BYTES });
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    // Much text in UTF-16, which programs of Windows write, is valid UTF-8 with zero bytes between the characters.
    if source == Source::Stream && line.contains(&0) {
        return Err(InputError::NotUtf8);
    }
    String::from_utf8(line).map_err(|_| InputError::NotUtf8)
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn all(input: &[u8]) -> Vec<Result<String, InputError>> {
        // A small buffer, so that lines extend beyond it.
        let mut reader = BufReader::with_capacity(3, input);
        std::iter::from_fn(|| read_line(&mut reader, Source::Stream).unwrap()).collect()
    }

    fn ok(lines: &[&str]) -> Vec<Result<String, InputError>> {
        lines.iter().map(|&line| Ok(line.to_owned())).collect()
    }

    #[test]
    fn line_ends_are_removed() {
        for (input, lines) in [
            ("", &[][..]),
            ("a", &["a"]),
            ("hello\nworld\n", &["hello", "world"]),
            ("dos\r\n\r\nx", &["dos", "", "x"]),
            ("\n\n", &["", ""]),
            ("你好\n", &["你好"]),
            ("a\rb\n", &["a\rb"]),
        ] {
            assert_eq!(all(input.as_bytes()), ok(lines), "{input:?}");
        }
    }

    #[test]
    fn a_wrong_line_is_reported_and_the_next_one_is_read() {
        let long = [vec![b'x'; MAX_LINE_BYTES + 1], b"\nok\n".to_vec()].concat();
        assert_eq!(all(&long), [Err(InputError::LineTooLong { max: MAX_LINE_BYTES }), Ok("ok".to_owned())]);
        assert_eq!(all(b"\xff\nok"), [Err(InputError::NotUtf8), Ok("ok".to_owned())]);
        // "hi" and a line end in UTF-16. The last byte is the rest of the line end.
        assert_eq!(all(b"h\0i\0\n\0"), [Err(InputError::NotUtf8), Err(InputError::NotUtf8)]);
        let longest = vec![b'x'; MAX_LINE_BYTES];
        assert_eq!(all(&longest), [Ok("x".repeat(MAX_LINE_BYTES))]);
    }

    #[test]
    fn a_line_that_a_terminal_may_have_cut_is_refused() {
        let read = |bytes| read_line(&mut "x".repeat(bytes).as_bytes(), Source::Terminal).unwrap();
        assert_eq!(read(MAX_TERMINAL_LINE_BYTES), Some(Ok("x".repeat(MAX_TERMINAL_LINE_BYTES))));
        let error = InputError::TerminalLineTooLong { max: MAX_TERMINAL_LINE_BYTES };
        assert_eq!(read(MAX_TERMINAL_LINE_BYTES + 1), Some(Err(error)));
    }
}
